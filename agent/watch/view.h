/*
 * What --watch shows: the newest readings of each database and pool, made ready to be drawn. Pure:
 * readings in, the picture's numbers out.
 *
 *     view_init(&view, config);
 *     view_put(&view, &reading);                        as a sink
 *     view_outcome(&view, database, tick_ms, err);      how each tick ended
 *     frame_render(&view, ...), line_render(&view, ...)
 *     view_done(&view);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/sample/source.h"
#include "agent/watch/history.h"

#define VIEW_HOLDERS_MAX     16
#define VIEW_POOLS_MAX       32
#define VIEW_TIMEOUTS_OVER_S 60
#define VIEW_POOL_FRESH_MS   5000 /* a pool that was not read for longer is not what it was */

struct view_holder {
    char *name;
    double connections;
    int64_t time_ms; /* of the sample it belongs to */
};

struct view_holders {
    struct view_holder items[VIEW_HOLDERS_MAX]; /* as they came; see view_largest() */
    size_t count;
};

struct view_pool {
    char *name;
    double values[METRIC_COUNT]; /* newest; NAN: never told */
    int64_t times_ms[METRIC_COUNT];
    struct history timeouts;
    char *trouble; /* why it can not be seen; NULL: it can */
};

struct view_database {
    const struct config_database *database; /* borrowed */
    char *server;                           /* "poolwarden@10.0.1.7:5432/orders" */
    double values[METRIC_COUNT];            /* newest; NAN: never told */
    int64_t times_ms[METRIC_COUNT];
    bool is_up, is_known; /* known: a tick has ended */
    bool is_full;         /* down, because every slot is taken */
    struct err err;       /* why it is down */
    int64_t down_since_ms;
    struct history connections;
    struct view_holders applications, databases;
    struct view_pool *pools;
    size_t pool_count;
};

struct view {
    struct view_database *databases;
    size_t count;
    int64_t now_ms; /* of the newest tick */
};

void view_init(struct view *view, const struct config *config);
void view_done(struct view *view);
void view_put(struct view *view, const struct reading *reading);
void view_outcome(struct view *view, const struct config_database *database, int64_t now_ms,
                  const struct err *err);

/* A pool that is shown from now on, readings or not. trouble: NULL for none. */
void view_pool_state(struct view *view, const struct config_pool *pool, const char *trouble);

/* Is the metric of the same sample as the connections? Else it is old, or can not be seen. */
bool view_has(const struct view_database *database, enum metric_id metric);

/* Holders of the newest sample, largest first, those with nothing left out; how many there are. */
size_t view_largest(const struct view_database *database, const struct view_holders *holders,
                    const struct view_holder *out[VIEW_HOLDERS_MAX]);

/* NAN: not told, or too long ago. */
double view_pool_value(const struct view_pool *pool, enum metric_id metric, int64_t now_ms);

/* Of the last minute; NAN: nobody counts them. */
double view_timeouts(const struct view_pool *pool, int64_t now_ms);
