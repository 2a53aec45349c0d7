#include "agent/members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

/* --- who there is --------------------------------------------------------------------------- */

/* The old sampler, when it would be right for the new section too; NULL: none would. */
static struct source *adopt(struct members *old, const struct config_database *database)
{
    for (size_t i = 0; i < old->count; i++) {
        struct member *member = &old->items[i];

        if (member->source && strcmp(member->database->name, database->name) == 0 &&
            config_database_same_source(member->database, database)) {
            struct source *source = member->source;

            member->source = NULL;
            activity_rebind(source, database);
            return source;
        }
    }
    return NULL;
}

static bool same_login(const struct config_database *a, const struct config_database *b)
{
    char *of_a = conninfo_describe(&a->conninfo), *of_b = conninfo_describe(&b->conninfo);
    bool same = strcmp(of_a, of_b) == 0;

    free(of_a);
    free(of_b);
    return same;
}

/* Of the old sampler, as far as it is for the same server. */
static int former_pid(const struct members *old, const struct config_database *database)
{
    for (size_t i = 0; i < old->count; i++) {
        const struct member *member = &old->items[i];

        if (member->source && strcmp(member->database->name, database->name) == 0 &&
            same_login(member->database, database)) {
            return activity_lock_pid(member->source);
        }
    }
    return 0;
}

/* Old ones stop before new ones start: never two sessions of one database. */
void members_replace(struct members *members, const struct config *config, bool keep,
                     const struct members_hooks *hooks)
{
    struct members new = {.items = mem_alloc(config->database_count * sizeof(*new.items)),
                          .count = config->database_count};

    for (size_t i = 0; i < new.count; i++) {
        new.items[i].database = &config->databases[i];
        new.items[i].former_pid = former_pid(members, new.items[i].database);
        new.items[i].source = keep ? adopt(members, new.items[i].database) : NULL;
    }
    members_stop(members, hooks);
    members_free(members);
    *members = new;
    for (size_t i = 0; i < new.count; i++) {
        if (!new.items[i].source) {
            new.items[i].source = hooks->start(hooks->arg, &new.items[i]);
        }
    }
}

void members_stop(struct members *members, const struct members_hooks *hooks)
{
    for (size_t i = 0; i < members->count; i++) {
        if (members->items[i].source) {
            hooks->stop(hooks->arg, members->items[i].source);
        }
    }
    members->count = 0;
}

void members_free(struct members *members)
{
    free(members->items);
    *members = (struct members){0};
}

/* --- all of them ---------------------------------------------------------------------------- */

int64_t members_settled_ms(const struct members *members, int64_t tick_ms)
{
    int64_t settled_ms = tick_ms;

    for (size_t i = 0; i < members->count; i++) {
        const struct source *source = members->items[i].source;
        int64_t own_ms = source->ops->settled_ms(source);

        settled_ms = own_ms < settled_ms ? own_ms : settled_ms;
    }
    return settled_ms;
}

size_t members_leading(const struct members *members)
{
    size_t leading = 0;

    for (size_t i = 0; i < members->count; i++) {
        leading += activity_leads(members->items[i].source) ? 1 : 0;
    }
    return leading;
}

static enum pool_reader reader_of(const struct source *source)
{
    if (!activity_leads(source)) {
        return POOL_READ_ELSEWHERE;
    }
    return activity_leads_surely(source) ? POOL_READ_HERE : POOL_READER_UNKNOWN;
}

enum pool_reader members_reader(const struct members *members,
                                const struct config_database *database)
{
    for (size_t i = 0; i < members->count; i++) {
        if (members->items[i].database == database) {
            return reader_of(members->items[i].source);
        }
    }
    return POOL_READER_UNKNOWN;
}

void members_take_stock(const struct members *members, int64_t tick_ms, int64_t patience_ms,
                        struct health *health)
{
    health->databases = members->count;
    health->followed = members->count - members_leading(members);
    for (size_t i = 0; i < members->count; i++) {
        const struct source *source = members->items[i].source;

        health->up += activity_leads(source) && activity_is_up(source) ? 1 : 0;
        if (source->ops->settled_ms(source) < tick_ms - patience_ms) {
            (void)snprintf(health->fault, sizeof(health->fault), "%s was not attempted for %d s",
                           source->name, (int)(patience_ms / 1000));
        }
    }
}
