/*
 * The alarms that are wanted, as one table: from a database's configuration and its live limit to what CloudWatch is to hold. Pure.
 */
#pragma once

#include <stdbool.h>

#include "agent/config.h"
#include "aws/cloudwatch.h"

/* Tag that says an alarm is ours. */
#define ALARM_TAG_KEY   "managed-by"
#define ALARM_TAG_VALUE "poolwarden"

struct alarm_context {
    const struct config *config;
    const struct config_database *database;
    double usable; /* connections; 0: not known */
    bool has_pool; /* a pool of this database is configured */
};

/* "rds-high-connections-orders" with the prefix; owned by the caller. */
char *alarm_name(const struct config_database *database, enum alarm_kind kind);

/*
 * Fills *out (cloudwatch_alarm_done() frees it) when the alarm is wanted. ERR_ABSENT: it is off. ERR_CONFIG: a percentage without a known limit:
 * says to give an absolute number.
 */
PW_CHECK bool alarm_wanted(const struct alarm_context *context, enum alarm_kind kind,
                           struct cloudwatch_alarm *out, struct err *err);
