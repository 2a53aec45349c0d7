#include "agent/provision/provision.h"

#include <stdlib.h>
#include <string.h>

#include "agent/provision/item.h"
#include "aws/cloudwatch.h"
#include "aws/common/mem.h"
#include "aws/common/random.h"

/* PutMetricAlarm takes 3 a second from an account, ListTagsForResource 10. */
#define PUT_GAP_MS     500
#define TAGS_GAP_MS    150
#define BACKOFF_MIN_MS 60000
#define BACKOFF_MAX_MS 900000
#define DETAIL_MAX     16384

struct member {
    const struct config_database *database;
    double usable;
    bool pending;                 /* asked for */
    bool running;                 /* part of the run under way */
    char *told[ALARM_KIND_COUNT]; /* why an alarm failed, as told; NULL: it did not */
};

enum provision_state {
    PROVISION_IDLE,
    PROVISION_SCHEDULED, /* the timer begins a run */
    PROVISION_COMPARING, /* DescribeAlarms is under way */
    PROVISION_PACING,    /* the timer goes on with the item */
    PROVISION_CALLING    /* one call about the item is under way */
};

struct provision {
    struct provision_options options;
    struct member *members; /* of the region */
    size_t member_count;
    uv_timer_t timer;
    enum provision_state state;

    struct item *items; /* of the run */
    size_t item_count;
    size_t current;
    struct cloudwatch_describe *describe;
    struct cloudwatch_tags_call *tags;
    struct aws_call *call;
    uint64_t next_put_ms, next_tags_ms;
    struct provision_summary summary;
    struct err denied; /* the first of the run; ERR_NONE: there is none */
    int failures;      /* runs in a row that failed */

    provision_closed *closed;
    void *closed_arg;
};

static void go_on(struct provision *provision);

/* --- Databases -------------------------------------------------------------------------------- */

static bool lives_here(const struct provision_options *options,
                       const struct config_database *database)
{
    const char *region = database->region ? database->region : options->default_region;

    return region && strcmp(region, options->region) == 0;
}

static void find_members(struct provision *provision)
{
    const struct config *config = provision->options.config;

    provision->members = mem_alloc(config->database_count * sizeof(*provision->members));
    provision->member_count = 0;
    for (size_t i = 0; i < config->database_count; i++) {
        if (lives_here(&provision->options, &config->databases[i])) {
            provision->members[provision->member_count++].database = &config->databases[i];
        }
    }
}

static void free_members(struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t kind = 0; kind < ALARM_KIND_COUNT; kind++) {
            free(members[i].told[kind]);
        }
    }
    free(members);
}

void provision_set_limit(struct provision *provision, const struct config_database *database,
                         double usable)
{
    for (size_t i = 0; i < provision->member_count; i++) {
        if (provision->members[i].database == database) {
            provision->members[i].usable = usable;
        }
    }
}

/* --- A run's items ---------------------------------------------------------------------------- */

static struct alarm_context context_of(const struct provision *provision,
                                       const struct member *member)
{
    const struct config *config = provision->options.config;

    return (struct alarm_context){.config = config,
                                  .database = member->database,
                                  .usable = member->usable,
                                  .has_pool = alarm_has_pool(config, member->database)};
}

static void add_item(struct provision *provision, const struct member *member, enum alarm_kind kind)
{
    const struct alarm_context context = context_of(provision, member);
    struct item item;
    struct err err;

    if (!item_init(&item, &context, kind, &err)) {
        bool is_off = err.code == ERR_ABSENT;

        if (is_off || !provision->options.one_shot) {
            provision->summary.waiting += is_off ? 0 : 1;
            item_done(&item);
            return;
        }
    }
    provision->items =
        mem_grow(provision->items, provision->item_count + 1, sizeof(*provision->items));
    provision->items[provision->item_count++] = item;
}

static void collect_items(struct provision *provision)
{
    for (size_t i = 0; i < provision->member_count; i++) {
        struct member *member = &provision->members[i];

        member->running = member->pending;
        member->pending = false;
        for (int kind = 0; kind < ALARM_KIND_COUNT && member->running; kind++) {
            add_item(provision, member, (enum alarm_kind)kind);
        }
    }
}

static void free_items(struct provision *provision)
{
    for (size_t i = 0; i < provision->item_count; i++) {
        item_done(&provision->items[i]);
    }
    free(provision->items);
    provision->items = NULL;
    provision->item_count = 0;
    provision->current = 0;
}

/* --- Runs ------------------------------------------------------------------------------------- */

static void on_compared(void *arg, const struct cloudwatch_alarm *alarms, size_t count,
                        const struct err *err);

static void begin_run(struct provision *provision)
{
    provision->summary = (struct provision_summary){0};
    provision->denied.code = ERR_NONE;
    collect_items(provision);
    const char **names = mem_alloc(provision->item_count * sizeof(*names));
    for (size_t i = 0; i < provision->item_count; i++) {
        names[i] = provision->items[i].wanted.name;
    }
    provision->state = PROVISION_COMPARING;
    provision->describe = cloudwatch_describe_alarms(provision->options.client, names,
                                                     provision->item_count, on_compared, provision);
    free(names);
}

static void on_timer(uv_timer_t *timer)
{
    struct provision *provision = timer->data;

    if (provision->state == PROVISION_SCHEDULED) {
        begin_run(provision);
    } else {
        go_on(provision);
    }
}

static void schedule(struct provision *provision, uint64_t delay_ms)
{
    provision->state = PROVISION_SCHEDULED;
    uv_timer_start(&provision->timer, on_timer, delay_ms, 0);
}

/* Half of it is jitter: agents that failed together must not come back together. */
uint64_t provision_backoff_ms(int failures, double random)
{
    uint64_t most_ms = BACKOFF_MIN_MS;

    for (int i = 1; i < failures && most_ms < BACKOFF_MAX_MS; i++) {
        most_ms *= 2;
    }
    most_ms = most_ms < BACKOFF_MAX_MS ? most_ms : BACKOFF_MAX_MS;
    const uint64_t half_ms = most_ms / 2;

    return half_ms + (uint64_t)(random * (double)half_ms);
}

/* The databases of a failed run are asked for again, and not before the backoff is over. */
static void schedule_next(struct provision *provision, bool failed)
{
    bool again = failed && !provision->options.one_shot;
    bool pending = false;

    provision->failures = again ? provision->failures + 1 : 0;
    for (size_t i = 0; i < provision->member_count; i++) {
        struct member *member = &provision->members[i];

        pending = pending || member->pending;
        member->pending = member->pending || (member->running && again);
        member->running = false;
    }
    if (pending) {
        schedule(provision, 0);
    } else if (again) {
        schedule(provision, provision_backoff_ms(provision->failures, random_fraction()));
    }
}

/* err: NULL when the alarms were gone through. The caller's last act. */
static void end_run(struct provision *provision, const struct err *err)
{
    const struct provision_options options = provision->options;
    const struct provision_summary summary = provision->summary;
    const struct err told = err ? *err : provision->denied;

    free_items(provision);
    provision->state = PROVISION_IDLE;
    schedule_next(provision, err || summary.failed > 0);
    options.on_done(options.arg, &summary, told.code != ERR_NONE ? &told : NULL);
}

static void on_compared(void *arg, const struct cloudwatch_alarm *alarms, size_t count,
                        const struct err *err)
{
    struct provision *provision = arg;

    provision->describe = NULL;
    if (err) {
        end_run(provision, err);
        return;
    }
    for (size_t i = 0; i < provision->item_count; i++) {
        struct item *item = &provision->items[i];

        for (size_t j = 0; j < count && !item->problem; j++) {
            if (strcmp(item->wanted.name, alarms[j].name) == 0) {
                item_compare(item, &alarms[j]);
                break;
            }
        }
    }
    go_on(provision);
}

/* --- The outcome of an item ------------------------------------------------------------------- */

static void count_line(struct provision_summary *summary, enum provision_action action)
{
    size_t *const counts[] = {
        [PROVISION_CREATED] = &summary->created,   [PROVISION_CHANGED] = &summary->changed,
        [PROVISION_IN_PLACE] = &summary->in_place, [PROVISION_NOT_OURS] = &summary->not_ours,
        [PROVISION_FAILED] = &summary->failed,
    };

    (*counts[action])++;
}

static void finish_item(struct provision *provision, enum provision_action action,
                        const char *detail)
{
    const struct item *item = &provision->items[provision->current++];
    const struct provision_line line = {.action = action,
                                        .alarm = item->wanted.name,
                                        .database = item->database->name,
                                        .detail = detail};

    count_line(&provision->summary, action);
    provision->options.on_line(provision->options.arg, &line);
}

/* Notes why the current alarm fails (NULL: it does not); was the same said the last time? */
static bool is_told(struct provision *provision, const char *reason)
{
    const struct item *item = &provision->items[provision->current];
    char **told = NULL;

    for (size_t i = 0; i < provision->member_count; i++) {
        if (provision->members[i].database == item->database) {
            told = &provision->members[i].told[item->kind];
        }
    }
    if (!told || (*told && reason && aws_same_reason(*told, reason))) {
        return told != NULL;
    }
    free(*told);
    *told = mem_strdup(reason);
    return false;
}

static void fail_item(struct provision *provision, const struct err *err)
{
    bool is_denied = !provision->options.one_shot && err->code == ERR_DENIED;

    if (is_denied && provision->denied.code == ERR_NONE) {
        provision->denied = *err;
    }
    if (is_denied || is_told(provision, err->message)) {
        count_line(&provision->summary, PROVISION_FAILED);
        provision->current++;
        return;
    }
    finish_item(provision, PROVISION_FAILED, err->message);
}

/* As it should be, or as it would be after a dry run; or left alone. */
static void end_item(struct provision *provision)
{
    const struct item *item = &provision->items[provision->current];
    struct buf detail;

    if (item_outcome(item) != PROVISION_FAILED) {
        (void)is_told(provision, NULL);
    }
    buf_init(&detail, DETAIL_MAX);
    item_detail(item, &detail);
    finish_item(provision, item_outcome(item), buf_text(&detail));
    buf_done(&detail);
}

/* --- The steps of an item --------------------------------------------------------------------- */

static void on_tagged(void *arg, const struct aws_answer *answer, const struct err *err,
                      const struct aws_failure *failure)
{
    struct provision *provision = arg;

    (void)answer;
    (void)failure;
    provision->call = NULL;
    if (err) {
        fail_item(provision, err);
    } else {
        provision->items[provision->current].tagged = true;
    }
    go_on(provision);
}

static void tag(struct provision *provision)
{
    const struct item *item = &provision->items[provision->current];
    struct cloudwatch_tag tags[ALARM_TAGS_MAX];
    size_t count = alarm_tags(item->database, tags);

    provision->state = PROVISION_CALLING;
    provision->call = cloudwatch_tag_resource(provision->options.client, item->arn, tags, count,
                                              on_tagged, provision);
}

static void on_written(void *arg, const struct aws_answer *answer, const struct err *err,
                       const struct aws_failure *failure)
{
    struct provision *provision = arg;

    (void)answer;
    (void)failure;
    provision->call = NULL;
    if (err) {
        fail_item(provision, err);
    } else {
        provision->items[provision->current].written = true;
    }
    go_on(provision);
}

static void write_alarm(struct provision *provision)
{
    const struct item *item = &provision->items[provision->current];
    struct cloudwatch_tag tags[ALARM_TAGS_MAX];
    size_t count = item->arn ? 0 : alarm_tags(item->database, tags);

    provision->state = PROVISION_CALLING;
    provision->call = cloudwatch_put_metric_alarm(provision->options.client, &item->wanted, tags,
                                                  count, on_written, provision);
}

static void on_tags(void *arg, const struct cloudwatch_tag *tags, size_t count,
                    const struct err *err)
{
    struct provision *provision = arg;
    struct item *item = &provision->items[provision->current];

    provision->tags = NULL;
    if (err) {
        fail_item(provision, err);
    } else {
        item->asked = true;
        item->ours = alarm_is_tagged(tags, count);
    }
    go_on(provision);
}

static void ask_for_tags(struct provision *provision)
{
    provision->state = PROVISION_CALLING;
    provision->tags = cloudwatch_list_tags(
        provision->options.client, provision->items[provision->current].arn, on_tags, provision);
}

/* Takes the turn, or has the timer come back when it is there. */
static bool is_turn(struct provision *provision, uint64_t *next_ms, uint64_t gap_ms)
{
    uint64_t now_ms = uv_now(provision->options.loop);

    if (now_ms < *next_ms) {
        provision->state = PROVISION_PACING;
        uv_timer_start(&provision->timer, on_timer, *next_ms - now_ms, 0);
        return false;
    }
    *next_ms = now_ms + gap_ms;
    return true;
}

/* Either begins something that comes back to go_on(), or ends the item. */
static void step(struct provision *provision)
{
    const struct item *item = &provision->items[provision->current];

    switch (item_next(item, provision->options.dry_run)) {
    case ITEM_ASK:
        if (is_turn(provision, &provision->next_tags_ms, TAGS_GAP_MS)) {
            ask_for_tags(provision);
        }
        break;
    case ITEM_WRITE:
        if (is_turn(provision, &provision->next_put_ms, PUT_GAP_MS)) {
            write_alarm(provision);
        }
        break;
    case ITEM_TAG:
        tag(provision);
        break;
    case ITEM_END:
        end_item(provision);
        break;
    }
}

/* Items one after another until something is under way. */
static void go_on(struct provision *provision)
{
    provision->state = PROVISION_COMPARING;
    while (provision->state == PROVISION_COMPARING && provision->current < provision->item_count) {
        step(provision);
    }
    if (provision->state == PROVISION_COMPARING) {
        end_run(provision, NULL);
    }
}

/* --- From outside ----------------------------------------------------------------------------- */

struct provision *provision_new(const struct provision_options *options)
{
    struct provision *provision = mem_alloc(sizeof(*provision));

    provision->options = *options;
    uv_timer_init(options->loop, &provision->timer);
    provision->timer.data = provision;
    find_members(provision);
    return provision;
}

void provision_run(struct provision *provision, const struct config_database *database)
{
    for (size_t i = 0; i < provision->member_count; i++) {
        struct member *member = &provision->members[i];

        member->pending = member->pending || !database || member->database == database;
    }
    if (provision->state == PROVISION_IDLE || provision->state == PROVISION_SCHEDULED) {
        schedule(provision, 0);
    }
}

static void cancel(struct provision *provision)
{
    if (provision->describe) {
        cloudwatch_describe_cancel(provision->describe);
    }
    if (provision->tags) {
        cloudwatch_tags_cancel(provision->tags);
    }
    aws_cancel(provision->call);
    provision->describe = NULL;
    provision->tags = NULL;
    provision->call = NULL;
    uv_timer_stop(&provision->timer);
    free_items(provision);
    provision->state = PROVISION_IDLE;
}

/* What is known of a database of the old configuration holds for the same one of the new. */
static bool take_over(struct provision *provision, const struct member *old)
{
    bool is_wanted = old->pending || old->running;

    for (size_t i = 0; i < provision->member_count; i++) {
        struct member *member = &provision->members[i];

        if (strcmp(member->database->name, old->database->name) == 0) {
            member->pending = is_wanted;
            member->usable =
                config_database_same_source(member->database, old->database) ? old->usable : 0;
            return is_wanted;
        }
    }
    return false;
}

void provision_reconfigure(struct provision *provision, const struct config *config)
{
    struct member *old = provision->members;
    size_t count = provision->member_count;
    bool pending = false;

    cancel(provision);
    provision->options.config = config;
    provision->failures = 0;
    find_members(provision);
    for (size_t i = 0; i < count; i++) {
        pending = take_over(provision, &old[i]) || pending;
    }
    free_members(old, count);
    if (pending) {
        schedule(provision, 0);
    }
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct provision *provision = timer->data;
    provision_closed *closed = provision->closed;
    void *arg = provision->closed_arg;

    free_members(provision->members, provision->member_count);
    free(provision);
    closed(arg);
}

void provision_stop(struct provision *provision, provision_closed *closed, void *arg)
{
    cancel(provision);
    provision->closed = closed;
    provision->closed_arg = arg;
    uv_close((uv_handle_t *)&provision->timer, on_timer_closed);
}

void provision_format_line(const struct provision_line *line, struct buf *out)
{
    static const char symbols[] = {
        [PROVISION_CREATED] = '+',  [PROVISION_CHANGED] = '~', [PROVISION_IN_PLACE] = '=',
        [PROVISION_NOT_OURS] = '!', [PROVISION_FAILED] = 'x',
    };

    buf_printf(out, "%c %s", symbols[line->action], line->alarm);
    if (line->detail[0] != '\0') {
        buf_printf(out, "  (%s)", line->detail);
    }
}
