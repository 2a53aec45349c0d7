#include "aws/credentials/provider.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"
#include "aws/credentials/credentials.h"

/* AWS names 128 characters for a key's id; tokens of a few KB are seen. */
#define KEY_MAX   256
#define TOKEN_MAX 16384

void credentials_copy(struct credentials *to, const struct credentials *from)
{
    *to = *from;
    to->access_key = mem_strdup(from->access_key);
    to->secret_key = mem_strdup(from->secret_key);
    to->session_token = mem_strdup(from->session_token);
}

void credentials_done(struct credentials *credentials)
{
    mem_free_secret(credentials->access_key);
    mem_free_secret(credentials->secret_key);
    mem_free_secret(credentials->session_token);
    *credentials = (struct credentials){0};
}

static bool check_part(const char *what, const char *text, size_t max, struct err *err)
{
    if (strnlen(text, max + 1) > max) {
        return err_set(err, ERR_CONFIG, "the %s is longer than %zu characters", what, max);
    }
    for (const char *at = text; *at; at++) {
        if (*at <= ' ' || *at > '~') {
            return err_set(err, ERR_CONFIG,
                           "the %s has a character at position %zu that is in none"
                           " (a space, a newline)",
                           what, (size_t)(at - text) + 1);
        }
    }
    return true;
}

bool credentials_check(const struct credentials *credentials, struct err *err)
{
    if (!credentials->access_key || !*credentials->access_key) {
        return err_set(err, ERR_CONFIG, "the access key id is missing");
    }
    if (!credentials->secret_key || !*credentials->secret_key) {
        return err_set(err, ERR_CONFIG, "the secret access key is missing");
    }
    return check_part("access key id", credentials->access_key, KEY_MAX, err) &&
           check_part("secret access key", credentials->secret_key, KEY_MAX, err) &&
           (!credentials->session_token ||
            check_part("session token", credentials->session_token, TOKEN_MAX, err));
}

void provider_get(struct provider *provider, provider_done *done, void *arg)
{
    provider->ops->get(provider, done, arg);
}

void provider_cancel(struct provider *provider)
{
    provider->ops->cancel(provider);
}

void provider_free(struct provider *provider)
{
    if (provider) {
        provider->ops->free(provider);
    }
}

const char *credentials_getenv(const struct credentials_env *env, const char *name)
{
    const char *value = env->getenv ? env->getenv(env->getenv_arg, name) : getenv(name);

    return value && *value ? value : NULL;
}
