/*
 * How far each followed log has been read, and how much of that is in CloudWatch: what a restart
 * goes on from.
 *
 *     place = positions_open(positions, "web", path);       -> where to go on
 *     positions_note(place, tick_ms, &position);      after each reading
 *     positions_mark(positions, until_ms);            windows up to here have become datums
 *     positions_commit(positions);                    all datums made so far are safe
 *
 * Only what is safe is written (state_dir/log-NAME.json): a line whose count was still in an open
 * window when the agent was killed is read again, one whose count was sent is not. A file that
 * replaces the old one, not synced: after a loss of power a log may be followed from its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/common/err.h"

/* A place in a file, which is known by its inode and its first bytes. */
struct position {
    bool known;
    uint64_t device, inode;
    uint64_t offset;   /* behind the last whole line */
    uint64_t head_len; /* of the first bytes that head is the hash of */
    uint64_t head;
    uint64_t read_ms; /* wall clock of the reading */
    unsigned shapes;  /* see log_rules_shapes() */
};

struct positions;
struct place;

/* dir NULL or not writable: memory only (state.h has said so). */
struct positions *positions_new(const char *dir);
void positions_free(struct positions *positions);

/* name: a pool's; log: the file that it follows. The place lives as long as the positions, and is
 * the same for the same name; of another log nothing is known. */
struct place *positions_open(struct positions *positions, const char *name, const char *log);

/* Where the last one to follow it stopped, in this run or before; known is false when nobody did.
 */
struct position positions_of(const struct place *place);

void positions_note(struct place *place, int64_t tick_ms, const struct position *position);
void positions_mark(struct positions *positions, int64_t until_ms);

/* false: something could not be written; it is tried again with the next one. */
PW_CHECK bool positions_commit(struct positions *positions, struct err *err);

/* The same; a failure is logged. */
void positions_keep(struct positions *positions);
