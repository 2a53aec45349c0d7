/*
 * What was told of failing alarms, so that a failure that lasts is told once. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct told {
    struct told_line *lines;
    size_t count; /* as many as alarms have failed at most */
};

/* Notes why an alarm fails (NULL: it does not any more); was the same said the last time? */
bool told_before(struct told *told, const char *alarm, const char *reason);
void told_done(struct told *told);
