#include "agent/once.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/loop.h"
#include "agent/probe.h"
#include "agent/way_in.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

struct once {
    const struct config *config;
    uv_loop_t loop;
    struct cloud cloud;
    enum cli_format format;
    json_t *metrics; /* {"identifier": [metric, ...]} */
    int status;
};

static void put(void *arg, const struct reading *reading)
{
    struct once *once = arg;
    const struct metric *metric = metric_get(reading->metric);
    json_t *list = json_object_get(once->metrics, reading->database);
    json_t *dimensions = json_pack("{s:s}", "DBInstanceIdentifier", reading->database);

    if (!list) {
        list = json_array();
        json_object_set_new(once->metrics, reading->database, list);
    }
    if (metric->extra_dimension) {
        json_object_set_new(dimensions, metric->extra_dimension, json_text(reading->extra));
    }
    json_t *value = reading->value == (double)(json_int_t)reading->value
                        ? json_integer((json_int_t)reading->value)
                        : json_real(reading->value);
    json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "name", metric->name, "unit",
                                          metric->unit, "value", value, "dimensions", dimensions));
}

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

static void print_json(struct once *once, const struct probe_outcome *outcomes, size_t count)
{
    json_t *databases = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(databases, database_document(once, &outcomes[i]));
    }
    json_t *document = json_pack("{s:o}", "databases", databases);
    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(document);
}

/* "DatabaseConnections  ApplicationName=web": the dimension that is not the database's own name. */
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
        if (strcmp(name, "DBInstanceIdentifier") != 0) {
            buf_printf(&label, "  %s=%s", name, json_string_value(value));
        }
    }
    printf("  %-56s %10.6g%s%s\n", buf_text(&label),
           json_number_value(json_object_get(metric, "value")),
           strcmp(unit, "None") == 0 ? "" : "  ", strcmp(unit, "None") == 0 ? "" : unit);
    buf_done(&label);
}

static void print_text(struct once *once, const struct probe_outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct config_database *database = outcomes[i].database;
        char *server = conninfo_describe(&database->conninfo);
        json_t *metrics = json_object_get(once->metrics, database->identifier);
        size_t index;
        json_t *metric;

        printf("%sdatabase %s (%s)\n", i > 0 ? "\n" : "", database->name, server);
        if (outcomes[i].err.code != ERR_NONE) {
            printf("  not sampled: %s\n", outcomes[i].err.message);
        }
        json_array_foreach(metrics, index, metric)
        {
            print_metric(metric);
        }
        free(server);
    }
}

static void on_done(void *arg, const struct probe_outcome *outcomes, size_t count)
{
    struct once *once = arg;

    for (size_t i = 0; i < count; i++) {
        if (outcomes[i].err.code != ERR_NONE) {
            once->status = EXIT_FAILED;
        }
    }
    if (once->format == FORMAT_JSON) {
        print_json(once, outcomes, count);
    } else {
        print_text(once, outcomes, count);
    }
    cloud_done(&once->cloud);
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
                                        .done = on_done,
                                        .arg = once};

    (void)err;
    probe_start(&probe);
}

int once_run(const struct config *config, enum cli_format format)
{
    struct once once = {
        .config = config, .format = format, .metrics = json_object(), .status = EXIT_DONE};
    struct err err;

    uv_loop_init(&once.loop);
    if (!way_in_open(&once.cloud, &once.loop, config, on_region, &once, &err)) {
        log_error("%s", err.message);
        once.status = EXIT_FAILED;
    }
    loop_run(&once.loop);
    json_decref(once.metrics);
    loop_end(&once.loop, once.status);
    return once.status;
}
