/*
 * What --diagnose knows of one server: the statements that ask for it, and their rows made typed.
 * Pure: text out, PGresult in. For PostgreSQL 12 to 18.
 *
 * Each fact is one statement; the table fact_kinds says which, in the order in which they are
 * asked. A fact that could not be had is not known, and no finding is built on it.
 *
 *     facts_init(&facts);
 *     facts_take(&facts, FACT_SESSIONS, result, &err) ...
 *     facts_done(&facts);
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/sample/queries.h"
#include "aws/common/buf.h"
#include "aws/common/err.h"

/* id, what it tells (for people) */
#define FACT_MAP(X)                                                                                \
    X(LOGINS_BEFORE, "logins")                                                                     \
    X(SESSIONS, "sessions")                                                                        \
    X(WAITS, "lock waits")                                                                         \
    X(LIMITS, "limits of roles and databases")                                                     \
    X(SETTINGS, "settings")                                                                        \
    X(OVERRIDES, "settings of roles and databases")                                                \
    X(LOGINS_AFTER, "logins")

enum fact {
#define X(id, what) FACT_##id,
    FACT_MAP(X)
#undef X
        FACT_COUNT
};

/* The settings that are looked at. */
#define FACT_SETTING_MAP(X)                                                                        \
    X(IDLE_IN_TRANSACTION_SESSION_TIMEOUT, "idle_in_transaction_session_timeout")                  \
    X(STATEMENT_TIMEOUT, "statement_timeout")                                                      \
    X(LOG_MIN_DURATION_STATEMENT, "log_min_duration_statement")

enum fact_setting {
#define X(id, name) SETTING_##id,
    FACT_SETTING_MAP(X)
#undef X
        SETTING_COUNT
};

/* Strings are the facts'. */
struct fact_session {
    int pid;
    bool own;     /* the one that asks */
    bool visible; /* what stands below the line is known: our role's own, or pg_monitor */
    bool superuser;
    const char *user, *database;
    const char *application; /* never empty: "(none) of USER" */
    double age_s;            /* of the connection; -1: not known, as for the others */
    /* --- */
    const char *state;   /* "" when not visible */
    const char *address; /* "" for a unix socket, and when not visible */
    const char *query;   /* its beginning; "" for an idle one */
    bool tls;
    bool on_lock; /* waits for a heavyweight lock */
    double query_age_s, state_age_s, transaction_age_s;
};

/* One waiter and one who stands in its way. */
struct fact_wait {
    int waiter, blocker; /* pids; blocker 0: a prepared transaction */
    double waited_s;     /* -1: not known (before PostgreSQL 14) */
};

struct fact_limit {
    bool of_role; /* else of a database */
    const char *name;
    int limit;
};

/* ALTER ROLE / DATABASE ... SET */
struct fact_override {
    const char *database, *role; /* "" for all */
    const char *setting;
    bool is_set; /* to something that has an effect */
};

struct facts {
    const struct snapshot *snapshot; /* the sample's numbers; borrowed */
    int server_version;
    bool known[FACT_COUNT];
    struct fact_session *sessions;
    size_t session_count;
    struct fact_wait *waits;
    size_t wait_count;
    struct fact_limit *limits;
    size_t limit_count;
    bool settings[SETTING_COUNT]; /* of the server: set to something that has an effect */
    struct fact_override *overrides;
    size_t override_count;
    double logins[2]; /* since ever, before and after */
    double logins_apart_s;

    PGresult *kept[FACT_COUNT]; /* whose strings are used */
};

const char *fact_what(enum fact fact);

/* Appends the statement; false when this version has nothing to ask. */
bool fact_statement(enum fact fact, int server_version, struct buf *out);

void facts_init(struct facts *facts);
PW_CHECK bool facts_take(struct facts *facts, enum fact fact, const PGresult *result,
                         struct err *err);
void facts_done(struct facts *facts);

/* NULL: no session that takes a slot (autovacuum, a worker, a WAL sender, or gone). */
const struct fact_session *facts_session_of(const struct facts *facts, int pid);
const struct fact_session *
facts_own(const struct facts *facts); /* NULL only without FACT_SESSIONS */

/* Sessions that count against the limit. */
size_t facts_count_against(const struct facts *facts, const struct fact_limit *limit);

/* What the setting is for a session of this role in this database. */
bool facts_setting_is_set(const struct facts *facts, enum fact_setting setting, const char *role,
                          const char *database);

/* Who may be told what to do: no own session, no superuser, no poolwarden. */
bool fact_is_application(const struct fact_session *session);

/* Logins a second between the two readings; -1: not known. */
double facts_logins_per_s(const struct facts *facts);
