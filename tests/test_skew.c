/* The services' clock, learnt from their answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "aws/clock.h"
#include "aws/common/mem.h"
#include "aws/time.h"

#define MINUTE_MS INT64_C(60000)

/* An answer from where it is later by so much. */
static void answer(struct aws_clock *clock, int64_t ahead_ms)
{
    time_t theirs = (time_t)((time_now_ms() + ahead_ms) / 1000);
    struct tm parts;
    char date[64];

    assert_true(
        strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&theirs, &parts)) > 0);
    const struct http_header header = {"Date", date};
    const struct http_response response = {.headers = &header, .header_count = 1, .body = ""};
    aws_clock_learn(clock, &response);
}

static const struct {
    int64_t before_ms, ahead_ms;
    int64_t offset_ms; /* to the nearest two seconds */
} cases[] = {
    {0, 0, 0},
    {0, 3 * MINUTE_MS, 0},                            /* within what the services take */
    {0, 5 * MINUTE_MS, 5 * MINUTE_MS},                /* ours is behind */
    {0, -20 * MINUTE_MS, -20 * MINUTE_MS},            /* ours is ahead */
    {5 * MINUTE_MS, 3 * MINUTE_MS, 5 * MINUTE_MS},    /* no flipping between the two limits */
    {5 * MINUTE_MS, MINUTE_MS, 0},                    /* set right meanwhile */
    {5 * MINUTE_MS, 30 * MINUTE_MS, 30 * MINUTE_MS},  /* set wrong again */
    {20 * MINUTE_MS, 21 * MINUTE_MS, 20 * MINUTE_MS}, /* near enough */
};

static void learns(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct aws_clock clock = {.offset_ms = cases[i].before_ms};

        answer(&clock, cases[i].ahead_ms);
        if (llabs(clock.offset_ms - cases[i].offset_ms) > 2000) {
            fail_msg("case %zu: %lld ms", i, (long long)clock.offset_ms);
        }
        assert_true(llabs(aws_clock_now_ms(&clock) - time_now_ms() - clock.offset_ms) < 1000);
    }
}

static void what_is_no_date_teaches_nothing(void **state)
{
    static const char *const dates[] = {"yesterday", "", "2026-08-15T12:36:00Z"};
    struct aws_clock clock = {.offset_ms = 7};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(dates); i++) {
        const struct http_header header = {"Date", dates[i]};
        const struct http_response response = {.headers = &header, .header_count = 1, .body = ""};

        aws_clock_learn(&clock, &response);
        assert_int_equal(clock.offset_ms, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns),
        cmocka_unit_test(what_is_no_date_teaches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
