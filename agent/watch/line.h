/*
 * What --watch says where there is no terminal: one line a database and tick. Pure.
 *
 *     2026-11-25T10:12:31Z orders 42/47 (89 %), active 1, idle 40, idle in transaction 1, waiting
 *         for a lock 0, long 0, leaked 0, stale 0, oldest transaction 3 s; web 38, jobs 3
 *     2026-11-25T10:12:32Z orders down for 1 s: connection refused
 *
 * As JSON one object a tick, NDJSON: {"time": "...", "databases": [{"name", "up", "error",
 * "connections", "usable", "metrics": {"ConnectionsActive": 1, ...}, "applications": {"web": 38},
 * "databases": {"orders": 42}, "pools": {"api": {"PoolClientsWaiting": 0, ..., "timeouts_60s":
 * 5}}}]}
 */
#pragma once

#include <jansson.h>

#include "agent/watch/view.h"
#include "aws/common/buf.h"

void line_render(const struct view *view, struct buf *out); /* with their newlines */
json_t *line_json(const struct view *view);                 /* a new reference */
