#include "agent/sample/log_pool.h"

#include <stdlib.h>

#include "agent/sample/log_command.h"
#include "agent/sample/log_feed.h"
#include "aws/common/mem.h"

/* Of a log's lines none names a database but PgBouncer's, and then each is meant. */
static char *all[] = {(char[]){"*"}};
static const struct config_list every_database = {all, 1};

struct log_pool {
    struct pool_source base;
    char *name;
    bool is_command;
    struct log_feed feed;   /* of a file */
    struct log_count count; /* of a command */
    struct log_command *command;
    uv_timer_t later; /* so that nothing is called back before stop() has returned */
    source_stopped *stopped;
    void *stopped_arg;
};

static void log_pool_tick(struct source *source, int64_t tick_ms)
{
    struct log_pool *pool = (struct log_pool *)source;
    enum pool_reader reader = pool_log_reader(&pool->base);

    if (!pool->is_command) {
        log_feed_tick(&pool->feed, &pool->base, tick_ms);
    } else if (reader == POOL_READ_ELSEWHERE) {
        log_count_forget(&pool->count);
    } else if (reader == POOL_READER_UNKNOWN) {
        return; /* the lines wait until it is known */
    } else if (log_command_is_running(pool->command) || pool->count.events[LOG_POOL_TIMEOUT] > 0 ||
               pool->count.events[LOG_CONNECTION_ERROR] > 0) {
        log_count_give(&pool->count, &pool->base, tick_ms);
    }
}

static int64_t log_pool_settled_ms(const struct source *source)
{
    (void)source; /* a tick's lines are read in the tick */
    return INT64_MAX;
}

static void on_closed(uv_handle_t *handle)
{
    struct log_pool *pool = handle->data;
    source_stopped *stopped = pool->stopped;
    void *arg = pool->stopped_arg;

    pool_source_done(&pool->base);
    free(pool->name);
    free(pool);
    stopped(arg);
}

static void on_command_stopped(void *arg)
{
    struct log_pool *pool = arg;

    log_count_done(&pool->count);
    uv_close((uv_handle_t *)&pool->later, on_closed);
}

static void log_pool_stop(struct source *source, source_stopped *stopped, void *arg)
{
    struct log_pool *pool = (struct log_pool *)source;

    pool->stopped = stopped;
    pool->stopped_arg = arg;
    if (pool->is_command) {
        log_command_stop(pool->command, on_command_stopped, pool);
    } else {
        log_feed_done(&pool->feed);
        uv_close((uv_handle_t *)&pool->later, on_closed);
    }
}

static const struct source_ops log_pool_ops = {log_pool_tick, log_pool_settled_ms, log_pool_stop};

struct source *log_pool_new(const struct pool_options *options)
{
    struct log_pool *pool = mem_alloc(sizeof(*pool));
    const struct config_pool *config = options->pool;

    pool->name = mem_printf("pool %s", config->name);
    pool->base = pool_source_init(options, &log_pool_ops, pool->name);
    uv_timer_init(options->loop, &pool->later);
    pool->later.data = pool;
    pool->is_command = config->command != NULL;
    if (pool->is_command) {
        log_count_init(&pool->count, config->match, &every_database);
        const struct log_command_options command = {.loop = options->loop,
                                                    .line = config->command,
                                                    .name = pool->name,
                                                    .withheld = options->inserted,
                                                    .on_line = log_count_line,
                                                    .arg = &pool->count};

        pool->command = log_command_new(&command);
    } else {
        log_feed_init(&pool->feed, config->path, config->match, &every_database, options);
    }
    return &pool->base.source;
}
