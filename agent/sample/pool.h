/*
 * What the sources of pool counters share: who the pool is, and how its numbers reach the sink.
 */
#pragma once

#include <uv.h>

#include "agent/config.h"
#include "agent/sample/positions.h"
#include "agent/sample/source.h"

struct http_client;

/* What a pool's source is made of; borrowed but for the sink. */
struct pool_options {
    uv_loop_t *loop;
    const struct config_pool *pool;
    struct sink sink;
    struct positions *positions;
    const struct config_list
        *inserted; /* variables in the configuration: none of a child's business */
    struct http_client *http;
    int64_t started_ms; /* wall clock: since when the agent counts */
    bool quiet;         /* why it can not be read is asked for, not logged */
};

/* Who reads a pool that many agents know: whoever leads its database. */
enum pool_reader { POOL_READ_HERE, POOL_READ_ELSEWHERE, POOL_READER_UNKNOWN };

/* First member of every pool's source. */
struct pool_source {
    struct source source;
    const struct config_pool *pool; /* pools.c puts the new one here after a reload */
    struct sink sink;
    /* As pools.c says before each tick; an address that is not read here is left alone, and what
     * was counted there forgotten. */
    enum pool_reader reader;
    bool quiet;
    char *trouble;     /* why its address can not be read; NULL: it is, or was not tried yet */
    char *log_trouble; /* the same of its log */
};

struct pool_source pool_source_init(const struct pool_options *options,
                                    const struct source_ops *ops, const char *name);
void pool_source_done(struct pool_source *source);

/* A log is of this host, whatever the address; unless scope = shared is written out. */
enum pool_reader pool_log_reader(const struct pool_source *source);

/* Logged when it is another trouble than before: "pool web: its page ...; trying again". */
void pool_trouble(struct pool_source *source, const char *what);

/* false: there was none. */
bool pool_trouble_over(struct pool_source *source);

void pool_give(const struct pool_source *source, enum metric_id metric, int64_t time_ms,
               double value);

/* A pool's state at an instant; NAN: not known, not given. */
struct pool_gauges {
    double waiting, max_wait_s, busy, idle, size;
    double utilization; /* NAN: busy / size, when both are known */
};

#define POOL_GAUGES_UNKNOWN                                                                        \
    {                                                                                              \
        NAN, NAN, NAN, NAN, NAN, NAN                                                               \
    }

void pool_give_gauges(const struct pool_source *source, int64_t time_ms,
                      const struct pool_gauges *gauges);

/* Is it one of the globs? */
bool pool_has_database(const struct config_list *globs, const char *name, size_t len);
