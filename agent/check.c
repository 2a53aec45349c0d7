#include "agent/check.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cost.h"
#include "aws/common/json.h"

static const enum metric_set sets[] = {METRICS_CORE, METRICS_STANDARD, METRICS_FULL};

#define SET_COUNT (sizeof(sets) / sizeof(sets[0]))

/* --- text ----------------------------------------------------------------------------------- */

/* 43800 as "43,800". */
static void print_grouped(double number, struct buf *out)
{
    char digits[40];
    int len = snprintf(digits, sizeof(digits), "%.0f", number);

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            buf_putc(out, ',');
        }
        buf_putc(out, digits[i]);
    }
}

static void print_count(double count, const char *noun, double usd, struct buf *out)
{
    print_grouped(count, out);
    buf_printf(out, " %s%s $%.2f", noun, count == 1 ? "" : "s", usd);
}

static void print_cost(const struct config *config, enum metric_set set, struct buf *out)
{
    struct cost cost;

    cost_estimate(config, set, &cost);
    buf_printf(out, "#   %-8s ", metric_set_name(set));
    print_count(cost.metrics, "metric", cost.metrics_usd, out);
    buf_puts(out, " + ");
    print_count(cost.requests, "request", cost.requests_usd, out);
    buf_puts(out, " + ");
    print_count(cost.alarms + cost.high_resolution_alarms, "alarm", cost.alarms_usd, out);
    buf_printf(out, " = $%.2f a month%s\n", cost.total_usd,
               set == config->metrics ? "   <- metrics in force" : "");
    if (config->statsd_database != NULL) {
        buf_printf(out, "#            and %d for each StatsD pool that no section names\n",
                   cost.metrics_per_pool);
    }
}

static void print_text(const struct config *config, struct buf *out)
{
    buf_printf(out, "# poolwarden %s: the configuration in force, from %s%s\n", POOLWARDEN_VERSION,
               config->file != NULL ? config->file : "",
               config->file != NULL ? " and the environment" : "the environment alone");
    config_print(config, out);
    buf_puts(out, "\n# cost of each set of metrics (list prices us-east-1, free tier not "
                  "deducted)\n");
    for (size_t i = 0; i < SET_COUNT; i++) {
        print_cost(config, sets[i], out);
    }
    for (size_t i = 0; i < config->database_count; i++) {
        const struct config_database *database = &config->databases[i];

        if (database->conninfo.ignored != NULL) {
            buf_printf(out, "# database %s: without use here, ignored in its URL: %s\n",
                       database->name, database->conninfo.ignored);
        }
    }
    for (size_t i = 0; i < config->warnings.count; i++) {
        buf_printf(out, "# warning: %s\n", config->warnings.items[i]);
    }
}

/* --- JSON ----------------------------------------------------------------------------------- */

/* The object's member of this name, made when it is not there. */
static json_t *member(json_t *object, const char *name)
{
    json_t *found = json_object_get(object, name);

    if (found == NULL) {
        found = json_object();
        json_object_set_new(object, name, found);
    }
    return found;
}

static void add_key(void *arg, const char *section, const char *name, const char *key,
                    const char *value)
{
    json_t *config = arg;
    json_t *object;

    if (name[0] == '\0') {
        object = member(config, section);
    } else {
        object = member(member(config, strcmp(section, "pool") == 0 ? "pools" : "databases"), name);
    }
    json_object_set_new(object, key, json_text(value));
}

static double cents(double usd)
{
    return round(usd * 100) / 100;
}

static json_t *cost_of(const struct config *config, enum metric_set set)
{
    struct cost cost;

    cost_estimate(config, set, &cost);
    return json_pack("{s:i, s:I, s:i, s:i, s:i, s:f, s:f, s:f, s:f}", "metrics", cost.metrics,
                     "requests", (json_int_t)llround(cost.requests), "alarms", cost.alarms,
                     "high_resolution_alarms", cost.high_resolution_alarms,
                     "metrics_per_unnamed_pool", cost.metrics_per_pool, "metrics_usd",
                     cents(cost.metrics_usd), "requests_usd", cents(cost.requests_usd),
                     "alarms_usd", cents(cost.alarms_usd), "total_usd", cents(cost.total_usd));
}

static void print_json(const struct config *config, struct buf *out)
{
    json_t *keys =
        json_pack("{s:o, s:{}, s:{}}", "file", json_text(config->file), "databases", "pools");
    json_t *ignored = json_object(), *warnings = json_array();

    config_each(config, add_key, keys);
    for (size_t i = 0; i < config->database_count; i++) {
        const struct config_database *database = &config->databases[i];

        if (database->conninfo.ignored != NULL) {
            json_object_set_new(ignored, database->name, json_text(database->conninfo.ignored));
        }
    }
    for (size_t i = 0; i < config->warnings.count; i++) {
        json_array_append_new(warnings, json_text(config->warnings.items[i]));
    }
    json_t *document =
        json_pack("{s:o, s:{s:s, s:o, s:o, s:o}, s:o, s:o}", "config", keys, "cost", "metrics_set",
                  metric_set_name(config->metrics), "core", cost_of(config, METRICS_CORE),
                  "standard", cost_of(config, METRICS_STANDARD), "full",
                  cost_of(config, METRICS_FULL), "ignored", ignored, "warnings", warnings);
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(12));

    buf_puts(out, text != NULL ? text : "null");
    buf_putc(out, '\n');
    free(text);
    json_decref(document);
}

void check_print(const struct config *config, enum cli_format format, struct buf *out)
{
    if (format == FORMAT_JSON) {
        print_json(config, out);
    } else {
        print_text(config, out);
    }
}
