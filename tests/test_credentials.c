/* The environment, the chain and the cache. What talks HTTP has tests of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/common/mem.h"
#include "tests/aws_world.h"

#define MINUTE_MS INT64_C(60000)
#define NOW_MS    INT64_C(1786797360000) /* 2026-08-15T12:36:00Z */

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));

    world_init(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world_done(*state);
    free(*state);
    return 0;
}

static void assert_contains(const char *text, const char *part, const char *name)
{
    if (!strstr(text, part)) {
        fail_msg("%s: \"%s\" is not in \"%s\"", name, part, text);
    }
}

/* --- Environment --- */

static const struct environment_case {
    const char *name;
    const char *access_key, *secret_key, *token, *old_token, *expiration;
    enum err_code code;
    const char *message;     /* part of it */
    const char *given_token; /* NULL: none */
    int64_t expires_ms;
} environment_cases[] = {
    {.name = "long-lived keys", .access_key = "AKID", .secret_key = "secret"},
    {.name = "temporary keys",
     .access_key = "AKID",
     .secret_key = "secret",
     .token = "token",
     .expiration = "2026-08-15T13:36:00Z",
     .given_token = "token",
     .expires_ms = NOW_MS + 60 * MINUTE_MS},
    {.name = "the token's old name",
     .access_key = "AKID",
     .secret_key = "secret",
     .old_token = "old",
     .given_token = "old"},
    {.name = "the token's new name wins",
     .access_key = "AKID",
     .secret_key = "secret",
     .token = "new",
     .old_token = "old",
     .given_token = "new"},
    {.name = "nothing", .code = ERR_ABSENT, .message = "AWS_ACCESS_KEY_ID is not set"},
    {.name = "an empty key is none",
     .access_key = "",
     .secret_key = "secret",
     .code = ERR_ABSENT,
     .message = "AWS_ACCESS_KEY_ID is not set (AWS_SECRET_ACCESS_KEY is)"},
    {.name = "no secret",
     .access_key = "AKID",
     .code = ERR_CONFIG,
     .message = "AWS_SECRET_ACCESS_KEY is not"},
    {.name = "an empty secret is none",
     .access_key = "AKID",
     .secret_key = "",
     .code = ERR_CONFIG,
     .message = "AWS_SECRET_ACCESS_KEY is not"},
    {.name = "not a time",
     .access_key = "AKID",
     .secret_key = "secret",
     .expiration = "tomorrow",
     .code = ERR_CONFIG,
     .message = "AWS_CREDENTIAL_EXPIRATION"},
    {.name = "a newline behind the secret",
     .access_key = "AKID",
     .secret_key = "secret\n",
     .code = ERR_CONFIG,
     .message = "secret access key has a character at position 7"},
    {.name = "a header in the token",
     .access_key = "AKID",
     .secret_key = "secret",
     .token = "token\r\nX-Evil: 1",
     .code = ERR_CONFIG,
     .message = "session token has a character at position 6"},
};

static void environment_variables(void **state)
{
    struct world *w = *state;
    struct provider *provider = environment_provider_new(&w->env);

    for (size_t i = 0; i < MEM_COUNT(environment_cases); i++) {
        const struct environment_case *c = &environment_cases[i];

        world_set(w, "AWS_ACCESS_KEY_ID", c->access_key);
        world_set(w, "AWS_SECRET_ACCESS_KEY", c->secret_key);
        world_set(w, "AWS_SESSION_TOKEN", c->token);
        world_set(w, "AWS_SECURITY_TOKEN", c->old_token);
        world_set(w, "AWS_CREDENTIAL_EXPIRATION", c->expiration);
        provider_get(provider, world_on_answer, w);
        world_wait(w);
        if (w->err.code != c->code) {
            fail_msg("%s: code %s: %s", c->name, err_name(w->err.code), w->err.message);
        }
        if (c->code != ERR_NONE) {
            assert_contains(w->err.message, c->message, c->name);
            continue;
        }
        assert_string_equal(w->credentials.access_key, c->access_key);
        assert_string_equal(w->credentials.secret_key, c->secret_key);
        assert_string_equal(w->credentials.source, "environment");
        assert_true(w->credentials.expires_ms == c->expires_ms);
        assert_string_equal(w->credentials.session_token ? w->credentials.session_token : "none",
                            c->given_token ? c->given_token : "none");
    }
    provider_free(provider);
}

static void an_answer_at_hand_comes_later_all_the_same(void **state)
{
    struct world *w = *state;
    struct provider *provider = environment_provider_new(&w->env);

    provider_get(provider, world_on_answer, w);
    assert_int_equal(w->answers, 0);
    provider_cancel(provider);
    loop_for(&w->loop, 10);
    assert_int_equal(w->answers, 0);
    provider_get(provider, world_on_answer, w);
    provider_free(provider); /* cancels */
    loop_for(&w->loop, 10);
    assert_int_equal(w->answers, 0);
}

/* --- A provider that answers as the test says --- */

struct scripted {
    struct provider provider;
    uv_timer_t timer;
    const char *access_key; /* NULL: the error */
    int64_t expires_ms;
    bool outlives_expiry;
    enum err_code code;
    unsigned delay_ms;
    int gets;
    int *frees;
    provider_done *done;
    void *arg;
};

static void on_scripted(uv_timer_t *timer)
{
    struct scripted *self = timer->data;
    char secret_key[] = "secret";
    struct credentials credentials = {.access_key = mem_strdup(self->access_key),
                                      .secret_key = secret_key,
                                      .expires_ms = self->expires_ms,
                                      .outlives_expiry = self->outlives_expiry,
                                      .source = self->provider.ops->name};
    struct err err;

    err_set(&err, self->code, "reason %d", self->gets);
    self->done(self->arg, self->access_key ? &credentials : NULL, self->access_key ? NULL : &err);
    free(credentials.access_key);
}

static void scripted_get(struct provider *provider, provider_done *done, void *arg)
{
    struct scripted *self = (struct scripted *)provider;

    assert_false(uv_is_active((uv_handle_t *)&self->timer)); /* one get at a time */
    self->gets++;
    self->done = done;
    self->arg = arg;
    uv_timer_start(&self->timer, on_scripted, self->delay_ms, 0);
}

static void scripted_cancel(struct provider *provider)
{
    uv_timer_stop(&((struct scripted *)provider)->timer);
}

static void on_scripted_closed(uv_handle_t *timer)
{
    struct scripted *self = timer->data;

    if (self->frees) {
        ++*self->frees;
    }
    free(self);
}

static void scripted_free(struct provider *provider)
{
    uv_close((uv_handle_t *)&((struct scripted *)provider)->timer, on_scripted_closed);
}

static struct scripted *scripted_new(struct world *w, const struct provider_ops *ops)
{
    struct scripted *self = mem_alloc(sizeof(*self));

    self->provider.ops = ops;
    self->code = ERR_ABSENT;
    uv_timer_init(&w->loop, &self->timer);
    self->timer.data = self;
    return self;
}

static const struct provider_ops first_ops = {"first", scripted_get, scripted_cancel,
                                              scripted_free};
static const struct provider_ops second_ops = {"second", scripted_get, scripted_cancel,
                                               scripted_free};

/* --- Chain --- */

struct chain_world {
    struct world *w;
    struct scripted *first, *second;
    struct provider *chain;
};

static struct chain_world make_chain(struct world *w)
{
    struct chain_world c = {
        .w = w, .first = scripted_new(w, &first_ops), .second = scripted_new(w, &second_ops)};
    struct provider *const providers[] = {&c.first->provider, &c.second->provider};

    c.chain = chain_provider_new(&w->loop, providers, MEM_COUNT(providers));
    return c;
}

static void ask_chain(struct chain_world *c)
{
    int before = c->w->answers;

    provider_get(c->chain, world_on_answer, c->w);
    assert_int_equal(c->w->answers, before);
    world_wait(c->w);
    assert_int_equal(c->w->answers, before + 1);
}

static void the_first_that_is_configured_answers(void **state)
{
    struct chain_world c = make_chain(*state);

    c.first->access_key = "FIRST";
    c.second->access_key = "SECOND";
    ask_chain(&c);
    assert_string_equal(c.w->credentials.access_key, "FIRST");
    assert_int_equal(c.second->gets, 0);

    c.first->access_key = NULL;
    ask_chain(&c);
    assert_string_equal(c.w->credentials.access_key, "SECOND");
    assert_string_equal(c.w->credentials.source, "second");
    provider_free(c.chain);
}

static void one_that_is_configured_and_fails_ends_the_search(void **state)
{
    struct chain_world c = make_chain(*state);

    c.first->code = ERR_CONFIG;
    c.second->access_key = "SECOND";
    ask_chain(&c);
    assert_int_equal(c.w->err.code, ERR_CONFIG);
    assert_string_equal(c.w->err.message, "first: reason 1");
    assert_int_equal(c.second->gets, 0);
    provider_free(c.chain);
}

static void none_tells_what_each_said(void **state)
{
    struct chain_world c = make_chain(*state);

    for (int round = 1; round <= 2; round++) {
        ask_chain(&c);
        assert_int_equal(c.w->err.code, ERR_ABSENT);
        assert_string_equal(c.w->err.message, round == 1 ? "first: reason 1; second: reason 1"
                                                         : "first: reason 2; second: reason 2");
    }
    provider_free(c.chain);
}

static void a_chain_is_cancelled_wherever_it_is(void **state)
{
    struct chain_world c = make_chain(*state);

    provider_get(c.chain, world_on_answer, c.w);
    provider_cancel(c.chain);
    loop_for(&c.w->loop, 10);
    assert_int_equal(c.first->gets, 0);

    c.second->delay_ms = 1000;
    provider_get(c.chain, world_on_answer, c.w);
    loop_for(&c.w->loop, 20);
    assert_int_equal(c.second->gets, 1);
    provider_cancel(c.chain);
    assert_false(uv_is_active((uv_handle_t *)&c.second->timer));
    assert_int_equal(c.w->answers, 0);

    c.second->delay_ms = 0;
    ask_chain(&c);
    provider_free(c.chain);
}

static void an_empty_chain_answers_too(void **state)
{
    struct world *w = *state;
    struct provider *chain = chain_provider_new(&w->loop, NULL, 0);

    provider_get(chain, world_on_answer, w);
    world_wait(w);
    assert_int_equal(w->err.code, ERR_ABSENT);
    provider_free(chain);
}

static void the_default_chain_says_where_it_looked(void **state)
{
    struct world *w = *state;

    world_set(w, "AWS_EC2_METADATA_DISABLED", "TRUE");
    struct credentials_cache *cache = credentials_default_new(&w->env, NULL);

    (void)credentials_cache_get(cache, NOW_MS, world_on_answer, w);
    world_wait(w);
    assert_int_equal(w->err.code, ERR_ABSENT);
    assert_string_equal(w->err.message, "environment: AWS_ACCESS_KEY_ID is not set; "
                                        "role of the profile: there is no profile default in "
                                        "~/.aws/config and ~/.aws/credentials; "
                                        "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; "
                                        "profile: profile default has no keys and no "
                                        "credential_process; "
                                        "container: AWS_CONTAINER_CREDENTIALS_* is not set; "
                                        "IMDS: AWS_EC2_METADATA_DISABLED is true");
    credentials_cache_free(cache);
}

/* --- Cache --- */

struct cache_world {
    struct world *w;
    struct scripted *inner;
    struct credentials_cache *cache;
};

static struct cache_world make_cache(struct world *w)
{
    struct cache_world c = {.w = w, .inner = scripted_new(w, &first_ops)};

    c.inner->access_key = "AKID1";
    c.cache = credentials_cache_new(&w->loop, &c.inner->provider);
    return c;
}

static void get_at(struct cache_world *c, int64_t now_ms)
{
    int before = c->w->answers;

    (void)credentials_cache_get(c->cache, now_ms, world_on_answer, c->w);
    assert_int_equal(c->w->answers, before);
    world_wait(c->w);
    assert_int_equal(c->w->answers, before + 1);
    loop_for(&c->w->loop, 1); /* lets a refresh behind it end too */
}

static void many_waiters_are_one_question(void **state)
{
    struct cache_world c = make_cache(*state);

    for (int i = 0; i < 5; i++) {
        (void)credentials_cache_get(c.cache, NOW_MS, world_on_answer, c.w);
    }
    loop_for(&c.w->loop, 20);
    assert_int_equal(c.w->answers, 5);
    assert_string_equal(c.w->credentials.access_key, "AKID1");
    assert_int_equal(c.inner->gets, 1);
    get_at(&c, NOW_MS + 1000 * 60 * MINUTE_MS); /* without an end it serves for ever */
    assert_int_equal(c.inner->gets, 1);
    credentials_cache_free(c.cache);
}

static void a_set_is_refreshed_ahead_while_it_serves(void **state)
{
    struct cache_world c = make_cache(*state);
    const int64_t end_ms = NOW_MS + 6 * 60 * MINUTE_MS;

    c.inner->expires_ms = end_ms;
    get_at(&c, NOW_MS);
    get_at(&c, end_ms - 18 * MINUTE_MS);
    assert_int_equal(c.inner->gets, 1);

    c.inner->access_key = "AKID2";
    c.inner->expires_ms = end_ms + 6 * 60 * MINUTE_MS;
    c.inner->delay_ms = 30;
    get_at(&c, end_ms - 14 * MINUTE_MS);
    assert_string_equal(c.w->credentials.access_key, "AKID1");
    get_at(&c, end_ms - 14 * MINUTE_MS);
    assert_int_equal(c.inner->gets, 2); /* one question, still under way */
    loop_for(&c.w->loop, 60);
    get_at(&c, end_ms - 13 * MINUTE_MS);
    assert_string_equal(c.w->credentials.access_key, "AKID2");
    assert_int_equal(c.inner->gets, 2);
    credentials_cache_free(c.cache);
}

static void a_failed_refresh_leaves_the_old_set_in_use_to_its_end(void **state)
{
    struct cache_world c = make_cache(*state);
    const int64_t end_ms = NOW_MS + 60 * MINUTE_MS;

    c.inner->expires_ms = end_ms;
    get_at(&c, NOW_MS);
    c.inner->access_key = NULL;
    c.inner->code = ERR_TIMEOUT;
    get_at(&c, end_ms - 10 * MINUTE_MS);
    get_at(&c, end_ms - 1);
    assert_int_equal(c.w->err.code, ERR_NONE);
    assert_int_equal(c.inner->gets, 2); /* the third waits for the pause behind the second */
    get_at(&c, end_ms);
    assert_int_equal(c.w->err.code, ERR_TIMEOUT);
    assert_string_equal(c.w->err.message, "reason 2");
    credentials_cache_free(c.cache);
}

static void an_expired_set_is_waited_for(void **state)
{
    struct cache_world c = make_cache(*state);

    c.inner->expires_ms = NOW_MS + 60 * MINUTE_MS;
    get_at(&c, NOW_MS);
    c.inner->access_key = "AKID2";
    c.inner->expires_ms = NOW_MS + 120 * MINUTE_MS;
    c.inner->delay_ms = 20;
    get_at(&c, NOW_MS + 61 * MINUTE_MS);
    assert_string_equal(c.w->credentials.access_key, "AKID2");
    credentials_cache_free(c.cache);
}

static void a_set_that_outlives_its_end_stays_while_there_is_no_newer(void **state)
{
    struct cache_world c = make_cache(*state);

    c.inner->expires_ms = NOW_MS + 60 * MINUTE_MS;
    c.inner->outlives_expiry = true;
    get_at(&c, NOW_MS);
    c.inner->access_key = NULL;
    get_at(&c, NOW_MS + 61 * MINUTE_MS);
    get_at(&c, NOW_MS + 600 * MINUTE_MS);
    assert_int_equal(c.w->err.code, ERR_NONE);
    assert_string_equal(c.w->credentials.access_key, "AKID1");
    assert_int_equal(c.inner->gets, 2);
    credentials_cache_free(c.cache);
}

/* Our clock may be a day ahead: without the service's answer, which carries its Date, it would stay
 * so. */
static void a_set_that_comes_expired_serves_without_being_asked_for_each_time(void **state)
{
    struct cache_world c = make_cache(*state);

    c.inner->expires_ms = NOW_MS - 60 * MINUTE_MS;
    for (int i = 0; i < 5; i++) {
        get_at(&c, NOW_MS + i);
        assert_int_equal(c.w->err.code, ERR_NONE);
    }
    assert_int_equal(c.inner->gets, 1);
    credentials_cache_free(c.cache);
}

static void a_short_life_is_refreshed_at_its_half(void **state)
{
    struct cache_world c = make_cache(*state);

    c.inner->expires_ms = NOW_MS + 10 * MINUTE_MS;
    get_at(&c, NOW_MS);
    get_at(&c, NOW_MS + 4 * MINUTE_MS);
    assert_int_equal(c.inner->gets, 1);
    get_at(&c, NOW_MS + 6 * MINUTE_MS);
    assert_int_equal(c.inner->gets, 2);
    credentials_cache_free(c.cache);
}

static void a_failure_is_told_at_once_until_the_pause_is_over(void **state)
{
    struct cache_world c = make_cache(*state);

    c.inner->access_key = NULL;
    for (int i = 0; i < 4; i++) {
        get_at(&c, NOW_MS);
        assert_int_equal(c.w->err.code, ERR_ABSENT);
        assert_string_equal(c.w->err.message, "reason 1");
    }
    assert_int_equal(c.inner->gets, 1);
    c.inner->access_key = "AKID1";
    loop_for(&c.w->loop, 1020); /* the first pause is one second */
    get_at(&c, NOW_MS);
    assert_int_equal(c.w->err.code, ERR_NONE);
    assert_int_equal(c.inner->gets, 2);
    credentials_cache_free(c.cache);
}

static void a_failure_reaches_all_waiters(void **state)
{
    struct cache_world c = make_cache(*state);

    c.inner->access_key = NULL;
    for (int i = 0; i < 3; i++) {
        (void)credentials_cache_get(c.cache, NOW_MS, world_on_answer, c.w);
    }
    loop_for(&c.w->loop, 20);
    assert_int_equal(c.w->answers, 3);
    assert_int_equal(c.inner->gets, 1);
    credentials_cache_free(c.cache);
}

static void what_the_service_refuses_is_fetched_anew(void **state)
{
    struct cache_world c = make_cache(*state);

    get_at(&c, NOW_MS);
    credentials_cache_drop(c.cache, "ANOTHER");
    get_at(&c, NOW_MS);
    assert_int_equal(c.inner->gets, 1);
    credentials_cache_drop(c.cache, "AKID1");
    c.inner->access_key = "AKID2";
    get_at(&c, NOW_MS);
    assert_string_equal(c.w->credentials.access_key, "AKID2");
    assert_int_equal(c.inner->gets, 2);
    credentials_cache_free(c.cache);
}

static void a_cancelled_waiter_hears_nothing(void **state)
{
    struct cache_world c = make_cache(*state);

    struct credentials_waiter *early = credentials_cache_get(c.cache, NOW_MS, world_on_answer, c.w);
    (void)credentials_cache_get(c.cache, NOW_MS, world_on_answer, c.w);
    credentials_cache_cancel(early);
    loop_for(&c.w->loop, 20);
    assert_int_equal(c.w->answers, 1);

    /* Also when its answer is ready and only waits for the next turn. */
    struct credentials_waiter *ready = credentials_cache_get(c.cache, NOW_MS, world_on_answer, c.w);
    credentials_cache_cancel(ready);
    loop_for(&c.w->loop, 20);
    assert_int_equal(c.w->answers, 1);
    credentials_cache_free(c.cache);
}

static void a_freed_cache_calls_nobody(void **state)
{
    struct cache_world c = make_cache(*state);
    int frees = 0;

    c.inner->frees = &frees;
    (void)credentials_cache_get(c.cache, NOW_MS, world_on_answer, c.w);
    credentials_cache_free(c.cache);
    loop_for(&c.w->loop, 20);
    assert_int_equal(c.w->answers, 0);
    assert_int_equal(frees, 1);
}

/* What a waiter may do in its callback; ASan watches. */
struct meddler {
    struct cache_world c;
    struct credentials_waiter *other;
    int calls;
};

static void free_the_cache(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct meddler *m = arg;

    m->calls++;
    credentials_cache_free(m->c.cache);
    /* What was lent is still there. */
    assert_null(err);
    assert_string_equal(credentials->access_key, "AKID1");
}

static void cancel_the_other(void *arg, const struct credentials *credentials,
                             const struct err *err)
{
    struct meddler *m = arg;

    (void)credentials, (void)err;
    m->calls++;
    credentials_cache_cancel(m->other);
}

static void get_again(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct meddler *m = arg;

    (void)credentials, (void)err;
    if (++m->calls < 3) {
        (void)credentials_cache_get(m->c.cache, NOW_MS, get_again, m);
        assert_true(m->calls < 3); /* never before the get has returned */
    }
}

static void drop_and_get(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct meddler *m = arg;

    (void)err;
    m->calls++;
    m->c.inner->access_key = "AKID2";
    credentials_cache_drop(m->c.cache, credentials->access_key);
    assert_string_equal(credentials->access_key, "AKID1");
    (void)credentials_cache_get(m->c.cache, NOW_MS, world_on_answer, m->c.w);
}

static void a_waiter_may_free_the_cache(void **state)
{
    struct meddler m = {.c = make_cache(*state)};

    (void)credentials_cache_get(m.c.cache, NOW_MS, free_the_cache, &m);
    (void)credentials_cache_get(m.c.cache, NOW_MS, world_on_answer, m.c.w);
    loop_for(&m.c.w->loop, 20);
    assert_int_equal(m.calls, 1);
    assert_int_equal(m.c.w->answers, 0);
}

static void a_waiter_may_cancel_another(void **state)
{
    struct meddler m = {.c = make_cache(*state)};

    (void)credentials_cache_get(m.c.cache, NOW_MS, cancel_the_other, &m);
    m.other = credentials_cache_get(m.c.cache, NOW_MS, world_on_answer, m.c.w);
    loop_for(&m.c.w->loop, 20);
    assert_int_equal(m.calls, 1);
    assert_int_equal(m.c.w->answers, 0);
    credentials_cache_free(m.c.cache);
}

static void a_waiter_may_get_again(void **state)
{
    struct meddler m = {.c = make_cache(*state)};

    (void)credentials_cache_get(m.c.cache, NOW_MS, get_again, &m);
    loop_for(&m.c.w->loop, 20);
    assert_int_equal(m.calls, 3);
    assert_int_equal(m.c.inner->gets, 1);
    credentials_cache_free(m.c.cache);
}

static void a_waiter_may_drop_what_it_was_given(void **state)
{
    struct meddler m = {.c = make_cache(*state)};

    (void)credentials_cache_get(m.c.cache, NOW_MS, drop_and_get, &m);
    loop_for(&m.c.w->loop, 20);
    assert_int_equal(m.c.w->answers, 1);
    assert_string_equal(m.c.w->credentials.access_key, "AKID2");
    credentials_cache_free(m.c.cache);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORY(environment_variables),
        STORY(an_answer_at_hand_comes_later_all_the_same),
        STORY(the_first_that_is_configured_answers),
        STORY(one_that_is_configured_and_fails_ends_the_search),
        STORY(none_tells_what_each_said),
        STORY(a_chain_is_cancelled_wherever_it_is),
        STORY(an_empty_chain_answers_too),
        STORY(the_default_chain_says_where_it_looked),
        STORY(many_waiters_are_one_question),
        STORY(a_set_is_refreshed_ahead_while_it_serves),
        STORY(a_failed_refresh_leaves_the_old_set_in_use_to_its_end),
        STORY(an_expired_set_is_waited_for),
        STORY(a_set_that_outlives_its_end_stays_while_there_is_no_newer),
        STORY(a_set_that_comes_expired_serves_without_being_asked_for_each_time),
        STORY(a_short_life_is_refreshed_at_its_half),
        STORY(a_failure_is_told_at_once_until_the_pause_is_over),
        STORY(a_failure_reaches_all_waiters),
        STORY(what_the_service_refuses_is_fetched_anew),
        STORY(a_cancelled_waiter_hears_nothing),
        STORY(a_freed_cache_calls_nobody),
        STORY(a_waiter_may_free_the_cache),
        STORY(a_waiter_may_cancel_another),
        STORY(a_waiter_may_get_again),
        STORY(a_waiter_may_drop_what_it_was_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
