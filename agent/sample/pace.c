#include "agent/sample/pace.h"

#include <math.h>
#include <string.h>

#define SHARE_OF_A_CORE 0.01
#define ROOM_TO_RELAX   1.5 /* the cost may grow this much before it must stretch again */
#define STRETCH_MAX_MS  10000

void pace_init(struct pace *pace, int interval_ms)
{
    memset(pace, 0, sizeof(*pace));
    pace->interval_ms = interval_ms;
    pace->every = 1;
}

bool pace_is_due(struct pace *pace)
{
    if (++pace->since < pace->every) {
        return false;
    }
    pace->since = 0;
    return true;
}

static int wanted(const struct pace *pace, double cost_ms)
{
    int most = STRETCH_MAX_MS > pace->interval_ms ? STRETCH_MAX_MS / pace->interval_ms : 1;
    double every = ceil(cost_ms / (SHARE_OF_A_CORE * pace->interval_ms));

    return every < 1 ? 1 : every > most ? most : (int)every;
}

bool pace_measured(struct pace *pace, double server_ms)
{
    double least = INFINITY;

    pace->durations_ms[pace->count % PACE_DURATIONS] = server_ms;
    if (++pace->count < PACE_DURATIONS) {
        return false;
    }
    for (int i = 0; i < PACE_DURATIONS; i++) {
        least = fmin(least, pace->durations_ms[i]);
    }
    pace->count = pace->count % PACE_DURATIONS + PACE_DURATIONS; /* stays small, keeps its place */

    int before = pace->every;

    if (wanted(pace, least) > before) {
        pace->every = wanted(pace, least);
    } else if (wanted(pace, least * ROOM_TO_RELAX) < before) {
        pace->every = wanted(pace, least * ROOM_TO_RELAX);
    }
    if (pace->every != before) {
        pace->count = 0;
    }
    return pace->every != before;
}
