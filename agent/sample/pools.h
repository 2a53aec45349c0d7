/*
 * All pools of the configuration: one source that is made of their sources, StatsD's sockets among
 * them.
 *
 * The address of a shared pool is read by one of many agents, the one that leads its database. Who
 * begins to read it begins to count anew: what the one before had not read does not count, and
 * nothing counts twice. The same after a pause of POOLS_FROZEN_MS, in which another has taken over.
 *
 *     pools_new(&options, &source, &err);     each begins to be read
 *     pools_reconfigure(source, config);       what changed is begun anew
 */
#pragma once

#include <uv.h>

#include "agent/config.h"
#include "agent/sample/pool.h"
#include "agent/sample/positions.h"
#include "agent/sample/source.h"

#define POOLS_FROZEN_MS 20000 /* the server ends a leader's session by then */

struct pools_options {
    uv_loop_t *loop;
    const struct aws_clock *clock; /* see statsd.h */
    const struct config *config;   /* borrowed until the next pools_reconfigure() or stop */
    const char *agent_name;        /* borrowed; see statsd.h. Of no use to a look */
    struct sink sink;
    struct positions *positions;
    /* Of what is shared beside the database. NULL: it is read here. */
    enum pool_reader (*reader)(void *arg, const struct config_database *database);
    void *arg;
    /* Somebody looks on, perhaps beside a running agent: StatsD's sockets are that agent's, what is
     * shared is read, and troubles are asked for instead of logged. */
    bool is_look;
};

/* ERR_SYSTEM: a socket of StatsD can not be bound. */
PW_CHECK bool pools_new(const struct pools_options *options, struct source **out, struct err *err);

/* When it returns nothing refers to the old configuration any more. A socket that can not be bound
 * is said. */
void pools_reconfigure(struct source *source, const struct config *config);

/* Why the address of a pool of the configuration, or its log, can not be read; NULL: it is, or was
 * not tried yet, or there is none. Valid until the next tick. */
const char *pools_trouble(const struct source *source, const struct config_pool *pool);
const char *pools_log_trouble(const struct source *source, const struct config_pool *pool);

/* Of a pool of the configuration that is a PgBouncer: see pgbouncer.h. */
void pools_add_session_pooled(const struct source *source, const struct config_pool *pool,
                              struct buf *out);
