/*
 * How often a server may be asked: sampling takes at most 1 % of one of its cores. Pure.
 *
 * The cost of a sample is the least of the last ten durations that the server measured itself, so
 * that neither the network nor a moment of overload is in it. Where it is above 1 % of the interval
 * only every n-th tick is sampled, 10 s apart at most; it goes back when there is room to spare.
 */
#pragma once

#include <stdbool.h>

#define PACE_DURATIONS 10

struct pace {
    int interval_ms;
    int every; /* n-th tick */
    int since; /* ticks since the last sample */
    double durations_ms[PACE_DURATIONS];
    int count; /* measured since `every` changed last */
};

void pace_init(struct pace *pace, int interval_ms);

/* At each tick: is it one to sample? */
bool pace_is_due(struct pace *pace);

/* After a sample; true when `every` has changed. */
bool pace_measured(struct pace *pace, double server_ms);
