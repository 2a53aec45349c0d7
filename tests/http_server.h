/*
 * An HTTP server on 127.0.0.1 that answers what a test tells it and remembers what it was asked. It
 * lives on the test's own loop: nothing runs in between, nothing has to be waited for but a
 * condition.
 *
 *     static const struct server_answer answers[] = {
 *         {.body = "token"},                                   200 with this body
 *         {.status = 503, .headers = "Retry-After: 1\r\n"},    one line a header, each with its
 * \r\n
 *         {.delay_ms = 50, .body = "late"},
 *         {.fate = SERVER_CUT, .body = "half of this"},
 *     };
 *     struct http_server *server = http_server_new(&loop);
 *     http_server_script(server, answers, MEM_COUNT(answers));
 *     ... send to http_server_url(server): "http://127.0.0.1:PORT" ...
 *     assert_true(loop_until(&loop, &finished, 5000));         never uv_run(DEFAULT): the server
 * listens for ever assert_int_equal(http_server_count(server), 4);
 *     assert_string_equal(http_server_request(server, 0)->target, "/latest/api/token");
 *     assert_string_equal(server_header(http_server_request(server, 0), "Accept"), "text/plain");
 *     http_server_free(server);                                 closes its handles on the next
 * turns loop_done(&loop);                                         fails the test when a handle was
 * left open
 *
 * Answers are given in the order of the requests, over all connections. A request that the script
 * does not foresee gets a 599, so that it cannot pass unseen. For answers that depend on the
 * request, hand in a function instead (http_server_on_request). Connections are kept alive unless
 * an answer's fate ends them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum server_fate {
    SERVER_ANSWER, /* and keep the connection */
    SERVER_LAST,   /* answer with "Connection: close", then close */
    SERVER_CLOSE,  /* close without a byte of answer (on a kept connection curl asks again on a new
                      one) */
    SERVER_CUT,    /* headers and half of the body, then close */
    SERVER_SILENT  /* never answer; the connection stays open */
};

/* Texts are borrowed until the answer has been given. */
struct server_answer {
    enum server_fate fate;
    int status;          /* 0: 200 */
    const char *headers; /* "Name: value\r\n" each; Content-Length is added */
    const char *body;    /* NULL: empty */
    size_t body_len;     /* 0: strlen(body) */
    unsigned delay_ms;
};

struct server_header {
    char *name;
    char *value;
};

#define SERVER_HEADERS_MAX 32

struct server_request {
    char *method;
    char *target; /* path and query, or the whole URL when the client took us for a proxy */
    struct server_header headers[SERVER_HEADERS_MAX];
    size_t header_count;
    char *body; /* NUL-terminated, never NULL */
    size_t body_len;
    int connection; /* from 0, in the order in which they were opened */
};

struct http_server;

struct http_server *http_server_new(uv_loop_t *loop);
void http_server_free(struct http_server *server);

const char *http_server_url(const struct http_server *server); /* no slash at its end */
int http_server_port(const struct http_server *server);

/* Replaces what is left of an earlier script; the array is borrowed. */
void http_server_script(struct http_server *server, const struct server_answer *answers,
                        size_t count);

/* Fills the answer (zeroed: a 200 with an empty body). Wins over a script; NULL goes back to it. */
typedef void server_on_request(void *arg, const struct server_request *request,
                               struct server_answer *answer);
void http_server_on_request(struct http_server *server, server_on_request *on_request, void *arg);

/* Requests seen so far; index 0 is the first. Owned by the server. */
size_t http_server_count(const struct http_server *server);
const struct server_request *http_server_request(const struct http_server *server, size_t index);
void http_server_forget(struct http_server *server); /* count is 0 again */

/* A request's header, compared without case; NULL when absent. */
const char *server_header(const struct server_request *request, const char *name);

/* Runs the loop until *flag is true; false when it is not after so many milliseconds. */
bool loop_until(uv_loop_t *loop, const bool *flag, unsigned timeout_ms);

/* Runs the loop for so long: to see that something does not happen. */
void loop_for(uv_loop_t *loop, unsigned ms);

/* Lets closing handles close, then closes the loop; a handle that was left open ends the program.
 */
void loop_done(uv_loop_t *loop);
