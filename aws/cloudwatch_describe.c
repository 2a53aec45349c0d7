/*
 * DescribeAlarms for any number of names: in groups of a hundred, each group page by page; or for
 * all alarms of a prefix, as one group. One request at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch_json.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

#define GROUP_MAX 100  /* names in a request, and alarms in a page */
#define PAGES_MAX 100  /* of a group; one is usual */
#define LIST_MAX  1000 /* of all there are */
#define TOKEN_MAX 8192

struct cloudwatch_describe {
    struct aws_client *client;
    uv_timer_t timer; /* calls back when there is nothing to ask for */
    struct aws_call *call;
    cloudwatch_alarms_done *done;
    void *arg;
    char **names;
    size_t count;
    char *prefix; /* NULL: by names */

    size_t group;        /* index of its first name */
    size_t group_alarms; /* alarms that earlier groups gave */
    int pages;           /* of this group, read so far */
    bool restarted;      /* this group, because its token was refused */
    struct cloudwatch_alarms alarms;
};

/* --- The end -------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *timer)
{
    struct cloudwatch_describe *describe = timer->data;

    for (size_t i = 0; i < describe->count; i++) {
        free(describe->names[i]);
    }
    free(describe->names);
    free(describe->prefix);
    cloudwatch_alarms_truncate(&describe->alarms, 0);
    free(describe);
}

void cloudwatch_describe_cancel(struct cloudwatch_describe *describe)
{
    aws_cancel(describe->call);
    describe->call = NULL;
    uv_close((uv_handle_t *)&describe->timer, on_closed);
}

/* The alarms outlive the callback: they go with the timer, on the loop's next turn. */
static void finish(struct cloudwatch_describe *describe, const struct err *err)
{
    cloudwatch_describe_cancel(describe);
    describe->done(describe->arg, err ? NULL : describe->alarms.list,
                   err ? 0 : describe->alarms.count, err);
}

static void on_nothing_to_ask(uv_timer_t *timer)
{
    finish(timer->data, NULL);
}

/* --- Pages ---------------------------------------------------------------------------------- */

static void on_page(void *arg, const struct aws_answer *answer, const struct err *err,
                    const struct aws_failure *failure);

static json_t *names_of_group(const struct cloudwatch_describe *describe)
{
    json_t *names = mem_check(json_array());

    for (size_t i = describe->group; i < describe->count && i < describe->group + GROUP_MAX; i++) {
        /* A name that is not UTF-8 is none that exists. */
        (void)json_array_append_new(names, json_string(describe->names[i]));
    }
    return names;
}

static json_t *query_of(const struct cloudwatch_describe *describe)
{
    if (!describe->prefix) {
        return json_pack("{s:o, s:[ss]}", "AlarmNames", names_of_group(describe), "AlarmTypes",
                         "MetricAlarm", "CompositeAlarm");
    }
    return describe->prefix[0] == '\0' ? json_object()
                                       : json_pack("{s:s}", "AlarmNamePrefix", describe->prefix);
}

static void ask(struct cloudwatch_describe *describe, const char *token)
{
    json_t *document = mem_check(query_of(describe));

    (void)json_object_set_new(document, "MaxRecords", json_integer(GROUP_MAX));
    if (token) {
        (void)json_object_set_new(document, "NextToken", json_text(token));
    }
    char *body = json_encode(document);
    const struct aws_request request = {
        .operation = "DescribeAlarms", .body = body, .body_len = strlen(body)};

    describe->call = aws_send(describe->client, &request, on_page, describe);
    free(body);
    json_decref(document);
}

static void begin_group(struct cloudwatch_describe *describe, size_t group)
{
    describe->group = group;
    describe->group_alarms = describe->alarms.count;
    describe->pages = 0;
    describe->restarted = false;
    ask(describe, NULL);
}

/* A token is good for its own query only, and for a while. */
static bool restart_group(struct cloudwatch_describe *describe, const struct aws_failure *failure)
{
    if (describe->restarted || strcmp(failure->code, "InvalidNextToken") != 0) {
        return false;
    }
    cloudwatch_alarms_truncate(&describe->alarms, describe->group_alarms);
    describe->pages = 0;
    describe->restarted = true;
    ask(describe, NULL);
    return true;
}

static bool read_page(struct cloudwatch_describe *describe, const json_t *page, const char **token,
                      struct err *err)
{
    *token = json_text_of(page, "NextToken");
    if (*token && (++describe->pages >= (describe->prefix ? LIST_MAX : PAGES_MAX) ||
                   strlen(*token) > TOKEN_MAX)) {
        return err_set(err, ERR_PARSE, "pages without end, or a NextToken too long");
    }
    return cloudwatch_alarms_read(page, &describe->alarms, err);
}

static void on_page(void *arg, const struct aws_answer *answer, const struct err *err,
                    const struct aws_failure *failure)
{
    struct cloudwatch_describe *describe = arg;
    struct err bad;
    const char *token;

    describe->call = NULL;
    if (err) {
        if (!restart_group(describe, failure)) {
            finish(describe, err);
        }
    } else if (!read_page(describe, answer->body, &token, &bad)) {
        err_context(&bad, "DescribeAlarms in %s", aws_client_region(describe->client));
        finish(describe, &bad);
    } else if (token) {
        ask(describe, token);
    } else if (describe->group + GROUP_MAX < describe->count) {
        begin_group(describe, describe->group + GROUP_MAX);
    } else {
        finish(describe, NULL);
    }
}

static struct cloudwatch_describe *new_describe(struct aws_client *client,
                                                cloudwatch_alarms_done *done, void *arg)
{
    struct cloudwatch_describe *describe = mem_alloc(sizeof(*describe));

    describe->client = client;
    describe->done = done;
    describe->arg = arg;
    uv_timer_init(aws_client_loop(client), &describe->timer);
    describe->timer.data = describe;
    return describe;
}

struct cloudwatch_describe *cloudwatch_describe_alarms(struct aws_client *client,
                                                       const char *const *names, size_t count,
                                                       cloudwatch_alarms_done *done, void *arg)
{
    struct cloudwatch_describe *describe = new_describe(client, done, arg);

    describe->count = count;
    describe->names = mem_grow(NULL, count, sizeof(*describe->names));
    for (size_t i = 0; i < count; i++) {
        describe->names[i] = mem_strdup(names[i]);
    }
    if (count > 0) {
        begin_group(describe, 0);
    } else {
        uv_timer_start(&describe->timer, on_nothing_to_ask, 0, 0);
    }
    return describe;
}

struct cloudwatch_describe *cloudwatch_list_alarms(struct aws_client *client, const char *prefix,
                                                   cloudwatch_alarms_done *done, void *arg)
{
    struct cloudwatch_describe *describe = new_describe(client, done, arg);

    describe->prefix = mem_strdup(prefix);
    begin_group(describe, 0);
    return describe;
}
