/* Dashboards: a document that is a text within a document. */
#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

struct cloudwatch_dashboard_call {
    struct aws_client *client;
    struct aws_call *call;
    cloudwatch_dashboard_done *done;
    void *arg;
};

/* What a person wrote and no program reads is null. */
static json_t *read_body(const json_t *answer)
{
    const char *text = json_text_of(answer, "DashboardBody");
    json_t *body = NULL;

    return text && json_parse(text, strlen(text), &body, NULL) ? body : json_null();
}

static void on_dashboard(void *arg, const struct aws_answer *answer, const struct err *err,
                         const struct aws_failure *failure)
{
    const struct cloudwatch_dashboard_call detached = *(struct cloudwatch_dashboard_call *)arg;
    bool is_absent = err && (strcmp(failure->code, "ResourceNotFound") == 0 ||
                             strcmp(failure->code, "DashboardNotFoundError") == 0);
    json_t *body = err ? NULL : read_body(answer->body);

    free(arg);
    detached.done(detached.arg, body, is_absent ? NULL : err);
    json_decref(body);
}

struct cloudwatch_dashboard_call *cloudwatch_get_dashboard(struct aws_client *client,
                                                           const char *name,
                                                           cloudwatch_dashboard_done *done,
                                                           void *arg)
{
    struct cloudwatch_dashboard_call *call = mem_alloc(sizeof(*call));
    json_t *document = mem_check(json_pack("{s:o}", "DashboardName", json_text(name)));
    char *body = json_encode(document);
    const struct aws_request request = {
        .operation = "GetDashboard", .body = body, .body_len = strlen(body)};

    call->client = client;
    call->done = done;
    call->arg = arg;
    call->call = aws_send(client, &request, on_dashboard, call);
    free(body);
    json_decref(document);
    return call;
}

void cloudwatch_dashboard_cancel(struct cloudwatch_dashboard_call *call)
{
    aws_cancel(call->call);
    free(call);
}

struct aws_call *cloudwatch_put_dashboard(struct aws_client *client, const char *name,
                                          const json_t *body, aws_done *done, void *arg)
{
    char *text = json_encode(body);
    json_t *document = mem_check(json_pack("{s:o, s:o}", "DashboardName", json_text(name),
                                           "DashboardBody", json_text(text)));
    char *sent = json_encode(document);
    const struct aws_request request = {
        .operation = "PutDashboard", .body = sent, .body_len = strlen(sent)};
    struct aws_call *call = aws_send(client, &request, done, arg);

    free(text);
    free(sent);
    json_decref(document);
    return call;
}

struct aws_call *cloudwatch_delete_dashboard(struct aws_client *client, const char *name,
                                             aws_done *done, void *arg)
{
    json_t *document = mem_check(json_pack("{s:[o]}", "DashboardNames", json_text(name)));
    char *body = json_encode(document);
    const struct aws_request request = {.operation = "DeleteDashboards",
                                        .body = body,
                                        .body_len = strlen(body),
                                        .answers_nothing = true};
    struct aws_call *call = aws_send(client, &request, done, arg);

    free(body);
    json_decref(document);
    return call;
}
