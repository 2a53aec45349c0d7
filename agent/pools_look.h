/*
 * A look at the pools of a configuration: their own sources are read for a moment. Consoles and
 * pages only: a log or StatsD tells nothing of the past, and a running agent has the sockets.
 *
 *     pools_look_start(&look, &options);
 *     -> options.done(arg)                              once, later; look.pools is filled
 *     pools_look_done(&look);
 *
 * It ends when each has been read often enough or can not be read, after POOLS_LOOK_MS_MAX at the
 * latest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "agent/config.h"
#include "agent/sample/positions.h"
#include "agent/sample/source.h"

#define POOLS_LOOK_MS_MAX 6000

/* What was read of one pool; NAN: not told. */
struct fact_pool {
    const struct config_pool *pool;
    int64_t read_ms;                   /* the tick of the newest reading */
    size_t readings, waiting_readings; /* how many, and in how many of them somebody waited */
    double waiting, max_wait_s;        /* the most */
    double busy, idle, size;           /* the newest */
    double timeouts;                   /* while it was looked at */
    double newest[METRIC_COUNT];       /* of each metric; of timeouts the sum */
    char *trouble;                     /* why it could not be read; NULL: it was */
    char *session_pooled; /* databases that a PgBouncer pools by session; "" for none; the look's */
};

typedef void pools_looked(void *arg);

struct pools_look_options {
    uv_loop_t *loop;
    const struct config *config;
    size_t readings; /* of each pool, at least */
    pools_looked *done;
    void *arg;
};

struct pools_look {
    struct pools_look_options options;
    struct fact_pool *pools;
    size_t count;

    struct config config; /* the configuration with those pools only */
    struct positions *positions;
    struct source *source;
    uv_timer_t timer;
    uint64_t since_ms;
};

void pools_look_start(struct pools_look *look, const struct pools_look_options *options);
void pools_look_done(struct pools_look *look);

/* Is there anything that a look can read? */
bool pools_look_reads(const struct config_pool *pool);

/* NULL: it was not looked at. */
const struct fact_pool *pools_look_find(const struct pools_look *look,
                                        const struct config_pool *pool);

/* A reading goes to the pool it is of. */
void pools_look_put(struct pools_look *look, const struct reading *reading);
