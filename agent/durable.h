/*
 * What an outlet has on disk, in a directory of its region and namespace (destination.h): the
 * queue's segments, and the journal of the windows that are open.
 *
 *     durable_open(&options, &durable);             NULL where there is none: all below take that
 *     durable_put(durable, &reading);               beside windows_put()
 *     durable_close_windows(durable, until_ms);     after windows_close()
 *     durable_free(durable);                        before the spool
 *
 * What an earlier run left is taken up when it is opened: datums into the spool, readings into the
 * windows, as though there had been no end.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "agent/publish/spool.h"
#include "agent/publish/window.h"

struct durable;

struct durable_options {
    uv_loop_t *loop;
    const char *state_dir; /* NULL: memory only; here and below */
    const char *region;
    const char *namespace_;
    int64_t limit_bytes;
    struct spool *spool;     /* borrowed */
    struct windows *windows; /* borrowed */
};

/* ambiguous: datums that were in flight when the earlier run ended. What can not be used is logged,
 * and memory serves. */
struct durable *durable_open(const struct durable_options *options, size_t *ambiguous);
void durable_put(struct durable *durable, const struct reading *reading);
void durable_close_windows(struct durable *durable, int64_t until_ms);
void durable_free(struct durable *durable);
