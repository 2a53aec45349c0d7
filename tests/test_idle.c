/* Idle sessions that may be ended: which rows are taken, the statement that ends one, how it fares.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/diagnose/idle.h"
#include "aws/common/mem.h"

#define COLUMNS 7

typedef const char *row[COLUMNS];

static const row good = {"123", "1795600800.123456", "web", "app", "orders", "10.0.0.1", "720.5"};

static PGresult *answer(const row *rows, int count, int columns)
{
    PGresAttDesc attributes[COLUMNS] = {{0}};
    char name[] = "column";
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    for (int i = 0; i < columns; i++) {
        attributes[i].name = name;
    }
    assert_true(PQsetResultAttrs(result, columns, attributes));
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < columns; j++) {
            char *copy = mem_strdup(rows[i][j]);

            assert_true(PQsetvalue(result, i, j, copy, (int)strlen(copy)));
            free(copy);
        }
    }
    return result;
}

static void take(struct idle_sessions *sessions)
{
    PGresult *result = answer(&good, 1, COLUMNS);
    struct err err;

    memset(sessions, 0, sizeof(*sessions));
    assert_true(idle_take(sessions, result, &err));
    PQclear(result);
}

static void what_may_not_be_ended_stands_in_both_statements(void **state)
{
    static const char *const pieces[] = {
        "a.backend_type = 'client backend'",
        "a.state = 'idle'",
        "a.state_change < clock_timestamp() - interval '300000 milliseconds'",
        "a.pid <> pg_backend_pid()",
        "a.application_name <> 'poolwarden'",
        "NOT r.rolsuper",
        "NOT r.rolreplication",
    };
    struct idle_sessions sessions;
    struct buf list, end;

    (void)state;
    take(&sessions);
    buf_init(&list, 65536);
    buf_init(&end, 65536);
    idle_list_statement(300000, &list);
    idle_end_statement(&sessions.items[0], 300000, &end);
    for (size_t i = 0; i < MEM_COUNT(pieces); i++) {
        assert_non_null(strstr(buf_text(&list), pieces[i]));
        assert_non_null(strstr(buf_text(&end), pieces[i]));
    }
    assert_null(strstr(buf_text(&list), "terminate"));
    assert_non_null(strstr(buf_text(&end), "pg_stat_get_activity(123)"));
    assert_non_null(
        strstr(buf_text(&end), "extract(epoch FROM a.backend_start)::text = '1795600800.123456'"));
    buf_done(&list);
    buf_done(&end);
    idle_done(&sessions);
}

static void rows_outlive_their_answer(void **state)
{
    struct idle_sessions sessions;
    struct buf line;

    (void)state;
    take(&sessions);
    buf_init(&line, 4096);
    idle_line(&sessions.items[0], &line);
    assert_string_equal(buf_text(&line), "pid 123, web, app@orders from 10.0.0.1, idle for 12 min");
    buf_done(&line);
    idle_done(&sessions);
}

/* The time goes back into a statement. */
static void a_time_that_is_none_is_refused(void **state)
{
    static const char *const times[] = {"", "1'; DROP TABLE t; --", "now"};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(times); i++) {
        const row bad = {"123", times[i], "web", "app", "orders", "", "1"};
        PGresult *result = answer(&bad, 1, COLUMNS);
        struct idle_sessions sessions = {0};
        struct err err;

        assert_false(idle_take(&sessions, result, &err));
        assert_int_equal(err.code, ERR_PARSE);
        PQclear(result);
    }
    PGresult *result = answer(&good, 1, COLUMNS - 1);
    struct idle_sessions sessions = {0};
    struct err err;

    assert_false(idle_take(&sessions, result, &err));
    PQclear(result);
}

static void how_one_fares(void **state)
{
    static const row ended = {"t"}, refused = {"f"};
    const struct err denied = {.code = ERR_DENIED, .message = "permission denied"};
    static const struct {
        const char *name;
        const row *rows;
        int count;
        enum idle_fate fate;
        const char *json;
    } cases[] = {{"ended", &ended, 1, IDLE_ENDED, "ended"},
                 {"at work again", NULL, 0, IDLE_CHANGED, "changed"},
                 {"refused", &refused, 1, IDLE_FAILED, "failed"},
                 {"an error", NULL, -1, IDLE_FAILED, "failed"}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        PGresult *result = cases[i].count >= 0 ? answer(cases[i].rows, cases[i].count, 1) : NULL;
        struct idle_sessions sessions;

        print_message("%s\n", cases[i].name);
        take(&sessions);
        idle_judge(&sessions.items[0], result, result ? NULL : &denied);
        assert_int_equal(sessions.items[0].fate, cases[i].fate);
        json_t *json = idle_json(&sessions.items[0]);

        assert_string_equal(json_string_value(json_object_get(json, "fate")), cases[i].json);
        assert_int_equal(!json_is_null(json_object_get(json, "error")),
                         cases[i].fate == IDLE_FAILED);
        json_decref(json);
        idle_done(&sessions);
        PQclear(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_not_be_ended_stands_in_both_statements),
        cmocka_unit_test(rows_outlive_their_answer),
        cmocka_unit_test(a_time_that_is_none_is_refused),
        cmocka_unit_test(how_one_fares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
