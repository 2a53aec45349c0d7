#include "agent/publish/record.h"

#include <string.h>
#include <zlib.h>

/* Bytes that neither text nor small numbers contain. */
static const unsigned char marker[4] = {0xf5, 'P', 'W', 0xfa};

/* --- Numbers ---------------------------------------------------------------------------------- */

static void store_u32(unsigned char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint32_t load_u32(const unsigned char *in)
{
    uint32_t value = 0;

    for (int i = 3; i >= 0; i--) {
        value = value << 8 | in[i];
    }
    return value;
}

static uint32_t checksum(const void *data, size_t len)
{
    return (uint32_t)crc32(0, data, (uInt)len);
}

/* --- Out -------------------------------------------------------------------------------------- */

void record_append(struct buf *out, enum record_type type, const void *payload, size_t len)
{
    unsigned char header[RECORD_HEADER_SIZE];

    memcpy(header, marker, sizeof(marker));
    store_u32(header + 4, (uint32_t)type);
    store_u32(header + 8, (uint32_t)len);
    store_u32(header + 12, checksum(payload, len));
    store_u32(header + 16, checksum(header, 16));
    buf_add(out, header, sizeof(header));
    buf_add(out, payload, len);
}

void record_put_u64(struct buf *out, uint64_t value)
{
    unsigned char bytes[8];

    store_u32(bytes, (uint32_t)value);
    store_u32(bytes + 4, (uint32_t)(value >> 32));
    buf_add(out, bytes, sizeof(bytes));
}

void record_put_text(struct buf *out, const char *text)
{
    buf_putc(out, text ? 't' : 'n');
    if (text) {
        buf_add(out, text, strlen(text) + 1);
    }
}

/* --- In --------------------------------------------------------------------------------------- */

/* A whole record at this place? */
static bool read_at(const unsigned char *data, size_t len, struct record *out)
{
    if (len < RECORD_HEADER_SIZE || memcmp(data, marker, sizeof(marker)) != 0 ||
        load_u32(data + 16) != checksum(data, 16)) {
        return false;
    }
    size_t payload_len = load_u32(data + 8);
    if (payload_len > RECORD_PAYLOAD_MAX || payload_len > len - RECORD_HEADER_SIZE ||
        load_u32(data + 12) != checksum(data + RECORD_HEADER_SIZE, payload_len)) {
        return false;
    }
    *out = (struct record){.type = (enum record_type)load_u32(data + 4),
                           .payload = data + RECORD_HEADER_SIZE,
                           .len = payload_len};
    return true;
}

static size_t next_marker(const struct record_reader *reader, size_t from)
{
    const unsigned char *found =
        memmem(reader->data + from, reader->len - from, marker, sizeof(marker));

    return found ? (size_t)(found - reader->data) : reader->len;
}

bool record_next(struct record_reader *reader, struct record *out)
{
    size_t from = reader->at;

    while (reader->at < reader->len) {
        if (read_at(reader->data + reader->at, reader->len - reader->at, out)) {
            reader->damaged += reader->at > from ? 1 : 0;
            reader->at += RECORD_HEADER_SIZE + out->len;
            return true;
        }
        reader->at = next_marker(reader, reader->at + 1);
    }
    reader->torn = reader->len - from;
    return false;
}

struct record_cursor record_cursor(const struct record *record)
{
    return (struct record_cursor){.at = record->payload, .left = record->len, .ok = true};
}

static const unsigned char *take(struct record_cursor *cursor, size_t len)
{
    const unsigned char *taken = cursor->at;

    if (!cursor->ok || cursor->left < len) {
        cursor->ok = false;
        return NULL;
    }
    cursor->at += len;
    cursor->left -= len;
    return taken;
}

uint64_t record_get_u64(struct record_cursor *cursor)
{
    const unsigned char *bytes = take(cursor, 8);

    return bytes ? load_u32(bytes) | (uint64_t)load_u32(bytes + 4) << 32 : 0;
}

const char *record_get_text(struct record_cursor *cursor)
{
    const unsigned char *kind = take(cursor, 1);

    if (!kind || *kind == 'n') {
        return NULL;
    }
    const unsigned char *end = *kind == 't' ? memchr(cursor->at, '\0', cursor->left) : NULL;
    if (!end) {
        cursor->ok = false;
        return NULL;
    }
    return (const char *)take(cursor, (size_t)(end - cursor->at) + 1);
}
