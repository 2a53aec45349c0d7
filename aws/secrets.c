#include "aws/secrets.h"

#include <string.h>

#include "aws/common/json.h"
#include "aws/common/mem.h"

#define TIMEOUT_MS 4000 /* a session waits for it */

struct aws_call *secrets_get_value(struct aws_client *client, const char *id, aws_done *done,
                                   void *arg)
{
    json_t *document = json_pack("{s:s}", "SecretId", id);
    char *body = document ? json_encode(document) : NULL; /* no UTF-8: will be refused */
    const struct aws_request request = {.operation = "GetSecretValue",
                                        .body = body,
                                        .body_len = body ? strlen(body) : 0,
                                        .timeout_ms = TIMEOUT_MS,
                                        .attempts = 2};
    struct aws_call *call = aws_send(client, &request, done, arg);

    mem_free_secret(body);
    json_decref(document);
    return call;
}

bool secrets_read_value(const struct aws_answer *answer, const char **out, struct err *err)
{
    const char *text = json_text_of(answer->body, "SecretString");

    if (!text) {
        return err_set(err, ERR_PARSE, "the secret holds no text%s",
                       json_object_get(answer->body, "SecretBinary") ? ", it is binary" : "");
    }
    *out = text;
    return true;
}

char *secrets_region_of(const char *id)
{
    static const char service[] = ":secretsmanager:";
    const char *at = strncmp(id, "arn:", 4) == 0 ? strstr(id, service) : NULL;

    if (!at) {
        return NULL;
    }
    at += sizeof(service) - 1;
    return mem_strndup(at, strcspn(at, ":"));
}
