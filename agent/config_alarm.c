/* The types of config_value.h that alarms have: thresholds, and rules for when they fire. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/config.h"
#include "agent/config_value.h"
#include "aws/common/mem.h"

/* --- thresholds ----------------------------------------------------------------------------- */

/* A plain decimal number of at most 15 characters; len tells where it ended. */
static bool read_decimal(const char *text, double *out, size_t *len)
{
    char copy[16];
    char *end;

    *len = strspn(text, "0123456789.");
    if (*len == 0 || *len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, *len);
    copy[*len] = '\0';
    *out = strtod(copy, &end);
    return *end == '\0';
}

static bool read_off(const char *text, struct config_threshold *out)
{
    if (strcmp(text, "off") != 0) {
        return false;
    }
    *out = (struct config_threshold){.kind = THRESHOLD_OFF};
    return true;
}

static bool parse_threshold(const struct value_rule *rule, bool percent, const char *text,
                            struct config_threshold *out, struct err *err)
{
    double value;
    size_t len;

    if (read_off(text, out)) {
        return true;
    }
    if (!read_decimal(text, &value, &len)) {
        return err_set(err, ERR_CONFIG, "is no number");
    }
    if (percent && strcmp(text + len, "%") == 0) {
        *out = (struct config_threshold){THRESHOLD_PERCENT, value};
        return (value > 0 && value <= 100) || err_set(err, ERR_CONFIG, "is out of range");
    }
    if (text[len] != '\0') {
        return err_set(err, ERR_CONFIG, "is no number");
    }
    *out = (struct config_threshold){THRESHOLD_NUMBER, value};
    return (value >= (double)rule->min && value <= (double)rule->max) ||
           err_set(err, ERR_CONFIG, "is out of range");
}

static bool parse_number(const struct value_rule *rule, const char *text, void *field,
                         struct err *err)
{
    return parse_threshold(rule, false, text, field, err);
}

static bool parse_portion(const struct value_rule *rule, const char *text, void *field,
                          struct err *err)
{
    return parse_threshold(rule, true, text, field, err);
}

static void print_threshold(const struct value_rule *rule, const void *field, bool reveal,
                            struct buf *out)
{
    const struct config_threshold *threshold = field;

    (void)rule;
    (void)reveal;
    if (threshold->kind == THRESHOLD_OFF) {
        buf_puts(out, "off");
    } else {
        buf_printf(out, "%.15g%s", threshold->value,
                   threshold->kind == THRESHOLD_PERCENT ? "%" : "");
    }
}

static void accept_number(const struct value_rule *rule, struct buf *out)
{
    value_integer.accepted(rule, out);
    buf_puts(out, ", or off");
}

static void accept_portion(const struct value_rule *rule, struct buf *out)
{
    buf_printf(out, "a percentage up to 100%%, a number %" PRId64 " to %" PRId64 ", or off",
               rule->min, rule->max);
}

const struct value_type value_number = {parse_number, print_threshold, accept_number, NULL};
const struct value_type value_portion = {parse_portion, print_threshold, accept_portion, NULL};

/* --- percents, durations and sizes ---------------------------------------------------------- */

/* Of a metric that is in percents itself: 70% and 70 are the same number. */
static bool parse_percent(const struct value_rule *rule, const char *text, void *field,
                          struct err *err)
{
    size_t len = strlen(text);
    bool has_sign = len > 1 && text[len - 1] == '%';
    char *number = mem_strndup(text, has_sign ? len - 1 : len);
    bool ok = parse_threshold(rule, false, number, field, err);

    free(number);
    return ok;
}

static void print_percent(const struct value_rule *rule, const void *field, bool reveal,
                          struct buf *out)
{
    const struct config_threshold *threshold = field;

    print_threshold(rule, field, reveal, out);
    buf_puts(out, threshold->kind == THRESHOLD_OFF ? "" : "%");
}

static void accept_percent(const struct value_rule *rule, struct buf *out)
{
    buf_printf(out, "%" PRId64 "%% to %" PRId64 "%%, or off", rule->min, rule->max);
}

const struct value_type value_percent = {parse_percent, print_percent, accept_percent, NULL};

/* In units of unit_ms. */
static bool parse_duration(const struct value_rule *rule, double unit_ms, const char *text,
                           struct config_threshold *out, struct err *err)
{
    int ms = 0;

    if (read_off(text, out)) {
        return true;
    }
    if (!value_duration.parse(rule, text, &ms, err)) {
        return false;
    }
    *out = (struct config_threshold){THRESHOLD_NUMBER, ms / unit_ms};
    return true;
}

static void print_duration(const struct value_rule *rule, double unit_ms, const void *field,
                           struct buf *out)
{
    const struct config_threshold *threshold = field;

    if (threshold->kind == THRESHOLD_OFF) {
        print_threshold(rule, field, false, out);
    } else {
        value_print_duration(llround(threshold->value * unit_ms), out);
    }
}

static void accept_duration(const struct value_rule *rule, struct buf *out)
{
    value_duration.accepted(rule, out);
    buf_puts(out, ", or off");
}

#define MINUTE_MS      60000.0
#define SECOND_MS      1000.0
#define MICROSECOND_MS 0.001

static bool parse_minutes(const struct value_rule *rule, const char *text, void *field,
                          struct err *err)
{
    const struct config_threshold *out = field;

    return parse_duration(rule, MINUTE_MS, text, field, err) &&
           (out->value == floor(out->value) || err_set(err, ERR_CONFIG, "is not in whole minutes"));
}

static void print_minutes(const struct value_rule *rule, const void *field, bool reveal,
                          struct buf *out)
{
    (void)reveal;
    print_duration(rule, MINUTE_MS, field, out);
}

static void accept_minutes(const struct value_rule *rule, struct buf *out)
{
    value_duration.accepted(rule, out);
    buf_puts(out, " in whole minutes, or off");
}

const struct value_type value_minutes = {parse_minutes, print_minutes, accept_minutes, NULL};

static bool parse_seconds(const struct value_rule *rule, const char *text, void *field,
                          struct err *err)
{
    return parse_duration(rule, SECOND_MS, text, field, err);
}

static void print_seconds(const struct value_rule *rule, const void *field, bool reveal,
                          struct buf *out)
{
    (void)reveal;
    print_duration(rule, SECOND_MS, field, out);
}

const struct value_type value_seconds = {parse_seconds, print_seconds, accept_duration, NULL};

static bool parse_microseconds(const struct value_rule *rule, const char *text, void *field,
                               struct err *err)
{
    return parse_duration(rule, MICROSECOND_MS, text, field, err);
}

static void print_microseconds(const struct value_rule *rule, const void *field, bool reveal,
                               struct buf *out)
{
    (void)reveal;
    print_duration(rule, MICROSECOND_MS, field, out);
}

const struct value_type value_microseconds = {parse_microseconds, print_microseconds,
                                              accept_duration, NULL};

static bool parse_bytes(const struct value_rule *rule, const char *text, void *field,
                        struct err *err)
{
    struct config_threshold *out = field;
    int64_t bytes = 0;

    if (read_off(text, out)) {
        return true;
    }
    if (!value_size.parse(rule, text, &bytes, err)) {
        return false;
    }
    *out = (struct config_threshold){THRESHOLD_NUMBER, (double)bytes};
    return true;
}

static void print_bytes(const struct value_rule *rule, const void *field, bool reveal,
                        struct buf *out)
{
    const struct config_threshold *threshold = field;
    int64_t bytes = (int64_t)threshold->value;

    if (threshold->kind == THRESHOLD_OFF) {
        print_threshold(rule, field, reveal, out);
    } else {
        value_size.print(rule, &bytes, reveal, out);
    }
}

static void accept_bytes(const struct value_rule *rule, struct buf *out)
{
    value_size.accepted(rule, out);
    buf_puts(out, ", or off");
}

const struct value_type value_bytes = {parse_bytes, print_bytes, accept_bytes, NULL};

/* --- an alarm's rule ------------------------------------------------------------------------ */

/* What PutMetricAlarm takes: a period of 10, 20, 30 or n times 60 s; a week of evaluation, a day
 * for periods below an hour. */
static bool check_rule(const struct config_rule *rule, struct err *err)
{
    int64_t span_s = (int64_t)rule->period_s * rule->evaluation_periods;

    if (rule->period_s != 10 && rule->period_s != 20 && rule->period_s != 30 &&
        (rule->period_s <= 0 || rule->period_s % 60 != 0)) {
        return err_set(err, ERR_CONFIG, "has a period that CloudWatch does not take");
    }
    if (rule->datapoints < 1 || rule->datapoints > rule->evaluation_periods) {
        return err_set(err, ERR_CONFIG, "wants more datapoints than it looks at");
    }
    if (span_s > (rule->period_s < 3600 ? 86400 : 604800)) {
        return err_set(err, ERR_CONFIG, "looks back further than CloudWatch does");
    }
    return true;
}

/* "2/3" */
static bool parse_datapoints(const char *text, struct config_rule *out)
{
    size_t m_len = strspn(text, "0123456789");

    if (m_len == 0 || m_len > 5 || text[m_len] != '/') {
        return false;
    }
    const char *n = text + m_len + 1;
    size_t n_len = strspn(n, "0123456789");

    if (n_len == 0 || n_len > 5 || n[n_len] != '\0') {
        return false;
    }
    out->datapoints = (int)strtol(text, NULL, 10);
    out->evaluation_periods = (int)strtol(n, NULL, 10);
    return true;
}

static bool parse_statistic(const struct value_rule *rule, const char *text,
                            struct config_rule *out, struct err *err)
{
    for (const struct value_word *word = rule->words; word->word != NULL; word++) {
        if (strcasecmp(word->word, text) == 0) {
            (void)snprintf(out->statistic, sizeof(out->statistic), "%s", word->word);
            return true;
        }
    }
    return err_set(err, ERR_CONFIG, "has a statistic that says nothing about this metric");
}

/* Statistic, period, datapoints. */
static bool parse_words(const struct value_rule *rule, const struct config_list *words,
                        struct config_rule *out, struct err *err)
{
    static const struct value_rule any_period = {.min = 1000, .max = 604800000};
    int period_ms = 0;

    if (words->count != 3 ||
        !value_duration.parse(&any_period, words->items[1], &period_ms, NULL) ||
        period_ms % 1000 != 0 || !parse_datapoints(words->items[2], out)) {
        return err_set(err, ERR_CONFIG, "is no rule");
    }
    out->period_s = period_ms / 1000;
    return parse_statistic(rule, words->items[0], out, err) && check_rule(out, err);
}

static bool parse_alarm_rule(const struct value_rule *rule, const char *text, void *field,
                             struct err *err)
{
    static const struct value_rule three = {.max = 3};
    struct config_list words = {0};
    struct config_rule parsed = {0};

    if (!value_list.parse(&three, text, &words, NULL)) {
        return err_set(err, ERR_CONFIG, "is no rule");
    }
    bool ok = parse_words(rule, &words, &parsed, err);

    if (ok) {
        *(struct config_rule *)field = parsed;
    }
    value_list.done(&words);
    return ok;
}

static void print_alarm_rule(const struct value_rule *rule, const void *field, bool reveal,
                             struct buf *out)
{
    const struct config_rule *of = field;

    (void)rule;
    (void)reveal;
    buf_printf(out, "%s %ds %d/%d", of->statistic, of->period_s, of->datapoints,
               of->evaluation_periods);
}

static void accept_alarm_rule(const struct value_rule *rule, struct buf *out)
{
    value_choice.accepted(rule, out);
    buf_puts(out, ", a period of 60s or a multiple (10s, 20s, 30s with resolution = 1), datapoints "
                  "like 2/3");
}

const struct value_type value_alarm_rule = {parse_alarm_rule, print_alarm_rule, accept_alarm_rule,
                                            NULL};
