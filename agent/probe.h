/*
 * One look at every database, then an end: what --once and --setup-alarms need.
 *
 * Each database is sampled once, all of them side by side, within PROBE_DEADLINE_MS. Readings go to
 * the sink; how each database fared stands in the outcomes when `done` is called.
 */
#pragma once

#include <uv.h>

#include "agent/sample/activity.h"

#define PROBE_DEADLINE_MS 12000

struct probe_outcome {
    const struct config_database *database;
    double usable;     /* 0: not known */
    char instance[64]; /* Aurora's name of it; "": no Aurora, or not known */
    bool finished;
    struct err err; /* ERR_NONE: sampled */
};

struct probe;

/* outcomes: one a database of the configuration, in its order; valid during the call. */
typedef void probe_done(void *arg, const struct probe_outcome *outcomes, size_t count);

struct probe_options {
    uv_loop_t *loop;
    const struct config *config;
    const struct aws_access *aws; /* borrowed; NULL: see login.h */
    enum metric_set metrics;
    struct sink sink; /* put may be NULL */
    probe_done *done; /* later, exactly once; the probe frees itself before it */
    void *arg;
};

void probe_start(const struct probe_options *options);
