#include "agent/agent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "agent/clock.h"
#include "agent/closing.h"
#include "agent/cloud.h"
#include "agent/loop.h"
#include "agent/members.h"
#include "agent/notify.h"
#include "agent/outlets.h"
#include "agent/sample/activity.h"
#include "agent/sample/election.h"
#include "agent/sample/pools.h"
#include "agent/state.h"
#include "agent/vitals.h"
#include "aws/common/mem.h"

#define TICK_MS           1000
#define UNHEALTHY_MS      15000 /* later than any deadline of ours */
#define FLUSH_MS          4000  /* of the 5 s that leaving may take */
#define PROVISION_AT_TICK 3     /* by then most limits are known: one comparison instead of two */
#define FIRST_TICK_MS     10    /* after the start: sessions that open then find it waiting */

struct agent {
    uv_loop_t loop;
    const struct cli *cli;
    struct config *config;
    struct config *retired; /* of before the last reload, while sources that used it are closing */
    struct cloud cloud;
    struct state *state;
    char name[256]; /* the host's: dimension `Agent` */
    struct members members;
    struct source *pools; /* NULL: not started */
    struct positions *positions;
    struct outlets outlets;
    struct ticker ticker;
    struct closing closing;
    uv_signal_t hangup, terminate, interrupt;
    uv_timer_t flush;
    int64_t started_ms;  /* by the clock of then */
    int64_t sampled_ms;  /* the last that sources saw */
    int64_t answered_ms; /* when a database last was, by uv_hrtime(); 0: not yet */
    struct vitals vitals;
    uint64_t ticks;
    size_t stopping; /* sources on their way out */
    size_t ending;   /* outlets on theirs */
    bool running;    /* sources and ticker are */
    bool reload_again;
    bool leaving; /* what is open is being published */
    bool ended;   /* only closing is left */
    int status;
};

static void leave(struct agent *agent, int status);

/* --- the way of a reading ------------------------------------------------------------------- */

static void close_outlets(struct agent *agent);

static void on_outlet_empty(void *arg)
{
    struct agent *agent = arg;
    size_t waiting = outlets_backlog(&agent->outlets);

    if (waiting == 0) {
        positions_keep(agent->positions);
    }
    if (agent->leaving && !agent->ended && agent->stopping == 0 && waiting == 0) {
        close_outlets(agent);
    }
}

static bool add_outlets(struct agent *agent, const struct config *config, struct err *err)
{
    const struct outlet_options common = {.loop = &agent->loop,
                                          .cloud = &agent->cloud,
                                          .config = config,
                                          .agent_name = agent->name,
                                          .state_dir = state_dir(agent->state),
                                          .dry_run = agent->cli->dry_run,
                                          .on_empty = on_outlet_empty,
                                          .arg = agent};

    return outlets_add(&agent->outlets, &common, err);
}

static void on_reading(void *arg, const struct reading *reading)
{
    struct agent *agent = arg;

    if (reading->metric == METRIC_DATABASE_UP && reading->value > 0) {
        agent->answered_ms = (int64_t)(uv_hrtime() / 1000000);
    }
    outlet_put(
        outlets_find(&agent->outlets, reading->region ? reading->region : agent->cloud.region),
        reading);
}

static void on_limit(void *arg, const struct config_database *database, double usable)
{
    struct agent *agent = arg;
    const char *region = cloud_region_of(&agent->cloud, database);
    struct outlet *outlet = outlets_find(&agent->outlets, region);
    struct err err;

    if (!state_set_limit(agent->state, region, database->identifier, usable, &err)) {
        log_warn("database %s: its limit is not kept over a restart: %s", database->name,
                 err.message);
    }
    outlet_set_limit(outlet, database, usable);
    if (agent->ticks >= PROVISION_AT_TICK) {
        outlet_provision(outlet, database);
    }
}

static void on_instance(void *arg, const struct config_database *database, const char *instance)
{
    struct agent *agent = arg;
    struct outlet *outlet = outlets_find(&agent->outlets, cloud_region_of(&agent->cloud, database));

    if (outlet_set_instance(outlet, database, instance) && agent->ticks >= PROVISION_AT_TICK) {
        outlet_provision(outlet, database);
    }
}

/* --- sources -------------------------------------------------------------------------------- */

/* Not before the region is known: agents that know it would not see this one. */
static bool election_key_of(void *arg, const struct config_database *database, int64_t *key)
{
    const struct agent *agent = arg;
    const char *region = cloud_region_of(&agent->cloud, database);

    if (region) {
        *key = election_key(agent->config->namespace_, region, database->identifier,
                            &agent->config->dimensions);
    }
    return region != NULL;
}

static struct source *start_database(void *arg, const struct member *member)
{
    struct agent *agent = arg;
    const struct config_database *database = member->database;
    const struct activity_options options = {
        .loop = &agent->loop,
        .database = database,
        .aws = &agent->cloud.access,
        .metrics = agent->config->metrics,
        .sample_interval_ms = agent->config->sample_interval_ms,
        .known_limit = state_limit(agent->state, cloud_region_of(&agent->cloud, database),
                                   database->identifier),
        .former_pid = member->former_pid,
        .sink = {.put = on_reading, .arg = agent},
        .election_key =
            agent->config->leader_election && !agent->cli->dry_run ? election_key_of : NULL,
        .on_limit = on_limit,
        .on_instance = on_instance,
        .arg = agent,
    };

    return activity_new(&options);
}

static enum pool_reader reader_of(void *arg, const struct config_database *database)
{
    const struct agent *agent = arg;

    return members_reader(&agent->members, database);
}

static bool start_pools(struct agent *agent, struct err *err)
{
    const struct pools_options options = {.loop = &agent->loop,
                                          .clock = &agent->cloud.clock,
                                          .config = agent->config,
                                          .agent_name = agent->name,
                                          .sink = {.put = on_reading, .arg = agent},
                                          .positions = agent->positions,
                                          .reader = reader_of,
                                          .arg = agent};

    return pools_new(&options, &agent->pools, err);
}

static void on_source_stopped(void *arg);

static void stop_source(void *arg, struct source *source)
{
    struct agent *agent = arg;

    agent->stopping++;
    source->ops->stop(source, on_source_stopped, agent);
}

static struct members_hooks hooks_of(struct agent *agent)
{
    return (struct members_hooks){.start = start_database, .stop = stop_source, .arg = agent};
}

/* --- ticks ---------------------------------------------------------------------------------- */

static int64_t settled_until(void *arg, int64_t tick_ms)
{
    const struct agent *agent = arg;
    int64_t pools = agent->pools->ops->settled_ms(agent->pools);

    return members_settled_ms(&agent->members, pools < tick_ms ? pools : tick_ms);
}

static void publish(void *arg, int64_t until_ms)
{
    struct agent *agent = arg;

    outlets_publish(&agent->outlets, until_ms);
    positions_mark(agent->positions, until_ms);
}

/* Once, by the first answer that tells what time it is there. */
static void on_clock_correction(void *arg, int64_t correction_ms)
{
    struct agent *agent = arg;
    int64_t before_ms = aws_clock_now_ms(&agent->cloud.clock) - correction_ms;

    if (agent->running && !agent->ended) {
        outlets_correct_clock(&agent->outlets, agent->started_ms, before_ms, correction_ms);
        closing_begin(&agent->closing, agent->config->publish_interval_ms);
    }
}

static void sample_if_due(struct agent *agent, int64_t tick_ms)
{
    int interval = agent->config->sample_interval_ms;

    if (tick_ms / interval == agent->sampled_ms / interval) {
        return;
    }
    agent->sampled_ms = tick_ms;
    for (size_t i = 0; i < agent->members.count; i++) {
        const struct member *member = &agent->members.items[i];
        const char *region = cloud_region_of(&agent->cloud, member->database);

        activity_set_fault(member->source,
                           outlet_is_at_fault(outlets_find(&agent->outlets, region)));
        member->source->ops->tick(member->source, tick_ms);
    }
    agent->pools->ops->tick(agent->pools, tick_ms);
}

static void take_stock(const struct agent *agent, int64_t tick_ms, struct health *health)
{
    *health = (struct health){.told_ms = (int64_t)(uv_hrtime() / 1000000),
                              .sampled_ms = agent->answered_ms};
    outlets_take_stock(&agent->outlets, health);
    members_take_stock(&agent->members, tick_ms, UNHEALTHY_MS, health);
    if (closing_late_ms(&agent->closing) > UNHEALTHY_MS) {
        (void)snprintf(health->fault, sizeof(health->fault), "no window was closed for %lld s",
                       (long long)(tick_ms - agent->closing.until_ms) / 1000);
    }
}

/* Of many agents the one that publishes a database's metrics provisions its alarms. */
static void provision_all(struct agent *agent)
{
    size_t leading = members_leading(&agent->members);

    for (size_t i = 0; leading == agent->members.count && i < agent->outlets.count; i++) {
        outlet_provision(agent->outlets.items[i], NULL);
    }
    for (size_t i = 0; leading < agent->members.count && i < agent->members.count; i++) {
        const struct config_database *database = agent->members.items[i].database;
        const char *region = cloud_region_of(&agent->cloud, database);

        if (activity_leads(agent->members.items[i].source)) {
            outlet_provision(outlets_find(&agent->outlets, region), database);
        }
    }
}

static void on_tick(void *arg, int64_t tick_ms)
{
    struct agent *agent = arg;
    struct health health;

    if (outlets_are_durable(&agent->outlets)) { /* what was counted is in the journal */
        positions_mark(agent->positions, INT64_MAX);
        positions_keep(agent->positions);
    }
    closing_tick(&agent->closing, agent->config->publish_interval_ms, tick_ms);
    sample_if_due(agent, tick_ms);
    take_stock(agent, tick_ms, &health);
    vitals_tell(&agent->vitals, agent->config, &health);
    if (++agent->ticks == PROVISION_AT_TICK) {
        provision_all(agent);
    }
}

/* --- reload --------------------------------------------------------------------------------- */

static void retire(struct agent *agent, struct config *old)
{
    agent->retired = old;
    if (agent->stopping == 0) {
        config_free(agent->retired);
        agent->retired = NULL;
    }
}

static void use_config(struct agent *agent, struct config *config)
{
    const struct members_hooks hooks = hooks_of(agent);
    struct config *old = agent->config;
    bool same_way =
        old->metrics == config->metrics && old->sample_interval_ms == config->sample_interval_ms;

    agent->config = config;
    cloud_reconfigure(&agent->cloud, config);
    outlets_reconfigure(&agent->outlets, config);
    members_replace(&agent->members, config, same_way, &hooks);
    pools_reconfigure(agent->pools, config);
    retire(agent, old);
    provision_all(agent);
}

static const char refused[] = "not reloaded, the configuration in force stays: ";

/* Is the new configuration one that this process can change to? Says why not. */
static bool can_change_to(struct agent *agent, const struct config *config, struct buf *text)
{
    struct err err;

    config_not_reloadable(agent->config, config, text);
    if (text->len > 0) {
        log_error("%s%s can only change by a restart", refused, buf_text(text));
        return false;
    }
    if (!add_outlets(agent, config, &err)) {
        log_error("%s%s", refused, err.message);
        /* The new ones, too, must forget what is freed now. */
        outlets_reconfigure(&agent->outlets, agent->config);
        return false;
    }
    return true;
}

static bool try_to_reload(struct agent *agent)
{
    const struct config_source source = {.file = agent->cli->config_file};
    struct config *config;
    struct buf text;

    buf_init(&text, CONFIG_ERRORS_MAX);
    bool ok = config_load(&source, &config, &text);
    if (!ok) {
        log_error_lines(refused, buf_text(&text));
    } else if (!can_change_to(agent, config, &text)) {
        config_free(config);
        ok = false;
    } else {
        use_config(agent, config);
    }
    buf_done(&text);
    return ok;
}

static void reload(struct agent *agent)
{
    notify_reloading();
    if (!try_to_reload(agent)) {
        notify_ready("not reloaded: the new configuration was refused");
        return;
    }
    const struct config *config = agent->config;
    for (size_t i = 0; i < config->warnings.count; i++) {
        log_warn("%s", config->warnings.items[i]);
    }
    log_info("configuration reloaded: databases %zu, pools %zu", config->database_count,
             config->pool_count);
    notify_ready("reloaded");
    vitals_repeat(&agent->vitals); /* systemctl status shows how it is, not what was done once */
}

static void on_hangup(uv_signal_t *signal, int signum)
{
    struct agent *agent = signal->data;

    (void)signum;
    if (!agent->running || agent->leaving) {
        return;
    }
    if (agent->stopping > 0) {
        agent->reload_again = true; /* when what the last one stopped is gone */
        return;
    }
    reload(agent);
}

/* --- leaving -------------------------------------------------------------------------------- */

static void on_outlet_closed(void *arg)
{
    struct agent *agent = arg;

    if (--agent->ending == 0) {
        cloud_done(&agent->cloud);
    }
}

static void tell_end(const struct agent *agent)
{
    size_t waiting = outlets_backlog(&agent->outlets), lost = outlets_in_memory(&agent->outlets);

    if (waiting > lost) {
        log_warn("stopped; %zu datums wait in %s and are sent at the next start", waiting - lost,
                 agent->config->state_dir);
    }
    if (lost > 0) {
        log_error("stopped; %zu datums are lost: CloudWatch did not take them within %d s", lost,
                  FLUSH_MS / 1000);
    } else if (waiting == 0 && agent->status == EXIT_DONE) {
        log_info("stopped; all that was sampled is %s",
                 agent->cli->dry_run ? "printed" : "in CloudWatch");
    }
}

static void close_outlets(struct agent *agent)
{
    agent->ended = true;
    closing_end(&agent->closing);
    uv_close((uv_handle_t *)&agent->flush, NULL);
    uv_close((uv_handle_t *)&agent->hangup, NULL);
    uv_close((uv_handle_t *)&agent->terminate, NULL);
    uv_close((uv_handle_t *)&agent->interrupt, NULL);
    if (agent->running) {
        vitals_forget(&agent->vitals, agent->config);
    }
    tell_end(agent);
    agent->ending = agent->outlets.count;
    outlets_stop(&agent->outlets, on_outlet_closed, agent);
    if (agent->outlets.count == 0) {
        cloud_done(&agent->cloud);
    }
}

static void on_flush_over(uv_timer_t *timer)
{
    close_outlets(timer->data);
}

/* All sources are silent: what they gave is everything there will be. */
static void flush(struct agent *agent)
{
    uv_timer_start(&agent->flush, on_flush_over, FLUSH_MS, 0);
    outlets_publish(&agent->outlets, INT64_MAX);
    positions_mark(agent->positions, INT64_MAX);
    on_outlet_empty(agent);
}

static void on_source_stopped(void *arg)
{
    struct agent *agent = arg;

    if (--agent->stopping > 0) {
        return;
    }
    config_free(agent->retired);
    agent->retired = NULL;
    if (agent->leaving) {
        flush(agent);
    } else if (agent->reload_again) {
        agent->reload_again = false;
        reload(agent);
    }
}

static void stop_sources(struct agent *agent)
{
    const struct members_hooks hooks = hooks_of(agent);

    members_stop(&agent->members, &hooks);
    if (agent->pools) {
        stop_source(agent, agent->pools);
    }
    agent->pools = NULL;
}

static void leave(struct agent *agent, int status)
{
    agent->leaving = true;
    agent->status = status;
    notify_stopping();
    if (agent->running) {
        ticker_stop(&agent->ticker, NULL);
        closing_stop(&agent->closing);
    }
    stop_sources(agent);
    if (agent->stopping == 0) {
        flush(agent);
    }
}

static void on_terminate(uv_signal_t *signal, int signum)
{
    struct agent *agent = signal->data;

    if (agent->leaving) {
        return;
    }
    log_info("%s: leaving", signum == SIGTERM ? "SIGTERM" : "SIGINT");
    leave(agent, EXIT_DONE);
}

/* --- start ---------------------------------------------------------------------------------- */

static void start(struct agent *agent)
{
    const struct members_hooks hooks = hooks_of(agent);
    const struct config *config = agent->config;
    struct err err;

    if (!add_outlets(agent, config, &err)) {
        log_error("%s", err.message);
        leave(agent, EXIT_USAGE);
        return;
    }
    if (!start_pools(agent, &err)) {
        log_error("%s", err.message);
        leave(agent, EXIT_FAILED);
        return;
    }
    if (!agent->cli->dry_run) {
        cloud_look_for_credentials(&agent->cloud);
    }
    members_replace(&agent->members, config, false, &hooks);
    agent->running = true;
    agent->started_ms = aws_clock_now_ms(&agent->cloud.clock);
    closing_begin(&agent->closing, config->publish_interval_ms);
    ticker_start(&agent->ticker, &agent->loop, &agent->cloud.clock, TICK_MS,
                 (int)((agent->started_ms + FIRST_TICK_MS) % TICK_MS), on_tick, agent);
    log_info("poolwarden %s: databases %zu, pools %zu, namespace %s in %s, metrics %s every %d s",
             POOLWARDEN_VERSION, config->database_count, config->pool_count, config->namespace_,
             agent->cloud.region ? agent->cloud.region : "no region yet",
             metric_set_name(config->metrics), config->publish_interval_ms / 1000);
    notify_ready("sampling");
}

/* Known while nobody knew where they count. */
static void tell_limits(struct agent *agent)
{
    for (size_t i = 0; i < agent->config->database_count; i++) {
        const struct config_database *database = &agent->config->databases[i];
        double usable =
            database->region ? 0 : state_limit(agent->state, NULL, database->identifier);

        if (usable > 0) {
            on_limit(agent, database, usable);
        }
    }
}

static void take_region(struct agent *agent)
{
    struct err err;

    log_info("the AWS region is %s", agent->cloud.region);
    if (outlets_set_region(&agent->outlets, agent->cloud.region, agent->config->namespace_, &err) &&
        add_outlets(agent, agent->config, &err)) {
        tell_limits(agent);
        provision_all(agent);
    } else {
        log_error("%s", err.message);
        leave(agent, EXIT_USAGE);
    }
}

static void on_region(void *arg, const struct err *err)
{
    struct agent *agent = arg;

    if (agent->leaving) {
        return;
    }
    if (agent->running) {
        take_region(agent);
    } else if (!err || err->code == ERR_NET || agent->cli->dry_run) {
        start(agent);
    } else {
        log_error("%s", err->message);
        leave(agent, EXIT_USAGE);
    }
}

static void on_signal(struct agent *agent, uv_signal_t *signal, uv_signal_cb callback, int signum)
{
    uv_signal_init(&agent->loop, signal);
    signal->data = agent;
    uv_signal_start(signal, callback, signum);
}

static void free_agent(struct agent *agent)
{
    state_free(agent->state);
    positions_free(agent->positions);
    config_free(agent->config);
    config_free(agent->retired);
    members_free(&agent->members);
    free(agent->outlets.items);
}

/* Nothing was started but the way to the cloud. */
static int refuse(struct agent *agent)
{
    cloud_done(&agent->cloud);
    loop_run(&agent->loop);
    free_agent(agent);
    loop_end(&agent->loop, EXIT_FAILED);
    return EXIT_FAILED;
}

int agent_run(struct config *config, const struct cli *cli)
{
    struct agent agent = {.cli = cli, .config = config};
    struct err err;

    uv_loop_init(&agent.loop);
    if (!cloud_init(&agent.cloud, &agent.loop, config, &err)) {
        log_error("%s", err.message);
        config_free(config);
        return EXIT_FAILED;
    }
    agent.cloud.clock.on_correction = on_clock_correction;
    agent.cloud.clock.arg = &agent;
    agent.positions = positions_new(cli->dry_run ? NULL : config->state_dir);
    agent.state = state_new(config->state_dir, &err);
    if (err.code != ERR_NONE) {
        log_warn("%s", err.message);
    }
    if (!cli->dry_run && !state_lock(agent.state, &err)) {
        log_error("%s", err.message);
        return refuse(&agent);
    }
    if (gethostname(agent.name, sizeof(agent.name) - 1) != 0) {
        memcpy(agent.name, "unknown", sizeof("unknown"));
    }
    on_signal(&agent, &agent.terminate, on_terminate, SIGTERM);
    on_signal(&agent, &agent.interrupt, on_terminate, SIGINT);
    on_signal(&agent, &agent.hangup, on_hangup, SIGHUP);
    const struct closing_options closing = {.loop = &agent.loop,
                                            .clock = &agent.cloud.clock,
                                            .settled_ms = settled_until,
                                            .close = publish,
                                            .arg = &agent};
    closing_init(&agent.closing, &closing);
    uv_timer_init(&agent.loop, &agent.flush);
    agent.flush.data = &agent;
    cloud_find_region(&agent.cloud, !cli->dry_run, on_region, &agent);
    loop_run(&agent.loop);
    free_agent(&agent);
    loop_end(&agent.loop, agent.status);
    return agent.status;
}
