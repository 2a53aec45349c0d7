/*
 * The sampler of one database: a kept session, one statement a tick, every number from it.
 *
 * What it reports (which, by the configured set; section "Metrics" of the README says what each
 * means):
 * - each tick: DatabaseUp, once: 1 when it was answered, 0 when it was not (5 s are the longest an
 *   answer may take);
 * - answered: everything else. Ticks that come while a statement is under way share its outcome,
 * but its numbers belong to the tick that sent it;
 * - refused for want of a slot: ConnectionsRejected 1, AvailableConnections 0, and, when the usable
 *   limit was ever known, DatabaseConnections = that limit and ConnectionUtilization 100; the same
 *   without the rejection until another attempt (about 2 s) tells otherwise.
 *
 * A session is refused before any setting is sent when a pooler answers. A server that grows
 * expensive to ask is asked less often (pace.h); ticks left out so give nothing.
 */
#pragma once

#include <uv.h>

#include "agent/config.h"
#include "agent/sample/source.h"

struct activity_options {
    uv_loop_t *loop;
    const struct config_database *database; /* borrowed for the source's life */
    const struct aws_access *aws;           /* borrowed; NULL: see login.h */
    enum metric_set metrics;                /* "full" makes the statement and the work larger */
    int sample_interval_ms;
    double known_limit; /* usable connections known from an earlier run; 0: not known */
    int former_pid;     /* activity_lock_pid() of the sampler that this one replaces; 0: none */
    struct sink sink;
    /* One of many agents samples it (election.h). The key that they share; false: not known yet.
     * NULL: it is ours alone. */
    bool (*election_key)(void *arg, const struct config_database *database, int64_t *key);
    /* The server's usable limit was read for the first time or has changed. */
    void (*on_limit)(void *arg, const struct config_database *database, double usable);
    /* A session was opened with an Aurora instance, and this is its name. May be NULL. */
    void (*on_instance)(void *arg, const struct config_database *database, const char *instance);
    /* How a tick ended: NULL err when it was sampled. May be NULL; else what it is told is not
     * logged too. */
    void (*on_outcome)(void *arg, const struct config_database *database, const struct err *err);
    void *arg;
};

/* Connects at once; in callbacks the source may be stopped. */
struct source *activity_new(const struct activity_options *options);

/* Does this agent publish the database's metrics, as far as it knows? */
bool activity_leads(const struct source *source);

/* The same for what is shared by many agents beside the database, which waits until the first
 * attempt to ask who leads has ended: at their start all of them would read it. */
bool activity_leads_surely(const struct source *source);

/* The server's process of the session that holds the lock of the election, or did last; 0: none.
 * A session that is closed while the network is gone keeps it for a while. */
int activity_lock_pid(const struct source *source);

/* Who can not publish gives way to an agent that can, if there is one. */
void activity_set_fault(struct source *source, bool at_fault);

/* Answered, as far as is known. */
bool activity_is_up(const struct source *source);

/* After a reload: the same database as a section of the new configuration. Session and samples go
 * on. */
void activity_rebind(struct source *source, const struct config_database *database);
