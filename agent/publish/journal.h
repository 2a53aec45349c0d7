/*
 * The readings of windows that are still open, on disk: after kill -9 they go into the right minute
 * all the same.
 *
 *     journal_open(&options, &journal, &err);
 *     journal_replay(journal, first, until_ms, on_reading, self);      what an earlier run left
 *     journal_add(journal, &reading); ... journal_flush(journal);      when the loop has a moment
 *     first = journal_turn(journal, oldest_open_ms);                   windows were closed;
 *     ... once their datums are kept ...                               first: what is still needed
 *     journal_forget(journal, first);
 *     journal_free(journal);
 *
 * Files are numbered for ever: a new one begins at each turn, and an old one goes when no window is
 * open any more that it has readings of. Metrics are written by name, so that another version can
 * read them. Nothing is synced: a killed process loses what was not flushed, power that fails up to
 * a window.
 *
 * A disk that is full is no reason to stop: it is said once, and tried again at the next turn.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "agent/sample/source.h"
#include "aws/common/err.h"

struct journal;

struct journal_options {
    uv_loop_t *loop;
    const char *dir;
    int64_t limit_bytes; /* of one file; readings beyond it are not written */
};

PW_CHECK bool journal_open(const struct journal_options *options, struct journal **out,
                           struct err *err);
void journal_free(struct journal *journal); /* NULL is fine */

struct journal_found {
    size_t readings;
    size_t damaged; /* places */
    struct err err; /* what could not be read; ERR_NONE */
};

/* Readings of files from `first` on whose time is not before until_ms; in order. Once, before the
 * first add. */
void journal_replay(struct journal *journal, uint64_t first, int64_t until_ms,
                    const struct sink *sink, struct journal_found *found);

void journal_add(struct journal *journal, const struct reading *reading);
void journal_flush(struct journal *journal);
size_t journal_unwritten(const struct journal *journal); /* bytes */

/* oldest_open_ms: start of the oldest window that is open; INT64_MAX: none is. */
uint64_t journal_turn(struct journal *journal, int64_t oldest_open_ms);
void journal_forget(struct journal *journal, uint64_t first);
