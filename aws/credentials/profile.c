#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"
#include "aws/credentials/credentials.h"
#include "aws/profiles.h"

struct profile {
    struct provider provider;
    const struct credentials_env *env;
    char *name; /* NULL: the chosen one */
    uv_timer_t turn;
    struct provider *process; /* while a credential_process is under way */
    provider_done *done;
    void *arg;
};

/* ERR_ABSENT: that file has no keys for the profile. */
static bool take_keys(const struct profiles *profiles, enum profiles_file file, const char *name,
                      struct credentials *out, struct err *err)
{
    const char *access_key = profiles_get_from(profiles, file, name, "aws_access_key_id");
    const char *secret_key = profiles_get_from(profiles, file, name, "aws_secret_access_key");
    const char *token = profiles_get_from(profiles, file, name, "aws_session_token");

    if (!access_key) {
        return err_set(err, ERR_ABSENT, "no keys");
    }
    if (!secret_key) {
        return err_set(err, ERR_CONFIG,
                       "profile %.100s has aws_access_key_id, but no aws_secret_access_key", name);
    }
    if (!token) { /* as botocore: the token's name before 2013 */
        token = profiles_get_from(profiles, file, name, "aws_security_token");
    }
    *out = (struct credentials){.access_key = mem_strdup(access_key),
                                .secret_key = mem_strdup(secret_key),
                                .session_token = mem_strdup(token)};
    return credentials_check(out, err) || err_context(err, "profile %.100s", name);
}

static void explain_nothing(const struct profiles *profiles, const char *name, struct err *err)
{
    static const char *const personal[] = {"sso_session", "sso_start_url", "login_session"};

    for (size_t i = 0; i < MEM_COUNT(personal); i++) {
        if (profiles_get(profiles, name, personal[i])) {
            err_set(err, ERR_CONFIG,
                    "profile %.100s logs in by %s, which needs a person at a browser: use "
                    "credential_process = aws configure export-credentials --profile %.100s "
                    "--format process, or a role of the host or task",
                    name, personal[i], name);
            return;
        }
    }
    err_set(err, ERR_ABSENT, "profile %.100s has no keys and no credential_process", name);
}

static void on_process(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct profile *self = arg;
    struct provider *process = self->process;
    struct err failure;

    self->process = NULL;
    if (err) {
        failure = *err;
        err_context(&failure, "credential_process");
    }
    self->done(self->arg, credentials, err ? &failure : NULL);
    provider_free(process);
}

/* In botocore's order: keys in credentials, a process, keys in config. */
static void find(struct profile *self, const struct profiles *profiles)
{
    const char *name = self->name ? self->name : profiles_selected(profiles);
    const char *command = profiles_get(profiles, name, "credential_process");
    struct credentials found = {0};
    struct err err;

    bool ok = take_keys(profiles, PROFILES_CREDENTIALS, name, &found, &err);
    if (!ok && err.code == ERR_ABSENT && command) {
        self->process = process_provider_new(self->env, command);
        provider_get(self->process, on_process, self);
        return;
    }
    if (!ok && err.code == ERR_ABSENT) {
        ok = take_keys(profiles, PROFILES_CONFIG, name, &found, &err);
    }
    if (!ok && err.code == ERR_ABSENT) {
        explain_nothing(profiles, name, &err);
    }
    found.source = self->provider.ops->name;
    self->done(self->arg, ok ? &found : NULL, ok ? NULL : &err);
    credentials_done(&found);
}

static void on_turn(uv_timer_t *turn)
{
    struct profile *self = turn->data;
    struct profiles *profiles;
    struct err err;

    if (!profiles_load(self->env, &profiles, &err)) {
        self->done(self->arg, NULL, &err);
        return;
    }
    find(self, profiles);
    profiles_free(profiles);
}

static void profile_get(struct provider *provider, provider_done *done, void *arg)
{
    struct profile *self = (struct profile *)provider;

    self->done = done;
    self->arg = arg;
    uv_timer_start(&self->turn, on_turn, 0, 0);
}

static void profile_cancel(struct provider *provider)
{
    struct profile *self = (struct profile *)provider;

    uv_timer_stop(&self->turn);
    provider_free(self->process);
    self->process = NULL;
}

static void on_closed(uv_handle_t *turn)
{
    struct profile *self = turn->data;

    free(self->name);
    free(self);
}

static void profile_free(struct provider *provider)
{
    struct profile *self = (struct profile *)provider;

    profile_cancel(provider);
    uv_close((uv_handle_t *)&self->turn, on_closed);
}

struct provider *profile_provider_new(const struct credentials_env *env, const char *name)
{
    static const struct provider_ops ops = {
        .name = "profile",
        .get = profile_get,
        .cancel = profile_cancel,
        .free = profile_free,
    };
    struct profile *self = mem_alloc(sizeof(*self));

    self->provider.ops = &ops;
    self->env = env;
    self->name = mem_strdup(name);
    uv_timer_init(env->loop, &self->turn);
    self->turn.data = self;
    return &self->provider;
}
