#include "agent/watch/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

static void forget_values(double values[METRIC_COUNT])
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        values[i] = NAN;
    }
}

void view_init(struct view *view, const struct config *config)
{
    view->databases = mem_alloc(config->database_count * sizeof(*view->databases));
    view->count = config->database_count;
    view->now_ms = 0;
    for (size_t i = 0; i < view->count; i++) {
        struct view_database *database = &view->databases[i];

        database->database = &config->databases[i];
        database->server = conninfo_describe(&config->databases[i].conninfo);
        forget_values(database->values);
        history_init(&database->connections);
    }
}

static void holders_done(struct view_holders *holders)
{
    for (size_t i = 0; i < holders->count; i++) {
        free(holders->items[i].name);
    }
}

void view_done(struct view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        struct view_database *database = &view->databases[i];

        for (size_t j = 0; j < database->pool_count; j++) {
            free(database->pools[j].name);
            free(database->pools[j].trouble);
        }
        free(database->pools);
        free(database->server);
        holders_done(&database->applications);
        holders_done(&database->databases);
    }
    free(view->databases);
    memset(view, 0, sizeof(*view));
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The same identifier may stand for another server in another region. */
static struct view_database *find(struct view *view, const struct reading *reading)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct config_database *database = view->databases[i].database;

        if (strcmp(database->identifier, reading->database) == 0 &&
            is_same(database->region, reading->region)) {
            return &view->databases[i];
        }
    }
    return NULL;
}

/* --- readings ------------------------------------------------------------------------------- */

/* A new name takes the place of one that is gone. */
static struct view_holder *place_for(struct view_holders *holders, const char *name,
                                     int64_t time_ms)
{
    for (size_t i = 0; i < holders->count; i++) {
        if (strcmp(holders->items[i].name, name) == 0) {
            return &holders->items[i];
        }
    }
    if (holders->count < VIEW_HOLDERS_MAX) {
        return &holders->items[holders->count++];
    }
    for (size_t i = 0; i < holders->count; i++) {
        if (holders->items[i].time_ms < time_ms) {
            return &holders->items[i];
        }
    }
    return NULL;
}

static void put_holder(struct view_holders *holders, const struct reading *reading)
{
    struct view_holder *holder = place_for(holders, reading->extra, reading->time_ms);

    if (!holder) {
        return;
    }
    if (!holder->name || strcmp(holder->name, reading->extra) != 0) {
        free(holder->name);
        holder->name = mem_strdup(reading->extra);
    }
    holder->connections = reading->value;
    holder->time_ms = reading->time_ms;
}

static struct view_pool *pool_named(struct view_database *database, const char *name)
{
    for (size_t i = 0; i < database->pool_count; i++) {
        if (strcmp(database->pools[i].name, name) == 0) {
            return &database->pools[i];
        }
    }
    if (database->pool_count == VIEW_POOLS_MAX) {
        return NULL;
    }
    database->pools = mem_grow(database->pools, database->pool_count + 1, sizeof(*database->pools));
    struct view_pool *pool = &database->pools[database->pool_count++];

    *pool = (struct view_pool){.name = mem_strdup(name)};
    forget_values(pool->values);
    history_init(&pool->timeouts);
    return pool;
}

static void put_pool(struct view_database *database, const struct reading *reading)
{
    struct view_pool *pool = pool_named(database, reading->pool);
    int64_t second = reading->time_ms / 1000;

    if (!pool) {
        return;
    }
    pool->values[reading->metric] = reading->value;
    pool->times_ms[reading->metric] = reading->time_ms;
    if (reading->metric == METRIC_POOL_TIMEOUT) {
        double before = history_column(&pool->timeouts, second, 1, 0);

        history_add(&pool->timeouts, second, (isnan(before) ? 0 : before) + reading->value);
    }
}

void view_pool_state(struct view *view, const struct config_pool *pool, const char *trouble)
{
    const struct reading address = {.database = pool->of->identifier, .region = pool->of->region};
    struct view_database *database = find(view, &address);
    struct view_pool *shown = database ? pool_named(database, pool->name) : NULL;

    if (shown) {
        free(shown->trouble);
        shown->trouble = mem_strdup(trouble);
    }
}

void view_put(struct view *view, const struct reading *reading)
{
    struct view_database *database = find(view, reading);

    if (!database) {
        return;
    }
    if (reading->pool) {
        put_pool(database, reading);
        return;
    }
    if (reading->metric == METRIC_CONNECTIONS_BY_APPLICATION) {
        put_holder(&database->applications, reading);
    } else if (reading->metric == METRIC_CONNECTIONS_BY_DATABASE) {
        put_holder(&database->databases, reading);
    } else if (reading->metric == METRIC_DATABASE_CONNECTIONS) {
        history_add(&database->connections, reading->time_ms / 1000, reading->value);
    }
    database->values[reading->metric] = reading->value;
    database->times_ms[reading->metric] = reading->time_ms;
}

void view_outcome(struct view *view, const struct config_database *database, int64_t now_ms,
                  const struct err *err)
{
    for (size_t i = 0; i < view->count; i++) {
        struct view_database *shown = &view->databases[i];

        if (shown->database != database) {
            continue;
        }
        if (err && (shown->is_up || !shown->is_known)) {
            shown->down_since_ms = now_ms;
        }
        if (err) {
            shown->err = *err;
        }
        shown->is_known = true;
        shown->is_up = !err;
        shown->is_full = err && err->code == ERR_FULL;
    }
}

/* --- what is drawn -------------------------------------------------------------------------- */

bool view_has(const struct view_database *database, enum metric_id metric)
{
    return !isnan(database->values[metric]) &&
           database->times_ms[metric] == database->times_ms[METRIC_DATABASE_CONNECTIONS];
}

static int compare_holders(const void *a, const void *b)
{
    const struct view_holder *left = *(const struct view_holder *const *)a;
    const struct view_holder *right = *(const struct view_holder *const *)b;

    if (left->connections != right->connections) {
        return left->connections < right->connections ? 1 : -1;
    }
    return strcmp(left->name, right->name);
}

size_t view_largest(const struct view_database *database, const struct view_holders *holders,
                    const struct view_holder *out[VIEW_HOLDERS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < holders->count; i++) {
        if (holders->items[i].time_ms == database->times_ms[METRIC_DATABASE_CONNECTIONS] &&
            holders->items[i].connections > 0) {
            out[count++] = &holders->items[i];
        }
    }
    qsort(out, count, sizeof(struct view_holder *), compare_holders);
    return count;
}

double view_pool_value(const struct view_pool *pool, enum metric_id metric, int64_t now_ms)
{
    return now_ms - pool->times_ms[metric] <= VIEW_POOL_FRESH_MS ? pool->values[metric] : NAN;
}

double view_timeouts(const struct view_pool *pool, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000;
    double sum = NAN;

    for (int back = 0; back < VIEW_TIMEOUTS_OVER_S; back++) {
        double value = history_column(&pool->timeouts, now_s, 1, back);

        if (!isnan(value)) {
            sum = (isnan(sum) ? 0 : sum) + value;
        }
    }
    return sum;
}
