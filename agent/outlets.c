#include "agent/outlets.h"

#include <stdio.h>

#include "agent/destination.h"
#include "agent/log.h"
#include "aws/common/mem.h"

struct outlet *outlets_find(const struct outlets *outlets, const char *region)
{
    for (size_t i = 0; i < outlets->count; i++) {
        if (outlet_is_for(outlets->items[i], region)) {
            return outlets->items[i];
        }
    }
    return NULL;
}

static bool add(struct outlets *outlets, const struct outlet_options *options, struct err *err)
{
    struct outlet *outlet;

    if (!outlet_new(options, &outlet, err)) {
        return false;
    }
    outlets->items = mem_grow(outlets->items, outlets->count + 1, sizeof(struct outlet *));
    outlets->items[outlets->count++] = outlet;
    return true;
}

static struct outlet *find_destination(const struct outlets *outlets, const char *region,
                                       const char *namespace_)
{
    for (size_t i = 0; i < outlets->count; i++) {
        if (outlet_goes_to(outlets->items[i], region, namespace_)) {
            return outlets->items[i];
        }
    }
    return NULL;
}

/* The configuration names its region again: one writer in its directory is enough. */
static void revive(const struct outlets *outlets, const char *region, const char *namespace_)
{
    struct outlet *outlet = region ? find_destination(outlets, region, namespace_) : NULL;

    if (outlet && outlet_is_former(outlet)) {
        outlet_revive(outlet);
    }
}

static void on_retired(void *arg)
{
    (void)arg;
}

static void retire(struct outlets *outlets, struct outlet *outlet)
{
    size_t i = 0;

    while (outlets->items[i] != outlet) {
        i++;
    }
    outlets->items[i] = outlets->items[--outlets->count];
    outlet_stop(outlet, on_retired, NULL);
}

/* --- Former regions and namespaces ------------------------------------------------------------ */

struct taking_up {
    struct outlets *outlets;
    const struct outlet_options *common;
};

static void take_up(struct taking_up *taking, const char *dir, const char *region,
                    const char *namespace_)
{
    struct outlet_options options = *taking->common;
    struct err err;

    options.region = region;
    options.former = namespace_;
    if (!add(taking->outlets, &options, &err)) {
        log_warn("%s: not sent: %s", dir, err.message);
        return;
    }
    struct outlet *outlet = taking->outlets->items[taking->outlets->count - 1];
    if (outlet_is_drained(outlet)) {
        retire(taking->outlets, outlet);
    } else {
        log_warn(
            "what an earlier run left for namespace %s in %s, which this configuration names no "
            "more, is sent there all the same; %s goes when that is done",
            namespace_, region, dir);
    }
}

static void on_dir(void *arg, const char *dir, const char *region, const char *namespace_)
{
    struct taking_up *taking = arg;

    if (!region) {
        log_warn("%s does not say for which region and namespace it is: it is left alone", dir);
    } else if (!find_destination(taking->outlets, region, namespace_)) {
        take_up(taking, dir, region, namespace_);
    }
}

/* Not as long as a region is looked for: it may be that one. */
static void take_up_former(struct outlets *outlets, const struct outlet_options *common)
{
    struct taking_up taking = {outlets, common};

    if (common->state_dir && !common->dry_run && !outlets_find(outlets, NULL)) {
        destination_each(common->state_dir, on_dir, &taking);
    }
}

/* --- This configuration's --------------------------------------------------------------------- */

bool outlets_add(struct outlets *outlets, const struct outlet_options *common, struct err *err)
{
    const struct config *config = common->config;

    for (size_t i = 0; i < config->database_count; i++) {
        struct outlet_options options = *common;

        options.region = cloud_region_of(common->cloud, &config->databases[i]);
        revive(outlets, options.region, config->namespace_);
        if (!outlets_find(outlets, options.region) && !add(outlets, &options, err)) {
            if (config->databases[i].region) {
                err_context(err, "database %s", config->databases[i].name);
            }
            return false;
        }
    }
    take_up_former(outlets, common);
    return true;
}

bool outlets_set_region(struct outlets *outlets, const char *region, const char *namespace_,
                        struct err *err)
{
    revive(outlets, region, namespace_);
    struct outlet *waiting = outlets_find(outlets, NULL);
    struct outlet *known = outlets_find(outlets, region);

    if (!waiting) {
        return true; /* every database has a region of its own */
    }
    if (!known) {
        return outlet_set_region(waiting, region, err);
    }
    outlet_give(waiting, known);
    retire(outlets, waiting);
    return true;
}

/* --- All of them ------------------------------------------------------------------------------ */

void outlets_reconfigure(const struct outlets *outlets, const struct config *config)
{
    for (size_t i = 0; i < outlets->count; i++) {
        outlet_reconfigure(outlets->items[i], config);
    }
}

void outlets_correct_clock(const struct outlets *outlets, int64_t since_ms, int64_t now_ms,
                           int64_t correction_ms)
{
    for (size_t i = 0; i < outlets->count; i++) {
        outlet_correct_clock(outlets->items[i], since_ms, now_ms, correction_ms);
    }
}

void outlets_publish(struct outlets *outlets, int64_t until_ms)
{
    for (size_t i = outlets->count; i-- > 0;) {
        struct outlet *outlet = outlets->items[i];

        outlet_publish(outlet, until_ms);
        if (outlet_is_drained(outlet) && until_ms != INT64_MAX) {
            retire(outlets, outlet);
        }
    }
}

size_t outlets_backlog(const struct outlets *outlets)
{
    size_t datums = 0;

    for (size_t i = 0; i < outlets->count; i++) {
        datums += outlet_backlog(outlets->items[i]);
    }
    return datums;
}

size_t outlets_in_memory(const struct outlets *outlets)
{
    size_t datums = 0;

    for (size_t i = 0; i < outlets->count; i++) {
        datums += outlet_is_durable(outlets->items[i]) ? 0 : outlet_backlog(outlets->items[i]);
    }
    return datums;
}

void outlets_take_stock(const struct outlets *outlets, struct health *health)
{
    health->waiting = outlets_backlog(outlets);
    health->spool_bytes = 0;
    bool first = true;
    for (size_t i = 0; i < outlets->count; i++) {
        const struct outlet *outlet = outlets->items[i];
        int64_t acknowledged_ms = outlet_acknowledged_ms(outlet);
        const char *trouble = outlet_trouble(outlet);

        health->spool_bytes += outlet_bytes(outlet);
        if (outlet_is_former(outlet)) {
            continue; /* no reason to doubt the agent's health */
        }
        if (first || acknowledged_ms < health->published_ms) {
            health->published_ms = acknowledged_ms;
            first = false;
        }
        if (trouble[0] != '\0') {
            (void)snprintf(health->trouble, sizeof(health->trouble), "%.255s", trouble);
        }
    }
}

void outlets_stop(const struct outlets *outlets, outlet_closed *closed, void *arg)
{
    for (size_t i = 0; i < outlets->count; i++) {
        outlet_stop(outlets->items[i], closed, arg);
    }
}

bool outlets_are_durable(const struct outlets *outlets)
{
    for (size_t i = 0; i < outlets->count; i++) {
        if (!outlet_is_durable(outlets->items[i])) {
            return false;
        }
    }
    return outlets->count > 0;
}
