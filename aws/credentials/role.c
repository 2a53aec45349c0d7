#include "aws/credentials/role.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"
#include "aws/credentials/assume.h"

#define CHAIN_MAX 8 /* roles that lead to one another */

struct role {
    struct provider provider;
    const struct credentials_env *env;
    uv_timer_t turn;
    struct provider *stack; /* the role that is asked for, on what it is assumed with */
    provider_done *done;
    void *arg;
};

bool role_read(const struct profiles *profiles, const char *name, struct sts_role *out,
               struct err *err)
{
    const char *duration = profiles_get(profiles, name, "duration_seconds");

    *out = (struct sts_role){
        .role_arn = profiles_get(profiles, name, "role_arn"),
        .session_name = profiles_get(profiles, name, "role_session_name"),
        .external_id = profiles_get(profiles, name, "external_id"),
    };
    if (duration) {
        char *end;
        long seconds = strtol(duration, &end, 10);

        out->duration_s = *end == '\0' && seconds > 0 && seconds < 1000000 ? (int)seconds : -1;
    }
    return sts_role_check(out, err) || err_context(err, "profile %.100s", name);
}

/* --- What a role is assumed with ------------------------------------------------------------ */

struct builder {
    const struct credentials_env *env;
    const struct profiles *profiles;
    const char *visited[CHAIN_MAX];
    size_t depth;
};

/* NULL and err, or the caller's. */
static struct provider *build_role(struct builder *builder, const char *name, struct err *err);

static struct provider *source_named(const struct builder *builder, const char *name,
                                     const char *source, struct err *err)
{
    static const struct {
        const char *name;
        struct provider *(*new)(const struct credentials_env *env);
    } sources[] = {
        {"Environment", environment_provider_new},
        {"Ec2InstanceMetadata", imds_provider_new},
        {"EcsContainer", container_provider_new},
    };

    for (size_t i = 0; i < MEM_COUNT(sources); i++) {
        if (strcmp(sources[i].name, source) == 0) {
            return sources[i].new(builder->env);
        }
    }
    err_set(
        err, ERR_CONFIG,
        "profile %.100s: credential_source: Environment, Ec2InstanceMetadata or EcsContainer is "
        "accepted",
        name);
    return NULL;
}

static bool was_visited(const struct builder *builder, const char *name)
{
    for (size_t i = 0; i < builder->depth; i++) {
        if (strcmp(builder->visited[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* A profile's own credentials, whatever the environment says. */
static struct provider *own_credentials(const struct credentials_env *env, const char *name)
{
    struct provider *const providers[] = {
        web_identity_provider_new(env, name),
        profile_provider_new(env, name),
    };

    return chain_provider_new(env->loop, providers, MEM_COUNT(providers));
}

static struct provider *source_profile(struct builder *builder, const char *name,
                                       const char *source, struct err *err)
{
    const struct profiles *profiles = builder->profiles;

    if (!profiles_has(profiles, source)) {
        err_set(err, ERR_CONFIG, "profile %.100s: its source_profile %.100s is not in %s", name,
                source, profiles_place(profiles));
        return NULL;
    }
    /* A profile may name itself when it has keys: then they are what the role is assumed with. */
    if (profiles_get(profiles, source, "aws_access_key_id") ||
        !profiles_get(profiles, source, "role_arn") ||
        profiles_get(profiles, source, "web_identity_token_file")) {
        return own_credentials(builder->env, source);
    }
    if (was_visited(builder, source)) {
        err_set(err, ERR_CONFIG,
                "profile %.100s: source_profile leads back to %.100s, which is assumed with it: "
                "one profile of the chain must have credentials",
                name, source);
        return NULL;
    }
    return build_role(builder, source, err);
}

static struct provider *build_source(struct builder *builder, const char *name, struct err *err)
{
    const char *from_profile = profiles_get(builder->profiles, name, "source_profile");
    const char *from_place = profiles_get(builder->profiles, name, "credential_source");

    if (profiles_get(builder->profiles, name, "mfa_serial")) {
        err_set(err, ERR_CONFIG,
                "profile %.100s: mfa_serial needs a person with a token: use a role that a machine "
                "can assume",
                name);
    } else if (!from_profile == !from_place) {
        err_set(err, ERR_CONFIG,
                "profile %.100s: role_arn needs %s of source_profile and credential_source", name,
                from_profile ? "only one" : "one");
    } else if (from_place) {
        return source_named(builder, name, from_place, err);
    } else {
        return source_profile(builder, name, from_profile, err);
    }
    return NULL;
}

static struct provider *build_role(struct builder *builder, const char *name, struct err *err)
{
    struct sts_role role;

    if (builder->depth == CHAIN_MAX) {
        err_set(err, ERR_CONFIG, "profile %.100s: more than %d roles lead to one another", name,
                CHAIN_MAX);
        return NULL;
    }
    builder->visited[builder->depth++] = name;
    if (!role_read(builder->profiles, name, &role, err)) {
        return NULL;
    }
    struct provider *source = build_source(builder, name, err);
    return source ? assume_provider_new(builder->env, &role, source) : NULL;
}

static struct provider *build(const struct credentials_env *env, const struct profiles *profiles,
                              struct err *err)
{
    struct builder builder = {.env = env, .profiles = profiles};
    const char *name = profiles_selected(profiles);

    if (!profiles_has(profiles, name)) {
        err_set(err, ERR_ABSENT, "there is no profile %.100s in %s", name,
                profiles_place(profiles));
        return NULL;
    }
    /* With a token file it is the web identity provider's. */
    if (!profiles_get(profiles, name, "role_arn") ||
        profiles_get(profiles, name, "web_identity_token_file")) {
        err_set(err, ERR_ABSENT, "profile %.100s has no role_arn", name);
        return NULL;
    }
    return build_role(&builder, name, err);
}

/* --- The provider --------------------------------------------------------------------------- */

static void on_answer(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct role *self = arg;
    struct provider *stack = self->stack;

    self->stack = NULL;
    self->done(self->arg, credentials, err);
    provider_free(stack);
}

/* Built anew for each get: the files may have changed. */
static void on_turn(uv_timer_t *turn)
{
    struct role *self = turn->data;
    struct profiles *profiles;
    struct err err;

    if (profiles_load(self->env, &profiles, &err)) {
        self->stack = build(self->env, profiles, &err);
        profiles_free(profiles);
    }
    if (self->stack) {
        provider_get(self->stack, on_answer, self);
    } else {
        self->done(self->arg, NULL, &err);
    }
}

static void role_get(struct provider *provider, provider_done *done, void *arg)
{
    struct role *self = (struct role *)provider;

    self->done = done;
    self->arg = arg;
    uv_timer_start(&self->turn, on_turn, 0, 0);
}

static void role_cancel(struct provider *provider)
{
    struct role *self = (struct role *)provider;

    uv_timer_stop(&self->turn);
    provider_free(self->stack);
    self->stack = NULL;
}

static void on_closed(uv_handle_t *turn)
{
    free(turn->data);
}

static void role_free(struct provider *provider)
{
    struct role *self = (struct role *)provider;

    role_cancel(provider);
    uv_close((uv_handle_t *)&self->turn, on_closed);
}

struct provider *role_provider_new(const struct credentials_env *env)
{
    static const struct provider_ops ops = {
        .name = "role of the profile",
        .get = role_get,
        .cancel = role_cancel,
        .free = role_free,
    };
    struct role *self = mem_alloc(sizeof(*self));

    self->provider.ops = &ops;
    self->env = env;
    uv_timer_init(env->loop, &self->turn);
    self->turn.data = self;
    return &self->provider;
}
