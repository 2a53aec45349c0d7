/*
 * A diagnosis as it is printed. Pure.
 *
 * Text: a server with nothing to mend is one line; else findings, who holds the slots, the budget.
 * Healthy is one with nothing but advice. JSON, the same of every server:
 *
 *     {"name": "orders", "identifier": "orders", "server": "poolwarden@10.0.1.7:5432/orders",
 *      "examined": true, "error": null, "version": "15.18", "healthy": false, "gaps": [],
 *      "slots": {"max_connections": 50, "reserved": 3, "usable": 47, "used": 42, "available": 5},
 *      "findings": [{"id": "leak", "severity": "critical", "title", "evidence": ["..."], "meaning",
 *                    "remedies": ["SELECT pg_terminate_backend(123);"]}],
 *      "holders": {"application": [{"name": "web", "connections": 40, "active": 1, "idle": 39,
 *                  "idle_in_transaction": 0, "other": 0, "oldest_s": 720.5}], "user": [...],
 *                  "database": [...], "client address": [...]},
 *      "limits": [{"of": "role" | "database", "name": "app", "limit": 30, "used": 12}],
 *      "budget": {"percent": 60, "connections": 28, "in_use": 40, "tasks": 2,
 *                 "connection_limit": {"1": 28, "2": 14, ...}},
 *      "pools": [{"name": "api", "waiting": 0, "max_wait_s": 0, "busy": 3, "idle": 7, "size": 10,
 *                 "timeouts": 0}],
 *      "logins_per_second": 0.5}
 *
 * "slots", "holders", "limits", "budget" and "logins_per_second" are null where they are not known.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "agent/diagnose/finding.h"

struct report_style {
    bool color;
    size_t width; /* characters in a line; statements may be longer, so that they can be copied */
};

void report_text(const struct diagnosis *diagnosis, const struct report_style *style,
                 struct buf *out);
json_t *report_json(const struct diagnosis *diagnosis); /* a new reference */
