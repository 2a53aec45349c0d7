/* What --watch shows, from readings made by hand: history, view, pictures, lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "agent/prose.h"
#include "agent/watch/frame.h"
#include "agent/watch/line.h"
#include "agent/watch/view.h"
#include "aws/common/mem.h"

#define NOW_MS ((int64_t)1795600800000) /* 2026-11-25 10:00:00 UTC */

static struct config_database databases[60];
static char names[60][32];
static char host[] = "10.0.0.9", port[] = "5432", user[] = "poolwarden", region[] = "eu-west-1";

static struct config config_of(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "db%02zu", i);
        databases[i] =
            (struct config_database){.name = names[i],
                                     .identifier = names[i],
                                     .conninfo = {.host = host, .port = port, .user = user}};
    }
    return (struct config){.databases = databases, .database_count = count};
}

static void put(struct view *view, size_t index, enum metric_id metric, const char *extra,
                double value, int64_t time_ms)
{
    const struct reading reading = {.metric = metric,
                                    .database = names[index],
                                    .extra = extra,
                                    .time_ms = time_ms,
                                    .value = value};

    view_put(view, &reading);
}

static void put_pool(struct view *view, enum metric_id metric, double value, int64_t time_ms)
{
    const struct reading reading = {
        .metric = metric, .database = "db00", .pool = "api", .time_ms = time_ms, .value = value};

    view_put(view, &reading);
}

/* A sample as the sampler gives it: 47 usable. */
static void sample(struct view *view, size_t index, double used, int64_t time_ms)
{
    put(view, index, METRIC_DATABASE_CONNECTIONS, NULL, used, time_ms);
    put(view, index, METRIC_MAX_CONNECTIONS, NULL, 47, time_ms);
    put(view, index, METRIC_AVAILABLE_CONNECTIONS, NULL, 47 - used, time_ms);
    put(view, index, METRIC_CONNECTIONS_ACTIVE, NULL, 2, time_ms);
    put(view, index, METRIC_CONNECTIONS_IDLE, NULL, used - 3, time_ms);
    put(view, index, METRIC_CONNECTIONS_IDLE_IN_TRANSACTION, NULL, 1, time_ms);
    put(view, index, METRIC_CONNECTIONS_WAITING_ON_LOCK, NULL, 0, time_ms);
    put(view, index, METRIC_LONG_RUNNING_QUERIES, NULL, 0, time_ms);
    put(view, index, METRIC_LEAKED_CONNECTIONS, NULL, 1, time_ms);
    put(view, index, METRIC_STALE_IDLE_CONNECTIONS, NULL, 4, time_ms);
    put(view, index, METRIC_OLDEST_TRANSACTION_AGE, NULL, 720, time_ms);
    put(view, index, METRIC_CONNECTIONS_BY_APPLICATION, "jobs", 3, time_ms);
    put(view, index, METRIC_CONNECTIONS_BY_APPLICATION, "web", used - 3, time_ms);
    put(view, index, METRIC_CONNECTIONS_BY_APPLICATION, "gone", 0, time_ms);
    put(view, index, METRIC_CONNECTIONS_BY_DATABASE, "orders", used, time_ms);
    view->now_ms = time_ms;
    view_outcome(view, &databases[index], time_ms, NULL);
}

static void fail_sample(struct view *view, size_t index, enum err_code code, const char *message,
                        int64_t time_ms)
{
    struct err err = {.code = ERR_NONE};

    err_set(&err, code, "%s", message);
    view->now_ms = time_ms;
    view_outcome(view, &databases[index], time_ms, &err);
}

/* --- history -------------------------------------------------------------------------------- */

static void columns_hold_the_largest_of_their_seconds(void **state)
{
    struct history history;

    (void)state;
    history_init(&history);
    assert_true(isnan(history_column(&history, 1000, 5, 0)));
    for (int64_t second = 1000; second <= 1012; second++) {
        history_add(&history, second, (double)second);
    }
    assert_float_equal(history_column(&history, 1012, 5, 0), 1012, 0); /* 1010 to 1014 */
    assert_float_equal(history_column(&history, 1012, 5, 1), 1009, 0);
    assert_float_equal(history_column(&history, 1012, 5, 2), 1004, 0);
    assert_true(isnan(history_column(&history, 1012, 5, 3)));
    assert_float_equal(history_max(&history, 1012, 300), 1012, 0);
}

static void what_was_not_seen_is_a_gap(void **state)
{
    struct history history;

    (void)state;
    history_init(&history);
    history_add(&history, 1000, 7);
    history_add(&history, 1000 + HISTORY_SECONDS + 5, 9); /* a whole round later */
    assert_float_equal(history_max(&history, 1000 + HISTORY_SECONDS + 5, HISTORY_SECONDS), 9, 0);
    assert_true(isnan(history_column(&history, 1000 + HISTORY_SECONDS, 1, 0)));
    history_add(&history, 1000, 100); /* forgotten long ago */
    assert_float_equal(history_max(&history, 1000 + HISTORY_SECONDS + 5, HISTORY_SECONDS), 9, 0);
    history_add(&history, 1000 + HISTORY_SECONDS + 3, 11); /* late, but not too late */
    assert_float_equal(history_max(&history, 1000 + HISTORY_SECONDS + 5, HISTORY_SECONDS), 11, 0);
}

/* --- view ----------------------------------------------------------------------------------- */

static void a_view_keeps_the_newest(void **state)
{
    const struct config config = config_of(2);
    const struct view_holder *largest[VIEW_HOLDERS_MAX];
    struct view view;

    (void)state;
    view_init(&view, &config);
    assert_false(view.databases[0].is_known);
    sample(&view, 0, 20, NOW_MS);
    sample(&view, 0, 42, NOW_MS + 1000);
    assert_true(view.databases[0].is_up);
    assert_float_equal(view.databases[0].values[METRIC_DATABASE_CONNECTIONS], 42, 0);
    assert_false(view.databases[1].is_known);
    assert_int_equal(view_largest(&view.databases[0], &view.databases[0].applications, largest), 2);
    assert_string_equal(largest[0]->name, "web");
    assert_string_equal(largest[1]->name, "jobs");
    assert_true(view_has(&view.databases[0], METRIC_CONNECTIONS_ACTIVE));

    put(&view, 0, METRIC_DATABASE_CONNECTIONS, NULL, 43, NOW_MS + 2000); /* no longer privileged */
    assert_false(view_has(&view.databases[0], METRIC_CONNECTIONS_ACTIVE));
    view_done(&view);
}

static void the_same_identifier_in_two_regions_is_two(void **state)
{
    const struct config config = config_of(2);
    struct reading reading = {.metric = METRIC_DATABASE_CONNECTIONS,
                              .database = names[0],
                              .time_ms = NOW_MS,
                              .value = 7,
                              .region = region};
    struct view view;

    (void)state;
    databases[1].identifier = names[0];
    databases[1].region = region;
    view_init(&view, &config);
    view_put(&view, &reading);
    assert_true(isnan(view.databases[0].values[METRIC_DATABASE_CONNECTIONS]));
    assert_float_equal(view.databases[1].values[METRIC_DATABASE_CONNECTIONS], 7, 0);
    view_done(&view);
}

static void more_names_than_places_do_not_grow(void **state)
{
    const struct config config = config_of(1);
    const struct view_holder *largest[VIEW_HOLDERS_MAX];
    struct view view;

    (void)state;
    view_init(&view, &config);
    for (int round = 0; round < 2; round++) {
        int64_t time_ms = NOW_MS + 1000 * round;

        put(&view, 0, METRIC_DATABASE_CONNECTIONS, NULL, 100, time_ms);
        for (int i = 0; i < 40; i++) {
            char *name = mem_printf("round %d, %d", round, i);

            put(&view, 0, METRIC_CONNECTIONS_BY_APPLICATION, name, 1 + i, time_ms);
            free(name);
        }
        assert_int_equal(view_largest(&view.databases[0], &view.databases[0].applications, largest),
                         VIEW_HOLDERS_MAX);
        assert_int_equal(largest[0]->name[6], '0' + round); /* the gone ones made room */
    }
    for (int i = 0; i < 40; i++) {
        char *name = mem_printf("pool %d", i);
        const struct reading reading = {.metric = METRIC_POOL_TIMEOUT,
                                        .database = names[0],
                                        .pool = name,
                                        .time_ms = NOW_MS,
                                        .value = 1};

        view_put(&view, &reading);
        free(name);
    }
    assert_int_equal(view.databases[0].pool_count, VIEW_POOLS_MAX);
    view_done(&view);
}

static void timeouts_are_those_of_the_last_minute(void **state)
{
    const struct config config = config_of(1);
    struct view view;

    (void)state;
    view_init(&view, &config);
    put_pool(&view, METRIC_POOL_TIMEOUT, 5, NOW_MS);
    put_pool(&view, METRIC_POOL_TIMEOUT, 2, NOW_MS + 400);
    put_pool(&view, METRIC_POOL_TIMEOUT, 1, NOW_MS + 30000);
    assert_float_equal(view_timeouts(view.databases[0].pools, NOW_MS + 30000), 8, 0);
    assert_float_equal(view_timeouts(view.databases[0].pools, NOW_MS + 60000), 1, 0);
    view_done(&view);
}

/* --- pictures ------------------------------------------------------------------------------- */

static char *frame_of(const struct view *view, int columns, int rows, bool utf8)
{
    const struct frame_style style = {.columns = columns, .rows = rows, .utf8 = utf8};
    struct buf text;

    buf_init(&text, 1u << 20);
    frame_render(view, &style, &text);
    assert_true(buf_ok(&text));
    return buf_take(&text);
}

static void a_picture_at_80_by_24(void **state)
{
    const struct config config = config_of(1);
    struct view view;

    (void)state;
    view_init(&view, &config);
    sample(&view, 0, 20, NOW_MS - 12000);
    sample(&view, 0, 42, NOW_MS);
    put_pool(&view, METRIC_POOL_CLIENTS_WAITING, 3, NOW_MS);
    put_pool(&view, METRIC_POOL_MAX_WAIT, 2.5, NOW_MS);
    put_pool(&view, METRIC_POOL_TIMEOUT, 5, NOW_MS);
    char *text = frame_of(&view, 80, 24, false);

    assert_string_equal(
        text, "poolwarden  2026-11-25 10:00:00 UTC  1 database, q quits\n"
              "db00  poolwarden@10.0.0.9:5432  up\n"
              "  42/47  89 %   [#########################################|####......] 5 left\n"
              "  last 5 min                                                      : # max 42\n"
              "  active 2  idle 39  idle in transaction 1  waiting for a lock 0\n"
              "  long 0  leaked 1  stale 4  oldest transaction 12 min\n"
              "  pool api           waiting 3  longest 2.5 s  timeouts/min 5\n"
              "  applications                            databases\n"
              "  web                       39  83 %      orders                    42  89 %\n"
              "  jobs                       3   6 %\n"
              "\n\n\n\n\n\n\n\n\n\n\n\n\n");
    free(text);
    view_done(&view);
}

static void the_bar_has_its_mark_at_80_percent(void **state)
{
    static const struct {
        double used;
        const char *bar;
    } cases[] = {
        {0, "[........................................|..........]"},
        {37, "[########################################|..........]"},
        {47, "[########################################|##########]"},
        {50, "[########################################|##########]"}, /* into the reserve */
    };
    const struct config config = config_of(1);

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct view view;

        view_init(&view, &config);
        sample(&view, 0, cases[i].used, NOW_MS);
        char *text = frame_of(&view, 79, 24, false);

        assert_non_null(strstr(text, cases[i].bar));
        free(text);
        view_done(&view);
    }
}

/* Whatever the terminal, nothing is wider or higher than it. */
static void every_size_is_kept(void **state)
{
    static const size_t counts[] = {1, 2, 3, 5, 7, 12, 24, 60};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(counts); i++) {
        const struct config config = config_of(counts[i]);
        struct view view;

        view_init(&view, &config);
        for (size_t j = 0; j < counts[i]; j++) {
            sample(&view, j, 10 + (double)j, NOW_MS);
        }
        put_pool(&view, METRIC_POOL_CLIENTS_WAITING, 3, NOW_MS);
        for (int columns = 1; columns <= 220; columns += columns < 40 ? 1 : 19) {
            for (int rows = 1; rows <= 60; rows += rows < 12 ? 1 : 7) {
                char *text = frame_of(&view, columns, rows, true);
                int lines = 1;

                for (char *line = text; *line != '\0';) {
                    size_t len = strcspn(line, "\n");
                    bool last = line[len] == '\0';

                    line[len] = '\0';
                    assert_in_range(prose_length(line), 0, (unsigned)columns);
                    lines += last ? 0 : 1;
                    line += len + (last ? 0 : 1);
                }
                assert_in_range(lines, 1, (unsigned)rows);
                free(text);
            }
        }
        view_done(&view);
    }
}

static void more_databases_tell_less_of_each(void **state)
{
    static const struct {
        size_t count;
        int rows;
        const char *shown, *not_shown;
    } cases[] = {
        {1, 24, "applications", "more"},     {2, 24, "applications", "more"},
        {3, 24, "leaked 1", "applications"}, {4, 24, "leaked 1", "applications"},
        {5, 24, "last 5 min", "leaked 1"},   {7, 24, "active 2", "last 5 min"},
        {11, 24, "left", "active 2"},        {23, 24, "db22", "left"},
        {24, 24, "and 2 more", "left"},      {60, 200, "active 2", "more"},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const struct config config = config_of(cases[i].count);
        struct view view;

        print_message("%zu\n", cases[i].count);
        view_init(&view, &config);
        for (size_t j = 0; j < cases[i].count; j++) {
            sample(&view, j, 20, NOW_MS);
        }
        char *text = frame_of(&view, 80, cases[i].rows, false);

        assert_non_null(strstr(text, cases[i].shown));
        assert_null(strstr(text, cases[i].not_shown));
        free(text);
        view_done(&view);
    }
}

/* When there is no room for all, those in trouble have it. */
static void the_fullest_and_the_lost_stay_in_sight(void **state)
{
    const struct config config = config_of(40);
    struct view view;

    (void)state;
    view_init(&view, &config);
    for (size_t i = 0; i < 40; i++) {
        sample(&view, i, i == 39 ? 46 : 10, NOW_MS);
    }
    fail_sample(&view, 38, ERR_NET, "connection refused", NOW_MS);
    char *text = frame_of(&view, 80, 10, false);
    const char *lost = strstr(text, "db38"), *full = strstr(text, "db39");

    assert_true(lost && full && lost < full);
    assert_non_null(strstr(text, "DOWN for 0 s: connection refused"));
    assert_non_null(strstr(text, "and 32 more"));
    free(text);
    view_done(&view);
}

static void what_is_wrong_is_said(void **state)
{
    const struct config config = config_of(1);
    struct view view;

    (void)state;
    view_init(&view, &config);
    view.now_ms = NOW_MS;
    char *text = frame_of(&view, 80, 24, false);

    assert_non_null(strstr(text, "connecting"));
    assert_non_null(strstr(text, "  -/?"));
    free(text);

    sample(&view, 0, 42, NOW_MS);
    fail_sample(&view, 0, ERR_NET, "gone\x1b[2J", NOW_MS + 1000);
    fail_sample(&view, 0, ERR_NET, "gone\x1b[2J", NOW_MS + 61000);
    text = frame_of(&view, 80, 24, false);
    assert_non_null(strstr(text, "DOWN for 60 s: gone [2J\n"));
    assert_non_null(strstr(text, "  -/47 "));
    assert_null(strchr(text, '\x1b'));
    free(text);

    fail_sample(&view, 0, ERR_FULL, "sorry, too many clients already", NOW_MS + 62000);
    put(&view, 0, METRIC_DATABASE_CONNECTIONS, NULL, 47, NOW_MS + 62000);
    put(&view, 0, METRIC_AVAILABLE_CONNECTIONS, NULL, 0, NOW_MS + 62000);
    text = frame_of(&view, 80, 24, false);
    assert_non_null(strstr(text, "FULL for 61 s: sorry, too many clients already"));
    assert_non_null(strstr(text, "  47/47  100 % "));
    assert_non_null(strstr(text, " 0 left"));
    free(text);

    sample(&view, 0, 42, NOW_MS + 63000);
    put(&view, 0, METRIC_DATABASE_CONNECTIONS, NULL, 43, NOW_MS + 64000);
    text = frame_of(&view, 80, 24, false);
    assert_non_null(strstr(text, "GRANT pg_monitor"));
    free(text);
    view_done(&view);
}

static void names_can_not_steer_the_terminal(void **state)
{
    const struct config config = config_of(1);
    struct view view;

    (void)state;
    view_init(&view, &config);
    sample(&view, 0, 42, NOW_MS);
    put(&view, 0, METRIC_CONNECTIONS_BY_APPLICATION, "evil\x1b[2J and a very long name indeed", 9,
        NOW_MS);
    char *text = frame_of(&view, 80, 24, true);

    assert_null(strchr(text, '\x1b'));
    assert_non_null(strstr(text, "  evil?[2J and a very...     9  19 %"));
    free(text);
    view_done(&view);
}

/* --- lines ---------------------------------------------------------------------------------- */

static void a_line_where_there_is_no_terminal(void **state)
{
    const struct config config = config_of(2);
    struct view view;
    struct buf text;

    (void)state;
    view_init(&view, &config);
    sample(&view, 0, 42, NOW_MS);
    fail_sample(&view, 1, ERR_NET, "connection refused", NOW_MS);
    put_pool(&view, METRIC_POOL_CLIENTS_WAITING, 3, NOW_MS);
    put_pool(&view, METRIC_POOL_TIMEOUT, 0, NOW_MS);
    buf_init(&text, 65536);
    line_render(&view, &text);
    assert_string_equal(
        buf_text(&text),
        "2026-11-25T10:00:00Z db00 42/47 (89 %), active 2, idle 39, idle in transaction 1, waiting "
        "for a lock 0, long 0, leaked 1, stale 4, oldest transaction 12 min; web 39, jobs 3; pool "
        "api waiting 3, timeouts/min 0\n"
        "2026-11-25T10:00:00Z db01 down for 0 s: connection refused\n");
    buf_done(&text);
    view_done(&view);
}

/* Old numbers are not shown as if they were of now, and no timeouts are none that were counted. */
static void a_pool_that_is_not_seen_says_why(void **state)
{
    const struct config config = config_of(1);
    static char api[] = "api", web[] = "web";
    const struct config_pool seen = {.name = api, .of = &databases[0]};
    const struct config_pool unseen = {.name = web, .of = &databases[0]};
    struct view view;
    struct buf text;

    (void)state;
    view_init(&view, &config);
    put_pool(&view, METRIC_POOL_CLIENTS_WAITING, 3, NOW_MS);
    put_pool(&view, METRIC_POOL_SIZE, 2, NOW_MS);
    sample(&view, 0, 42, NOW_MS + 3000);
    view_pool_state(&view, &seen, NULL);
    view_pool_state(&view, &unseen, "StatsD: only the running agent hears it");
    char *before = frame_of(&view, 80, 24, false);
    sample(&view, 0, 42, NOW_MS + 9000);
    view_pool_state(&view, &seen, "its console can not be read: refused\033[2J");
    char *after = frame_of(&view, 80, 24, false);

    assert_non_null(strstr(before, "\n  pool api           waiting 3  size 2\n"));
    assert_non_null(
        strstr(before, "\n  pool web           StatsD: only the running agent hears it\n"));
    assert_non_null(strstr(after, "\n  pool api           its console can not be read: refused"));
    assert_null(strchr(after, '\033'));
    buf_init(&text, 65536);
    line_render(&view, &text);
    assert_non_null(strstr(buf_text(&text), "; pool api its console can not be read: refused"));
    assert_non_null(
        strstr(buf_text(&text), "; pool web StatsD: only the running agent hears it\n"));
    buf_done(&text);
    free(before);
    free(after);
    view_done(&view);
}

static void of_many_pools_those_that_wait_are_in_sight(void **state)
{
    const struct config config = config_of(1);
    struct view view;

    (void)state;
    view_init(&view, &config);
    for (int i = 0; i < 30; i++) {
        char *name = mem_printf("pool-%02d", i);
        const struct reading reading = {.metric = METRIC_POOL_CLIENTS_WAITING,
                                        .database = "db00",
                                        .pool = name,
                                        .time_ms = NOW_MS,
                                        .value = i == 27 ? 9 : 0};

        view_put(&view, &reading);
        free(name);
    }
    sample(&view, 0, 42, NOW_MS);
    char *small = frame_of(&view, 80, 24, false), *large = frame_of(&view, 80, 50, false);

    assert_non_null(strstr(small, "\n  pool pool-27       waiting 9\n  pool pool-00 "));
    assert_non_null(strstr(small, "\n  and 19 more pools\n  applications "));
    assert_non_null(strstr(large, "\n  pool pool-26       waiting 0\n  pool pool-27 "));
    assert_null(strstr(large, "more pools"));
    free(small);
    free(large);
    view_done(&view);
}

static void an_object_for_programs(void **state)
{
    const struct config config = config_of(2);
    struct view view;

    (void)state;
    view_init(&view, &config);
    sample(&view, 0, 42, NOW_MS);
    fail_sample(&view, 1, ERR_NET, "connection refused", NOW_MS);
    put_pool(&view, METRIC_POOL_TIMEOUT, 3, NOW_MS);
    json_t *document = line_json(&view);
    json_t *list = json_object_get(document, "databases");
    json_t *up = json_array_get(list, 0), *down = json_array_get(list, 1);
    char *metrics = json_dumps(json_object_get(up, "applications"), JSON_SORT_KEYS);

    assert_string_equal(json_string_value(json_object_get(document, "time")),
                        "2026-11-25T10:00:00Z");
    assert_int_equal(json_integer_value(json_object_get(up, "connections")), 42);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(up, "metrics"), "LeakedConnections")),
        1);
    assert_string_equal(metrics, "{\"jobs\": 3, \"web\": 39}");
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(json_object_get(up, "pools"), "api"), "timeouts_60s")),
                     3);
    assert_true(json_is_false(json_object_get(down, "up")));
    assert_string_equal(json_string_value(json_object_get(down, "error")), "connection refused");
    assert_true(json_is_null(json_object_get(down, "connections")));
    free(metrics);
    json_decref(document);
    view_done(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_hold_the_largest_of_their_seconds),
        cmocka_unit_test(what_was_not_seen_is_a_gap),
        cmocka_unit_test(a_view_keeps_the_newest),
        cmocka_unit_test(the_same_identifier_in_two_regions_is_two),
        cmocka_unit_test(more_names_than_places_do_not_grow),
        cmocka_unit_test(timeouts_are_those_of_the_last_minute),
        cmocka_unit_test(a_picture_at_80_by_24),
        cmocka_unit_test(the_bar_has_its_mark_at_80_percent),
        cmocka_unit_test(every_size_is_kept),
        cmocka_unit_test(more_databases_tell_less_of_each),
        cmocka_unit_test(the_fullest_and_the_lost_stay_in_sight),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(names_can_not_steer_the_terminal),
        cmocka_unit_test(a_line_where_there_is_no_terminal),
        cmocka_unit_test(a_pool_that_is_not_seen_says_why),
        cmocka_unit_test(of_many_pools_those_that_wait_are_in_sight),
        cmocka_unit_test(an_object_for_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
