#include "agent/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"
#include "aws/time.h"

struct probe {
    struct probe_options options;
    uv_timer_t deadline;
    struct source **sources;
    struct probe_outcome *outcomes;
    size_t count;
    size_t open; /* sources and the timer that are not closed yet */
    bool over;
};

static void finish(struct probe *probe)
{
    struct probe_options options = probe->options;
    struct probe_outcome *outcomes = probe->outcomes;
    size_t count = probe->count;

    free(probe->sources);
    free(probe);
    options.done(options.arg, outcomes, count);
    free(outcomes);
}

static void on_part_closed(struct probe *probe)
{
    if (--probe->open == 0) {
        finish(probe);
    }
}

static void on_source_stopped(void *arg)
{
    on_part_closed(arg);
}

static void on_timer_closed(uv_handle_t *timer)
{
    on_part_closed(timer->data);
}

static void stop_all(struct probe *probe)
{
    if (probe->over) {
        return;
    }
    probe->over = true;
    uv_close((uv_handle_t *)&probe->deadline, on_timer_closed);
    for (size_t i = 0; i < probe->count; i++) {
        probe->sources[i]->ops->stop(probe->sources[i], on_source_stopped, probe);
    }
}

static void on_deadline(uv_timer_t *timer)
{
    struct probe *probe = timer->data;

    for (size_t i = 0; i < probe->count; i++) {
        if (!probe->outcomes[i].finished) {
            err_set(&probe->outcomes[i].err, ERR_TIMEOUT, "no answer in %d s",
                    PROBE_DEADLINE_MS / 1000);
        }
    }
    stop_all(probe);
}

static struct probe_outcome *outcome_of(struct probe *probe, const struct config_database *database)
{
    size_t i = 0;

    while (probe->outcomes[i].database != database) {
        i++;
    }
    return &probe->outcomes[i];
}

static void on_limit(void *arg, const struct config_database *database, double usable)
{
    outcome_of(arg, database)->usable = usable;
}

static void on_instance(void *arg, const struct config_database *database, const char *instance)
{
    struct probe_outcome *outcome = outcome_of(arg, database);

    (void)snprintf(outcome->instance, sizeof(outcome->instance), "%s", instance);
}

static void on_outcome(void *arg, const struct config_database *database, const struct err *err)
{
    struct probe *probe = arg;
    struct probe_outcome *outcome = outcome_of(probe, database);

    if (outcome->finished || probe->over) {
        return;
    }
    outcome->finished = true;
    if (err) {
        outcome->err = *err;
    }
    for (size_t i = 0; i < probe->count; i++) {
        if (!probe->outcomes[i].finished) {
            return;
        }
    }
    stop_all(probe);
}

static void ignore_reading(void *arg, const struct reading *reading)
{
    (void)arg;
    (void)reading;
}

void probe_start(const struct probe_options *options)
{
    struct probe *probe = mem_alloc(sizeof(*probe));
    const struct config *config = options->config;

    probe->options = *options;
    if (!probe->options.sink.put) {
        probe->options.sink.put = ignore_reading;
    }
    probe->count = config->database_count;
    probe->open = probe->count + 1;
    probe->sources = mem_grow(NULL, probe->count, sizeof(struct source *));
    probe->outcomes = mem_alloc(probe->count * sizeof(struct probe_outcome));
    uv_timer_init(options->loop, &probe->deadline);
    probe->deadline.data = probe;
    uv_timer_start(&probe->deadline, on_deadline, PROBE_DEADLINE_MS, 0);
    for (size_t i = 0; i < probe->count; i++) {
        const struct activity_options activity = {
            .loop = options->loop,
            .database = &config->databases[i],
            .aws = options->aws,
            .metrics = options->metrics,
            .sample_interval_ms = config->sample_interval_ms,
            .sink = probe->options.sink,
            .on_limit = on_limit,
            .on_instance = on_instance,
            .on_outcome = on_outcome,
            .arg = probe,
        };

        probe->outcomes[i].database = &config->databases[i];
        probe->sources[i] = activity_new(&activity);
    }
    int64_t now_ms = time_now_ms();
    for (size_t i = 0; i < probe->count; i++) {
        probe->sources[i]->ops->tick(probe->sources[i], now_ms);
    }
}
