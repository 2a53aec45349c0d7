/*
 * A look at the pools of a configuration, for a diagnosis: their own sources are read for two
 * seconds. Consoles and pages only: a log or StatsD tells nothing of the past.
 *
 *     pools_look_start(&look, loop, config, on_looked, self);
 *     -> on_looked(self)                               once, later; look.pools is filled
 *     pools_look_done(&look);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "agent/config.h"
#include "agent/sample/positions.h"
#include "agent/sample/source.h"

/* What was read of one pool; NAN: not told. */
struct fact_pool {
    const struct config_pool *pool;
    size_t readings, waiting_readings;    /* how many, and in how many of them somebody waited */
    double waiting, max_wait_s;           /* the most */
    double busy, idle, size, utilization; /* the newest */
    double timeouts;                      /* while it was looked at */
    char *session_pooled; /* databases that a PgBouncer pools by session; "" for none; the look's */
};

typedef void pools_looked(void *arg);

struct pools_look {
    struct fact_pool *pools;
    size_t count;

    struct config config; /* the configuration with those pools only */
    struct positions *positions;
    struct source *source;
    uv_timer_t timer;
    int ticks;
    pools_looked *looked;
    void *arg;
};

void pools_look_start(struct pools_look *look, uv_loop_t *loop, const struct config *config,
                      pools_looked *looked, void *arg);
void pools_look_done(struct pools_look *look);

/* A reading goes to the pool it is of. */
void pools_look_put(struct pools_look *look, const struct reading *reading);
