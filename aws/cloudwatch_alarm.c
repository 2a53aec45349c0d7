/* An alarm, between its struct and the documents of PutMetricAlarm and DescribeAlarms. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "aws/cloudwatch_json.h"
#include "aws/common/decimal.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

/* --- Life ----------------------------------------------------------------------------------- */

/* A datum borrows its dimensions, therefore they are const; an alarm owns its own. */
static void free_const(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void free_actions(char *actions[CLOUDWATCH_ACTIONS_MAX])
{
    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX; i++) {
        free(actions[i]);
    }
}

void cloudwatch_alarm_done(struct cloudwatch_alarm *alarm)
{
    for (size_t i = 0; i < alarm->dimension_count; i++) {
        free_const(alarm->dimensions[i].name);
        free_const(alarm->dimensions[i].value);
    }
    free_actions(alarm->alarm_actions);
    free_actions(alarm->ok_actions);
    free_actions(alarm->insufficient_data_actions);
    free(alarm->dimensions);
    free(alarm->name);
    free(alarm->arn);
    free(alarm->description);
    free(alarm->namespace_);
    free(alarm->metric);
    free(alarm->statistic);
    free(alarm->comparison);
    free(alarm->missing_data);
    free(alarm->state);
    *alarm = (struct cloudwatch_alarm){0};
}

static void copy_actions(char *const from[CLOUDWATCH_ACTIONS_MAX], char *to[CLOUDWATCH_ACTIONS_MAX])
{
    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX; i++) {
        to[i] = mem_strdup(from[i]);
    }
}

void cloudwatch_alarm_copy(const struct cloudwatch_alarm *alarm, struct cloudwatch_alarm *out)
{
    *out = *alarm; /* numbers */
    out->dimensions = mem_alloc(alarm->dimension_count * sizeof(*out->dimensions));
    for (size_t i = 0; i < alarm->dimension_count; i++) {
        out->dimensions[i] = (struct cloudwatch_dimension){mem_strdup(alarm->dimensions[i].name),
                                                           mem_strdup(alarm->dimensions[i].value)};
    }
    copy_actions(alarm->alarm_actions, out->alarm_actions);
    copy_actions(alarm->ok_actions, out->ok_actions);
    copy_actions(alarm->insufficient_data_actions, out->insufficient_data_actions);
    out->name = mem_strdup(alarm->name);
    out->arn = mem_strdup(alarm->arn);
    out->description = mem_strdup(alarm->description);
    out->namespace_ = mem_strdup(alarm->namespace_);
    out->metric = mem_strdup(alarm->metric);
    out->statistic = mem_strdup(alarm->statistic);
    out->comparison = mem_strdup(alarm->comparison);
    out->missing_data = mem_strdup(alarm->missing_data);
    out->state = mem_strdup(alarm->state);
}

/* --- Writing -------------------------------------------------------------------------------- */

static json_t *number_to_json(double number)
{
    return decimal_is_integer(number) ? json_integer((json_int_t)number) : json_real(number);
}

/* Takes the item; the list is NULL once an item was. */
static void append(json_t **list, json_t *item)
{
    if (!item || json_array_append_new(*list, item) != 0) {
        json_decref(*list);
        *list = NULL;
    }
}

static json_t *dimensions_to_json(const struct cloudwatch_alarm *alarm)
{
    json_t *list = json_array();

    for (size_t i = 0; i < alarm->dimension_count && list; i++) {
        append(&list, json_pack("{s:s, s:s}", "Name", alarm->dimensions[i].name, "Value",
                                alarm->dimensions[i].value));
    }
    return list;
}

static json_t *actions_to_json(char *const actions[CLOUDWATCH_ACTIONS_MAX])
{
    json_t *list = json_array();

    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX && actions[i] && list; i++) {
        append(&list, json_string(actions[i]));
    }
    return list;
}

json_t *cloudwatch_tags_to_json(const struct cloudwatch_tag *tags, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count && list; i++) {
        append(&list, json_pack("{s:s, s:s}", "Key", tags[i].key, "Value", tags[i].value));
    }
    return list;
}

static int datapoints_of(const struct cloudwatch_alarm *alarm)
{
    return alarm->datapoints > 0 ? alarm->datapoints : alarm->evaluation_periods;
}

/* json_pack() takes the lists even when it fails, and fails when one of them is NULL. */
static json_t *alarm_to_json(const struct cloudwatch_alarm *alarm, json_t *tags)
{
    return json_pack("{s:s, s:s*, s:s, s:s, s:o, s:s, s:i, s:i, s:i, s:o, s:s, s:s*,"
                     " s:b, s:o, s:o, s:o, s:o*}",
                     "AlarmName", alarm->name,                              //
                     "AlarmDescription", alarm->description,                //
                     "Namespace", alarm->namespace_,                        //
                     "MetricName", alarm->metric,                           //
                     "Dimensions", dimensions_to_json(alarm),               //
                     "Statistic", alarm->statistic,                         //
                     "Period", alarm->period_s,                             //
                     "EvaluationPeriods", alarm->evaluation_periods,        //
                     "DatapointsToAlarm", datapoints_of(alarm),             //
                     "Threshold", number_to_json(alarm->threshold),         //
                     "ComparisonOperator", alarm->comparison,               //
                     "TreatMissingData", alarm->missing_data,               //
                     "ActionsEnabled", alarm->actions_enabled,              //
                     "AlarmActions", actions_to_json(alarm->alarm_actions), //
                     "OKActions", actions_to_json(alarm->ok_actions),       //
                     "InsufficientDataActions", actions_to_json(alarm->insufficient_data_actions),
                     "Tags", tags);
}

char *cloudwatch_alarm_to_json(const struct cloudwatch_alarm *alarm,
                               const struct cloudwatch_tag *tags, size_t tag_count)
{
    json_t *tag_list = tag_count > 0 ? cloudwatch_tags_to_json(tags, tag_count) : NULL;

    if (tag_count > 0 && !tag_list) {
        return NULL;
    }
    json_t *document = alarm_to_json(alarm, tag_list);
    if (!document) {
        return NULL;
    }
    /* The threshold is the only number that may have a fraction. */
    size_t digits = (size_t)decimal_digits(alarm->threshold);
    char *text = mem_check(json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(digits)));
    json_decref(document);
    return text;
}

/* --- Reading -------------------------------------------------------------------------------- */

static void read_text(const json_t *object, const char *key, char **out)
{
    *out = mem_strdup(json_text_of(object, key));
}

static double read_number(const json_t *object, const char *key, double absent)
{
    double number;

    return json_number_of(object, key, &number) ? number : absent;
}

static int read_int(const json_t *object, const char *key, int absent)
{
    double number = read_number(object, key, absent);

    return fabs(number) < INT_MAX ? (int)number : absent;
}

static bool read_bool(const json_t *object, const char *key, bool absent)
{
    const json_t *value = json_object_get(object, key);

    return json_is_boolean(value) ? json_boolean_value(value) : absent;
}

static void read_actions(const json_t *object, const char *key,
                         char *actions[CLOUDWATCH_ACTIONS_MAX])
{
    const json_t *list = json_object_get(object, key);
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(list) && count < CLOUDWATCH_ACTIONS_MAX; i++) {
        const char *action = json_string_value(json_array_get(list, i));

        if (action) {
            actions[count++] = mem_strdup(action);
        }
    }
}

static bool read_dimensions(const json_t *object, struct cloudwatch_alarm *alarm)
{
    const json_t *list = json_object_get(object, "Dimensions");

    if (json_array_size(list) == 0) {
        return true;
    }
    alarm->dimensions = mem_grow(NULL, json_array_size(list), sizeof(*alarm->dimensions));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_text_of(json_array_get(list, i), "Name");
        const char *value = json_text_of(json_array_get(list, i), "Value");

        if (!name || !value) {
            return false;
        }
        alarm->dimensions[alarm->dimension_count++] =
            (struct cloudwatch_dimension){mem_strdup(name), mem_strdup(value)};
    }
    return true;
}

static bool read_alarm(const json_t *object, struct cloudwatch_alarm *alarm, struct err *err)
{
    read_text(object, "AlarmName", &alarm->name);
    read_text(object, "AlarmArn", &alarm->arn);
    read_text(object, "AlarmDescription", &alarm->description);
    read_text(object, "Namespace", &alarm->namespace_);
    read_text(object, "MetricName", &alarm->metric);
    read_text(object, "Statistic", &alarm->statistic);
    read_text(object, "ComparisonOperator", &alarm->comparison);
    read_text(object, "TreatMissingData", &alarm->missing_data);
    read_text(object, "StateValue", &alarm->state);
    alarm->period_s = read_int(object, "Period", 0);
    alarm->evaluation_periods = read_int(object, "EvaluationPeriods", 0);
    alarm->datapoints = read_int(object, "DatapointsToAlarm", alarm->evaluation_periods);
    alarm->threshold = read_number(object, "Threshold", 0);
    alarm->actions_enabled = read_bool(object, "ActionsEnabled", true);
    read_actions(object, "AlarmActions", alarm->alarm_actions);
    read_actions(object, "OKActions", alarm->ok_actions);
    read_actions(object, "InsufficientDataActions", alarm->insufficient_data_actions);
    if (!alarm->missing_data) {
        alarm->missing_data = mem_strdup("missing");
    }
    return (alarm->name && alarm->arn && read_dimensions(object, alarm)) ||
           err_set(err, ERR_PARSE, "an alarm lacks its name, its ARN or a part of a dimension");
}

bool cloudwatch_alarms_read(const json_t *page, struct cloudwatch_alarms *alarms, struct err *err)
{
    static const char *const kinds[] = {"MetricAlarms", "CompositeAlarms", "LogAlarms"};

    for (size_t kind = 0; kind < MEM_COUNT(kinds); kind++) {
        const json_t *list = json_object_get(page, kinds[kind]);

        if (list && !json_is_array(list)) {
            return err_set(err, ERR_PARSE, "%s is no list", kinds[kind]);
        }
        for (size_t i = 0; i < json_array_size(list); i++) {
            alarms->list = mem_grow(alarms->list, alarms->count + 1, sizeof(*alarms->list));
            struct cloudwatch_alarm *alarm = &alarms->list[alarms->count++];

            *alarm = (struct cloudwatch_alarm){0};
            if (!read_alarm(json_array_get(list, i), alarm, err)) {
                return false;
            }
        }
    }
    return true;
}

void cloudwatch_alarms_truncate(struct cloudwatch_alarms *alarms, size_t count)
{
    while (alarms->count > count) {
        cloudwatch_alarm_done(&alarms->list[--alarms->count]);
    }
    if (count == 0) {
        free(alarms->list);
        alarms->list = NULL;
    }
}
