#include "aws/http.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "aws/common/mem.h"
#include "aws/http_answer.h"
#include "aws/http_multi.h"

#define CONNECT_TIMEOUT_MS 3000
#define TIMEOUT_MS         10000
#define MAX_RESPONSE       ((size_t)1 << 20)

struct http_client {
    struct http_multi multi;
    uv_timer_t refusals_timer;
    int open_parts; /* multi, timer: the last one closed takes the client with it */
    struct http_transfer *transfers;
    char *user_agent;
    char *ca_bundle;
};

struct http_transfer {
    struct http_client *client; /* NULL once detached: during `done` */
    struct http_transfer *next;
    struct http_transfer **link; /* what points to it */
    CURL *easy;                  /* NULL: refused at once */
    http_done *done;
    void *arg;
    struct err refusal;
    bool sent;        /* libcurl was about to write the request */
    bool answer_lost; /* and then about to write it once more */
    bool tls;
    char *origin; /* "https://host:port", for messages */
    char *body;
    size_t body_len;
    struct curl_slist *headers;
    struct http_answer answer;
    char problem[CURL_ERROR_SIZE];
};

/* --- a transfer's life ---------------------------------------------------------------------- */

static void transfer_detach(struct http_transfer *transfer)
{
    *transfer->link = transfer->next;
    if (transfer->next) {
        transfer->next->link = transfer->link;
    }
    if (transfer->easy) {
        curl_multi_remove_handle(transfer->client->multi.curl, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        transfer->easy = NULL;
    }
    transfer->client = NULL;
}

/* Detached. Headers carry tokens, and bodies too. */
static void transfer_free(struct http_transfer *transfer)
{
    for (struct curl_slist *header = transfer->headers; header; header = header->next) {
        OPENSSL_cleanse(header->data, strlen(header->data));
    }
    curl_slist_free_all(transfer->headers);
    if (transfer->body) {
        OPENSSL_cleanse(transfer->body, transfer->body_len);
    }
    free(transfer->body);
    free(transfer->origin);
    http_answer_done(&transfer->answer);
    free(transfer);
}

void http_cancel(struct http_transfer *transfer)
{
    if (transfer && transfer->client) {
        transfer_detach(transfer);
        transfer_free(transfer);
    }
}

/* --- the end: an answer or an error --------------------------------------------------------- */

/* What a result of libcurl's means for the caller, and where a human looks. */
static const struct {
    CURLcode result;
    enum err_code code;
    const char *advice;
} failures[] = {
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, NULL},
    {CURLE_URL_MALFORMAT, ERR_CONFIG, "check the address"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_CONFIG, "only http and https are spoken"},
    {CURLE_COULDNT_RESOLVE_HOST, ERR_NET, "check the region or address, and DNS"},
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_NET, "check http_proxy and https_proxy, and DNS"},
    {CURLE_COULDNT_CONNECT, ERR_NET, "check routes, security groups and proxies"},
    {CURLE_SSL_CONNECT_ERROR, ERR_NET, "check that this port speaks TLS, and proxies"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_NET,
     "check AWS_CA_BUNDLE, the package ca-certificates and this host's clock"},
    {CURLE_SSL_CACERT_BADFILE, ERR_CONFIG, "check AWS_CA_BUNDLE and the package ca-certificates"},
    {CURLE_OUT_OF_MEMORY, ERR_SYSTEM, NULL},
};

static void explain(const struct http_transfer *transfer, CURLcode result, struct err *err)
{
    enum err_code code = ERR_NET;
    const char *advice = NULL;
    const char *what = transfer->problem[0] ? transfer->problem : curl_easy_strerror(result);

    for (size_t i = 0; i < MEM_COUNT(failures); i++) {
        if (failures[i].result == result) {
            code = failures[i].code;
            advice = failures[i].advice;
        }
    }
    /* "Unsupported proxy syntax in 'http://user:secret@...'" */
    if (strstr(what, "proxy") && strchr(what, '\'')) {
        code = ERR_CONFIG;
        what = "the proxy's address is not understood";
        advice = "check http_proxy and https_proxy; in a password write @ as %40, / as %2F, # as "
                 "%23";
    }
    if (transfer->answer_lost) {
        what = "the connection was closed before an answer";
    }
    if (transfer->answer.too_much) {
        code = ERR_REJECTED;
        what = transfer->answer.too_much;
    }
    err_set(err, code, "%s: %s%s%s%s", transfer->origin, what, advice ? " (" : "",
            advice ? advice : "", advice ? ")" : "");
}

static void finish_badly(struct http_transfer *transfer, const struct err *err)
{
    transfer_detach(transfer);
    transfer->done(transfer->arg, NULL, err, transfer->sent);
    transfer_free(transfer);
}

static void on_over(void *arg, CURL *easy, CURLcode result)
{
    struct http_transfer *transfer = NULL;
    struct http_response response = {0};
    long status = 0;

    (void)arg;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    if (result != CURLE_OK) {
        struct err err;

        explain(transfer, result, &err);
        finish_badly(transfer, &err);
        return;
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    http_answer_view(&transfer->answer, &response);
    response.status = (int)status;
    response.tls_verified = transfer->tls; /* libcurl would have failed otherwise */
    transfer_detach(transfer);
    transfer->done(transfer->arg, &response, NULL, true);
    transfer_free(transfer);
}

/* What http_send() refused, told from the loop as everything else. */
static void on_refusals(uv_timer_t *timer)
{
    struct http_client *client = timer->data;
    struct http_transfer *transfer;

    do {
        for (transfer = client->transfers; transfer && transfer->easy; transfer = transfer->next) {
        }
        if (transfer) {
            finish_badly(transfer, &transfer->refusal);
        }
    } while (
        transfer); /* a freed client has no transfers, and lives until its handles are closed */
}

static void refuse(struct http_transfer *transfer)
{
    err_context(&transfer->refusal, "%s", transfer->origin);
    uv_timer_start(&transfer->client->refusals_timer, on_refusals, 0, 0);
}

/* --- the beginning -------------------------------------------------------------------------- */

/* Called when connected, TLS included, before the request is written; again when libcurl would
 * send it anew because a kept connection was closed before any answer. A body may have been acted
 * on by then: whether to act twice is our caller's decision, and his to count. */
static int on_connected(void *arg, char *to, char *from, int to_port, int from_port)
{
    struct http_transfer *transfer = arg;

    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    if (transfer->sent && transfer->body_len > 0) {
        transfer->answer_lost = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* Children must not inherit our connections. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Scheme, host and port of a URL: no userinfo, no path. */
static char *origin_of(const char *url)
{
    const char *scheme_end = strstr(url, "://");

    if (!scheme_end) {
        return mem_strdup("a URL without scheme");
    }
    const char *host = scheme_end + 3;
    size_t len = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', len);

    if (at) {
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    return mem_printf("%.*s://%.*s", (int)(scheme_end - url), url, (int)len, host);
}

static void add_header(struct http_transfer *transfer, const char *name, const char *value)
{
    /* libcurl takes "Name:" for "leave it out" and "Name;" for an empty one. */
    char *line = value[0] ? mem_printf("%s: %s", name, value) : mem_printf("%s;", name);

    transfer->headers = mem_check(curl_slist_append(transfer->headers, line));
    mem_free_secret(line);
}

/* Ours, and less of what libcurl would add by itself: the signature says which headers there are.
 */
static void add_headers(struct http_transfer *transfer, const struct http_request *request)
{
    bool has_type = false;

    for (size_t i = 0; i < request->header_count; i++) {
        add_header(transfer, request->headers[i].name, request->headers[i].value);
        has_type = has_type || strcasecmp(request->headers[i].name, "Content-Type") == 0;
    }
    transfer->headers = mem_check(curl_slist_append(transfer->headers, "Expect:"));
    if (!has_type) {
        transfer->headers = mem_check(curl_slist_append(transfer->headers, "Content-Type:"));
    }
}

/* A line break would smuggle in a header of somebody else's choice. */
static bool check_lines(const struct http_request *request, struct err *err)
{
    if (strpbrk(request->method, "\r\n \t")) {
        return err_set(err, ERR_REJECTED, "the method has a blank or a line break");
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];

        if (header->name[0] == '\0' || strpbrk(header->name, "\r\n: ") ||
            strpbrk(header->value, "\r\n")) {
            return err_set(err, ERR_REJECTED, "header %s: a line break or no name", header->name);
        }
    }
    return true;
}

static void set_protocol(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* 2 costs memory */
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* or newer */
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* it is signed as it stands */
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

/*
 * One file of certificates alone. With the directory that distributions build in beside it, a
 * configured bundle would be an addition to the system's trust instead of all of it, and libcurl
 * would not share the parsed file between connections: 25 ms of the loop's time and 1 MB for each.
 * An hour, so that a bundle that was replaced is seen.
 */
static void set_trust(CURL *easy, const char *ca_bundle)
{
    if (ca_bundle) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_bundle);
    }
    if (ca_bundle || curl_version_info(CURLVERSION_NOW)->cainfo) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 3600L);
#endif
}

static void set_connection(CURL *easy, const struct http_request *request)
{
    int connect_ms = request->connect_timeout_ms ? request->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    int whole_ms = request->timeout_ms ? request->timeout_ms : TIMEOUT_MS;

    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)whole_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Without it a time-out waits for the thread that looks up the name: the loop would stand still
     * when DNS is gone. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    if (request->no_proxy) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    if (request->unix_socket) {
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    }
}

static void set_request(CURL *easy, struct http_transfer *transfer,
                        const struct http_request *request)
{
    bool is_post = strcmp(request->method, "POST") == 0;

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, transfer->client->user_agent);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    if (request->body_len > 0 || is_post || strcmp(request->method, "PUT") == 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_len);
    } else if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_callbacks(CURL *easy, struct http_transfer *transfer)
{
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->problem);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_answer_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer->answer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_answer_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer->answer);
}

static struct http_transfer *transfer_new(struct http_client *client,
                                          const struct http_request *request, http_done *done,
                                          void *arg)
{
    struct http_transfer *transfer = mem_alloc(sizeof(*transfer));

    transfer->client = client;
    transfer->done = done;
    transfer->arg = arg;
    transfer->origin = origin_of(request->url);
    transfer->tls = strncasecmp(request->url, "https:", 6) == 0;
    transfer->body_len = request->body_len;
    transfer->body = mem_alloc(request->body_len);
    if (request->body_len > 0) {
        memcpy(transfer->body, request->body, request->body_len);
    }
    http_answer_init(&transfer->answer,
                     request->max_response ? request->max_response : MAX_RESPONSE);
    transfer->next = client->transfers;
    transfer->link = &client->transfers;
    if (transfer->next) {
        transfer->next->link = &transfer->next;
    }
    client->transfers = transfer;
    return transfer;
}

struct http_transfer *http_send(struct http_client *client, const struct http_request *request,
                                http_done *done, void *arg)
{
    struct http_transfer *transfer = transfer_new(client, request, done, arg);

    if (!check_lines(request, &transfer->refusal)) {
        refuse(transfer);
        return transfer;
    }
    add_headers(transfer, request);
    transfer->easy = mem_check(curl_easy_init());
    set_protocol(transfer->easy);
    set_trust(transfer->easy, client->ca_bundle);
    set_connection(transfer->easy, request);
    set_request(transfer->easy, transfer, request);
    set_callbacks(transfer->easy, transfer);
    CURLMcode status = curl_multi_add_handle(client->multi.curl, transfer->easy);
    if (status != CURLM_OK) {
        curl_easy_cleanup(transfer->easy);
        transfer->easy = NULL;
        err_set(&transfer->refusal, ERR_SYSTEM, "libcurl: %s", curl_multi_strerror(status));
        refuse(transfer);
    }
    return transfer;
}

/* --- a client's life ------------------------------------------------------------------------ */

bool http_client_new(uv_loop_t *loop, const struct http_options *options, struct http_client **out,
                     struct err *err)
{
    struct http_client *client = mem_alloc(sizeof(*client));
    const char *user_agent = options->user_agent;

    if (!http_multi_init(&client->multi, loop, on_over, client, err)) {
        free(client);
        return false;
    }
    uv_timer_init(loop, &client->refusals_timer);
    client->refusals_timer.data = client;
    client->open_parts = 2;
    client->user_agent = mem_strdup(user_agent ? user_agent : "poolwarden/" POOLWARDEN_VERSION);
    client->ca_bundle = mem_strdup(options->ca_bundle);
    *out = client;
    return true;
}

static void on_part_closed(struct http_client *client)
{
    if (--client->open_parts == 0) {
        free(client->user_agent);
        free(client->ca_bundle);
        free(client);
    }
}

static void on_multi_closed(struct http_multi *multi)
{
    on_part_closed(multi->arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

void http_client_free(struct http_client *client)
{
    if (!client) {
        return;
    }
    for (struct http_transfer *transfer = client->transfers, *next; transfer; transfer = next) {
        next = transfer->next;
        http_cancel(transfer);
    }
    uv_close((uv_handle_t *)&client->refusals_timer, on_timer_closed);
    http_multi_close(&client->multi, on_multi_closed);
}
