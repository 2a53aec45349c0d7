/*
 * The pools that datagrams may speak of: those of the configuration, and those that came by
 * themselves. Found by name without allocation; a name that is not taken costs one look.
 */
#pragma once

#include "agent/config.h"

struct statsd_pool {
    char *name;
    size_t name_len;
    uint64_t hash;
    const struct config_database *database;
    bool unnamed;    /* by any section */
    double timeouts; /* read, and not given on yet */
    double size;     /* the last one told; 0: none */
};

struct statsd_pools {
    struct statsd_pool *pools;
    size_t count;
    uint32_t *slots; /* index + 1; 0: free; a power of two, at least twice as many */
    size_t slot_count;
    size_t last; /* that was found: datagrams come in bursts of one pool */
};

void statsd_pools_done(struct statsd_pools *pools);

/* NULL: there is none. Valid until the next one is added. */
struct statsd_pool *statsd_pools_find(struct statsd_pools *pools, const char *name, size_t len);

/* Of a name that is not there. */
struct statsd_pool *statsd_pools_add(struct statsd_pools *pools, const char *name, size_t len,
                                     const struct config_database *database);
