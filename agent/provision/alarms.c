#include "agent/provision/alarms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/provision/alarm_text.h"
#include "agent/rds_host.h"
#include "aws/common/mem.h"

char *alarm_name(const struct alarm_context *context, enum alarm_kind kind)
{
    const struct config_database *database = context->database;
    const struct alarm_row *row = alarm_row(kind);
    bool is_pool = row->of == ALARM_OF_POOL;

    return mem_printf("%s%s%s%s%s", database->alarms.name_prefix, row->stem, database->identifier,
                      is_pool ? "-" : "", is_pool ? context->pool->name : "");
}

/* --- What it watches -------------------------------------------------------------------------- */

bool alarm_instance(const struct alarm_context *context, char **out, struct err *err)
{
    const struct config_database *database = context->database;
    const char *host = database->conninfo.host;
    enum rds_endpoint endpoint = rds_endpoint_of(host);

    if (context->instance) {
        *out = mem_strdup(context->instance);
    } else if (endpoint == RDS_WRITER) {
        return err_set(err, ERR_CONFIG,
                       "which instance is behind the cluster's endpoint %s only the server tells, "
                       "and it could not be sampled from here; give the instance's own endpoint in "
                       "url",
                       host);
    } else if (endpoint == RDS_INSTANCE) {
        *out = mem_strndup(host, strcspn(host, "."));
    } else {
        *out = mem_strdup(database->identifier);
    }
    return true;
}

/* Takes the value. */
static void add_dimension(struct cloudwatch_alarm *out, const char *name, char *value)
{
    out->dimensions[out->dimension_count++] =
        (struct cloudwatch_dimension){mem_strdup(name), value};
}

static void add_own_dimensions(const struct alarm_context *context, enum alarm_kind kind,
                               struct cloudwatch_alarm *out)
{
    const struct config_pairs *configured = &context->config->dimensions;

    add_dimension(out, "DBInstanceIdentifier", mem_strdup(context->database->identifier));
    if (alarm_row(kind)->of == ALARM_OF_POOL) {
        add_dimension(out, "Pool", mem_strdup(context->pool->name));
    }
    for (size_t i = 0; i < configured->count; i++) {
        add_dimension(out, configured->items[i].name, mem_strdup(configured->items[i].value));
    }
}

static bool set_dimensions(const struct alarm_context *context, enum alarm_kind kind,
                           struct cloudwatch_alarm *out, struct err *err)
{
    size_t most = 2 + context->config->dimensions.count;
    char *instance = NULL;

    out->dimensions = mem_alloc(most * sizeof(*out->dimensions));
    switch (alarm_row(kind)->of) {
    case ALARM_OF_DATABASE:
    case ALARM_OF_POOL:
        add_own_dimensions(context, kind, out);
        return true;
    case ALARM_OF_INSTANCE:
        if (!alarm_instance(context, &instance, err)) {
            return false;
        }
        add_dimension(out, "DBInstanceIdentifier", instance);
        return true;
    case ALARM_OF_PROXY:
        /* May be missing only while the alarm is off. */
        add_dimension(out, "ProxyName",
                      mem_strdup(context->database->alarms.proxy_name
                                     ? context->database->alarms.proxy_name
                                     : context->database->identifier));
        return true;
    }
    return true;
}

bool alarm_watched(const struct alarm_context *context, enum alarm_kind kind,
                   struct cloudwatch_alarm *out, struct err *err)
{
    *out = (struct cloudwatch_alarm){
        .name = alarm_name(context, kind),
        .namespace_ =
            mem_strdup(alarm_is_aws(kind) ? ALARM_AWS_NAMESPACE : context->config->namespace_),
        .metric = mem_strdup(alarm_metric_name(kind)),
    };
    if (!set_dimensions(context, kind, out, err)) {
        cloudwatch_alarm_done(out);
        return false;
    }
    return true;
}

/* --- When it fires, and what then --------------------------------------------------------------
 */

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
    const char *key = alarm_row(kind)->key;

    if (threshold->kind == THRESHOLD_OFF) {
        return err_set(err, ERR_ABSENT, "%s is off", key);
    }
    if (threshold->kind == THRESHOLD_PERCENT && context->usable <= 0) {
        return err_set(
            err, ERR_CONFIG,
            "%s = %.15g%% needs the server's limit, which is not known: the server could "
            "not be sampled from here; give an absolute number, like %s = 80",
            key, threshold->value, key);
    }
    if (threshold->kind == THRESHOLD_PERCENT) {
        *out = portion_of(threshold->value, context->usable);
    } else {
        /* The dead-man's own number says how long; what it counts are samples. */
        *out = kind == ALARM_MONITORING_SILENT ? 1 : threshold->value;
    }
    return true;
}

static void set_actions(const struct config_list *from, char *to[CLOUDWATCH_ACTIONS_MAX])
{
    for (size_t i = 0; i < from->count && i < CLOUDWATCH_ACTIONS_MAX; i++) {
        to[i] = mem_strdup(from->items[i]);
    }
}

static bool lacks_pool(const struct alarm_context *context, enum alarm_kind kind)
{
    return kind == ALARM_POOL_TIMEOUT && !config_has_pool(context->config, context->database);
}

static void set_rule(const struct alarm_context *context, enum alarm_kind kind,
                     struct cloudwatch_alarm *out)
{
    const struct config_rule *rule = &context->database->alarms.alarm[kind].rule;
    const struct alarm_row *row = alarm_row(kind);

    out->statistic = mem_strdup(rule->statistic);
    out->period_s = rule->period_s;
    out->datapoints = rule->datapoints;
    out->evaluation_periods = rule->evaluation_periods;
    out->comparison =
        mem_strdup(row->fires == ALARM_ABOVE ? "GreaterThanThreshold" : "LessThanThreshold");
    /* Grey, not green, while nothing can count timeouts. */
    out->missing_data = mem_strdup(lacks_pool(context, kind) ? "missing" : row->missing_data);
}

bool alarm_wanted(const struct alarm_context *context, enum alarm_kind kind,
                  struct cloudwatch_alarm *out, struct err *err)
{
    const struct config_alarms *alarms = &context->database->alarms;
    double threshold = 0;

    if (!find_threshold(context, kind, &threshold, err) ||
        !alarm_watched(context, kind, out, err)) {
        return false;
    }
    out->threshold = threshold;
    out->actions_enabled = true;
    set_rule(context, kind, out);
    set_actions(&alarms->actions, out->alarm_actions);
    set_actions(&alarms->ok_actions, out->ok_actions);
    set_actions(&alarms->insufficient_data_actions, out->insufficient_data_actions);
    out->description = alarm_text(context, kind, out);
    return true;
}

const char *alarm_note(const struct alarm_context *context, enum alarm_kind kind)
{
    return lacks_pool(context, kind) ? "no pool is configured yet" : "";
}
