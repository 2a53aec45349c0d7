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

/* One that has learnt that theirs is ahead by so much. */
static struct aws_clock ahead_by(int64_t offset_ms)
{
    return (struct aws_clock){.is_known = true,
                              .epoch_ms = time_now_ms() + offset_ms - time_steady_ms()};
}

static void assert_offset(const struct aws_clock *clock, int64_t offset_ms, size_t number)
{
    int64_t found_ms = aws_clock_offset_ms(clock);

    if (llabs(found_ms - offset_ms) > 2000) { /* a Date has no fractions */
        fail_msg("case %zu: %lld ms", number, (long long)found_ms);
    }
    assert_true(llabs(aws_clock_now_ms(clock) - time_now_ms() - offset_ms) <= 2000);
}

static const struct {
    int64_t before_ms, ahead_ms;
    int64_t offset_ms;
} cases[] = {
    {0, 0, 0},
    {0, 3 * MINUTE_MS, 0},                            /* within what the services take */
    {0, 5 * MINUTE_MS, 5 * MINUTE_MS},                /* ours is behind */
    {0, -20 * MINUTE_MS, -20 * MINUTE_MS},            /* ours is ahead */
    {5 * MINUTE_MS, 3 * MINUTE_MS, 5 * MINUTE_MS},    /* no flipping between the two limits */
    {5 * MINUTE_MS, MINUTE_MS, 0},                    /* set right meanwhile */
    {5 * MINUTE_MS, 30 * MINUTE_MS, 30 * MINUTE_MS},  /* set wrong again */
    {20 * MINUTE_MS, 21 * MINUTE_MS, 20 * MINUTE_MS}, /* near enough */
    {60 * MINUTE_MS, 60 * MINUTE_MS, 60 * MINUTE_MS}, /* ours was set back meanwhile */
    {-3 * MINUTE_MS, -3 * MINUTE_MS, -3 * MINUTE_MS}, /* the same by less than the services mind */
};

static void learns(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct aws_clock clock = ahead_by(cases[i].before_ms);

        answer(&clock, cases[i].ahead_ms);
        assert_offset(&clock, cases[i].offset_ms, i);
        if (cases[i].before_ms == 0) {
            aws_clock_init(&clock);
            answer(&clock, cases[i].ahead_ms);
            assert_offset(&clock, cases[i].offset_ms, i);
        }
    }
}

/* What is off by less than the services' clocks differ from one another is no step. */
static void only_a_step_is_made_up_for(void **state)
{
    static const struct {
        int64_t stepped_ms, offset_ms;
    } steps[] = {{60 * MINUTE_MS, -60 * MINUTE_MS},
                 {-60 * MINUTE_MS, 60 * MINUTE_MS},
                 {MINUTE_MS, 0},
                 {-MINUTE_MS, 0}};

    (void)state;
    for (size_t i = 0; i < MEM_COUNT(steps); i++) {
        struct aws_clock clock = ahead_by(0);

        clock.epoch_ms -= steps[i].stepped_ms;
        assert_offset(&clock, steps[i].offset_ms, i);
    }
}

static void on_correction(void *arg, int64_t offset_ms)
{
    int64_t *told = arg;

    assert_true(*told == 0);
    *told = offset_ms;
}

static struct aws_clock new_clock(int64_t *told_ms)
{
    struct aws_clock clock;

    aws_clock_init(&clock);
    clock.on_correction = on_correction;
    clock.arg = told_ms;
    return clock;
}

/* What was stamped before may be moved once; what is stamped later is right, whatever is learnt. */
static void only_the_first_answer_corrects(void **state)
{
    int64_t told_ms = 0;
    struct aws_clock clock = new_clock(&told_ms);

    (void)state;
    answer(&clock, 20 * MINUTE_MS);
    assert_true(llabs(told_ms - 20 * MINUTE_MS) <= 2000);
    answer(&clock, 60 * MINUTE_MS);
    assert_offset(&clock, 60 * MINUTE_MS, 0);

    told_ms = 0;
    clock = new_clock(&told_ms);
    answer(&clock, 3 * MINUTE_MS);
    assert_true(clock.is_known && told_ms == 0);
}

/* The host's was wrong and is set right before anybody answers, as after a boot. */
static void a_step_before_the_first_answer_is_a_correction(void **state)
{
    int64_t told_ms = 0;
    struct aws_clock clock = new_clock(&told_ms);

    (void)state;
    clock.epoch_ms -= 60 * MINUTE_MS;
    assert_offset(&clock, -60 * MINUTE_MS, 0);
    answer(&clock, 0);
    assert_offset(&clock, 0, 0);
    assert_true(llabs(told_ms - 60 * MINUTE_MS) <= 2000);
}

static void nobody_s_clock_is_the_host_s(void **state)
{
    (void)state;
    assert_true(aws_clock_offset_ms(NULL) == 0);
    assert_true(llabs(aws_clock_now_ms(NULL) - time_now_ms()) < 1000);
}

static void what_is_no_date_teaches_nothing(void **state)
{
    static const char *const dates[] = {"yesterday", "", "2026-08-15T12:36:00Z"};
    struct aws_clock clock;

    (void)state;
    aws_clock_init(&clock);
    for (size_t i = 0; i < MEM_COUNT(dates); i++) {
        const struct http_header header = {"Date", dates[i]};
        const struct http_response response = {.headers = &header, .header_count = 1, .body = ""};

        aws_clock_learn(&clock, &response);
        assert_false(clock.is_known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns),
        cmocka_unit_test(only_a_step_is_made_up_for),
        cmocka_unit_test(only_the_first_answer_corrects),
        cmocka_unit_test(a_step_before_the_first_answer_is_a_correction),
        cmocka_unit_test(nobody_s_clock_is_the_host_s),
        cmocka_unit_test(what_is_no_date_teaches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
