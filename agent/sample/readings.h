/*
 * A database's readings of one tick, as the sampler gives them to its sink.
 */
#pragma once

#include "agent/config.h"
#include "agent/sample/queries.h"
#include "agent/sample/source.h"

/* Where they go and what they are of. */
struct readings {
    const struct sink *sink;
    const struct config_database *database;
    int64_t tick_ms;
};

void readings_put(const struct readings *to, enum metric_id metric, double value);
void readings_put_snapshot(const struct readings *to, const struct snapshot *snapshot);

/* The server turned us away because it is full: that is what there is to know, and enough. limit:
 * usable connections, as last known; 0: never. */
void readings_put_out_of_slots(const struct readings *to, double limit);
