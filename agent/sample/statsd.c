#include "agent/sample/statsd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/sample/statsd_line.h"
#include "aws/common/mem.h"
#include "aws/time.h"

#define DATAGRAM_MAX         65536 /* UDP's own limit: nothing is ever cut */
#define DATAGRAMS_PER_TURN   256   /* a flood must not keep the loop from its other work */
#define LAST_TURNS           64    /* when leaving: more than the kernel's buffer holds */
#define COMPLAINT_EVERY_MS   60000
#define RECEIVE_BUFFER_BYTES (1 << 20)

struct known_pool {
    char *name;
    size_t name_len;
    const struct config_database *database;
    bool unnamed; /* by any section */
};

struct statsd {
    struct source source;
    struct sink sink;
    uv_poll_t poll;
    int fd;
    char *listen;
    struct known_pool *pools; /* the configured ones first */
    size_t pool_count;
    const struct config_database *unnamed; /* whose unnamed pools are; NULL: nobody's */
    int unnamed_left;
    uint64_t refused[STATSD_REASON_COUNT]; /* since the last complaint */
    int64_t complained_ms;
    source_stopped *stopped;
    void *stopped_arg;
    char *datagram;
};

/* What each field means. */
static const struct field {
    const char *name;
    char type;
    enum metric_id metric;
} fields[] = {
    {"pool_timeout", 'c', METRIC_POOL_TIMEOUT},  {"waiting", 'g', METRIC_POOL_CLIENTS_WAITING},
    {"max_wait", 'g', METRIC_POOL_MAX_WAIT},     {"busy", 'g', METRIC_POOL_CONNECTIONS_BUSY},
    {"idle", 'g', METRIC_POOL_CONNECTIONS_IDLE}, {"size", 'g', METRIC_POOL_SIZE},
};

static const struct field *find_field(const struct statsd_line *line)
{
    for (size_t i = 0; i < MEM_COUNT(fields); i++) {
        if (strlen(fields[i].name) == line->field_len &&
            memcmp(fields[i].name, line->field, line->field_len) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static struct known_pool *add_pool(struct statsd *statsd, const char *name, size_t len,
                                   const struct config_database *database)
{
    statsd->pools = mem_grow(statsd->pools, statsd->pool_count + 1, sizeof(*statsd->pools));
    struct known_pool *pool = &statsd->pools[statsd->pool_count++];

    pool->name = mem_strndup(name, len);
    pool->name_len = len;
    pool->database = database;
    pool->unnamed = false;
    return pool;
}

static const struct known_pool *pool_named(const struct statsd *statsd, const char *name,
                                           size_t len)
{
    for (size_t i = 0; i < statsd->pool_count; i++) {
        if (statsd->pools[i].name_len == len && memcmp(statsd->pools[i].name, name, len) == 0) {
            return &statsd->pools[i];
        }
    }
    return NULL;
}

static enum statsd_reason find_pool(struct statsd *statsd, const struct statsd_line *line,
                                    const struct known_pool **out)
{
    *out = pool_named(statsd, line->pool, line->pool_len);
    if (*out) {
        return STATSD_OK;
    }
    if (!statsd->unnamed) {
        return STATSD_UNKNOWN_POOL;
    }
    if (statsd->unnamed_left == 0) {
        return STATSD_TOO_MANY_POOLS;
    }
    statsd->unnamed_left--;
    struct known_pool *added = add_pool(statsd, line->pool, line->pool_len, statsd->unnamed);
    added->unnamed = true;
    *out = added;
    log_info("%s: new pool %s of database %s", statsd->source.name, (*out)->name,
             statsd->unnamed->name);
    return STATSD_OK;
}

static void give(const struct statsd *statsd, const struct known_pool *pool, enum metric_id metric,
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

static enum statsd_reason take_line(struct statsd *statsd, const char *text, size_t len,
                                    int64_t now_ms)
{
    struct statsd_line line;
    const struct known_pool *pool = NULL;
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
    reason = find_pool(statsd, &line, &pool);
    if (reason == STATSD_OK) {
        give(statsd, pool, field->metric, now_ms, line.value);
    }
    return reason;
}

static void take_datagram(struct statsd *statsd, const char *data, size_t len)
{
    int64_t now_ms = time_now_ms();
    const char *end = data + len;

    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *stop = newline ? newline : end;
        size_t line_len = (size_t)(stop - data);

        if (line_len > 0 && data[line_len - 1] == '\r') {
            line_len--;
        }
        if (line_len > 0) {
            statsd->refused[take_line(statsd, data, line_len, now_ms)]++;
        }
        data = stop + 1;
    }
}

/* Reads what has arrived; false when the socket is empty. */
static bool receive(struct statsd *statsd)
{
    for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
        ssize_t len = recv(statsd->fd, statsd->datagram, DATAGRAM_MAX, MSG_DONTWAIT);

        if (len < 0) {
            return false;
        }
        take_datagram(statsd, statsd->datagram, (size_t)len);
    }
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    if (status == 0) {
        receive(poll->data);
    }
}

/* One line for all that was refused lately, so that a flood of bad lines is no flood of log lines.
 */
static void complain(struct statsd *statsd, int64_t now_ms)
{
    struct buf reasons;

    if (now_ms - statsd->complained_ms < COMPLAINT_EVERY_MS && now_ms >= statsd->complained_ms) {
        return;
    }
    buf_init(&reasons, 1024);
    for (int i = STATSD_OK + 1; i < STATSD_REASON_COUNT; i++) {
        if (statsd->refused[i] > 0) {
            buf_printf(&reasons, "%s%s %llu", reasons.len ? ", " : "",
                       statsd_reason_text((enum statsd_reason)i),
                       (unsigned long long)statsd->refused[i]);
        }
    }
    if (reasons.len > 0) {
        log_warn("%s: lines not used: %s; expected <pool>.pool_timeout:1|c of a pool that a [pool] "
                 "section names",
                 statsd->source.name, buf_text(&reasons));
        memset(statsd->refused, 0, sizeof(statsd->refused));
        statsd->complained_ms = now_ms;
    }
    buf_done(&reasons);
}

static void statsd_tick(struct source *source, int64_t tick_ms)
{
    struct statsd *statsd = (struct statsd *)source;

    for (size_t i = 0; i < statsd->pool_count; i++) {
        give(statsd, &statsd->pools[i], METRIC_POOL_TIMEOUT, tick_ms, 0);
    }
    complain(statsd, tick_ms);
}

static int64_t statsd_settled_ms(const struct source *source)
{
    (void)source; /* a datagram is a reading of its own moment */
    return INT64_MAX;
}

static void free_pools(struct known_pool *pools, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pools[i].name);
    }
    free(pools);
}

static void take_pools(struct statsd *statsd, const struct config *config)
{
    statsd->unnamed = config->statsd_database;
    statsd->unnamed_left = config->statsd_max_pools;
    for (size_t i = 0; i < config->pool_count; i++) {
        const struct config_pool *pool = &config->pools[i];

        if (pool->type == POOL_STATSD) {
            add_pool(statsd, pool->name, strlen(pool->name), pool->of);
        }
    }
}

static void statsd_free(struct statsd *statsd)
{
    free_pools(statsd->pools, statsd->pool_count);
    free(statsd->datagram);
    free(statsd->listen);
    free(statsd);
}

static void on_closed(uv_handle_t *handle)
{
    struct statsd *statsd = handle->data;
    source_stopped *stopped = statsd->stopped;
    void *arg = statsd->stopped_arg;

    statsd_free(statsd);
    stopped(arg);
}

/* What the kernel holds was sent before we left. */
static void drain(struct statsd *statsd)
{
    for (int i = 0; i < LAST_TURNS && receive(statsd); i++) {
    }
}

static void statsd_stop(struct source *source, source_stopped *stopped, void *arg)
{
    struct statsd *statsd = (struct statsd *)source;

    drain(statsd);
    uv_poll_stop(&statsd->poll);
    close(statsd->fd); /* now: after a reload the next one may want this very port */
    statsd->stopped = stopped;
    statsd->stopped_arg = arg;
    uv_close((uv_handle_t *)&statsd->poll, on_closed);
}

static const struct source_ops statsd_ops = {statsd_tick, statsd_settled_ms, statsd_stop};

/* "127.0.0.1:8125" or "[::1]:8125"; the configuration has checked the form. */
static bool parse_address(const char *listen, struct sockaddr_storage *out, socklen_t *len)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    const char *colon = strrchr(listen, ':');
    char host[64];

    memset(out, 0, sizeof(*out));
    if (!colon || (size_t)(colon - listen) >= sizeof(host)) {
        return false;
    }
    bool brackets = listen[0] == '[' && colon > listen + 1 && colon[-1] == ']';
    const char *from = listen + (brackets ? 1 : 0);
    size_t host_len = (size_t)(colon - from) - (brackets ? 1 : 0);
    in_port_t port = htons((uint16_t)strtoul(colon + 1, NULL, 10));

    memcpy(host, from, host_len);
    host[host_len] = '\0';
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        *len = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        *len = sizeof(*v6);
        return true;
    }
    return false;
}

static bool open_socket(const char *listen, int *out, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    int room = RECEIVE_BUFFER_BYTES;

    if (!parse_address(listen, &address, &len)) {
        return err_set(err, ERR_CONFIG, "statsd %s: not an address; accepted: 127.0.0.1:8125",
                       listen);
    }
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_errno(err, errno, "statsd %s", listen);
    }
    /* The kernel gives less where it is set so (net.core.rmem_max): no reason to stop. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    if (bind(fd, (struct sockaddr *)&address, len) != 0) {
        err_errno(err, errno, "statsd %s", listen);
        close(fd);
        return false;
    }
    *out = fd;
    return true;
}

/* Pools that no section names go on, as long as there is room for them. */
void statsd_rebind(struct source *source, const struct config *config)
{
    struct statsd *statsd = (struct statsd *)source;

    drain(statsd);
    struct known_pool *old = statsd->pools;
    size_t count = statsd->pool_count;
    statsd->pools = NULL;
    statsd->pool_count = 0;
    take_pools(statsd, config);
    for (size_t i = 0; i < count; i++) {
        if (old[i].unnamed && statsd->unnamed && statsd->unnamed_left > 0 &&
            !pool_named(statsd, old[i].name, old[i].name_len)) {
            statsd->unnamed_left--;
            add_pool(statsd, old[i].name, old[i].name_len, statsd->unnamed)->unnamed = true;
        }
    }
    free_pools(old, count);
}

bool statsd_new(const struct statsd_options *options, struct source **out, struct err *err)
{
    const struct config *config = options->config;
    int fd = -1;

    if (!open_socket(config->statsd_listen, &fd, err)) {
        return false;
    }
    struct statsd *statsd = mem_alloc(sizeof(*statsd));
    statsd->listen = mem_printf("statsd %s", config->statsd_listen);
    statsd->source.ops = &statsd_ops;
    statsd->source.name = statsd->listen;
    statsd->sink = options->sink;
    statsd->fd = fd;
    statsd->datagram = mem_alloc(DATAGRAM_MAX);
    take_pools(statsd, config);
    statsd->poll.data = statsd;
    uv_poll_init(options->loop, &statsd->poll, fd);
    uv_poll_start(&statsd->poll, UV_READABLE, on_readable);
    *out = &statsd->source;
    return true;
}
