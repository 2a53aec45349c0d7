/*
 * A followed log file: each line is handed on once, over rotation and restarts.
 *
 *     log_file_init(&file, path, &position, on_line, on_note, self);
 *     ok = log_file_read(&file, &err);     at each tick: hands on the lines that have come
 *     position = log_file_position(&file);
 *     log_file_done(&file);
 *
 * Rotated by renaming: the old file is read until it has been silent for two readings, because its
 * writer may not have opened the new one yet. Rotated by copying and truncating (noticed by its
 * size, its first bytes, or a new copy that is larger): what was not read yet is looked for in the
 * copy. After a restart the file that the position is of is looked for beside the path, and what
 * came after it is read too, as long as it is not compressed.
 *
 * Reading is plain read(2): a local file does not make the loop wait. A reading takes
 * READ_BYTES_MAX bytes or READ_MS_MAX ms at most; the rest is the next one's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/sample/log_lines.h"
#include "agent/sample/positions.h"
#include "aws/common/err.h"

#define LOG_FILE_QUEUE_MAX 16

/* One file, opened. */
struct log_tail {
    int fd;
    uint64_t device, inode;
    uint64_t offset; /* read up to */
    uint64_t head_len, head;
    bool rotated; /* found beside the path: nobody writes to it any more */
    int silent;   /* readings without anything new */
};

struct log_file {
    char *path;
    struct log_tail
        queue[LOG_FILE_QUEUE_MAX]; /* the first is being read, the last is at the path */
    size_t count;
    struct log_lines lines;
    struct position start; /* where to go on; not known: at the end of what is there first */
    uint64_t read_ms;      /* wall clock of the last reading */
    bool started;
    bool skipped; /* something could not be found or read: asked once */
    log_on_line *on_line;
    void *arg;
};

/* start->known false: from the file's end, or from its beginning when it is not there yet. */
void log_file_init(struct log_file *file, const char *path, const struct position *start,
                   log_on_line *on_line, void *arg);
void log_file_done(struct log_file *file);

/* false: there is nothing to read from ("/var/log/x: No such file or directory"). */
PW_CHECK bool log_file_read(struct log_file *file, struct err *err);

/* Behind the last whole line; known is false before the first reading that worked. */
struct position log_file_position(const struct log_file *file);

/* Once true after a file was truncated or rotated and the rest of it was nowhere to be found. */
bool log_file_lost(struct log_file *file);
