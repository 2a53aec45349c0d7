/*
 * What sampling and publishing share: a source gives readings to a sink.
 *
 * A source stands for one thing that is read (a database, the StatsD socket). The agent has one
 * timer; at each tick it calls every source's tick(), which starts a reading and returns at once.
 * Readings arrive at the sink when they are there, stamped with the tick that asked for them,
 * however late the answer. settled_ms() lets the agent close a window only when nothing that
 * belongs in it can still arrive.
 */
#pragma once

#include <stdint.h>

#include "agent/metrics.h"

/* Whoever counts further is not to be believed. */
#define READING_MAX 0x1p360

/* One number. Strings are borrowed until the sink returns. */
struct reading {
    enum metric_id metric;
    const char *database; /* the DBInstanceIdentifier */
    const char *pool;     /* of METRIC_OF_POOL: its name; else NULL */
    const char *extra;    /* value of the metric's extra dimension; else NULL */
    int64_t time_ms;      /* wall clock of the tick */
    double value;         /* finite, READING_MAX at most */
    const char *region;   /* where it lives; NULL: where the agent does */
};

struct sink {
    void (*put)(void *arg, const struct reading *reading);
    void *arg;
};

struct source;
typedef void source_stopped(void *arg);

struct source_ops {
    /* Wall clock of this tick in ms, as AWS has it; ticks come in order, may be skipped, never
     * repeat, but for a clock that is corrected. */
    void (*tick)(struct source *source, int64_t tick_ms);

    /* All readings of ticks before this time have been given; INT64_MAX when nothing is
     * outstanding. */
    int64_t (*settled_ms)(const struct source *source);

    /* Ends everything under way, gives no more readings, frees the source; then one `stopped`,
     * later. */
    void (*stop)(struct source *source, source_stopped *stopped, void *arg);
};

/* First member of every source. */
struct source {
    const struct source_ops *ops;
    const char *name; /* for logs: "database orders", "statsd 127.0.0.1:8125" */
};
