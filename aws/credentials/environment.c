#include <stdlib.h>

#include "aws/common/mem.h"
#include "aws/credentials/credentials.h"
#include "aws/time.h"

struct environment {
    struct provider provider;
    const struct credentials_env *env;
    uv_timer_t turn; /* the answer is at hand at once, but given on the loop's next turn */
    provider_done *done;
    void *arg;
};

/* A variable by name that must be set once the access key is. */
static bool check_complete(const struct credentials_env *env, struct err *err)
{
    bool has_secret = credentials_getenv(env, "AWS_SECRET_ACCESS_KEY");

    if (!credentials_getenv(env, "AWS_ACCESS_KEY_ID")) {
        return err_set(err, ERR_ABSENT, "AWS_ACCESS_KEY_ID is not set%s",
                       has_secret ? " (AWS_SECRET_ACCESS_KEY is)" : "");
    }
    if (!has_secret) {
        return err_set(err, ERR_CONFIG, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
    }
    return true;
}

static bool read_expiry(const struct credentials_env *env, int64_t *expires_ms, struct err *err)
{
    const char *text = credentials_getenv(env, "AWS_CREDENTIAL_EXPIRATION");

    *expires_ms = 0;
    if (text && !time_parse_iso8601(text, expires_ms)) {
        return err_set(err, ERR_CONFIG,
                       "AWS_CREDENTIAL_EXPIRATION is not a time like 2026-08-15T13:36:00Z");
    }
    return true;
}

static bool read_environment(const struct credentials_env *env, struct credentials *out,
                             struct err *err)
{
    int64_t expires_ms;

    if (!check_complete(env, err) || !read_expiry(env, &expires_ms, err)) {
        return false;
    }
    const char *token = credentials_getenv(env, "AWS_SESSION_TOKEN");
    if (!token) {
        token = credentials_getenv(env, "AWS_SECURITY_TOKEN"); /* its name before 2013 */
    }
    *out = (struct credentials){
        .access_key = mem_strdup(credentials_getenv(env, "AWS_ACCESS_KEY_ID")),
        .secret_key = mem_strdup(credentials_getenv(env, "AWS_SECRET_ACCESS_KEY")),
        .session_token = mem_strdup(token),
        .expires_ms = expires_ms,
        .source = "environment",
    };
    return credentials_check(out, err);
}

static void on_turn(uv_timer_t *turn)
{
    struct environment *self = turn->data;
    struct credentials credentials = {0};
    struct err err;
    bool read = read_environment(self->env, &credentials, &err);

    self->done(self->arg, read ? &credentials : NULL, read ? NULL : &err);
    credentials_done(&credentials);
}

static void environment_get(struct provider *provider, provider_done *done, void *arg)
{
    struct environment *self = (struct environment *)provider;

    self->done = done;
    self->arg = arg;
    uv_timer_start(&self->turn, on_turn, 0, 0);
}

static void environment_cancel(struct provider *provider)
{
    struct environment *self = (struct environment *)provider;

    uv_timer_stop(&self->turn);
}

static void on_closed(uv_handle_t *turn)
{
    free(turn->data);
}

static void environment_free(struct provider *provider)
{
    struct environment *self = (struct environment *)provider;

    uv_close((uv_handle_t *)&self->turn, on_closed);
}

struct provider *environment_provider_new(const struct credentials_env *env)
{
    static const struct provider_ops ops = {
        .name = "environment",
        .get = environment_get,
        .cancel = environment_cancel,
        .free = environment_free,
    };
    struct environment *self = mem_alloc(sizeof(*self));

    self->provider.ops = &ops;
    self->env = env;
    uv_timer_init(env->loop, &self->turn);
    self->turn.data = self;
    return &self->provider;
}
