#include "agent/durable.h"

#include <stdlib.h>
#include <string.h>

#include "agent/destination.h"
#include "agent/log.h"
#include "agent/publish/journal.h"
#include "agent/publish/store.h"
#include "aws/common/mem.h"

/* In a flood of datagrams a write a turn of the loop would be a third of what they cost. */
#define WRITES_AT_ONCE 8 /* in SLOT_MS; what comes later waits for the next, or for company */
#define SLOT_MS        100
#define COMPANY_BYTES  16384

/* When what was read is written; its own allocation, because it closes later than its owner. */
struct writer {
    uv_prepare_t before_poll;
    uv_timer_t next_slot;
    struct journal *journal;
    uint64_t slot_ms; /* the loop's clock: when it began */
    int writes;       /* in it */
    int closing;
};

struct durable {
    struct durable_options options;
    struct journal *journal;
    struct writer *writer;
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
static void write_turn(struct writer *writer)
{
    uint64_t now_ms = uv_now(writer->before_poll.loop);
    size_t unwritten = journal_unwritten(writer->journal);

    if (unwritten == 0) {
        return;
    }
    if (now_ms - writer->slot_ms >= SLOT_MS) {
        writer->slot_ms = now_ms;
        writer->writes = 0;
    }
    if (writer->writes < WRITES_AT_ONCE || unwritten >= COMPANY_BYTES) {
        writer->writes++;
        journal_flush(writer->journal);
    }
}

static void on_next_slot(uv_timer_t *next_slot)
{
    write_turn(next_slot->data);
}

static void on_before_poll(uv_prepare_t *before_poll)
{
    struct writer *writer = before_poll->data;

    write_turn(writer);
    if (journal_unwritten(writer->journal) > 0 &&
        !uv_is_active((uv_handle_t *)&writer->next_slot)) {
        uv_timer_start(&writer->next_slot, on_next_slot, SLOT_MS, 0);
    }
}

static struct writer *writer_new(uv_loop_t *loop, struct journal *journal)
{
    struct writer *writer = mem_alloc(sizeof(*writer));

    writer->journal = journal;
    uv_prepare_init(loop, &writer->before_poll);
    writer->before_poll.data = writer;
    uv_prepare_start(&writer->before_poll, on_before_poll);
    uv_timer_init(loop, &writer->next_slot);
    writer->next_slot.data = writer;
    return writer;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct writer *writer = handle->data;

    if (--writer->closing == 0) {
        free(writer);
    }
}

static void writer_free(struct writer *writer)
{
    writer->closing = 2;
    uv_close((uv_handle_t *)&writer->before_poll, on_handle_closed);
    uv_close((uv_handle_t *)&writer->next_slot, on_handle_closed);
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
        durable->writer = writer_new(options->loop, durable->journal);
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

void durable_free(struct durable *durable)
{
    if (!durable) {
        return;
    }
    writer_free(durable->writer);
    journal_free(durable->journal);
    free(durable);
}
