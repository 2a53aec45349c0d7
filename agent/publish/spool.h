/*
 * The queue of datums that CloudWatch has not acknowledged yet. In memory; the interface is what a queue on disk needs.
 *
 * Bounded in bytes: when it is full the oldest are dropped and counted. Datums older than two weeks (CloudWatch's limit) are dropped
 * when they come up. Order out: the newest window first (what people look at now), then the oldest first.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "aws/cloudwatch.h"

struct spool;

struct spool_record {
    uint64_t id;
    int64_t start_ms;
    char *members;
    bool in_flight_before; /* was sent once and its answer was lost */
};

struct spool *spool_new(int64_t limit_bytes);
void spool_free(struct spool *spool);

void spool_push(struct spool *spool, int64_t start_ms, const char *members);

/*
 * The next records to send: at most max_count and max_bytes (as cloudwatch_entry_size counts). Returns how many; out points into the spool, valid
 * until the next call that changes it. They stay in the spool until spool_ack() or spool_drop().
 */
size_t spool_next(struct spool *spool, int64_t now_ms, size_t max_count, size_t max_bytes,
                  const struct spool_record **out);

void spool_ack(struct spool *spool, const uint64_t *ids, size_t count);  /* CloudWatch has them */
void spool_drop(struct spool *spool, const uint64_t *ids, size_t count); /* given up: counted */
void spool_mark_ambiguous(struct spool *spool, const uint64_t *ids, size_t count);

size_t spool_count(const struct spool *spool);
int64_t spool_bytes(const struct spool *spool);
uint64_t spool_dropped(const struct spool *spool); /* since the start: no room, too old, given up */
