/* Times as AWS and HTTP write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/common/mem.h"
#include "aws/time.h"

struct time_case {
    const char *text;
    int64_t ms; /* -1: refused */
};

static void check(bool parse(const char *, int64_t *), const struct time_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t ms = -1;

        if (parse(cases[i].text, &ms) != (cases[i].ms >= 0) || ms != cases[i].ms) {
            fail_msg("\"%s\": %lld", cases[i].text, (long long)ms);
        }
    }
}

static void iso8601(void **state)
{
    static const struct time_case cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-08-15T13:36:00Z", 1786800960000},
        {"2026-08-15T13:36:00.5Z", 1786800960500},
        {"2026-08-15T13:36:00.123456789Z", 1786800960123},
        {"2026-08-15T14:36:00+01:00", 1786800960000},
        {"2026-08-15T14:36:00+0100", 1786800960000},
        {"2026-08-15T06:06:00-07:30", 1786800960000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"9999-12-31T23:59:59Z", 253402300799000},
        {"2016-12-31T23:59:60Z", 1483228799000}, /* a leap second is the one before */
        {"2026-02-29T00:00:00Z", -1},
        {"2026-02-30T12:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-08-00T00:00:00Z", -1},
        {"2026-08-15T24:00:00Z", -1},
        {"2026-08-15T13:60:00Z", -1},
        {"2026-08-15T13:36:61Z", -1},
        {"2026-08-15T13:36:00", -1},
        {"2026-08-15T13:36:00.Z", -1},
        {"2026-08-15T13:36:00Zx", -1},
        {"2026-08-15T13:36:00+1", -1},
        {"2026-08-15T13:36:00+01:", -1},
        {"2026-08-15 13:36:00Z", -1},
        {"2026-8-15T13:36:00Z", -1},
        {"1969-12-31T23:59:59Z", -1},
        {"2026-08-15", -1},
        {"-026-08-15T13:36:00Z", -1},
        {"", -1},
    };

    (void)state;
    check(time_parse_iso8601, cases, MEM_COUNT(cases));
}

static void http_date(void **state)
{
    static const struct time_case cases[] = {
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sat, 15 Aug 2026 13:36:00 GMT", 1786800960000},
        {"Tue, 24 Nov 2026 23:59:59 GMT", 1795564799000},
        {"Sat, 15 Aug 2026 13:36:00 UTC", -1},
        {"Sat, 15 Aug 2026 13:36:00", -1},
        {"Sat, 15 aug 2026 13:36:00 GMT", -1},
        {"Sat, 15 ug  2026 13:36:00 GMT", -1},
        {"Sat, 31 Sep 2026 13:36:00 GMT", -1},
        {"Sat, 5 Aug 2026 13:36:00 GMT", -1},
        {"Saturday, 15-Aug-26 13:36:00 GMT", -1},
        {"Sat, 15 Aug 2026 13:36:00 GMT ", -1},
        {"Sat,", -1},
        {"Sa", -1},
        {"", -1},
    };

    (void)state;
    check(time_parse_http_date, cases, MEM_COUNT(cases));
}

static void now_is_later_than_this_file(void **state)
{
    (void)state;
    assert_true(time_now_ms() > 1700000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso8601),
        cmocka_unit_test(http_date),
        cmocka_unit_test(now_is_later_than_this_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
