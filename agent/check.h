/*
 * --check-config: the configuration as it is in force, secrets hidden, and what it will cost.
 *
 * Text: valid agent.conf (but for the hidden secrets), with cost, ignored URL parameters and
 * warnings as comments behind it. JSON, one document; every value of "config" is text as agent.conf
 * would have it:
 *
 *     {"config": {"file": "agent.conf" or null, "agent": {"sample_interval": "1s", ...},
 * "cloudwatch": {...}, "alarms": {...}, "databases": {"orders": {"url":
 * "postgresql://app:***@db:5432/orders", ...}}, "pools": {"workers": {...}}, "statsd": {...} where
 * it is in use}, "cost": {"metrics_set": "core", "core": {"metrics": 7, "requests": 43800,
 * "alarms": 4, "high_resolution_alarms": 0, "metrics_per_unnamed_pool": 1, "metrics_usd": 2.10,
 * "requests_usd": 0.44, "alarms_usd": 0.40, "total_usd": 2.94}, "standard": {...}, "full": {...}},
 *      "ignored": {"orders": "schema, connection_limit"},
 *      "warnings": ["..."]}
 *
 * Costs are US dollars a month, by list price in us-east-1.
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/* Appends the page (text) or the document (JSON) that the mode prints. */
void check_print(const struct config *config, enum cli_format format, struct buf *out);
