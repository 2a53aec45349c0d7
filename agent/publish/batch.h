/*
 * One PutMetricData request's worth of the spool, under every limit of the API (1,000 datums, 1,000,000 bytes), and its bisection when
 * the service finds one datum bad.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/publish/spool.h"
#include "aws/cloudwatch.h"

struct batch {
    struct cloudwatch_entry entries[CLOUDWATCH_DATUMS_MAX];
    uint64_t ids[CLOUDWATCH_DATUMS_MAX];
    size_t count;
};

/* Takes up to max_count records; clock_offset_ms is added to each timestamp, rounded to whole windows of length_ms. */
void batch_fill(struct batch *batch, struct spool *spool, const char *namespace_, size_t max_count,
                int64_t now_ms, int64_t clock_offset_ms, int length_ms);
