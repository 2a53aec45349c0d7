#include "agent/provision/dashboard_run.h"

#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define GAP_MS     120 /* an account takes 10 GetDashboard a second */
#define DETAIL_MAX 4096

struct dashboard_run {
    struct dashboard_run_options options;
    struct dashboards dashboards;
    size_t current;   /* beyond the last: those that are needed no longer */
    char *surplus;    /* the name of one of these */
    uv_timer_t timer; /* begins with the current one */
    struct cloudwatch_dashboard_call *reading;
    struct aws_call *writing;
    enum provision_action action; /* of the current one, when it goes well */
    struct buf detail;
    json_t *changes;
    provision_closed *closed;
    void *closed_arg;
};

static void on_timer(uv_timer_t *timer);

/* --- The end of one --------------------------------------------------------------------------- */

static void next(struct dashboard_run *run, uint64_t delay_ms)
{
    json_array_clear(run->changes);
    buf_clear(&run->detail);
    uv_timer_start(&run->timer, on_timer, delay_ms, 0);
}

static const char *name_of(const struct dashboard_run *run)
{
    return run->surplus ? run->surplus : run->dashboards.list[run->current].name;
}

static void tell(struct dashboard_run *run, enum provision_action action, const char *detail)
{
    const struct provision_line line = {.action = action,
                                        .alarm = name_of(run),
                                        .database = "",
                                        .detail = detail,
                                        .changes = run->changes};

    run->options.on_line(run->options.arg, &line);
    run->current++;
    next(run, GAP_MS);
}

static void tell_warnings(const struct dashboard_run *run, const json_t *answer)
{
    const json_t *messages = json_object_get(answer, "DashboardValidationMessages");

    for (size_t i = 0; i < json_array_size(messages); i++) {
        const char *message = json_text_of(json_array_get(messages, i), "Message");

        run->options.on_warning(run->options.arg, name_of(run), message ? message : "");
    }
}

static void on_written(void *arg, const struct aws_answer *answer, const struct err *err,
                       const struct aws_failure *failure)
{
    struct dashboard_run *run = arg;

    (void)failure;
    run->writing = NULL;
    if (err) {
        tell(run, PROVISION_FAILED, err->message);
        return;
    }
    tell_warnings(run, answer->body);
    tell(run, run->action, buf_text(&run->detail));
}

/* --- What is to be done ------------------------------------------------------------------------
 */

/* existing: NULL when there is none. */
static enum provision_action compare(struct dashboard_run *run, const json_t *existing)
{
    json_t *wanted = run->dashboards.list[run->current].body;

    if (existing && dashboard_is_same(wanted, existing)) {
        return PROVISION_IN_PLACE;
    }
    if (existing && !dashboard_is_ours(existing) && !run->options.adopt) {
        buf_puts(&run->detail, "it was not made by poolwarden; left alone, adopt = yes takes it "
                               "over");
        return PROVISION_NOT_OURS;
    }
    (void)json_array_append_new(
        run->changes, json_pack("{s:s, s:o, s:O}", "field", "body", "old",
                                existing ? json_deep_copy(existing) : json_null(), "new", wanted));
    if (!existing) {
        buf_printf(&run->detail, "%zu widgets",
                   json_array_size(json_object_get(wanted, "widgets")));
        return PROVISION_CREATED;
    }
    dashboard_print_difference(wanted, existing, &run->detail);
    return PROVISION_CHANGED;
}

static void on_read(void *arg, const json_t *body, const struct err *err)
{
    struct dashboard_run *run = arg;

    run->reading = NULL;
    if (err) {
        tell(run, PROVISION_FAILED, err->message);
        return;
    }
    run->action = compare(run, body);
    bool is_change = run->action == PROVISION_CREATED || run->action == PROVISION_CHANGED;

    if (!is_change || run->options.dry_run) {
        tell(run, run->action, buf_text(&run->detail));
        return;
    }
    const struct dashboard *dashboard = &run->dashboards.list[run->current];

    run->writing = cloudwatch_put_dashboard(run->options.client, dashboard->name, dashboard->body,
                                            on_written, run);
}

/* --- Those that are needed no longer -----------------------------------------------------------
 */

static void on_deleted(void *arg, const struct aws_answer *answer, const struct err *err,
                       const struct aws_failure *failure)
{
    struct dashboard_run *run = arg;

    (void)answer;
    (void)failure;
    run->writing = NULL;
    tell(run, err ? PROVISION_FAILED : PROVISION_REMOVED, err ? err->message : "");
}

static void on_surplus(void *arg, const json_t *body, const struct err *err)
{
    struct dashboard_run *run = arg;

    run->reading = NULL;
    if (err || !body || !dashboard_is_ours(body)) {
        /* The wanted ones are done; what could not be read is looked at again the next time. */
        run->options.on_done(run->options.arg);
    } else if (run->options.dry_run) {
        tell(run, PROVISION_REMOVED, "");
    } else {
        run->writing =
            cloudwatch_delete_dashboard(run->options.client, run->surplus, on_deleted, run);
    }
}

/* --- One after another -------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer)
{
    struct dashboard_run *run = timer->data;
    /* A single one has no number; of several the first, the summary, has none. */
    size_t number = run->current;
    bool is_surplus = run->current >= run->dashboards.count;

    free(run->surplus);
    run->surplus = is_surplus ? run->options.name_of(run->options.arg, number) : NULL;
    run->reading = cloudwatch_get_dashboard(run->options.client, name_of(run),
                                            is_surplus ? on_surplus : on_read, run);
}

/* --- Life ------------------------------------------------------------------------------------- */

struct dashboard_run *dashboard_run_new(const struct dashboard_run_options *options,
                                        struct dashboards *dashboards)
{
    struct dashboard_run *run = mem_alloc(sizeof(*run));

    run->options = *options;
    run->dashboards = *dashboards;
    *dashboards = (struct dashboards){0};
    run->changes = json_array();
    buf_init(&run->detail, DETAIL_MAX);
    uv_timer_init(options->loop, &run->timer);
    run->timer.data = run;
    next(run, 0);
    return run;
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct dashboard_run *run = timer->data;
    provision_closed *closed = run->closed;
    void *arg = run->closed_arg;

    dashboards_done(&run->dashboards);
    json_decref(run->changes);
    buf_done(&run->detail);
    free(run->surplus);
    free(run);
    closed(arg);
}

void dashboard_run_stop(struct dashboard_run *run, provision_closed *closed, void *arg)
{
    if (run->reading) {
        cloudwatch_dashboard_cancel(run->reading);
    }
    aws_cancel(run->writing);
    run->closed = closed;
    run->closed_arg = arg;
    uv_close((uv_handle_t *)&run->timer, on_timer_closed);
}
