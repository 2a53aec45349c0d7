#include "aws/cloudwatch.h"

#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch_json.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"

/* A call without output; body: NULL when a text in it was not UTF-8. */
static struct aws_call *send_text(struct aws_client *client, const char *operation,
                                  const char *body, aws_done *done, void *arg)
{
    const struct aws_request request = {.operation = operation,
                                        .body = body,
                                        .body_len = body ? strlen(body) : 0,
                                        .answers_nothing = true};

    return aws_send(client, &request, done, arg);
}

/* --- Metrics -------------------------------------------------------------------------------- */

struct aws_call *cloudwatch_put_metric_data(struct aws_client *client, const char *namespace_,
                                            const struct cloudwatch_entry *entries, size_t count,
                                            aws_done *done, void *arg)
{
    size_t limit = cloudwatch_put_overhead(namespace_);
    struct buf body;

    for (size_t i = 0; i < count; i++) {
        limit += cloudwatch_entry_size(&entries[i]);
    }
    buf_init(&body, limit);
    cloudwatch_write_body(namespace_, entries, count, &body);
    const struct aws_request request = {.operation = "PutMetricData",
                                        .body = buf_text(&body),
                                        .body_len = body.len,
                                        .compress = true,
                                        .answers_nothing = true,
                                        .attempts = 1};
    struct aws_call *call = aws_send(client, &request, done, arg);
    buf_done(&body);
    return call;
}

/* --- Alarms --------------------------------------------------------------------------------- */

struct aws_call *cloudwatch_put_metric_alarm(struct aws_client *client,
                                             const struct cloudwatch_alarm *alarm,
                                             const struct cloudwatch_tag *tags, size_t tag_count,
                                             aws_done *done, void *arg)
{
    char *body = cloudwatch_alarm_to_json(alarm, tags, tag_count);
    struct aws_call *call = send_text(client, "PutMetricAlarm", body, done, arg);

    free(body);
    return call;
}

struct aws_call *cloudwatch_delete_alarms(struct aws_client *client, const char *const *names,
                                          size_t count, aws_done *done, void *arg)
{
    json_t *list = mem_check(json_array());

    for (size_t i = 0; i < count; i++) {
        /* A name that is not UTF-8 is none that exists. */
        (void)json_array_append_new(list, json_string(names[i]));
    }
    json_t *document = mem_check(json_pack("{s:o}", "AlarmNames", list));
    char *body = json_encode(document);
    struct aws_call *call = send_text(client, "DeleteAlarms", body, done, arg);

    free(body);
    json_decref(document);
    return call;
}

/* --- Tags ----------------------------------------------------------------------------------- */

struct aws_call *cloudwatch_tag_resource(struct aws_client *client, const char *arn,
                                         const struct cloudwatch_tag *tags, size_t tag_count,
                                         aws_done *done, void *arg)
{
    json_t *document = json_pack("{s:s, s:o}", "ResourceARN", arn, "Tags",
                                 cloudwatch_tags_to_json(tags, tag_count));
    char *body = document ? json_encode(document) : NULL;
    struct aws_call *call = send_text(client, "TagResource", body, done, arg);

    free(body);
    json_decref(document);
    return call;
}

struct cloudwatch_tags_call {
    struct aws_client *client;
    struct aws_call *call;
    cloudwatch_tags_done *done;
    void *arg;
};

/* The tags point into the document. false: it is not such an answer. */
static bool read_tags(const json_t *body, struct cloudwatch_tag **out, size_t *count)
{
    const json_t *list = json_object_get(body, "Tags");
    size_t size = json_array_size(list);
    struct cloudwatch_tag *tags = mem_alloc(size * sizeof(*tags));
    bool good = json_is_array(list);

    for (size_t i = 0; i < size && good; i++) {
        tags[i].key = json_text_of(json_array_get(list, i), "Key");
        tags[i].value = json_text_of(json_array_get(list, i), "Value");
        good = tags[i].key && tags[i].value;
    }
    if (!good) {
        free(tags);
        return false;
    }
    *out = tags;
    *count = size;
    return true;
}

static void on_tags(void *arg, const struct aws_answer *answer, const struct err *err,
                    const struct aws_failure *failure)
{
    const struct cloudwatch_tags_call detached = *(struct cloudwatch_tags_call *)arg;
    struct cloudwatch_tag *tags = NULL;
    size_t count = 0;
    struct err bad;

    (void)failure;
    free(arg);
    if (!err && !read_tags(answer->body, &tags, &count)) {
        err_set(&bad, ERR_PARSE, "ListTagsForResource in %s: this is no list of tags",
                aws_client_region(detached.client));
        err = &bad;
    }
    detached.done(detached.arg, tags, count, err);
    free(tags);
}

struct cloudwatch_tags_call *cloudwatch_list_tags(struct aws_client *client, const char *arn,
                                                  cloudwatch_tags_done *done, void *arg)
{
    struct cloudwatch_tags_call *tags = mem_alloc(sizeof(*tags));
    json_t *document = json_pack("{s:s}", "ResourceARN", arn);
    char *body = document ? json_encode(document) : NULL;
    const struct aws_request request = {
        .operation = "ListTagsForResource", .body = body, .body_len = body ? strlen(body) : 0};

    tags->client = client;
    tags->done = done;
    tags->arg = arg;
    tags->call = aws_send(client, &request, on_tags, tags);
    free(body);
    json_decref(document);
    return tags;
}

void cloudwatch_tags_cancel(struct cloudwatch_tags_call *call)
{
    aws_cancel(call->call);
    free(call);
}
