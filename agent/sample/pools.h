/*
 * All pools of the configuration: one source that is made of their sources, StatsD's sockets among
 * them.
 *
 *     pools_new(&options, &source, &err);     each begins to be read
 *     pools_reconfigure(source, config);       what changed is begun anew
 */
#pragma once

#include <uv.h>

#include "agent/config.h"
#include "agent/sample/positions.h"
#include "agent/sample/source.h"

struct pools_options {
    uv_loop_t *loop;
    const struct config *config; /* borrowed until the next pools_reconfigure() or stop */
    const char *agent_name;      /* borrowed; see statsd.h */
    struct sink sink;
    struct positions *positions;
};

/* ERR_SYSTEM: a socket of StatsD can not be bound. */
PW_CHECK bool pools_new(const struct pools_options *options, struct source **out, struct err *err);

/* When it returns nothing refers to the old configuration any more. A socket that can not be bound
 * is said. */
void pools_reconfigure(struct source *source, const struct config *config);

/* Of a pool of the configuration that is a PgBouncer: see pgbouncer.h. */
void pools_add_session_pooled(const struct source *source, const struct config_pool *pool,
                              struct buf *out);
