#include "agent/sample/statsd_pools.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

#define SLOTS_FIRST 64

void statsd_pools_done(struct statsd_pools *pools)
{
    for (size_t i = 0; i < pools->count; i++) {
        free(pools->pools[i].name);
    }
    free(pools->pools);
    free(pools->slots);
    *pools = (struct statsd_pools){0};
}

static uint64_t hash_of(const char *name, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static bool is_called(const struct statsd_pool *pool, const char *name, size_t len)
{
    return pool->name_len == len && memcmp(pool->name, name, len) == 0;
}

struct statsd_pool *statsd_pools_find(struct statsd_pools *pools, const char *name, size_t len)
{
    if (pools->count == 0) {
        return NULL;
    }
    if (is_called(&pools->pools[pools->last], name, len)) {
        return &pools->pools[pools->last];
    }
    uint64_t hash = hash_of(name, len);
    size_t mask = pools->slot_count - 1;

    for (size_t slot = (size_t)hash & mask; pools->slots[slot] > 0; slot = (slot + 1) & mask) {
        size_t index = pools->slots[slot] - 1;

        if (pools->pools[index].hash == hash && is_called(&pools->pools[index], name, len)) {
            pools->last = index;
            return &pools->pools[index];
        }
    }
    return NULL;
}

static void put_in_slot(struct statsd_pools *pools, size_t index)
{
    size_t mask = pools->slot_count - 1, slot = (size_t)pools->pools[index].hash & mask;

    while (pools->slots[slot] > 0) {
        slot = (slot + 1) & mask;
    }
    pools->slots[slot] = (uint32_t)index + 1;
}

static void grow_slots(struct statsd_pools *pools)
{
    free(pools->slots);
    pools->slot_count = pools->slot_count > 0 ? pools->slot_count * 2 : SLOTS_FIRST;
    pools->slots = mem_alloc(pools->slot_count * sizeof(*pools->slots));
    for (size_t i = 0; i < pools->count; i++) {
        put_in_slot(pools, i);
    }
}

struct statsd_pool *statsd_pools_add(struct statsd_pools *pools, const char *name, size_t len,
                                     const struct config_database *database)
{
    if ((pools->count + 1) * 2 > pools->slot_count) {
        grow_slots(pools);
    }
    pools->pools = mem_grow(pools->pools, pools->count + 1, sizeof(*pools->pools));
    pools->pools[pools->count] = (struct statsd_pool){.name = mem_strndup(name, len),
                                                      .name_len = len,
                                                      .hash = hash_of(name, len),
                                                      .database = database};
    put_in_slot(pools, pools->count);
    return &pools->pools[pools->count++];
}
