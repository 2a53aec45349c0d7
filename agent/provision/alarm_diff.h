/*
 * What is different between the alarm that is wanted and the one that exists, field by field. Pure.
 *
 * State, ARN and time stamps do not count; absent means the service's default; dimensions and
 * actions compare as sets, thresholds as what a person would call the same number.
 *
 * What a person did to an alarm of ours is theirs and stays: actions that they added, and actions
 * that they switched off, because an agent that restarts must not page them in the middle of their
 * work. An action that we set and that is configured no longer goes.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "agent/provision/owner.h"
#include "aws/cloudwatch.h"
#include "aws/common/buf.h"

/* Takes over into wanted what is a person's, as far as there is room (5 actions a list). */
void alarm_diff_merge(struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing,
                      const struct owner *owner);

/*
 * Appends {"field", "old", "new"} for each field that differs; existing NULL: there is none yet,
 * and old is null everywhere. Values are as in the alarm; what it watches is one text.
 */
void alarm_diff(const struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing,
                json_t *changes);

/* Appends one more such change; NULL is null. */
void alarm_diff_add(json_t *changes, const char *field, const char *old, const char *new_);

/* "threshold: 37.6 → 77.6, actions: +arn:… -arn:…, description" */
void alarm_diff_print(const json_t *changes, struct buf *out);

/* Same namespace, metric and dimensions: the alarm watches what ours would watch. */
bool alarm_same_metric(const struct cloudwatch_alarm *wanted,
                       const struct cloudwatch_alarm *existing);

/* The same but for the dimensions' values. */
bool alarm_like_metric(const struct cloudwatch_alarm *wanted,
                       const struct cloudwatch_alarm *existing);

/* "AWS/RDS DatabaseConnections {DBInstanceIdentifier=orders}": what an alarm watches. */
void alarm_print_metric(const struct cloudwatch_alarm *alarm, struct buf *out);
