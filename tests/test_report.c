/* A diagnosis as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/diagnose/report.h"
#include "agent/prose.h"
#include "diagnosis_rows.h"

static struct config_database database = {.name = (char[]){"orders"},
                                          .identifier = (char[]){"orders-1"},
                                          .conninfo = {.host = (char[]){"10.0.0.9"},
                                                       .port = (char[]){"5432"},
                                                       .connect_timeout_ms = 5000,
                                                       .pool_timeout_s = -1},
                                          .long_query_ms = 60000,
                                          .leak_ms = 600000,
                                          .stale_idle_ms = 300000};

static const struct report_style plain = {.width = 80};

static struct diagnosis *leaking(void)
{
    struct fact_session rows[2] = {session_made(100, "web", "10.0.0.1"),
                                   session_made(101, "e\x1bvil", "10.0.0.1")};

    rows[1].state = "idle in transaction";
    rows[1].state_age_s = 1000;
    rows[1].query = "SELECT a FROM a_table_with_a_long_name WHERE b = 1 AND c = 2 AND d = 3";
    struct diagnosis *made = diagnosis_made(&database, rows, 2);

    made->facts.limits = mem_alloc(sizeof(struct fact_limit));
    made->facts.limits[0] = (struct fact_limit){.of_role = true, .name = "app", .limit = 30};
    made->facts.limit_count = 1;
    diagnosis_conclude(made);
    return made;
}

static char *text_of(const struct diagnosis *diagnosis, const struct report_style *style)
{
    struct buf text;

    buf_init(&text, 1u << 20);
    report_text(diagnosis, style, &text);
    assert_true(buf_ok(&text));
    return buf_take(&text);
}

static void a_server_with_nothing_to_mend_is_one_line(void **state)
{
    struct diagnosis *made = diagnosis_made(&database, NULL, 0);

    (void)state;
    diagnosis_conclude(made);
    char *text = text_of(made, &plain);

    assert_string_equal(
        text, "orders: healthy, 1 of 47 usable connections are taken (2 %), nothing to mend\n");
    free(text);
    diagnosis_free_made(made);
}

static void findings_stand_before_who_holds_the_slots(void **state)
{
    struct diagnosis *made = leaking();
    char *text = text_of(made, &plain);
    static const char *const pieces[] = {
        "orders  10.0.0.9:5432  PostgreSQL 15.18\n",
        "  max_connections 50, reserved 3, usable 47, used 3 (6 %), available 44\n",
        "  critical  1 session idle in transaction longer than 10 min, the oldest for 16\n",
        "            min\n",
        "            - pid 101, e?vil, ",
        "            > SELECT pg_terminate_backend(101);\n",
        "who holds the slots ",
        "    e?vil ",
        "   client address\n",
        "  limits of roles and databases\n    role app: 2 of 30\n",
        "  budget\n",
    };
    const char *at = text;

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(pieces); i++) {
        print_message("%s\n", pieces[i]);
        at = strstr(at, pieces[i]);
        assert_non_null(at);
    }
    assert_null(strchr(text, '\x1b'));
    free(text);
    diagnosis_free_made(made);
}

/* Statements are not broken. */
static void lines_are_not_wider_than_they_may(void **state)
{
    struct diagnosis *made = leaking();
    char *text = text_of(made, &plain);

    (void)state;
    for (char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        line[len] = '\0';
        if (!strstr(line, ";")) {
            assert_in_range(prose_length(line), 0, 80);
        }
        line += len + 1;
    }
    free(text);
    diagnosis_free_made(made);
}

static void colors_only_add(void **state)
{
    const struct report_style colored = {.color = true, .width = 80};
    struct diagnosis *made = leaking();
    char *with = text_of(made, &colored), *without = text_of(made, &plain);
    char *out = with;

    (void)state;
    assert_non_null(strstr(with, "\033[1;31mcritical\033[0m"));
    for (const char *c = with; *c != '\0'; c++) {
        if (*c == '\033') {
            c = strchr(c, 'm');
        } else {
            *out++ = *c;
        }
    }
    *out = '\0';
    assert_string_equal(with, without);
    free(with);
    free(without);
    diagnosis_free_made(made);
}

static void programs_get_everything(void **state)
{
    struct diagnosis *made = leaking();
    json_t *document = report_json(made);
    json_t *finding = json_array_get(json_object_get(document, "findings"), 0);
    json_t *web =
        json_array_get(json_object_get(json_object_get(document, "holders"), "application"), 2);

    (void)state;
    assert_string_equal(json_string_value(json_object_get(document, "identifier")), "orders-1");
    assert_true(json_is_true(json_object_get(document, "examined")));
    assert_true(json_is_false(json_object_get(document, "healthy")));
    assert_string_equal(json_string_value(json_object_get(finding, "id")), "leak");
    assert_string_equal(json_string_value(json_object_get(finding, "severity")), "critical");
    assert_int_equal(json_array_size(json_object_get(finding, "evidence")), 1);
    assert_string_equal(json_string_value(json_object_get(web, "name")), "web");
    assert_int_equal(
        json_integer_value(json_object_get(
            json_object_get(json_object_get(document, "budget"), "connection_limit"), "2")),
        14);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(document, "slots"), "available")), 44);
    json_t *limit = json_array_get(json_object_get(document, "limits"), 0);

    assert_int_equal(json_integer_value(json_object_get(limit, "used")), 2);
    json_decref(document);
    diagnosis_free_made(made);
}

static void one_that_could_not_be_examined_claims_nothing(void **state)
{
    struct diagnosis *made = mem_alloc(sizeof(*made));

    (void)state;
    made->database = &database;
    err_set(&made->err, ERR_NET, "connection refused");
    diagnosis_conclude(made);
    json_t *document = report_json(made);
    char *text = text_of(made, &plain);

    assert_string_equal(json_string_value(json_object_get(document, "error")),
                        "connection refused");
    assert_true(json_is_false(json_object_get(document, "healthy")));
    assert_true(json_is_null(json_object_get(document, "slots")));
    assert_true(json_is_null(json_object_get(document, "holders")));
    assert_null(strstr(text, "usable"));
    free(text);
    json_decref(document);
    diagnosis_free_made(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_with_nothing_to_mend_is_one_line),
        cmocka_unit_test(findings_stand_before_who_holds_the_slots),
        cmocka_unit_test(lines_are_not_wider_than_they_may),
        cmocka_unit_test(colors_only_add),
        cmocka_unit_test(programs_get_everything),
        cmocka_unit_test(one_that_could_not_be_examined_claims_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
