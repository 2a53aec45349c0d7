/*
 * The alarms that are wanted: from a row of alarm_kinds.h, a database's configuration and its live
 * limit to what CloudWatch is to hold. Pure.
 *
 * `<database>` in an alarm's name is the identifier, so that agents that call one server by
 * different names provision one alarm. Thresholds are rounded to six decimals: 80 % of 47 is 37.6,
 * in what is sent, printed and compared. Alarms omit the unit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/config.h"
#include "aws/cloudwatch.h"

struct alarm_context {
    const struct config *config;
    const struct config_database *database;
    const struct config_pool *pool; /* of an ALARM_OF_POOL; else not looked at */
    double usable;                  /* connections; 0: not known */
    const char *instance;           /* as Aurora itself says; NULL: not known, or no Aurora */
};

/* "rds-high-connections-orders", "pool-waiting-orders-api" with the prefix; owned by the caller. */
char *alarm_name(const struct alarm_context *context, enum alarm_kind kind);

/*
 * The instance whose AWS/RDS metrics are the database's; owned by the caller. What Aurora says;
 * else the first label of an instance's endpoint; else the identifier. ERR_CONFIG: behind a
 * cluster's endpoint only asking tells.
 */
PW_CHECK bool alarm_instance(const struct alarm_context *context, char **out, struct err *err);

/*
 * Fills name, namespace, metric and dimensions of *out only, whether the alarm is on or off.
 * cloudwatch_alarm_done() frees it. ERR_CONFIG: see alarm_instance().
 */
PW_CHECK bool alarm_watched(const struct alarm_context *context, enum alarm_kind kind,
                            struct cloudwatch_alarm *out, struct err *err);

/*
 * Fills all of *out when the alarm is wanted. ERR_ABSENT: it is off. ERR_CONFIG: a percentage
 * without a known limit, or see alarm_instance(): the message says what to give instead.
 */
PW_CHECK bool alarm_wanted(const struct alarm_context *context, enum alarm_kind kind,
                           struct cloudwatch_alarm *out, struct err *err);

/* Something a person should know beside the alarm ("no pool is configured yet"), or "". */
const char *alarm_note(const struct alarm_context *context, enum alarm_kind kind);
