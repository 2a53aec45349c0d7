/*
 * Distinct values and how often each was seen: a window's samples without averaging anything away.
 */
#pragma once

#include <stddef.h>

struct distribution {
    double *values; /* ascending, distinct */
    double *counts;
    size_t count;
    size_t room;
};

/* Distinct values one window keeps of one series; past it a new value is counted at its nearest neighbour. */
#define DISTRIBUTION_VALUES_MAX 6000

void distribution_add(struct distribution *distribution, double value, double count);
void distribution_done(struct distribution *distribution);
