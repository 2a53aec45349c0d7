/*
 * What a StatsD datagram costs: the agent's source, into real windows, beside a bare recvmmsg loop
 * with the same parser. A child sends bursts on loopback; both are measured in turn, several times,
 * and the medians compared.
 *
 *     bench_statsd [DATAGRAMS [ROUNDS]]
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "agent/publish/window.h"
#include "agent/sample/statsd.h"
#include "agent/sample/statsd_line.h"
#include "agent/sample/statsd_socket.h"
#include "aws/common/mem.h"
#include "aws/time.h"

#define PORT       28125
#define LISTEN     "127.0.0.1:28125"
#define BURST      1000
#define ROUNDS_MAX 20

struct measured {
    double cpu_s;
    uint64_t received;
};

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* In bursts, as applications are; the end is told until it is heard. */
static void send_all(long count)
{
    static const char *const texts[] = {"workers.pool_timeout:1|c", "workers.waiting:17|g",
                                        "api.pool_timeout:1|c|#env:prod", "api.busy:8|g"};
    const struct timespec pause = {.tv_nsec = 500000};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    for (long i = 0; i < count; i++) {
        const char *text = texts[i % 4];

        (void)sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&to, sizeof(to));
        if (i % BURST == BURST - 1) {
            nanosleep(&pause, NULL);
        }
    }
    _exit(0);
}

static pid_t start_sender(long count)
{
    pid_t child = fork();

    if (child == 0) {
        send_all(count);
    }
    return child;
}

/* --- bare ----------------------------------------------------------------------------------- */

static uint64_t parsed;

static void on_datagram(void *arg, const char *data, size_t len, bool is_cut)
{
    struct statsd_line line;

    (void)arg;
    (void)is_cut;
    parsed += statsd_line_parse(data, len, &line) == STATSD_OK;
}

static struct measured measure_bare(long count)
{
    struct statsd_inbox *inbox = statsd_inbox_new();
    struct statsd_socket socket;
    struct err err;

    if (!statsd_socket_open(LISTEN, &socket, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    parsed = 0;
    pid_t child = start_sender(count);
    double before = cpu_s();
    for (;;) {
        fd_set set;
        struct timeval patience = {.tv_sec = 1};

        FD_ZERO(&set);
        FD_SET(socket.fd, &set);
        if (select(socket.fd + 1, &set, NULL, NULL, &patience) <= 0) {
            break;
        }
        while (statsd_socket_receive(&socket, inbox, on_datagram, NULL) == STATSD_BATCH) {
        }
    }
    struct measured result = {cpu_s() - before, parsed};
    waitpid(child, NULL, 0);
    statsd_socket_close(&socket);
    statsd_inbox_free(inbox);
    return result;
}

/* --- ours ----------------------------------------------------------------------------------- */

struct world {
    struct windows *windows;
    struct source *source;
    uv_timer_t tick;
    uint64_t received, before;
    int silent;
    double end_cpu_s;
};

static void put(void *arg, const struct reading *reading)
{
    struct world *world = arg;

    windows_put(world->windows, reading);
    world->received += reading->metric == METRIC_POOL_TIMEOUT
                           ? (uint64_t)reading->value
                           : reading->metric == METRIC_POOL_CLIENTS_WAITING ||
                                 reading->metric == METRIC_POOL_CONNECTIONS_BUSY;
}

static void ignore(void *arg)
{
    (void)arg;
}

static void on_tick(uv_timer_t *timer)
{
    struct world *world = timer->data;

    world->source->ops->tick(world->source, time_now_ms());
    if (world->received > world->before) {
        world->end_cpu_s = cpu_s();
        world->silent = 0;
    } else if (world->received > 0 && ++world->silent == 3) {
        uv_close((uv_handle_t *)timer, NULL);
        world->source->ops->stop(world->source, ignore, world);
    }
    world->before = world->received;
}

static struct config *load(void)
{
    static const char *const nothing[] = {NULL};
    const struct config_source source = {
        .file = "bench.conf",
        .text = "[database orders]\nurl = postgresql://x/y\n[pool workers]\n[pool api]\n"
                "[statsd]\nlisten = " LISTEN "\n[cloudwatch]\nmetrics = full\n",
        .environ = nothing};
    struct config *config;
    struct buf errors;

    buf_init(&errors, 4096);
    if (!config_load(&source, &config, &errors)) {
        fprintf(stderr, "%s\n", buf_text(&errors));
        exit(1);
    }
    buf_done(&errors);
    return config;
}

static struct measured measure_ours(long count)
{
    const struct windows_options windows = {
        .length_ms = 60000, .metrics = METRICS_FULL, .rollup = true, .resolution_s = 60};
    struct world world = {.windows = windows_new(&windows)};
    struct config *config = load();
    uv_loop_t loop;
    struct err err;

    uv_loop_init(&loop);
    const struct statsd_options options = {
        .loop = &loop, .config = config, .agent_name = "bench", .sink = {put, &world}};
    if (!statsd_new(&options, &world.source, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    uv_timer_init(&loop, &world.tick);
    world.tick.data = &world;
    uv_timer_start(&world.tick, on_tick, 1000, 1000);
    pid_t child = start_sender(count);
    double before = cpu_s();
    uv_run(&loop, UV_RUN_DEFAULT);
    struct measured result = {world.end_cpu_s - before, world.received};
    waitpid(child, NULL, 0);
    uv_loop_close(&loop);
    windows_free(world.windows);
    config_free(config);
    return result;
}

/* --- compared ------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double note(const char *name, struct measured measured, long count)
{
    double each_us = measured.cpu_s / (double)measured.received * 1e6;

    printf("%-5s %8" PRIu64 " of %ld read, %.3f us of CPU each\n", name, measured.received, count,
           each_us);
    return each_us;
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 5;
    double bare[ROUNDS_MAX], ours[ROUNDS_MAX];

    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    for (long i = 0; i < rounds; i++) {
        bare[i] = note("bare", measure_bare(count), count);
        ours[i] = note("ours", measure_ours(count), count);
    }
    qsort(bare, (size_t)rounds, sizeof(double), by_size);
    qsort(ours, (size_t)rounds, sizeof(double), by_size);
    printf("medians: bare %.3f us, ours %.3f us, ratio %.2f\n", bare[rounds / 2], ours[rounds / 2],
           ours[rounds / 2] / bare[rounds / 2]);
    return 0;
}
