#include "agent/sample/pgbouncer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config_value.h"
#include "agent/log.h"
#include "agent/sample/bouncer.h"
#include "agent/sample/log_feed.h"
#include "agent/sample/pg.h"
#include "agent/sample/resolve.h"
#include "aws/common/mem.h"
#include "aws/common/random.h"

#define ANSWER_MS      3000
#define SAMPLE_MS      5000 /* of up to four answers: a window waits 6 s for them */
#define LOOK_UP_MS     3000
#define FIRST_RETRY_MS 1000
#define LAST_RETRY_MS  30000
#define SIZES_EVERY    30 /* ticks */
#define CONFIG_EVERY   300
#define LACKING_EVERY  5

struct pgbouncer {
    struct pool_source base;
    char *name;
    uv_loop_t *loop;
    bool has_log, has_console;
    struct config_list databases; /* its own: a reload replaces the configuration */
    struct log_feed feed;
    struct pg pg;
    struct resolve_request *look_up;
    bool opening, asking;
    struct bouncer bouncer;
    int64_t tick_ms;      /* that is being answered */
    uint64_t deadline_ms; /* of its last answer; the loop's clock */
    uint64_t ticks;       /* answered over this connection */
    uint64_t retry_at_ms;
    int retry_ms;
    enum bouncer_exactness exactness;
    bool told_inexact, told_unlogged, told_one_of_several;
    source_stopped *stopped;
    void *stopped_arg;
};

/* --- when it can not be asked --------------------------------------------------------------- */

static void close_console(struct pgbouncer *pool)
{
    resolve_cancel(pool->look_up);
    pool->look_up = NULL;
    pool->opening = pool->asking = false;
    pg_close(&pool->pg);
}

static const char *advice_for(const struct err *err)
{
    if (strstr(err->message, "not allowed")) {
        return ": name the user in its stats_users";
    }
    if (strstr(err->message, "unsupported startup parameter")) {
        return ": remove that parameter from url, or name it in its ignore_startup_parameters";
    }
    return "";
}

static void fail(struct pgbouncer *pool, const struct err *err)
{
    close_console(pool);
    pool->retry_at_ms =
        uv_now(pool->loop) + (uint64_t)(pool->retry_ms * (0.8 + 0.4 * random_fraction()));
    pool->retry_ms = pool->retry_ms * 2 < LAST_RETRY_MS ? pool->retry_ms * 2 : LAST_RETRY_MS;
    char *what = mem_printf("its console can not be read: %s%s%s%s%s", err->message,
                            pool->pg.place[0] ? " (" : "", pool->pg.place,
                            pool->pg.place[0] ? ")" : "", advice_for(err));
    pool_trouble(&pool->base, what);
    free(what);
}

static void on_lost(void *arg, const struct err *err)
{
    struct pgbouncer *pool = arg;

    pool->retry_ms = FIRST_RETRY_MS;
    fail(pool, err);
    pool->retry_at_ms = uv_now(pool->loop); /* it was there a moment ago */
}

/* --- one sample ----------------------------------------------------------------------------- */

static void ask(struct pgbouncer *pool, const char *command, pg_answered *done)
{
    uint64_t now_ms = uv_now(pool->loop);
    uint64_t left_ms = pool->deadline_ms > now_ms ? pool->deadline_ms - now_ms : 1;

    pool->asking = true;
    pg_query(&pool->pg, command, left_ms < ANSWER_MS ? (int)left_ms : ANSWER_MS, done);
}

static void tell_inexact(struct pgbouncer *pool, enum bouncer_exactness exactness)
{
    const char *version = PQparameterStatus(pool->pg.conn, "server_version");

    if (pool->told_inexact && exactness == pool->exactness) {
        return;
    }
    pool->told_inexact = true;
    if (exactness == BOUNCER_TOO_OLD) {
        log_warn("%s: PoolTimeout is not counted: PgBouncer %.*s does not tell of timeouts on its "
                 "console (1.23 does); give log = its log file",
                 pool->name, (int)strcspn(version ? version : "", "/"), version ? version : "");
    } else if (exactness == BOUNCER_SESSION) {
        log_warn("%s: PoolTimeout is not counted: in session pooling the console does not tell of "
                 "timeouts; give log = its log file",
                 pool->name);
    } else if (!pool->base.quiet) {
        log_info("%s: PoolTimeout is counted by the console", pool->name);
    }
}

static void give_sample(struct pgbouncer *pool)
{
    struct pool_gauges gauges;
    uint64_t added;
    bool baseline = pool->bouncer.fresh;
    enum bouncer_exactness exactness = bouncer_timeouts(&pool->bouncer, &added);

    bouncer_gauges(&pool->bouncer, &gauges);
    pool_give_gauges(&pool->base, pool->tick_ms, &gauges);
    if (pool->has_log) {
        return;
    }
    if (exactness == BOUNCER_EXACT && !baseline) {
        pool_give(&pool->base, METRIC_POOL_TIMEOUT, pool->tick_ms, (double)added);
    }
    tell_inexact(pool, exactness);
    pool->exactness = exactness;
}

/* Takes rows off an answer; false: the connection is given up. */
static bool take(struct pgbouncer *pool, const PGresult *rows, const struct err *err,
                 bool (*take_rows)(struct bouncer *bouncer, const PGresult *rows, struct err *err))
{
    struct err mistake;

    pool->asking = false;
    if (err) {
        fail(pool, err);
        return false;
    }
    if (take_rows && !take_rows(&pool->bouncer, rows, &mistake)) {
        fail(pool, &mistake);
        return false;
    }
    return true;
}

static void on_sizes(void *arg, const PGresult *rows, const struct err *err)
{
    struct pgbouncer *pool = arg;

    if (take(pool, rows, err, bouncer_take_databases)) {
        pool->ticks++;
        give_sample(pool);
    }
}

static void on_pools(void *arg, const PGresult *rows, const struct err *err)
{
    struct pgbouncer *pool = arg;

    if (!take(pool, rows, err, bouncer_take_pools)) {
        return;
    }
    if (pool->ticks % SIZES_EVERY == 0 ||
        (pool->ticks % LACKING_EVERY == 0 && bouncer_lacks_size(&pool->bouncer))) {
        ask(pool, "SHOW DATABASES", on_sizes);
        return;
    }
    pool->ticks++;
    give_sample(pool);
}

static void on_stats(void *arg, const PGresult *rows, const struct err *err)
{
    struct pgbouncer *pool = arg;

    if (take(pool, rows, err, bouncer_take_stats)) {
        ask(pool, "SHOW POOLS", on_pools);
    }
}

/* Each connection leads to another of them, whose numbers are its own. A unix socket is one's. */
static void tell_one_of_several(struct pgbouncer *pool, const PGresult *config)
{
    const char *host = PQhost(pool->pg.conn);

    if (!pool->told_one_of_several && bouncer_shares_port(config) && host && host[0] != '/') {
        log_warn(
            "%s: so_reuseport is on in PgBouncer: when several processes share the port this is "
            "one of them; give each a pool, with the unix socket of its own as the address "
            "(?host=/DIRECTORY)",
            pool->name);
        pool->told_one_of_several = true;
    }
}

static void on_config(void *arg, const PGresult *rows, const struct err *err)
{
    struct pgbouncer *pool = arg;

    if (!take(pool, rows, err, NULL)) {
        return;
    }
    bool logged = bouncer_logs_timeouts(rows);

    if (!logged && pool->has_log && !pool->told_unlogged) {
        log_warn(
            "%s: PoolTimeout stays 0: log_pooler_errors and log_disconnections are both off in "
            "PgBouncer, so that its log does not tell of timeouts; set one of them to 1",
            pool->name);
    }
    pool->told_unlogged = !logged;
    tell_one_of_several(pool, rows);
    ask(pool, "SHOW STATS", on_stats);
}

static void sample(struct pgbouncer *pool, int64_t tick_ms)
{
    pool->tick_ms = tick_ms;
    pool->deadline_ms = uv_now(pool->loop) + SAMPLE_MS;
    if (pool->ticks % CONFIG_EVERY == 0) {
        ask(pool, "SHOW CONFIG", on_config);
    } else {
        ask(pool, "SHOW STATS", on_stats);
    }
}

/* --- opening -------------------------------------------------------------------------------- */

static void on_connected(void *arg, const struct err *err)
{
    struct pgbouncer *pool = arg;
    const char *version;
    struct err mistake;

    pool->opening = false;
    if (err) {
        fail(pool, err);
        return;
    }
    version = PQparameterStatus(pool->pg.conn, "server_version");
    if (!version || !strstr(version, "/bouncer")) {
        err_set(&mistake, ERR_CONFIG,
                "is no console of PgBouncer (it answers as %s): give the URL of its database "
                "pgbouncer",
                version ? version : "nothing");
        fail(pool, &mistake);
        return;
    }
    bouncer_reconnected(&pool->bouncer);
    pool->ticks = 0;
    pool->retry_ms = FIRST_RETRY_MS;
    (void)pool_trouble_over(&pool->base);
    if (!pool->base.quiet) {
        log_info("%s: connected to the console of PgBouncer %.*s", pool->name,
                 (int)strcspn(version, "/"), version);
    }
}

struct keywords {
    const char *keyword[CONNINFO_PARAMS_MAX + 16];
    const char *value[CONNINFO_PARAMS_MAX + 16];
    size_t count;
};

static void add(struct keywords *list, const char *keyword, const char *value)
{
    if (value && list->count + 1 < MEM_COUNT(list->keyword)) {
        list->keyword[list->count] = keyword;
        list->value[list->count++] = value;
    }
}

/* What PgBouncer takes at the start: no `options`, hence no timeouts of the server's side. */
static void dial(struct pgbouncer *pool, const char *host, const char *hostaddr)
{
    const struct conninfo *info = &pool->base.pool->url.conninfo;
    struct keywords list = {.count = 0};

    add(&list, "keepalives_idle", "10");
    add(&list, "keepalives_interval", "5");
    add(&list, "keepalives_count", "2");
    for (size_t i = 0; i < CONNINFO_PARAMS_MAX && info->keywords[i]; i++) {
        add(&list, info->keywords[i], info->values[i]);
    }
    add(&list, "host", host);
    add(&list, "hostaddr", hostaddr);
    add(&list, "port", info->port);
    add(&list, "user", info->user);
    add(&list, "dbname", info->dbname);
    add(&list, "password", info->password);
    add(&list, "application_name", "poolwarden");
    add(&list, "gssencmode", "disable"); /* would ask a Kerberos server and wait for it */
    pg_connect(&pool->pg, list.keyword, list.value, info->connect_timeout_ms, on_connected);
}

static void on_resolved(void *arg, const struct resolve_addresses *addresses, const struct err *err)
{
    struct pgbouncer *pool = arg;
    struct buf hosts, numbers;

    pool->look_up = NULL;
    if (err) {
        pool->opening = false;
        fail(pool, err);
        return;
    }
    buf_init(&hosts, 4096);
    buf_init(&numbers, 4096);
    for (size_t i = 0; i < addresses->count; i++) {
        buf_printf(&hosts, "%s%s", i ? "," : "", pool->base.pool->url.conninfo.host);
        buf_printf(&numbers, "%s%s", i ? "," : "", addresses->text[i]);
    }
    dial(pool, buf_text(&hosts), buf_text(&numbers));
    buf_done(&hosts);
    buf_done(&numbers);
}

static void open_console(struct pgbouncer *pool)
{
    const struct conninfo *info = &pool->base.pool->url.conninfo;

    pool->opening = true;
    pool->pg.place[0] = '\0';
    if (conninfo_needs_no_lookup(info)) {
        dial(pool, info->host, info->hostaddr);
    } else {
        pool->look_up = resolve_send(pool->loop, info->host, LOOK_UP_MS, on_resolved, pool);
    }
}

/* --- as a source ---------------------------------------------------------------------------- */

/* A new connection begins to count anew. */
static void rest(struct pgbouncer *pool)
{
    close_console(pool);
    (void)pool_trouble_over(&pool->base);
    pool->retry_ms = FIRST_RETRY_MS;
    pool->retry_at_ms = 0;
}

static void pgbouncer_tick(struct source *source, int64_t tick_ms)
{
    struct pgbouncer *pool = (struct pgbouncer *)source;

    if (pool->has_log) {
        log_feed_tick(&pool->feed, &pool->base, tick_ms);
    }
    if (pool->base.reader != POOL_READ_HERE) {
        rest(pool);
    }
    if (!pool->has_console || pool->base.reader != POOL_READ_HERE || pool->opening ||
        pool->asking) {
        return;
    }
    if (pg_is_open(&pool->pg)) {
        sample(pool, tick_ms);
    } else if (uv_now(pool->loop) >= pool->retry_at_ms) {
        open_console(pool);
    }
}

static int64_t pgbouncer_settled_ms(const struct source *source)
{
    const struct pgbouncer *pool = (const struct pgbouncer *)source;

    return pool->asking ? pool->tick_ms : INT64_MAX;
}

static void on_closed(void *arg)
{
    struct pgbouncer *pool = arg;
    source_stopped *stopped = pool->stopped;
    void *stopped_arg = pool->stopped_arg;

    value_list.done(&pool->databases);
    pool_source_done(&pool->base);
    free(pool->name);
    free(pool);
    stopped(stopped_arg);
}

static void pgbouncer_stop(struct source *source, source_stopped *stopped, void *arg)
{
    struct pgbouncer *pool = (struct pgbouncer *)source;

    close_console(pool);
    bouncer_done(&pool->bouncer);
    if (pool->has_log) {
        log_feed_done(&pool->feed);
    }
    pool->stopped = stopped;
    pool->stopped_arg = arg;
    pg_done(&pool->pg, on_closed);
}

static const struct source_ops pgbouncer_ops = {pgbouncer_tick, pgbouncer_settled_ms,
                                                pgbouncer_stop};

struct source *pgbouncer_new(const struct pool_options *options)
{
    struct pgbouncer *pool = mem_alloc(sizeof(*pool));
    const struct config_pool *config = options->pool;

    pool->name = mem_printf("pool %s", config->name);
    pool->base = pool_source_init(options, &pgbouncer_ops, pool->name);
    pool->loop = options->loop;
    pool->retry_ms = FIRST_RETRY_MS;
    pool->has_console = config->url.conninfo.port != NULL;
    pool->has_log = config->log != NULL;
    pg_init(&pool->pg, options->loop, on_lost, pool);
    for (size_t i = 0; i < config->databases.count; i++) {
        value_list_add(&pool->databases, config->databases.items[i]);
    }
    bouncer_init(&pool->bouncer, &pool->databases);
    if (pool->has_log) {
        log_feed_init(&pool->feed, config->log, "pgbouncer", &pool->databases, options);
    }
    return &pool->base.source;
}

void pgbouncer_add_session_pooled(const struct source *source, struct buf *out)
{
    const struct bouncer *bouncer = &((const struct pgbouncer *)source)->bouncer;

    for (size_t i = 0; i < bouncer->database_count; i++) {
        if (bouncer->databases[i].listed && bouncer->databases[i].session) {
            buf_printf(out, "%s%s", out->len > 0 ? ", " : "", bouncer->databases[i].name);
        }
    }
}
