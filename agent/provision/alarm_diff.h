/*
 * What is different between the alarm that is wanted and the one that exists. Pure.
 */
#pragma once

#include <stdbool.h>

#include "aws/cloudwatch.h"
#include "aws/common/buf.h"

/*
 * Appends "threshold: 37.6 -> 77.6, period: 300 -> 60" and returns true when they differ. Actions that a person added to the existing
 * one are no difference: alarm_diff_merge() keeps them. State, ARN and time stamps do not count; absent means the default;
 * dimensions and actions compare as sets.
 */
bool alarm_diff(const struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing,
                struct buf *out);

/* Adds to wanted's actions those that only the existing one has, as far as there is room (5 a list). */
void alarm_diff_merge(struct cloudwatch_alarm *wanted, const struct cloudwatch_alarm *existing);

/* Same namespace, metric and dimensions: the alarm watches what ours would watch. */
bool alarm_same_metric(const struct cloudwatch_alarm *wanted,
                       const struct cloudwatch_alarm *existing);
