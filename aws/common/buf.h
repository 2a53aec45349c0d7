/*
 * A growing buffer of bytes with a limit given at birth. Overflow is sticky: appends after it do
 * nothing, and one check at the end (buf_ok) tells. The content always has a NUL behind it, so that
 * text can be used as a string.
 *
 *     struct buf body;
 *     buf_init(&body, 1000000);
 *     buf_printf(&body, "{\"Namespace\":%s", name);
 *     if (!buf_ok(&body)) ...
 *     buf_done(&body);
 *
 * A buffer of secrets is born with buf_init_secret(): whatever memory it gives back is wiped first,
 * also what it outgrows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "aws/common/err.h"

struct buf {
    char *data; /* NULL until something is appended; buf_text() is never NULL */
    size_t len;
    size_t room;
    size_t limit; /* of len, in bytes */
    bool overflow;
    bool secret;
};

void buf_init(struct buf *buf, size_t limit);
void buf_init_secret(struct buf *buf, size_t limit);
void buf_done(struct buf *buf);  /* frees; the buffer is empty and usable again */
void buf_wipe(struct buf *buf);  /* the same, wiping, for one that holds a secret after all */
void buf_clear(struct buf *buf); /* empties, keeps the memory */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) PW_PRINTF(2, 3);
void buf_truncate(struct buf *buf, size_t len); /* back to a length it had before */
bool buf_ok(const struct buf *buf);
const char *buf_text(const struct buf *buf);
char *buf_take(struct buf *buf); /* hands the memory to the caller; the buffer is empty again */
