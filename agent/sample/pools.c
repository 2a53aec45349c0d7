#include "agent/sample/pools.h"

#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/sample/log_pool.h"
#include "agent/sample/pgbouncer.h"
#include "agent/sample/pool.h"
#include "agent/sample/prometheus.h"
#include "agent/sample/statsd.h"
#include "aws/common/mem.h"
#include "aws/http.h"
#include "aws/time.h"

struct pools {
    struct source source;
    struct pools_options options;
    int64_t started_ms;
    struct http_client *http; /* NULL: no page has been asked for */
    struct source **sources;  /* each begins with a struct pool_source */
    size_t count;
    struct source *statsd;   /* NULL: not configured, or not to be had */
    uint64_t ticked_ms;      /* the loop's clock; 0: not yet */
    size_t stopping;         /* sources on their way out */
    uv_timer_t later;        /* so that the last `stopped` never comes before stop() has returned */
    source_stopped *stopped; /* NULL: not stopped */
    void *stopped_arg;
};

static const struct config_pool *pool_of(const struct source *source)
{
    return ((const struct pool_source *)source)->pool;
}

/* --- starting and ending -------------------------------------------------------------------- */

/* One client for all pages: it is made with the first. */
static struct source *start_page(struct pools *pools, struct pool_options *options)
{
    const struct http_options http = {0};
    struct err err;

    if (!pools->http && !http_client_new(pools->options.loop, &http, &pools->http, &err)) {
        log_error("pool %s: is not read: %s", options->pool->name, err.message);
        return NULL;
    }
    options->http = pools->http;
    return prometheus_new(options);
}

static struct source *start(struct pools *pools, const struct config_pool *pool)
{
    struct pool_options options = {.loop = pools->options.loop,
                                   .pool = pool,
                                   .sink = pools->options.sink,
                                   .positions = pools->options.positions,
                                   .inserted = &pools->options.config->inserted,
                                   .started_ms = pools->started_ms,
                                   .quiet = pools->options.is_look};

    if (pools->options.reader && pool->shared) {
        log_info("pool %s: of many agents the one that leads database %s reads it (scope = host "
                 "when each host has its own)",
                 pool->name, pool->of->name);
    }
    switch (pool->type) {
    case POOL_LOG:
        return log_pool_new(&options);
    case POOL_PGBOUNCER:
        return pgbouncer_new(&options);
    case POOL_PROMETHEUS:
        return start_page(pools, &options);
    case POOL_STATSD:
        break;
    }
    return NULL; /* one source for all of them */
}

static void on_later_closed(uv_handle_t *handle)
{
    struct pools *pools = handle->data;
    source_stopped *stopped = pools->stopped;
    void *arg = pools->stopped_arg;

    free(pools->sources);
    free(pools);
    stopped(arg);
}

static void end_if_over(struct pools *pools)
{
    if (pools->stopped && pools->stopping == 0) {
        http_client_free(pools->http);
        uv_close((uv_handle_t *)&pools->later, on_later_closed);
    }
}

static void on_source_stopped(void *arg)
{
    struct pools *pools = arg;

    pools->stopping--;
    end_if_over(pools);
}

static void stop_source(struct pools *pools, struct source *source)
{
    if (source) {
        pools->stopping++;
        source->ops->stop(source, on_source_stopped, pools);
    }
}

/* --- who reads what is shared --------------------------------------------------------------- */

/* Whoever did nothing for so long may have lost the lead without having been told yet. */
static bool was_frozen(struct pools *pools)
{
    uint64_t now_ms = uv_now(pools->options.loop), before_ms = pools->ticked_ms;
    int interval_ms = pools->options.config->sample_interval_ms;

    pools->ticked_ms = now_ms;
    return before_ms > 0 && now_ms - before_ms >= POOLS_FROZEN_MS + (uint64_t)interval_ms;
}

static enum pool_reader reader_of(const struct pools *pools, const struct config_pool *pool,
                                  bool frozen)
{
    const struct pools_options *options = &pools->options;

    if (!pool->shared || !options->reader) {
        return POOL_READ_HERE;
    }
    return frozen ? POOL_READ_ELSEWHERE : options->reader(options->arg, pool->of);
}

static void share(struct pools *pools)
{
    bool frozen = was_frozen(pools);

    for (size_t i = 0; i < pools->count; i++) {
        struct pool_source *source = (struct pool_source *)pools->sources[i];

        source->reader = reader_of(pools, source->pool, frozen);
    }
}

/* --- as one source -------------------------------------------------------------------------- */

static void pools_tick(struct source *source, int64_t tick_ms)
{
    struct pools *pools = (struct pools *)source;

    share(pools);
    if (pools->statsd) {
        pools->statsd->ops->tick(pools->statsd, tick_ms);
    }
    for (size_t i = 0; i < pools->count; i++) {
        pools->sources[i]->ops->tick(pools->sources[i], tick_ms);
    }
}

static int64_t pools_settled_ms(const struct source *source)
{
    const struct pools *pools = (const struct pools *)source;
    int64_t settled = INT64_MAX;

    for (size_t i = 0; i < pools->count; i++) {
        int64_t own = pools->sources[i]->ops->settled_ms(pools->sources[i]);

        settled = own < settled ? own : settled;
    }
    return settled;
}

static void pools_stop(struct source *source, source_stopped *stopped, void *arg)
{
    struct pools *pools = (struct pools *)source;

    for (size_t i = 0; i < pools->count; i++) {
        stop_source(pools, pools->sources[i]);
    }
    stop_source(pools, pools->statsd);
    pools->count = 0;
    pools->stopped = stopped;
    pools->stopped_arg = arg;
    end_if_over(pools);
}

static const struct source_ops pools_ops = {pools_tick, pools_settled_ms, pools_stop};

/* --- the configuration ---------------------------------------------------------------------- */

static bool same_place(const struct config_database *a, const struct config_database *b)
{
    const char *a_region = a->region ? a->region : "", *b_region = b->region ? b->region : "";

    return strcmp(a->identifier, b->identifier) == 0 && strcmp(a_region, b_region) == 0;
}

/* The one that would be right for the pool too; it leaves the list. */
static struct source *adopt(struct source **sources, size_t count, const struct config_pool *pool)
{
    for (size_t i = 0; i < count; i++) {
        struct source *source = sources[i];

        if (source && config_pool_same_source(pool_of(source), pool) &&
            same_place(pool_of(source)->of, pool->of)) {
            sources[i] = NULL;
            ((struct pool_source *)source)->pool = pool;
            return source;
        }
    }
    return NULL;
}

static void take_pools(struct pools *pools, struct source **old, size_t old_count)
{
    const struct config *config = pools->options.config;

    pools->sources = mem_alloc((config->pool_count + 1) * sizeof(struct source *));
    pools->count = 0;
    for (size_t i = 0; i < config->pool_count; i++) {
        struct source *source = adopt(old, old_count, &config->pools[i]);

        if (source) {
            pools->sources[pools->count++] = source;
        }
    }
    for (size_t i = 0; i < old_count; i++) {
        stop_source(pools, old[i]);
    }
}

static bool is_read(const struct pools *pools, const struct config_pool *pool)
{
    for (size_t i = 0; i < pools->count; i++) {
        if (pool_of(pools->sources[i]) == pool) {
            return true;
        }
    }
    return false;
}

static void start_missing(struct pools *pools)
{
    const struct config *config = pools->options.config;

    for (size_t i = 0; i < config->pool_count; i++) {
        struct source *source =
            is_read(pools, &config->pools[i]) ? NULL : start(pools, &config->pools[i]);

        if (source) {
            pools->sources[pools->count++] = source;
        }
    }
}

static bool start_statsd(struct pools *pools, struct err *err)
{
    const struct statsd_options options = {.loop = pools->options.loop,
                                           .clock = pools->options.clock,
                                           .config = pools->options.config,
                                           .agent_name = pools->options.agent_name,
                                           .sink = pools->options.sink};

    return !options.config->statsd || pools->options.is_look ||
           statsd_new(&options, &pools->statsd, err);
}

/* The same sockets stay and lose nothing. */
static void replace_statsd(struct pools *pools, const struct config *old)
{
    const struct config *config = pools->options.config;
    struct err err;

    if (pools->statsd && config->statsd && statsd_same_sockets(old, config)) {
        statsd_rebind(pools->statsd, config);
        return;
    }
    stop_source(pools, pools->statsd);
    pools->statsd = NULL;
    if (!start_statsd(pools, &err)) {
        log_error("%s; its pools are not read until the next reload", err.message);
    }
}

void pools_reconfigure(struct source *source, const struct config *config)
{
    struct pools *pools = (struct pools *)source;
    const struct config *old_config = pools->options.config;
    struct source **old = pools->sources;

    pools->options.config = config;
    replace_statsd(pools, old_config);
    take_pools(pools, old, pools->count);
    free(old);
    start_missing(pools);
}

bool pools_new(const struct pools_options *options, struct source **out, struct err *err)
{
    struct pools *pools = mem_alloc(sizeof(*pools));

    pools->source = (struct source){.ops = &pools_ops, .name = "pools"};
    pools->options = *options;
    pools->started_ms = time_now_ms();
    if (!start_statsd(pools, err)) {
        free(pools);
        return false;
    }
    uv_timer_init(options->loop, &pools->later);
    pools->later.data = pools;
    take_pools(pools, NULL, 0);
    start_missing(pools);
    *out = &pools->source;
    return true;
}

static const struct source *source_of(const struct source *source, const struct config_pool *pool)
{
    const struct pools *pools = (const struct pools *)source;

    for (size_t i = 0; i < pools->count; i++) {
        if (pool_of(pools->sources[i]) == pool) {
            return pools->sources[i];
        }
    }
    return NULL; /* of StatsD, or it could not be begun */
}

const char *pools_trouble(const struct source *source, const struct config_pool *pool)
{
    const struct pool_source *of = (const struct pool_source *)source_of(source, pool);

    return of ? of->trouble : NULL;
}

const char *pools_log_trouble(const struct source *source, const struct config_pool *pool)
{
    const struct pool_source *of = (const struct pool_source *)source_of(source, pool);

    return of ? of->log_trouble : NULL;
}

void pools_add_session_pooled(const struct source *source, const struct config_pool *pool,
                              struct buf *out)
{
    const struct source *of = source_of(source, pool);

    if (of && pool->type == POOL_PGBOUNCER) {
        pgbouncer_add_session_pooled(of, out);
    }
}
