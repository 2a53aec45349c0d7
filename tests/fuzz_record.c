/* Bytes of a file that a crash or a disk has spoilt: every record read lies within them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/publish/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as they are, and as a payload behind a good header: so far the fuzzer would not come by
 * itself. */
static void read_all(const unsigned char *data, size_t len)
{
    struct record_reader reader = {.data = data, .len = len};
    struct record record;

    while (record_next(&reader, &record)) {
        struct record_cursor cursor = record_cursor(&record);

        if (record.payload < data || record.payload + record.len > data + len) {
            abort();
        }
        while (cursor.ok) {
            const char *text = record_get_text(&cursor);

            if (text && strlen(text) > record.len) {
                abort();
            }
            (void)record_get_u64(&cursor);
        }
    }
    if (reader.at > len || reader.torn > len) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf bytes;

    read_all(data, size);
    buf_init(&bytes, 1 << 22);
    record_append(&bytes, RECORD_SERIES, data, size);
    buf_add(&bytes, data, size);
    record_append(&bytes, RECORD_DATUM, data, size / 2);
    read_all((const unsigned char *)buf_text(&bytes), bytes.len);
    buf_done(&bytes);
    return 0;
}
