#include "agent/sample/pool.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "aws/common/mem.h"

#define NAME_MAX_LEN 256

struct pool_source pool_source_init(const struct pool_options *options,
                                    const struct source_ops *ops, const char *name)
{
    return (struct pool_source){.source = {.ops = ops, .name = name},
                                .pool = options->pool,
                                .sink = options->sink,
                                .quiet = options->quiet};
}

void pool_source_done(struct pool_source *source)
{
    free(source->trouble);
    free(source->log_trouble);
}

enum pool_reader pool_log_reader(const struct pool_source *source)
{
    return source->pool->log_shared ? source->reader : POOL_READ_HERE;
}

void pool_trouble(struct pool_source *source, const char *what)
{
    if (source->trouble && strcmp(source->trouble, what) == 0) {
        return;
    }
    free(source->trouble);
    source->trouble = mem_strdup(what);
    if (!source->quiet) {
        log_warn("%s: %s; trying again", source->source.name, what);
    }
}

bool pool_trouble_over(struct pool_source *source)
{
    bool had = source->trouble != NULL;

    free(source->trouble);
    source->trouble = NULL;
    return had;
}

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
