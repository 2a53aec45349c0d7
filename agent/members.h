/*
 * The databases of a running agent and who samples them: what is asked of all of them at once.
 */
#pragma once

#include "agent/health.h"
#include "agent/sample/activity.h"
#include "agent/sample/pool.h"

struct member {
    const struct config_database *database;
    struct source *source;
};

/* All readings of ticks before this time were given; not later than tick_ms. */
int64_t members_settled_ms(const struct member *members, size_t count, int64_t tick_ms);

/* How many this agent publishes. */
size_t members_leading(const struct member *members, size_t count);

/* Who reads what is shared beside the database? */
enum pool_reader members_reader(const struct member *members, size_t count,
                                const struct config_database *database);

/* Databases, up and followed; the fault when one was not attempted for so long. */
void members_take_stock(const struct member *members, size_t count, int64_t tick_ms,
                        int64_t patience_ms, struct health *health);
