#include "agent/outlets.h"

#include <stdio.h>

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

bool outlets_add(struct outlets *outlets, const struct outlet_options *common, struct err *err)
{
    const struct config *config = common->config;

    for (size_t i = 0; i < config->database_count; i++) {
        struct outlet_options options = *common;

        options.region = cloud_region_of(common->cloud, &config->databases[i]);
        if (!outlets_find(outlets, options.region) && !add(outlets, &options, err)) {
            if (config->databases[i].region) {
                err_context(err, "database %s", config->databases[i].name);
            }
            return false;
        }
    }
    return true;
}

static void on_given_closed(void *arg)
{
    (void)arg;
}

static void give_to(struct outlets *outlets, struct outlet *from, struct outlet *to)
{
    size_t i = 0;

    outlet_give(from, to);
    while (outlets->items[i] != from) {
        i++;
    }
    outlets->items[i] = outlets->items[--outlets->count];
    outlet_stop(from, on_given_closed, NULL);
}

bool outlets_set_region(struct outlets *outlets, const char *region, struct err *err)
{
    struct outlet *waiting = outlets_find(outlets, NULL);
    struct outlet *known = outlets_find(outlets, region);

    if (!waiting) {
        return true; /* every database has a region of its own */
    }
    if (!known) {
        return outlet_set_region(waiting, region, err);
    }
    give_to(outlets, waiting, known);
    return true;
}

void outlets_reconfigure(const struct outlets *outlets, const struct config *config)
{
    for (size_t i = 0; i < outlets->count; i++) {
        outlet_reconfigure(outlets->items[i], config);
    }
}

void outlets_publish(const struct outlets *outlets, int64_t until_ms)
{
    for (size_t i = 0; i < outlets->count; i++) {
        outlet_publish(outlets->items[i], until_ms);
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
    for (size_t i = 0; i < outlets->count; i++) {
        const struct outlet *outlet = outlets->items[i];
        int64_t acknowledged_ms = outlet_acknowledged_ms(outlet);
        const char *trouble = outlet_trouble(outlet);

        health->spool_bytes += outlet_bytes(outlet);
        if (i == 0 || acknowledged_ms < health->published_ms) {
            health->published_ms = acknowledged_ms;
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
