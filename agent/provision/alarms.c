#include "agent/provision/alarms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

#define DESCRIPTION_MAX 1024 /* characters, CloudWatch's limit */

/* --- What each alarm tells the person who is woken up ----------------------------------------- */

/*
 * What it means, then what to look at first. A description is part of the comparison, so it holds
 * nothing that changes while the threshold does not.
 */

static void describe_high_connections(const struct alarm_context *context,
                                      const struct cloudwatch_alarm *alarm, struct buf *out)
{
    const struct config_threshold *threshold =
        &context->database->alarms.alarm[ALARM_HIGH_CONNECTIONS].threshold;

    buf_printf(out, "More than %.15g ", alarm->threshold);
    if (threshold->kind == THRESHOLD_PERCENT) {
        buf_printf(out, "(%.15g %% of the %.15g usable) ", threshold->value, context->usable);
    }
    buf_printf(out,
               "connections of PostgreSQL server %s are in use. When none is left, every login "
               "fails (FATAL 53300). Look first: who holds them (SELECT application_name, state, "
               "count(*) FROM pg_stat_activity GROUP BY 1, 2 ORDER BY 3 DESC), sessions idle in "
               "transaction, and a deploy or scale-out that multiplied an application's pools.",
               context->database->identifier);
}

static void describe_pool_timeout(const struct alarm_context *context,
                                  const struct cloudwatch_alarm *alarm, struct buf *out)
{
    buf_printf(out,
               "More than %.15g times in %d s a client gave up waiting for a connection of a pool "
               "in front of PostgreSQL server %s (Prisma: P2024). Users see errors. Look first: "
               "which pool (metric PoolTimeout by Pool), statements and transactions that hold "
               "connections for long, locks; then whether the server has connections left for a "
               "larger pool.",
               alarm->threshold, alarm->period_s, context->database->identifier);
}

static void describe_exhausted(const struct alarm_context *context,
                               const struct cloudwatch_alarm *alarm, struct buf *out)
{
    buf_printf(out,
               "Fewer than %.15g connections are left for ordinary users of PostgreSQL server %s: "
               "logins fail or are about to (FATAL 53300). Look first: with a reserved or open "
               "session, who holds the connections (pg_stat_activity by application_name), and end "
               "those that are idle in transaction (pg_terminate_backend). Then which application "
               "opens more than its share.",
               alarm->threshold, context->database->identifier);
}

static void describe_leak(const struct alarm_context *context, const struct cloudwatch_alarm *alarm,
                          struct buf *out)
{
    buf_printf(out,
               "More than %.15g sessions of PostgreSQL server %s have been idle in transaction for "
               "over %d s: a transaction was begun and never ended. They hold connections and "
               "locks, and keep vacuum from its work. Look first: SELECT pid, application_name, "
               "xact_start, query FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%' "
               "ORDER BY xact_start; the query is the last one before it was forgotten.",
               alarm->threshold, context->database->identifier, context->database->leak_ms / 1000);
}

static void describe_silent(const struct alarm_context *context,
                            const struct cloudwatch_alarm *alarm, struct buf *out)
{
    buf_printf(out,
               "For %d s no agent has reported on PostgreSQL server %s: nobody watches its "
               "connections, and its other alarms are blind. The server itself may be well. Look "
               "first: does poolwarden run (systemctl status poolwarden, or its ECS service), what "
               "does its log say, may it still call cloudwatch:PutMetricData.",
               alarm->period_s * alarm->datapoints, context->database->identifier);
}

/* --- The table -------------------------------------------------------------------------------- */

static const struct alarm_row {
    const char *stem;
    enum metric_id metric;
    const char *comparison;
    const char *missing_data;
    void (*describe)(const struct alarm_context *, const struct cloudwatch_alarm *, struct buf *);
} rows[ALARM_KIND_COUNT] = {
    [ALARM_HIGH_CONNECTIONS] = {"rds-high-connections-", METRIC_DATABASE_CONNECTIONS,
                                "GreaterThanThreshold", "missing", describe_high_connections},
    [ALARM_POOL_TIMEOUT] = {"prisma-pool-timeout-", METRIC_POOL_TIMEOUT, "GreaterThanThreshold",
                            "notBreaching", describe_pool_timeout},
    [ALARM_CONNECTIONS_EXHAUSTED] = {"connections-exhausted-", METRIC_AVAILABLE_CONNECTIONS,
                                     "LessThanThreshold", "missing", describe_exhausted},
    [ALARM_CONNECTION_LEAK] = {"connection-leak-", METRIC_LEAKED_CONNECTIONS,
                               "GreaterThanThreshold", "missing", describe_leak},
    [ALARM_MONITORING_SILENT] = {"monitoring-silent-", METRIC_DATABASE_UP, "LessThanThreshold",
                                 "breaching", describe_silent},
};

const char *alarm_key(enum alarm_kind kind)
{
    static const char *const keys[] = {
#define X(id, key) [ALARM_##id] = (key),
        ALARM_MAP(X)
#undef X
    };

    return keys[kind];
}

char *alarm_name(const struct config_database *database, enum alarm_kind kind)
{
    return mem_printf("%s%s%s", database->alarms.name_prefix, rows[kind].stem,
                      database->identifier);
}

/* --- One alarm -------------------------------------------------------------------------------- */

/* In millionths first: the nearest double to what a person would write, whatever the factors were.
 */
static double portion_of(double percent, double usable)
{
    return round(percent * usable / 100 * 1e6) / 1e6;
}

static bool find_threshold(const struct alarm_context *context, enum alarm_kind kind, double *out,
                           struct err *err)
{
    const struct config_threshold *threshold = &context->database->alarms.alarm[kind].threshold;

    if (threshold->kind == THRESHOLD_OFF) {
        return err_set(err, ERR_ABSENT, "%s is off", alarm_key(kind));
    }
    if (threshold->kind == THRESHOLD_PERCENT && context->usable <= 0) {
        return err_set(
            err, ERR_CONFIG,
            "%s = %.15g%% needs the server's limit, which is not known: the server could "
            "not be sampled from here; give an absolute number, like %s = 80",
            alarm_key(kind), threshold->value, alarm_key(kind));
    }
    if (threshold->kind == THRESHOLD_PERCENT) {
        *out = portion_of(threshold->value, context->usable);
    } else {
        /* The dead-man's own number says how long; what it counts are samples. */
        *out = kind == ALARM_MONITORING_SILENT ? 1 : threshold->value;
    }
    return true;
}

static void set_dimensions(const struct alarm_context *context, struct cloudwatch_alarm *out)
{
    const struct config_pairs *configured = &context->config->dimensions;

    out->dimension_count = 1 + configured->count;
    out->dimensions = mem_alloc(out->dimension_count * sizeof(*out->dimensions));
    out->dimensions[0] = (struct cloudwatch_dimension){mem_strdup("DBInstanceIdentifier"),
                                                       mem_strdup(context->database->identifier)};
    for (size_t i = 0; i < configured->count; i++) {
        out->dimensions[1 + i] = (struct cloudwatch_dimension){
            mem_strdup(configured->items[i].name), mem_strdup(configured->items[i].value)};
    }
}

static void set_actions(const struct config_list *from, char *to[CLOUDWATCH_ACTIONS_MAX])
{
    for (size_t i = 0; i < from->count && i < CLOUDWATCH_ACTIONS_MAX; i++) {
        to[i] = mem_strdup(from->items[i]);
    }
}

static void set_rule(const struct config_rule *rule, struct cloudwatch_alarm *out)
{
    out->statistic = mem_strdup(rule->statistic);
    out->period_s = rule->period_s;
    out->datapoints = rule->datapoints;
    out->evaluation_periods = rule->evaluation_periods;
}

static bool lacks_pool(const struct alarm_context *context, enum alarm_kind kind)
{
    return kind == ALARM_POOL_TIMEOUT && !context->has_pool;
}

static void set_description(const struct alarm_context *context, enum alarm_kind kind,
                            struct cloudwatch_alarm *out)
{
    struct buf text;

    buf_init(&text, 4096);
    rows[kind].describe(context, out, &text);
    if (text.len > DESCRIPTION_MAX) {
        buf_truncate(&text, DESCRIPTION_MAX);
    }
    out->description = mem_strdup(buf_text(&text));
    buf_done(&text);
}

bool alarm_wanted(const struct alarm_context *context, enum alarm_kind kind,
                  struct cloudwatch_alarm *out, struct err *err)
{
    const struct config_alarms *alarms = &context->database->alarms;
    double threshold;

    if (!find_threshold(context, kind, &threshold, err)) {
        return false;
    }
    *out = (struct cloudwatch_alarm){
        .name = alarm_name(context->database, kind),
        .namespace_ = mem_strdup(context->config->namespace_),
        .metric = mem_strdup(metric_get(rows[kind].metric)->name),
        .threshold = threshold,
        .comparison = mem_strdup(rows[kind].comparison),
        /* Grey, not green, while nothing can count timeouts. */
        .missing_data = mem_strdup(lacks_pool(context, kind) ? "missing" : rows[kind].missing_data),
        .actions_enabled = true,
    };
    set_rule(&alarms->alarm[kind].rule, out);
    set_dimensions(context, out);
    set_actions(&alarms->actions, out->alarm_actions);
    set_actions(&alarms->ok_actions, out->ok_actions);
    set_actions(&alarms->insufficient_data_actions, out->insufficient_data_actions);
    set_description(context, kind, out);
    return true;
}

const char *alarm_note(const struct alarm_context *context, enum alarm_kind kind)
{
    return lacks_pool(context, kind) ? "no pool is configured yet" : "";
}

bool alarm_has_pool(const struct config *config, const struct config_database *database)
{
    for (size_t i = 0; i < config->pool_count; i++) {
        if (config->pools[i].of == database) {
            return true;
        }
    }
    return config->statsd_database == database;
}

/* --- Tags ------------------------------------------------------------------------------------- */

size_t alarm_tags(const struct config_database *database, struct cloudwatch_tag out[ALARM_TAGS_MAX])
{
    const struct config_pairs *configured = &database->alarms.tags;
    size_t count = 0;

    out[count++] = (struct cloudwatch_tag){ALARM_TAG_KEY, ALARM_TAG_VALUE};
    for (size_t i = 0; i < configured->count && count < ALARM_TAGS_MAX; i++) {
        out[count++] =
            (struct cloudwatch_tag){configured->items[i].name, configured->items[i].value};
    }
    return count;
}

bool alarm_is_tagged(const struct cloudwatch_tag *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tags[i].key, ALARM_TAG_KEY) == 0 &&
            strcmp(tags[i].value, ALARM_TAG_VALUE) == 0) {
            return true;
        }
    }
    return false;
}
