/*
 * Distinct values and how often each was seen: a window's samples without averaging anything away.
 *
 *     struct distribution distribution = {0};
 *     distribution_add(&distribution, 42);
 *     ... values[0..count) and counts[0..count), as a datum takes them ...
 *     distribution_done(&distribution);
 */
#pragma once

#include <stddef.h>

/*
 * Distinct values that one window keeps of one series: a hundred a second. Past it a new value is
 * counted at its nearest neighbour, but smallest and largest stay exact: alarms look at those.
 */
#define DISTRIBUTION_VALUES_MAX 6000

struct distribution {
    double *values; /* ascending, distinct */
    double *counts;
    size_t count;
    size_t room;
};

void distribution_add(struct distribution *distribution, double value); /* finite */
void distribution_done(struct distribution *distribution);              /* empty, usable again */
