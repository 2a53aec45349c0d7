#include "agent/watch/line.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "agent/prose.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define HOLDERS_IN_A_LINE 3
#define NAME_SHOWN        60
#define TROUBLE_SHOWN     300

static void add_time(int64_t now_ms, struct buf *out)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[32] = "";

    if (gmtime_r(&seconds, &utc)) {
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    buf_puts(out, text);
}

/* --- for people ----------------------------------------------------------------------------- */

static void add_states(const struct view_database *database, struct buf *out)
{
    static const struct {
        enum metric_id metric;
        const char *what;
    } numbers[] = {
        {METRIC_CONNECTIONS_ACTIVE, "active"},
        {METRIC_CONNECTIONS_IDLE, "idle"},
        {METRIC_CONNECTIONS_IDLE_IN_TRANSACTION, "idle in transaction"},
        {METRIC_CONNECTIONS_WAITING_ON_LOCK, "waiting for a lock"},
        {METRIC_LONG_RUNNING_QUERIES, "long"},
        {METRIC_LEAKED_CONNECTIONS, "leaked"},
        {METRIC_STALE_IDLE_CONNECTIONS, "stale"},
    };

    if (!view_has(database, METRIC_CONNECTIONS_ACTIVE)) {
        return;
    }
    for (size_t i = 0; i < MEM_COUNT(numbers); i++) {
        buf_printf(out, ", %s %.0f", numbers[i].what, database->values[numbers[i].metric]);
    }
    buf_puts(out, ", oldest transaction ");
    prose_age(database->values[METRIC_OLDEST_TRANSACTION_AGE], out);
}

static void add_largest(const struct view_database *database, struct buf *out)
{
    const struct view_holder *largest[VIEW_HOLDERS_MAX];
    size_t count = view_largest(database, &database->applications, largest);

    for (size_t i = 0; i < count && i < HOLDERS_IN_A_LINE; i++) {
        buf_puts(out, i > 0 ? ", " : "; ");
        prose_plain(largest[i]->name, NAME_SHOWN, out);
        buf_printf(out, " %.0f", largest[i]->connections);
    }
}

static void add_pools(const struct view *view, const struct view_database *database,
                      struct buf *out)
{
    for (size_t i = 0; i < database->pool_count; i++) {
        const struct view_pool *pool = &database->pools[i];
        double waiting = view_pool_value(pool, METRIC_POOL_CLIENTS_WAITING, view->now_ms);
        double timeouts = view_timeouts(pool, view->now_ms);

        buf_puts(out, "; pool ");
        prose_plain(pool->name, NAME_SHOWN, out);
        if (!isnan(waiting)) {
            buf_printf(out, " waiting %.0f", waiting);
        }
        if (!isnan(timeouts)) {
            buf_printf(out, "%s timeouts/min %.0f", isnan(waiting) ? "" : ",", timeouts);
        }
        if (isnan(waiting) && pool->trouble) {
            buf_puts(out, isnan(timeouts) ? " " : ", ");
            prose_plain(pool->trouble, TROUBLE_SHOWN, out);
        }
    }
}

static void add_database(const struct view *view, const struct view_database *database,
                         struct buf *out)
{
    double used = database->values[METRIC_DATABASE_CONNECTIONS];
    double usable = database->values[METRIC_MAX_CONNECTIONS];

    add_time(view->now_ms, out);
    buf_printf(out, " %s ", database->database->name);
    if (!database->is_known) {
        buf_puts(out, "connecting");
    } else if (!database->is_up) {
        buf_puts(out, database->is_full ? "full for " : "down for ");
        prose_age((double)(view->now_ms - database->down_since_ms) / 1000, out);
        buf_puts(out, ": ");
        prose_plain(database->err.message, ERR_MESSAGE_MAX, out);
    } else if (!isnan(used)) {
        buf_printf(out, "%.0f/%.0f (%.0f %%)", used, usable, usable > 0 ? 100 * used / usable : 0);
        add_states(database, out);
        add_largest(database, out);
    }
    add_pools(view, database, out);
    buf_putc(out, '\n');
}

void line_render(const struct view *view, struct buf *out)
{
    for (size_t i = 0; i < view->count; i++) {
        add_database(view, &view->databases[i], out);
    }
}

/* --- for programs --------------------------------------------------------------------------- */

static json_t *number_json(double value)
{
    if (isnan(value)) {
        return json_null();
    }
    return value == (double)(json_int_t)value ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *holders_json(const struct view_database *database,
                            const struct view_holders *holders)
{
    const struct view_holder *largest[VIEW_HOLDERS_MAX];
    size_t count = view_largest(database, holders, largest);
    json_t *document = json_object();

    for (size_t i = 0; i < count; i++) {
        json_object_set_new(document, largest[i]->name, number_json(largest[i]->connections));
    }
    return document;
}

static json_t *metrics_json(const struct view_database *database)
{
    json_t *document = json_object();

    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric *metric = metric_get((enum metric_id)i);

        if (database->is_up && !metric->extra_dimension && view_has(database, (enum metric_id)i)) {
            json_object_set_new(document, metric->name, number_json(database->values[i]));
        }
    }
    return document;
}

static json_t *pools_json(const struct view *view, const struct view_database *database)
{
    json_t *document = json_object();

    for (size_t i = 0; i < database->pool_count; i++) {
        const struct view_pool *pool = &database->pools[i];
        json_t *numbers = json_object();

        for (int j = 0; j < METRIC_COUNT; j++) {
            double value = view_pool_value(pool, (enum metric_id)j, view->now_ms);

            if (j != METRIC_POOL_TIMEOUT && !isnan(value)) {
                json_object_set_new(numbers, metric_get((enum metric_id)j)->name,
                                    number_json(value));
            }
        }
        json_object_set_new(numbers, "timeouts_60s",
                            number_json(view_timeouts(pool, view->now_ms)));
        json_object_set_new(numbers, "error", json_text(pool->trouble));
        json_object_set_new(document, pool->name, numbers);
    }
    return document;
}

static json_t *database_json(const struct view *view, const struct view_database *database)
{
    bool up = database->is_up;

    return json_pack(
        "{s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
        json_text(database->database->name), "up", up, "error",
        json_text(database->is_known && !up ? database->err.message : NULL), "connections",
        up ? number_json(database->values[METRIC_DATABASE_CONNECTIONS]) : json_null(), "usable",
        number_json(database->values[METRIC_MAX_CONNECTIONS]), "metrics", metrics_json(database),
        "applications", holders_json(database, &database->applications), "databases",
        holders_json(database, &database->databases), "pools", pools_json(view, database));
}

json_t *line_json(const struct view *view)
{
    json_t *databases = json_array();
    struct buf time;

    buf_init(&time, 64);
    add_time(view->now_ms, &time);
    for (size_t i = 0; i < view->count; i++) {
        json_array_append_new(databases, database_json(view, &view->databases[i]));
    }
    json_t *document = json_pack("{s:s, s:o}", "time", buf_text(&time), "databases", databases);
    buf_done(&time);
    return document;
}
