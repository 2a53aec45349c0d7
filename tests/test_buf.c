/* A buffer to its limit and over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/common/buf.h"

static void an_empty_buffer_is_a_text(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 10);
    assert_string_equal(buf_text(&buf), "");
    assert_true(buf_ok(&buf));
    char *text = buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    buf_done(&buf);
}

static void appends_in_order(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 1000);
    buf_puts(&buf, "a");
    buf_putc(&buf, 'b');
    buf_printf(&buf, "%d%s", 12, "c");
    buf_add(&buf, "d\0e", 3);
    assert_int_equal(buf.len, 8);
    assert_memory_equal(buf_text(&buf), "ab12cd\0e", 9); /* and a NUL behind it */
    buf_truncate(&buf, 5);
    assert_string_equal(buf_text(&buf), "ab12c");
    buf_truncate(&buf, 6); /* it was shorter already */
    assert_int_equal(buf.len, 5);
    buf_done(&buf);
    assert_int_equal(buf.len, 0);
    buf_puts(&buf, "again");
    assert_string_equal(buf_text(&buf), "again");
    buf_done(&buf);
}

struct limit_case {
    const char *name;
    size_t limit;
    bool ok;
};

static void overflow_is_sticky(void **state)
{
    static const struct limit_case cases[] = {
        {"room to spare", 100, true}, {"just fits", 8, true}, {"one short", 7, false},
        {"half of it", 4, false},     {"no room", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf buf;

        buf_init(&buf, cases[i].limit);
        buf_puts(&buf, "abcd");
        buf_printf(&buf, "%d", 1234);
        buf_puts(&buf, "");
        if (buf_ok(&buf) != cases[i].ok) {
            fail_msg("%s", cases[i].name);
        }
        assert_true(buf.len <= cases[i].limit);
        if (!cases[i].ok) {
            size_t len = buf.len;
            buf_truncate(&buf, 0);
            buf_add(&buf, "", 0);
            assert_false(buf_ok(&buf));
            assert_true(buf.len == 0 && len <= 4);
            buf_clear(&buf);
            assert_true(buf_ok(&buf));
        }
        buf_done(&buf);
    }
}

static void grows_by_doubling(void **state)
{
    struct buf buf;
    int moves = 0;

    (void)state;
    buf_init(&buf, 1000000);
    for (size_t i = 0, room = 0; i < 1000000; i++) {
        buf_putc(&buf, (char)('a' + i % 26));
        moves += buf.room != room;
        room = buf.room;
    }
    assert_true(buf_ok(&buf));
    assert_true(moves < 20);
    for (size_t i = 0; i < 1000000; i++) {
        assert_true(buf_text(&buf)[i] == (char)('a' + i % 26));
    }
    buf_putc(&buf, 'x');
    assert_false(buf_ok(&buf));
    buf_done(&buf);
}

static void taking_hands_over(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 10);
    buf_puts(&buf, "mine");
    char *text = buf_take(&buf);
    buf_puts(&buf, "new");
    assert_string_equal(text, "mine");
    assert_string_equal(buf_text(&buf), "new");
    free(text);
    buf_done(&buf);
}

static void secrets_survive_growth(void **state)
{
    struct buf buf;

    (void)state;
    buf_init_secret(&buf, 1000);
    for (int i = 0; i < 100; i++) {
        buf_puts(&buf, "secret");
    }
    assert_int_equal(buf.len, 600);
    assert_memory_equal(buf_text(&buf) + 594, "secret", 7);
    buf_done(&buf);
    assert_true(buf.secret); /* and the next one is a secret too */
    buf_puts(&buf, "x");
    buf_wipe(&buf);
    assert_int_equal(buf.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_a_text), cmocka_unit_test(appends_in_order),
        cmocka_unit_test(overflow_is_sticky),        cmocka_unit_test(grows_by_doubling),
        cmocka_unit_test(taking_hands_over),         cmocka_unit_test(secrets_survive_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
