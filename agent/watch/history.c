#include "agent/watch/history.h"

#include <math.h>

void history_init(struct history *history)
{
    history->newest_s = 0;
    for (int i = 0; i < HISTORY_SECONDS; i++) {
        history->values[i] = NAN;
    }
}

void history_add(struct history *history, int64_t second, double value)
{
    if (second <= history->newest_s - HISTORY_SECONDS || second < 0) {
        return;
    }
    /* What was skipped is not known; what stands there is a round older. */
    for (int64_t at = history->newest_s + 1;
         at < second && at <= history->newest_s + HISTORY_SECONDS; at++) {
        history->values[at % HISTORY_SECONDS] = NAN;
    }
    history->values[second % HISTORY_SECONDS] = value;
    if (second > history->newest_s) {
        history->newest_s = second;
    }
}

static double value_at(const struct history *history, int64_t second)
{
    if (second > history->newest_s || second <= history->newest_s - HISTORY_SECONDS || second < 0) {
        return NAN;
    }
    return history->values[second % HISTORY_SECONDS];
}

static double max_of(const struct history *history, int64_t first, int64_t last)
{
    double max = NAN;

    for (int64_t second = first; second <= last; second++) {
        max = fmax(max, value_at(history, second)); /* of NAN and a number the number */
    }
    return max;
}

double history_column(const struct history *history, int64_t now_s, int seconds_a_column, int back)
{
    int64_t first = (now_s / seconds_a_column - back) * seconds_a_column;

    return max_of(history, first, first + seconds_a_column - 1);
}

double history_max(const struct history *history, int64_t now_s, int seconds)
{
    return max_of(history, now_s - seconds + 1, now_s);
}
