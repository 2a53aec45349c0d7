#include "agent/provision/dashboard_graphs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/provision/alarms.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define GRAPH_WIDTH  8
#define GRAPH_HEIGHT 6
#define LINES_MAX    50 /* in one graph; more are a tangle */

/* One database (and pool) while its graphs are made. */
struct painter {
    struct page *page;
    const struct config *config;
    const struct config_database *database;
    const struct dashboard_database *known;
    json_t *dimensions; /* [name, value, ...] of its own metrics */
    const char *pool;   /* NULL: the database itself */
};

/* --- Metrics ---------------------------------------------------------------------------------- */

static bool has(const struct config *config, enum metric_id metric)
{
    return metric_get(metric)->set <= config->metrics;
}

static json_t *dimensions_of(const struct config *config, const struct config_database *database,
                             const char *pool)
{
    json_t *out = json_pack("[s, o]", "DBInstanceIdentifier", json_text(database->identifier));

    mem_check(out);
    if (pool) {
        (void)json_array_append_new(out, json_string("Pool"));
        (void)json_array_append_new(out, json_text(pool));
    }
    for (size_t i = 0; i < config->dimensions.count; i++) {
        (void)json_array_append_new(out, json_text(config->dimensions.items[i].name));
        (void)json_array_append_new(out, json_text(config->dimensions.items[i].value));
    }
    return out;
}

/* A line of one of our metrics; nothing when the set does not have it. */
static void add(const struct painter *painter, json_t *metrics, enum metric_id metric,
                json_t *options)
{
    if (!has(painter->config, metric)) {
        json_decref(options);
        return;
    }
    (void)json_array_append_new(metrics,
                                page_metric(painter->config->namespace_, metric_get(metric)->name,
                                            painter->dimensions, options));
}

static json_t *labelled(const char *label)
{
    return mem_check(json_pack("{s:s}", "label", label));
}

static struct graph graph_of(const struct painter *painter, const char *title)
{
    return (struct graph){.title = title,
                          .region = painter->known->region,
                          .statistic = "Maximum",
                          .width = GRAPH_WIDTH,
                          .height = GRAPH_HEIGHT,
                          .from_zero = true};
}

/* Draws, unless the set has none of the metrics. */
static void draw(const struct painter *painter, const struct graph *graph, json_t *metrics)
{
    if (json_array_size(metrics) > 0) {
        page_graph(painter->page, graph, metrics);
    } else {
        json_decref(metrics);
    }
}

/* --- A database ------------------------------------------------------------------------------- */

/*
 * The limit is the one that the server has at each time: 100 * connections / utilization, both read
 * at the same instants; so it needs no metric of the larger sets, and follows a resize.
 */
static void draw_connections(const struct painter *painter)
{
    const struct config_threshold *threshold =
        &painter->database->alarms.alarm[ALARM_HIGH_CONNECTIONS].threshold;
    struct graph graph = graph_of(painter, "Connections against the usable limit");
    bool is_number = threshold->kind == THRESHOLD_NUMBER;
    double percent = threshold->kind == THRESHOLD_PERCENT ? threshold->value : 80;
    json_t *metrics = json_array();
    char *line = mem_printf("%.15g*used/utilization", percent);
    char *label = mem_printf("%.15g %% of it", percent);

    add(painter, metrics, METRIC_DATABASE_CONNECTIONS,
        json_pack("{s:s, s:s}", "id", "used", "label", "in use"));
    add(painter, metrics, METRIC_CONNECTION_UTILIZATION,
        json_pack("{s:s, s:b}", "id", "utilization", "visible", 0));
    (void)json_array_append_new(metrics,
                                page_expression("100*used/utilization", "limit", "usable limit"));
    if (is_number) {
        graph.label = "alarm";
        graph.line = threshold->value;
    } else {
        (void)json_array_append_new(metrics, page_expression(line, "line", label));
    }
    draw(painter, &graph, metrics);
    free(line);
    free(label);
}

static void draw_utilization(const struct painter *painter)
{
    const struct config_threshold *threshold =
        &painter->database->alarms.alarm[ALARM_HIGH_CONNECTIONS].threshold;
    struct graph graph = graph_of(painter, "Utilization, percent");
    json_t *metrics = json_array();

    graph.top = 100;
    graph.label = "alarm";
    graph.line = threshold->value;
    if (threshold->kind != THRESHOLD_PERCENT) {
        graph.label = "80 %";
        graph.line = 80;
    }
    add(painter, metrics, METRIC_CONNECTION_UTILIZATION, labelled("of the usable limit"));
    draw(painter, &graph, metrics);
}

static void draw_states(const struct painter *painter)
{
    struct graph graph = graph_of(painter, "Sessions by state");
    json_t *metrics = json_array();

    graph.stacked = true;
    add(painter, metrics, METRIC_CONNECTIONS_ACTIVE, labelled("active"));
    add(painter, metrics, METRIC_CONNECTIONS_IDLE_IN_TRANSACTION, labelled("idle in transaction"));
    add(painter, metrics, METRIC_CONNECTIONS_IDLE, labelled("idle"));
    draw(painter, &graph, metrics);
}

static void draw_oldest(const struct painter *painter)
{
    const struct graph graph = graph_of(painter, "Oldest transaction, seconds");
    json_t *metrics = json_array();

    add(painter, metrics, METRIC_OLDEST_TRANSACTION_AGE, labelled("age"));
    draw(painter, &graph, metrics);
}

/* Nothing when it is not known which instance it is. */
static void draw_instance(const struct painter *painter)
{
    const struct alarm_context context = {.config = painter->config,
                                          .database = painter->database,
                                          .instance = painter->known->instance};
    struct graph graph = graph_of(painter, "The instance: CPU and memory");
    char *instance = NULL;
    struct err err;

    if (!alarm_instance(&context, &instance, &err)) {
        return;
    }
    json_t *dimensions = json_pack("[s, o]", "DBInstanceIdentifier", json_text(instance));
    json_t *metrics =
        json_pack("[o, o]",
                  page_metric(ALARM_AWS_NAMESPACE, alarm_metric_name(ALARM_RDS_CPU), dimensions,
                              json_pack("{s:s, s:s}", "label", "CPU, percent", "stat", "Average")),
                  page_metric(ALARM_AWS_NAMESPACE, alarm_metric_name(ALARM_RDS_MEMORY), dimensions,
                              json_pack("{s:s, s:s, s:s}", "label", "memory to spare, bytes",
                                        "stat", "Minimum", "yAxis", "right")));

    graph.top = 100;
    draw(painter, &graph, metrics);
    json_decref(dimensions);
    free(instance);
}

static void draw_proxy(const struct painter *painter)
{
    struct graph graph = graph_of(painter, "RDS Proxy: getting a connection, microseconds");
    const char *proxy = painter->database->alarms.proxy_name;

    if (!proxy) {
        return;
    }
    json_t *dimensions = json_pack("[s, o]", "ProxyName", json_text(proxy));
    json_t *metrics = json_pack("[o]", page_metric(ALARM_AWS_NAMESPACE,
                                                   alarm_metric_name(ALARM_PROXY_BORROW_LATENCY),
                                                   dimensions, labelled("borrow latency")));

    graph.statistic = "Average";
    draw(painter, &graph, metrics);
    json_decref(dimensions);
}

/* --- A pool ----------------------------------------------------------------------------------- */

static char *title_of(const struct painter *painter, const char *what)
{
    return mem_printf("Pool %s: %s", painter->pool, what);
}

static void draw_waiting(const struct painter *painter)
{
    char *title = title_of(painter, "waiting, and the longest wait in seconds");
    const struct graph graph = graph_of(painter, title);
    json_t *metrics = json_array();

    add(painter, metrics, METRIC_POOL_CLIENTS_WAITING, labelled("clients waiting"));
    add(painter, metrics, METRIC_POOL_MAX_WAIT,
        json_pack("{s:s, s:s}", "label", "longest wait, seconds", "yAxis", "right"));
    draw(painter, &graph, metrics);
    free(title);
}

static void draw_timeouts(const struct painter *painter)
{
    char *title = title_of(painter, "timeouts");
    struct graph graph = graph_of(painter, title);
    json_t *metrics = json_array();

    graph.statistic = "Sum";
    add(painter, metrics, METRIC_POOL_TIMEOUT, labelled("timeouts in a minute"));
    draw(painter, &graph, metrics);
    free(title);
}

static void draw_busy(const struct painter *painter)
{
    char *title = title_of(painter, "busy of its size");
    const struct graph graph = graph_of(painter, title);
    json_t *metrics = json_array();

    add(painter, metrics, METRIC_POOL_CONNECTIONS_BUSY, labelled("busy"));
    add(painter, metrics, METRIC_POOL_CONNECTIONS_IDLE, labelled("idle"));
    add(painter, metrics, METRIC_POOL_SIZE, labelled("size"));
    draw(painter, &graph, metrics);
    free(title);
}

static void draw_pool(const struct painter *of_database, const char *pool)
{
    struct painter painter = *of_database;

    painter.pool = pool;
    painter.dimensions = dimensions_of(painter.config, painter.database, pool);
    page_end_row(painter.page);
    draw_timeouts(&painter);
    draw_waiting(&painter);
    draw_busy(&painter);
    json_decref(painter.dimensions);
}

/* Pools that no section names are found by a search, as they arrive. */
static void draw_unnamed(const struct painter *painter)
{
    struct graph graph =
        graph_of(painter, "Timeouts of each pool, those that no section names too");
    struct buf search;

    buf_init(&search, 65536);
    buf_printf(&search, "SEARCH('{\"%s\",DBInstanceIdentifier,Pool", painter->config->namespace_);
    for (size_t i = 0; i < painter->config->dimensions.count; i++) {
        buf_printf(&search, ",\"%s\"", painter->config->dimensions.items[i].name);
    }
    buf_printf(&search, "} MetricName=\"%s\" DBInstanceIdentifier=\"%s\"', 'Sum', 60)",
               metric_get(METRIC_POOL_TIMEOUT)->name, painter->database->identifier);
    graph.statistic = "Sum";
    page_end_row(painter->page);
    draw(painter, &graph, json_pack("[o]", page_expression(buf_text(&search), "pools", "")));
    buf_done(&search);
}

/* --- All of a database ------------------------------------------------------------------------ */

static void write_heading(const struct painter *painter)
{
    const struct config_database *database = painter->database;
    bool named = strcmp(database->name, database->identifier) == 0;
    char *text =
        mem_printf("## %s%s%s%s in %s", database->name, named ? "" : " (",
                   named ? "" : database->identifier, named ? "" : ")", painter->known->region);

    page_text(painter->page, text, 1);
    free(text);
}

void graphs_of_database(struct page *page, const struct config *config,
                        const struct config_database *database,
                        const struct dashboard_database *known)
{
    struct painter painter = {.page = page, .config = config, .database = database, .known = known};

    painter.dimensions = dimensions_of(config, database, NULL);
    write_heading(&painter);
    draw_connections(&painter);
    draw_utilization(&painter);
    draw_states(&painter);
    draw_oldest(&painter);
    draw_instance(&painter);
    draw_proxy(&painter);
    for (size_t i = 0; i < config->pool_count; i++) {
        if (config->pools[i].of == database) {
            draw_pool(&painter, config->pools[i].name);
        }
    }
    if (config->statsd_database == database) {
        draw_unnamed(&painter);
    }
    page_end_row(page);
    json_decref(painter.dimensions);
}

/* --- All databases ---------------------------------------------------------------------------- */

static void add_line(const struct config *config, const struct config_database *database,
                     const char *region, enum metric_id metric, json_t *metrics)
{
    json_t *dimensions = dimensions_of(config, database, NULL);
    json_t *options =
        json_pack("{s:o, s:o}", "label", json_text(database->name), "region", json_text(region));

    (void)json_array_append_new(
        metrics, page_metric(config->namespace_, metric_get(metric)->name, dimensions, options));
    json_decref(dimensions);
}

/* One graph for each so many databases. */
static void draw_all(struct page *page, const struct config *config,
                     const struct dashboard_database *databases, const struct graph *like,
                     enum metric_id metric)
{
    json_t *metrics = json_array();
    struct graph graph = *like;

    for (size_t i = 0; i < config->database_count; i++) {
        const struct config_database *database = &config->databases[i];

        if (metric != METRIC_POOL_TIMEOUT || config_has_pool(config, database)) {
            add_line(config, database, databases[i].region, metric, metrics);
        }
        bool is_last = i + 1 == config->database_count;

        if (json_array_size(metrics) == LINES_MAX || (is_last && json_array_size(metrics) > 0)) {
            graph.region = databases[i].region;
            page_graph(page, &graph, metrics);
            metrics = json_array();
        }
    }
    json_decref(metrics);
    page_end_row(page);
}

void graphs_of_all(struct page *page, const struct config *config,
                   const struct dashboard_database *databases)
{
    static const struct {
        struct graph graph;
        enum metric_id metric;
    } graphs[] = {
        {{.title = "Utilization, percent",
          .statistic = "Maximum",
          .top = 100,
          .label = "80 %",
          .line = 80},
         METRIC_CONNECTION_UTILIZATION},
        {{.title = "Pool timeouts in a minute", .statistic = "Sum"}, METRIC_POOL_TIMEOUT},
        {{.title = "Databases that could be sampled", .statistic = "Minimum", .top = 1},
         METRIC_DATABASE_UP},
        {{.title = "Connections left", .statistic = "Minimum"}, METRIC_AVAILABLE_CONNECTIONS},
    };

    for (size_t i = 0; i < MEM_COUNT(graphs); i++) {
        struct graph graph = graphs[i].graph;

        graph.width = PAGE_COLUMNS / 2;
        graph.height = GRAPH_HEIGHT;
        graph.from_zero = true;
        draw_all(page, config, databases, &graph, graphs[i].metric);
    }
}
