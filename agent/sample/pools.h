/*
 * All pools of the configuration that are read (StatsD's come by themselves): one source that is
 * made of their sources.
 *
 *     pools_new(&options);           each begins to be read
 *     pools_reconfigure(source, config);   those that changed are ended and begun anew, the others
 * go on
 */
#pragma once

#include <uv.h>

#include "agent/config.h"
#include "agent/sample/positions.h"
#include "agent/sample/source.h"

struct pools_options {
    uv_loop_t *loop;
    const struct config *config; /* borrowed until the next pools_reconfigure() or stop */
    struct sink sink;
    struct positions *positions;
};

struct source *pools_new(const struct pools_options *options);

/* When it returns nothing refers to the old configuration any more. */
void pools_reconfigure(struct source *source, const struct config *config);
