#include <stdlib.h>

#include "aws/common/buf.h"
#include "aws/common/mem.h"
#include "aws/credentials/assume.h"

struct chain {
    struct provider provider;
    struct provider **providers;
    size_t count;
    size_t asked; /* the one that is being asked; count when none is */
    struct buf
        refusals; /* "environment: ...; container: ...": what each said that is not configured */
    uv_timer_t turn;
    provider_done *done;
    void *arg;
};

/* Long enough for every provider's sentence; the error message is cut to its own limit. */
#define REFUSALS_MAX 4096

static void ask(struct chain *self);

static void finish(struct chain *self, const struct credentials *credentials, const struct err *err)
{
    self->asked = self->count;
    self->done(self->arg, credentials, err);
}

/* The one that is configured and failed stands first: a long message is cut at its end. */
static void finish_failed(struct chain *self, const char *name, const struct err *cause)
{
    bool is_first = self->refusals.len == 0;
    struct err err;

    err_set(&err, cause->code, "%s: %s%s%s%s", name, cause->message,
            is_first ? "" : " (asked before: ", buf_text(&self->refusals), is_first ? "" : ")");
    finish(self, NULL, &err);
}

static void on_answer(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct chain *self = arg;
    const char *name = self->providers[self->asked]->ops->name;

    if (credentials) {
        finish(self, credentials, NULL);
        return;
    }
    if (err->code != ERR_ABSENT) {
        finish_failed(self, name, err);
        return;
    }
    buf_printf(&self->refusals, "%s%s: %s", self->asked > 0 ? "; " : "", name, err->message);
    self->asked++;
    ask(self);
}

static void ask(struct chain *self)
{
    if (self->asked < self->count) {
        provider_get(self->providers[self->asked], on_answer, self);
    } else {
        struct err err;

        err_set(&err, ERR_ABSENT, "%s", buf_text(&self->refusals));
        finish(self, NULL, &err);
    }
}

static void on_turn(uv_timer_t *turn)
{
    struct chain *self = turn->data;

    self->asked = 0;
    buf_clear(&self->refusals);
    ask(self);
}

static void chain_get(struct provider *provider, provider_done *done, void *arg)
{
    struct chain *self = (struct chain *)provider;

    self->done = done;
    self->arg = arg;
    uv_timer_start(&self->turn, on_turn, 0, 0);
}

static void chain_cancel(struct provider *provider)
{
    struct chain *self = (struct chain *)provider;

    uv_timer_stop(&self->turn);
    if (self->asked < self->count) {
        provider_cancel(self->providers[self->asked]);
        self->asked = self->count;
    }
}

static void on_closed(uv_handle_t *turn)
{
    struct chain *self = turn->data;

    buf_done(&self->refusals);
    free(self->providers);
    free(self);
}

static void chain_free(struct provider *provider)
{
    struct chain *self = (struct chain *)provider;

    for (size_t i = 0; i < self->count; i++) {
        provider_free(self->providers[i]);
    }
    uv_close((uv_handle_t *)&self->turn, on_closed);
}

struct provider *chain_provider_new(uv_loop_t *loop, struct provider *const *providers,
                                    size_t count)
{
    static const struct provider_ops ops = {
        .name = "chain",
        .get = chain_get,
        .cancel = chain_cancel,
        .free = chain_free,
    };
    struct chain *self = mem_alloc(sizeof(*self));

    self->provider.ops = &ops;
    self->providers = mem_alloc(count * sizeof(struct provider *));
    for (size_t i = 0; i < count; i++) {
        self->providers[i] = providers[i];
    }
    self->count = self->asked = count;
    buf_init(&self->refusals, REFUSALS_MAX);
    uv_timer_init(loop, &self->turn);
    self->turn.data = self;
    return &self->provider;
}

struct credentials_cache *credentials_default_new(const struct credentials_env *env,
                                                  const char *role_arn)
{
    const struct sts_role role = {.role_arn = role_arn};
    struct provider *const providers[] = {
        environment_provider_new(env),        role_provider_new(env),
        web_identity_provider_new(env, NULL), profile_provider_new(env, NULL),
        container_provider_new(env),          imds_provider_new(env),
    };
    size_t first = env->profile ? 1 : 0;
    struct provider *chain =
        chain_provider_new(env->loop, providers + first, MEM_COUNT(providers) - first);

    if (env->profile) {
        provider_free(providers[0]);
    }
    return credentials_cache_new(env->loop,
                                 role_arn ? assume_provider_new(env, &role, chain) : chain);
}
