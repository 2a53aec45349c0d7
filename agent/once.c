#include "agent/once.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/loop.h"
#include "agent/pools_look.h"
#include "agent/probe.h"
#include "agent/way_in.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define POOL_READINGS 2 /* counters tell what came since the first */

struct once {
    const struct config *config;
    uv_loop_t loop;
    struct cloud cloud;
    enum cli_format format;
    json_t *metrics;           /* {"identifier": [metric, ...]} */
    json_t *databases, *pools; /* what is printed, in the order of the configuration */
    struct pools_look look;
    size_t running; /* the probe and the look */
    int status;
};

/* --- readings ------------------------------------------------------------------------------- */

static json_t *number_json(double value)
{
    return value == (double)(json_int_t)value ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *metric_json(const struct reading *reading)
{
    const struct metric *metric = metric_get(reading->metric);
    json_t *dimensions = json_pack("{s:s}", "DBInstanceIdentifier", reading->database);

    if (reading->pool) {
        json_object_set_new(dimensions, "Pool", json_text(reading->pool));
    }
    if (metric->extra_dimension) {
        json_object_set_new(dimensions, metric->extra_dimension, json_text(reading->extra));
    }
    return json_pack("{s:s, s:s, s:o, s:o}", "name", metric->name, "unit", metric->unit, "value",
                     number_json(reading->value), "dimensions", dimensions);
}

static void put(void *arg, const struct reading *reading)
{
    struct once *once = arg;
    json_t *list = json_object_get(once->metrics, reading->database);

    if (!list) {
        list = json_array();
        json_object_set_new(once->metrics, reading->database, list);
    }
    json_array_append_new(list, metric_json(reading));
}

/* --- documents ------------------------------------------------------------------------------ */

static json_t *database_document(struct once *once, const struct probe_outcome *outcome)
{
    const struct config_database *database = outcome->database;
    bool up = outcome->err.code == ERR_NONE;
    char *server = conninfo_describe(&database->conninfo);
    json_t *metrics = json_object_get(once->metrics, database->identifier);
    json_t *document =
        json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:O?}", "name", json_text(database->name),
                  "identifier", json_text(database->identifier), "server", json_text(server), "up",
                  up, "error", json_text(up ? NULL : outcome->err.message), "usable_connections",
                  outcome->usable > 0 ? json_integer((json_int_t)outcome->usable) : json_null(),
                  "metrics", metrics);

    free(server);
    return document;
}

/* Why there is nothing to be read of it in a moment; NULL: there is. */
static const char *out_of_sight(const struct config_pool *pool)
{
    if (pools_look_reads(pool)) {
        return NULL;
    }
    return pool->type == POOL_STATSD
               ? "applications send their numbers to the agent that runs (StatsD)"
               : "a log tells of what happens while an agent follows it";
}

/* The newest of each metric; counters were added up by the look. */
static json_t *pool_metrics(const struct fact_pool *pool)
{
    json_t *metrics = json_array();

    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct reading reading = {.metric = (enum metric_id)i,
                                        .database = pool->pool->of->identifier,
                                        .pool = pool->pool->name,
                                        .value = pool->newest[i]};

        if (!isnan(pool->newest[i])) {
            json_array_append_new(metrics, metric_json(&reading));
        }
    }
    return metrics;
}

static json_t *pool_document(struct once *once, const struct config_pool *pool)
{
    const struct fact_pool *fact = pools_look_find(&once->look, pool);
    const char *error = fact ? fact->trouble : out_of_sight(pool);

    if (fact && fact->trouble) {
        once->status = EXIT_FAILED;
    }
    return json_pack("{s:o, s:o, s:s, s:b, s:o, s:o}", "name", json_text(pool->name), "database",
                     json_text(pool->of->name), "type", config_pool_type_name(pool->type),
                     "sampled", !error, "error", json_text(error), "metrics",
                     fact ? pool_metrics(fact) : json_array());
}

/* --- printing ------------------------------------------------------------------------------- */

static void print_json(const struct once *once)
{
    json_t *document = json_pack("{s:O, s:O}", "databases", once->databases, "pools", once->pools);

    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(document);
}

/* "DatabaseConnections  ApplicationName=web": the dimensions that the heading does not say. */
static void print_metric(const json_t *metric)
{
    const char *unit = json_string_value(json_object_get(metric, "unit"));
    json_t *dimensions = json_object_get(metric, "dimensions");
    struct buf label;
    const char *name;
    json_t *value;

    buf_init(&label, 4096);
    buf_puts(&label, json_string_value(json_object_get(metric, "name")));
    json_object_foreach(dimensions, name, value)
    {
        if (strcmp(name, "DBInstanceIdentifier") != 0 && strcmp(name, "Pool") != 0) {
            buf_printf(&label, "  %s=%s", name, json_string_value(value));
        }
    }
    printf("  %-56s %10.6g%s%s\n", buf_text(&label),
           json_number_value(json_object_get(metric, "value")),
           strcmp(unit, "None") == 0 ? "" : "  ", strcmp(unit, "None") == 0 ? "" : unit);
    buf_done(&label);
}

static void print_part(const json_t *document)
{
    const char *error = json_string_value(json_object_get(document, "error"));
    size_t index;
    json_t *metric;

    if (error) {
        printf("  not sampled: %s\n", error);
    }
    json_array_foreach(json_object_get(document, "metrics"), index, metric)
    {
        print_metric(metric);
    }
}

static void print_text(const struct once *once)
{
    size_t index;
    json_t *document;

    json_array_foreach(once->databases, index, document)
    {
        printf("%sdatabase %s (%s)\n", index > 0 ? "\n" : "",
               json_string_value(json_object_get(document, "name")),
               json_string_value(json_object_get(document, "server")));
        print_part(document);
    }
    json_array_foreach(once->pools, index, document)
    {
        printf("\npool %s (%s, database %s)\n",
               json_string_value(json_object_get(document, "name")),
               json_string_value(json_object_get(document, "type")),
               json_string_value(json_object_get(document, "database")));
        print_part(document);
    }
}

static void end_part(struct once *once)
{
    if (--once->running > 0) {
        return;
    }
    for (size_t i = 0; i < once->config->pool_count; i++) {
        json_array_append_new(once->pools, pool_document(once, &once->config->pools[i]));
    }
    if (once->format == FORMAT_JSON) {
        print_json(once);
    } else {
        print_text(once);
    }
    cloud_done(&once->cloud);
}

static void on_probed(void *arg, const struct probe_outcome *outcomes, size_t count)
{
    struct once *once = arg;

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(once->databases, database_document(once, &outcomes[i]));
        if (outcomes[i].err.code != ERR_NONE) {
            once->status = EXIT_FAILED;
        }
    }
    end_part(once);
}

static void on_looked(void *arg)
{
    end_part(arg);
}

/* Without a region: only who logs in by AWS misses it, and says so. */
static void on_region(void *arg, const struct err *err)
{
    struct once *once = arg;
    const struct probe_options probe = {.loop = &once->loop,
                                        .config = once->config,
                                        .aws = &once->cloud.access,
                                        .metrics = METRICS_FULL,
                                        .sink = {.put = put, .arg = once},
                                        .done = on_probed,
                                        .arg = once};
    const struct pools_look_options look = {.loop = &once->loop,
                                            .config = once->config,
                                            .readings = POOL_READINGS,
                                            .done = on_looked,
                                            .arg = once};

    (void)err;
    once->running = 2;
    probe_start(&probe);
    pools_look_start(&once->look, &look);
}

int once_run(const struct config *config, enum cli_format format)
{
    struct once once = {.config = config,
                        .format = format,
                        .metrics = json_object(),
                        .databases = json_array(),
                        .pools = json_array(),
                        .status = EXIT_DONE};
    struct err err;

    uv_loop_init(&once.loop);
    if (!way_in_open(&once.cloud, &once.loop, config, on_region, &once, &err)) {
        log_error("%s", err.message);
        once.status = EXIT_FAILED;
    }
    loop_run(&once.loop);
    pools_look_done(&once.look);
    json_decref(once.metrics);
    json_decref(once.databases);
    json_decref(once.pools);
    loop_end(&once.loop, once.status);
    return once.status;
}
