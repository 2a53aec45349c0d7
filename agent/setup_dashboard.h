/*
 * --setup-dashboard: looks at every database once (an Aurora instance tells its name), asks each
 * region for the alarms that exist, brings the dashboards to what is wanted, prints one line a
 * dashboard and where to open it.
 *
 *     + poolwarden-Application  (14 widgets)
 *       https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/...
 *
 * As JSON: {"dashboards": [{"action", "name", "url", "detail", "changes": [{"field": "body", "old",
 * "new"}]}], "dry_run": false}
 */
#pragma once

#include "agent/cli.h"
#include "agent/config.h"

/* As setup_run(). */
int setup_dashboard_run(const struct config *config, const struct cli *cli);
