/*
 * The open windows: readings go in, closed windows come out as datums.
 *
 * A window is at most a minute, aligned to the wall clock (UTC). Late readings (a slow answer asked for before the minute's end) find
 * their own window as long as it is open. PoolTimeout is also added up per database and, with `rollup`, once
 * without any dimension. Which metrics are kept is decided here, by the configured set.
 */
#pragma once

#include <stdint.h>

#include "agent/config.h"
#include "agent/publish/series.h"
#include "aws/cloudwatch.h"

/* Series one window keeps; more are dropped and counted. */
#define WINDOW_SERIES_MAX 100000

struct windows;

struct windows_options {
    int length_ms; /* of a window: a divisor of a minute */
    enum metric_set metrics;
    bool rollup;
    int resolution_s;
    const struct config_pairs *dimensions; /* added to every metric but the dimensionless; borrowed */
};

struct windows *windows_new(const struct windows_options *options);
void windows_free(struct windows *windows);

/* After a reload. dimensions as above; what is open goes on. */
void windows_configure(struct windows *windows, const struct windows_options *options);

void windows_put(struct windows *windows, const struct reading *reading);

/* A closed datum: its window's start and its members (cloudwatch_encode_datum). Borrowed until it returns. */
typedef void window_on_datum(void *arg, int64_t start_ms, const char *members);

/* Closes every window that ends at or before `until_ms` (INT64_MAX: all, also an unfinished one), oldest first. */
void windows_close(struct windows *windows, int64_t until_ms, window_on_datum *on_datum, void *arg);

/* Readings that could not be kept (their window is closed already, or too many series), since the last call. */
uint64_t windows_dropped(struct windows *windows);
