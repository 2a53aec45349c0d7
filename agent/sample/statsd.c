#include "agent/sample/statsd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/sample/statsd_line.h"
#include "agent/sample/statsd_pools.h"
#include "agent/sample/statsd_socket.h"
#include "aws/common/mem.h"

#define BATCHES_PER_TURN   16   /* a flood must not keep the loop from its other work */
#define LAST_BATCHES       4096 /* when leaving: more than the kernel's buffer holds */
#define COMPLAINT_EVERY_MS 60000

struct statsd;

struct listener {
    uv_poll_t poll;
    struct statsd_socket socket;
    struct statsd *statsd;
};

struct statsd {
    struct source source;
    const struct aws_clock *clock;
    const struct config *config;
    const char *agent_name;
    struct sink sink;
    struct listener *listeners;
    size_t listener_count;
    size_t open; /* of listeners: not closed yet */
    char *name;
    struct statsd_inbox *inbox;
    struct statsd_pools pools;             /* the configured ones first */
    const struct config_database *unnamed; /* whose unnamed pools are; NULL: nobody's */
    int unnamed_left;
    int64_t now_ms;                        /* of the batch that is being read */
    bool counted;                          /* timeouts that are not given on yet */
    uint64_t refused[STATSD_REASON_COUNT]; /* since the last complaint */
    uint64_t dropped;                      /* the same, by the kernel */
    int64_t complained_ms;
    source_stopped *stopped;
    void *stopped_arg;
};

/* What each field means. */
static const struct field {
    const char *name;
    size_t len;
    char type;
    enum metric_id metric;
} fields[] = {
    {"pool_timeout", 12, 'c', METRIC_POOL_TIMEOUT},
    {"waiting", 7, 'g', METRIC_POOL_CLIENTS_WAITING},
    {"max_wait", 8, 'g', METRIC_POOL_MAX_WAIT},
    {"busy", 4, 'g', METRIC_POOL_CONNECTIONS_BUSY},
    {"idle", 4, 'g', METRIC_POOL_CONNECTIONS_IDLE},
    {"size", 4, 'g', METRIC_POOL_SIZE},
};

static const struct field *find_field(const struct statsd_line *line)
{
    for (size_t i = 0; i < MEM_COUNT(fields); i++) {
        if (fields[i].len == line->field_len &&
            memcmp(fields[i].name, line->field, line->field_len) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

/* --- pools ---------------------------------------------------------------------------------- */

/* A pool has one source: the name of one that is read otherwise is not for everybody to take. */
static bool has_other_source(const struct config *config, const char *name, size_t len)
{
    for (size_t i = 0; i < config->pool_count; i++) {
        const struct config_pool *pool = &config->pools[i];

        if (strlen(pool->name) == len && memcmp(pool->name, name, len) == 0) {
            return pool->type != POOL_STATSD;
        }
    }
    return false;
}

static enum statsd_reason add_unnamed(struct statsd *statsd, const char *name, size_t len,
                                      struct statsd_pool **out)
{
    if (!statsd->unnamed) {
        return STATSD_UNKNOWN_POOL;
    }
    if (statsd->unnamed_left == 0) {
        return STATSD_TOO_MANY_POOLS;
    }
    if (has_other_source(statsd->config, name, len)) {
        return STATSD_OTHER_SOURCE;
    }
    statsd->unnamed_left--;
    *out = statsd_pools_add(&statsd->pools, name, len, statsd->unnamed);
    (*out)->unnamed = true;
    log_info("%s: new pool %s of database %s", statsd->source.name, (*out)->name,
             statsd->unnamed->name);
    return STATSD_OK;
}

/* --- readings ------------------------------------------------------------------------------- */

static void give(const struct statsd *statsd, const struct statsd_pool *pool, enum metric_id metric,
                 int64_t time_ms, double value)
{
    const struct reading reading = {.metric = metric,
                                    .database = pool->database->identifier,
                                    .region = pool->database->region,
                                    .pool = pool->name,
                                    .time_ms = time_ms,
                                    .value = value};

    statsd->sink.put(statsd->sink.arg, &reading);
}

static void give_timeouts(struct statsd *statsd)
{
    for (size_t i = 0; statsd->counted && i < statsd->pools.count; i++) {
        struct statsd_pool *pool = &statsd->pools.pools[i];

        if (pool->timeouts > 0) {
            give(statsd, pool, METRIC_POOL_TIMEOUT, statsd->now_ms,
                 pool->timeouts < READING_MAX ? pool->timeouts : READING_MAX);
            pool->timeouts = 0;
        }
    }
    statsd->counted = false;
}

static void take_value(struct statsd *statsd, struct statsd_pool *pool, enum metric_id metric,
                       double value)
{
    if (metric == METRIC_POOL_TIMEOUT) {
        pool->timeouts += value;
        statsd->counted = true;
        return;
    }
    give(statsd, pool, metric, statsd->now_ms, value);
    if (metric == METRIC_POOL_SIZE) {
        pool->size = value;
    } else if (metric == METRIC_POOL_CONNECTIONS_BUSY && pool->size > 0 &&
               value / pool->size * 100 <= READING_MAX) {
        give(statsd, pool, METRIC_POOL_UTILIZATION, statsd->now_ms, value / pool->size * 100);
    }
}

/* --- datagrams ------------------------------------------------------------------------------ */

static enum statsd_reason take_line(struct statsd *statsd, const char *text, size_t len)
{
    struct statsd_line line;
    enum statsd_reason reason = statsd_line_parse(text, len, &line);

    if (reason != STATSD_OK) {
        return reason;
    }
    const struct field *field = find_field(&line);
    if (!field) {
        return STATSD_NOT_OURS;
    }
    if (field->type != line.type) {
        return STATSD_BAD_TYPE;
    }
    /* A gauge is a sample: "+3" has nothing it could be added to. Nobody gives up less than zero
     * times. */
    if (line.value < 0 || line.value > READING_MAX || (line.relative && line.type == 'g')) {
        return STATSD_BAD_VALUE;
    }
    struct statsd_pool *pool = statsd_pools_find(&statsd->pools, line.pool, line.pool_len);
    if (!pool) {
        reason = add_unnamed(statsd, line.pool, line.pool_len, &pool);
    }
    if (reason == STATSD_OK) {
        take_value(statsd, pool, field->metric, line.value);
    }
    return reason;
}

static void take_datagram(void *arg, const char *data, size_t len, bool is_cut)
{
    struct statsd *statsd = arg;
    const char *end = data + len;

    if (is_cut) {
        statsd->refused[STATSD_TOO_LONG]++;
        return;
    }
    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *stop = newline ? newline : end;
        size_t line_len = (size_t)(stop - data);

        if (line_len > 0 && data[line_len - 1] == '\r') {
            line_len--;
        }
        if (line_len > 0) {
            statsd->refused[take_line(statsd, data, line_len)]++;
        }
        data = stop + 1;
    }
}

/* Reads what has arrived, so many batches at most. */
static void receive(struct listener *listener, int batches)
{
    struct statsd *statsd = listener->statsd;

    statsd->now_ms = aws_clock_now_ms(statsd->clock);
    while (batches-- > 0 && statsd_socket_receive(&listener->socket, statsd->inbox, take_datagram,
                                                  statsd) == STATSD_BATCH) {
    }
    give_timeouts(statsd);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    if (status == 0) {
        receive(poll->data, BATCHES_PER_TURN);
    }
}

/* --- ticks ---------------------------------------------------------------------------------- */

static void complain_of_lines(struct statsd *statsd)
{
    struct buf reasons;

    buf_init(&reasons, 1024);
    for (int i = STATSD_OK + 1; i < STATSD_REASON_COUNT; i++) {
        if (statsd->refused[i] > 0) {
            buf_printf(&reasons, "%s%s %" PRIu64, reasons.len ? ", " : "",
                       statsd_reason_text((enum statsd_reason)i), statsd->refused[i]);
        }
    }
    if (reasons.len > 0) {
        log_warn("%s: lines not used: %s; expected <pool>.pool_timeout:1|c of a pool that a [pool] "
                 "section names",
                 statsd->source.name, buf_text(&reasons));
        memset(statsd->refused, 0, sizeof(statsd->refused));
    }
    buf_done(&reasons);
}

/* One line for all that was refused lately, so that a flood of bad lines is no flood of log lines.
 */
static void complain(struct statsd *statsd, int64_t now_ms)
{
    uint64_t refused = statsd->dropped;

    if (now_ms - statsd->complained_ms < COMPLAINT_EVERY_MS && now_ms >= statsd->complained_ms) {
        return;
    }
    for (int i = STATSD_OK + 1; i < STATSD_REASON_COUNT; i++) {
        refused += statsd->refused[i];
    }
    if (refused == 0) {
        return;
    }
    complain_of_lines(statsd);
    if (statsd->dropped > 0) {
        log_warn("%s: the kernel had no room for %" PRIu64
                 " datagrams: their counts are lost; raise "
                 "net.core.rmem_max (4 MB are asked for), or send fewer with a sample rate",
                 statsd->source.name, statsd->dropped);
        statsd->dropped = 0;
    }
    statsd->complained_ms = now_ms;
}

static void give_drops(struct statsd *statsd, int64_t tick_ms)
{
    uint64_t dropped = 0;
    struct reading reading = {
        .metric = METRIC_AGENT_DATAGRAMS_DROPPED, .extra = statsd->agent_name, .time_ms = tick_ms};

    for (size_t i = 0; i < statsd->listener_count; i++) {
        dropped += statsd_socket_drops(&statsd->listeners[i].socket);
    }
    statsd->dropped += dropped;
    if (statsd->pools.count > 0) { /* it goes where a pool's numbers go */
        reading.region = statsd->pools.pools[0].database->region;
        reading.value = (double)dropped;
        statsd->sink.put(statsd->sink.arg, &reading);
    }
}

static void statsd_tick(struct source *source, int64_t tick_ms)
{
    struct statsd *statsd = (struct statsd *)source;

    for (size_t i = 0; i < statsd->pools.count; i++) {
        give(statsd, &statsd->pools.pools[i], METRIC_POOL_TIMEOUT, tick_ms, 0);
    }
    give_drops(statsd, tick_ms);
    complain(statsd, tick_ms);
}

static int64_t statsd_settled_ms(const struct source *source)
{
    (void)source; /* a datagram is a reading of its own moment */
    return INT64_MAX;
}

/* --- the configuration ---------------------------------------------------------------------- */

static void take_pools(struct statsd *statsd, const struct config *config)
{
    statsd->config = config;
    statsd->unnamed = config->statsd_database;
    statsd->unnamed_left = config->statsd_max_pools;
    for (size_t i = 0; i < config->pool_count; i++) {
        const struct config_pool *pool = &config->pools[i];

        if (pool->type == POOL_STATSD) {
            statsd_pools_add(&statsd->pools, pool->name, strlen(pool->name), pool->of);
        }
    }
}

/* Pools that no section names go on, as long as there is room for them. */
static void keep_unnamed(struct statsd *statsd, const struct statsd_pools *old)
{
    for (size_t i = 0; i < old->count; i++) {
        const struct statsd_pool *pool = &old->pools[i];

        if (pool->unnamed && statsd->unnamed && statsd->unnamed_left > 0 &&
            !has_other_source(statsd->config, pool->name, pool->name_len) &&
            !statsd_pools_find(&statsd->pools, pool->name, pool->name_len)) {
            statsd->unnamed_left--;
            statsd_pools_add(&statsd->pools, pool->name, pool->name_len, statsd->unnamed)->unnamed =
                true;
        }
    }
}

/* What the kernel holds was sent before. */
static void drain(struct statsd *statsd)
{
    for (size_t i = 0; i < statsd->listener_count; i++) {
        receive(&statsd->listeners[i], LAST_BATCHES);
    }
}

void statsd_rebind(struct source *source, const struct config *config)
{
    struct statsd *statsd = (struct statsd *)source;

    drain(statsd);
    struct statsd_pools old = statsd->pools;

    statsd->pools = (struct statsd_pools){0};
    take_pools(statsd, config);
    keep_unnamed(statsd, &old);
    statsd_pools_done(&old);
}

bool statsd_same_sockets(const struct config *a, const struct config *b)
{
    bool same = a->statsd_listen.count == b->statsd_listen.count;

    for (size_t i = 0; same && i < a->statsd_listen.count; i++) {
        same = strcmp(a->statsd_listen.items[i], b->statsd_listen.items[i]) == 0;
    }
    return same;
}

/* --- life ----------------------------------------------------------------------------------- */

static void statsd_free(struct statsd *statsd)
{
    statsd_pools_done(&statsd->pools);
    statsd_inbox_free(statsd->inbox);
    free(statsd->listeners);
    free(statsd->name);
    free(statsd);
}

static void on_closed(uv_handle_t *handle)
{
    struct statsd *statsd = ((struct listener *)handle->data)->statsd;
    source_stopped *stopped = statsd->stopped;
    void *arg = statsd->stopped_arg;

    if (--statsd->open == 0) {
        statsd_free(statsd);
        stopped(arg);
    }
}

static void statsd_stop(struct source *source, source_stopped *stopped, void *arg)
{
    struct statsd *statsd = (struct statsd *)source;

    drain(statsd);
    statsd->stopped = stopped;
    statsd->stopped_arg = arg;
    statsd->open = statsd->listener_count;
    for (size_t i = 0; i < statsd->listener_count; i++) {
        struct listener *listener = &statsd->listeners[i];

        uv_poll_stop(&listener->poll);
        statsd_socket_close(&listener->socket); /* now: after a reload the next one may want it */
        uv_close((uv_handle_t *)&listener->poll, on_closed);
    }
}

static const struct source_ops statsd_ops = {statsd_tick, statsd_settled_ms, statsd_stop};

static bool open_all(struct statsd *statsd, const struct config_list *listen, struct err *err)
{
    for (size_t i = 0; i < listen->count; i++) {
        if (!statsd_socket_open(listen->items[i], &statsd->listeners[i].socket, err)) {
            while (i-- > 0) {
                statsd_socket_close(&statsd->listeners[i].socket);
            }
            return false;
        }
    }
    return true;
}

static void watch(struct statsd *statsd, uv_loop_t *loop)
{
    for (size_t i = 0; i < statsd->listener_count; i++) {
        struct listener *listener = &statsd->listeners[i];

        listener->statsd = statsd;
        listener->poll.data = listener;
        uv_poll_init(loop, &listener->poll, listener->socket.fd);
        uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    }
}

bool statsd_new(const struct statsd_options *options, struct source **out, struct err *err)
{
    const struct config_list *listen = &options->config->statsd_listen;
    struct statsd *statsd = mem_alloc(sizeof(*statsd));

    statsd->listener_count = listen->count;
    statsd->listeners = mem_alloc(listen->count * sizeof(*statsd->listeners));
    if (!open_all(statsd, listen, err)) {
        statsd_free(statsd);
        return false;
    }
    statsd->name = mem_printf("statsd %s", listen->items[0]);
    statsd->source.ops = &statsd_ops;
    statsd->source.name = statsd->name;
    statsd->clock = options->clock;
    statsd->sink = options->sink;
    statsd->agent_name = options->agent_name;
    statsd->inbox = statsd_inbox_new();
    take_pools(statsd, options->config);
    watch(statsd, options->loop);
    *out = &statsd->source;
    return true;
}
