/*
 * The queue of datums that CloudWatch has not acknowledged yet. In memory; the interface is what a
 * queue on disk needs: records are known by id, and their text is borrowed.
 *
 *     spool_push(spool, start_ms, members);
 *     size_t count = spool_next(spool, now_ms, 1000, bytes, records);
 *     ... send, and when CloudWatch has taken them ...
 *     spool_ack(spool, ids, count);
 *
 * Order out: the window that arrived last first (what people look at now), then the oldest first.
 *
 * Bounded in bytes, its own included: when it is full the oldest are dropped. What CloudWatch takes
 * no more (two weeks) is dropped when it comes up; what it does not take yet (two hours ahead: a
 * clock that was wrong) stays until it does. All that is dropped is counted.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct spool;

struct spool_record {
    uint64_t id; /* ascending in the order of arrival */
    int64_t start_ms;
    const char *members; /* from cloudwatch_encode_datum() */
};

struct spool *spool_new(int64_t limit_bytes);
void spool_free(struct spool *spool); /* NULL is fine */

/* Oldest window first. */
void spool_push(struct spool *spool, int64_t start_ms, const char *members);

/*
 * The next records to send: at most max_count and max_bytes (as cloudwatch_entry_size() counts; one
 * that is larger by itself comes alone). Returns how many; out has room for max_count and points
 * into the spool, valid until the next push, ack or drop. They stay until spool_ack() or
 * spool_drop().
 */
size_t spool_next(struct spool *spool, int64_t now_ms, size_t max_count, size_t max_bytes,
                  const struct spool_record **out);

/* NULL: gone, because there was no room. Valid as above. */
const struct spool_record *spool_find(const struct spool *spool, uint64_t id);

/* Ids that are gone already are fine. */
void spool_ack(struct spool *spool, const uint64_t *ids, size_t count);  /* CloudWatch has them */
void spool_drop(struct spool *spool, const uint64_t *ids, size_t count); /* given up: counted */

size_t spool_count(const struct spool *spool);
int64_t spool_bytes(const struct spool *spool);
uint64_t spool_dropped(const struct spool *spool); /* since the start: no room, too old, given up */
