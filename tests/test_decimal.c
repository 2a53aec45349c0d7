/* Numbers as text: what is written is read back as the same number, and no longer than it must. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/common/decimal.h"
#include "aws/common/mem.h"

static const struct {
    double number;
    const char *text;
} cases[] = {
    {0, "0"},
    {-0.0, "0"},
    {1, "1"},
    {-17, "-17"},
    {60, "60"},
    {9007199254740992.0, "9007199254740992"},
    {12.5, "12.5"},
    {-12.5, "-12.5"},
    {0.1, "0.1"},
    {0.125, "0.125"},
    {0.00001, "0.00001"},
    {0.5, "0.5"},
    {99.99, "99.99"},
    {0.1 + 0.2, "0.30000000000000004"},
    {100 * 16 / 47.0, "34.04255319148936"},
    {100.0 / 3, "33.333333333333336"},
    {1.0 / 3, "0.3333333333333333"},
    {999999999999999.9, "999999999999999.9"},
    {0.000001, "1e-06"},
    {1e22, "1e+22"},
    {1.5e300, "1.5e+300"},
};

static void numbers_are_written_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf out;

        buf_init(&out, 64);
        decimal_write(&out, cases[i].number);
        assert_string_equal(buf_text(&out), cases[i].text);
        buf_done(&out);
    }
}

/* printf's own, with the fewest digits that are read back. */
static size_t digits_needed(double number)
{
    char text[64];
    int digits = 15;

    do {
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
    } while (strtod(text, NULL) != number && ++digits <= 17);
    return (size_t)digits;
}

static size_t digits_in(const char *text)
{
    size_t count = 0;

    for (text += strspn(text, "-0."); *text; text++) {
        count += *text >= '0' && *text <= '9' ? 1 : 0;
    }
    return count;
}

static void check(double number)
{
    struct buf out;

    buf_init(&out, 64);
    decimal_write(&out, number);
    if (strtod(buf_text(&out), NULL) != number) {
        fail_msg("%.17g became %s", number, buf_text(&out));
    }
    if (number >= 1e-5 && number < 1e15 && digits_in(buf_text(&out)) > digits_needed(number)) {
        fail_msg("%.17g became %s, which is long", number, buf_text(&out));
    }
    buf_done(&out);
}

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 11;
}

/* Of every size, and those beside them, where rounding goes the other way. */
static void numbers_are_read_back(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        double fraction = (double)next(&seed) / 0x1p53;
        double number = ldexp(fraction, (int)(next(&seed) % 80) - 24);

        check(number);
        check(nextafter(number, INFINITY));
        check(round(number * 1000) / 1000);
    }
}

/* Below a power of two the doubles are twice as dense as above it. */
static void powers_of_two_are_read_back(void **state)
{
    (void)state;
    for (int exponent = -20; exponent < 60; exponent++) {
        double number = ldexp(1, exponent);

        assert_true(number > 0);
        check(nextafter(number, 0));
        check(number * 3 / 2);
        check(nextafter(number, INFINITY));
        struct buf out;
        buf_init(&out, 64);
        decimal_write(&out, number);
        assert_true(strtod(buf_text(&out), NULL) == number);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_short),
        cmocka_unit_test(numbers_are_read_back),
        cmocka_unit_test(powers_of_two_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
