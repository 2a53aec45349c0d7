/* What is taken for JSON, and what is told of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/common/buf.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

struct json_case {
    const char *name;
    const char *text;
    const char *reason; /* NULL: taken */
};

static const struct json_case cases[] = {
    {"an object", "{\"a\": [1, 2.5, \"x\", null, true]}", NULL},
    {"an array", "[]", NULL},
    {"blanks around it", " \n{}\n", NULL},
    {"brackets in strings", "{\"a\": \"[[[{{{\\\"[\"}", NULL},
    {"nothing", "", "it ends too early"},
    {"a scalar", "1", "not JSON"},
    {"half of it", "{\"a\": ", "it ends too early"},
    {"more of it", "{} {}", "something follows its end"},
    {"a key twice", "{\"a\": 1,\n \"a\": 2}", "a key stands twice"},
    {"not UTF-8", "[\"\xff\"]", "not UTF-8"},
    {"a NUL in a string", "[\"a\\u0000b\"]", "a string holds a NUL"},
    {"a number out of range", "[1e999]", "a number is too large"},
    {"secrets stay unsaid", "{\"SecretAccessKey\": hunter2}", "not JSON"},
};

/* Where exactly differs between versions of jansson. */
static bool is_reason(const char *message, const char *reason)
{
    const char *at = strrchr(message, ':');

    return strncmp(message, "bad JSON at line ", 17) == 0 && at && strcmp(at + 2, reason) == 0;
}

static void takes_json_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct err err = {0};
        json_t *value = NULL;
        bool ok = json_parse(cases[i].text, strlen(cases[i].text), &value, &err);

        if (ok != !cases[i].reason || (!ok && !is_reason(err.message, cases[i].reason))) {
            fail_msg("%s: %s", cases[i].name, ok ? "taken" : err.message);
        }
        assert_int_equal(err.code, ok ? ERR_NONE : ERR_PARSE);
        json_decref(value);
    }
}

static bool parse_nested(size_t depth)
{
    struct buf text;
    struct err err;
    json_t *value = NULL;

    buf_init(&text, 1000000);
    for (size_t i = 0; i < depth; i++) {
        buf_puts(&text, i % 2 ? "{\"a\":" : "[");
    }
    buf_puts(&text, "1");
    for (size_t i = depth; i-- > 0;) {
        buf_putc(&text, i % 2 ? '}' : ']');
    }
    bool ok = json_parse(buf_text(&text), text.len, &value, &err);
    json_decref(value);
    buf_done(&text);
    return ok;
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    assert_true(parse_nested(JSON_DEPTH_MAX));
    assert_false(parse_nested(JSON_DEPTH_MAX + 1));
    assert_false(parse_nested(100000));
}

static void getters_do_not_trust(void **state)
{
    json_t *object =
        json_pack("{s:s, s:f, s:i, s:n}", "text", "x", "real", 0.5, "integer", 7, "nothing");
    double number = 42;

    (void)state;
    assert_string_equal(json_text_of(object, "text"), "x");
    assert_null(json_text_of(object, "real"));
    assert_null(json_text_of(object, "absent"));
    assert_null(json_text_of(NULL, "text"));
    assert_false(json_number_of(object, "text", &number));
    assert_false(json_number_of(object, "nothing", &number));
    assert_false(json_number_of(NULL, "real", &number));
    assert_true(number == 42);
    assert_true(json_number_of(object, "real", &number) && number == 0.5);
    assert_true(json_number_of(object, "integer", &number) && number == 7);
    json_decref(object);
}

static void writes_compactly(void **state)
{
    json_t *object = json_pack("{s:[i,s]}", "a", 1, "ä\n");
    char *text = json_encode(object);

    (void)state;
    assert_string_equal(text, "{\"a\":[1,\"ä\\n\"]}");
    free(text);
    json_decref(object);
    json_t *scalar = json_string("x");
    text = json_encode(scalar);
    assert_string_equal(text, "\"x\"");
    free(text);
    json_decref(scalar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_json_and_nothing_else),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(getters_do_not_trust),
        cmocka_unit_test(writes_compactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
