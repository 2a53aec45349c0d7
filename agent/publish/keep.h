/*
 * What a queue has on disk: segments of checksummed records (record.h, store.h), from which it is
 * made anew after a crash.
 *
 *     keep_open(&options, &keep, &err);
 *     keep_load(keep, &found);                        found.items: oldest first
 *     record.segment = keep_add(keep, id, start_ms, members);     buffered
 *     keep_close_windows(keep, &closed);              writes all that is buffered, and syncs
 *     keep_mark(keep, ids, count);                    these are in flight now; count 0: none is
 *     keep_done(keep, id, segment); keep_flush(keep); acknowledged or given up
 *     keep_free(keep);
 *
 * Datums count only when the record that closes their windows stands behind them; before that the
 * readings they are made of are still in the journal, and make them again. That record is written
 * several times, because without it a whole window's datums would be taken for unfinished.
 *
 * A segment is deleted when none of its datums is waited for, and no older segment is there: newer
 * ones say what of the older ones is done.
 *
 * When the disk is full or fails, that is said once, on_failed names the segment whose datums are
 * to be added anew, and keep_add() gives 0 for "in memory only" until keep_is_usable(), which tries
 * a new segment, says that it works again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "aws/common/err.h"

struct keep;

struct keep_options {
    uv_loop_t *loop;
    const char *dir;
    int64_t limit_bytes; /* of all segments, about */
    /* A sync failed: what is in the current segment may not be there. May add again. */
    void (*on_failed)(void *arg, uint64_t segment);
    void *arg;
};

struct keep_item {
    uint64_t id;
    int64_t start_ms;
    char *members; /* the receiver's from now on */
    uint64_t segment;
    bool in_flight; /* it was sent, and nobody knows what came of it */
};

/* Where the journal begins (journal.h): what is before it stands in datums. */
struct keep_closed {
    uint64_t first_journal;
    int64_t until_ms; /* in later journals, readings before this time are closed too */
};

struct keep_found {
    struct keep_item *items; /* by id; to be freed */
    size_t count;
    struct keep_closed closed;
    uint64_t next_id;
    size_t damaged;    /* places */
    size_t unfinished; /* datums whose windows were not closed */
    size_t foreign;    /* files that are none of ours; left alone */
    char example[256]; /* one of them */
    struct err err;    /* what could not be read; ERR_NONE */
};

PW_CHECK bool keep_open(const struct keep_options *options, struct keep **out, struct err *err);
void keep_free(struct keep *keep); /* NULL is fine */

void keep_load(struct keep *keep, struct keep_found *found);

uint64_t keep_add(struct keep *keep, uint64_t id, int64_t start_ms, const char *members);
void keep_release(struct keep *keep, uint64_t segment); /* one of its datums was added anew */
void keep_done(struct keep *keep, uint64_t id, uint64_t segment);
void keep_flush(struct keep *keep);
void keep_mark(struct keep *keep, const uint64_t *ids, size_t count);

/* next_id: the first id that was not added yet. */
void keep_close_windows(struct keep *keep, const struct keep_closed *closed, uint64_t next_id);

bool keep_is_usable(struct keep *keep);      /* tries, when it was not */
bool keep_is_whole(const struct keep *keep); /* and does not try */

/* The oldest segment, when the segments take too much room and most of that is done with: what is
 * still waited for in it is to be added anew. 0: none. */
uint64_t keep_to_be_moved(const struct keep *keep);
