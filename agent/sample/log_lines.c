#include "agent/sample/log_lines.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

static void give(const char *line, size_t len, log_on_line *on_line, void *arg)
{
    if (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    on_line(arg, line, len < LOG_LINE_BYTES ? len : LOG_LINE_BYTES);
}

static void keep(struct log_lines *lines, const char *bytes, size_t len)
{
    size_t room = LOG_LINE_BYTES - lines->start_len;
    size_t kept = len < room ? len : room;

    lines->pending += len;
    if (kept == 0) {
        return;
    }
    if (!lines->start) {
        lines->start = mem_alloc(LOG_LINE_BYTES);
    }
    memcpy(lines->start + lines->start_len, bytes, kept);
    lines->start_len += kept;
}

static void give_kept(struct log_lines *lines, log_on_line *on_line, void *arg)
{
    give(lines->start ? lines->start : "", lines->start_len, on_line, arg);
    lines->start_len = 0;
    lines->pending = 0;
}

void log_lines_feed(struct log_lines *lines, const char *bytes, size_t len, log_on_line *on_line,
                    void *arg)
{
    const char *end = bytes + len;

    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));

        if (!newline) {
            keep(lines, bytes, (size_t)(end - bytes));
            return;
        }
        if (lines->pending > 0) {
            keep(lines, bytes, (size_t)(newline - bytes));
            give_kept(lines, on_line, arg);
        } else {
            give(bytes, (size_t)(newline - bytes), on_line, arg);
        }
        bytes = newline + 1;
    }
}

void log_lines_end(struct log_lines *lines, log_on_line *on_line, void *arg)
{
    if (lines->pending > 0) {
        give_kept(lines, on_line, arg);
    }
}

void log_lines_done(struct log_lines *lines)
{
    free(lines->start);
    *lines = (struct log_lines){0};
}
