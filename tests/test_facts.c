/* Rows of PostgreSQL as facts, and facts that are no such rows. What a real server says is
 * tests/integration's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/diagnose/facts.h"
#include "agent/diagnose/holders.h"
#include "aws/common/mem.h"

#define COLUMNS_MAX 16

/* NULL as in SQL. */
typedef const char *row[COLUMNS_MAX];

static PGresult *answer(const row *rows, int count, int columns)
{
    PGresAttDesc attributes[COLUMNS_MAX] = {{0}};
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

/* The answer is gone when the facts are looked at. */
static void take(struct facts *facts, enum fact fact, const row *rows, int count, int columns)
{
    PGresult *result = answer(rows, count, columns);
    struct err err;

    if (!facts_take(facts, fact, result, &err)) {
        fail_msg("%s", err.message);
    }
    PQclear(result);
}

static const row session_rows[] = {
    {"11", "f", "t", "f", "app", "orders", "web", "100.5", "idle", "10.0.0.1", "", "t", "f", "9",
     "8", NULL},
    {"12", "f", "f", "f", "app", "orders", "web", NULL, "", "", "", "f", "f", NULL, NULL, NULL},
    {"13", "f", "t", "t", "dba", "postgres", "psql", "5", "active", "", "SELECT 1", "f", "t", "4",
     "4", "3"},
    {"14", "t", "t", "f", "poolwarden", "orders", "poolwarden", "1", "active", "10.0.0.9", "", "t",
     "f", "0", "0", "0"},
};

static void sessions_become_typed(void **state)
{
    struct facts facts;

    (void)state;
    facts_init(&facts);
    take(&facts, FACT_SESSIONS, session_rows, 4, 16);
    assert_true(facts.known[FACT_SESSIONS]);
    assert_false(facts.known[FACT_WAITS]);
    assert_int_equal(facts.session_count, 4);
    const struct fact_session *session = facts_session_of(&facts, 11);

    assert_string_equal(session->application, "web");
    assert_string_equal(session->address, "10.0.0.1");
    assert_float_equal(session->age_s, 100.5, 0);
    assert_float_equal(session->transaction_age_s, -1, 0);
    assert_true(session->visible && session->tls && fact_is_application(session));
    session = facts_session_of(&facts, 12);
    assert_false(session->visible);
    assert_float_equal(session->age_s, -1, 0);
    session = facts_session_of(&facts, 13);
    assert_true(session->superuser && session->on_lock);
    assert_false(fact_is_application(session));
    assert_int_equal(facts_own(&facts)->pid, 14);
    assert_null(facts_session_of(&facts, 15));
    facts_done(&facts);
}

static void holders_are_counted_largest_first(void **state)
{
    static const struct {
        enum holder_by by;
        bool applications_only;
        const char *names; /* "name connections addresses, ..." */
    } cases[] = {
        {BY_APPLICATION, false, "web 2 1, poolwarden 1 1, psql 1 1, "},
        {BY_APPLICATION, true, "web 2 1, "},
        {BY_USER, false, "app 2 1, dba 1 1, poolwarden 1 1, "},
        {BY_DATABASE, false, "orders 3 2, postgres 1 1, "},
        {BY_ADDRESS, false, "(local) 1 1, (not visible) 1 0, 10.0.0.1 1 1, 10.0.0.9 1 1, "},
    };
    struct facts facts;

    (void)state;
    facts_init(&facts);
    take(&facts, FACT_SESSIONS, session_rows, 4, 16);
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct holders holders;
        struct buf names;

        buf_init(&names, 4096);
        holders_count(&facts, cases[i].by, cases[i].applications_only, &holders);
        for (size_t j = 0; j < holders.count; j++) {
            buf_printf(&names, "%s %zu %zu, ", holders.items[j].name, holders.items[j].connections,
                       holders.items[j].addresses);
        }
        assert_string_equal(buf_text(&names), cases[i].names);
        buf_done(&names);
        holders_done(&holders);
    }
    facts_done(&facts);
}

static void settings_are_set_when_they_have_an_effect(void **state)
{
    static const row rows[] = {{"statement_timeout", "0"},
                               {"idle_in_transaction_session_timeout", "60000"},
                               {"log_min_duration_statement", "-1"}};
    static const row overrides[] = {{"", "app", "statement_timeout", "30s"},
                                    {"orders", "", "log_min_duration_statement", "0"},
                                    {"orders", "app", "idle_in_transaction_session_timeout", "0"}};
    struct facts facts;

    (void)state;
    facts_init(&facts);
    take(&facts, FACT_SETTINGS, rows, 3, 2);
    take(&facts, FACT_OVERRIDES, overrides, 3, 4);
    assert_true(facts_setting_is_set(&facts, SETTING_STATEMENT_TIMEOUT, "app", "x"));
    assert_false(facts_setting_is_set(&facts, SETTING_STATEMENT_TIMEOUT, "other", "x"));
    assert_true(
        facts_setting_is_set(&facts, SETTING_IDLE_IN_TRANSACTION_SESSION_TIMEOUT, "app", "x"));
    assert_false(
        facts_setting_is_set(&facts, SETTING_IDLE_IN_TRANSACTION_SESSION_TIMEOUT, "app", "orders"));
    assert_false(facts_setting_is_set(&facts, SETTING_LOG_MIN_DURATION_STATEMENT, "app", "x"));
    facts_done(&facts);
}

static void logins_are_counted_between_two_readings(void **state)
{
    static const row before = {"1000", "1700000000.5"}, after = {"1030", "1700000002.5"};
    struct facts facts;

    (void)state;
    facts_init(&facts);
    assert_float_equal(facts_logins_per_s(&facts), -1, 0);
    take(&facts, FACT_LOGINS_BEFORE, &before, 1, 2);
    assert_float_equal(facts_logins_per_s(&facts), -1, 0);
    take(&facts, FACT_LOGINS_AFTER, &after, 1, 2);
    assert_float_equal(facts_logins_per_s(&facts), 15, 1e-9);
    facts_done(&facts);
}

static void what_is_no_such_fact_is_refused(void **state)
{
    static const row rows[] = {{"1", "2", "3"}, {"1", "2", "3"}};
    static const struct {
        enum fact fact;
        int rows, columns;
    } cases[] = {{FACT_SESSIONS, 1, 3},
                 {FACT_WAITS, 1, 2},
                 {FACT_LOGINS_BEFORE, 0, 2},
                 {FACT_LOGINS_AFTER, 2, 2}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        PGresult *result = answer(rows, cases[i].rows, cases[i].columns);
        struct facts facts;
        struct err err;

        facts_init(&facts);
        assert_false(facts_take(&facts, cases[i].fact, result, &err));
        assert_int_equal(err.code, ERR_PARSE);
        assert_false(facts.known[cases[i].fact]);
        facts_done(&facts);
        PQclear(result);
    }
}

static void old_servers_are_asked_for_what_they_know(void **state)
{
    struct buf sql;

    (void)state;
    buf_init(&sql, 65536);
    assert_false(fact_statement(FACT_LOGINS_BEFORE, 130000, &sql));
    buf_clear(&sql);
    assert_true(fact_statement(FACT_LOGINS_BEFORE, 140000, &sql));
    buf_clear(&sql);
    assert_true(fact_statement(FACT_WAITS, 130000, &sql));
    assert_null(strstr(buf_text(&sql), "waitstart"));
    buf_clear(&sql);
    assert_true(fact_statement(FACT_WAITS, 140000, &sql));
    assert_non_null(strstr(buf_text(&sql), "waitstart"));
    buf_done(&sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_become_typed),
        cmocka_unit_test(holders_are_counted_largest_first),
        cmocka_unit_test(settings_are_set_when_they_have_an_effect),
        cmocka_unit_test(logins_are_counted_between_two_readings),
        cmocka_unit_test(what_is_no_such_fact_is_refused),
        cmocka_unit_test(old_servers_are_asked_for_what_they_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
