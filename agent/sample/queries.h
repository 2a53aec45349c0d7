/*
 * The statements that are sent to a monitored server, and how their rows become numbers. Pure: text out, PGresult in.
 *
 * One statement a sample, prepared once. It asks pg_stat_get_activity() itself, not the view: the view's joins cost 2 to 4 times as
 * much at a thousand backends. Limits come with it (current_setting with missing_ok), so one round trip tells everything.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "aws/common/buf.h"
#include "aws/common/err.h"

struct query_options {
    bool privileged;     /* pg_read_all_stats: states can be seen */
    bool by_group;       /* rows by database and application too (the full set), else by state only */
    int long_query_ms;
    int leak_ms;
    int stale_idle_ms;
};

/* The sampling statement. */
void query_sample(const struct query_options *options, struct buf *out);

/* The session's settings, one statement (server_version_num as PQserverVersion gives it). */
void query_session(int server_version, int sample_interval_ms, struct buf *out);

extern const char query_backend_pid[];   /* one int: who answers is who was connected to, or it is a pooler */
extern const char query_privilege[];     /* one bool: pg_read_all_stats */
extern const char query_database_names[]; /* oid, datname */

/* What one sample says. */
struct activity {
    bool privileged;
    double connections;     /* client backends, our own among them */
    double usable;          /* max_connections less every reserved slot */
    double max_connections;
    double active, idle, idle_in_transaction, waiting_on_lock; /* without our own; only when privileged */
    double long_running, leaked, stale_idle;
    double oldest_transaction_s;
    double server_ms; /* the statement's own duration on the server */
    bool is_replica;
    struct activity_group *groups; /* as the rows came; owned */
    size_t group_count;
};

struct activity_group {
    unsigned database_oid; /* 0 when not asked for */
    char *application;     /* NULL when not asked for */
    char *state;           /* NULL when it can not be seen */
    double connections;
};

/* Rows of query_sample; ERR_PARSE when they are not. */
PW_CHECK bool activity_read(const PGresult *result, bool privileged, struct activity *out,
                            struct err *err);
void activity_done(struct activity *activity);
