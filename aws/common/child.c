#include "aws/common/child.h"

#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/common/mem.h"

static bool begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* A URL with a password in it, whatever the variable's name. */
static bool holds_login(const char *value)
{
    const char *slashes = strstr(value, "://");
    const char *at = slashes ? strchr(slashes + 3, '@') : NULL;

    return at && memchr(slashes + 3, ':', (size_t)(at - slashes - 3));
}

static bool is_withheld(const struct child *child, const char *name)
{
    for (size_t i = 0; i < child->withheld_count; i++) {
        if (strcmp(child->withheld[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_ours(const struct child *child, const char *name)
{
    static const char *const always[] = {"POOLWARDEN_", "DATABASE_URL", "PG", "NOTIFY_SOCKET"};
    static const char *const keys[] = {
        "AWS_ACCESS_KEY_ID",  "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",  "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_SECURITY_TOKEN",
    };

    for (size_t i = 0; i < MEM_COUNT(always); i++) {
        if (begins(name, always[i])) {
            return true;
        }
    }
    /* Not AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: the name alone is no secret. */
    for (size_t i = 0; i < MEM_COUNT(keys); i++) {
        if (strcmp(name, keys[i]) == 0) {
            return true;
        }
    }
    return (!child->speaks_to_aws && begins(name, "AWS_")) || is_withheld(child, name);
}

static bool is_passed_on(const struct child *child, const char *variable)
{
    const char *equals = strchr(variable, '=');
    char *name = mem_strndup(variable, strcspn(variable, "="));
    bool is_secret = strcasestr(name, "PASSWORD") || strcasestr(name, "SECRET") ||
                     (equals && holds_login(equals + 1));
    bool passed = !is_ours(child, name) && (!is_secret || strcasestr(name, "_proxy"));

    free(name);
    return passed;
}

/* The caller frees the array, whose items are the process' own. */
static char **environment_for(const struct child *child)
{
    size_t count = 0, kept = 0;

    while (environ[count]) {
        count++;
    }
    char **list = mem_alloc((count + 1) * sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        if (is_passed_on(child, environ[i])) {
            list[kept++] = environ[i];
        }
    }
    return list;
}

int child_spawn(uv_loop_t *loop, uv_process_t *process, const struct child *child)
{
    char **environment = environment_for(child);
    const uv_process_options_t options = {
        .exit_cb = child->on_exit,
        .file = child->argv[0],
        .args = child->argv,
        .env = environment,
        .flags = UV_PROCESS_DETACHED,
        .stdio = child->stdio,
        .stdio_count = child->stdio_count,
    };

    /* Not every library marks what it opens (libcurl's wake-up pair). */
    (void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    int status = uv_spawn(loop, process, &options);
    free(environment);
    return status;
}
