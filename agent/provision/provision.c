#include "agent/provision/provision.h"

#include <stdlib.h>
#include <string.h>

#include "agent/provision/item.h"
#include "agent/provision/run.h"
#include "agent/provision/told.h"
#include "aws/common/mem.h"
#include "aws/common/random.h"

#define BACKOFF_MIN_MS 60000
#define BACKOFF_MAX_MS 900000
#define DETAIL_MAX     16384

struct member {
    const struct config_database *database;
    double usable;
    char *instance; /* as Aurora says; NULL: not known */
    bool pending;   /* asked for */
    bool running;   /* part of the run under way */
};

enum provision_state {
    PROVISION_IDLE,
    PROVISION_SCHEDULED, /* the timer begins a run */
    PROVISION_RUNNING
};

struct provision {
    struct provision_options options;
    struct member *members; /* of the region */
    size_t member_count;
    uv_timer_t timer;
    enum provision_state state;

    struct run run;
    struct told told;
    struct provision_summary summary;
    struct err denied; /* the first of the run; ERR_NONE: there is none */
    int failures;      /* runs in a row that failed */

    int open; /* handles that are not closed yet */
    provision_closed *closed;
    void *closed_arg;
};

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
        free(members[i].instance);
    }
    free(members);
}

static struct member *member_of(struct provision *provision, const struct config_database *database)
{
    for (size_t i = 0; i < provision->member_count; i++) {
        if (provision->members[i].database == database) {
            return &provision->members[i];
        }
    }
    return NULL;
}

void provision_set_default_region(struct provision *provision, const char *region)
{
    provision->options.default_region = region;
    provision_reconfigure(provision, provision->options.config);
}

void provision_set_limit(struct provision *provision, const struct config_database *database,
                         double usable)
{
    struct member *member = member_of(provision, database);

    if (member) {
        member->usable = usable;
    }
}

static bool looks_at_instance(const struct config_database *database)
{
    bool looks = false;

    for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
        looks = looks || (alarm_row((enum alarm_kind)kind)->of == ALARM_OF_INSTANCE &&
                          database->alarms.alarm[kind].threshold.kind != THRESHOLD_OFF);
    }
    return looks;
}

bool provision_set_instance(struct provision *provision, const struct config_database *database,
                            const char *instance)
{
    struct member *member = member_of(provision, database);

    if (!member || (member->instance && strcmp(member->instance, instance) == 0)) {
        return false;
    }
    free(member->instance);
    member->instance = mem_strdup(instance);
    return looks_at_instance(database);
}

/* --- A run's items ---------------------------------------------------------------------------- */

struct item_list {
    struct item *items;
    size_t count;
};

static void add_item(struct provision *provision, const struct alarm_context *context,
                     enum alarm_kind kind, struct item_list *list)
{
    struct item item;
    struct err err;

    if (!item_init(&item, context, kind, &err)) {
        bool is_off = err.code == ERR_ABSENT;

        if (is_off || !provision->options.one_shot) {
            provision->summary.waiting += is_off ? 0 : 1;
            item_done(&item);
            return;
        }
    }
    list->items = mem_grow(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = item;
}

/* One, or one for each pool of the database. */
static void add_kind(struct provision *provision, const struct member *member, enum alarm_kind kind,
                     struct item_list *list)
{
    const struct config *config = provision->options.config;
    struct alarm_context context = {.config = config,
                                    .database = member->database,
                                    .usable = member->usable,
                                    .instance = member->instance};

    if (alarm_row(kind)->of != ALARM_OF_POOL) {
        add_item(provision, &context, kind, list);
        return;
    }
    for (size_t i = 0; i < config->pool_count; i++) {
        if (config->pools[i].of == member->database) {
            context.pool = &config->pools[i];
            add_item(provision, &context, kind, list);
        }
    }
}

static struct item_list collect_items(struct provision *provision)
{
    struct item_list list = {0};

    for (size_t i = 0; i < provision->member_count; i++) {
        struct member *member = &provision->members[i];

        member->running = member->pending;
        member->pending = false;
        for (int kind = 0; kind < ALARM_KIND_COUNT && member->running; kind++) {
            add_kind(provision, member, (enum alarm_kind)kind, &list);
        }
    }
    return list;
}

/* --- Runs ------------------------------------------------------------------------------------- */

static void begin_run(struct provision *provision)
{
    provision->summary = (struct provision_summary){0};
    provision->denied.code = ERR_NONE;
    struct item_list list = collect_items(provision);

    provision->state = PROVISION_RUNNING;
    run_start(&provision->run, list.items, list.count);
}

static void on_timer(uv_timer_t *timer)
{
    begin_run(timer->data);
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

/* err: NULL when the alarms were gone through. */
static void on_run_done(void *arg, const struct err *err)
{
    struct provision *provision = arg;
    const struct provision_options options = provision->options;
    const struct provision_summary summary = provision->summary;
    const struct err told = err ? *err : provision->denied;

    provision->state = PROVISION_IDLE;
    schedule_next(provision, err || summary.failed > 0);
    options.on_done(options.arg, &summary, told.code != ERR_NONE ? &told : NULL);
}

/* --- The outcome of an item ------------------------------------------------------------------- */

void provision_count(struct provision_summary *summary, enum provision_action action)
{
    size_t *const counts[] = {
        [PROVISION_CREATED] = &summary->created,   [PROVISION_CHANGED] = &summary->changed,
        [PROVISION_IN_PLACE] = &summary->in_place, [PROVISION_NOT_OURS] = &summary->not_ours,
        [PROVISION_FAILED] = &summary->failed,     [PROVISION_REMOVED] = &summary->removed,
        [PROVISION_ABSENT] = &summary->absent,
    };

    (*counts[action])++;
}

static void tell(struct provision *provision, const struct item *item, enum provision_action action,
                 const char *detail)
{
    const struct provision_line line = {.action = action,
                                        .alarm = item->wanted.name,
                                        .database = item->label,
                                        .detail = detail,
                                        .changes = item->changes};

    provision_count(&provision->summary, action);
    provision->options.on_line(provision->options.arg, &line);
}

static void fail_item(struct provision *provision, const struct item *item, const struct err *err)
{
    bool is_denied = !provision->options.one_shot && err->code == ERR_DENIED;

    if (is_denied && provision->denied.code == ERR_NONE) {
        provision->denied = *err;
    }
    if (is_denied || told_before(&provision->told, item->wanted.name, err->message)) {
        provision_count(&provision->summary, PROVISION_FAILED);
        return;
    }
    tell(provision, item, PROVISION_FAILED, err->message);
}

/* As it should be, or as it would be after a dry run; or left alone. */
static void on_item(void *arg, const struct item *item, const struct err *err)
{
    struct provision *provision = arg;
    struct buf detail;

    if (err) {
        fail_item(provision, item, err);
        return;
    }
    (void)told_before(&provision->told, item->wanted.name, NULL);
    buf_init(&detail, DETAIL_MAX);
    item_detail(item, &detail);
    tell(provision, item, item_outcome(item), buf_text(&detail));
    buf_done(&detail);
}

/* --- From outside ----------------------------------------------------------------------------- */

struct provision *provision_new(const struct provision_options *options)
{
    struct provision *provision = mem_alloc(sizeof(*provision));

    provision->options = *options;
    uv_timer_init(options->loop, &provision->timer);
    provision->timer.data = provision;
    const struct run_options run = {.loop = options->loop,
                                    .client = options->client,
                                    .dry_run = options->dry_run,
                                    .put_gap_ms = options->put_gap_ms,
                                    .on_item = on_item,
                                    .on_done = on_run_done,
                                    .arg = provision};
    run_init(&provision->run, &run);
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
    run_cancel(&provision->run);
    uv_timer_stop(&provision->timer);
    provision->state = PROVISION_IDLE;
}

/* What is known of a database of the old configuration holds for the same one of the new. */
static bool take_over(struct provision *provision, struct member *old)
{
    bool is_wanted = old->pending || old->running;

    for (size_t i = 0; i < provision->member_count; i++) {
        struct member *member = &provision->members[i];

        if (strcmp(member->database->name, old->database->name) == 0) {
            member->pending = is_wanted;
            if (config_database_same_source(member->database, old->database)) {
                member->usable = old->usable;
                member->instance = old->instance;
                old->instance = NULL;
            }
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

static void on_part_closed(struct provision *provision)
{
    if (--provision->open > 0) {
        return;
    }
    provision_closed *closed = provision->closed;
    void *arg = provision->closed_arg;

    free_members(provision->members, provision->member_count);
    told_done(&provision->told);
    free(provision);
    closed(arg);
}

static void on_timer_closed(uv_handle_t *timer)
{
    on_part_closed(timer->data);
}

static void on_run_closed(void *arg)
{
    on_part_closed(arg);
}

void provision_stop(struct provision *provision, provision_closed *closed, void *arg)
{
    cancel(provision);
    provision->closed = closed;
    provision->closed_arg = arg;
    provision->open = 2;
    uv_close((uv_handle_t *)&provision->timer, on_timer_closed);
    run_close(&provision->run, on_run_closed, provision);
}

/* --- Words ------------------------------------------------------------------------------------ */

static const struct {
    char symbol;
    const char *word;
} actions[] = {
    [PROVISION_CREATED] = {'+', "create"}, [PROVISION_CHANGED] = {'~', "change"},
    [PROVISION_IN_PLACE] = {'=', "none"},  [PROVISION_NOT_OURS] = {'!', "foreign"},
    [PROVISION_FAILED] = {'x', "fail"},    [PROVISION_REMOVED] = {'-', "delete"},
    [PROVISION_ABSENT] = {' ', "none"},
};

bool provision_is_change(enum provision_action action)
{
    return action == PROVISION_CREATED || action == PROVISION_CHANGED ||
           action == PROVISION_REMOVED;
}

const char *provision_action_word(enum provision_action action)
{
    return actions[action].word;
}

void provision_format_line(const struct provision_line *line, struct buf *out)
{
    buf_printf(out, "%c %s", actions[line->action].symbol, line->alarm);
    if (line->detail[0] != '\0') {
        buf_printf(out, "  (%s)", line->detail);
    }
}
