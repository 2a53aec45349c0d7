/*
 * The graphs of a dashboard: one database's in full, and all databases in a few. Pure. Only what
 * the configured set of metrics publishes is drawn.
 */
#pragma once

#include "agent/provision/dashboard.h"
#include "agent/provision/page.h"

void graphs_of_database(struct page *page, const struct config *config,
                        const struct config_database *database,
                        const struct dashboard_database *known);

/* databases: in the configuration's order. */
void graphs_of_all(struct page *page, const struct config *config,
                   const struct dashboard_database *databases);
