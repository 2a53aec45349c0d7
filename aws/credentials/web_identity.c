#include <stdlib.h>

#include "aws/common/file.h"
#include "aws/common/mem.h"
#include "aws/credentials/assume.h"
#include "aws/credentials/role.h"

#define TOKEN_MIN 4
#define TOKEN_MAX 20000 /* STS's limit */

struct web_identity {
    struct provider provider;
    const struct credentials_env *env;
    char
        *name; /* a profile's, whose keys alone count; NULL: the environment, then the chosen one */
    uv_timer_t turn;
    struct aws_client *client; /* while a call is under way */
    provider_done *done;
    void *arg;
};

/* --- What to ask with ----------------------------------------------------------------------- */

/* As botocore: each of the three from the environment, or else from the profile. */
static const char *setting(const struct web_identity *self, const struct profiles *profiles,
                           const char *variable, const char *key)
{
    const char *name = self->name ? self->name : profiles_selected(profiles);
    bool with_environment = !self->name && !self->env->profile;
    const char *value = with_environment ? credentials_getenv(self->env, variable) : NULL;

    return value ? value : profiles_get(profiles, name, key);
}

static bool find_role(const struct web_identity *self, const struct profiles *profiles,
                      const char **token_file, struct sts_role *role, struct err *err)
{
    const char *name = self->name ? self->name : profiles_selected(profiles);
    struct sts_role of_profile;

    *token_file = setting(self, profiles, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    if (!*token_file && (self->name || self->env->profile)) {
        return err_set(err, ERR_ABSENT, "profile %.100s has no web_identity_token_file", name);
    }
    if (!*token_file) {
        return err_set(err, ERR_ABSENT, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    }
    *role = (struct sts_role){
        .role_arn = setting(self, profiles, "AWS_ROLE_ARN", "role_arn"),
        .session_name = setting(self, profiles, "AWS_ROLE_SESSION_NAME", "role_session_name"),
    };
    if (!role->role_arn) {
        return err_set(err, ERR_CONFIG,
                       "there is a token file, but AWS_ROLE_ARN (role_arn) is "
                       "missing");
    }
    if (profiles_get(profiles, name, "duration_seconds") &&
        profiles_get(profiles, name, "role_arn")) {
        if (!role_read(profiles, name, &of_profile, err)) {
            return false;
        }
        role->duration_s = of_profile.duration_s;
    }
    return sts_role_check(role, err);
}

/* Read at each get: it rotates. */
static bool read_token(const struct credentials_env *env, const char *file, struct buf *token,
                       struct err *err)
{
    char *path = profiles_expand(env, file);
    bool read = file_read(path, token, err);

    if (read) {
        file_trim_newline(token);
        read = token->len >= TOKEN_MIN || err_set(err, ERR_CONFIG, "%s: holds no token", path);
    }
    free(path);
    return read || err_context(err, "the web identity's token");
}

/* --- Asking --------------------------------------------------------------------------------- */

static void drop_client(struct web_identity *self)
{
    aws_client_free(self->client);
    self->client = NULL;
}

static void on_answer(void *arg, const struct aws_answer *answer, const struct err *err,
                      const struct aws_failure *failure)
{
    struct web_identity *self = arg;
    struct credentials credentials = {0};
    struct err unreadable;

    (void)failure;
    drop_client(self);
    if (!err && !sts_read(answer, &credentials, &unreadable)) {
        err = &unreadable;
    }
    if (err) {
        self->done(self->arg, NULL, err);
        return;
    }
    credentials.source = self->provider.ops->name;
    self->done(self->arg, &credentials, NULL);
    credentials_done(&credentials);
}

static bool ask(struct web_identity *self, const struct profiles *profiles, struct err *err)
{
    const char *token_file;
    struct sts_role role;
    struct buf token;

    if (!find_role(self, profiles, &token_file, &role, err)) {
        return false;
    }
    buf_init_secret(&token, TOKEN_MAX);
    bool ok = read_token(self->env, token_file, &token, err) &&
              assume_client_new(self->env, NULL, &self->client, err);
    if (ok) {
        sts_assume_role_with_web_identity(self->client, &role, buf_text(&token), on_answer, self);
    }
    buf_done(&token);
    return ok;
}

static void on_turn(uv_timer_t *turn)
{
    struct web_identity *self = turn->data;
    struct profiles *profiles = NULL;
    struct err err;

    bool asked = profiles_load(self->env, &profiles, &err) && ask(self, profiles, &err);
    profiles_free(profiles);
    if (!asked) {
        self->done(self->arg, NULL, &err);
    }
}

/* --- The provider --------------------------------------------------------------------------- */

static void web_identity_get(struct provider *provider, provider_done *done, void *arg)
{
    struct web_identity *self = (struct web_identity *)provider;

    self->done = done;
    self->arg = arg;
    uv_timer_start(&self->turn, on_turn, 0, 0);
}

static void web_identity_cancel(struct provider *provider)
{
    struct web_identity *self = (struct web_identity *)provider;

    uv_timer_stop(&self->turn);
    drop_client(self);
}

static void on_closed(uv_handle_t *turn)
{
    struct web_identity *self = turn->data;

    free(self->name);
    free(self);
}

static void web_identity_free(struct provider *provider)
{
    struct web_identity *self = (struct web_identity *)provider;

    web_identity_cancel(provider);
    uv_close((uv_handle_t *)&self->turn, on_closed);
}

struct provider *web_identity_provider_new(const struct credentials_env *env, const char *name)
{
    static const struct provider_ops ops = {
        .name = "web identity",
        .get = web_identity_get,
        .cancel = web_identity_cancel,
        .free = web_identity_free,
    };
    struct web_identity *self = mem_alloc(sizeof(*self));

    self->provider.ops = &ops;
    self->env = env;
    self->name = mem_strdup(name);
    uv_timer_init(env->loop, &self->turn);
    self->turn.data = self;
    return &self->provider;
}
