#include "agent/outlet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/destination.h"
#include "agent/durable.h"
#include "agent/log.h"
#include "agent/publish/window.h"
#include "aws/common/mem.h"

/* After windows were closed: to compress their datums takes milliseconds, too, and what arrived
 * meanwhile is read first. */
#define SEND_AFTER_MS 200
#define LATE_MS       60000 /* no answer is later; a clock that is corrected was farther off */

/* By a clock that was off: what was asked for then, and is answered now, moves by so much. */
struct correction {
    int64_t from_ms, to_ms;
    int64_t by_ms; /* 0: there is none */
};

struct outlet {
    uv_loop_t *loop;
    const struct cloud *cloud;
    const struct config *config;
    const char *agent_name;
    char *region; /* NULL: not known */
    char *namespace_;
    bool former;
    const char *state_dir;
    bool dry_run;
    struct aws_client *client; /* NULL without a region */
    struct windows *windows;
    struct spool *spool;
    struct correction late;
    struct durable *durable; /* NULL: in memory only, as long as the region is not known */
    struct publisher *publisher;
    struct provision *provision;    /* NULL without a client */
    char *provision_told;           /* why it failed, as logged; NULL: it works */
    bool dropping;                  /* readings, at the last publish */
    struct publisher_counters told; /* of the last self metrics */
    uint64_t told_dropped;
    void (*on_empty)(void *arg);
    void *on_empty_arg;
    int parts_open;
    outlet_closed *closed;
    void *closed_arg;
};

static void on_dry_run(void *arg, const struct cloudwatch_entry *entries, size_t count)
{
    const struct outlet *outlet = arg;

    printf("PutMetricData %s (%s): %zu datums\n", outlet->namespace_,
           outlet->region ? outlet->region : "region not known", count);
    for (size_t i = 0; i < count; i++) {
        printf("  {\"Timestamp\":%" PRId64 ",%s}\n", entries[i].timestamp_s, entries[i].members);
    }
    fflush(stdout);
}

static void on_sent(void *arg)
{
    const struct outlet *outlet = arg;

    outlet->on_empty(outlet->on_empty_arg);
}

static void on_ambiguous(void *arg, size_t datums);

static void on_provision_line(void *arg, const struct provision_line *line)
{
    const struct outlet *outlet = arg;
    struct buf text;

    buf_init(&text, 4096);
    provision_format_line(line, &text);
    if (outlet->dry_run) {
        printf("%s\n", buf_text(&text));
        fflush(stdout);
    } else {
        enum log_level level = line->action == PROVISION_FAILED     ? LOG_ERROR
                               : line->action == PROVISION_IN_PLACE ? LOG_DEBUG
                                                                    : LOG_INFO;
        log_at(level, "alarm %s", buf_text(&text));
    }
    buf_done(&text);
}

/* Each reason once. */
static void tell_provision_failure(struct outlet *outlet, const struct provision_summary *summary,
                                   const struct err *err)
{
    if (outlet->provision_told && aws_same_reason(outlet->provision_told, err->message)) {
        return;
    }
    free(outlet->provision_told);
    outlet->provision_told = mem_strdup(err->message);
    if (summary->failed > 0) {
        log_error("alarms in %s: %zu are not provisioned: %s; trying again, metrics are not "
                  "affected",
                  outlet->region, summary->failed, err->message);
    } else {
        log_error("alarms in %s are not provisioned: %s; trying again, metrics are not affected",
                  outlet->region, err->message);
    }
}

static void on_provision_done(void *arg, const struct provision_summary *summary,
                              const struct err *err)
{
    struct outlet *outlet = arg;

    if (err) {
        tell_provision_failure(outlet, summary, err);
        return;
    }
    free(outlet->provision_told);
    outlet->provision_told = NULL;
    char waiting[64] = "";

    if (summary->waiting > 0) {
        (void)snprintf(waiting, sizeof(waiting), ", %zu wait for their server's limit",
                       summary->waiting);
    }
    log_info("alarms in %s: %zu created, %zu changed, %zu in place, %zu not ours, %zu failed%s",
             outlet->region, summary->created, summary->changed, summary->in_place,
             summary->not_ours, summary->failed, waiting);
}

static int window_ms_of(const struct config *config)
{
    return config->publish_interval_ms < 60000 ? config->publish_interval_ms : 60000;
}

static struct windows_options windows_options_of(const struct config *config)
{
    return (struct windows_options){.length_ms = window_ms_of(config),
                                    .metrics = config->metrics,
                                    .rollup = config->rollup,
                                    .resolution_s = config->resolution_s,
                                    .dimensions = &config->dimensions};
}

static void open_durable(struct outlet *outlet)
{
    const struct config *config = outlet->config;
    const struct durable_options durable = {.loop = outlet->loop,
                                            .state_dir = outlet->dry_run ? NULL : outlet->state_dir,
                                            .region = outlet->region,
                                            .namespace_ = outlet->namespace_,
                                            .limit_bytes = config->spool_limit,
                                            .spool = outlet->spool,
                                            .windows = outlet->windows};
    size_t ambiguous;

    outlet->durable = durable_open(&durable, &ambiguous);
    if (ambiguous > 0) {
        on_ambiguous(outlet, ambiguous);
    }
}

static void start_parts(struct outlet *outlet, const struct outlet_options *options)
{
    const struct config *config = options->config;
    const struct windows_options windows = windows_options_of(config);

    outlet->windows = windows_new(&windows);
    outlet->spool = spool_new(config->spool_limit);
    const struct publisher_options publisher = {
        .loop = options->loop,
        .clock = &options->cloud->clock,
        .spool = outlet->spool,
        .namespace_ = outlet->namespace_,
        .former_region = outlet->former ? options->region : NULL,
        .delay_ms = SEND_AFTER_MS,
        .on_dry_run = options->dry_run ? on_dry_run : NULL,
        .on_sent = on_sent,
        .on_ambiguous = on_ambiguous,
        .arg = outlet,
    };
    outlet->publisher = publisher_new(&publisher);
}

static void start_provision(struct outlet *outlet)
{
    const struct provision_options provision = {
        .loop = outlet->loop,
        .client = outlet->client,
        .config = outlet->config,
        .region = outlet->region,
        .default_region = outlet->cloud->region,
        .dry_run = outlet->dry_run,
        .on_line = on_provision_line,
        .on_done = on_provision_done,
        .arg = outlet,
    };

    outlet->provision = provision_new(&provision);
}

static void use_client(struct outlet *outlet, const char *region, struct aws_client *client)
{
    outlet->region = mem_strdup(region);
    outlet->client = client;
    open_durable(outlet);
    if (!outlet->former) {
        start_provision(outlet);
    }
    publisher_set_client(outlet->publisher, client);
}

bool outlet_new(const struct outlet_options *options, struct outlet **out, struct err *err)
{
    struct aws_client *client = NULL;

    if (options->region && !cloud_client(options->cloud, options->region, &client, err)) {
        return false;
    }
    struct outlet *outlet = mem_alloc(sizeof(*outlet));
    outlet->loop = options->loop;
    outlet->cloud = options->cloud;
    outlet->config = options->config;
    outlet->former = options->former != NULL;
    outlet->namespace_ =
        mem_strdup(options->former ? options->former : options->config->namespace_);
    outlet->agent_name = options->agent_name;
    outlet->state_dir = options->state_dir;
    outlet->dry_run = options->dry_run;
    outlet->on_empty = options->on_empty;
    outlet->on_empty_arg = options->arg;
    start_parts(outlet, options);
    if (client) {
        use_client(outlet, options->region, client);
    }
    *out = outlet;
    return true;
}

bool outlet_set_region(struct outlet *outlet, const char *region, struct err *err)
{
    struct aws_client *client;

    if (!cloud_client(outlet->cloud, region, &client, err)) {
        return false;
    }
    use_client(outlet, region, client);
    return true;
}

bool outlet_goes_to(const struct outlet *outlet, const char *region, const char *namespace_)
{
    return outlet->region && strcmp(outlet->region, region) == 0 &&
           strcmp(outlet->namespace_, namespace_) == 0;
}

bool outlet_is_former(const struct outlet *outlet)
{
    return outlet->former;
}

bool outlet_is_drained(const struct outlet *outlet)
{
    return outlet->former && spool_count(outlet->spool) == 0 &&
           windows_oldest_ms(outlet->windows) == INT64_MAX;
}

void outlet_revive(struct outlet *outlet)
{
    outlet->former = false;
    start_provision(outlet);
}

bool outlet_is_for(const struct outlet *outlet, const char *region)
{
    if (outlet->former) {
        return false;
    }
    return outlet->region && region ? strcmp(outlet->region, region) == 0
                                    : outlet->region == region;
}

void outlet_reconfigure(struct outlet *outlet, const struct config *config)
{
    const struct windows_options windows = windows_options_of(config);

    outlet->config = config;
    windows_configure(outlet->windows, &windows);
    if (outlet->provision) {
        provision_reconfigure(outlet->provision, config);
    }
}

static void put(struct outlet *outlet, const struct reading *reading)
{
    windows_put(outlet->windows, reading);
    durable_put(outlet->durable, reading);
}

static void put_late(struct outlet *outlet, const struct reading *reading)
{
    const struct correction *late = &outlet->late;
    struct reading moved = *reading;

    if (reading->time_ms >= late->from_ms && reading->time_ms <= late->to_ms) {
        moved.time_ms += late->by_ms;
    } else if (reading->time_ms > late->to_ms + late->by_ms + LATE_MS) {
        outlet->late = (struct correction){.by_ms = 0};
    }
    put(outlet, &moved);
}

void outlet_put(struct outlet *outlet, const struct reading *reading)
{
    if (!windows_want(outlet->windows, reading)) {
        return;
    }
    if (outlet->late.by_ms != 0) {
        put_late(outlet, reading);
    } else {
        put(outlet, reading);
    }
}

static void on_datum(void *arg, int64_t start_ms, const char *members)
{
    struct outlet *outlet = arg;

    spool_push(outlet->spool, start_ms, members);
}

/* What is open closes, so that the journal, too, begins anew: its times are of before. */
void outlet_correct_clock(struct outlet *outlet, int64_t since_ms, int64_t now_ms,
                          int64_t correction_ms)
{
    int64_t by_ms = windows_correct(outlet->windows, since_ms, now_ms, correction_ms);

    spool_move(outlet->spool, since_ms, now_ms, by_ms);
    windows_close(outlet->windows, INT64_MAX, on_datum, outlet);
    durable_close_windows(outlet->durable, INT64_MAX);
    outlet->late = (struct correction){now_ms - LATE_MS, now_ms, by_ms};
}

void outlet_give(struct outlet *from, struct outlet *to)
{
    windows_close(from->windows, INT64_MAX, on_datum, from);
    spool_give(from->spool, to->spool);
    provision_set_default_region(to->provision, to->cloud->region);
    publisher_kick(to->publisher);
}

static void put_self(struct outlet *outlet, enum metric_id metric, int64_t time_ms, double value)
{
    const struct reading reading = {
        .metric = metric, .extra = outlet->agent_name, .time_ms = time_ms, .value = value};

    outlet_put(outlet, &reading);
}

/* At once, so that a crash does not lose the count; in a window that is not closed yet, also when
 * the clock has just been set back. */
static void on_ambiguous(void *arg, size_t datums)
{
    struct outlet *outlet = arg;
    int64_t now_ms = aws_clock_now_ms(&outlet->cloud->clock);
    int64_t closed_ms = windows_closed_ms(outlet->windows);

    put_self(outlet, METRIC_AGENT_AMBIGUOUS_RETRIES, now_ms > closed_ms ? now_ms : closed_ms,
             (double)datums);
}

/* What went wrong since the last time, in the window that is about to close. */
static void tell_self(struct outlet *outlet, int64_t time_ms)
{
    const struct publisher_counters *now = publisher_counters(outlet->publisher);
    uint64_t dropped = spool_dropped(outlet->spool);
    uint64_t readings = windows_dropped(outlet->windows);

    if (readings > 0 && !outlet->dropping) {
        log_warn("readings were dropped (%" PRIu64 "): they came after their window was sent, or "
                 "there are more than %d series",
                 readings, WINDOW_SERIES_MAX);
    }
    outlet->dropping = readings > 0;
    put_self(outlet, METRIC_AGENT_DATAPOINTS_DROPPED, time_ms,
             (double)(dropped - outlet->told_dropped + readings));
    put_self(outlet, METRIC_AGENT_PUBLISH_ERRORS, time_ms,
             (double)(now->errors - outlet->told.errors));
    put_self(outlet, METRIC_AGENT_AMBIGUOUS_RETRIES, time_ms, 0);
    put_self(outlet, METRIC_AGENT_SPOOL_BYTES, time_ms, (double)spool_bytes(outlet->spool));
    outlet->told = *now;
    outlet->told_dropped = dropped;
}

void outlet_publish(struct outlet *outlet, int64_t until_ms)
{
    bool all = until_ms == INT64_MAX;
    bool set_back = until_ms < windows_closed_ms(outlet->windows); /* its window is closed */

    if (!outlet->former && !set_back) {
        tell_self(outlet, all ? aws_clock_now_ms(&outlet->cloud->clock) : until_ms - 1);
    }
    windows_close(outlet->windows, until_ms, on_datum, outlet);
    durable_close_windows(outlet->durable, until_ms);
    if (all) {
        publisher_flush(outlet->publisher);
    } else {
        publisher_kick(outlet->publisher);
    }
}

void outlet_provision(struct outlet *outlet, const struct config_database *database)
{
    if (outlet->provision && outlet->config->provision_at_startup) {
        provision_run(outlet->provision, database);
    }
}

void outlet_set_limit(struct outlet *outlet, const struct config_database *database, double usable)
{
    if (outlet->provision) {
        provision_set_limit(outlet->provision, database, usable);
    }
}

bool outlet_set_instance(struct outlet *outlet, const struct config_database *database,
                         const char *instance)
{
    return outlet->provision && provision_set_instance(outlet->provision, database, instance);
}

size_t outlet_backlog(const struct outlet *outlet)
{
    return spool_count(outlet->spool);
}

bool outlet_is_durable(const struct outlet *outlet)
{
    return spool_is_on_disk(outlet->spool);
}

const char *outlet_trouble(const struct outlet *outlet)
{
    return publisher_trouble(outlet->publisher);
}

bool outlet_is_at_fault(const struct outlet *outlet)
{
    return publisher_is_at_fault(outlet->publisher);
}

int64_t outlet_bytes(const struct outlet *outlet)
{
    return spool_bytes(outlet->spool);
}

int64_t outlet_acknowledged_ms(const struct outlet *outlet)
{
    return (int64_t)publisher_counters(outlet->publisher)->acknowledged_ms;
}

static void on_part_closed(void *arg)
{
    struct outlet *outlet = arg;

    if (--outlet->parts_open > 0) {
        return;
    }
    outlet_closed *closed = outlet->closed;
    void *arg_of_closed = outlet->closed_arg;

    durable_free(outlet->durable);
    windows_free(outlet->windows);
    spool_free(outlet->spool);
    aws_client_free(outlet->client);
    free(outlet->region);
    free(outlet->namespace_);
    free(outlet->provision_told);
    free(outlet);
    closed(arg_of_closed);
}

/* At once: a reload may make another outlet for this directory. */
static void remove_dir(struct outlet *outlet)
{
    char *dir = destination_dir(outlet->state_dir, outlet->region, outlet->namespace_);

    durable_free(outlet->durable);
    outlet->durable = NULL;
    spool_free(outlet->spool);
    outlet->spool = NULL;
    destination_remove(dir);
    free(dir);
}

void outlet_stop(struct outlet *outlet, outlet_closed *closed, void *arg)
{
    bool spent = outlet->durable && outlet_is_drained(outlet);

    outlet->closed = closed;
    outlet->closed_arg = arg;
    outlet->parts_open = outlet->provision ? 2 : 1;
    if (outlet->provision) {
        provision_stop(outlet->provision, on_part_closed, outlet);
    }
    publisher_stop(outlet->publisher, on_part_closed, outlet);
    if (spent) {
        remove_dir(outlet);
    }
}
