/*
 * Which names get a series of their own: the largest, so many at most, and each for an hour at
 * least, so that series do not come and go with each sample. A member that has nothing now has 0,
 * not a gap; all that is no member is the rest. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANKING_STAY_MS ((int64_t)3600 * 1000)

struct ranking_item {
    const char *name;
    double value;
    bool eligible; /* may have a series of its own */
};

struct ranking_member {
    char *name;
    double value;
    int64_t until_ms; /* its place is safe */
};

struct ranking {
    struct ranking_member *members;
    size_t count;
    size_t max;
    double rest;
    int64_t rest_until_ms; /* the rest is told, 0 too */
};

void ranking_init(struct ranking *ranking, size_t max);
void ranking_done(struct ranking *ranking);

/* Items in any order, names may repeat; they are sorted and merged in place. */
void ranking_update(struct ranking *ranking, struct ranking_item *items, size_t count,
                    int64_t now_ms);
