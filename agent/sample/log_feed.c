#include "agent/sample/log_feed.h"

#include <stdlib.h>

#include "agent/log.h"
#include "aws/common/mem.h"
#include "aws/time.h"

void log_feed_init(struct log_feed *feed, const char *path, const char *match,
                   const struct config_list *databases, const struct pool_options *options)
{
    feed->place = positions_open(options->positions, options->pool->name, path);
    const struct position start = positions_of(feed->place);

    log_count_init(&feed->count, match, databases);
    log_file_init(&feed->file, path, &start, log_count_line, &feed->count);
    if (start.known && feed->count.rules) {
        log_rules_set_shapes(feed->count.rules, start.shapes, time_now_ms());
    }
}

void log_feed_done(struct log_feed *feed)
{
    log_file_done(&feed->file);
    log_count_done(&feed->count);
}

static void note_position(struct log_feed *feed, int64_t tick_ms)
{
    struct position position = log_file_position(&feed->file);

    if (feed->count.rules) {
        position.shapes = log_rules_shapes(feed->count.rules);
    }
    positions_note(feed->place, tick_ms, &position);
}

/* Said once, whatever keeps it from being read meanwhile. */
static void tell_unreadable(struct pool_source *source, const struct err *err)
{
    if (!source->log_trouble && !source->quiet) {
        log_warn("%s: %s; its PoolTimeout is not published until the file can be read",
                 source->source.name, err->message);
    }
    free(source->log_trouble);
    source->log_trouble = mem_strdup(err->message);
}

static void tell_readable(const struct log_feed *feed, struct pool_source *source)
{
    if (source->log_trouble && !source->quiet) {
        log_info("%s: %s is there now", source->source.name, feed->file.path);
    }
    free(source->log_trouble);
    source->log_trouble = NULL;
}

void log_feed_tick(struct log_feed *feed, struct pool_source *source, int64_t tick_ms)
{
    enum pool_reader reader = pool_log_reader(source);
    const char *name = source->source.name;
    struct err err;

    if (reader == POOL_READER_UNKNOWN) {
        return;
    }
    if (!log_file_read(&feed->file, &err)) {
        if (reader == POOL_READ_HERE) {
            tell_unreadable(source, &err);
        }
        return;
    }
    tell_readable(feed, source);
    if (log_file_lost(&feed->file)) {
        log_warn("%s: %s was replaced, and the rest of what it held is not to be found (compressed "
                 "at once?): its lines do not count",
                 name, feed->file.path);
    }
    note_position(feed, tick_ms);
    if (reader == POOL_READ_HERE) {
        log_count_give(&feed->count, source, tick_ms);
    } else {
        log_count_forget(&feed->count);
    }
}
