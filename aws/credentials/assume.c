#include "aws/credentials/assume.h"

#include <stdlib.h>

#include "aws/common/mem.h"

struct assume {
    struct provider provider;
    const struct credentials_env *env;
    char *role_arn, *session_name, *external_id;
    int duration_s;
    struct credentials_cache *source;
    struct aws_client *client; /* NULL before the first get */
    struct aws_call *call;
    uv_timer_t turn;
    provider_done *done;
    void *arg;
};

bool assume_client_new(const struct credentials_env *env, struct credentials_cache *source,
                       struct aws_client **out, struct err *err)
{
    const struct aws_client_options options = {.loop = env->loop,
                                               .http = env->http,
                                               .credentials = source,
                                               .service = &aws_service_sts,
                                               .region = env->region,
                                               .env = env};

    if (!env->region) {
        return err_set(err, ERR_NET, "the region in which STS is to be asked is not known yet");
    }
    return aws_client_new(&options, out, err);
}

static void fail(struct assume *self, const struct err *err)
{
    struct err failure = *err;

    err_context(&failure, "%s", self->role_arn);
    self->done(self->arg, NULL, &failure);
}

static void on_answer(void *arg, const struct aws_answer *answer, const struct err *err,
                      const struct aws_failure *failure)
{
    struct assume *self = arg;
    struct credentials credentials = {0};
    struct err unreadable;

    (void)failure;
    self->call = NULL;
    if (err) {
        fail(self, err);
    } else if (!sts_read(answer, &credentials, &unreadable)) {
        fail(self, &unreadable);
    } else {
        credentials.source = self->provider.ops->name;
        self->done(self->arg, &credentials, NULL);
        credentials_done(&credentials);
    }
}

static void on_turn(uv_timer_t *turn)
{
    struct assume *self = turn->data;
    const struct sts_role role = {.role_arn = self->role_arn,
                                  .session_name = self->session_name,
                                  .external_id = self->external_id,
                                  .duration_s = self->duration_s};
    struct err err;

    if (!sts_role_check(&role, &err) ||
        (!self->client && !assume_client_new(self->env, self->source, &self->client, &err))) {
        fail(self, &err);
        return;
    }
    self->call = sts_assume_role(self->client, &role, on_answer, self);
}

static void assume_get(struct provider *provider, provider_done *done, void *arg)
{
    struct assume *self = (struct assume *)provider;

    self->done = done;
    self->arg = arg;
    uv_timer_start(&self->turn, on_turn, 0, 0);
}

static void assume_cancel(struct provider *provider)
{
    struct assume *self = (struct assume *)provider;

    uv_timer_stop(&self->turn);
    aws_cancel(self->call);
    self->call = NULL;
}

static void on_closed(uv_handle_t *turn)
{
    struct assume *self = turn->data;

    free(self->role_arn);
    free(self->session_name);
    mem_free_secret(self->external_id);
    free(self);
}

static void assume_free(struct provider *provider)
{
    struct assume *self = (struct assume *)provider;

    assume_cancel(provider);
    aws_client_free(self->client);
    credentials_cache_free(self->source);
    uv_close((uv_handle_t *)&self->turn, on_closed);
}

struct provider *assume_provider_new(const struct credentials_env *env, const struct sts_role *role,
                                     struct provider *source)
{
    static const struct provider_ops ops = {
        .name = "role",
        .get = assume_get,
        .cancel = assume_cancel,
        .free = assume_free,
    };
    struct assume *self = mem_alloc(sizeof(*self));

    self->provider.ops = &ops;
    self->env = env;
    self->role_arn = mem_strdup(role->role_arn);
    self->session_name = mem_strdup(role->session_name);
    self->external_id = mem_strdup(role->external_id);
    self->duration_s = role->duration_s;
    self->source = credentials_cache_new(env->loop, source);
    uv_timer_init(env->loop, &self->turn);
    self->turn.data = self;
    return &self->provider;
}
