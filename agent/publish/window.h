/*
 * The open windows: readings go in, closed windows come out as datums.
 *
 *     struct windows *windows = windows_new(&options);
 *     windows_put(windows, &reading);                        as often as readings arrive
 *     windows_close(windows, boundary_ms, on_datum, self);   at the publish tick
 *     windows_free(windows);
 *
 * A window is at most a minute, aligned to the wall clock (UTC), and its datums are stamped with
 * its start. With a resolution of 1 s it is a second long, whatever length is given: each second
 * gets datums of its own, and still all of them travel in the one request of a publish interval.
 *
 * Late readings (a slow answer asked for before the minute's end) find their own window as long as
 * it is open; after that they are dropped and counted. So are numbers that CloudWatch does not take
 * (not finite, beyond 2^360), and series past WINDOW_SERIES_MAX.
 *
 * A gauge's values are all kept. A counter's are added up, so that a reading of 0 makes a datum of
 * 0, and no reading makes none. PoolTimeout is also added up per database and, with `rollup`, once
 * without any dimension. Which metrics are kept is decided here, by the configured set.
 */
#pragma once

#include <stdint.h>

#include "agent/config.h"
#include "agent/sample/source.h"

#define WINDOW_SERIES_MAX 100000

struct windows;

struct windows_options {
    int length_ms; /* of a window: a divisor of a minute */
    enum metric_set metrics;
    bool rollup;
    int resolution_s; /* 60, or 1 */
    const struct config_pairs
        *dimensions; /* added to every datum that has any; borrowed; NULL: none */
};

struct windows *windows_new(const struct windows_options *options);
void windows_free(struct windows *windows); /* NULL is fine */

/* After a reload. What is open goes on, and gets the new dimensions. */
void windows_configure(struct windows *windows, const struct windows_options *options);

/* Is it of the configured set? What is not, windows_put() leaves out. */
bool windows_want(const struct windows *windows, const struct reading *reading);
void windows_put(struct windows *windows, const struct reading *reading);

/* A closed datum: its window's start and its members (cloudwatch_encode_datum). Borrowed until it
 * returns. */
typedef void window_on_datum(void *arg, int64_t start_ms, const char *members);

/*
 * Closes every window that ends at or before until_ms, oldest first; INT64_MAX: all, unfinished
 * ones too. An until_ms before that of an earlier call says that the clock was set back: everything
 * that is open closes, for nothing more will come, and time starts again from there.
 */
void windows_close(struct windows *windows, int64_t until_ms, window_on_datum *on_datum, void *arg);

/*
 * From from_ms to to_ms the clock was off: open windows of that time move by the offset, in whole
 * windows, and time starts again. Those of an earlier run are of another time and stay. Returns by
 * how much: all else of then is to be moved, too.
 */
int64_t windows_correct(struct windows *windows, int64_t from_ms, int64_t to_ms, int64_t offset_ms);

/* Up to where windows are closed; INT64_MIN: none was yet. */
int64_t windows_closed_ms(const struct windows *windows);

/* Start of the oldest window that is open; INT64_MAX: none is. */
int64_t windows_oldest_ms(const struct windows *windows);

/* Readings that could not be kept, since the last call. */
uint64_t windows_dropped(struct windows *windows);
