#include "agent/sample/breakdown.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sample/ranking.h"
#include "aws/common/mem.h"

#define DATABASES_MAX 100   /* series cost money; who wants others names them in per_database */
#define NAMES_MAX     10000 /* of one server */
#define OTHER         "other"
#define NONE          "(none)"

static const struct state {
    const char *name;
    bool always; /* told when there is none, too */
} states[] = {
    {"active", true},
    {"idle", true},
    {"idle in transaction", true},
    {"idle in transaction (aborted)", true},
    {"fastpath function call", false},
    {"disabled", false}, /* track_activities = off */
    {"starting", false}, /* 18 and newer */
    {NONE, false},
};

struct name {
    unsigned oid;
    char *name;
};

struct breakdown {
    struct name *names; /* by oid */
    size_t name_count;
    struct ranking databases, applications;
    bool seen[MEM_COUNT(states)];
};

struct breakdown *breakdown_new(int per_application)
{
    struct breakdown *breakdown = mem_alloc(sizeof(*breakdown));

    ranking_init(&breakdown->databases, DATABASES_MAX);
    ranking_init(&breakdown->applications, (size_t)per_application);
    return breakdown;
}

static void forget_names(struct breakdown *breakdown)
{
    for (size_t i = 0; i < breakdown->name_count; i++) {
        free(breakdown->names[i].name);
    }
    free(breakdown->names);
    breakdown->names = NULL;
    breakdown->name_count = 0;
}

void breakdown_free(struct breakdown *breakdown)
{
    if (breakdown) {
        forget_names(breakdown);
        ranking_done(&breakdown->databases);
        ranking_done(&breakdown->applications);
        free(breakdown);
    }
}

/* --- names ---------------------------------------------------------------------------------- */

static int compare_oids(const void *a, const void *b)
{
    const struct name *one = a;
    const struct name *other = b;

    return (one->oid > other->oid) - (one->oid < other->oid);
}

void breakdown_take_names(struct breakdown *breakdown, const PGresult *result)
{
    size_t count = PQnfields(result) == 2 ? (size_t)PQntuples(result) : 0;

    forget_names(breakdown);
    count = count < NAMES_MAX ? count : NAMES_MAX;
    breakdown->names = mem_alloc((count + 1) * sizeof(*breakdown->names));
    for (size_t i = 0; i < count; i++) {
        breakdown->names[i].oid = (unsigned)strtoul(PQgetvalue(result, (int)i, 0), NULL, 10);
        breakdown->names[i].name = mem_strdup(PQgetvalue(result, (int)i, 1));
    }
    breakdown->name_count = count;
    qsort(breakdown->names, count, sizeof(*breakdown->names), compare_oids);
}

static const char *name_of(const struct breakdown *breakdown, unsigned oid)
{
    const struct name key = {.oid = oid};
    const struct name *found =
        bsearch(&key, breakdown->names, breakdown->name_count, sizeof(key), compare_oids);

    return found ? found->name : NULL;
}

/* --- series --------------------------------------------------------------------------------- */

struct round {
    const struct config_database *database;
    const struct snapshot *snapshot;
    const struct sink *sink;
    int64_t tick_ms;
};

static void put(const struct round *round, enum metric_id metric, const char *extra, double value)
{
    const struct reading reading = {.metric = metric,
                                    .database = round->database->identifier,
                                    .region = round->database->region,
                                    .extra = extra,
                                    .time_ms = round->tick_ms,
                                    .value = value};

    round->sink->put(round->sink->arg, &reading);
}

static void put_ranking(const struct round *round, enum metric_id metric,
                        const struct ranking *ranking)
{
    for (size_t i = 0; i < ranking->count; i++) {
        put(round, metric, ranking->members[i].name, ranking->members[i].value);
    }
    if (ranking->rest_until_ms > round->tick_ms) {
        put(round, metric, OTHER, ranking->rest);
    }
}

static bool is_selected(const struct config_database *database, const char *name)
{
    for (size_t i = 0; i < database->per_database.count; i++) {
        if (fnmatch(database->per_database.items[i], name, 0) == 0) {
            return true;
        }
    }
    return false;
}

/* A name that is "other" would mix with the rest: it belongs to it. */
static bool put_databases(struct breakdown *breakdown, const struct round *round)
{
    const struct snapshot *snapshot = round->snapshot;
    struct ranking_item *items = mem_alloc(snapshot->group_count * sizeof(*items));
    bool all_known = true;

    for (size_t i = 0; i < snapshot->group_count; i++) {
        unsigned oid = snapshot->groups[i].database_oid;
        const char *name = oid == 0 ? NONE : name_of(breakdown, oid);

        all_known = all_known && name;
        items[i].name = name ? name : OTHER;
        items[i].value = snapshot->groups[i].connections;
        items[i].eligible = name && strcmp(name, OTHER) != 0 && is_selected(round->database, name);
    }
    ranking_update(&breakdown->databases, items, snapshot->group_count, round->tick_ms);
    put_ranking(round, METRIC_CONNECTIONS_BY_DATABASE, &breakdown->databases);
    free(items);
    return all_known;
}

static void put_applications(struct breakdown *breakdown, const struct round *round)
{
    const struct snapshot *snapshot = round->snapshot;
    struct ranking_item *items = mem_alloc(snapshot->group_count * sizeof(*items));

    for (size_t i = 0; i < snapshot->group_count; i++) {
        const char *name = snapshot->groups[i].application;

        items[i].name = name[0] != '\0' ? name : NONE;
        items[i].value = snapshot->groups[i].connections;
        items[i].eligible = strcmp(name, OTHER) != 0;
    }
    ranking_update(&breakdown->applications, items, snapshot->group_count, round->tick_ms);
    put_ranking(round, METRIC_CONNECTIONS_BY_APPLICATION, &breakdown->applications);
    free(items);
}

static size_t find_state(const char *name)
{
    size_t i = 0;

    while (i < MEM_COUNT(states) - 1 && (!name || strcmp(states[i].name, name) != 0)) {
        i++;
    }
    return i; /* the last one takes what has none */
}

static void put_states(struct breakdown *breakdown, const struct round *round)
{
    double counts[MEM_COUNT(states)] = {0};

    for (size_t i = 0; i < round->snapshot->group_count; i++) {
        const struct snapshot_group *group = &round->snapshot->groups[i];
        size_t state = find_state(group->state);

        counts[state] += group->connections;
        breakdown->seen[state] = true;
    }
    for (size_t i = 0; i < MEM_COUNT(states); i++) {
        if (states[i].always || breakdown->seen[i]) {
            put(round, METRIC_CONNECTIONS_BY_STATE, states[i].name, counts[i]);
        }
    }
}

bool breakdown_put(struct breakdown *breakdown, const struct config_database *database,
                   const struct snapshot *snapshot, int64_t tick_ms, const struct sink *sink)
{
    const struct round round = {
        .database = database, .snapshot = snapshot, .sink = sink, .tick_ms = tick_ms};
    bool all_known = true;

    if (database->per_database.count > 0) {
        all_known = put_databases(breakdown, &round);
    }
    if (database->per_application > 0) {
        put_applications(breakdown, &round);
    }
    if (snapshot->privileged) {
        put_states(breakdown, &round);
    }
    return all_known;
}
