/*
 * What an alarm tells the person who is woken up: what it means, what to run first, where to look
 * then. Pure.
 */
#pragma once

#include "agent/provision/alarms.h"

/*
 * The description of an alarm that is filled but for it; owned by the caller, 1024 characters at
 * most. It is part of the comparison, so it holds nothing that changes while the threshold does
 * not.
 */
char *alarm_text(const struct alarm_context *context, enum alarm_kind kind,
                 const struct cloudwatch_alarm *alarm);
