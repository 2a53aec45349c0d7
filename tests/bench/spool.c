/*
 * The spool on a disk: adding windows of a thousand datums, each window synced, and taking them up
 * again at the next start, beside bare write() and fsync() of the same bytes and bare read(). In
 * turn, in a directory that is there and empty.
 *
 *     bench_spool DIRECTORY [ROUNDS]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "agent/publish/spool.h"
#include "aws/common/mem.h"
#include "tests/bench/measure.h"

#define WINDOWS     10
#define DATUMS      1000
#define DATUM_BYTES 400
#define SPOOL_LIMIT ((int64_t)1 << 30)
#define START_MS    1764068400000
#define BYTES       ((double)WINDOWS * DATUMS * DATUM_BYTES)

static char datum[DATUM_BYTES + 1];
static char window[DATUMS * DATUM_BYTES];

static struct spool *open_spool(uv_loop_t *loop, const char *dir, struct spool_found *found)
{
    struct spool *spool = spool_new(SPOOL_LIMIT);
    struct err err;

    if (!spool_keep_in(spool, loop, dir, found, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    return spool;
}

static double append_mb_s(uv_loop_t *loop, const char *dir)
{
    struct spool_found found;
    struct spool *spool = open_spool(loop, dir, &found);
    double before = measure_wall_us();

    for (int i = 0; i < WINDOWS; i++) {
        const struct keep_closed closed = {.until_ms = START_MS + i};

        for (int j = 0; j < DATUMS; j++) {
            spool_push(spool, START_MS, datum);
        }
        spool_close_windows(spool, &closed);
        uv_run(loop, UV_RUN_DEFAULT); /* until it is on the disk */
    }
    double us = measure_wall_us() - before;
    spool_free(spool);
    return BYTES / us;
}

static double replay_mb_s(uv_loop_t *loop, const char *dir)
{
    struct spool_found found;
    double before = measure_wall_us();
    struct spool *spool = open_spool(loop, dir, &found);
    double us = measure_wall_us() - before;
    uint64_t ids[(size_t)WINDOWS * DATUMS];

    if (found.datums != MEM_COUNT(ids)) {
        fprintf(stderr, "of %zu datums %zu came back\n", MEM_COUNT(ids), found.datums);
        exit(1);
    }
    for (size_t i = 0; i < found.datums; i++) {
        ids[i] = i + 1;
    }
    spool_ack(spool, ids, found.datums);
    uv_run(loop, UV_RUN_DEFAULT);
    spool_free(spool);
    return BYTES / us;
}

static double bare_write_mb_s(const char *path)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    double before = measure_wall_us();

    for (int i = 0; i < WINDOWS; i++) {
        if (write(fd, window, sizeof(window)) != (ssize_t)sizeof(window) || fsync(fd) != 0) {
            perror(path);
            exit(1);
        }
    }
    double us = measure_wall_us() - before;
    close(fd);
    return BYTES / us;
}

static double bare_read_mb_s(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    double before = measure_wall_us();
    ssize_t got;

    while ((got = read(fd, window, sizeof(window))) > 0) {
    }
    double us = measure_wall_us() - before;
    close(fd);
    unlink(path);
    return got == 0 ? BYTES / us : 0;
}

int main(int argc, char **argv)
{
    double added[MEASURE_ROUNDS_MAX], replayed[MEASURE_ROUNDS_MAX];
    double wrote[MEASURE_ROUNDS_MAX], read_[MEASURE_ROUNDS_MAX];
    size_t rounds = measure_rounds(argc - 1, argv + 1, 7);
    char dir[4096], path[4096];
    uv_loop_t loop;

    if (argc < 2) {
        fputs("usage: bench_spool DIRECTORY [ROUNDS]\n", stderr);
        return 2;
    }
    uv_loop_init(&loop);
    memset(datum, 'x', DATUM_BYTES);
    (void)snprintf(path, sizeof(path), "%s/bare", argv[1]);
    for (size_t i = 0; i < rounds; i++) {
        (void)snprintf(dir, sizeof(dir), "%s/%zu", argv[1], i);
        wrote[i] = bare_write_mb_s(path);
        added[i] = append_mb_s(&loop, dir);
        read_[i] = bare_read_mb_s(path);
        replayed[i] = replay_mb_s(&loop, dir);
    }
    measure_print("append_mb_s", measure_median(added, rounds));
    measure_print("write_mb_s", measure_median(wrote, rounds));
    measure_print("replay_mb_s", measure_median(replayed, rounds));
    measure_print("read_mb_s", measure_median(read_, rounds));
    return uv_loop_close(&loop);
}
