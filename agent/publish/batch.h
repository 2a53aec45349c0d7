/*
 * One PutMetricData request's worth of the spool, under every limit of the API (1,000 datums,
 * 1,000,000 bytes), and what is left to try of it when the service refuses it.
 *
 *     batch_fill(&batch, &source, 1000);
 *     send the first batch.sent of batch.entries, then
 *       batch_accepted(&batch, spool)            they leave the spool; or
 *       batch_refused(&batch)                    400: the next request is half of it; or
 *       batch_drop_refused(&batch, spool)        the one that was refused alone is given up
 *     batch.count > 0: batch_renew(&batch, spool), and send again
 *
 * A refused batch is bisected: what is known to hold a bad datum stays in the batch, by id, until
 * that datum stands alone, so that what arrives meanwhile does not move the search.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/publish/spool.h"
#include "aws/cloudwatch.h"

struct batch {
    struct cloudwatch_entry entries[CLOUDWATCH_DATUMS_MAX]; /* members: the spool's */
    uint64_t ids[CLOUDWATCH_DATUMS_MAX];
    size_t count; /* in the batch; more than sent only while a bad datum is looked for */
    size_t sent;  /* how many of them, from the first, the next request holds */
};

/* Where a batch comes from. */
struct batch_source {
    struct spool *spool;
    const char *namespace_;
    int64_t now_ms;
};

/* Replaces what was in it; takes at most max_count. */
void batch_fill(struct batch *batch, const struct batch_source *source, size_t max_count);

/* Before it is sent again: what has left the spool leaves the batch. */
void batch_renew(struct batch *batch, const struct spool *spool);

void batch_accepted(struct batch *batch, struct spool *spool);
void batch_refused(struct batch *batch); /* sent > 1 */
void batch_drop_refused(struct batch *batch, struct spool *spool);

/* Only the datum at this index remains. */
void batch_pick(struct batch *batch, size_t index);

/* Bytes of the request before compression. */
size_t batch_bytes(const struct batch *batch, const char *namespace_);
