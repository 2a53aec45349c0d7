#include "aws/request.h"

#include <stdlib.h>
#include <string.h>

#include "aws/answer.h"
#include "aws/common/buf.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/common/random.h"
#include "aws/failure.h"
#include "aws/gzip.h"
#include "aws/signed.h"
#include "aws/time.h"

#define CORRECTION_MS          60000             /* of the clock: less is none */
#define CREDENTIALS_TIMEOUT_MS 65000             /* a credential_process may take a minute */
#define RESPONSE_MAX           ((size_t)4 << 20) /* 100 alarms of 40 KB */

struct aws_client {
    uv_loop_t *loop;
    struct http_client *http;
    struct credentials_cache *credentials;
    double (*random)(void);
    const struct aws_service *service;
    char *region;
    struct endpoint endpoint;
    struct sigv4_key_cache key;
    struct retry_bucket bucket;
    struct aws_clock *clock;
    struct aws_call *calls;
};

enum call_state {
    CALL_REFUSED,     /* nothing can be sent; told on the loop's next turn */
    CALL_CREDENTIALS, /* an attempt begins: the waiter answers, or the timer */
    CALL_SENT,        /* the transfer answers; it has a deadline of its own */
    CALL_PAUSE        /* before another attempt */
};

struct aws_call {
    struct aws_client *client; /* NULL once detached */
    struct aws_call *next;
    struct aws_call **link; /* what points to it */
    uv_timer_t timer;
    enum call_state state;
    struct credentials_waiter *waiter;
    struct http_transfer *transfer;

    char *operation;
    struct buf body;
    bool compressed;
    bool answers_nothing;
    bool is_unsigned;
    int timeout_ms;
    int attempts_max;
    aws_done *done;
    void *arg;

    int attempts;          /* begun and counted */
    bool renewed;          /* expired credentials were fetched anew */
    int retry_cost;        /* of the last retry; 0: none yet */
    bool may_have_arrived; /* over all attempts */
    int64_t epoch_ms;      /* of the clock with which this attempt was signed */
    char *access_key;      /* the same of credentials */
    const char *key_source;
};

/* --- A call's life -------------------------------------------------------------------------- */

static void on_call_closed(uv_handle_t *timer)
{
    struct aws_call *call = timer->data;

    buf_done(&call->body);
    free(call->operation);
    free(call->access_key);
    free(call);
}

/* Nothing calls back any more; the memory stays until the timer is closed. */
static void detach(struct aws_call *call)
{
    if (call->waiter) {
        credentials_cache_cancel(call->waiter);
    }
    http_cancel(call->transfer);
    *call->link = call->next;
    if (call->next) {
        call->next->link = call->link;
    }
    call->client = NULL;
    uv_close((uv_handle_t *)&call->timer, on_call_closed);
}

void aws_cancel(struct aws_call *call)
{
    if (call && call->client) {
        detach(call);
    }
}

static void finish_well(struct aws_call *call, const struct aws_answer *answer)
{
    retry_bucket_refill(&call->client->bucket, call->retry_cost);
    detach(call);
    call->done(call->arg, answer, NULL, NULL);
}

static void finish_badly(struct aws_call *call, struct failure *failure)
{
    const struct aws_failure seen = {.status = failure->status,
                                     .code = failure->code,
                                     .may_have_arrived = call->may_have_arrived,
                                     .retry_after_ms = failure->hint_ms};

    err_context(&failure->err, "%s in %s", call->operation, call->client->region);
    detach(call);
    call->done(call->arg, NULL, &failure->err, &seen);
}

/* --- Another attempt or the end ------------------------------------------------------------- */

static void begin_attempt(struct aws_call *call);
static void on_timer(uv_timer_t *timer);

static void set_state(struct aws_call *call, enum call_state state, int64_t timeout_ms)
{
    call->state = state;
    uv_timer_start(&call->timer, on_timer, (uint64_t)timeout_ms, 0);
}

static bool retry_later(struct aws_call *call, const struct failure *failure)
{
    struct aws_client *client = call->client;

    if (call->attempts >= call->attempts_max ||
        !retry_bucket_take(&client->bucket, failure->class, &call->retry_cost)) {
        return false;
    }
    set_state(
        call, CALL_PAUSE,
        retry_delay_ms(failure->class, call->attempts - 1, client->random(), failure->hint_ms));
    return true;
}

/* Whoever was expired is asked for anew at once: nothing was done, and no load is to be feared. */
static bool renew_credentials(struct aws_call *call)
{
    if (call->is_unsigned) {
        return false;
    }
    credentials_cache_drop(call->client->credentials, call->access_key);
    if (call->renewed) {
        return false;
    }
    call->renewed = true;
    call->attempts--;
    begin_attempt(call);
    return true;
}

/* Of what it shows, be it the host's or carried on. */
static int64_t epoch_of(const struct aws_clock *clock)
{
    return aws_clock_now_ms(clock) - time_steady_ms();
}

/* The clock has been corrected since this attempt was signed, by its own answer or by another's. */
static bool was_skewed(const struct aws_call *call)
{
    return llabs(epoch_of(call->client->clock) - call->epoch_ms) >= CORRECTION_MS;
}

static bool try_again(struct aws_call *call, struct failure *failure)
{
    switch (failure->class) {
    case FAILURE_THROTTLED:
    case FAILURE_TRANSIENT:
        return retry_later(call, failure);
    case FAILURE_SKEW:
        if (was_skewed(call)) {
            failure->err.code = ERR_NET; /* the next call will do better */
            return retry_later(call, failure);
        }
        return false;
    case FAILURE_EXPIRED:
        return renew_credentials(call);
    case FAILURE_DENIED:
    case FAILURE_BAD_INPUT:
    case FAILURE_FOREIGN:
        return false;
    }
    return false;
}

static void on_failure(struct aws_call *call, struct failure *failure)
{
    if (!try_again(call, failure)) {
        finish_badly(call, failure);
    }
}

/* --- What came back ------------------------------------------------------------------------- */

/* A 5xx may come from behind the place where the work is done; a refusal comes before it. */
static bool may_have_acted(const struct failure *failure)
{
    return failure->status >= 500 && failure->class != FAILURE_THROTTLED;
}

static void on_refusal(struct aws_call *call, const struct http_response *response)
{
    const struct failure_context context = {
        .service = call->client->service,
        .operation = call->operation,
        .host = call->client->endpoint.host,
        .key_source = call->key_source,
        .attempt = call->attempts,
        .clock_is_corrected = was_skewed(call),
        .clock_offset_ms = aws_clock_offset_ms(call->client->clock),
    };
    struct failure failure;

    failure_read(response, &context, &failure);
    call->may_have_arrived = call->may_have_arrived || may_have_acted(&failure);
    on_failure(call, &failure);
}

static void on_success(struct aws_call *call, const struct http_response *response)
{
    struct failure failure = {.class = FAILURE_TRANSIENT, .status = response->status};
    struct aws_answer answer = {.request_id = answer_request_id(response)};
    json_t *body;

    if (answer_read_body(response, call->answers_nothing, &body, &failure.err)) {
        answer.body = body;
        finish_well(call, &answer);
        json_wipe(body);
        json_decref(body);
        return;
    }
    err_context(&failure.err, "status %d, but the answer can not be read", response->status);
    call->may_have_arrived = true;
    on_failure(call, &failure);
}

/* No answer. */
static void on_silence(struct aws_call *call, const struct err *err)
{
    bool is_passing = err->code == ERR_NET || err->code == ERR_TIMEOUT;
    struct failure failure = {.class = is_passing ? FAILURE_TRANSIENT : FAILURE_FOREIGN,
                              .err = *err};

    if (err->code == ERR_REJECTED) {
        failure.err.code = ERR_PARSE; /* the answer was too large: no fault of the input's */
    }
    on_failure(call, &failure);
}

static void on_answer(void *arg, const struct http_response *response, const struct err *err,
                      bool may_have_arrived)
{
    struct aws_call *call = arg;

    call->transfer = NULL;
    if (!response) {
        call->may_have_arrived = call->may_have_arrived || may_have_arrived;
        on_silence(call, err);
        return;
    }
    aws_clock_learn(call->client->clock, response);
    if (response->status >= 200 && response->status < 300) {
        on_success(call, response);
    } else {
        on_refusal(call, response);
    }
}

/* --- An attempt ----------------------------------------------------------------------------- */

/* credentials: NULL for what is not signed. */
static void sign_and_send(struct aws_call *call, const struct credentials *credentials)
{
    struct aws_client *client = call->client;
    const struct signed_call what = {.service = client->service,
                                     .endpoint = &client->endpoint,
                                     .region = client->region,
                                     .operation = call->operation,
                                     .body = &call->body,
                                     .compressed = call->compressed};
    struct failure failure = {.class = FAILURE_FOREIGN}; /* no use in trying again */
    struct signed_request signed_;

    call->epoch_ms = epoch_of(client->clock);
    if (credentials) {
        free(call->access_key);
        call->access_key = mem_strdup(credentials->access_key);
        call->key_source = credentials->source;
    }
    if (!signed_request_init(&signed_, &what, credentials, aws_clock_now_ms(client->clock),
                             &client->key, &failure.err)) {
        on_failure(call, &failure);
        return;
    }
    signed_.request.timeout_ms = call->timeout_ms;
    signed_.request.max_response = RESPONSE_MAX;
    call->state = CALL_SENT;
    uv_timer_stop(&call->timer);
    call->transfer = http_send(client->http, &signed_.request, on_answer, call);
    signed_request_done(&signed_);
}

static void fail_without_credentials(struct aws_call *call, const struct err *err)
{
    struct failure failure = {.class = FAILURE_DENIED, .err = *err};

    /* Both would say something about the input. */
    if (err->code == ERR_ABSENT || err->code == ERR_REJECTED) {
        failure.err.code = ERR_DENIED;
    }
    err_context(&failure.err, "no AWS credentials");
    on_failure(call, &failure);
}

static void on_credentials(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct aws_call *call = arg;

    call->waiter = NULL;
    if (credentials) {
        sign_and_send(call, credentials);
    } else {
        fail_without_credentials(call, err);
    }
}

static void begin_attempt(struct aws_call *call)
{
    struct aws_client *client = call->client;

    call->attempts++;
    if (call->is_unsigned) {
        sign_and_send(call, NULL);
        return;
    }
    set_state(call, CALL_CREDENTIALS, CREDENTIALS_TIMEOUT_MS);
    call->waiter = credentials_cache_get(client->credentials, aws_clock_now_ms(client->clock),
                                         on_credentials, call);
}

static void on_timer(uv_timer_t *timer)
{
    struct aws_call *call = timer->data;
    struct failure failure = {.class = FAILURE_BAD_INPUT};
    struct err late;

    switch (call->state) {
    case CALL_REFUSED:
        err_set(&failure.err, ERR_REJECTED, "a text in it is missing or not UTF-8");
        on_failure(call, &failure);
        break;
    case CALL_CREDENTIALS:
        err_set(&late, ERR_TIMEOUT, "nobody answered in %d s", CREDENTIALS_TIMEOUT_MS / 1000);
        fail_without_credentials(call, &late);
        break;
    case CALL_PAUSE:
        begin_attempt(call);
        break;
    case CALL_SENT: /* no timer runs */
        break;
    }
}

/* --- The beginning of a call ---------------------------------------------------------------- */

/* Compression only saves traffic: what can not be compressed travels as it is. */
static void fill_body(struct aws_call *call, const struct aws_request *request)
{
    buf_init_secret(&call->body, request->body_len + 1);
    if (request->compress && request->body_len >= GZIP_FROM_BYTES) {
        call->compressed = gzip_compress(request->body, request->body_len, &call->body, NULL) &&
                           buf_ok(&call->body);
    }
    if (!call->compressed) {
        buf_clear(&call->body);
        buf_add(&call->body, request->body, request->body_len);
    }
}

static void link_call(struct aws_client *client, struct aws_call *call)
{
    call->client = client;
    call->next = client->calls;
    call->link = &client->calls;
    if (call->next) {
        call->next->link = &call->next;
    }
    client->calls = call;
}

struct aws_call *aws_send(struct aws_client *client, const struct aws_request *request,
                          aws_done *done, void *arg)
{
    struct aws_call *call = mem_alloc(sizeof(*call));

    call->operation = mem_strdup(request->operation);
    call->answers_nothing = request->answers_nothing;
    call->is_unsigned = request->is_unsigned;
    call->timeout_ms = request->timeout_ms;
    call->attempts_max = request->attempts > 0 ? request->attempts : RETRY_ATTEMPTS_MAX;
    call->done = done;
    call->arg = arg;
    uv_timer_init(client->loop, &call->timer);
    call->timer.data = call;
    link_call(client, call);
    if (request->body) {
        fill_body(call, request);
        begin_attempt(call);
    } else {
        set_state(call, CALL_REFUSED, 0);
    }
    return call;
}

/* --- The client ----------------------------------------------------------------------------- */

bool aws_client_new(const struct aws_client_options *options, struct aws_client **out,
                    struct err *err)
{
    const struct endpoint_options where = {.override = options->endpoint_url, .env = options->env};
    const struct aws_service *service =
        options->service ? options->service : &aws_service_cloudwatch;
    struct endpoint endpoint;

    if (!endpoint_resolve(service, options->region, &where, &endpoint, err)) {
        return false;
    }
    struct aws_client *client = mem_alloc(sizeof(*client));
    client->loop = options->loop;
    client->http = options->http;
    client->credentials = options->credentials;
    client->random = options->random ? options->random : random_fraction;
    client->service = service;
    client->clock = options->env->clock;
    client->region = mem_strdup(options->region);
    client->endpoint = endpoint;
    client->bucket.tokens = RETRY_TOKENS_MAX;
    *out = client;
    return true;
}

void aws_client_free(struct aws_client *client)
{
    if (!client) {
        return;
    }
    while (client->calls) {
        detach(client->calls);
    }
    sigv4_key_cache_wipe(&client->key);
    free(client->region);
    free(client);
}

const char *aws_client_region(const struct aws_client *client)
{
    return client->region;
}

uv_loop_t *aws_client_loop(const struct aws_client *client)
{
    return client->loop;
}
