/* Records: what is written is read; what is damaged is skipped, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/publish/record.h"
#include "aws/common/mem.h"

#define RECORD_SIZE (RECORD_HEADER_SIZE + 4)

/* "aaaa", "bbbb" ... a record each. */
static void write_letters(struct buf *out, const char *letters)
{
    buf_init(out, 1 << 20);
    for (; *letters; letters++) {
        const char payload[] = {*letters, *letters, *letters, *letters};

        record_append(out, RECORD_DATUM, payload, sizeof(payload));
    }
}

static void read_letters(struct record_reader *reader, char *out)
{
    struct record record;

    while (record_next(reader, &record)) {
        assert_int_equal(record.type, RECORD_DATUM);
        assert_int_equal(record.len, 4);
        *out++ = (char)record.payload[0];
    }
    *out = '\0';
}

static const struct {
    const char *name;
    size_t flipped; /* offset of a byte that is damaged; SIZE_MAX: none */
    size_t len;     /* that is left of three records */
    const char *expected;
    size_t damaged;
    size_t torn;
} cases[] = {
    {"whole", SIZE_MAX, 3 * RECORD_SIZE, "abc", 0, 0},
    {"empty", SIZE_MAX, 0, "", 0, 0},
    {"torn in the payload", SIZE_MAX, 3 * RECORD_SIZE - 1, "ab", 0, RECORD_SIZE - 1},
    {"torn in the header", SIZE_MAX, 2 * RECORD_SIZE + 7, "ab", 0, 7},
    {"the first marker", 0, 3 * RECORD_SIZE, "bc", 1, 0},
    {"a type", 4, 3 * RECORD_SIZE, "bc", 1, 0},
    {"a length", 10, 3 * RECORD_SIZE, "bc", 1, 0},
    {"a checksum", RECORD_SIZE + 12, 3 * RECORD_SIZE, "ac", 1, 0},
    {"a header's checksum", RECORD_SIZE + 16, 3 * RECORD_SIZE, "ac", 1, 0},
    {"a payload", RECORD_SIZE + 22, 3 * RECORD_SIZE, "ac", 1, 0},
    {"the last payload", 3 * RECORD_SIZE - 1, 3 * RECORD_SIZE, "ab", 0, RECORD_SIZE},
};

static void damage_costs_what_is_damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct buf bytes;
        char letters[8];

        write_letters(&bytes, "abc");
        if (cases[i].flipped != SIZE_MAX) {
            bytes.data[cases[i].flipped] = (char)(bytes.data[cases[i].flipped] ^ 0x10);
        }
        struct record_reader reader = {.data = (const unsigned char *)buf_text(&bytes),
                                       .len = cases[i].len};
        read_letters(&reader, letters);
        assert_string_equal(letters, cases[i].expected);
        assert_int_equal(reader.damaged, cases[i].damaged);
        assert_int_equal(reader.torn, cases[i].torn);
        buf_done(&bytes);
    }
}

static void foreign_bytes_between_are_skipped(void **state)
{
    static const char foreign[] = "\xf5PW\xfa and not a record";
    struct buf bytes, more;
    char letters[8];

    (void)state;
    write_letters(&bytes, "a");
    buf_add(&bytes, foreign, sizeof(foreign));
    write_letters(&more, "b");
    buf_add(&bytes, more.data, more.len);
    struct record_reader reader = {.data = (const unsigned char *)buf_text(&bytes),
                                   .len = bytes.len};
    read_letters(&reader, letters);
    assert_string_equal(letters, "ab");
    assert_int_equal(reader.damaged, 1);
    buf_done(&bytes);
    buf_done(&more);
}

static void payloads_are_read_as_they_were_put(void **state)
{
    struct buf payload;

    (void)state;
    buf_init(&payload, 1000);
    record_put_u64(&payload, UINT64_MAX - 5);
    record_put_text(&payload, NULL);
    record_put_text(&payload, "");
    record_put_text(&payload, "orders");
    const struct record record = {.payload = (const unsigned char *)buf_text(&payload),
                                  .len = payload.len};
    struct record_cursor cursor = record_cursor(&record);
    assert_true(record_get_u64(&cursor) == UINT64_MAX - 5);
    assert_null(record_get_text(&cursor));
    assert_string_equal(record_get_text(&cursor), "");
    assert_string_equal(record_get_text(&cursor), "orders");
    assert_true(cursor.ok);
    assert_int_equal(cursor.left, 0);
    assert_true(record_get_u64(&cursor) == 0);
    assert_false(cursor.ok);
    assert_null(record_get_text(&cursor));
    buf_done(&payload);
}

static void a_text_without_an_end_is_none(void **state)
{
    const struct record record = {.payload = (const unsigned char *)"tabc", .len = 4};
    struct record_cursor cursor = record_cursor(&record);

    (void)state;
    assert_null(record_get_text(&cursor));
    assert_false(cursor.ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_costs_what_is_damaged),
        cmocka_unit_test(foreign_bytes_between_are_skipped),
        cmocka_unit_test(payloads_are_read_as_they_were_put),
        cmocka_unit_test(a_text_without_an_end_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
