#include "agent/watch/watch.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/log.h"
#include "agent/loop.h"
#include "agent/sample/activity.h"
#include "agent/sample/pools.h"
#include "agent/watch/frame.h"
#include "agent/watch/line.h"
#include "agent/watch/terminal.h"
#include "agent/watch/view.h"
#include "agent/way_in.h"
#include "aws/common/mem.h"
#include "aws/time.h"

#define INTERVAL_MS      1000
#define DRAW_PHASE_MS    300 /* behind the tick: answers of that tick are there by then */
#define PICTURE_MAX      ((size_t)4 << 20)
#define APPLICATIONS_MIN 12 /* have a place in the picture, however few have a metric */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};

struct watch {
    const struct config *config;
    enum cli_format format;
    uv_loop_t loop;
    struct cloud cloud;
    struct view view;
    struct config_database *databases; /* copies that name more applications; of the config's */
    struct source **sources;           /* a database's each, then the one of all pools */
    size_t source_count;
    struct source *pools; /* that one; NULL: not begun */
    struct positions *positions;
    struct ticker sampling, drawing;
    uv_signal_t signals[MEM_COUNT(signals)];
    bool on_terminal;
    struct terminal terminal;
    bool is_started, leaving;
};

/* --- showing -------------------------------------------------------------------------------- */

static void leave(struct watch *watch);

static void draw(struct watch *watch)
{
    struct frame_style style = {.color = !getenv("NO_COLOR"), .utf8 = terminal_shows_utf8()};
    struct buf text;

    terminal_size(&watch->terminal, &style.columns, &style.rows);
    buf_init(&text, PICTURE_MAX);
    frame_render(&watch->view, &style, &text);
    terminal_draw(&watch->terminal, buf_text(&text));
    buf_done(&text);
}

static void print(struct watch *watch)
{
    if (watch->format == FORMAT_JSON) {
        json_t *document = line_json(&watch->view);

        (void)json_dumpf(document, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        json_decref(document);
        putchar('\n');
    } else {
        struct buf text;

        buf_init(&text, PICTURE_MAX);
        line_render(&watch->view, &text);
        fputs(buf_text(&text), stdout);
        buf_done(&text);
    }
    if (fflush(stdout) != 0) {
        leave(watch); /* nobody reads it any more */
    }
}

/* A reader that takes nothing misses lines; nothing waits for it. */
static bool can_print(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) != 0;
}

static void on_draw(void *arg, int64_t tick_ms)
{
    struct watch *watch = arg;

    (void)tick_ms;
    if (watch->view.now_ms == 0) {
        return; /* nothing was asked yet */
    }
    if (watch->on_terminal) {
        draw(watch);
    } else if (can_print()) {
        print(watch);
    }
}

/* --- sampling ------------------------------------------------------------------------------- */

static void on_reading(void *arg, const struct reading *reading)
{
    struct watch *watch = arg;

    view_put(&watch->view, reading);
}

static void on_limit(void *arg, const struct config_database *database, double usable)
{
    (void)arg;
    (void)database;
    (void)usable;
}

static void on_outcome(void *arg, const struct config_database *database, const struct err *err)
{
    struct watch *watch = arg;
    size_t index = (size_t)(database - watch->databases);

    view_outcome(&watch->view, &watch->config->databases[index], time_now_ms(), err);
}

static const char *trouble_of(const struct watch *watch, const struct config_pool *pool)
{
    const char *trouble = pools_trouble(watch->pools, pool);

    if (pool->type == POOL_STATSD) {
        return "StatsD: only the running agent hears it";
    }
    return trouble ? trouble : pools_log_trouble(watch->pools, pool);
}

/* One that is silent is shown too, and why. */
static void look_at_pools(struct watch *watch)
{
    for (size_t i = 0; watch->pools && i < watch->config->pool_count; i++) {
        const struct config_pool *pool = &watch->config->pools[i];

        view_pool_state(&watch->view, pool, trouble_of(watch, pool));
    }
}

static void on_tick(void *arg, int64_t tick_ms)
{
    struct watch *watch = arg;

    watch->view.now_ms = tick_ms;
    for (size_t i = 0; i < watch->source_count; i++) {
        watch->sources[i]->ops->tick(watch->sources[i], tick_ms);
    }
    look_at_pools(watch);
}

static void start_pools(struct watch *watch)
{
    const struct pools_options options = {.loop = &watch->loop,
                                          .config = watch->config,
                                          .sink = {.put = on_reading, .arg = watch},
                                          .positions = watch->positions,
                                          .is_look = true};
    struct err err;

    if (pools_new(&options, &watch->pools, &err)) {
        watch->sources[watch->source_count++] = watch->pools;
        look_at_pools(watch); /* in the order of the configuration, whoever tells first */
    } else {
        log_error("%s", err.message);
    }
}

static void start_sources(struct watch *watch)
{
    for (size_t i = 0; i < watch->config->database_count; i++) {
        const struct activity_options options = {
            .loop = &watch->loop,
            .database = &watch->databases[i],
            .aws = &watch->cloud.access,
            .metrics = METRICS_FULL,
            .sample_interval_ms = INTERVAL_MS,
            .sink = {.put = on_reading, .arg = watch},
            .on_limit = on_limit,
            .on_outcome = on_outcome,
            .arg = watch,
        };

        watch->sources[watch->source_count++] = activity_new(&options);
    }
    start_pools(watch);
}

/* --- leaving -------------------------------------------------------------------------------- */

static void on_source_stopped(void *arg)
{
    (void)arg;
}

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void on_terminal_closed(void *arg)
{
    (void)arg;
}

static void leave(struct watch *watch)
{
    if (watch->leaving) {
        return;
    }
    watch->leaving = true;
    if (watch->is_started) {
        ticker_stop(&watch->sampling, on_closed);
        ticker_stop(&watch->drawing, on_closed);
    }
    for (size_t i = 0; i < MEM_COUNT(signals); i++) {
        uv_close((uv_handle_t *)&watch->signals[i], on_closed);
    }
    for (size_t i = 0; i < watch->source_count; i++) {
        watch->sources[i]->ops->stop(watch->sources[i], on_source_stopped, NULL);
    }
    if (watch->on_terminal) {
        terminal_close(&watch->terminal, on_terminal_closed);
    }
    cloud_done(&watch->cloud);
}

static void on_key(void *arg, char key)
{
    if (key == 'q' || key == 'Q' || key == 0) {
        leave(arg);
    }
}

/* The shell gets its terminal back until it lets us go on. */
static void pause_here(struct watch *watch)
{
    if (watch->on_terminal) {
        terminal_leave(&watch->terminal);
    }
    (void)raise(SIGSTOP);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct watch *watch = handle->data;

    switch (number) {
    case SIGWINCH:
    case SIGCONT:
        if (watch->on_terminal) {
            terminal_enter(&watch->terminal);
            draw(watch);
        }
        break;
    case SIGTSTP:
        pause_here(watch);
        break;
    default:
        leave(watch);
    }
}

/* --- the beginning -------------------------------------------------------------------------- */

static void on_way_in(void *arg, const struct err *err)
{
    struct watch *watch = arg;

    (void)err; /* only who logs in by AWS misses a region, and says so */
    if (!watch->leaving) {
        watch->is_started = true;
        start_sources(watch);
        ticker_start(&watch->sampling, &watch->loop, NULL, INTERVAL_MS, 0, on_tick, watch);
        ticker_start(&watch->drawing, &watch->loop, NULL, INTERVAL_MS, DRAW_PHASE_MS, on_draw,
                     watch);
    }
}

/* One that whoever started us has us ignore (nohup) stays ignored. */
static bool is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void watch_signals(struct watch *watch)
{
    for (size_t i = 0; i < MEM_COUNT(signals); i++) {
        uv_signal_init(&watch->loop, &watch->signals[i]);
        watch->signals[i].data = watch;
        if (!is_ignored(signals[i])) {
            uv_signal_start(&watch->signals[i], on_signal, signals[i]);
        }
    }
}

/* A terminal that can not be had gets lines. */
static void open_terminal(struct watch *watch)
{
    struct err err;

    if (watch->format == FORMAT_JSON || !terminal_is_there()) {
        return;
    }
    watch->on_terminal = terminal_open(&watch->terminal, &watch->loop, on_key, watch, &err);
    if (!watch->on_terminal) {
        log_warn("%s", err.message);
    } else if (isatty(STDERR_FILENO) == 1) {
        log_silence();
    }
}

int watch_run(const struct config *config, enum cli_format format)
{
    struct watch watch = {.config = config, .format = format};
    int status = EXIT_DONE;
    struct err err;

    watch.sources = mem_alloc((config->database_count + 1) * sizeof(struct source *));
    watch.positions = positions_new(NULL); /* logs are followed from their ends */
    watch.databases = mem_alloc(config->database_count * sizeof(*watch.databases));
    for (size_t i = 0; i < config->database_count; i++) {
        watch.databases[i] = config->databases[i];
        if (watch.databases[i].per_application < APPLICATIONS_MIN) {
            watch.databases[i].per_application = APPLICATIONS_MIN;
        }
    }
    view_init(&watch.view, config);
    uv_loop_init(&watch.loop);
    if (way_in_open(&watch.cloud, &watch.loop, config, on_way_in, &watch, &err)) {
        watch_signals(&watch);
        open_terminal(&watch);
        loop_run(&watch.loop);
    } else {
        log_error("%s", err.message);
        status = EXIT_FAILED;
    }
    view_done(&watch.view);
    free(watch.sources);
    positions_free(watch.positions);
    free(watch.databases);
    loop_end(&watch.loop, status);
    return status;
}
