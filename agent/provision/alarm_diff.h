/*
 * What is different between the alarm that is wanted and the one that exists. Pure.
 *
 * State, ARN and time stamps do not count; absent means the service's default; dimensions and
 * actions compare as sets, thresholds as what a person would call the same number.
 *
 * What a person did to an alarm of ours is theirs and stays: actions that they added (one that was
 * removed from the configuration stays too: nothing tells the two apart), and actions that they
 * switched off, because an agent that restarts must not page them in the middle of their work.
 */
#pragma once

#include <stdbool.h>

#include "aws/cloudwatch.h"
#include "aws/common/buf.h"

/* Appends "threshold: 37.6 → 77.6, period: 300 → 60" and returns true when they differ. */
bool alarm_diff(const struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing,
                struct buf *out);

/* Takes over into wanted what is a person's, as far as there is room (5 actions a list). */
void alarm_diff_merge(struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing);

/* Same namespace, metric and dimensions: the alarm watches what ours would watch. */
bool alarm_same_metric(const struct cloudwatch_alarm *wanted,
                       const struct cloudwatch_alarm *existing);

/* "AWS/RDS DatabaseConnections {DBInstanceIdentifier=orders}": what an alarm watches. */
void alarm_print_metric(const struct cloudwatch_alarm *alarm, struct buf *out);
