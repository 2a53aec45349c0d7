/*
 * Counts what lines tell of a pool between two ticks, for whoever has lines: a file or a command.
 */
#pragma once

#include "agent/sample/log_rules.h"
#include "agent/sample/pool.h"

struct log_count {
    struct log_rules *rules;
    const struct config_list *databases; /* globs; of events that name one */
    uint64_t events[LOG_EVENT_COUNT];    /* since the last tick */
    bool told;                           /* that lines were given up */
};

/* match has been accepted by log_rules_new() before. */
void log_count_init(struct log_count *count, const char *match,
                    const struct config_list *databases);
void log_count_done(struct log_count *count);

/* A log_on_line; arg is the count. */
void log_count_line(void *arg, const char *line, size_t len);

/* As if nothing had been counted. */
void log_count_forget(struct log_count *count);

/* Gives what was counted (zeros too) and begins anew. */
void log_count_give(struct log_count *count, const struct pool_source *source, int64_t tick_ms);
