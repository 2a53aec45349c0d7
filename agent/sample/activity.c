#include "agent/sample/activity.h"

#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/sample/breakdown.h"
#include "agent/sample/election.h"
#include "agent/sample/pace.h"
#include "agent/sample/queries.h"
#include "agent/sample/readings.h"
#include "agent/sample/session.h"
#include "agent/sample/standing.h"
#include "aws/common/mem.h"
#include "aws/common/random.h"

#define PENDING_MAX         16 /* at 1 Hz 5 are outstanding at most */
#define NAMES_EVERY_MS      60000
#define NAMES_AT_LEAST_MS   10000 /* apart, whatever is unknown */
#define NANOSECONDS_IN_A_MS 1e6

enum activity_state {
    ACTIVITY_OPENING,
    ACTIVITY_READY,    /* nothing under way */
    ACTIVITY_SAMPLING, /* for the tick `sampled_ms` */
    ACTIVITY_NAMING,
    ACTIVITY_ELECTING,
    ACTIVITY_WAITING,   /* to try again */
    ACTIVITY_FOLLOWING, /* without a session, until the next attempt to lead */
    ACTIVITY_STOPPED
};

/* A tick that has no DatabaseUp yet. */
struct pending {
    int64_t tick_ms;
    uint64_t since_ms; /* the loop's clock */
};

struct activity {
    struct source source;
    struct activity_options options;
    char *name;
    struct session session;
    enum activity_state state;
    struct election election;
    uv_timer_t
        timer; /* WAITING, FOLLOWING: the next attempt; else: the oldest pending tick is too old */
    struct pending pending[PENDING_MAX];
    size_t pending_count;

    int64_t sampled_ms;
    uint64_t sent_ns;
    struct pace pace;
    struct breakdown *breakdown; /* NULL: not the full set */
    uint64_t names_ms;           /* when last asked; 0: not in this session */
    bool names_missing;

    double usable;     /* last read in this life; 0: not yet */
    double limit;      /* usable, or what was known before */
    bool out_of_slots; /* the last attempt ended so */
    bool rejected;     /* an attempt did so since the last tick that was told */
    int failures;      /* in a row */

    struct standing standing;
    bool at_fault; /* this agent can not publish */

    source_stopped *stopped;
    void *stopped_arg;
};

static void open_session(struct activity *activity);
static void go_on(struct activity *activity);
static void on_retry(uv_timer_t *timer);
static void lose_session(struct activity *activity, const struct err *err);

/* --- readings ------------------------------------------------------------------------------- */

static struct readings readings_at(const struct activity *activity, int64_t tick_ms)
{
    return (struct readings){&activity->options.sink, activity->options.database, tick_ms};
}

static void put_snapshot(struct activity *activity, const struct snapshot *snapshot,
                         double latency_ms)
{
    const struct readings to = readings_at(activity, activity->sampled_ms);

    readings_put_snapshot(&to, snapshot);
    if (activity->breakdown) {
        readings_put(&to, METRIC_SAMPLE_LATENCY, latency_ms);
        readings_put(&to, METRIC_DATABASE_ROLE, snapshot->is_replica ? 0 : 1);
        activity->names_missing = !breakdown_put(activity->breakdown, activity->options.database,
                                                 snapshot, to.tick_ms, &activity->options.sink);
    }
}

/* --- pending ticks -------------------------------------------------------------------------- */

static void arm(struct activity *activity);

static void end_tick(struct activity *activity, const struct err *err)
{
    const struct activity_options *options = &activity->options;
    int64_t tick_ms = activity->pending[0].tick_ms;

    activity->pending_count--;
    memmove(activity->pending, activity->pending + 1,
            activity->pending_count * sizeof(activity->pending[0]));
    if (err && !election_may_report(&activity->election, uv_now(options->loop))) {
        return;
    }
    const struct readings to = readings_at(activity, tick_ms);

    readings_put(&to, METRIC_DATABASE_UP, err ? 0 : 1);
    if (err && activity->out_of_slots) {
        readings_put_out_of_slots(&to, activity->limit);
    }
    if (!err || activity->out_of_slots) {
        readings_put(&to, METRIC_CONNECTIONS_REJECTED, activity->rejected ? 1 : 0);
    }
    if (options->on_outcome) {
        options->on_outcome(options->arg, options->database, err); /* may stop us */
    }
}

static void end_all_ticks(struct activity *activity, const struct err *err)
{
    bool any = activity->pending_count > 0;

    while (activity->pending_count > 0) {
        end_tick(activity, err);
    }
    activity->rejected = activity->rejected && !any;
    arm(activity);
}

static void on_overdue(uv_timer_t *timer);

/* The deadline of the oldest pending tick. The one that is being sampled needs none: the
 * statement's own is the same. */
static void arm(struct activity *activity)
{
    const struct pending *oldest = &activity->pending[0];
    uint64_t now_ms = uv_now(activity->options.loop);

    if (activity->state == ACTIVITY_WAITING || activity->state == ACTIVITY_FOLLOWING ||
        activity->state == ACTIVITY_STOPPED) {
        return;
    }
    if (activity->pending_count == 0 ||
        (activity->state == ACTIVITY_SAMPLING && oldest->tick_ms == activity->sampled_ms)) {
        uv_timer_stop(&activity->timer);
        return;
    }
    uint64_t due_ms = oldest->since_ms + SESSION_ANSWER_MS;

    uv_timer_start(&activity->timer, on_overdue, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void on_overdue(uv_timer_t *timer)
{
    struct activity *activity = timer->data;
    struct err err = activity->standing.reason;

    if (err.code == ERR_NONE) {
        char *server = conninfo_describe(&activity->options.database->conninfo);

        err_set(&err, ERR_TIMEOUT, "no answer from %s in %d s", server, SESSION_ANSWER_MS / 1000);
        free(server);
    }
    end_tick(activity, &err);
    activity->rejected = false;
    arm(activity);
}

static void add_pending(struct activity *activity, int64_t tick_ms)
{
    if (activity->pending_count == PENDING_MAX) {
        const struct err err = {.code = ERR_TIMEOUT, .message = "too many ticks without an answer"};

        end_tick(activity, &err);
    }
    activity->pending[activity->pending_count++] =
        (struct pending){.tick_ms = tick_ms, .since_ms = uv_now(activity->options.loop)};
}

/* --- what is noted --------------------------------------------------------------------------- */

static void note_limit(struct activity *activity, double usable)
{
    const struct activity_options *options = &activity->options;

    if (usable == activity->usable) {
        return;
    }
    if (activity->usable > 0) {
        log_info("%s: usable connections %.0f, were %.0f", activity->name, usable,
                 activity->usable);
    }
    activity->usable = usable;
    activity->limit = usable;
    options->on_limit(options->arg, options->database, usable);
}

static void note_cost(struct activity *activity, double server_ms)
{
    struct pace *pace = &activity->pace;

    if (pace_measured(pace, server_ms)) {
        log_info("%s: a sample takes the server %.1f ms: it is sampled every %g s", activity->name,
                 server_ms, pace->every * activity->options.sample_interval_ms / 1000.0);
    }
}

/* --- trying again --------------------------------------------------------------------------- */

static void on_retry(uv_timer_t *timer)
{
    open_session(timer->data);
}

/* --- one of many agents --------------------------------------------------------------------- */

static bool follows(const struct activity *activity)
{
    return activity->election.role == ELECTION_FOLLOWS;
}

/* Another agent samples this database: nothing is said of it, and no session held. */
static void wait_to_lead(struct activity *activity)
{
    activity->state = ACTIVITY_FOLLOWING;
    activity->pending_count = 0;
    activity->rejected = false;
    uv_timer_start(&activity->timer, on_retry,
                   election_delay_ms(&activity->election, activity->at_fault, random_fraction()),
                   0);
}

static void stop_leading(struct activity *activity, enum election_role before)
{
    session_close(&activity->session);
    standing_forget(&activity->standing);
    if (before != ELECTION_FOLLOWS) {
        log_info("%s: another agent publishes its metrics; this one is ready to take over",
                 activity->name);
    }
    wait_to_lead(activity);
}

static void on_twin_ended(void *arg, const PGresult *result, const struct err *err)
{
    struct activity *activity = arg;

    (void)result;
    if (err && !pg_is_open(&activity->session.pg)) {
        lose_session(activity, err);
        return;
    }
    go_on(activity);
}

static void end_twin(struct activity *activity, const struct election_answer *answer)
{
    struct buf sql;

    buf_init(&sql, 1024);
    election_end_twin(answer, &sql);
    session_query(&activity->session, buf_text(&sql), on_twin_ended);
    buf_done(&sql);
}

static void take_answer(struct activity *activity, const struct election_answer *answer)
{
    enum election_role before = activity->election.role;
    enum election_act act = election_answer(&activity->election, answer, activity->at_fault,
                                            uv_now(activity->options.loop));

    if (act == ELECTION_STOP) {
        stop_leading(activity, before);
        return;
    }
    if (act == ELECTION_END_TWIN) {
        end_twin(activity, answer);
        return;
    }
    if (before == ELECTION_FOLLOWS) {
        log_info("%s: this agent publishes its metrics now", activity->name);
    }
    go_on(activity);
}

/* For a while two that publish are better than none, and a follower follows. */
static void put_election_off(struct activity *activity, const struct err *err)
{
    if (reasons_are_new(&activity->standing.reasons, err->message)) {
        log_warn("%s: whether another agent publishes its metrics can not be seen: %s",
                 activity->name, err->message);
    }
    if (follows(activity)) {
        stop_leading(activity, ELECTION_FOLLOWS);
        return;
    }
    election_put_off(&activity->election, uv_now(activity->options.loop));
    go_on(activity);
}

static void on_elected(void *arg, const PGresult *result, const struct err *err)
{
    struct activity *activity = arg;
    struct election_answer answer;
    struct err parse_err;

    if (err && !pg_is_open(&activity->session.pg)) {
        lose_session(activity, err);
        return;
    }
    if (!err && !election_read(result, &answer, &parse_err)) {
        err = &parse_err;
    }
    if (err) {
        put_election_off(activity, err);
    } else {
        take_answer(activity, &answer);
    }
}

/* true: the session is being asked. */
static bool elect(struct activity *activity)
{
    const struct activity_options *options = &activity->options;
    struct buf sql;
    int64_t key;

    if (!election_is_due(&activity->election, uv_now(options->loop)) ||
        !options->election_key(options->arg, options->database, &key)) {
        return false;
    }
    activity->state = ACTIVITY_ELECTING;
    buf_init(&sql, 4096);
    bool again = election_ask(&activity->election, key, activity->at_fault, &sql);
    (again ? session_repeat : session_query)(&activity->session, buf_text(&sql), on_elected);
    buf_done(&sql);
    return true;
}

/* --- losing it ------------------------------------------------------------------------------ */

/* There is no session; err says why. */
static void wait_for_retry(struct activity *activity, const struct err *err)
{
    election_lost(&activity->election, uv_now(activity->options.loop));
    if (follows(activity)) {
        wait_to_lead(activity);
        return;
    }
    activity->state = ACTIVITY_WAITING;
    activity->out_of_slots = activity->session.refusal.out_of_slots;
    activity->rejected = activity->rejected || activity->out_of_slots;
    uv_timer_start(
        &activity->timer, on_retry,
        refusal_delay_ms(activity->session.refusal.pace, activity->failures, random_fraction()), 0);
    activity->failures++;
    if (!activity->session.refusal.we_were_away) {
        end_all_ticks(activity, err);
    }
}

static void lose_session(struct activity *activity, const struct err *err)
{
    struct err lost = *err;

    err_context(&lost, "lost");
    standing_failed(&activity->standing, &activity->session, &lost, "; reconnecting");
    wait_for_retry(activity, &lost);
}

static void on_lost(void *arg, const struct err *err)
{
    lose_session(arg, err);
}

static void on_open(void *arg, const struct err *err)
{
    struct activity *activity = arg;
    bool soon = activity->session.refusal.pace == REFUSAL_SOON ||
                activity->session.refusal.pace == REFUSAL_SLOTS;

    if (err) {
        standing_failed(&activity->standing, &activity->session, err,
                        soon ? "; trying again" : "; trying again now and then");
        wait_for_retry(activity, err);
        return;
    }
    activity->out_of_slots = false;
    activity->names_ms = 0;
    if (activity->session.instance[0] != '\0' && activity->options.on_instance) {
        activity->options.on_instance(activity->options.arg, activity->options.database,
                                      activity->session.instance);
    }
    election_connected(&activity->election);
    go_on(activity);
}

static void open_session(struct activity *activity)
{
    uv_timer_stop(&activity->timer);
    activity->state = ACTIVITY_OPENING;
    session_open(&activity->session, on_open);
}

/* --- asking --------------------------------------------------------------------------------- */

/* A statement failed: the session may be gone, or may be there still. */
static void on_failed_answer(struct activity *activity, const struct err *err)
{
    if (!pg_is_open(&activity->session.pg)) {
        lose_session(activity, err);
        return;
    }
    activity->state = ACTIVITY_READY;
    standing_failed(&activity->standing, &activity->session, err, "; the session goes on");
    end_all_ticks(activity, err);
}

static bool tick_is_pending(const struct activity *activity, int64_t tick_ms)
{
    for (size_t i = 0; i < activity->pending_count; i++) {
        if (activity->pending[i].tick_ms == tick_ms) {
            return true;
        }
    }
    return false;
}

static void on_sample(void *arg, const PGresult *result, const struct err *err)
{
    struct activity *activity = arg;
    double latency_ms = (double)(uv_hrtime() - activity->sent_ns) / NANOSECONDS_IN_A_MS;
    struct snapshot snapshot;
    struct err parse_err;

    if (!err && !snapshot_read(result, &snapshot, &parse_err)) {
        refusal_set(&activity->session.refusal, ERR_PARSE, REFUSAL_SLOW, "%s", parse_err.message);
        err = &parse_err;
    }
    if (err) {
        on_failed_answer(activity, err);
        return;
    }
    activity->state = ACTIVITY_READY;
    activity->failures = 0;
    standing_answered(&activity->standing, &activity->session, &snapshot);
    note_limit(activity, snapshot.usable);
    note_cost(activity, snapshot.server_ms);
    /* Told as not answered already: its numbers would contradict. */
    if (tick_is_pending(activity, activity->sampled_ms)) {
        put_snapshot(activity, &snapshot, latency_ms);
    }
    snapshot_done(&snapshot);
    end_all_ticks(activity, NULL);
    go_on(activity);
}

static void on_names(void *arg, const PGresult *result, const struct err *err)
{
    struct activity *activity = arg;

    if (err && !pg_is_open(&activity->session.pg)) {
        lose_session(activity, err);
        return;
    }
    if (err) {
        log_debug("%s: names of databases: %s", activity->name, err->message);
    } else {
        breakdown_take_names(activity->breakdown, result);
    }
    go_on(activity);
}

static bool names_are_due(const struct activity *activity)
{
    uint64_t age_ms = uv_now(activity->options.loop) - activity->names_ms;

    return activity->breakdown && (activity->names_ms == 0 || age_ms >= NAMES_EVERY_MS ||
                                   (activity->names_missing && age_ms >= NAMES_AT_LEAST_MS));
}

/* The session has nothing to do: what is next? */
static void go_on(struct activity *activity)
{
    if (activity->state == ACTIVITY_STOPPED) {
        return;
    }
    activity->state = ACTIVITY_READY;
    if (elect(activity)) {
        arm(activity);
        return;
    }
    activity->election.settled = true;
    if (names_are_due(activity)) {
        activity->state = ACTIVITY_NAMING;
        activity->names_ms = uv_now(activity->options.loop);
        session_ask_names(&activity->session, on_names);
    } else if (activity->pending_count > 0) {
        activity->state = ACTIVITY_SAMPLING;
        activity->sampled_ms = activity->pending[activity->pending_count - 1].tick_ms;
        activity->sent_ns = uv_hrtime();
        session_sample(&activity->session, on_sample);
    }
    arm(activity);
}

/* --- the source ----------------------------------------------------------------------------- */

static void activity_tick(struct source *source, int64_t tick_ms)
{
    struct activity *activity = (struct activity *)source;

    if (follows(activity) || (activity->state == ACTIVITY_READY && !pace_is_due(&activity->pace))) {
        return;
    }
    add_pending(activity, tick_ms);
    if (activity->state == ACTIVITY_WAITING) {
        end_all_ticks(activity, &activity->standing.reason);
    } else if (activity->state == ACTIVITY_READY) {
        go_on(activity);
    } else {
        arm(activity);
    }
}

static int64_t activity_settled_ms(const struct source *source)
{
    const struct activity *activity = (const struct activity *)source;
    int64_t settled_ms = INT64_MAX;

    /* Not the first alone: when the clock was set back meanwhile, later ones have earlier times. */
    for (size_t i = 0; i < activity->pending_count; i++) {
        int64_t tick_ms = activity->pending[i].tick_ms;

        settled_ms = tick_ms < settled_ms ? tick_ms : settled_ms;
    }
    return settled_ms;
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct activity *activity = timer->data;
    source_stopped *stopped = activity->stopped;
    void *arg = activity->stopped_arg;

    breakdown_free(activity->breakdown);
    standing_forget(&activity->standing);
    free(activity->name);
    free(activity);
    stopped(arg);
}

static void on_session_closed(void *arg)
{
    struct activity *activity = arg;

    uv_close((uv_handle_t *)&activity->timer, on_timer_closed);
}

static void activity_stop(struct source *source, source_stopped *stopped, void *arg)
{
    struct activity *activity = (struct activity *)source;

    activity->state = ACTIVITY_STOPPED;
    activity->pending_count = 0;
    activity->stopped = stopped;
    activity->stopped_arg = arg;
    uv_timer_stop(&activity->timer);
    session_done(&activity->session, on_session_closed);
}

static const struct source_ops activity_ops = {activity_tick, activity_settled_ms, activity_stop};

struct source *activity_new(const struct activity_options *options)
{
    struct activity *activity = mem_alloc(sizeof(*activity));
    const struct session_options session = {
        .loop = options->loop,
        .database = options->database,
        .aws = options->aws,
        .sample_interval_ms = options->sample_interval_ms,
        .by_group = options->metrics == METRICS_FULL,
        .on_lost = on_lost,
        .arg = activity,
    };

    activity->options = *options;
    activity->name = mem_printf("database %s", options->database->name);
    activity->source.ops = &activity_ops;
    activity->source.name = activity->name;
    standing_init(&activity->standing, activity->name, options->on_outcome != NULL);
    activity->limit = options->known_limit;
    election_init(&activity->election, options->election_key != NULL, options->former_pid);
    pace_init(&activity->pace, options->sample_interval_ms);
    if (options->metrics == METRICS_FULL) {
        activity->breakdown = breakdown_new(options->database->per_application);
    }
    uv_timer_init(options->loop, &activity->timer);
    activity->timer.data = activity;
    session_init(&activity->session, &session);
    open_session(activity);
    return &activity->source;
}

bool activity_leads(const struct source *source)
{
    return !follows((const struct activity *)source);
}

bool activity_leads_surely(const struct source *source)
{
    return activity_leads(source) && ((const struct activity *)source)->election.settled;
}

int activity_lock_pid(const struct source *source)
{
    return ((const struct activity *)source)->election.pid;
}

void activity_set_fault(struct source *source, bool at_fault)
{
    ((struct activity *)source)->at_fault = at_fault;
}

bool activity_is_up(const struct source *source)
{
    const struct activity *activity = (const struct activity *)source;

    return standing_is_up(&activity->standing);
}

void activity_rebind(struct source *source, const struct config_database *database)
{
    struct activity *activity = (struct activity *)source;

    activity->options.database = database;
    session_rebind(&activity->session, database);
}
