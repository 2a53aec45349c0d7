/*
 * The statements that are sent to a monitored server, and how their rows become numbers. Pure: text
 * out, PGresult in. For PostgreSQL 12 to 18.
 *
 * One statement a sample, prepared once. It asks pg_stat_get_activity() itself, not the view: the
 * view's joins cost 2 to 4 times as much at a thousand backends. Limits come with it, so one round
 * trip tells everything.
 *
 * Without pg_read_all_stats (in pg_monitor) the rows of other roles are there but show no
 * backend_type and no state. The same statement then counts the rows that belong to a database and
 * a role and are no WAL sender: right but for parallel workers and workers of extensions while they
 * run. It says itself whether the privilege is there, so that a GRANT or REVOKE shows in the next
 * sample.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "aws/common/buf.h"
#include "aws/common/err.h"

#define QUERY_SERVER_VERSION_MIN 120000

struct query_options {
    int server_version; /* as PQserverVersion() gives it */
    bool by_group; /* rows by database and application too (the full set), else by state only */
    int long_query_ms;
    int leak_ms;
    int stale_idle_ms;
};

/* Which rows of pg_stat_get_activity(NULL) a take a slot of max_connections. */
#define QUERY_IS_CLIENT_BACKEND                                                                    \
    "a.backend_type = 'client backend'"                                                            \
    " OR (a.backend_type IS NULL AND a.datid IS NOT NULL AND a.usesysid IS NOT NULL"               \
    " AND a.pid NOT IN (SELECT w.pid FROM pg_stat_get_wal_senders() w))"

/* The sampling statement; without parameters. */
void query_sample(const struct query_options *options, struct buf *out);

/* The session's settings, in one statement. */
void query_session(int server_version, int sample_interval_ms, struct buf *out);

extern const char query_backend_pid[];    /* one int: who answers is who was connected to, or it is
                                             a pooler */
extern const char query_instance[];       /* one text: Aurora's DBInstanceIdentifier, else NULL */
extern const char query_database_names[]; /* oid, datname */

/* The columns of query_sample(), in order: a group's own, then what is one for the whole server.
 * Numbers are whole. */
#define QUERY_COLUMN_MAP(X)                                                                        \
    X(STATE, "state")                                                                              \
    X(DATABASE_OID, "datid")                                                                       \
    X(APPLICATION, "application_name")                                                             \
    X(CONNECTIONS, "connections")                                                                  \
    X(OWN, "own")                                                                                  \
    X(WAITING_ON_LOCK, "waiting_on_lock")                                                          \
    X(LONG_RUNNING, "long_running")                                                                \
    X(LEAKED, "leaked")                                                                            \
    X(STALE_IDLE, "stale_idle")                                                                    \
    X(OLDEST_TRANSACTION, "oldest_transaction_us")                                                 \
    X(MAX_CONNECTIONS, "max_connections")                                                          \
    X(RESERVED, "reserved")                                                                        \
    X(PRIVILEGED, "privileged")                                                                    \
    X(IS_REPLICA, "is_replica")                                                                    \
    X(SERVER_US, "server_us")

enum query_column {
#define X(id, name) QUERY_##id,
    QUERY_COLUMN_MAP(X)
#undef X
        QUERY_COLUMN_COUNT
};

/* One row; strings are the result's. */
struct snapshot_group {
    const char *state;       /* NULL when it can not be seen */
    unsigned database_oid;   /* 0 when not asked for, or of no database */
    const char *application; /* "" when not asked for, or empty */
    double connections;
};

/* What one sample says. */
struct snapshot {
    bool privileged;    /* states could be seen: what stands between the lines below is known */
    double connections; /* client backends, our own among them */
    double max_connections;
    double usable; /* max_connections less every reserved slot */
    /* --- only when privileged; without our own session */
    double active, idle, idle_in_transaction, waiting_on_lock;
    double long_running, leaked, stale_idle;
    double oldest_transaction_s;
    /* --- */
    double server_ms; /* the statement's own duration on the server */
    bool is_replica;
    struct snapshot_group *groups; /* as the rows came */
    size_t group_count;
};

/* Rows of query_sample(), which must outlive *out; ERR_PARSE when they are not. */
PW_CHECK bool snapshot_read(const PGresult *result, struct snapshot *out, struct err *err);
void snapshot_done(struct snapshot *snapshot);
