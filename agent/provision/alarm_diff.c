#include "agent/provision/alarm_diff.h"

#include <math.h>
#include <string.h>

#include "aws/common/json.h"
#include "aws/common/mem.h"

#define ARROW       " \xe2\x86\x92 " /* → */
#define WATCHED_MAX 65536
#define DESCRIPTION "description"

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* --- Fields ----------------------------------------------------------------------------------- */

/* Takes both values. */
static void add(json_t *changes, const char *field, json_t *old, json_t *new_)
{
    (void)json_array_append_new(
        changes, mem_check(json_pack("{s:s, s:o, s:o}", "field", field, "old", old, "new", new_)));
}

void alarm_diff_add(json_t *changes, const char *field, const char *old, const char *new_)
{
    add(changes, field, json_text(old), json_text(new_));
}

/* Absent and default are the same. */
static void compare_text(json_t *changes, const char *field, const char *wanted,
                         const char *existing)
{
    if (strcmp(text_or(wanted, ""), text_or(existing, "")) != 0) {
        alarm_diff_add(changes, field, existing, wanted);
    }
}

static json_t *number(double value)
{
    return value == floor(value) && fabs(value) < 1e15 ? json_integer((json_int_t)value)
                                                       : json_real(value);
}

/* A number that travelled through decimals and back is the same number. */
static bool is_same_number(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* existing: NULL when there is no alarm. */
static void compare_number(json_t *changes, const char *field, double wanted,
                           const double *existing)
{
    if (!existing || !is_same_number(wanted, *existing)) {
        add(changes, field, existing ? number(*existing) : json_null(), number(wanted));
    }
}

/* --- Actions ---------------------------------------------------------------------------------- */

typedef char *const action_list[CLOUDWATCH_ACTIONS_MAX];

static bool has_action(action_list list, const char *action)
{
    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX && list[i]; i++) {
        if (strcmp(list[i], action) == 0) {
            return true;
        }
    }
    return false;
}

static bool holds_all(action_list list, action_list of)
{
    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX && of[i]; i++) {
        if (!has_action(list, of[i])) {
            return false;
        }
    }
    return true;
}

static json_t *list_of(action_list list)
{
    json_t *out = json_array();

    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX && list[i]; i++) {
        (void)json_array_append_new(out, json_text(list[i]));
    }
    return out;
}

static void compare_actions(json_t *changes, const char *field, action_list wanted,
                            action_list existing)
{
    if (!holds_all(existing, wanted) || !holds_all(wanted, existing)) {
        add(changes, field, list_of(existing), list_of(wanted));
    }
}

static void merge_actions(char *wanted[CLOUDWATCH_ACTIONS_MAX], const char *field,
                          action_list existing, const struct owner *owner)
{
    size_t count = 0;

    while (count < CLOUDWATCH_ACTIONS_MAX && wanted[count]) {
        count++;
    }
    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX && existing[i]; i++) {
        if (count < CLOUDWATCH_ACTIONS_MAX && !has_action(wanted, existing[i]) &&
            !owner_set(owner, field, existing[i])) {
            wanted[count++] = mem_strdup(existing[i]);
        }
    }
}

void alarm_diff_merge(struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing,
                      const struct owner *owner)
{
    wanted->actions_enabled = existing->actions_enabled;
    merge_actions(wanted->alarm_actions, "actions", existing->alarm_actions, owner);
    merge_actions(wanted->ok_actions, "ok_actions", existing->ok_actions, owner);
    merge_actions(wanted->insufficient_data_actions, "insufficient_data_actions",
                  existing->insufficient_data_actions, owner);
}

/* --- What is watched -------------------------------------------------------------------------- */

static bool has_dimension(const struct cloudwatch_alarm *alarm,
                          const struct cloudwatch_dimension *dimension, bool any_value)
{
    for (size_t i = 0; i < alarm->dimension_count; i++) {
        if (strcmp(alarm->dimensions[i].name, dimension->name) == 0) {
            return any_value || strcmp(alarm->dimensions[i].value, dimension->value) == 0;
        }
    }
    return false;
}

/* An alarm has each name once, so that equal counts make it a comparison of sets. */
static bool is_same_metric(const struct cloudwatch_alarm *wanted,
                           const struct cloudwatch_alarm *existing, bool any_value)
{
    if (strcmp(text_or(wanted->namespace_, ""), text_or(existing->namespace_, "")) != 0 ||
        strcmp(text_or(wanted->metric, ""), text_or(existing->metric, "")) != 0 ||
        wanted->dimension_count != existing->dimension_count) {
        return false;
    }
    for (size_t i = 0; i < wanted->dimension_count; i++) {
        if (!has_dimension(existing, &wanted->dimensions[i], any_value)) {
            return false;
        }
    }
    return true;
}

bool alarm_same_metric(const struct cloudwatch_alarm *wanted,
                       const struct cloudwatch_alarm *existing)
{
    return is_same_metric(wanted, existing, false);
}

bool alarm_like_metric(const struct cloudwatch_alarm *wanted,
                       const struct cloudwatch_alarm *existing)
{
    return is_same_metric(wanted, existing, true);
}

void alarm_print_metric(const struct cloudwatch_alarm *alarm, struct buf *out)
{
    if (!alarm->metric) {
        buf_puts(out, "no single metric");
        return;
    }
    buf_printf(out, "%s %s", text_or(alarm->namespace_, ""), alarm->metric);
    for (size_t i = 0; i < alarm->dimension_count; i++) {
        buf_printf(out, "%s%s=%s", i == 0 ? " {" : ", ", alarm->dimensions[i].name,
                   alarm->dimensions[i].value);
    }
    buf_puts(out, alarm->dimension_count > 0 ? "}" : "");
}

static json_t *watched(const struct cloudwatch_alarm *alarm)
{
    struct buf text;

    if (!alarm) {
        return json_null();
    }
    buf_init(&text, WATCHED_MAX);
    alarm_print_metric(alarm, &text);
    json_t *out = json_text(buf_text(&text));

    buf_done(&text);
    return out;
}

/* --- All of it -------------------------------------------------------------------------------- */

static double datapoints_of(const struct cloudwatch_alarm *alarm)
{
    return alarm->datapoints > 0 ? alarm->datapoints : alarm->evaluation_periods;
}

static void compare_numbers(const struct cloudwatch_alarm *wanted,
                            const struct cloudwatch_alarm *existing, json_t *changes)
{
    const double old[] = {existing ? existing->period_s : 0, existing ? datapoints_of(existing) : 0,
                          existing ? existing->evaluation_periods : 0};

    compare_number(changes, "period", wanted->period_s, existing ? &old[0] : NULL);
    compare_number(changes, "datapoints", datapoints_of(wanted), existing ? &old[1] : NULL);
    compare_number(changes, "evaluation_periods", wanted->evaluation_periods,
                   existing ? &old[2] : NULL);
}

void alarm_diff(const struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing,
                json_t *changes)
{
    static const struct cloudwatch_alarm none = {0};
    const struct cloudwatch_alarm *old = existing ? existing : &none;

    if (!existing || !alarm_same_metric(wanted, existing)) {
        add(changes, "watches", watched(existing), watched(wanted));
    }
    compare_number(changes, "threshold", wanted->threshold, existing ? &existing->threshold : NULL);
    compare_text(changes, "comparison", wanted->comparison, old->comparison);
    compare_text(changes, "statistic", wanted->statistic, old->statistic);
    compare_numbers(wanted, existing, changes);
    compare_text(changes, "missing_data", text_or(wanted->missing_data, "missing"),
                 existing ? text_or(existing->missing_data, "missing") : NULL);
    compare_actions(changes, "actions", wanted->alarm_actions, old->alarm_actions);
    compare_actions(changes, "ok_actions", wanted->ok_actions, old->ok_actions);
    compare_actions(changes, "insufficient_data_actions", wanted->insufficient_data_actions,
                    old->insufficient_data_actions);
    compare_text(changes, DESCRIPTION, wanted->description, old->description);
}

/* --- For people ------------------------------------------------------------------------------- */

static bool holds(const json_t *list, const json_t *item)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), item)) {
            return true;
        }
    }
    return false;
}

static void print_list(const json_t *list, const json_t *other, char sign, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);

        if (!holds(other, item)) {
            buf_printf(out, " %c%s", sign, json_string_value(item));
        }
    }
}

static void print_value(const json_t *value, struct buf *out)
{
    if (json_is_number(value)) {
        buf_printf(out, "%.10g", json_number_value(value));
    } else {
        buf_puts(out, text_or(json_string_value(value), "none"));
    }
}

static void print_change(const json_t *change, struct buf *out)
{
    const char *field = json_text_of(change, "field");
    const json_t *old = json_object_get(change, "old"), *new_ = json_object_get(change, "new");

    buf_puts(out, field);
    if (strcmp(field, DESCRIPTION) == 0) {
        return; /* too long to be shown */
    }
    buf_putc(out, ':');
    if (json_is_array(new_)) {
        print_list(new_, old, '+', out);
        print_list(old, new_, '-', out);
        return;
    }
    buf_putc(out, ' ');
    print_value(old, out);
    buf_puts(out, ARROW);
    print_value(new_, out);
}

void alarm_diff_print(const json_t *changes, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(changes); i++) {
        buf_puts(out, i > 0 ? ", " : "");
        print_change(json_array_get(changes, i), out);
    }
}
