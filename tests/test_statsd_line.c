/* StatsD lines, one named case each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sample/statsd_line.h"
#include "aws/common/mem.h"

static const struct line_case {
    const char *line;
    enum statsd_reason reason;
    const char *pool;
    const char *field;
    double value;
    char type;
} cases[] = {
    {"workers.pool_timeout:1|c", STATSD_OK, "workers", "pool_timeout", 1, 'c'},
    {"workers.pool_timeout:7|c|@0.5", STATSD_OK, "workers", "pool_timeout", 14, 'c'},
    {"workers.pool_timeout:7|c|#env:prod,pool:x", STATSD_OK, "workers", "pool_timeout", 7, 'c'},
    {"workers.pool_timeout:3|c|@0.1|#a:b", STATSD_OK, "workers", "pool_timeout", 30, 'c'},
    {"eu.west.workers.waiting:2.5|g", STATSD_OK, "eu.west.workers", "waiting", 2.5, 'g'},
    {"workers.waiting:4|g|@0.5", STATSD_OK, "workers", "waiting", 4, 'g'},
    {"workers.pool_timeout", STATSD_NO_VALUE, NULL, NULL, 0, 0},
    {"pool_timeout:1|c", STATSD_NOT_OURS, NULL, NULL, 0, 0},
    {".pool_timeout:1|c", STATSD_NOT_OURS, NULL, NULL, 0, 0},
    {"workers.:1|c", STATSD_NOT_OURS, NULL, NULL, 0, 0},
    {":1|c", STATSD_BAD_NAME, NULL, NULL, 0, 0},
    {"wor kers.pool_timeout:1|c", STATSD_BAD_NAME, NULL, NULL, 0, 0},
    {"workers.pool_timeout:|c", STATSD_BAD_VALUE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:one|c", STATSD_BAD_VALUE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:1e999|c", STATSD_BAD_VALUE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:inf|c", STATSD_BAD_VALUE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:1", STATSD_BAD_TYPE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:1|", STATSD_BAD_TYPE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:1|ms", STATSD_BAD_TYPE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:1|c|@0", STATSD_BAD_RATE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:1|c|@2", STATSD_BAD_RATE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:1|c|@x", STATSD_BAD_RATE, NULL, NULL, 0, 0},
    {"workers.pool_timeout:1e300|c|@1e-300", STATSD_BAD_RATE, NULL, NULL, 0, 0},
};

static void reads_each_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        const struct line_case *c = &cases[i];
        struct statsd_line line = {0};
        enum statsd_reason reason = statsd_line_parse(c->line, strlen(c->line), &line);

        if (reason != c->reason) {
            fail_msg("%s: %s, expected %s", c->line, statsd_reason_text(reason),
                     statsd_reason_text(c->reason));
        }
        if (reason != STATSD_OK) {
            continue;
        }
        assert_int_equal(line.pool_len, strlen(c->pool));
        assert_memory_equal(line.pool, c->pool, line.pool_len);
        assert_int_equal(line.field_len, strlen(c->field));
        assert_memory_equal(line.field, c->field, line.field_len);
        assert_true(line.value == c->value);
        assert_int_equal(line.type, c->type);
    }
}

static void a_sign_makes_a_gauge_relative(void **state)
{
    (void)state;
    struct statsd_line line;

    assert_int_equal(statsd_line_parse("p.waiting:+3|g", 14, &line), STATSD_OK);
    assert_true(line.relative);
    assert_int_equal(statsd_line_parse("p.waiting:3|g", 13, &line), STATSD_OK);
    assert_false(line.relative);
}

static void a_long_name_is_refused(void **state)
{
    (void)state;
    char text[STATSD_NAME_MAX + 32];
    struct statsd_line line;

    memset(text, 'a', STATSD_NAME_MAX);
    memcpy(text + STATSD_NAME_MAX, ".pool_timeout:1|c", 17);
    assert_int_equal(statsd_line_parse(text, STATSD_NAME_MAX + 17, &line), STATSD_BAD_NAME);
}

static void a_failure_leaves_the_output_alone(void **state)
{
    (void)state;
    struct statsd_line line = {.value = 42};

    assert_int_equal(statsd_line_parse("p.waiting:x|g", 13, &line), STATSD_BAD_VALUE);
    assert_true(line.value == 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_line),
        cmocka_unit_test(a_sign_makes_a_gauge_relative),
        cmocka_unit_test(a_long_name_is_refused),
        cmocka_unit_test(a_failure_leaves_the_output_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
