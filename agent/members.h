/*
 * The databases of a running agent, each with its sampler.
 *
 *     members_replace(&members, config, keep, &hooks);     at the start, and after a reload
 *     members_stop(&members, &hooks);                      they are on their way out
 *     members_free(&members);
 */
#pragma once

#include "agent/health.h"
#include "agent/sample/activity.h"
#include "agent/sample/pool.h"

struct member {
    const struct config_database *database; /* borrowed from the configuration in force */
    struct source *source;
    int former_pid; /* activity_lock_pid() of the sampler that a reload replaced by this one */
};

struct members {
    struct member *items;
    size_t count;
};

struct members_hooks {
    struct source *(*start)(void *arg, const struct member *member);
    void (*stop)(void *arg, struct source *source);
    void *arg;
};

/* Those of this configuration. keep: samplers that are right for it too go on, with their sessions
 * and samples. */
void members_replace(struct members *members, const struct config *config, bool keep,
                     const struct members_hooks *hooks);
void members_stop(struct members *members, const struct members_hooks *hooks);
void members_free(struct members *members);

/* All readings of ticks before this time were given; not later than tick_ms. */
int64_t members_settled_ms(const struct members *members, int64_t tick_ms);

/* How many this agent publishes. */
size_t members_leading(const struct members *members);

/* Who reads what is shared beside the database? */
enum pool_reader members_reader(const struct members *members,
                                const struct config_database *database);

/* Databases, up and followed; the fault when one was not attempted for so long. */
void members_take_stock(const struct members *members, int64_t tick_ms, int64_t patience_ms,
                        struct health *health);
