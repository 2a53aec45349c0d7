/* Statements as text, and answers made by hand: what a real server says is tests/integration's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/queries.h"
#include "aws/common/mem.h"

/* --- text ----------------------------------------------------------------------------------- */

static char *sample_text(int server_version, bool by_group)
{
    const struct query_options options = {.server_version = server_version,
                                          .by_group = by_group,
                                          .long_query_ms = 61000,
                                          .leak_ms = 602000,
                                          .stale_idle_ms = 303000};
    struct buf sql;

    buf_init(&sql, 65536);
    query_sample(&options, &sql);
    assert_true(buf_ok(&sql));
    return buf_take(&sql);
}

static void a_sample_names_its_columns_in_the_order_of_the_table(void **state)
{
    static const char *const names[] = {
#define X(id, name) name,
        QUERY_COLUMN_MAP(X)
#undef X
    };
    char *sql = sample_text(150000, true);
    const char *at = sql;

    (void)state;
    for (size_t i = 1; i < MEM_COUNT(names); i++) { /* the first needs no AS */
        char *as = mem_printf(" AS %s", names[i]);

        at = strstr(at, as);
        assert_non_null(at);
        free(as);
    }
    free(sql);
}

static void thresholds_are_in_the_statement(void **state)
{
    char *sql = sample_text(150000, false);

    (void)state;
    assert_non_null(strstr(sql, "a.state = 'active' AND a.query_start < statement_timestamp() - "
                                "interval '61000 milliseconds'"));
    assert_non_null(strstr(sql, "a.state_change < statement_timestamp() - interval '602000 "
                                "milliseconds') AS leaked"));
    assert_non_null(strstr(sql, "a.state_change < statement_timestamp() - interval '303000 "
                                "milliseconds') AS stale_idle"));
    free(sql);
}

static void every_reserving_setting_is_asked_for(void **state)
{
    static const char *const settings[] = {
        "current_setting('superuser_reserved_connections', true)",
        "current_setting('reserved_connections', true)",
        "current_setting('rds.rds_superuser_reserved_connections', true)",
        "current_setting('rds.rds_reserved_connections', true)",
    };
    char *sql = sample_text(180000, false);

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(settings); i++) {
        assert_non_null(strstr(sql, settings[i]));
    }
    free(sql);
}

static void only_the_full_set_groups_by_database_and_application(void **state)
{
    char *few = sample_text(150000, false);
    char *all = sample_text(150000, true);

    (void)state;
    assert_string_equal(strstr(few, " GROUP BY"), " GROUP BY a.state");
    assert_string_equal(strstr(all, " GROUP BY"), " GROUP BY a.state, a.datid, a.application_name");
    free(few);
    free(all);
}

static void who_may_see_states_depends_on_the_version(void **state)
{
    char *old = sample_text(149999, false);
    char *new = sample_text(150000, false);

    (void)state;
    assert_non_null(strstr(old, "pg_has_role('pg_read_all_stats', 'member')"));
    assert_non_null(strstr(new, "pg_has_role('pg_read_all_stats', 'usage')"));
    free(old);
    free(new);
}

static void a_session_is_read_only_and_bounded(void **state)
{
    static const struct {
        const char *name;
        int version, interval_ms;
        const char *idle; /* NULL: not set */
    } cases[] = {
        {"13 has no idle_session_timeout", 130012, 1000, NULL},
        {"14", 140000, 1000, "('idle_session_timeout', '20000')"},
        {"a long interval", 180000, 60000, "('idle_session_timeout', '180000')"},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf sql;

        print_message("%s\n", cases[i].name);
        buf_init(&sql, 4096);
        query_session(cases[i].version, cases[i].interval_ms, &sql);
        assert_true(buf_ok(&sql));
        assert_non_null(strstr(buf_text(&sql), "('statement_timeout', '4000')"));
        assert_non_null(strstr(buf_text(&sql), "('lock_timeout', '1000')"));
        assert_non_null(strstr(buf_text(&sql), "('default_transaction_read_only', 'on')"));
        if (cases[i].idle) {
            assert_non_null(strstr(buf_text(&sql), cases[i].idle));
        } else {
            assert_null(strstr(buf_text(&sql), "idle_session_timeout"));
        }
        buf_done(&sql);
    }
}

/* --- rows ----------------------------------------------------------------------------------- */

/* state, datid, application, connections, own, lock, long, leaked, stale, oldest, max, reserved,
 * privileged, replica, µs; NULL as in SQL. */
typedef const char *row[QUERY_COLUMN_COUNT];

static PGresult *answer(const row *rows, int count, int columns)
{
    PGresAttDesc attributes[QUERY_COLUMN_COUNT] = {{0}};
    char name[] = "column";
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    for (int i = 0; i < columns; i++) {
        attributes[i].name = name;
    }
    assert_true(PQsetResultAttrs(result, columns, attributes));
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < columns; j++) {
            char *copy = mem_strdup(rows[i][j]);

            assert_true(PQsetvalue(result, i, j, copy, copy ? (int)strlen(copy) : -1));
            free(copy);
        }
    }
    return result;
}

static void rows_become_numbers(void **state)
{
    static const row rows[] = {
        {"active", NULL, NULL, "5", "1", "2", "1", "0", "0", "7500000", "100", "5", "t", "f",
         "250"},
        {"idle", NULL, NULL, "30", "0", "0", "0", "0", "4", NULL, "100", "5", "t", "f", "500"},
        {"idle in transaction", NULL, NULL, "3", "0", "0", "0", "2", "0", "699999999", "100", "5",
         "t", "f", "500"},
        {"idle in transaction (aborted)", NULL, NULL, "1", "0", "0", "0", "1", "0", "-9", "100",
         "5", "t", "f", "500"},
        {"disabled", NULL, NULL, "2", "0", "0", "0", "0", "0", NULL, "100", "5", "t", "f", "500"},
    };
    PGresult *result = answer(rows, 5, QUERY_COLUMN_COUNT);
    struct snapshot got;
    struct err err;

    (void)state;
    assert_true(snapshot_read(result, &got, &err));
    assert_true(got.privileged);
    assert_false(got.is_replica);
    assert_float_equal(got.connections, 41, 0);
    assert_float_equal(got.max_connections, 100, 0);
    assert_float_equal(got.usable, 95, 0);
    assert_float_equal(got.active, 4, 0); /* without our own */
    assert_float_equal(got.idle, 30, 0);
    assert_float_equal(got.idle_in_transaction, 4, 0);
    assert_float_equal(got.waiting_on_lock, 2, 0);
    assert_float_equal(got.long_running, 1, 0);
    assert_float_equal(got.leaked, 3, 0);
    assert_float_equal(got.stale_idle, 4, 0);
    assert_float_equal(got.oldest_transaction_s, 699.999999, 0);
    assert_float_equal(got.server_ms, 0.5, 0);
    assert_int_equal(got.group_count, 5);
    snapshot_done(&got);
    PQclear(result);
}

static void groups_are_kept_as_they_came(void **state)
{
    static const row rows[] = {
        {"idle", "16384", "web", "9", "0", "0", "0", "0", "0", NULL, "20", "3", "t", "t", "1"},
        {NULL, NULL, NULL, "1", "0", "0", "0", "0", "0", NULL, "20", "3", "t", "t", "1"},
        {"active", "4294967295", "", "1", "1", "0", "0", "0", "0", NULL, "20", "3", "t", "t", "1"},
    };
    PGresult *result = answer(rows, 3, QUERY_COLUMN_COUNT);
    struct snapshot got;
    struct err err;

    (void)state;
    assert_true(snapshot_read(result, &got, &err));
    assert_true(got.is_replica);
    assert_string_equal(got.groups[0].state, "idle");
    assert_int_equal(got.groups[0].database_oid, 16384);
    assert_string_equal(got.groups[0].application, "web");
    assert_float_equal(got.groups[0].connections, 9, 0);
    assert_null(got.groups[1].state);
    assert_int_equal(got.groups[1].database_oid, 0);
    assert_string_equal(got.groups[1].application, "");
    assert_true(got.groups[2].database_oid == 4294967295U);
    snapshot_done(&got);
    PQclear(result);
}

/* Hundreds of sessions without a state are hundreds of sessions. */
static void without_the_privilege_the_total_stays_right(void **state)
{
    static const row rows[] = {
        {NULL, NULL, NULL, "400", "0", "0", "0", "0", "0", NULL, "500", "3", "f", "f", "1"},
        {"active", NULL, NULL, "1", "1", "0", "0", "0", "0", NULL, "500", "3", "f", "f", "1"},
    };
    PGresult *result = answer(rows, 2, QUERY_COLUMN_COUNT);
    struct snapshot got;
    struct err err;

    (void)state;
    assert_true(snapshot_read(result, &got, &err));
    assert_false(got.privileged);
    assert_float_equal(got.connections, 401, 0);
    assert_float_equal(got.usable, 497, 0);
    snapshot_done(&got);
    PQclear(result);
}

static void what_is_no_sample_is_refused(void **state)
{
    static const struct {
        const char *name;
        row only;
        int rows, columns;
    } cases[] = {
        {"no row", {0}, 0, QUERY_COLUMN_COUNT},
        {"too few columns",
         {"idle", NULL, NULL, "1", "0", "0", "0", "0", "0", NULL, "20", "3", "t", "f", "1"},
         1,
         QUERY_COLUMN_COUNT - 1},
        {"no number",
         {"idle", NULL, NULL, "many", "0", "0", "0", "0", "0", NULL, "20", "3", "t", "f", "1"},
         1,
         QUERY_COLUMN_COUNT},
        {"more than a number",
         {"idle", NULL, NULL, "1 ", "0", "0", "0", "0", "0", NULL, "20", "3", "t", "f", "1"},
         1,
         QUERY_COLUMN_COUNT},
        {"an empty text",
         {"idle", NULL, NULL, "1", "0", "0", "0", "0", "0", NULL, "", "3", "t", "f", "1"},
         1,
         QUERY_COLUMN_COUNT},
        {"a fraction",
         {"idle", NULL, NULL, "1", "0", "0", "0", "0", "0", "1.5", "20", "3", "t", "f", "1"},
         1,
         QUERY_COLUMN_COUNT},
        {"more digits than fit",
         {"idle", NULL, NULL, "1", "0", "0", "0", "0", "0", "9223372036854775808", "20", "3", "t",
          "f", "1"},
         1,
         QUERY_COLUMN_COUNT},
        {"infinity",
         {"idle", NULL, NULL, "1", "0", "0", "0", "0", "0", "Infinity", "20", "3", "t", "f", "1"},
         1,
         QUERY_COLUMN_COUNT},
    };

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        PGresult *result = answer(&cases[i].only, cases[i].rows, cases[i].columns);
        struct snapshot got;
        struct err err;

        print_message("%s\n", cases[i].name);
        assert_false(snapshot_read(result, &got, &err));
        assert_int_equal(err.code, ERR_PARSE);
        PQclear(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_names_its_columns_in_the_order_of_the_table),
        cmocka_unit_test(thresholds_are_in_the_statement),
        cmocka_unit_test(every_reserving_setting_is_asked_for),
        cmocka_unit_test(only_the_full_set_groups_by_database_and_application),
        cmocka_unit_test(who_may_see_states_depends_on_the_version),
        cmocka_unit_test(a_session_is_read_only_and_bounded),
        cmocka_unit_test(rows_become_numbers),
        cmocka_unit_test(groups_are_kept_as_they_came),
        cmocka_unit_test(without_the_privilege_the_total_stays_right),
        cmocka_unit_test(what_is_no_sample_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
