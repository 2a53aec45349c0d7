/*
 * A pool's counters out of a followed file: what a log pool is, and what a PgBouncer pool has
 * beside its console.
 */
#pragma once

#include "agent/sample/log_count.h"
#include "agent/sample/log_file.h"

struct log_feed {
    struct log_count count;
    struct log_file file;
    struct place *place;
};

void log_feed_init(struct log_feed *feed, const char *path, const char *match,
                   const struct config_list *databases, const struct pool_options *options);
void log_feed_done(struct log_feed *feed);

/* Reads what has come and gives what it tells: nothing when there is no file, or when another agent
 * counts its lines. */
void log_feed_tick(struct log_feed *feed, struct pool_source *source, int64_t tick_ms);
