/*
 * A pool of type pgbouncer: its console, asked at each tick over one kept connection, and its log,
 * when one is given.
 *
 * The console knows simple queries only: no settings, no prepared statements, one command a query.
 * It tells of the queue and of server connections; PoolTimeout comes from the log when one is
 * given, else from the console where that is exact (see bouncer.h), else not at all, and that is
 * said once.
 */
#pragma once

#include "agent/sample/pool.h"

struct source *pgbouncer_new(const struct pool_options *options);

/* Names of the databases that it pools by session, ", " between: what the newest sample told. */
void pgbouncer_add_session_pooled(const struct source *source, struct buf *out);
