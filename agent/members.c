#include "agent/members.h"

#include <stdio.h>

int64_t members_settled_ms(const struct member *members, size_t count, int64_t tick_ms)
{
    int64_t settled_ms = tick_ms;

    for (size_t i = 0; i < count; i++) {
        int64_t own_ms = members[i].source->ops->settled_ms(members[i].source);

        settled_ms = own_ms < settled_ms ? own_ms : settled_ms;
    }
    return settled_ms;
}

size_t members_leading(const struct member *members, size_t count)
{
    size_t leading = 0;

    for (size_t i = 0; i < count; i++) {
        leading += activity_leads(members[i].source) ? 1 : 0;
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

enum pool_reader members_reader(const struct member *members, size_t count,
                                const struct config_database *database)
{
    for (size_t i = 0; i < count; i++) {
        if (members[i].database == database) {
            return reader_of(members[i].source);
        }
    }
    return POOL_READER_UNKNOWN;
}

void members_take_stock(const struct member *members, size_t count, int64_t tick_ms,
                        int64_t patience_ms, struct health *health)
{
    health->databases = count;
    health->followed = count - members_leading(members, count);
    for (size_t i = 0; i < count; i++) {
        const struct source *source = members[i].source;

        health->up += activity_leads(source) && activity_is_up(source) ? 1 : 0;
        if (source->ops->settled_ms(source) < tick_ms - patience_ms) {
            (void)snprintf(health->fault, sizeof(health->fault), "%s was not attempted for %d s",
                           source->name, (int)(patience_ms / 1000));
        }
    }
}
