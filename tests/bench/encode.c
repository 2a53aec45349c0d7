/*
 * A full request on its way out: 1,000 datums of 60 values each, from open windows to compressed
 * bytes, beside gzip alone on the same bytes. And whether ten times the datums cost ten times as
 * much, to close and to take out of the queue again.
 *
 *     bench_encode [ROUNDS]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "agent/publish/batch.h"
#include "agent/publish/window.h"
#include "aws/cloudwatch_json.h"
#include "aws/gzip.h"
#include "tests/bench/measure.h"

#define VALUES      60
#define WINDOW_MS   60000
#define START_MS    1764068400000
#define NAMESPACE   "Application"
#define SPOOL_LIMIT ((int64_t)1 << 30)
#define MANY        10000

enum kind { INTEGERS, DECIMALS };

static const char *const kinds[] = {"integers", "decimals"};

/* The same in each run, and as little of a pattern as what is sampled has. */
static double sampled(enum kind kind)
{
    static uint64_t seed;

    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    double count = (double)(seed >> 33) / 0x1p31 * 400;

    return kind == INTEGERS ? floor(count) : floor(count) / 197 * 100;
}

static void on_datum(void *arg, int64_t start_ms, const char *members)
{
    spool_push(arg, start_ms, members);
}

static struct windows *fill(size_t datums, enum kind kind)
{
    const struct windows_options options = {
        .length_ms = WINDOW_MS, .metrics = METRICS_FULL, .rollup = true, .resolution_s = 60};
    struct windows *windows = windows_new(&options);
    char name[32];

    for (size_t i = 0; i < datums; i++) {
        (void)snprintf(name, sizeof(name), "database-%zu", i);
        for (int second = 0; second < VALUES; second++) {
            const struct reading reading = {.metric = kind == INTEGERS
                                                          ? METRIC_DATABASE_CONNECTIONS
                                                          : METRIC_CONNECTION_UTILIZATION,
                                            .database = name,
                                            .time_ms = START_MS + (int64_t)second * 1000,
                                            .value = sampled(kind)};

            windows_put(windows, &reading);
        }
    }
    return windows;
}

/* What is written for a request, before it is compressed. */
static void write_body(struct batch *batch, struct spool *spool, struct buf *body)
{
    const struct batch_source source = {
        .spool = spool, .namespace_ = NAMESPACE, .now_ms = START_MS + WINDOW_MS};

    batch_fill(batch, &source, CLOUDWATCH_DATUMS_MAX);
    cloudwatch_write_body(NAMESPACE, batch->entries, batch->sent, body);
}

static double gzip_alone_us(const struct buf *body)
{
    uLong room = compressBound((uLong)body->len) + 32;
    unsigned char *out = malloc(room);
    double before = measure_cpu_us();
    z_stream stream = {.next_out = out, .avail_out = (uInt)room};

    stream.next_in = (unsigned char *)body->data;
    stream.avail_in = (uInt)body->len;
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        exit(1);
    }
    deflateEnd(&stream);
    double after = measure_cpu_us();
    free(out);
    return after - before;
}

struct cost {
    double close_us, request_us, gzip_us, bytes;
};

static struct cost measure(enum kind kind)
{
    struct windows *windows = fill(CLOUDWATCH_DATUMS_MAX, kind);
    struct spool *spool = spool_new(SPOOL_LIMIT);
    struct batch *batch = calloc(1, sizeof(*batch));
    struct buf body, packed;
    struct err err;

    buf_init(&body, CLOUDWATCH_BODY_MAX);
    buf_init(&packed, CLOUDWATCH_BODY_MAX);
    double begin = measure_cpu_us();
    windows_close(windows, INT64_MAX, on_datum, spool);
    double closed = measure_cpu_us();
    write_body(batch, spool, &body);
    if (!gzip_compress(body.data, body.len, &packed, &err)) {
        exit(1);
    }
    double end = measure_cpu_us();
    const struct cost cost = {closed - begin, end - closed, gzip_alone_us(&body), (double)body.len};
    buf_done(&body);
    buf_done(&packed);
    free(batch);
    spool_free(spool);
    windows_free(windows);
    return cost;
}

static void report(enum kind kind, size_t rounds)
{
    double close_us[MEASURE_ROUNDS_MAX], request_us[MEASURE_ROUNDS_MAX];
    double gzip_us[MEASURE_ROUNDS_MAX], bytes = 0;
    char name[64];

    for (size_t i = 0; i < rounds; i++) {
        const struct cost cost = measure(kind);

        close_us[i] = cost.close_us;
        request_us[i] = cost.request_us;
        gzip_us[i] = cost.gzip_us;
        bytes = cost.bytes;
    }
    (void)snprintf(name, sizeof(name), "%s_close_us", kinds[kind]);
    measure_print(name, measure_median(close_us, rounds));
    (void)snprintf(name, sizeof(name), "%s_request_us", kinds[kind]);
    measure_print(name, measure_median(request_us, rounds));
    (void)snprintf(name, sizeof(name), "%s_gzip_us", kinds[kind]);
    measure_print(name, measure_median(gzip_us, rounds));
    (void)snprintf(name, sizeof(name), "%s_bytes", kinds[kind]);
    measure_print(name, bytes);
}

/* One datum's share of closing and of leaving the queue in requests of a thousand. */
static double through_the_queue_us(size_t datums)
{
    struct windows *windows = fill(datums, INTEGERS);
    struct spool *spool = spool_new(SPOOL_LIMIT);
    struct batch *batch = calloc(1, sizeof(*batch));
    struct buf body;

    buf_init(&body, CLOUDWATCH_BODY_MAX);
    double before = measure_cpu_us();
    windows_close(windows, INT64_MAX, on_datum, spool);
    while (spool_count(spool) > 0) {
        buf_clear(&body);
        write_body(batch, spool, &body);
        batch_accepted(batch, spool);
    }
    double after = measure_cpu_us();
    buf_done(&body);
    free(batch);
    spool_free(spool);
    windows_free(windows);
    return (after - before) / (double)datums;
}

static double median_through_the_queue_us(size_t datums, size_t rounds)
{
    double each_us[MEASURE_ROUNDS_MAX];

    for (size_t i = 0; i < rounds; i++) {
        each_us[i] = through_the_queue_us(datums);
    }
    return measure_median(each_us, rounds);
}

int main(int argc, char **argv)
{
    size_t rounds = measure_rounds(argc, argv, 15);

    report(INTEGERS, rounds);
    report(DECIMALS, rounds);
    measure_print("each_of_1000_us", median_through_the_queue_us(MANY / 10, rounds));
    measure_print("each_of_10000_us", median_through_the_queue_us(MANY, (rounds + 4) / 5));
    return 0;
}
