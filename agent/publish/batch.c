#include "agent/publish/batch.h"

#include <string.h>

static struct cloudwatch_entry entry_of(const struct spool_record *record)
{
    return (struct cloudwatch_entry){.timestamp_s = record->start_ms / 1000,
                                     .members = record->members};
}

void batch_fill(struct batch *batch, const struct batch_source *source, size_t max_count)
{
    const struct spool_record *records[CLOUDWATCH_DATUMS_MAX];
    size_t most = max_count < CLOUDWATCH_DATUMS_MAX ? max_count : CLOUDWATCH_DATUMS_MAX;
    size_t bytes = CLOUDWATCH_BODY_MAX - cloudwatch_put_overhead(source->namespace_);

    batch->count = spool_next(source->spool, source->now_ms, most, bytes, records);
    batch->sent = batch->count;
    for (size_t i = 0; i < batch->count; i++) {
        batch->entries[i] = entry_of(records[i]);
        batch->ids[i] = records[i]->id;
    }
}

void batch_renew(struct batch *batch, const struct spool *spool)
{
    size_t count = 0, sent = 0;

    for (size_t i = 0; i < batch->count; i++) {
        const struct spool_record *record = spool_find(spool, batch->ids[i]);

        if (record) {
            batch->entries[count] = entry_of(record);
            batch->ids[count++] = record->id;
            sent += i < batch->sent ? 1 : 0;
        }
    }
    batch->count = count;
    batch->sent = sent > 0 ? sent : count;
}

static void remove_sent(struct batch *batch)
{
    size_t left = batch->count - batch->sent;

    memmove(batch->ids, batch->ids + batch->sent, left * sizeof(*batch->ids));
    memmove(batch->entries, batch->entries + batch->sent, left * sizeof(*batch->entries));
    batch->count = left;
}

/* The bad datum is among the rest, and not among the first half if the second is refused. */
void batch_accepted(struct batch *batch, struct spool *spool)
{
    spool_ack(spool, batch->ids, batch->sent);
    remove_sent(batch);
    batch->sent = (batch->count + 1) / 2;
}

void batch_refused(struct batch *batch)
{
    batch->count = batch->sent;
    batch->sent = batch->count / 2;
}

/* Whether there is a second bad one among the rest is open: it goes as a whole. */
void batch_drop_refused(struct batch *batch, struct spool *spool)
{
    spool_drop(spool, batch->ids, batch->sent);
    remove_sent(batch);
    batch->sent = batch->count;
}

void batch_pick(struct batch *batch, size_t index)
{
    batch->entries[0] = batch->entries[index];
    batch->ids[0] = batch->ids[index];
    batch->count = batch->sent = 1;
}

size_t batch_bytes(const struct batch *batch, const char *namespace_)
{
    size_t bytes = cloudwatch_put_overhead(namespace_);

    for (size_t i = 0; i < batch->sent; i++) {
        bytes += cloudwatch_entry_size(&batch->entries[i]);
    }
    return bytes;
}
