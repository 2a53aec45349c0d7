/*
 * --once: samples every database once and prints what was read, for people as a table, for programs
 * as JSON:
 *
 *     {"databases": [{"name": "orders", "identifier": "orders", "server":
 * "agent@10.0.1.7:5432/orders", "up": true, "error": null, "usable_connections": 47, "metrics":
 * [{"name": "DatabaseConnections", "unit": "Count", "value": 12, "dimensions":
 * {"DBInstanceIdentifier": "orders"}}, ...]}]}
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/* Runs to its end; the exit status: EXIT_DONE, or EXIT_FAILED when a database could not be sampled.
 */
int once_run(const struct config *config, enum cli_format format);
