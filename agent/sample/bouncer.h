/*
 * What PgBouncer's console says, as numbers of a pool. Pure: rows in, numbers out; columns are
 * found by name, because their order and number change with the version (1.16 to 1.26).
 *
 *     bouncer_take_databases(&bouncer, SHOW DATABASES);    now and then
 *     bouncer_take_stats(&bouncer, SHOW STATS);
 *     bouncer_take_pools(&bouncer, SHOW POOLS);            at each tick, in this order
 *     bouncer_gauges(&bouncer, &gauges);
 *     bouncer_timeouts(&bouncer, &added);
 *
 * No column counts timeouts. From 1.23 on they are what is missing: PgBouncer counts a transaction
 * before it waits for a server connection and an assignment when it gets one, so
 *
 *     gave up = total_xact_count - total_server_assignment_count - cl_waiting
 *
 * in transaction and statement pooling. The three are read by two commands, so the number wobbles
 * by the clients that move meanwhile: what counts is the least of two samples, above the most there
 * was. A total that falls (a RELOAD that lost a row, a restart) begins anew and adds nothing.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/sample/pool.h"

#define BOUNCER_ROWS_MAX 5000

struct bouncer_database {
    char *name;
    uint64_t size; /* of one pool; 0: not known */
    uint64_t xacts, assignments, queries;
    uint64_t waiting; /* now, over its pools */
    int64_t gave_up;  /* of the sample before */
    int64_t most;     /* that has been counted */
    bool has_sample, has_most;
    bool listed; /* in the newest SHOW STATS */
    bool session;
};

/* One row of SHOW POOLS: a database and a user. */
struct bouncer_pool {
    size_t database; /* index */
    double waiting, max_wait_s, busy, idle;
};

enum bouncer_exactness { BOUNCER_EXACT, BOUNCER_TOO_OLD, BOUNCER_SESSION };

struct bouncer {
    const struct config_list *globs;
    struct bouncer_database *databases;
    size_t database_count;
    struct bouncer_pool *pools;
    size_t pool_count;
    bool has_assignments; /* 1.23 and newer */
    bool fresh;           /* no sample of this connection yet */
};

void bouncer_init(struct bouncer *bouncer, const struct config_list *globs);
void bouncer_done(struct bouncer *bouncer);

/* A new connection: perhaps another process. What was counted so far says nothing any more. */
void bouncer_reconnected(struct bouncer *bouncer);

/* ERR_PARSE: a column is missing, or there are too many rows. */
PW_CHECK bool bouncer_take_databases(struct bouncer *bouncer, const PGresult *rows,
                                     struct err *err);
PW_CHECK bool bouncer_take_stats(struct bouncer *bouncer, const PGresult *rows, struct err *err);
PW_CHECK bool bouncer_take_pools(struct bouncer *bouncer, const PGresult *rows, struct err *err);

/* Is a database there whose size is not known? Then SHOW DATABASES is worth asking. */
bool bouncer_lacks_size(const struct bouncer *bouncer);

void bouncer_gauges(const struct bouncer *bouncer, struct pool_gauges *out);

/* How many gave up since the last call; *added is 0 unless BOUNCER_EXACT. Once a sample. */
enum bouncer_exactness bouncer_timeouts(struct bouncer *bouncer, uint64_t *added);

/* SHOW CONFIG: is any of the two lines written that tell of a timeout? */
bool bouncer_logs_timeouts(const PGresult *config);

/* SHOW CONFIG: may other processes listen on the same port (so_reuseport)? */
bool bouncer_shares_port(const PGresult *config);
