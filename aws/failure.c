#include "aws/failure.h"

#include <string.h>

#include "aws/common/buf.h"
#include "aws/common/mem.h"
#include "aws/request.h"

#define REQUEST_PART " (request "

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void advise_on_permission(const struct failure_context *context, const char *code,
                                 struct buf *out)
{
    bool is_denied = begins_with(code, "AccessDenied") || begins_with(code, "Unauthorized");

    if (is_denied && context->service == &aws_service_sts) {
        buf_printf(out, ": the role's trust policy must let this identity in%s",
                   context->key_source ? ", and sts:AssumeRole be allowed to it" : "");
    } else if (is_denied) {
        buf_printf(out, ": allow %s:%s to this role", context->service->iam_prefix,
                   context->operation);
    }
}

static void advise_on_signature(const struct failure_context *context, struct buf *out)
{
    long long behind_s = context->clock_offset_ms / 1000;

    if (context->clock_is_corrected) {
        buf_printf(out, ": this host's clock is %lld s %s, which is made up for from now on",
                   behind_s < 0 ? -behind_s : behind_s, behind_s < 0 ? "ahead" : "behind");
    } else {
        buf_printf(out, ": check the secret access key (%s)",
                   context->key_source ? context->key_source : "none was used");
    }
}

/* What a person can do about it; nothing where the service's own words have to do. */
static void advise(const struct failure_context *context, const struct failure *failure,
                   struct buf *out)
{
    switch (failure->class) {
    case FAILURE_DENIED:
        advise_on_permission(context, failure->code, out);
        break;
    case FAILURE_SKEW:
        advise_on_signature(context, out);
        break;
    case FAILURE_EXPIRED:
        if (context->key_source) {
            buf_printf(out, ": renew the credentials (%s)", context->key_source);
        } else {
            buf_puts(out, ": whoever writes the token's file must renew it");
        }
        break;
    case FAILURE_FOREIGN:
        buf_printf(out, ": %s did not answer as the service does, check endpoint_url and proxies",
                   context->host);
        break;
    case FAILURE_THROTTLED:
    case FAILURE_TRANSIENT:
    case FAILURE_BAD_INPUT:
        break;
    }
}

void failure_read(const struct http_response *response, const struct failure_context *context,
                  struct failure *out)
{
    const char *request_id = answer_request_id(response);
    struct answer_error error;
    struct buf text;

    answer_read_error(response, &error);
    *out = (struct failure){
        .class = retry_classify(response->status, error.code),
        .status = response->status,
        .hint_ms = retry_hint_ms(http_header_of(response, "x-amz-retry-after")),
    };
    memcpy(out->code, error.code, sizeof(out->code));

    buf_init(&text, ERR_MESSAGE_MAX);
    buf_printf(&text, "HTTP %d", response->status);
    if (error.code[0]) {
        buf_clear(&text);
        buf_puts(&text, error.code);
    }
    buf_printf(&text, "%s%s", error.message[0] ? ": " : "", error.message);
    buf_printf(&text, REQUEST_PART "%.64s, attempt %d)", request_id[0] ? request_id : "without id",
               context->attempt);
    advise(context, out, &text);
    err_set(&out->err, retry_err_code(out->class), "%s", buf_text(&text));
    buf_done(&text);
}

bool aws_same_reason(const char *a, const char *b)
{
    const char *request_a = strstr(a, REQUEST_PART), *request_b = strstr(b, REQUEST_PART);

    if (!request_a || !request_b) {
        return strcmp(a, b) == 0;
    }
    const char *rest_a = strchr(request_a, ')'), *rest_b = strchr(request_b, ')');

    return request_a - a == request_b - b && memcmp(a, b, (size_t)(request_a - a)) == 0 && rest_a &&
           rest_b && strcmp(rest_a, rest_b) == 0;
}
