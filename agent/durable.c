#include "agent/durable.h"

#include <stdlib.h>
#include <string.h>

#include "agent/destination.h"
#include "agent/log.h"
#include "agent/publish/journal.h"
#include "agent/publish/store.h"
#include "aws/common/mem.h"

struct durable {
    struct durable_options options;
    struct journal *journal;
    uv_prepare_t *before_poll; /* its own allocation, because it closes later than this */
};

/* --- Where ------------------------------------------------------------------------------------ */

static bool make_parent(const char *state_dir, struct err *err)
{
    char *dir = mem_printf("%s/spool", state_dir);
    bool ok = store_make_dir(dir, err);

    free(dir);
    return ok;
}

static void tell_destination(const struct durable_options *options, const char *dir)
{
    struct err err;

    if (!destination_write(dir, options->region, options->namespace_, &err)) {
        log_warn("%s; what waits in there would not be sent after a change of region or namespace",
                 err.message);
    }
}

/* --- What an earlier run left ----------------------------------------------------------------- */

static void tell(const char *dir, const struct spool_found *found,
                 const struct journal_found *journal)
{
    size_t damaged = found->damaged + journal->damaged;

    if (found->datums > 0) {
        log_info("%zu datums of an earlier run wait for CloudWatch", found->datums);
    }
    if (found->ambiguous > 0) {
        log_warn("%zu of them were being sent when it ended: they are sent again, and may count "
                 "twice",
                 found->ambiguous);
    }
    if (journal->readings > 0) {
        log_info("%zu readings of an earlier run go into their windows", journal->readings);
    }
    if (damaged > 0) {
        log_error("%s: damaged in %zu places; what is undamaged is used", dir, damaged);
    }
    if (found->foreign > 0) {
        log_warn("%s: %zu files are not poolwarden's and are left alone, like %s", dir,
                 found->foreign, found->example);
    }
    if (found->err.code != ERR_NONE || journal->err.code != ERR_NONE) {
        log_error("not all of an earlier run can be read: %s",
                  found->err.code != ERR_NONE ? found->err.message : journal->err.message);
    }
}

static void put_in_window(void *arg, const struct reading *reading)
{
    windows_put(arg, reading);
}

static bool take_up(struct durable *durable, const char *dir, size_t *ambiguous, struct err *err)
{
    const struct durable_options *options = &durable->options;
    const struct journal_options journal = {
        .loop = options->loop, .dir = dir, .limit_bytes = options->limit_bytes};
    const struct sink sink = {.put = put_in_window, .arg = options->windows};
    struct spool_found found;
    struct journal_found readings;

    if (!make_parent(options->state_dir, err) ||
        !spool_keep_in(options->spool, options->loop, dir, &found, err) ||
        !journal_open(&journal, &durable->journal, err)) {
        return false;
    }
    journal_replay(durable->journal, found.closed.first_journal, found.closed.until_ms, &sink,
                   &readings);
    tell(dir, &found, &readings);
    *ambiguous = found.ambiguous;
    return true;
}

/* --- Life ------------------------------------------------------------------------------------- */

/* All that one turn of the loop has read is one write. */
static void on_before_poll(uv_prepare_t *before_poll)
{
    struct durable *durable = before_poll->data;

    journal_flush(durable->journal);
}

static void watch_turns(struct durable *durable)
{
    durable->before_poll = mem_alloc(sizeof(*durable->before_poll));
    uv_prepare_init(durable->options.loop, durable->before_poll);
    durable->before_poll->data = durable;
    uv_prepare_start(durable->before_poll, on_before_poll);
}

struct durable *durable_open(const struct durable_options *options, size_t *ambiguous)
{
    struct durable *durable;
    struct err err;

    *ambiguous = 0;
    if (!options->state_dir || !options->region) {
        return NULL;
    }
    durable = mem_alloc(sizeof(*durable));
    durable->options = *options;
    char *dir = destination_dir(options->state_dir, options->region, options->namespace_);
    if (take_up(durable, dir, ambiguous, &err)) {
        tell_destination(options, dir);
        watch_turns(durable);
    } else {
        log_warn("%s; what waits for CloudWatch is in memory only, and lost by a crash",
                 err.message);
        free(durable);
        durable = NULL;
    }
    free(dir);
    return durable;
}

void durable_put(struct durable *durable, const struct reading *reading)
{
    if (durable) {
        journal_add(durable->journal, reading);
    }
}

void durable_close_windows(struct durable *durable, int64_t until_ms)
{
    if (!durable) {
        return;
    }
    uint64_t first = journal_turn(durable->journal, windows_oldest_ms(durable->options.windows));
    const struct keep_closed closed = {.first_journal = first,
                                       .until_ms = until_ms == INT64_MAX ? INT64_MIN : until_ms};

    spool_close_windows(durable->options.spool, &closed);
    journal_forget(durable->journal, first);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle);
}

void durable_free(struct durable *durable)
{
    if (!durable) {
        return;
    }
    uv_prepare_stop(durable->before_poll);
    uv_close((uv_handle_t *)durable->before_poll, on_watch_closed);
    journal_free(durable->journal);
    free(durable);
}
