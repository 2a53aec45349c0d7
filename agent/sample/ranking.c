#include "agent/sample/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

void ranking_init(struct ranking *ranking, size_t max)
{
    memset(ranking, 0, sizeof(*ranking));
    ranking->max = max;
}

void ranking_done(struct ranking *ranking)
{
    for (size_t i = 0; i < ranking->count; i++) {
        free(ranking->members[i].name);
    }
    free(ranking->members);
    memset(ranking, 0, sizeof(*ranking));
}

static int compare_names(const void *a, const void *b)
{
    const struct ranking_item *one = a;
    const struct ranking_item *other = b;

    return strcmp(one->name, other->name);
}

static size_t merge(struct ranking_item *items, size_t count)
{
    size_t kept = 0;

    if (count == 0) {
        return 0; /* items may be NULL, which qsort() does not take */
    }
    qsort(items, count, sizeof(*items), compare_names);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && strcmp(items[kept - 1].name, items[i].name) == 0) {
            items[kept - 1].value += items[i].value;
            items[kept - 1].eligible = items[kept - 1].eligible && items[i].eligible;
        } else {
            items[kept++] = items[i];
        }
    }
    return kept;
}

/* Whose hour is over competes with all others again. */
static void drop_expired(struct ranking *ranking, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < ranking->count; i++) {
        struct ranking_member *member = &ranking->members[i];

        member->value = 0;
        /* A clock that was set back must not keep a place for ever. */
        if (member->until_ms > now_ms && member->until_ms <= now_ms + RANKING_STAY_MS) {
            ranking->members[kept++] = *member;
        } else {
            free(member->name);
        }
    }
    ranking->count = kept;
}

static void take(struct ranking_member *member, struct ranking_item *item)
{
    member->value = item->value;
    item->value = 0;
}

static void give_to_members(struct ranking *ranking, struct ranking_item *items, size_t count)
{
    for (size_t i = 0; i < ranking->count; i++) {
        const struct ranking_item key = {.name = ranking->members[i].name};
        struct ranking_item *item =
            count ? bsearch(&key, items, count, sizeof(*items), compare_names) : NULL;

        if (item && item->eligible) {
            take(&ranking->members[i], item);
        }
    }
}

static struct ranking_item *find_largest(struct ranking_item *items, size_t count)
{
    struct ranking_item *largest = NULL;

    for (size_t i = 0; i < count; i++) {
        if (items[i].eligible && items[i].value > (largest ? largest->value : 0)) {
            largest = &items[i];
        }
    }
    return largest;
}

static void admit(struct ranking *ranking, struct ranking_item *items, size_t count, int64_t now_ms)
{
    struct ranking_item *item;

    while (ranking->count < ranking->max && (item = find_largest(items, count))) {
        ranking->members =
            mem_grow(ranking->members, ranking->count + 1, sizeof(*ranking->members));
        struct ranking_member *member = &ranking->members[ranking->count++];

        member->name = mem_strdup(item->name);
        member->until_ms = now_ms + RANKING_STAY_MS;
        take(member, item);
    }
}

void ranking_update(struct ranking *ranking, struct ranking_item *items, size_t count,
                    int64_t now_ms)
{
    count = merge(items, count);
    drop_expired(ranking, now_ms);
    give_to_members(ranking, items, count);
    admit(ranking, items, count, now_ms);
    ranking->rest = 0;
    for (size_t i = 0; i < count; i++) {
        ranking->rest += items[i].value;
    }
    if (ranking->rest > 0) {
        ranking->rest_until_ms = now_ms + RANKING_STAY_MS;
    }
}
