/*
 * Bytes as they come, cut into lines. Of a line longer than LOG_LINE_BYTES the beginning is handed
 * on when its end has come; what stands behind it is passed over.
 *
 *     log_lines_feed(&lines, bytes, len, on_line, self);   as often as bytes come
 *     log_lines_end(&lines, on_line, self);                 nothing more comes: the rest is a line
 * too log_lines_done(&lines);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_BYTES 16384

struct log_lines {
    char *start;      /* of a line whose end has not come; NULL until there is one */
    size_t start_len; /* LOG_LINE_BYTES at most */
    uint64_t pending; /* bytes since the last newline, passed over ones too */
};

/* Without its newline and a '\r' before it; valid during the call. */
typedef void log_on_line(void *arg, const char *line, size_t len);

void log_lines_feed(struct log_lines *lines, const char *bytes, size_t len, log_on_line *on_line,
                    void *arg);
void log_lines_end(struct log_lines *lines, log_on_line *on_line, void *arg);
void log_lines_done(struct log_lines *lines); /* forgets the rest; may be fed again */
