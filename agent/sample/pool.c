#include "agent/sample/pool.h"

#include <fnmatch.h>
#include <math.h>
#include <string.h>

#define NAME_MAX_LEN 256

void pool_give(const struct pool_source *source, enum metric_id metric, int64_t time_ms,
               double value)
{
    const struct config_pool *pool = source->pool;
    const struct reading reading = {.metric = metric,
                                    .database = pool->of->identifier,
                                    .region = pool->of->region,
                                    .pool = pool->name,
                                    .time_ms = time_ms,
                                    .value = value};

    if (isfinite(value) && value >= 0 && value <= READING_MAX) {
        source->sink.put(source->sink.arg, &reading);
    }
}

void pool_give_gauges(const struct pool_source *source, int64_t time_ms,
                      const struct pool_gauges *gauges)
{
    double utilization = gauges->utilization;

    if (isnan(utilization) && gauges->size > 0) {
        utilization = gauges->busy / gauges->size * 100;
    }
    pool_give(source, METRIC_POOL_CLIENTS_WAITING, time_ms, gauges->waiting);
    pool_give(source, METRIC_POOL_MAX_WAIT, time_ms, gauges->max_wait_s);
    pool_give(source, METRIC_POOL_CONNECTIONS_BUSY, time_ms, gauges->busy);
    pool_give(source, METRIC_POOL_CONNECTIONS_IDLE, time_ms, gauges->idle);
    pool_give(source, METRIC_POOL_SIZE, time_ms, gauges->size);
    pool_give(source, METRIC_POOL_UTILIZATION, time_ms, utilization);
}

bool pool_has_database(const struct config_list *globs, const char *name, size_t len)
{
    char text[NAME_MAX_LEN];

    if (len >= sizeof(text)) {
        return false;
    }
    memcpy(text, name, len);
    text[len] = '\0';
    for (size_t i = 0; i < globs->count; i++) {
        if (fnmatch(globs->items[i], text, 0) == 0) {
            return true;
        }
    }
    return false;
}
