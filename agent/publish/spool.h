/*
 * The queue of datums that CloudWatch has not acknowledged yet: in memory, and with spool_keep_in()
 * on disk too (keep.h), so that a restart, a crash, kill -9 lose nothing.
 *
 *     spool_push(spool, start_ms, members); ... spool_close_windows(spool, &closed);
 *     size_t count = spool_next(spool, now_ms, 1000, bytes, records);
 *     spool_mark(spool, ids, count);
 *     ... send, and when CloudWatch has taken them ...
 *     spool_ack(spool, ids, count);
 *
 * Order out: the window that arrived last first (what people look at now), then the oldest first.
 * What an earlier run left comes oldest first.
 *
 * Bounded in bytes, its own included: when it is full the oldest are dropped. What CloudWatch takes
 * no more (two weeks) is dropped when it comes up; what it does not take yet (two hours ahead: a
 * clock that was wrong) stays until it does. All that is dropped is counted.
 *
 * Everything is in memory, whether on disk or not, so that a disk that fills up or fails costs
 * nothing but the safety against a crash: it is said, and tried again at each closing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "agent/publish/keep.h"

struct spool;

struct spool_record {
    uint64_t id; /* ascending in the order of arrival */
    int64_t start_ms;
    const char *members; /* from cloudwatch_encode_datum() */
    uint64_t segment;    /* on disk; 0: in memory only */
    bool moves;          /* is to be written to a later one */
};

struct spool *spool_new(int64_t limit_bytes);
void spool_free(struct spool *spool); /* NULL is fine */

/* What an earlier run left, and what was wrong with it. */
struct spool_found {
    size_t datums;
    size_t ambiguous; /* of them: they were in flight, and nobody knows whether they arrived */
    size_t damaged;   /* places where records can not be read: as many are lost, at least */
    size_t foreign;   /* files that are none of ours; left alone */
    char example[256];
    struct err err; /* what could not be read; ERR_NONE */
    struct keep_closed closed;
};

/*
 * From now on in this directory too, which is made; takes up what is in it. What was pushed before
 * is newer. While nothing is being sent. false: it can not be used, and memory serves. One process
 * at a time: that is the caller's to see to.
 */
PW_CHECK bool spool_keep_in(struct spool *spool, uv_loop_t *loop, const char *dir,
                            struct spool_found *found, struct err *err);

/* Oldest window first. */
void spool_push(struct spool *spool, int64_t start_ms, const char *members);

/* From from_ms to to_ms the clock was off: what this run has pushed of that time starts so much
 * later. On disk it stays as it was. */
void spool_move(struct spool *spool, int64_t from_ms, int64_t to_ms, int64_t by_ms);

/* Pushes all that one holds to another, and empties it. While nothing is being sent from it. */
void spool_give(struct spool *from, struct spool *to);

/* What was pushed since the last call is all of its windows: to the disk. */
void spool_close_windows(struct spool *spool, const struct keep_closed *closed);
bool spool_is_on_disk(const struct spool *spool); /* and all is well with it */

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

/*
 * These are being sent, in place of those of the last call; count 0: none is, or it is certain that
 * they were not taken. After a crash they are counted as ambiguous. It is written, but nobody waits
 * until the disk has it: when the power fails within those milliseconds only the count is too low.
 */
void spool_mark(struct spool *spool, const uint64_t *ids, size_t count);

/* Ids that are gone already are fine. */
void spool_ack(struct spool *spool, const uint64_t *ids, size_t count);  /* CloudWatch has them */
void spool_drop(struct spool *spool, const uint64_t *ids, size_t count); /* given up: counted */

size_t spool_count(const struct spool *spool);
int64_t spool_bytes(const struct spool *spool);
uint64_t spool_dropped(const struct spool *spool); /* since the start: no room, too old, given up,
                                                      damaged on disk */
