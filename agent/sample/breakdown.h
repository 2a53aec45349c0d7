/*
 * DatabaseConnections by database, application and state: the full set's share of a sample.
 *
 * Databases are those that per_database selects, applications the per_application largest
 * (ranking.h); what is left over is `other`. Rows name databases by oid; the names come from a
 * second, rare statement (query_database_names).
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/sample/queries.h"
#include "agent/sample/source.h"

struct breakdown;

struct breakdown *breakdown_new(int per_application);
void breakdown_free(struct breakdown *breakdown); /* NULL is fine */

/* Rows of query_database_names replace what was known. */
void breakdown_take_names(struct breakdown *breakdown, const PGresult *result);

/* Gives all series of one sample; false when it named a database that has no name yet. */
bool breakdown_put(struct breakdown *breakdown, const struct config_database *database,
                   const struct snapshot *snapshot, int64_t tick_ms, const struct sink *sink);
