/* What an error keeps, and how it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "aws/common/err.h"

static void always_false(void **state)
{
    struct err err = {0};

    (void)state;
    assert_false(err_set(&err, ERR_NET, "connect: %d", 5));
    assert_int_equal(err.code, ERR_NET);
    assert_string_equal(err.message, "connect: 5");
    assert_false(err_set(NULL, ERR_NET, "nobody listens"));
    assert_false(err_context(NULL, "nobody listens"));
}

static void context_goes_in_front(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_TIMEOUT, "no answer");
    assert_false(err_context(&err, "connect"));
    assert_false(err_context(&err, "database %s", "orders"));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_string_equal(err.message, "database orders: connect: no answer");
}

static void the_old_message_may_be_an_argument(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_NET, "reset");
    err_set(&err, ERR_DENIED, "refused (%s)", err.message);
    assert_string_equal(err.message, "refused (reset)");
}

static void system_errors_tell_why(void **state)
{
    struct err err;

    (void)state;
    assert_false(err_errno(&err, ENOENT, "%s", "/etc/x"));
    assert_int_equal(err.code, ERR_SYSTEM);
    assert_string_equal(err.message, "/etc/x: No such file or directory");
}

/* libpq answers in lines; a stranger could write our log's next one. */
static void messages_are_one_line(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_DENIED, "%s", "\nFATAL:  no\r\n\tDETAIL: \x1b[31mred\n");
    assert_string_equal(err.message, "FATAL:  no DETAIL: [31mred");
    err_set(&err, ERR_DENIED, "%s", "\n");
    assert_string_equal(err.message, "");
}

static void long_messages_say_that_they_are_cut(void **state)
{
    char text[ERR_MESSAGE_MAX + 1] = {0};
    struct err err;

    (void)state;
    memset(text, 'x', ERR_MESSAGE_MAX - 1);
    err_set(&err, ERR_PARSE, "%s", text);
    assert_string_equal(err.message, text); /* fits exactly */
    text[ERR_MESSAGE_MAX - 1] = 'x';
    err_set(&err, ERR_PARSE, "%s", text);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
    assert_string_equal(err.message + ERR_MESSAGE_MAX - 5, "x...");
    err_context(&err, "database orders");
    assert_memory_equal(err.message, "database orders: xxx", 20);
    assert_string_equal(err.message + ERR_MESSAGE_MAX - 5, "x...");
}

static void a_cut_leaves_whole_characters(void **state)
{
    char text[ERR_MESSAGE_MAX + 2] = {0};
    struct err err;

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xa4", 2);
    }
    for (size_t offset = 0; offset < 2; offset++) {
        err_set(&err, ERR_PARSE, "%.*s%s", (int)offset, "x", text);
        const char *dots = strstr(err.message, "...");
        assert_non_null(dots);
        assert_int_equal((unsigned char)dots[-1], 0xa4);
    }
}

static void codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_NONE), "none");
    assert_string_equal(err_name(ERR_TIMEOUT), "timeout");
    assert_string_equal(err_name(ERR_SYSTEM), "system");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(always_false),
        cmocka_unit_test(context_goes_in_front),
        cmocka_unit_test(the_old_message_may_be_an_argument),
        cmocka_unit_test(system_errors_tell_why),
        cmocka_unit_test(messages_are_one_line),
        cmocka_unit_test(long_messages_say_that_they_are_cut),
        cmocka_unit_test(a_cut_leaves_whole_characters),
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
