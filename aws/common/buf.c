#include "aws/common/buf.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_init_secret(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit, .secret = true};
}

/* Empty as at birth, whatever became of the memory. */
static void reset(struct buf *buf)
{
    *buf = (struct buf){.limit = buf->limit, .secret = buf->secret};
}

static void give_back(const struct buf *buf, bool wipe)
{
    if (wipe && buf->data) {
        OPENSSL_cleanse(buf->data, buf->room);
    }
    free(buf->data);
}

void buf_done(struct buf *buf)
{
    give_back(buf, buf->secret);
    reset(buf);
}

void buf_wipe(struct buf *buf)
{
    give_back(buf, true);
    reset(buf);
}

void buf_clear(struct buf *buf)
{
    buf->overflow = false;
    buf_truncate(buf, 0);
}

/* realloc() would leave a copy of a secret behind. */
static void grow(struct buf *buf, size_t room)
{
    if (buf->secret) {
        char *data = mem_alloc(room);

        if (buf->len > 0) {
            memcpy(data, buf->data, buf->len);
        }
        give_back(buf, true);
        buf->data = data;
    } else {
        buf->data = mem_grow(buf->data, room, 1);
    }
    buf->room = room;
}

/* Room for more bytes and the NUL behind them. */
static bool reserve(struct buf *buf, size_t more)
{
    if (buf->overflow || more > buf->limit - buf->len) {
        buf->overflow = true;
        return false;
    }
    size_t needed = buf->len + more + 1;
    if (needed > buf->room) {
        size_t room = buf->room < 64 ? 64 : buf->room;

        while (room < needed) {
            room *= 2;
        }
        grow(buf, room);
    }
    return true;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    if (reserve(buf, len)) {
        if (len > 0) {
            memcpy(buf->data + buf->len, data, len);
        }
        buf->len += len;
        buf->data[buf->len] = '\0';
    }
}

void buf_puts(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        buf->overflow = true;
    } else if (reserve(buf, (size_t)len)) {
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_truncate(struct buf *buf, size_t len)
{
    if (len < buf->len) {
        buf->len = len;
        buf->data[len] = '\0';
    }
}

bool buf_ok(const struct buf *buf)
{
    return !buf->overflow;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data ? buf->data : mem_strdup("");

    reset(buf);
    return data;
}
