#include <stdlib.h>

#include "aws/common/buf.h"
#include "aws/common/file.h"
#include "aws/common/mem.h"
#include "aws/credentials/container_uri.h"
#include "aws/credentials/credentials.h"
#include "aws/credentials/document.h"

/* As botocore: 2 s a request, 3 requests, 1 s between them. */
#define TIMEOUT_MS   2000
#define ATTEMPTS_MAX 3
#define PAUSE_MS     1000
#define ANSWER_MAX   65536
#define TOKEN_MAX    16384

#define ECS_BASE "http://169.254.170.2"

struct container {
    struct provider provider;
    const struct credentials_env *env;
    uv_timer_t turn; /* the first request on the next turn, each later one after a pause */
    struct http_transfer *transfer;
    int attempt;
    provider_done *done;
    void *arg;
};

/* --- Where to ask --- */

/* The caller frees *out. */
static bool find_url(const struct credentials_env *env, char **out, struct err *err)
{
    const char *relative = credentials_getenv(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = credentials_getenv(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");

    if (relative) {
        /* "@host" or ":port" would make another host of it. */
        if (relative[0] != '/') {
            return err_set(err, ERR_CONFIG,
                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /");
        }
        *out = mem_printf(ECS_BASE "%s", relative);
        return true;
    }
    if (!full) {
        return err_set(err, ERR_ABSENT, "AWS_CONTAINER_CREDENTIALS_* is not set");
    }
    if (!container_uri_check(full, err)) {
        return false;
    }
    *out = mem_strdup(full);
    return true;
}

/* --- The token --- */

/* Goes into a header as it is: what could end that header is refused. */
static bool check_token(struct buf *token, const char *from, struct err *err)
{
    file_trim_newline(token);
    if (token->len == 0) {
        return err_set(err, ERR_CONFIG, "%s: empty", from);
    }
    for (size_t i = 0; i < token->len; i++) {
        if (token->data[i] < ' ' || token->data[i] > '~') {
            return err_set(err, ERR_CONFIG,
                           "%s: has a line break or another control character in it", from);
        }
    }
    return true;
}

/* Empty when none is configured. Read anew for every request: the file rotates. */
static bool find_token(const struct credentials_env *env, struct buf *token, struct err *err)
{
    const char *path = credentials_getenv(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = credentials_getenv(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");

    if (path) {
        if (file_read(path, token, err) && check_token(token, path, err)) {
            return true;
        }
        return err_context(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    }
    if (text) {
        buf_puts(token, text);
        return check_token(token, "AWS_CONTAINER_AUTHORIZATION_TOKEN", err);
    }
    return true;
}

/* --- Asking --- */

static void finish(struct container *self, const struct credentials *credentials,
                   const struct err *err)
{
    self->done(self->arg, credentials, err);
}

static void on_turn(uv_timer_t *turn);

/* What may pass by itself is asked again after a pause, the rest is told at once. */
static void fail_or_again(struct container *self, const struct err *err, bool may_pass)
{
    if (may_pass && self->attempt < ATTEMPTS_MAX) {
        uv_timer_start(&self->turn, on_turn, PAUSE_MS, 0);
    } else {
        finish(self, NULL, err);
    }
}

static void judge_refusal(struct container *self, const struct http_response *response)
{
    bool may_pass = response->status >= 500 || response->status == 429;
    char excerpt[DOCUMENT_EXCERPT_MAX];
    struct err err;

    err_set(&err, may_pass ? ERR_NET : ERR_DENIED, "answered %d: %s%s", response->status,
            document_excerpt(response->body, excerpt),
            response->status == 404 ? " (has the task a role?)" : "");
    fail_or_again(self, &err, may_pass);
}

static void on_response(void *arg, const struct http_response *response, const struct err *err,
                        bool may_have_arrived)
{
    struct container *self = arg;
    struct credentials credentials = {0};
    struct err failure;

    (void)may_have_arrived;
    self->transfer = NULL;
    if (err) {
        fail_or_again(self, err, err->code == ERR_NET || err->code == ERR_TIMEOUT);
    } else if (response->status != 200) {
        judge_refusal(self, response);
    } else if (!document_read(response->body, response->body_len, &credentials, &failure)) {
        finish(self, NULL, &failure);
    } else {
        credentials.source = self->provider.ops->name;
        finish(self, &credentials, NULL);
        credentials_done(&credentials);
    }
}

static void send_request(struct container *self, const char *url, const struct buf *token)
{
    const struct http_header headers[] = {
        {"Accept", "application/json"},
        {"Authorization", buf_text(token)},
    };
    const struct http_request request = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .header_count = token->len > 0 ? 2 : 1,
        .connect_timeout_ms = TIMEOUT_MS,
        .timeout_ms = TIMEOUT_MS,
        .max_response = ANSWER_MAX,
        .no_proxy = true,
    };

    self->transfer = http_send(self->env->http, &request, on_response, self);
}

static void on_turn(uv_timer_t *turn)
{
    struct container *self = turn->data;
    struct buf token;
    char *url = NULL;
    struct err err;

    self->attempt++;
    buf_init_secret(&token, TOKEN_MAX);
    bool ready = find_url(self->env, &url, &err) && find_token(self->env, &token, &err);
    if (ready) {
        send_request(self, url, &token);
    }
    free(url);
    buf_done(&token);
    if (!ready) {
        finish(self, NULL, &err);
    }
}

/* --- The provider --- */

static void container_get(struct provider *provider, provider_done *done, void *arg)
{
    struct container *self = (struct container *)provider;

    self->attempt = 0;
    self->done = done;
    self->arg = arg;
    uv_timer_start(&self->turn, on_turn, 0, 0);
}

static void container_cancel(struct provider *provider)
{
    struct container *self = (struct container *)provider;

    uv_timer_stop(&self->turn);
    if (self->transfer) {
        http_cancel(self->transfer);
        self->transfer = NULL;
    }
}

static void on_closed(uv_handle_t *turn)
{
    free(turn->data);
}

static void container_free(struct provider *provider)
{
    struct container *self = (struct container *)provider;

    container_cancel(provider);
    uv_close((uv_handle_t *)&self->turn, on_closed);
}

struct provider *container_provider_new(const struct credentials_env *env)
{
    static const struct provider_ops ops = {
        .name = "container",
        .get = container_get,
        .cancel = container_cancel,
        .free = container_free,
    };
    struct container *self = mem_alloc(sizeof(*self));

    self->provider.ops = &ops;
    self->env = env;
    uv_timer_init(env->loop, &self->turn);
    self->turn.data = self;
    return &self->provider;
}
