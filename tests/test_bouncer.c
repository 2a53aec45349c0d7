/* PgBouncer's console as numbers: answers of 1.18 and 1.26 as they are, and the count of those who
 * gave up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/bouncer.h"
#include "tests/rows.h"

#define POOLS_118                                                                                  \
    "database|user|cl_active|cl_waiting|cl_active_cancel_req|cl_waiting_cancel_req|sv_active|"     \
    "sv_active_cancel|sv_being_canceled|sv_idle|sv_used|sv_tested|sv_login|maxwait|maxwait_us|"    \
    "pool_mode\n"
#define DATABASES_118                                                                              \
    "name|host|port|database|force_user|pool_size|min_pool_size|reserve_pool|pool_mode|"           \
    "max_connections|current_connections|paused|disabled\n"
#define DATABASES_126                                                                              \
    "name|host|port|database|force_user|pool_size|min_pool_size|reserve_pool_size|server_"         \
    "lifetime|pool_mode|load_balance_hosts|max_connections|current_connections\n"
#define STATS_118 "database|total_xact_count|total_query_count|total_wait_time\n"
#define STATS_126                                                                                  \
    "database|total_server_assignment_count|total_xact_count|total_query_count|total_wait_time\n"
#define CONSOLE_ROW "pgbouncer|pgbouncer|1|0|0|0|0|0|0|0|0|0|0|0|0|statement\n"

static char *all[] = {(char[]){"*"}}, *some[] = {(char[]){"app*"}, (char[]){"stock"}};
static const struct config_list every = {all, 1}, chosen = {some, 2};

typedef bool take_rows(struct bouncer *bouncer, const PGresult *rows, struct err *err);

static void take(struct bouncer *bouncer, take_rows *take_these, const char *text)
{
    PGresult *rows = rows_of(text, strlen(text));
    struct err err;

    if (!take_these(bouncer, rows, &err)) {
        fail_msg("%s", err.message);
    }
    PQclear(rows);
}

static void assert_number(double a, double b)
{
    if (!(fabs(a - b) < 1e-9 || (isnan(a) && isnan(b)))) {
        fail_msg("%g is not %g", a, b);
    }
}

static void reads_the_queue_and_the_connections(void **state)
{
    struct bouncer bouncer;
    struct pool_gauges gauges;

    (void)state;
    bouncer_init(&bouncer, &chosen);
    take(&bouncer, bouncer_take_stats,
         STATS_118 "appdb|12|12|0\npgbouncer|1|1|0\nother|9|9|0\nstock|1|1|0\n");
    take(&bouncer, bouncer_take_pools,
         POOLS_118 "appdb|app|2|10|0|0|2|0|0|0|0|0|0|1|137532|transaction\n"
                   "appdb|batch|0|0|0|0|0|0|0|1|2|3|0|0|0|transaction\n"
                   "other|app|9|9|0|0|9|0|0|9|0|0|0|9|0|transaction\n"
                   "stock|app|0|1|0|0|1|1|1|0|0|0|0|2|5|session\n" CONSOLE_ROW);
    assert_true(bouncer_lacks_size(&bouncer));
    bouncer_gauges(&bouncer, &gauges);
    assert_number(gauges.size, NAN);
    take(&bouncer, bouncer_take_databases,
         DATABASES_118 "appdb|h|5|appdb||2|0|1||0|2|0|0\nother|h|5|o||7|0|0||0|2|0|0\n"
                       "stock|h|5|o||20|0|5|session|4|2|0|0\n");
    assert_false(bouncer_lacks_size(&bouncer));
    bouncer_gauges(&bouncer, &gauges);
    assert_number(gauges.waiting, 11);
    assert_number(gauges.max_wait_s, 2.000005);
    assert_number(gauges.busy, 5);
    assert_number(gauges.idle, 6);
    assert_number(gauges.size, 3 + 3 + 4);
    assert_number(gauges.utilization, 75);
    bouncer_done(&bouncer);
}

static void before_the_first_client_nobody_waits(void **state)
{
    struct bouncer bouncer;
    struct pool_gauges gauges;

    (void)state;
    bouncer_init(&bouncer, &every);
    take(&bouncer, bouncer_take_stats, STATS_126 "pgbouncer|0|1|1|0\n");
    take(&bouncer, bouncer_take_pools, POOLS_118 CONSOLE_ROW);
    bouncer_gauges(&bouncer, &gauges);
    assert_number(gauges.waiting, 0);
    assert_number(gauges.max_wait_s, 0);
    assert_number(gauges.busy, 0);
    assert_number(gauges.size, NAN);
    assert_number(gauges.utilization, NAN);
    bouncer_done(&bouncer);
}

/* --- those who gave up ---------------------------------------------------------------------- */

static uint64_t sample(struct bouncer *bouncer, unsigned xacts, unsigned assignments,
                       unsigned waiting, const char *mode)
{
    char stats[300], pools[600];
    uint64_t added;

    (void)snprintf(stats, sizeof(stats), STATS_126 "appdb|%u|%u|%u|0\n", assignments, xacts, xacts);
    (void)snprintf(pools, sizeof(pools), POOLS_118 "appdb|app|2|%u|0|0|2|0|0|0|0|0|0|0|0|%s\n",
                   waiting, mode);
    take(bouncer, bouncer_take_stats, stats);
    take(bouncer, bouncer_take_pools, pools);
    bouncer_timeouts(bouncer, &added);
    return added;
}

static uint64_t add(struct bouncer *bouncer, unsigned xacts, unsigned assignments, unsigned waiting)
{
    return sample(bouncer, xacts, assignments, waiting, "transaction");
}

/* What a PgBouncer 1.26.1 said step by step, and its log. */
static void counts_what_the_log_of_a_real_one_told(void **state)
{
    static const struct {
        unsigned xacts, assignments, waiting, told;
    } steps[] = {
        {0, 0, 0, 0},      {12, 2, 10, 0},    {12, 2, 0, 10},
        {20, 10, 0, 10},   {428, 418, 0, 10}, {436, 420, 6, 10},
        {436, 420, 0, 16}, {439, 422, 1, 16}, {439, 422, 0, 17},
    };
    struct bouncer bouncer;
    uint64_t sum = 0;

    (void)state;
    bouncer_init(&bouncer, &every);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        sum += add(&bouncer, steps[i].xacts, steps[i].assignments, steps[i].waiting);
        sum += add(&bouncer, steps[i].xacts, steps[i].assignments, steps[i].waiting);
        assert_int_equal(sum, steps[i].told);
    }
    bouncer_done(&bouncer);
}

static void a_client_that_moves_between_two_commands_is_none(void **state)
{
    struct bouncer bouncer;

    (void)state;
    bouncer_init(&bouncer, &every);
    assert_int_equal(add(&bouncer, 1000, 1000, 0), 0);
    assert_int_equal(add(&bouncer, 1100, 1100, 0), 0);
    assert_int_equal(add(&bouncer, 1205, 1202, 0), 0); /* three got one after SHOW STATS */
    assert_int_equal(add(&bouncer, 1300, 1300, 2), 0); /* two came after it */
    assert_int_equal(add(&bouncer, 1400, 1400, 0), 0);
    assert_int_equal(add(&bouncer, 1501, 1500, 0), 0);
    assert_int_equal(add(&bouncer, 1601, 1600, 0), 1);
    bouncer_done(&bouncer);
}

static void what_was_before_does_not_count(void **state)
{
    struct bouncer bouncer;

    (void)state;
    bouncer_init(&bouncer, &every);
    assert_int_equal(add(&bouncer, 5000, 4000, 3), 0);
    assert_int_equal(add(&bouncer, 5000, 4000, 3), 0);
    assert_int_equal(add(&bouncer, 5000, 4000, 0), 0);
    assert_int_equal(add(&bouncer, 5000, 4000, 0), 3);
    bouncer_done(&bouncer);
}

static void a_restart_a_reload_and_a_lost_row_add_nothing(void **state)
{
    struct bouncer bouncer;
    uint64_t added;

    (void)state;
    bouncer_init(&bouncer, &every);
    add(&bouncer, 500, 400, 0);
    add(&bouncer, 500, 400, 0);
    bouncer_reconnected(&bouncer);
    assert_int_equal(add(&bouncer, 700, 100, 0), 0); /* another process */
    assert_int_equal(add(&bouncer, 700, 100, 0), 0);
    assert_int_equal(add(&bouncer, 300, 90, 0), 0); /* a pool went, with its part of the totals */
    assert_int_equal(add(&bouncer, 300, 90, 0), 0);
    assert_int_equal(add(&bouncer, 302, 90, 0), 0);
    assert_int_equal(add(&bouncer, 302, 90, 0), 2);
    take(&bouncer, bouncer_take_stats, STATS_126); /* the row is gone */
    take(&bouncer, bouncer_take_pools, POOLS_118);
    assert_int_equal(bouncer_timeouts(&bouncer, &added), BOUNCER_EXACT);
    assert_int_equal(added, 0);
    assert_int_equal(add(&bouncer, 3, 1, 0), 0); /* and is back: from 0 */
    assert_int_equal(add(&bouncer, 3, 1, 0), 2);
    bouncer_done(&bouncer);
}

static void says_where_it_is_not_exact(void **state)
{
    struct bouncer bouncer;
    uint64_t added;

    (void)state;
    bouncer_init(&bouncer, &every);
    take(&bouncer, bouncer_take_stats, STATS_118 "appdb|12|12|0\n");
    take(&bouncer, bouncer_take_pools, POOLS_118);
    assert_int_equal(bouncer_timeouts(&bouncer, &added), BOUNCER_TOO_OLD);
    take(&bouncer, bouncer_take_stats, STATS_126 "appdb|0|12|12|0\n");
    take(&bouncer, bouncer_take_pools, POOLS_118 "appdb|app|0|0|0|0|0|0|0|0|0|0|0|0|0|session\n");
    assert_int_equal(bouncer_timeouts(&bouncer, &added), BOUNCER_SESSION);
    assert_int_equal(added, 0);
    assert_int_equal(sample(&bouncer, 448, 425, 0, "session"), 0);
    assert_int_equal(add(&bouncer, 450, 425, 0), 0); /* the pool_mode was changed */
    assert_int_equal(add(&bouncer, 450, 425, 0), 0);
    assert_int_equal(add(&bouncer, 451, 425, 0), 0);
    assert_int_equal(add(&bouncer, 451, 425, 0), 1);
    bouncer_done(&bouncer);
}

static void the_newest_columns_are_found(void **state)
{
    struct bouncer bouncer;
    struct pool_gauges gauges;

    (void)state;
    bouncer_init(&bouncer, &every);
    add(&bouncer, 1, 1, 0);
    take(&bouncer, bouncer_take_databases,
         DATABASES_126 "appdb|h|5|appdb||2|0|2|3600||disable|0|2\n");
    bouncer_gauges(&bouncer, &gauges);
    assert_number(gauges.size, 4);
    assert_number(gauges.utilization, 50);
    bouncer_done(&bouncer);
}

static void what_is_no_console_is_refused(void **state)
{
    static const char text[] = "a|b\n1|2\n";
    PGresult *rows = rows_of(text, strlen(text));
    struct bouncer bouncer;
    struct err err;

    (void)state;
    bouncer_init(&bouncer, &every);
    assert_false(bouncer_take_stats(&bouncer, rows, &err));
    assert_string_equal(err.message, "SHOW STATS has no column database");
    assert_false(bouncer_take_pools(&bouncer, rows, &err));
    assert_false(bouncer_take_databases(&bouncer, rows, &err));
    PQclear(rows);
    bouncer_done(&bouncer);
}

static void knows_whether_its_log_tells(void **state)
{
    static const struct {
        const char *text;
        bool logs;
    } cases[] = {
        {"key|value|default|changeable\nlog_pooler_errors|1|1|yes\nlog_disconnections|0|1|yes\n",
         true},
        {"key|value|default|changeable\nlog_pooler_errors|0|1|yes\nlog_disconnections|0|1|yes\n",
         false},
        {"key|value|changeable\nlog_disconnections|0|yes\n", true},
        {"a\n1\n", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        PGresult *rows = rows_of(cases[i].text, strlen(cases[i].text));

        assert_int_equal(bouncer_logs_timeouts(rows), cases[i].logs);
        PQclear(rows);
    }
}

static void knows_whether_it_may_be_one_of_several(void **state)
{
    static const char alone[] = "key|value\nso_reuseport|0\n";
    static const char several[] = "key|value\nlog_pooler_errors|1\nso_reuseport|1\n";
    PGresult *rows = rows_of(several, strlen(several));

    (void)state;
    assert_true(bouncer_shares_port(rows));
    PQclear(rows);
    rows = rows_of(alone, strlen(alone));
    assert_false(bouncer_shares_port(rows));
    PQclear(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_whether_it_may_be_one_of_several),
        cmocka_unit_test(reads_the_queue_and_the_connections),
        cmocka_unit_test(before_the_first_client_nobody_waits),
        cmocka_unit_test(counts_what_the_log_of_a_real_one_told),
        cmocka_unit_test(a_client_that_moves_between_two_commands_is_none),
        cmocka_unit_test(what_was_before_does_not_count),
        cmocka_unit_test(a_restart_a_reload_and_a_lost_row_add_nothing),
        cmocka_unit_test(says_where_it_is_not_exact),
        cmocka_unit_test(the_newest_columns_are_found),
        cmocka_unit_test(what_is_no_console_is_refused),
        cmocka_unit_test(knows_whether_its_log_tells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
