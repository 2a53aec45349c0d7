#include "aws/clock.h"

#include "aws/time.h"

#define SKEW_MS   (INT64_C(4) * 60 * 1000)
#define AGREED_MS (INT64_C(2) * 60 * 1000)

static bool is_near(int64_t a, int64_t b, int64_t most)
{
    return (a > b ? a - b : b - a) < most;
}

static int64_t offset_at(const struct aws_clock *clock, int64_t now_ms, int64_t steady_ms)
{
    int64_t offset_ms = clock ? steady_ms + clock->epoch_ms - now_ms : 0;

    return is_near(offset_ms, 0, AGREED_MS) ? 0 : offset_ms;
}

void aws_clock_init(struct aws_clock *clock)
{
    *clock = (struct aws_clock){.epoch_ms = time_now_ms() - time_steady_ms()};
}

int64_t aws_clock_offset_ms(const struct aws_clock *clock)
{
    return offset_at(clock, time_now_ms(), time_steady_ms());
}

/* The host's clock is read once: it may be set at any moment. */
int64_t aws_clock_now_ms(const struct aws_clock *clock)
{
    int64_t now_ms = time_now_ms();

    return now_ms + offset_at(clock, now_ms, time_steady_ms());
}

/* A Date tells only the second. Whole ones between the two clocks keep ticks where they are in it.
 */
static int64_t whole_seconds(int64_t behind_ms)
{
    int64_t likely_ms = behind_ms + 500; /* in the middle of theirs */

    return (likely_ms + (likely_ms < 0 ? -500 : 500)) / 1000 * 1000;
}

static void learn(struct aws_clock *clock, int64_t theirs_ms)
{
    int64_t now_ms = time_now_ms(), steady_ms = time_steady_ms();
    int64_t offset_ms = offset_at(clock, now_ms, steady_ms);
    bool agrees = is_near(now_ms, theirs_ms, offset_ms == 0 ? SKEW_MS : AGREED_MS);

    if (agrees) {
        clock->epoch_ms = now_ms - steady_ms;
    } else if (!is_near(now_ms + offset_ms, theirs_ms, SKEW_MS)) {
        clock->epoch_ms = now_ms + whole_seconds(theirs_ms - now_ms) - steady_ms;
    }
}

void aws_clock_learn(struct aws_clock *clock, const struct http_response *response)
{
    const char *date = http_header_of(response, "Date");
    int64_t before_ms = aws_clock_now_ms(clock);
    bool was_known = clock->is_known;
    int64_t theirs_ms;

    if (!date || !time_parse_http_date(date, &theirs_ms)) {
        return;
    }
    learn(clock, theirs_ms);
    clock->is_known = true;
    int64_t correction_ms = aws_clock_now_ms(clock) - before_ms;
    if (!was_known && !is_near(correction_ms, 0, AGREED_MS) && clock->on_correction) {
        clock->on_correction(clock->arg, correction_ms);
    }
}
