/*
 * One series of one window: metric + dimensions, and its distribution (gauge) or sum (counter).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/publish/distribution.h"
#include "agent/sample/source.h"

struct series {
    enum metric_id metric;
    char *database; /* NULL: without any dimension */
    char *pool;     /* NULL: not a pool's */
    char *extra;    /* NULL: no extra dimension */
    struct distribution distribution; /* gauge */
    double sum;                       /* counter */
};

uint64_t series_hash(enum metric_id metric, const char *database, const char *pool,
                     const char *extra);
bool series_is(const struct series *series, enum metric_id metric, const char *database,
               const char *pool, const char *extra);
void series_add(struct series *series, double value);
void series_done(struct series *series);
