/*
 * What tests of aws/ have in common: a loop, an environment set by hand, an HTTP client, a scripted
 * server, and a recorder of what a provider answered.
 *
 *     struct world w;
 *     world_init(&w);                                   the instance metadata service is the
 * server: no test leaves the host world_set(&w, "AWS_ACCESS_KEY_ID", "AKID");
 *     provider_get(provider, world_on_answer, &w);
 *     world_wait(&w);
 *     assert_string_equal(w.credentials.access_key, "AKID");
 *     provider_free(provider);
 *     world_done(&w);                                   fails the test when a handle was left open
 */
#pragma once

#include "aws/credentials/credentials.h"
#include "tests/http_server.h"

#define WORLD_VARIABLES_MAX 16

struct world {
    uv_loop_t loop;
    struct http_server *server;
    struct http_client *http;
    struct credentials_env env; /* what providers take */
    struct aws_clock clock;
    struct {
        const char *name;
        char *value;
    } variables[WORLD_VARIABLES_MAX];

    /* The last answer. */
    bool answered;
    int answers; /* how many came */
    struct credentials credentials;
    struct err err; /* ERR_NONE with credentials */
};

void world_init(struct world *w);
void world_done(struct world *w);

void world_set(struct world *w, const char *name,
               const char *value);                     /* name: static; NULL unsets */
const char *world_getenv(void *arg, const char *name); /* arg: the world, here and below */

void world_on_answer(void *arg, const struct credentials *credentials, const struct err *err);
void world_wait(struct world *w); /* for the next answer; five seconds at most */
