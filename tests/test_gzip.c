/* What is compressed comes out again, by zlib itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "aws/common/mem.h"
#include "aws/gzip.h"

/* gzip alone: 16 is added to the window's bits. */
static size_t gunzip(const struct buf *in, char *out, size_t room)
{
    z_stream stream = {0};

    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    stream.next_in = (Bytef *)in->data;
    stream.avail_in = (uInt)in->len;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    inflateEnd(&stream);
    return room - stream.avail_out;
}

static void comes_out_again(void **state)
{
    static const size_t sizes[] = {0, 1, GZIP_FROM_BYTES, 1000000};
    char *data = mem_alloc(1000000);
    char *again = mem_alloc(1000001);
    struct err err;

    (void)state;
    for (size_t i = 0; i < 1000000; i++) {
        data[i] = (char)((i * i >> 7) % 251); /* some of it repeats, some does not */
    }
    for (size_t i = 0; i < MEM_COUNT(sizes); i++) {
        struct buf out;

        buf_init(&out, 2000000);
        assert_true(gzip_compress(data, sizes[i], &out, &err));
        assert_true(buf_ok(&out));
        assert_int_equal(gunzip(&out, again, 1000001), sizes[i]);
        assert_memory_equal(again, data, sizes[i]);
        buf_done(&out);
    }
    free(data);
    free(again);
}

static void appends_to_what_is_there(void **state)
{
    struct buf out;
    struct err err;

    (void)state;
    buf_init(&out, 1000);
    buf_puts(&out, "before");
    assert_true(gzip_compress("x", 1, &out, &err));
    assert_memory_equal(buf_text(&out), "before\x1f\x8b\x08", 9);
    buf_done(&out);
}

static void a_small_buffer_overflows(void **state)
{
    char data[100000];
    struct buf out;
    struct err err;

    (void)state;
    uint32_t noise = 1;
    for (size_t i = 0; i < sizeof(data); i++) {
        noise = noise * 1664525 + 1013904223;
        data[i] = (char)(noise >> 24);
    }
    buf_init(&out, 20000);
    assert_true(gzip_compress(data, sizeof(data), &out, &err));
    assert_false(buf_ok(&out));
    assert_true(out.len <= 20000);
    buf_done(&out);
}

static void json_shrinks(void **state)
{
    struct buf body, out;
    struct err err;

    (void)state;
    buf_init(&body, 1000000);
    buf_init(&out, 1000000);
    for (int i = 0; i < 1000; i++) {
        buf_printf(&body, "{\"MetricName\":\"DatabaseConnections\",\"Value\":%d},", i);
    }
    assert_true(gzip_compress(buf_text(&body), body.len, &out, &err));
    assert_true(out.len * 5 < body.len);
    buf_done(&body);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_out_again),
        cmocka_unit_test(appends_to_what_is_there),
        cmocka_unit_test(a_small_buffer_overflows),
        cmocka_unit_test(json_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
