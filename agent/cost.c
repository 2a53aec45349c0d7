#include "agent/cost.h"

#include <math.h>
#include <string.h>

#include "aws/common/mem.h"

#define MONTH_S (730 * 3600) /* as AWS's own examples count it */

/* List prices of https://aws.amazon.com/cloudwatch/pricing/ for us-east-1, 2026. */
#define REQUEST_USD               (0.01 / 1000)
#define ALARM_USD                 0.10
#define HIGH_RESOLUTION_ALARM_USD 0.30

static const struct tier {
    int count;
    double usd;
} tiers[] = {{10000, 0.30}, {240000, 0.10}, {750000, 0.05}, {INT32_MAX, 0.02}};

/* PutMetricData takes so many datums at once. */
#define DATUMS_PER_REQUEST 1000

/* pg_stat_activity knows six states of a client backend. */
#define STATES 6
/* A bound for "*": what a server may have of databases is not known here. */
#define DATABASES_ASSUMED 10

/* How many series of the metric one database, or (database NULL) one pool or agent has. */
static int series_of(const struct metric *metric, const struct config_database *database)
{
    if (metric->extra_dimension == NULL || database == NULL) {
        return 1;
    }
    if (strcmp(metric->extra_dimension, "State") == 0) {
        return STATES;
    }
    if (strcmp(metric->extra_dimension, "ApplicationName") == 0) {
        return database->per_application > 0 ? database->per_application + 1 : 0;
    }
    size_t globs = database->per_database.count;

    for (size_t i = 0; i < globs; i++) {
        if (strpbrk(database->per_database.items[i], "*?[") != NULL) {
            return DATABASES_ASSUMED + 1; /* and "other" */
        }
    }
    return globs > 0 ? (int)globs + 1 : 0;
}

/* Of a log only, of StatsD only: counted where they are. */
static bool is_of_some(int metric)
{
    return metric == METRIC_CONNECTION_ERRORS || metric == METRIC_AGENT_DATAGRAMS_DROPPED;
}

static int count_of(enum metric_of of, enum metric_set set, const struct config_database *database)
{
    int count = 0;

    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric *metric = metric_get((enum metric_id)i);

        if (metric->of == of && metric->set <= set && !is_of_some(i)) {
            count += series_of(metric, database);
        }
    }
    return count;
}

static const char *region_of(const struct config *config, const struct config_database *database)
{
    const char *region = database->region != NULL ? database->region : config->region;

    return region != NULL ? region : "";
}

/* Is it the first database of its region (with a pool, when pools are what is counted)? */
static bool first_of_region(const struct config *config, size_t index, bool with_pool)
{
    const char *region = region_of(config, &config->databases[index]);

    if (with_pool && !config_has_pool(config, &config->databases[index])) {
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(region_of(config, &config->databases[i]), region) == 0 &&
            (!with_pool || config_has_pool(config, &config->databases[i]))) {
            return false;
        }
    }
    return true;
}

static int count_metrics(const struct config *config, enum metric_set set, int *regions)
{
    int count = (int)config->pool_count * count_of(METRIC_OF_POOL, set, NULL);

    for (size_t i = 0; i < config->pool_count && metric_get(METRIC_CONNECTION_ERRORS)->set <= set;
         i++) {
        /* ConnectionErrors */
        count += config->pools[i].type == POOL_LOG || config->pools[i].log != NULL;
    }
    count += config->statsd && metric_get(METRIC_AGENT_DATAGRAMS_DROPPED)->set <= set;
    *regions = 0;
    for (size_t i = 0; i < config->database_count; i++) {
        const struct config_database *database = &config->databases[i];

        count += count_of(METRIC_OF_DATABASE, set, database);
        count += config_has_pool(config, database); /* PoolTimeout summed */
        count += config->rollup && first_of_region(config, i, true);
        if (first_of_region(config, i, false)) {
            (*regions)++;
            count += count_of(METRIC_OF_AGENT, set, NULL);
        }
    }
    return count;
}

static double metrics_usd(int count)
{
    double usd = 0;

    for (size_t i = 0; i < MEM_COUNT(tiers) && count > 0; i++) {
        int here = count < tiers[i].count ? count : tiers[i].count;

        usd += here * tiers[i].usd;
        count -= here;
    }
    return usd;
}

/* Windows last a minute at most, with a resolution of 1 s a second: a longer publish_interval sends
 * several at once. */
static double count_requests(const struct config *config, int metrics, int regions)
{
    double publish_s = config->publish_interval_ms / 1000.0;
    double length_s = config->resolution_s == 1 ? config->sample_interval_ms / 1000.0 : 60;
    double windows = publish_s > length_s ? publish_s / length_s : 1;
    double per_region = metrics * windows / regions;

    return MONTH_S / publish_s * regions * ceil(per_region / DATUMS_PER_REQUEST);
}

static void count_alarms(const struct config *config, struct cost *out)
{
    for (size_t i = 0; i < config->database_count; i++) {
        for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
            const struct config_alarm *alarm = &config->databases[i].alarms.alarm[kind];

            int count = alarm_row((enum alarm_kind)kind)->of == ALARM_OF_POOL
                            ? (int)config_pools_of(config, &config->databases[i])
                            : 1;

            if (alarm->threshold.kind == THRESHOLD_OFF) {
                continue;
            }
            if (alarm->rule.period_s < 60) {
                out->high_resolution_alarms += count;
            } else {
                out->alarms += count;
            }
        }
    }
}

void cost_estimate(const struct config *config, enum metric_set metrics, struct cost *out)
{
    int regions;

    *out = (struct cost){.metrics_per_pool = count_of(METRIC_OF_POOL, metrics, NULL)};
    out->metrics = count_metrics(config, metrics, &regions);
    out->requests = regions > 0 ? count_requests(config, out->metrics, regions) : 0;
    count_alarms(config, out);
    out->metrics_usd = metrics_usd(out->metrics);
    out->requests_usd = out->requests * REQUEST_USD;
    out->alarms_usd =
        out->alarms * ALARM_USD + out->high_resolution_alarms * HIGH_RESOLUTION_ALARM_USD;
    out->total_usd = out->metrics_usd + out->requests_usd + out->alarms_usd;
}
