/*
 * Whether a StatsD datagram allocates: the agent's source, into real windows. Counted are all of
 * the process's allocations, libraries' included, from the first second that has seen datagrams to
 * the last; it ends when none came for three seconds.
 *
 *     bench_statsd_allocations PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "agent/publish/window.h"
#include "agent/sample/statsd.h"
#include "aws/time.h"
#include "tests/bench/measure.h"

#define SILENT_TICKS 3

/* glibc's own, behind the names that are taken here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static uint64_t allocations;

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    allocations++;
    return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    allocations++;
    return __libc_realloc(ptr, size);
}

struct world {
    struct windows *windows;
    struct source *source;
    uv_timer_t tick;
    double received, seen;  /* now, at the last tick */
    double first;           /* received when counting began; 0: not yet */
    uint64_t before, after; /* allocations then, and at the last tick that had datagrams */
    int silent;
};

/* How many datagrams a reading is made of; some are made of none. */
static double datagrams_of(const struct reading *reading)
{
    bool is_gauge = reading->metric == METRIC_POOL_CLIENTS_WAITING ||
                    reading->metric == METRIC_POOL_CONNECTIONS_BUSY;

    return reading->metric == METRIC_POOL_TIMEOUT ? reading->value : is_gauge ? 1 : 0;
}

static void put(void *arg, const struct reading *reading)
{
    struct world *world = arg;

    windows_put(world->windows, reading);
    world->received += datagrams_of(reading);
}

static void ignore(void *arg)
{
    (void)arg;
}

static void on_tick(uv_timer_t *timer)
{
    struct world *world = timer->data;

    world->source->ops->tick(world->source, time_now_ms());
    if (world->received > world->seen && world->first > 0) {
        world->after = allocations;
    } else if (world->received > world->seen) {
        world->first = world->received;
        world->before = world->after = allocations;
    } else if (world->first > 0 && ++world->silent == SILENT_TICKS) {
        uv_close((uv_handle_t *)timer, NULL);
        world->source->ops->stop(world->source, ignore, world);
    }
    world->seen = world->received;
}

static struct config *load(const char *port)
{
    static const char *const nothing[] = {NULL};
    char text[512];
    struct config *config;
    struct buf errors;

    (void)snprintf(text, sizeof(text),
                   "[database orders]\nurl = postgresql://x/y\n[pool workers]\n[pool api]\n"
                   "[statsd]\nlisten = 127.0.0.1:%s\n[cloudwatch]\nmetrics = full\n",
                   port);
    const struct config_source source = {.file = "bench.conf", .text = text, .environ = nothing};
    buf_init(&errors, 4096);
    if (!config_load(&source, &config, &errors)) {
        fprintf(stderr, "%s\n", buf_text(&errors));
        exit(1);
    }
    buf_done(&errors);
    return config;
}

int main(int argc, char **argv)
{
    const struct windows_options windows = {
        .length_ms = 60000, .metrics = METRICS_FULL, .rollup = true, .resolution_s = 60};
    struct world world = {.windows = windows_new(&windows)};
    uv_loop_t loop;
    struct err err;

    if (argc != 2) {
        fputs("usage: bench_statsd_allocations PORT\n", stderr);
        return 2;
    }
    struct config *config = load(argv[1]);
    uv_loop_init(&loop);
    const struct statsd_options options = {
        .loop = &loop, .config = config, .agent_name = "bench", .sink = {put, &world}};
    if (!statsd_new(&options, &world.source, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    uv_timer_init(&loop, &world.tick);
    world.tick.data = &world;
    uv_timer_start(&world.tick, on_tick, 250, 250);
    uv_run(&loop, UV_RUN_DEFAULT);
    measure_print("datagrams", world.received - world.first);
    measure_print("allocations", (double)(world.after - world.before));
    uv_loop_close(&loop);
    windows_free(world.windows);
    config_free(config);
    return 0;
}
