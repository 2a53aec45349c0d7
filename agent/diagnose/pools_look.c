#include "agent/diagnose/pools_look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sample/pools.h"
#include "aws/common/mem.h"
#include "aws/time.h"

#define TICK_MS   250 /* the first ticks of a console connect */
#define TICKS_MAX 8

static bool is_looked_at(const struct config_pool *pool)
{
    return pool->type == POOL_PGBOUNCER || pool->type == POOL_PROMETHEUS;
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

static void put_waiting(struct fact_pool *pool, double value)
{
    pool->waiting = fmax(pool->waiting, value);
    pool->readings++;
    pool->waiting_readings += value > 0;
}

void pools_look_put(struct pools_look *look, const struct reading *reading)
{
    struct fact_pool *pool = find(look, reading);

    if (!pool) {
        return;
    }
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
    } else if (reading->metric == METRIC_POOL_UTILIZATION) {
        pool->utilization = reading->value;
    } else if (reading->metric == METRIC_POOL_TIMEOUT) {
        pool->timeouts += reading->value;
    }
}

static void on_reading(void *arg, const struct reading *reading)
{
    pools_look_put(arg, reading);
}

/* --- two seconds ---------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *timer)
{
    struct pools_look *look = timer->data;

    look->looked(look->arg);
}

static void on_stopped(void *arg)
{
    struct pools_look *look = arg;

    uv_close((uv_handle_t *)&look->timer, on_timer_closed);
}

static void note_modes(struct pools_look *look)
{
    for (size_t i = 0; i < look->count; i++) {
        struct buf names;

        buf_init(&names, 65536);
        pools_add_session_pooled(look->source, &look->config.pools[i], &names);
        look->pools[i].session_pooled = buf_take(&names);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct pools_look *look = timer->data;

    if (look->count == 0 || look->ticks++ == TICKS_MAX) {
        uv_timer_stop(timer);
        note_modes(look);
        look->source->ops->stop(look->source, on_stopped, look);
        return;
    }
    look->source->ops->tick(look->source, time_now_ms());
}

static void select_pools(struct pools_look *look, const struct config *config)
{
    look->pools = mem_alloc(config->pool_count * sizeof(*look->pools));
    look->config = *config;
    look->config.pools = mem_alloc(config->pool_count * sizeof(*config->pools));
    look->config.pool_count = 0;
    for (size_t i = 0; i < config->pool_count; i++) {
        if (is_looked_at(&config->pools[i])) {
            look->config.pools[look->config.pool_count++] = config->pools[i];
            look->pools[look->count++] = (struct fact_pool){.pool = &config->pools[i],
                                                            .waiting = NAN,
                                                            .max_wait_s = NAN,
                                                            .busy = NAN,
                                                            .idle = NAN,
                                                            .size = NAN,
                                                            .utilization = NAN};
        }
    }
}

void pools_look_start(struct pools_look *look, uv_loop_t *loop, const struct config *config,
                      pools_looked *looked, void *arg)
{
    memset(look, 0, sizeof(*look));
    select_pools(look, config);
    look->looked = looked;
    look->arg = arg;
    look->positions = positions_new(NULL);
    const struct pools_options options = {.loop = loop,
                                          .config = &look->config,
                                          .sink = {.put = on_reading, .arg = look},
                                          .positions = look->positions};

    look->source = pools_new(&options);
    uv_timer_init(loop, &look->timer);
    look->timer.data = look;
    uv_timer_start(&look->timer, on_tick, 0, TICK_MS);
}

void pools_look_done(struct pools_look *look)
{
    for (size_t i = 0; i < look->count; i++) {
        free(look->pools[i].session_pooled);
    }
    positions_free(look->positions);
    free(look->config.pools);
    free(look->pools);
    memset(look, 0, sizeof(*look));
}
