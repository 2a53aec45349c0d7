#include "agent/pools_look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/sample/pools.h"
#include "aws/common/mem.h"
#include "aws/time.h"

#define TICK_MS 250 /* the first ticks of a console connect */

bool pools_look_reads(const struct config_pool *pool)
{
    return pool->type == POOL_PROMETHEUS ||
           (pool->type == POOL_PGBOUNCER && pool->url.conninfo.port != NULL);
}

/* --- readings ------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static struct fact_pool *find(struct pools_look *look, const struct reading *reading)
{
    for (size_t i = 0; i < look->count; i++) {
        const struct config_pool *pool = look->pools[i].pool;

        if (reading->pool && strcmp(pool->name, reading->pool) == 0 &&
            strcmp(pool->of->identifier, reading->database) == 0 &&
            is_same(pool->of->region, reading->region)) {
            return &look->pools[i];
        }
    }
    return NULL;
}

/* The counters of a PgBouncer may come from its log: that is no answer of its console. */
static bool is_an_answer(const struct fact_pool *pool, enum metric_id metric)
{
    return pool->pool->type != POOL_PGBOUNCER ||
           (metric != METRIC_POOL_TIMEOUT && metric != METRIC_CONNECTION_ERRORS);
}

static void count_reading(struct fact_pool *pool, const struct reading *reading)
{
    if (is_an_answer(pool, reading->metric) && pool->read_ms != reading->time_ms) {
        pool->read_ms = reading->time_ms;
        pool->readings++;
    }
}

static void put_waiting(struct fact_pool *pool, double value)
{
    pool->waiting = fmax(pool->waiting, value);
    pool->waiting_readings += value > 0;
}

void pools_look_put(struct pools_look *look, const struct reading *reading)
{
    struct fact_pool *pool = find(look, reading);

    if (!pool) {
        return;
    }
    count_reading(pool, reading);
    pool->newest[reading->metric] = reading->value;
    if (reading->metric == METRIC_POOL_CLIENTS_WAITING) {
        put_waiting(pool, reading->value);
    } else if (reading->metric == METRIC_POOL_MAX_WAIT) {
        pool->max_wait_s = fmax(pool->max_wait_s, reading->value);
    } else if (reading->metric == METRIC_POOL_CONNECTIONS_BUSY) {
        pool->busy = reading->value;
    } else if (reading->metric == METRIC_POOL_CONNECTIONS_IDLE) {
        pool->idle = reading->value;
    } else if (reading->metric == METRIC_POOL_SIZE) {
        pool->size = reading->value;
    } else if (reading->metric == METRIC_POOL_TIMEOUT) {
        pool->timeouts += reading->value;
        pool->newest[reading->metric] = pool->timeouts;
    }
}

static void on_reading(void *arg, const struct reading *reading)
{
    pools_look_put(arg, reading);
}

const struct fact_pool *pools_look_find(const struct pools_look *look,
                                        const struct config_pool *pool)
{
    for (size_t i = 0; i < look->count; i++) {
        if (look->pools[i].pool == pool) {
            return &look->pools[i];
        }
    }
    return NULL;
}

/* --- a moment ------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *timer)
{
    struct pools_look *look = timer->data;

    look->options.done(look->options.arg);
}

static void on_stopped(void *arg)
{
    struct pools_look *look = arg;

    uv_close((uv_handle_t *)&look->timer, on_timer_closed);
}

/* What is known of the sources goes with them. */
static void note_source(struct pools_look *look, size_t i)
{
    struct fact_pool *pool = &look->pools[i];
    const char *trouble = pools_trouble(look->source, &look->config.pools[i]);
    struct buf names;

    if (pool->readings == 0) {
        pool->trouble = mem_strdup(trouble ? trouble : "it does not answer");
    }
    buf_init(&names, 65536);
    pools_add_session_pooled(look->source, &look->config.pools[i], &names);
    pool->session_pooled = buf_take(&names);
}

static bool is_over(const struct pools_look *look)
{
    bool over = true;

    for (size_t i = 0; i < look->count; i++) {
        over = over && (look->pools[i].readings >= look->options.readings ||
                        pools_trouble(look->source, &look->config.pools[i]));
    }
    return over || uv_now(look->options.loop) - look->since_ms >= POOLS_LOOK_MS_MAX;
}

static void on_tick(uv_timer_t *timer)
{
    struct pools_look *look = timer->data;

    if (!is_over(look)) {
        look->source->ops->tick(look->source, time_now_ms());
        return;
    }
    uv_timer_stop(timer);
    for (size_t i = 0; i < look->count; i++) {
        note_source(look, i);
    }
    look->source->ops->stop(look->source, on_stopped, look);
}

static void know_nothing(struct fact_pool *pool, const struct config_pool *of)
{
    *pool = (struct fact_pool){
        .pool = of, .waiting = NAN, .max_wait_s = NAN, .busy = NAN, .idle = NAN, .size = NAN};
    for (int i = 0; i < METRIC_COUNT; i++) {
        pool->newest[i] = NAN;
    }
}

static void select_pools(struct pools_look *look, const struct config *config)
{
    look->pools = mem_alloc(config->pool_count * sizeof(*look->pools));
    look->config = *config;
    look->config.pools = mem_alloc(config->pool_count * sizeof(*config->pools));
    look->config.pool_count = 0;
    for (size_t i = 0; i < config->pool_count; i++) {
        if (pools_look_reads(&config->pools[i])) {
            look->config.pools[look->config.pool_count++] = config->pools[i];
            know_nothing(&look->pools[look->count++], &config->pools[i]);
        }
    }
}

void pools_look_start(struct pools_look *look, const struct pools_look_options *options)
{
    struct err err;

    memset(look, 0, sizeof(*look));
    look->options = *options;
    look->since_ms = uv_now(options->loop);
    select_pools(look, options->config);
    look->positions = positions_new(NULL);
    const struct pools_options pools = {.loop = options->loop,
                                        .config = &look->config,
                                        .sink = {.put = on_reading, .arg = look},
                                        .positions = look->positions,
                                        .is_look = true};

    uv_timer_init(options->loop, &look->timer);
    look->timer.data = look;
    if (!pools_new(&pools, &look->source, &err)) { /* no socket is bound: it can not fail */
        log_error("%s", err.message);
        on_stopped(look);
        return;
    }
    uv_timer_start(&look->timer, on_tick, 0, TICK_MS);
}

void pools_look_done(struct pools_look *look)
{
    for (size_t i = 0; i < look->count; i++) {
        free(look->pools[i].session_pooled);
        free(look->pools[i].trouble);
    }
    positions_free(look->positions);
    free(look->config.pools);
    free(look->pools);
    memset(look, 0, sizeof(*look));
}
