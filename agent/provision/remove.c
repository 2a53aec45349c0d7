#include "agent/provision/remove.h"

#include <stdlib.h>
#include <string.h>

#include "agent/provision/alarm_diff.h"
#include "agent/provision/run.h"
#include "aws/cloudwatch.h"
#include "aws/common/mem.h"

#define DETAIL_MAX 16384

struct remove {
    struct remove_options options;
    struct run run;
    struct cloudwatch_describe *list;
    struct item *items;
    size_t count;
    struct provision_summary summary;
    provision_closed *closed;
    void *closed_arg;
};

/* --- What is to go ---------------------------------------------------------------------------- */

static struct item *add(struct remove *removal)
{
    removal->items = mem_grow(removal->items, removal->count + 1, sizeof(*removal->items));
    return &removal->items[removal->count++];
}

static void add_kind(struct remove *removal, const struct config_database *database,
                     enum alarm_kind kind)
{
    const struct config *config = removal->options.config;
    struct alarm_context context = {.config = config, .database = database};

    if (alarm_row(kind)->of != ALARM_OF_POOL) {
        item_init_removal(add(removal), &context, kind);
        return;
    }
    for (size_t i = 0; i < config->pool_count; i++) {
        if (config->pools[i].of == database) {
            context.pool = &config->pools[i];
            item_init_removal(add(removal), &context, kind);
        }
    }
}

static void add_configured(struct remove *removal)
{
    const struct config *config = removal->options.config;

    for (size_t i = 0; i < config->database_count; i++) {
        const struct config_database *database = &config->databases[i];
        const char *region = database->region ? database->region : removal->options.default_region;
        bool is_here = region && strcmp(region, removal->options.region) == 0;

        for (int kind = 0; kind < ALARM_KIND_COUNT && is_here; kind++) {
            add_kind(removal, database, (enum alarm_kind)kind);
        }
    }
}

/* Among the first so many. */
static bool is_listed(const struct remove *removal, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(removal->items[i].wanted.name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_configured(const struct config_pairs *dimensions,
                          const struct cloudwatch_dimension *dimension)
{
    for (size_t i = 0; i < dimensions->count; i++) {
        if (strcmp(dimensions->items[i].name, dimension->name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *dimension_of(const struct cloudwatch_alarm *alarm, const char *name)
{
    for (size_t i = 0; i < alarm->dimension_count; i++) {
        if (strcmp(alarm->dimensions[i].name, name) == 0) {
            return alarm->dimensions[i].value;
        }
    }
    return NULL;
}

/* The configured dimensions are ours to the letter; the others may name any database and pool. */
static bool has_our_dimensions(const struct config *config, const struct cloudwatch_alarm *like,
                               const struct cloudwatch_alarm *alarm)
{
    for (size_t i = 0; i < like->dimension_count; i++) {
        const struct cloudwatch_dimension *dimension = &like->dimensions[i];
        const char *value = dimension_of(alarm, dimension->name);

        if (!value || (is_configured(&config->dimensions, dimension) &&
                       strcmp(value, dimension->value) != 0)) {
            return false;
        }
    }
    return true;
}

/* Is it named so, and does it watch what an alarm of this kind would, for whatever database? */
static bool is_of_kind(const struct config *config, const struct cloudwatch_alarm *alarm,
                       enum alarm_kind kind)
{
    static char any[] = "any";
    const struct config_database database = {.identifier = any, .alarms.name_prefix = any};
    const struct config_pool pool = {.name = any};
    const struct alarm_context context = {
        .config = config, .database = &database, .pool = &pool, .instance = any};
    struct cloudwatch_alarm like;
    struct err err;

    if (!strstr(alarm->name, alarm_row(kind)->stem) ||
        !alarm_watched(&context, kind, &like, &err)) {
        return false;
    }
    bool is = alarm_like_metric(&like, alarm) && has_our_dimensions(config, &like, alarm);

    cloudwatch_alarm_done(&like);
    return is;
}

/* For people: the database that was. */
static const char *label_of(const struct cloudwatch_alarm *alarm)
{
    const char *identifier = dimension_of(alarm, "DBInstanceIdentifier");
    const char *proxy = dimension_of(alarm, "ProxyName");

    return identifier ? identifier : proxy ? proxy : "";
}

static void add_orphans(struct remove *removal, const struct cloudwatch_alarm *alarms, size_t count)
{
    const struct config *config = removal->options.config;
    size_t configured = removal->count;

    for (size_t i = 0; i < count; i++) {
        for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
            if (is_of_kind(config, &alarms[i], (enum alarm_kind)kind) &&
                !is_listed(removal, configured, alarms[i].name)) {
                item_init_orphan(add(removal), config, label_of(&alarms[i]), &alarms[i],
                                 alarm_is_aws((enum alarm_kind)kind));
                break;
            }
        }
    }
}

/* --- What became of it ------------------------------------------------------------------------ */

static void tell(struct remove *removal, const struct item *item, enum provision_action action,
                 const char *detail)
{
    const struct provision_line line = {.action = action,
                                        .alarm = item->wanted.name,
                                        .database = item->label,
                                        .detail = detail,
                                        .changes = item->changes};

    provision_count(&removal->summary, action);
    if (action != PROVISION_ABSENT) {
        removal->options.on_line(removal->options.arg, &line);
    }
}

static void on_item(void *arg, const struct item *item, const struct err *err)
{
    struct buf detail;

    if (err) {
        tell(arg, item, PROVISION_FAILED, err->message);
        return;
    }
    buf_init(&detail, DETAIL_MAX);
    item_detail(item, &detail);
    tell(arg, item, item_outcome(item), buf_text(&detail));
    buf_done(&detail);
}

static void on_done(void *arg, const struct err *err)
{
    const struct remove *removal = arg;

    removal->options.on_done(removal->options.arg, &removal->summary, err);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void begin_run(struct remove *removal)
{
    run_start(&removal->run, removal->items, removal->count);
    removal->items = NULL;
    removal->count = 0;
}

static void on_listed(void *arg, const struct cloudwatch_alarm *alarms, size_t count,
                      const struct err *err)
{
    struct remove *removal = arg;

    removal->list = NULL;
    if (err) {
        on_done(removal, err);
        return;
    }
    add_orphans(removal, alarms, count);
    begin_run(removal);
}

struct remove *remove_new(const struct remove_options *options)
{
    struct remove *removal = mem_alloc(sizeof(*removal));
    const struct run_options run = {.loop = options->loop,
                                    .client = options->client,
                                    .dry_run = options->dry_run,
                                    .put_gap_ms = options->put_gap_ms,
                                    .on_item = on_item,
                                    .on_done = on_done,
                                    .arg = removal};

    removal->options = *options;
    run_init(&removal->run, &run);
    add_configured(removal);
    if (options->prune) {
        removal->list = cloudwatch_list_alarms(options->client, "", on_listed, removal);
    } else {
        begin_run(removal);
    }
    return removal;
}

static void on_run_closed(void *arg)
{
    struct remove *removal = arg;
    provision_closed *closed = removal->closed;
    void *arg_of_closed = removal->closed_arg;

    for (size_t i = 0; i < removal->count; i++) {
        item_done(&removal->items[i]);
    }
    free(removal->items);
    free(removal);
    closed(arg_of_closed);
}

void remove_stop(struct remove *removal, provision_closed *closed, void *arg)
{
    if (removal->list) {
        cloudwatch_describe_cancel(removal->list);
    }
    removal->closed = closed;
    removal->closed_arg = arg;
    run_close(&removal->run, on_run_closed, removal);
}
