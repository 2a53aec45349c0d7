#include "agent/sample/prometheus.h"

#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/sample/prom_page.h"
#include "aws/common/mem.h"
#include "aws/http.h"
#include "aws/time.h"

#define ANSWER_MS    3000
#define CONNECT_MS   2000
#define PAGE_MAX     ((size_t)4 << 20)
#define UNIX_PREFIX  "http://unix:"
#define RETRY_MAX_MS 10000

struct prometheus {
    struct pool_source base;
    char *name;
    char *url, *unix_socket; /* the socket: NULL when there is none */
    char *selectors[PROM_FIELD_COUNT];
    uv_loop_t *loop;
    struct http_client *http;
    struct http_transfer *transfer; /* NULL: nothing is under way */
    struct prom_page page;
    int64_t tick_ms; /* that is being answered */
    int retry_ms;    /* 0: the last page came */
    uint64_t retry_at_ms;
    const char *library; /* that was told */
    bool told_several, told_no_counter;
    uv_timer_t later;
    source_stopped *stopped;
    void *stopped_arg;
};

/* --- what is said --------------------------------------------------------------------------- */

static void tell_failure(struct prometheus *pool, const char *reason)
{
    pool->retry_ms = pool->retry_ms == 0             ? 1000
                     : pool->retry_ms < RETRY_MAX_MS ? pool->retry_ms * 2
                                                     : RETRY_MAX_MS;
    pool->retry_at_ms = uv_now(pool->loop) + (uint64_t)pool->retry_ms;
    char *what = mem_printf("its metrics can not be read: %s", reason);
    pool_trouble(&pool->base, what);
    free(what);
}

static void tell_success(struct prometheus *pool, const struct prom_found *found)
{
    pool->retry_ms = 0;
    if (pool_trouble_over(&pool->base) && !pool->base.quiet) {
        log_info("%s: its metrics are read again", pool->name);
    }
    if (found->library && found->library != pool->library && !pool->base.quiet) {
        log_info("%s: reads the metrics of %s", pool->name, found->library);
        pool->library = found->library;
    }
}

/* A page is there, of something else perhaps. */
static void tell_unknown(struct prometheus *pool)
{
    pool->retry_ms = 0;
    pool_trouble(&pool->base, "nothing on its page is known: name the series with timeout_counter, "
                              "waiting_gauge and the like");
}

/* Each once: whoever reads a 0 must know that it is one. */
static void tell_doubts(struct prometheus *pool, const struct prom_found *found)
{
    if (!found->anything && !pool->told_no_counter) {
        log_warn("%s: none of its series is on the page yet: PoolTimeout counts as 0; check their "
                 "names when it stays so",
                 pool->name);
        pool->told_no_counter = true;
    } else if (found->has_counter && !found->counter_is_there && !pool->told_no_counter &&
               !pool->base.quiet) {
        log_info("%s: no series of its counter of timeouts is on the page yet: it counts as 0",
                 pool->name);
        pool->told_no_counter = true;
    } else if (!found->has_counter && !pool->told_no_counter) {
        log_warn("%s: its metrics tell of the queue, not of timeouts: count PoolTimeout in another "
                 "pool, of type log or statsd",
                 pool->name);
        pool->told_no_counter = true;
    }
    if (pool->page.counter.several != pool->told_several) {
        pool->told_several = pool->page.counter.several;
        if (pool->told_several) {
            log_warn("%s: several processes answer in turn: PoolTimeout is not published, because "
                     "their counters can not be told apart; give each its own address, or let them "
                     "send StatsD",
                     pool->name);
        } else {
            log_info("%s: one process answers: PoolTimeout is published again", pool->name);
        }
    }
}

/* --- a page --------------------------------------------------------------------------------- */

static void take_page(struct prometheus *pool, const struct http_response *response)
{
    struct prom_found found;

    prom_page_read(&pool->page, response->body, response->body_len, (double)time_now_ms() / 1000,
                   &found);
    if (!found.anything && !found.has_counter) {
        tell_unknown(pool);
        return;
    }
    tell_success(pool, &found);
    tell_doubts(pool, &found);
    pool_give_gauges(&pool->base, pool->tick_ms, &found.gauges);
    if (found.has_counter && !pool->page.counter.several) {
        pool_give(&pool->base, METRIC_POOL_TIMEOUT, pool->tick_ms, found.timeouts);
    }
}

static void on_answer(void *arg, const struct http_response *response, const struct err *err,
                      bool may_have_arrived)
{
    struct prometheus *pool = arg;
    char status[64];

    (void)may_have_arrived;
    pool->transfer = NULL;
    if (err) {
        tell_failure(pool, err->message);
    } else if (response->status != 200) {
        (void)snprintf(status, sizeof(status), "it answers with status %d", response->status);
        tell_failure(pool, status);
    } else {
        take_page(pool, response);
    }
}

static void scrape(struct prometheus *pool, int64_t tick_ms)
{
    static const struct http_header headers[] = {
        {"Accept", "text/plain;version=0.0.4, application/openmetrics-text;q=0.5, */*;q=0.1"}};
    const struct http_request request = {.method = "GET",
                                         .url = pool->url,
                                         .headers = headers,
                                         .header_count = MEM_COUNT(headers),
                                         .connect_timeout_ms = CONNECT_MS,
                                         .timeout_ms = ANSWER_MS,
                                         .max_response = PAGE_MAX,
                                         .no_proxy = true,
                                         .unix_socket = pool->unix_socket};

    pool->tick_ms = tick_ms;
    pool->transfer = http_send(pool->http, &request, on_answer, pool);
}

/* --- as a source ---------------------------------------------------------------------------- */

/* The first page after it is where counting begins. */
static void rest(struct prometheus *pool)
{
    http_cancel(pool->transfer);
    pool->transfer = NULL;
    prom_page_done(&pool->page);
    prom_page_init(&pool->page, (const char *const *)pool->selectors, (double)time_now_ms() / 1000);
    (void)pool_trouble_over(&pool->base);
    pool->retry_ms = 0;
}

static void prometheus_tick(struct source *source, int64_t tick_ms)
{
    struct prometheus *pool = (struct prometheus *)source;

    if (pool->base.reader != POOL_READ_HERE) {
        rest(pool);
    } else if (!pool->transfer &&
               (pool->retry_ms == 0 || uv_now(pool->loop) >= pool->retry_at_ms)) {
        scrape(pool, tick_ms);
    }
}

static int64_t prometheus_settled_ms(const struct source *source)
{
    const struct prometheus *pool = (const struct prometheus *)source;

    return pool->transfer ? pool->tick_ms : INT64_MAX;
}

static void on_closed(uv_handle_t *handle)
{
    struct prometheus *pool = handle->data;
    source_stopped *stopped = pool->stopped;
    void *arg = pool->stopped_arg;

    for (int field = 0; field < PROM_FIELD_COUNT; field++) {
        free(pool->selectors[field]);
    }
    mem_free_secret(pool->url);
    free(pool->unix_socket);
    pool_source_done(&pool->base);
    free(pool->name);
    free(pool);
    stopped(arg);
}

static void prometheus_stop(struct source *source, source_stopped *stopped, void *arg)
{
    struct prometheus *pool = (struct prometheus *)source;

    http_cancel(pool->transfer);
    pool->transfer = NULL;
    prom_page_done(&pool->page);
    pool->stopped = stopped;
    pool->stopped_arg = arg;
    uv_close((uv_handle_t *)&pool->later, on_closed);
}

static const struct source_ops prometheus_ops = {prometheus_tick, prometheus_settled_ms,
                                                 prometheus_stop};

/* "http://unix:/run/app.sock:/metrics" is a socket and a path. */
static void take_url(struct prometheus *pool, const char *url)
{
    size_t prefix = strlen(UNIX_PREFIX);

    if (strncmp(url, UNIX_PREFIX, prefix) != 0) {
        pool->url = mem_strdup(url);
        return;
    }
    size_t len = strcspn(url + prefix, ":");
    const char *path = url[prefix + len] == ':' ? url + prefix + len + 1 : "/metrics";

    pool->unix_socket = mem_strndup(url + prefix, len);
    pool->url = mem_printf("http://localhost%s", path);
}

static void take_selectors(struct prometheus *pool, const struct config_pool *config)
{
    const char *const given[PROM_FIELD_COUNT] = {
        [PROM_TIMEOUTS] = config->timeout_counter, [PROM_WAITING] = config->waiting_gauge,
        [PROM_MAX_WAIT] = config->max_wait_gauge,  [PROM_BUSY] = config->busy_gauge,
        [PROM_IDLE] = config->idle_gauge,          [PROM_SIZE] = config->size_gauge,
    };

    for (int field = 0; field < PROM_FIELD_COUNT; field++) {
        pool->selectors[field] = mem_strdup(given[field]);
    }
}

struct source *prometheus_new(const struct pool_options *options)
{
    struct prometheus *pool = mem_alloc(sizeof(*pool));
    const struct config_pool *config = options->pool;

    pool->name = mem_printf("pool %s", config->name);
    pool->base = pool_source_init(options, &prometheus_ops, pool->name);
    pool->loop = options->loop;
    pool->http = options->http;
    take_url(pool, config->url.http);
    take_selectors(pool, config);
    prom_page_init(&pool->page, (const char *const *)pool->selectors,
                   (double)options->started_ms / 1000);
    uv_timer_init(options->loop, &pool->later);
    pool->later.data = pool;
    return &pool->base.source;
}
