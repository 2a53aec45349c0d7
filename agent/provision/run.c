#include "agent/provision/run.h"

#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch.h"
#include "aws/common/mem.h"

#define THROTTLED_MAX 6 /* attempts of one call, each of several by the client itself */

static void compare(struct run *run);
static void go_on(struct run *run);

static void free_items(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        item_done(&run->items[i]);
    }
    free(run->items);
    run->items = NULL;
    run->count = 0;
    run->current = 0;
}

/* --- The end of an item, and of all ----------------------------------------------------------- */

static void end_item(struct run *run, const struct err *err)
{
    const struct item *item = &run->items[run->current++];

    run->throttled = 0;
    run->options.on_item(run->options.arg, item, err);
}

/* The caller's last act. */
static void end(struct run *run, const struct err *err)
{
    free_items(run);
    run->options.on_done(run->options.arg, err);
}

/* --- Pauses ----------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct run *run = timer->data;

    if (run->compared) {
        go_on(run);
    } else {
        compare(run);
    }
}

static void pause_until(struct run *run, uint64_t then_ms)
{
    uint64_t now_ms = uv_now(run->options.loop);

    run->going = false;
    uv_timer_start(&run->timer, on_timer, then_ms > now_ms ? then_ms - now_ms : 0, 0);
}

/* Takes the turn, or comes back when it is there. */
static bool is_turn(struct run *run, uint64_t *next_ms, uint64_t gap_ms)
{
    uint64_t now_ms = uv_now(run->options.loop);

    if (now_ms < *next_ms) {
        pause_until(run, *next_ms);
        return false;
    }
    *next_ms = now_ms + gap_ms;
    return true;
}

/* Somebody else uses the account's quota too: 4, 8, 16, 32, 64 gaps. */
static bool waits_after(struct run *run, const struct err *err)
{
    if (err->code != ERR_THROTTLED || run->throttled >= THROTTLED_MAX - 1) {
        return false;
    }
    uint64_t pause_ms = run->options.put_gap_ms << (2 + run->throttled++);

    run->next_put_ms = run->next_tag_ms = uv_now(run->options.loop) + pause_ms;
    return true;
}

/* --- Calls ------------------------------------------------------------------------------------ */

static void on_called(void *arg, const struct aws_answer *answer, const struct err *err,
                      const struct aws_failure *failure)
{
    struct run *run = arg;
    bool is_gone =
        err && run->step == ITEM_DELETE && strcmp(failure->code, "ResourceNotFound") == 0;

    (void)answer;
    run->call = NULL;
    if (!err || is_gone) {
        run->throttled = 0;
        item_did(&run->items[run->current], run->step);
    } else if (!waits_after(run, err)) {
        end_item(run, err);
    }
    go_on(run);
}

static void write_alarm(struct run *run, const struct item *item)
{
    struct cloudwatch_tag tags[OWNER_TAGS_MAX];
    size_t count = item->existing.name ? 0 : item_tags(item, ITEM_WRITE, tags);

    run->call = cloudwatch_put_metric_alarm(run->options.client, &item->wanted, tags, count,
                                            on_called, run);
}

static void tag_alarm(struct run *run, const struct item *item)
{
    struct cloudwatch_tag tags[OWNER_TAGS_MAX];
    size_t count = item_tags(item, run->step, tags);

    run->call = cloudwatch_tag_resource(run->options.client, item->existing.arn, tags, count,
                                        on_called, run);
}

static void delete_alarm(struct run *run, const struct item *item)
{
    const char *const name = item->existing.name;

    run->call = cloudwatch_delete_alarms(run->options.client, &name, 1, on_called, run);
}

static void on_tags(void *arg, const struct cloudwatch_tag *tags, size_t count,
                    const struct err *err)
{
    struct run *run = arg;

    run->tags = NULL;
    if (!err) {
        run->throttled = 0;
        item_judge(&run->items[run->current], tags, count);
    } else if (!waits_after(run, err)) {
        end_item(run, err);
    }
    go_on(run);
}

static void call(struct run *run)
{
    const struct item *item = &run->items[run->current];

    run->going = false;
    switch (run->step) {
    case ITEM_ASK:
        run->tags = cloudwatch_list_tags(run->options.client, item->existing.arn, on_tags, run);
        break;
    case ITEM_MARK:
    case ITEM_TAG:
        tag_alarm(run, item);
        break;
    case ITEM_WRITE:
        write_alarm(run, item);
        break;
    case ITEM_DELETE:
        delete_alarm(run, item);
        break;
    case ITEM_END:
        break;
    }
}

/* ListTagsForResource takes 10 a second, TagResource 20, where PutMetricAlarm takes 3. */
static uint64_t tag_gap_ms(const struct run *run)
{
    return run->options.put_gap_ms * 3 / 10;
}

/* Either begins something that comes back to go_on(), or ends the item. */
static void step(struct run *run)
{
    bool is_put;

    run->step = item_next(&run->items[run->current], run->options.dry_run);
    if (run->step == ITEM_END) {
        end_item(run, NULL);
        return;
    }
    is_put = run->step == ITEM_WRITE || run->step == ITEM_DELETE;
    if (is_turn(run, is_put ? &run->next_put_ms : &run->next_tag_ms,
                is_put ? run->options.put_gap_ms : tag_gap_ms(run))) {
        call(run);
    }
}

/* Items one after another until something is under way. */
static void go_on(struct run *run)
{
    run->going = true;
    while (run->going && run->current < run->count) {
        step(run);
    }
    if (run->going) {
        run->going = false;
        end(run, NULL);
    }
}

/* --- Comparing -------------------------------------------------------------------------------- */

static const struct cloudwatch_alarm *named(const struct cloudwatch_alarm *alarms, size_t count,
                                            const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(alarms[i].name, name) == 0) {
            return &alarms[i];
        }
    }
    return NULL;
}

static void on_compared(void *arg, const struct cloudwatch_alarm *alarms, size_t count,
                        const struct err *err)
{
    struct run *run = arg;

    run->describe = NULL;
    if (err && waits_after(run, err)) {
        pause_until(run, run->next_put_ms);
        return;
    }
    if (err) {
        end(run, err);
        return;
    }
    run->compared = true;
    run->throttled = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct cloudwatch_alarm *existing = named(alarms, count, run->items[i].wanted.name);

        if (existing && !run->items[i].problem) {
            item_found(&run->items[i], existing);
        }
    }
    go_on(run);
}

static void compare(struct run *run)
{
    const char **names = mem_alloc(run->count * sizeof(*names));

    for (size_t i = 0; i < run->count; i++) {
        names[i] = run->items[i].wanted.name;
    }
    run->describe =
        cloudwatch_describe_alarms(run->options.client, names, run->count, on_compared, run);
    free(names);
}

void run_start(struct run *run, struct item *items, size_t count)
{
    run->items = items;
    run->count = count;
    run->current = 0;
    run->compared = false;
    run->throttled = 0;
    compare(run);
}

/* --- Life ------------------------------------------------------------------------------------- */

void run_init(struct run *run, const struct run_options *options)
{
    *run = (struct run){.options = *options};
    if (run->options.put_gap_ms == 0) {
        run->options.put_gap_ms = RUN_PUT_GAP_MS;
    }
    uv_timer_init(options->loop, &run->timer);
    run->timer.data = run;
}

void run_cancel(struct run *run)
{
    if (run->describe) {
        cloudwatch_describe_cancel(run->describe);
    }
    if (run->tags) {
        cloudwatch_tags_cancel(run->tags);
    }
    aws_cancel(run->call);
    run->describe = NULL;
    run->tags = NULL;
    run->call = NULL;
    uv_timer_stop(&run->timer);
    free_items(run);
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct run *run = timer->data;

    run->closed(run->closed_arg);
}

void run_close(struct run *run, void (*closed)(void *arg), void *arg)
{
    run_cancel(run);
    run->closed = closed;
    run->closed_arg = arg;
    uv_close((uv_handle_t *)&run->timer, on_timer_closed);
}
