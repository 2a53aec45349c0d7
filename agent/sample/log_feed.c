#include "agent/sample/log_feed.h"

#include "agent/log.h"
#include "aws/time.h"

void log_feed_init(struct log_feed *feed, const char *path, const char *match,
                   const struct config_list *databases, const struct pool_options *options)
{
    feed->told = false;
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

void log_feed_tick(struct log_feed *feed, const struct pool_source *source, int64_t tick_ms)
{
    const char *name = source->source.name;
    struct err err;

    if (!log_file_read(&feed->file, &err)) {
        if (!feed->told) {
            log_warn("%s: %s; its PoolTimeout is not published until the file can be read", name,
                     err.message);
        }
        feed->told = true;
        return;
    }
    if (feed->told) {
        log_info("%s: %s is there now", name, feed->file.path);
        feed->told = false;
    }
    if (log_file_lost(&feed->file)) {
        log_warn("%s: %s was replaced, and the rest of what it held is not to be found (compressed "
                 "at once?): its lines do not count",
                 name, feed->file.path);
    }
    note_position(feed, tick_ms);
    log_count_give(&feed->count, source, tick_ms);
}
