/*
 * --setup-alarms: looks at every database once for its limit, provisions the alarms of every
 * region, prints one line an alarm. --remove-alarms: deletes them, looking at no database.
 *
 *     + rds-high-connections-orders      created
 *     ~ rds-high-connections-orders      changed (threshold: 37.6 -> 77.6)
 *     = prisma-pool-timeout-orders       in place
 *     ! monitoring-silent-orders         exists, but is not ours
 *     - connections-exhausted-orders     deleted
 *
 * As JSON: {"alarms": [{"action": "create" | "change" | "none" | "foreign" | "fail" | "delete",
 * "name", "database", "region", "detail", "changes": [{"field", "old", "new"}]}], "dry_run": false}
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/* mode: MODE_SETUP_ALARMS or MODE_REMOVE_ALARMS. EXIT_DONE; EXIT_FAILED when an alarm failed;
 * EXIT_USAGE without a region; EXIT_PENDING with dry_run when something is to be changed. */
int setup_run(const struct config *config, const struct cli *cli);
