#include "tests/aws_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

static void must(bool held, const char *what)
{
    if (!held) {
        fprintf(stderr, "aws_world: %s\n", what);
        abort();
    }
}

const char *world_getenv(void *arg, const char *name)
{
    const struct world *w = arg;

    for (size_t i = 0; i < WORLD_VARIABLES_MAX && w->variables[i].name; i++) {
        if (strcmp(w->variables[i].name, name) == 0) {
            return w->variables[i].value;
        }
    }
    return NULL;
}

void world_set(struct world *w, const char *name, const char *value)
{
    size_t i = 0;

    while (i < WORLD_VARIABLES_MAX && w->variables[i].name &&
           strcmp(w->variables[i].name, name) != 0) {
        i++;
    }
    must(i < WORLD_VARIABLES_MAX, "too many variables");
    free(w->variables[i].value);
    w->variables[i].name = name;
    w->variables[i].value = mem_strdup(value);
}

void world_init(struct world *w)
{
    struct err err;

    memset(w, 0, sizeof(*w));
    aws_clock_init(&w->clock);
    uv_loop_init(&w->loop);
    w->server = http_server_new(&w->loop);
    must(http_client_new(&w->loop, &(struct http_options){0}, &w->http, &err), "no HTTP client");
    w->env = (struct credentials_env){.loop = &w->loop,
                                      .http = w->http,
                                      .getenv = world_getenv,
                                      .getenv_arg = w,
                                      .clock = &w->clock};
    world_set(w, "AWS_EC2_METADATA_SERVICE_ENDPOINT", http_server_url(w->server));
}

void world_done(struct world *w)
{
    http_client_free(w->http);
    http_server_free(w->server);
    loop_done(&w->loop);
    credentials_done(&w->credentials);
    for (size_t i = 0; i < WORLD_VARIABLES_MAX; i++) {
        free(w->variables[i].value);
    }
}

void world_on_answer(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct world *w = arg;

    must((credentials != NULL) != (err != NULL), "an answer is credentials or an error");
    credentials_done(&w->credentials);
    w->err = (struct err){.code = ERR_NONE};
    if (credentials) {
        credentials_copy(&w->credentials, credentials);
    } else {
        w->err = *err;
    }
    w->answered = true;
    w->answers++;
}

void world_wait(struct world *w)
{
    w->answered = false;
    must(loop_until(&w->loop, &w->answered, 5000), "no answer in five seconds");
}
