/*
 * The alarms that are wanted, as one table: from a database's configuration and its live limit to
 * what CloudWatch is to hold. Pure.
 *
 * `<database>` in an alarm's name is the DBInstanceIdentifier, so that agents that call one server
 * by different names provision one alarm. Thresholds are rounded to six decimals: 80 % of 47 is
 * 37.6, in what is sent, printed and compared. Alarms omit the unit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/config.h"
#include "aws/cloudwatch.h"

/* Tag that says an alarm is ours. */
#define ALARM_TAG_KEY   "managed-by"
#define ALARM_TAG_VALUE "poolwarden"
#define ALARM_TAGS_MAX  50 /* of a resource */

struct alarm_context {
    const struct config *config;
    const struct config_database *database;
    double usable; /* connections; 0: not known */
    bool has_pool; /* a pool of this database is configured */
};

/* "high_connections": the configuration's key. */
const char *alarm_key(enum alarm_kind kind);

/* "rds-high-connections-orders" with the prefix; owned by the caller. */
char *alarm_name(const struct config_database *database, enum alarm_kind kind);

/*
 * Fills *out (cloudwatch_alarm_done() frees it) when the alarm is wanted. ERR_ABSENT: it is off.
 * ERR_CONFIG: a percentage without a known limit: says to give an absolute number.
 */
PW_CHECK bool alarm_wanted(const struct alarm_context *context, enum alarm_kind kind,
                           struct cloudwatch_alarm *out, struct err *err);

/* Something a person should know beside the alarm ("no pool is configured yet"), or "". */
const char *alarm_note(const struct alarm_context *context, enum alarm_kind kind);

/* A pool of this database is configured, or unnamed ones are taken for it. */
bool alarm_has_pool(const struct config *config, const struct config_database *database);

/* The tags of a new alarm: ours, and the configured ones, which are borrowed. Returns how many. */
size_t alarm_tags(const struct config_database *database,
                  struct cloudwatch_tag out[ALARM_TAGS_MAX]);

/* Do an alarm's tags say that it is ours? */
bool alarm_is_tagged(const struct cloudwatch_tag *tags, size_t count);
