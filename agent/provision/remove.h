/*
 * Deletes the alarms that are ours: those of the configured databases of one region, on or off, and
 * with prune also those whose database is configured no longer. What is not ours is left alone.
 *
 *     struct remove *remove = remove_new(&options);      -> on_line for each alarm, then on_done
 *     remove_stop(remove, on_closed, self);              before client and config are freed
 *
 * For prune all alarms of the region are listed. An orphan is one whose name, metric and dimensions
 * are such as this configuration makes them, for a database (or pool) that it does not have; of
 * AWS's own metrics only with the mark of this namespace and dimensions (owner.h). So two agents
 * that share namespace and dimensions must not prune: each would take the other's databases for
 * gone.
 */
#pragma once

#include "agent/provision/provision.h"

struct remove_options {
    uv_loop_t *loop;
    struct aws_client *client;   /* borrowed */
    const struct config *config; /* borrowed */
    const char *region;          /* only databases that live here ... */
    const char *default_region;  /* ... where a database without a region of its own lives here */
    bool prune;
    bool dry_run;        /* deletes nothing; REMOVED means "would be" */
    uint64_t put_gap_ms; /* 0: as the account's quota allows */
    void (*on_line)(void *arg, const struct provision_line *line);
    /* err: it could not even compare. May stop the removal. */
    void (*on_done)(void *arg, const struct provision_summary *summary, const struct err *err);
    void *arg;
};

struct remove;

struct remove *remove_new(const struct remove_options *options);

/* Frees it; one `closed`, later. */
void remove_stop(struct remove *removal, provision_closed *closed, void *arg);
