#include "aws/clock.h"

#include "aws/time.h"

#define SKEW_MS   (INT64_C(4) * 60 * 1000)
#define AGREED_MS (INT64_C(2) * 60 * 1000)

int64_t aws_clock_now_ms(const struct aws_clock *clock)
{
    return time_now_ms() + clock->offset_ms;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

void aws_clock_learn(struct aws_clock *clock, const struct http_response *response)
{
    const char *date = http_header_of(response, "Date");
    int64_t now_ms = time_now_ms();
    int64_t theirs_ms;

    if (!date || !time_parse_http_date(date, &theirs_ms)) {
        return;
    }
    if (distance(now_ms, theirs_ms) < AGREED_MS) {
        clock->offset_ms = 0;
    } else if (distance(now_ms + clock->offset_ms, theirs_ms) >= SKEW_MS) {
        clock->offset_ms = theirs_ms - now_ms;
    }
}
