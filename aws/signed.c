#include "aws/signed.h"

#include <stdlib.h>

#include "aws/common/mem.h"

static void add_header(struct signed_request *out, const char *name, const char *value)
{
    if (value) {
        out->headers[out->request.header_count++] = (struct http_header){name, value};
    }
}

/* Date and token are the signer's to add. */
static void add_headers(struct signed_request *out, const struct signed_call *call)
{
    add_header(out, "Host", call->endpoint->host);
    add_header(out, "Content-Type", call->service->content_type);
    add_header(out, "X-Amz-Target", out->target);
    add_header(out, "x-amzn-query-mode", call->service->query_mode ? "true" : NULL);
    add_header(out, "Content-Encoding", call->compressed ? "gzip" : NULL);
}

static enum sigv4_status sign(struct signed_request *out, const struct signed_call *call,
                              const struct credentials *credentials, int64_t now_ms,
                              struct sigv4_key_cache *key)
{
    struct sigv4_header headers[SIGNED_HEADERS_MAX];

    for (size_t i = 0; i < out->request.header_count; i++) {
        headers[i] = (struct sigv4_header){out->headers[i].name, out->headers[i].value};
    }
    const struct sigv4_request request = {
        .method = out->request.method,
        .path = call->endpoint->path,
        .headers = headers,
        .header_count = out->request.header_count,
        .body = out->request.body,
        .body_len = out->request.body_len,
    };
    const struct sigv4_credentials keys = {credentials->access_key, credentials->secret_key,
                                           credentials->session_token};
    const struct sigv4_scope scope = {(time_t)(now_ms / 1000), call->region,
                                      call->service->signing_name};

    return sigv4_sign(&request, &keys, &scope, key, &out->signature);
}

static bool add_signature(struct signed_request *out, const struct signed_call *call,
                          const struct credentials *credentials, int64_t now_ms,
                          struct sigv4_key_cache *key, struct err *err)
{
    enum sigv4_status status = sign(out, call, credentials, now_ms, key);

    if (status != SIGV4_OK) {
        return err_set(err, ERR_SYSTEM, "signing: %s", sigv4_status_text(status));
    }
    add_header(out, "X-Amz-Date", out->signature.amz_date);
    add_header(out, "X-Amz-Security-Token", credentials->session_token);
    add_header(out, "Authorization", out->signature.authorization);
    return true;
}

bool signed_request_init(struct signed_request *out, const struct signed_call *call,
                         const struct credentials *credentials, int64_t now_ms,
                         struct sigv4_key_cache *key, struct err *err)
{
    *out = (struct signed_request){
        .request = {.method = "POST",
                    .url = call->endpoint->url,
                    .headers = out->headers,
                    .body = buf_text(call->body),
                    .body_len = call->body->len},
    };
    if (call->service->target_prefix) {
        out->target = mem_printf("%s%s", call->service->target_prefix, call->operation);
    }
    add_headers(out, call);
    if (credentials && !add_signature(out, call, credentials, now_ms, key, err)) {
        free(out->target);
        return false;
    }
    add_header(out, "Accept", call->service->accept);
    return true;
}

void signed_request_done(struct signed_request *request)
{
    if (request->signature.authorization) {
        sigv4_result_done(&request->signature);
    }
    free(request->target);
}
