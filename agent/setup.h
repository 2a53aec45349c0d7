/*
 * --setup-alarms: looks at every database once for its limit, provisions the alarms of every
 * region, prints one line an alarm.
 *
 *     + rds-high-connections-orders      created
 *     ~ rds-high-connections-orders      changed (threshold: 37.6 -> 77.6)
 *     = prisma-pool-timeout-orders       in place
 *     ! monitoring-silent-orders         exists, but is not ours
 *
 * As JSON: {"alarms": [{"action": "create" | "change" | "none" | "foreign" | "fail", "name",
 * "database", "region", "detail"}], "dry_run": false}
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/* EXIT_DONE; EXIT_FAILED when an alarm failed; EXIT_USAGE without a region; EXIT_PENDING with
 * dry_run when something is to be changed. */
int setup_alarms_run(const struct config *config, enum cli_format format, bool dry_run);
