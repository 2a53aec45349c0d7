#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"
#include "aws/credentials/credentials.h"
#include "aws/credentials/document.h"
#include "aws/credentials/imds.h"

#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"
#define ROLE_MAX   64 /* IAM's limit */

/* Two gets: the role's name, then its credentials. */
struct imds_provider {
    struct provider provider;
    struct imds *imds;
    char role[ROLE_MAX + 1];
    provider_done *done;
    void *arg;
};

/* The first line, if it is a role's name as IAM allows it: it becomes part of a path. */
static bool take_role(const char *text, char role[ROLE_MAX + 1])
{
    size_t len = strcspn(text, "\r\n");

    if (len == 0 || len > ROLE_MAX ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-") <
            len) {
        return false;
    }
    memcpy(role, text, len);
    role[len] = '\0';
    return true;
}

static void finish_failed(struct imds_provider *self, enum err_code code, const char *message)
{
    struct err err;

    err_set(&err, code, "%s", message);
    self->done(self->arg, NULL, &err);
}

static void finish_without_role(struct imds_provider *self)
{
    finish_failed(self, ERR_ABSENT,
                  "the instance has no IAM role: attach an instance profile to it");
}

static void on_credentials(void *arg, const char *text, const struct err *err)
{
    struct imds_provider *self = arg;
    struct credentials credentials = {0};
    struct err failure;

    if (err && err->code == ERR_REJECTED) {
        finish_without_role(self); /* taken away in between */
    } else if (err) {
        self->done(self->arg, NULL, err);
    } else if (!document_read(text, strlen(text), &credentials, &failure)) {
        err_context(&failure, "role %s", self->role);
        self->done(self->arg, NULL, &failure);
    } else {
        /*
         * While EC2 can not renew a role's credentials it keeps handing out the old ones, and the
         * services keep taking them past their end ("static stability").
         */
        credentials.outlives_expiry = true;
        credentials.source = self->provider.ops->name;
        self->done(self->arg, &credentials, NULL);
        credentials_done(&credentials);
    }
}

static void on_roles(void *arg, const char *text, const struct err *err)
{
    struct imds_provider *self = arg;
    char path[sizeof(ROLES_PATH) + ROLE_MAX];

    if (err && err->code != ERR_REJECTED) {
        self->done(self->arg, NULL, err);
    } else if (err || !*text) {
        finish_without_role(self);
    } else if (!take_role(text, self->role)) {
        finish_failed(self, ERR_PARSE, "the list of roles does not begin with a role's name");
    } else {
        snprintf(path, sizeof(path), "%s%s", ROLES_PATH, self->role);
        imds_get(self->imds, path, on_credentials, self);
    }
}

static void imds_provider_get(struct provider *provider, provider_done *done, void *arg)
{
    struct imds_provider *self = (struct imds_provider *)provider;

    self->done = done;
    self->arg = arg;
    imds_get(self->imds, ROLES_PATH, on_roles, self);
}

static void imds_provider_cancel(struct provider *provider)
{
    imds_cancel(((struct imds_provider *)provider)->imds);
}

static void imds_provider_free(struct provider *provider)
{
    struct imds_provider *self = (struct imds_provider *)provider;

    imds_free(self->imds);
    free(self);
}

struct provider *imds_provider_new(const struct credentials_env *env)
{
    static const struct provider_ops ops = {
        .name = "IMDS",
        .get = imds_provider_get,
        .cancel = imds_provider_cancel,
        .free = imds_provider_free,
    };
    struct imds_provider *self = mem_alloc(sizeof(*self));

    self->provider.ops = &ops;
    self->imds = imds_new(env);
    return &self->provider;
}
