#include "agent/provision/alarm_diff.h"

#include <math.h>
#include <string.h>

#include "aws/common/mem.h"

#define ARROW " \xe2\x86\x92 " /* → */

/* --- Fields ----------------------------------------------------------------------------------- */

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* Begins a field's difference. */
static void begin(struct buf *out, size_t start, const char *field)
{
    buf_printf(out, "%s%s", out->len > start ? ", " : "", field);
}

static void compare_text(struct buf *out, size_t start, const char *field, const char *wanted,
                         const char *existing)
{
    if (strcmp(text_or(wanted, "none"), text_or(existing, "none")) != 0) {
        begin(out, start, field);
        buf_printf(out, ": %s" ARROW "%s", text_or(existing, "none"), text_or(wanted, "none"));
    }
}

/* Too long to be shown. */
static void compare_description(struct buf *out, size_t start, const char *wanted,
                                const char *existing)
{
    if (strcmp(text_or(wanted, ""), text_or(existing, "")) != 0) {
        begin(out, start, "description");
    }
}

/* A number that travelled through decimals and back is the same number. */
static bool is_same_number(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

static void compare_number(struct buf *out, size_t start, const char *field, double wanted,
                           double existing)
{
    if (!is_same_number(wanted, existing)) {
        begin(out, start, field);
        buf_printf(out, ": %.10g" ARROW "%.10g", existing, wanted);
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

static void compare_actions(struct buf *out, size_t start, const char *field, action_list wanted,
                            action_list existing)
{
    bool begun = false;

    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX && wanted[i]; i++) {
        if (!has_action(existing, wanted[i])) {
            if (!begun) {
                begin(out, start, field);
                buf_putc(out, ':');
            }
            buf_printf(out, " +%s", wanted[i]);
            begun = true;
        }
    }
}

static void merge_actions(char *wanted[CLOUDWATCH_ACTIONS_MAX], action_list existing)
{
    size_t count = 0;

    while (count < CLOUDWATCH_ACTIONS_MAX && wanted[count]) {
        count++;
    }
    for (size_t i = 0; i < CLOUDWATCH_ACTIONS_MAX && existing[i]; i++) {
        if (count < CLOUDWATCH_ACTIONS_MAX && !has_action(wanted, existing[i])) {
            wanted[count++] = mem_strdup(existing[i]);
        }
    }
}

void alarm_diff_merge(struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing)
{
    wanted->actions_enabled = existing->actions_enabled;
    merge_actions(wanted->alarm_actions, existing->alarm_actions);
    merge_actions(wanted->ok_actions, existing->ok_actions);
    merge_actions(wanted->insufficient_data_actions, existing->insufficient_data_actions);
}

/* --- What is watched -------------------------------------------------------------------------- */

static bool has_dimension(const struct cloudwatch_alarm *alarm,
                          const struct cloudwatch_dimension *dimension)
{
    for (size_t i = 0; i < alarm->dimension_count; i++) {
        if (strcmp(alarm->dimensions[i].name, dimension->name) == 0 &&
            strcmp(alarm->dimensions[i].value, dimension->value) == 0) {
            return true;
        }
    }
    return false;
}

/* An alarm has each name once, so that equal counts make it a comparison of sets. */
bool alarm_same_metric(const struct cloudwatch_alarm *wanted,
                       const struct cloudwatch_alarm *existing)
{
    if (strcmp(text_or(wanted->namespace_, ""), text_or(existing->namespace_, "")) != 0 ||
        strcmp(text_or(wanted->metric, ""), text_or(existing->metric, "")) != 0 ||
        wanted->dimension_count != existing->dimension_count) {
        return false;
    }
    for (size_t i = 0; i < wanted->dimension_count; i++) {
        if (!has_dimension(existing, &wanted->dimensions[i])) {
            return false;
        }
    }
    return true;
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

static void compare_metric(struct buf *out, size_t start, const struct cloudwatch_alarm *wanted,
                           const struct cloudwatch_alarm *existing)
{
    if (alarm_same_metric(wanted, existing)) {
        return;
    }
    begin(out, start, "watches: ");
    alarm_print_metric(existing, out);
    buf_puts(out, ARROW);
    alarm_print_metric(wanted, out);
}

/* --- All of it -------------------------------------------------------------------------------- */

static int datapoints_of(const struct cloudwatch_alarm *alarm)
{
    return alarm->datapoints > 0 ? alarm->datapoints : alarm->evaluation_periods;
}

bool alarm_diff(const struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing,
                struct buf *out)
{
    size_t start = out->len;

    compare_metric(out, start, wanted, existing);
    compare_number(out, start, "threshold", wanted->threshold, existing->threshold);
    compare_text(out, start, "comparison", wanted->comparison, existing->comparison);
    compare_text(out, start, "statistic", wanted->statistic, existing->statistic);
    compare_number(out, start, "period", wanted->period_s, existing->period_s);
    compare_number(out, start, "datapoints", datapoints_of(wanted), datapoints_of(existing));
    compare_number(out, start, "evaluation periods", wanted->evaluation_periods,
                   existing->evaluation_periods);
    compare_text(out, start, "missing data", text_or(wanted->missing_data, "missing"),
                 text_or(existing->missing_data, "missing"));
    compare_actions(out, start, "actions", wanted->alarm_actions, existing->alarm_actions);
    compare_actions(out, start, "ok_actions", wanted->ok_actions, existing->ok_actions);
    compare_actions(out, start, "insufficient_data_actions", wanted->insufficient_data_actions,
                    existing->insufficient_data_actions);
    compare_description(out, start, wanted->description, existing->description);
    return out->len > start || !buf_ok(out);
}
