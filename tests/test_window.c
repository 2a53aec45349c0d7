/* Windows: what goes in when, and what comes out of them. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/publish/window.h"
#include "aws/common/mem.h"

#define NOON INT64_C(1786795200000) /* 2026-08-15T12:00:00Z */

/* Datums as lines: "+60 DatabaseConnections[orders] 1x40 2x41". */
struct outcome {
    struct buf lines;
    size_t count;
};

static void add_dimensions(struct buf *out, const char *members)
{
    const char *at = members;

    buf_putc(out, '[');
    while ((at = strstr(at, "\"Value\":\"")) != NULL) {
        at += strlen("\"Value\":\"");
        buf_printf(out, "%s%.*s", out->data[out->len - 1] == '[' ? "" : ",", (int)strcspn(at, "\""),
                   at);
    }
    buf_putc(out, ']');
}

/* The number or list behind a member's name. */
static void add_member(struct buf *out, const char *members, const char *name)
{
    const char *at = strstr(members, name);

    if (at) {
        at += strlen(name);
        buf_printf(out, " %.*s", (int)strcspn(at, name[strlen(name) - 1] == '[' ? "]" : ","), at);
    }
}

static void on_datum(void *arg, int64_t start_ms, const char *members)
{
    struct outcome *outcome = arg;
    const char *name = members + strlen("\"MetricName\":\"");

    assert_int_equal((start_ms - NOON) % 1000, 0);
    outcome->count++;
    buf_printf(&outcome->lines, "%s+%" PRId64 " %.*s", outcome->lines.len > 0 ? "\n" : "",
               (start_ms - NOON) / 1000, (int)strcspn(name, "\""), name);
    add_dimensions(&outcome->lines, members);
    if (strstr(members, "\"Values\":")) {
        add_member(&outcome->lines, members, "\"Values\":[");
        add_member(&outcome->lines, members, "\"Counts\":[");
    } else {
        const char *value = strstr(members, ",\"Value\":");

        while (value && value[strlen(",\"Value\":")] == '"') {
            value = strstr(value + 1, ",\"Value\":");
        }
        assert_non_null(value);
        value += strlen(",\"Value\":");
        buf_printf(&outcome->lines, " %.*s", (int)strcspn(value, ","), value);
    }
}

static const struct windows_options minutes = {
    .length_ms = 60000, .metrics = METRICS_FULL, .rollup = true, .resolution_s = 60};

static void put(struct windows *windows, enum metric_id metric, double second, double value)
{
    bool of_pool = metric_get(metric)->of == METRIC_OF_POOL;
    const struct reading reading = {.metric = metric,
                                    .database = "orders",
                                    .pool = of_pool ? "api" : NULL,
                                    .time_ms = NOON + (int64_t)(second * 1000),
                                    .value = value};

    windows_put(windows, &reading);
}

static void assert_closes(struct windows *windows, int64_t until_ms, const char *lines)
{
    struct outcome outcome = {.count = 0};

    buf_init(&outcome.lines, 100000);
    windows_close(windows, until_ms, on_datum, &outcome);
    assert_string_equal(buf_text(&outcome.lines), lines);
    buf_done(&outcome.lines);
}

#define AT(second) (NOON + INT64_C(1000) * (second))

/* --- Time --- */

static void windows_are_aligned_to_the_clock(void **state)
{
    struct windows *windows = windows_new(&minutes);

    (void)state;
    put(windows, METRIC_DATABASE_CONNECTIONS, 59.999, 40);
    put(windows, METRIC_DATABASE_CONNECTIONS, 60, 41);
    put(windows, METRIC_DATABASE_CONNECTIONS, 119.999, 42);
    put(windows, METRIC_DATABASE_CONNECTIONS, 120, 43);
    assert_closes(windows, AT(59), "");
    assert_closes(windows, AT(60), "+0 DatabaseConnections[orders] 40");
    assert_closes(windows, AT(60), "");
    assert_closes(windows, AT(240),
                  "+60 DatabaseConnections[orders] 41,42 1,1\n+120 DatabaseConnections[orders] 43");
    assert_int_equal(windows_dropped(windows), 0);
    windows_free(windows);
}

static void a_late_reading_finds_its_window_while_it_is_open(void **state)
{
    struct windows *windows = windows_new(&minutes);

    (void)state;
    put(windows, METRIC_DATABASE_CONNECTIONS, 30, 40);
    put(windows, METRIC_DATABASE_CONNECTIONS, 61, 41);
    put(windows, METRIC_DATABASE_CONNECTIONS, 59, 39);
    assert_closes(windows, AT(60), "+0 DatabaseConnections[orders] 39,40 1,1");
    put(windows, METRIC_DATABASE_CONNECTIONS, 58, 38);
    assert_int_equal(windows_dropped(windows), 1);
    assert_int_equal(windows_dropped(windows), 0);
    assert_closes(windows, AT(120), "+60 DatabaseConnections[orders] 41");
    windows_free(windows);
}

static void a_late_reading_may_be_the_first_of_its_window(void **state)
{
    struct windows *windows = windows_new(&minutes);

    (void)state;
    put(windows, METRIC_DATABASE_UP, 125, 1);
    put(windows, METRIC_DATABASE_UP, 5, 1);
    put(windows, METRIC_DATABASE_UP, 65, 1);
    assert_closes(windows, AT(180),
                  "+0 DatabaseUp[orders] 1\n+60 DatabaseUp[orders] 1\n+120 DatabaseUp[orders] 1");
    windows_free(windows);
}

static void leaving_closes_unfinished_windows(void **state)
{
    struct windows *windows = windows_new(&minutes);

    (void)state;
    put(windows, METRIC_DATABASE_UP, 5, 1);
    put(windows, METRIC_DATABASE_UP, 65, 1);
    assert_closes(windows, INT64_MAX, "+0 DatabaseUp[orders] 1\n+60 DatabaseUp[orders] 1");
    put(windows, METRIC_DATABASE_UP, 66, 1);
    assert_closes(windows, INT64_MAX, "+60 DatabaseUp[orders] 1");
    assert_int_equal(windows_dropped(windows), 0);
    windows_free(windows);
}

static void a_clock_that_is_set_back_is_followed(void **state)
{
    struct windows *windows = windows_new(&minutes);

    (void)state;
    put(windows, METRIC_DATABASE_UP, 3605, 1);
    assert_closes(windows, AT(3600), "");
    assert_closes(windows, AT(0), "+3600 DatabaseUp[orders] 1");
    put(windows, METRIC_DATABASE_UP, 1, 1);
    assert_int_equal(windows_dropped(windows), 0);
    assert_closes(windows, AT(60), "+0 DatabaseUp[orders] 1");
    windows_free(windows);
}

static void windows_of_ten_seconds(void **state)
{
    const struct windows_options options = {
        .length_ms = 10000, .metrics = METRICS_CORE, .resolution_s = 60};
    struct windows *windows = windows_new(&options);

    (void)state;
    put(windows, METRIC_DATABASE_CONNECTIONS, 9, 1);
    put(windows, METRIC_DATABASE_CONNECTIONS, 10, 2);
    assert_closes(windows, AT(20),
                  "+0 DatabaseConnections[orders] 1\n+10 DatabaseConnections[orders] 2");
    windows_free(windows);
}

static void high_resolution_stamps_each_second(void **state)
{
    struct windows_options options = minutes;
    struct windows *windows;

    (void)state;
    options.resolution_s = 1;
    windows = windows_new(&options);
    put(windows, METRIC_DATABASE_CONNECTIONS, 57.2, 40);
    put(windows, METRIC_DATABASE_CONNECTIONS, 58.2, 41);
    put(windows, METRIC_DATABASE_CONNECTIONS, 60.2, 42);
    assert_closes(windows, AT(60),
                  "+57 DatabaseConnections[orders] 40\n+58 DatabaseConnections[orders] 41");
    windows_free(windows);
}

static void many_windows_are_bounded(void **state)
{
    struct windows_options options = minutes;
    struct outcome outcome = {.count = 0};
    struct windows *windows;

    (void)state;
    options.resolution_s = 1;
    windows = windows_new(&options);
    for (int second = 0; second < 1000; second++) {
        put(windows, METRIC_DATABASE_UP, second, 1);
    }
    assert_int_equal(windows_dropped(windows), 600);
    buf_init(&outcome.lines, 100000);
    windows_close(windows, INT64_MAX, on_datum, &outcome);
    assert_int_equal(outcome.count, 400);
    buf_done(&outcome.lines);
    windows_free(windows);
}

static const struct {
    int64_t offset_ms;
    int length_ms;
    int64_t moved_ms;
    int resolution_s;
} corrections[] = {
    {283000, 60000, 283000, 1},  {600000, 60000, 600000, 60},   {-600000, 60000, -600000, 60},
    {283000, 60000, 300000, 60}, {265000, 60000, 240000, 60},   {-283000, 60000, -300000, 60},
    {283000, 10000, 280000, 60}, {-283000, 10000, -280000, 60},
};

static void a_correction_is_of_whole_windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(corrections); i++) {
        struct windows_options options = minutes;
        struct outcome outcome = {.count = 0};
        char expected[64];

        options.length_ms = corrections[i].length_ms;
        options.resolution_s = corrections[i].resolution_s;
        struct windows *windows = windows_new(&options);
        put(windows, METRIC_DATABASE_CONNECTIONS, 0, 40);
        assert_true(windows_correct(windows, AT(0), AT(2), corrections[i].offset_ms) ==
                    corrections[i].moved_ms);
        buf_init(&outcome.lines, 1000);
        windows_close(windows, INT64_MAX, on_datum, &outcome);
        snprintf(expected, sizeof(expected), "+%d DatabaseConnections[orders] 40",
                 (int)(corrections[i].moved_ms / 1000));
        assert_string_equal(buf_text(&outcome.lines), expected);
        buf_done(&outcome.lines);
        windows_free(windows);
    }
}

/* An hour behind: the window of an earlier run is where it belongs. */
static void what_an_earlier_run_left_is_not_moved(void **state)
{
    struct windows *windows = windows_new(&minutes);

    (void)state;
    put(windows, METRIC_DATABASE_CONNECTIONS, 3500, 39); /* of an earlier run */
    put(windows, METRIC_DATABASE_CONNECTIONS, 70, 40);
    assert_closes(windows, AT(60), "");
    assert_true(windows_correct(windows, AT(70), AT(72), 3600000) == 3600000);
    put(windows, METRIC_DATABASE_CONNECTIONS, 3672, 41);
    assert_closes(windows, AT(3720),
                  "+3480 DatabaseConnections[orders] 39\n"
                  "+3660 DatabaseConnections[orders] 40,41 1,1");
    assert_int_equal(windows_dropped(windows), 0);
    windows_free(windows);
}

/* An hour ahead: it is earlier than it was, and nothing is too late for it. */
static void after_a_correction_time_starts_again(void **state)
{
    struct windows *windows = windows_new(&minutes);

    (void)state;
    put(windows, METRIC_DATABASE_CONNECTIONS, 3650, 40);
    assert_closes(windows, AT(3600), "");
    assert_true(windows_correct(windows, AT(3600), AT(3652), -3600000) == -3600000);
    put(windows, METRIC_DATABASE_CONNECTIONS, 52, 41);
    assert_closes(windows, AT(60), "+0 DatabaseConnections[orders] 40,41 1,1");
    assert_int_equal(windows_dropped(windows), 0);
    windows_free(windows);
}

/* --- Which readings become which series --- */

static void pool_timeouts_are_added_up(void **state)
{
    struct windows *windows = windows_new(&minutes);
    static const struct reading readings[] = {
        {METRIC_POOL_TIMEOUT, "orders", "api", NULL, NOON, 2, NULL},
        {METRIC_POOL_TIMEOUT, "orders", "workers", NULL, NOON + 1000, 3, NULL},
        {METRIC_POOL_TIMEOUT, "billing", "api", NULL, NOON + 1000, 0, NULL},
        {METRIC_POOL_TIMEOUT, "orders", "api", NULL, NOON + 2000, 1, NULL},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(readings); i++) {
        windows_put(windows, &readings[i]);
    }
    assert_closes(windows, AT(60),
                  "+0 PoolTimeout[orders,api] 3\n"
                  "+0 PoolTimeout[orders] 6\n"
                  "+0 PoolTimeout[] 6\n"
                  "+0 PoolTimeout[orders,workers] 3\n"
                  "+0 PoolTimeout[billing,api] 0\n"
                  "+0 PoolTimeout[billing] 0");
    windows_free(windows);
}

static void without_rollup_there_is_none(void **state)
{
    struct windows_options options = minutes;
    struct windows *windows;

    (void)state;
    options.rollup = false;
    windows = windows_new(&options);
    put(windows, METRIC_POOL_TIMEOUT, 1, 0);
    assert_closes(windows, AT(60), "+0 PoolTimeout[orders,api] 0\n+0 PoolTimeout[orders] 0");
    windows_free(windows);
}

static void a_counter_that_was_not_read_is_not_published(void **state)
{
    struct windows *windows = windows_new(&minutes);

    (void)state;
    put(windows, METRIC_POOL_TIMEOUT, 59, 4);
    put(windows, METRIC_DATABASE_UP, 61, 1);
    assert_closes(windows, AT(120),
                  "+0 PoolTimeout[orders,api] 4\n+0 PoolTimeout[orders] 4\n+0 PoolTimeout[] 4\n"
                  "+60 DatabaseUp[orders] 1");
    windows_free(windows);
}

static void the_set_of_metrics_decides(void **state)
{
    static const struct {
        enum metric_set set;
        const char *lines;
    } cases[] = {
        {METRICS_CORE, "+0 DatabaseUp[orders] 1"},
        {METRICS_STANDARD, "+0 DatabaseUp[orders] 1\n+0 PoolSize[orders,api] 20"},
        {METRICS_FULL, "+0 DatabaseUp[orders] 1\n+0 PoolSize[orders,api] 20\n"
                       "+0 AgentPublishErrors[bastion] 2"},
    };
    static const struct reading self = {
        .metric = METRIC_AGENT_PUBLISH_ERRORS, .extra = "bastion", .time_ms = NOON, .value = 2};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct windows_options options = minutes;
        struct windows *windows;

        options.metrics = cases[i].set;
        windows = windows_new(&options);
        put(windows, METRIC_DATABASE_UP, 0, 1);
        put(windows, METRIC_POOL_SIZE, 0, 20);
        windows_put(windows, &self);
        assert_closes(windows, AT(60), cases[i].lines);
        assert_int_equal(windows_dropped(windows), 0);
        windows_free(windows);
    }
}

static void what_a_metric_has_no_dimension_for_is_ignored(void **state)
{
    struct windows *windows = windows_new(&minutes);
    static const struct reading readings[] = {
        {METRIC_DATABASE_UP, "orders", "api", "x", NOON, 1, NULL},
        {METRIC_DATABASE_UP, "orders", NULL, NULL, NOON, 1, NULL},
        {METRIC_CONNECTIONS_BY_STATE, "orders", NULL, "idle", NOON, 5, NULL},
        {METRIC_CONNECTIONS_BY_APPLICATION, "orders", NULL, "", NOON, 6, NULL},
        {METRIC_DATABASE_CONNECTIONS, "orders", NULL, NULL, NOON, 11, NULL},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(readings); i++) {
        windows_put(windows, &readings[i]);
    }
    assert_closes(windows, AT(60),
                  "+0 DatabaseUp[orders] 1 2\n"
                  "+0 DatabaseConnections[orders,idle] 5\n"
                  "+0 DatabaseConnections[orders,(none)] 6\n"
                  "+0 DatabaseConnections[orders] 11");
    windows_free(windows);
}

static void bad_numbers_are_dropped_and_make_no_series(void **state)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY, 0x1p361, -0x1p361};
    struct windows *windows = windows_new(&minutes);

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(bad); i++) {
        put(windows, METRIC_POOL_TIMEOUT, 1, bad[i]);
        put(windows, METRIC_POOL_MAX_WAIT, 1, bad[i]);
    }
    assert_int_equal(windows_dropped(windows), 2 * MEM_COUNT(bad));
    assert_closes(windows, INT64_MAX, "");
    windows_free(windows);
}

/* --- Reload --- */

static void a_reload_keeps_what_is_open(void **state)
{
    static char name[] = "Environment", value[] = "production";
    struct config_pair pair = {name, value};
    const struct config_pairs dimensions = {&pair, 1};
    struct windows_options options = minutes;
    struct windows *windows = windows_new(&options);

    (void)state;
    put(windows, METRIC_DATABASE_UP, 3, 1);
    options.resolution_s = 1;
    options.dimensions = &dimensions;
    windows_configure(windows, &options);
    put(windows, METRIC_DATABASE_UP, 58.5, 1);
    put(windows, METRIC_DATABASE_UP, 60.5, 1);
    put(windows, METRIC_DATABASE_UP, 61.5, 1);
    assert_closes(windows, AT(62),
                  "+0 DatabaseUp[orders,production] 1 2\n+60 DatabaseUp[orders,production] 1\n"
                  "+61 DatabaseUp[orders,production] 1");
    windows_free(windows);
}

static void longer_windows_after_a_reload(void **state)
{
    struct windows_options options = minutes;
    struct windows *windows;

    (void)state;
    options.resolution_s = 1;
    windows = windows_new(&options);
    put(windows, METRIC_DATABASE_UP, 5.5, 1);
    windows_configure(windows, &minutes);
    put(windows, METRIC_DATABASE_UP, 6.5, 2);
    put(windows, METRIC_DATABASE_UP, 7.5, 2);
    put(windows, METRIC_DATABASE_UP, 5.6, 1); /* either window is right */
    assert_closes(windows, AT(60), "+5 DatabaseUp[orders] 1\n+0 DatabaseUp[orders] 1,2 1,2");
    windows_free(windows);
}

/* --- Size --- */

static void many_series_keep_apart(void **state)
{
    struct outcome outcome = {.count = 0};
    struct windows *windows = windows_new(&minutes);
    char database[32];
    struct reading reading = {.database = database, .time_ms = NOON};

    (void)state;
    buf_init(&outcome.lines, 1000000);
    for (int i = 0; i < 5 * 3000; i++) {
        static const enum metric_id metrics[] = {
            METRIC_DATABASE_CONNECTIONS, METRIC_CONNECTION_UTILIZATION, METRIC_DATABASE_UP,
            METRIC_AVAILABLE_CONNECTIONS, METRIC_MAX_CONNECTIONS};

        snprintf(database, sizeof(database), "database-%d", i / 5 % 300);
        reading.metric = metrics[i % 5];
        reading.value = i / 5 % 300;
        windows_put(windows, &reading);
    }
    windows_close(windows, INT64_MAX, on_datum, &outcome);
    assert_int_equal(outcome.count, 300 * 5);
    assert_non_null(strstr(buf_text(&outcome.lines), "+0 DatabaseUp[database-299] 299 10"));
    assert_int_equal(windows_dropped(windows), 0);
    buf_done(&outcome.lines);
    windows_free(windows);
}

static void a_flood_of_series_is_bounded(void **state)
{
    struct windows *windows = windows_new(&minutes);
    char pool[32];
    struct reading reading = {
        .metric = METRIC_POOL_SIZE, .database = "orders", .pool = pool, .time_ms = NOON};

    (void)state;
    for (int i = 0; i < WINDOW_SERIES_MAX + 10; i++) {
        snprintf(pool, sizeof(pool), "%d", i);
        windows_put(windows, &reading);
    }
    assert_int_equal(windows_dropped(windows), 10);
    snprintf(pool, sizeof(pool), "7"); /* the known ones go on */
    windows_put(windows, &reading);
    assert_int_equal(windows_dropped(windows), 0);
    windows_free(windows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_aligned_to_the_clock),
        cmocka_unit_test(a_late_reading_finds_its_window_while_it_is_open),
        cmocka_unit_test(a_late_reading_may_be_the_first_of_its_window),
        cmocka_unit_test(leaving_closes_unfinished_windows),
        cmocka_unit_test(a_clock_that_is_set_back_is_followed),
        cmocka_unit_test(windows_of_ten_seconds),
        cmocka_unit_test(high_resolution_stamps_each_second),
        cmocka_unit_test(many_windows_are_bounded),
        cmocka_unit_test(a_correction_is_of_whole_windows),
        cmocka_unit_test(what_an_earlier_run_left_is_not_moved),
        cmocka_unit_test(after_a_correction_time_starts_again),
        cmocka_unit_test(pool_timeouts_are_added_up),
        cmocka_unit_test(without_rollup_there_is_none),
        cmocka_unit_test(a_counter_that_was_not_read_is_not_published),
        cmocka_unit_test(the_set_of_metrics_decides),
        cmocka_unit_test(what_a_metric_has_no_dimension_for_is_ignored),
        cmocka_unit_test(bad_numbers_are_dropped_and_make_no_series),
        cmocka_unit_test(a_reload_keeps_what_is_open),
        cmocka_unit_test(longer_windows_after_a_reload),
        cmocka_unit_test(many_series_keep_apart),
        cmocka_unit_test(a_flood_of_series_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
