#include "agent/sample/log_count.h"

#include <inttypes.h>
#include <string.h>

#include "agent/log.h"
#include "aws/common/mem.h"
#include "aws/time.h"

void log_count_init(struct log_count *count, const char *match, const struct config_list *databases)
{
    struct err err;

    *count = (struct log_count){.databases = databases};
    if (!log_rules_new(match, &count->rules, &err)) {
        log_error("match %s: %s", match, err.message); /* the configuration has accepted it */
    }
}

void log_count_done(struct log_count *count)
{
    log_rules_free(count->rules);
    count->rules = NULL;
}

void log_count_line(void *arg, const char *line, size_t len)
{
    struct log_count *count = arg;

    if (!count->rules) {
        return;
    }
    struct log_finding found = log_rules_match(count->rules, line, len, time_now_ms());

    if (found.event != LOG_NOTHING &&
        (!found.database ||
         pool_has_database(count->databases, found.database, found.database_len))) {
        count->events[found.event]++;
    }
}

void log_count_forget(struct log_count *count)
{
    memset(count->events, 0, sizeof(count->events));
}

void log_count_give(struct log_count *count, const struct pool_source *source, int64_t tick_ms)
{
    uint64_t given_up = count->rules ? log_rules_given_up(count->rules) : 0;

    if (given_up > 0 && !count->told) {
        log_warn("%s: lines that match takes too many steps for (%" PRIu64 " at first) do not "
                 "count; make the expression simpler",
                 source->source.name, given_up);
        count->told = true;
    }
    pool_give(source, METRIC_POOL_TIMEOUT, tick_ms, (double)count->events[LOG_POOL_TIMEOUT]);
    pool_give(source, METRIC_CONNECTION_ERRORS, tick_ms,
              (double)count->events[LOG_CONNECTION_ERROR]);
    log_count_forget(count);
}
