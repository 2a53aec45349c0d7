#include "tests/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/common/buf.h"
#include "aws/common/mem.h"

#define REQUEST_MAX (8 << 20)

struct connection {
    struct http_server *server;
    struct connection *next;
    uv_tcp_t tcp;
    uv_timer_t delay;
    int number;
    int open_handles;
    char chunk[65536];
    struct buf in;
    bool continued; /* the client was told to send its body */
    bool busy;      /* an answer is on its way: later requests wait */
    struct server_answer answer;
};

struct http_server {
    uv_loop_t *loop;
    uv_tcp_t listener;
    struct connection *connections;
    int open_handles; /* of the connections too; the last one takes the server with it */
    int connection_count;
    int port;
    char url[64];
    const struct server_answer *answers;
    size_t answer_count;
    server_on_request *on_request;
    void *arg;
    struct server_request *requests;
    size_t request_count;
};

static void must(bool held, const char *what)
{
    if (!held) {
        fprintf(stderr, "http_server: %s\n", what);
        abort();
    }
}

/* --- Life of a connection --- */

static void let_go(struct http_server *server)
{
    if (--server->open_handles == 0) {
        http_server_forget(server);
        free(server->requests);
        free(server);
    }
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct http_server *server = connection->server;

    if (--connection->open_handles == 0) {
        struct connection **at = &server->connections;

        while (*at != connection) {
            at = &(*at)->next;
        }
        *at = connection->next;
        buf_done(&connection->in);
        free(connection);
    }
    let_go(server);
}

static void close_connection(struct connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->tcp)) {
        uv_close((uv_handle_t *)&connection->tcp, on_connection_closed);
        uv_close((uv_handle_t *)&connection->delay, on_connection_closed);
    }
}

/* --- Answering --- */

struct write {
    uv_write_t request;
    struct connection *connection;
    struct buf out;
    bool last;
};

static void take_requests(struct connection *connection);

static void on_written(uv_write_t *request, int status)
{
    struct write *write = (struct write *)request;
    struct connection *connection = write->connection;
    bool last = write->last || status < 0;

    buf_done(&write->out);
    free(write);
    if (last) {
        close_connection(connection);
    }
}

/* Takes the bytes. */
static void send_bytes(struct connection *connection, struct buf *out, bool last)
{
    struct write *write = mem_alloc(sizeof(*write));

    write->connection = connection;
    write->out = *out;
    write->last = last;
    uv_buf_t bytes = uv_buf_init(write->out.data, (unsigned)write->out.len);
    if (uv_write(&write->request, (uv_stream_t *)&connection->tcp, &bytes, 1, on_written) < 0) {
        buf_done(&write->out);
        free(write);
        close_connection(connection);
    }
}

static void give_answer(struct connection *connection)
{
    const struct server_answer *answer = &connection->answer;
    size_t body_len = answer->body_len       ? answer->body_len
                      : answer->body != NULL ? strlen(answer->body)
                                             : 0;
    int status = answer->status ? answer->status : 200;
    struct buf out;

    buf_init(&out, REQUEST_MAX);
    buf_printf(&out, "HTTP/1.1 %d Scripted\r\n", status);
    buf_puts(&out, answer->headers ? answer->headers : "");
    buf_puts(&out, answer->fate == SERVER_LAST ? "Connection: close\r\n" : "");
    if (status != 204 && status >= 200) {
        buf_printf(&out, "Content-Length: %zu\r\n", body_len);
    }
    buf_puts(&out, "\r\n");
    buf_add(&out, answer->body, answer->fate == SERVER_CUT ? body_len / 2 : body_len);
    send_bytes(connection, &out, answer->fate != SERVER_ANSWER);
    connection->busy = false;
    take_requests(connection);
}

static void on_delay_over(uv_timer_t *delay)
{
    struct connection *connection = delay->data;

    if (connection->answer.fate == SERVER_CLOSE) {
        close_connection(connection);
    } else {
        give_answer(connection);
    }
}

static void choose_answer(struct connection *connection, const struct server_request *request)
{
    struct http_server *server = connection->server;
    struct server_answer *answer = &connection->answer;

    *answer =
        (struct server_answer){.status = 599, .body = "the test's script has no answer to this"};
    if (server->on_request) {
        *answer = (struct server_answer){.status = 200};
        server->on_request(server->arg, request, answer);
    } else if (server->answer_count > 0) {
        *answer = *server->answers++;
        server->answer_count--;
    }
    connection->busy = true;
    if (answer->fate != SERVER_SILENT) {
        uv_timer_start(&connection->delay, on_delay_over, answer->delay_ms, 0);
    }
}

/* --- Reading requests --- */

const char *server_header(const struct server_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

/* One line of the head without its CRLF; moves on to the next. */
static char *next_line(char **at)
{
    char *line = *at;
    char *end = strstr(line, "\r\n");

    must(end != NULL, "a request's head has a line without an end");
    *end = '\0';
    *at = end + 2;
    return line;
}

/* head: everything up to and with the empty line, NUL-terminated; it is cut up. */
static void parse_head(char *head, struct server_request *request)
{
    char *at = head;
    char *line = next_line(&at);
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;

    must(version && strncmp(version, " HTTP/1.", 8) == 0, "not a request line");
    request->method = mem_strndup(line, (size_t)(target - line));
    request->target = mem_strndup(target + 1, (size_t)(version - target - 1));
    while (*(line = next_line(&at)) != '\0') {
        char *colon = strchr(line, ':');

        must(colon && request->header_count < SERVER_HEADERS_MAX, "not a header, or too many");
        request->headers[request->header_count++] = (struct server_header){
            .name = mem_strndup(line, (size_t)(colon - line)),
            .value = mem_strdup(colon + 1 + strspn(colon + 1, " ")),
        };
    }
}

static void free_request(struct server_request *request)
{
    free(request->method);
    free(request->target);
    free(request->body);
    for (size_t i = 0; i < request->header_count; i++) {
        free(request->headers[i].name);
        free(request->headers[i].value);
    }
}

static void say_continue(struct connection *connection, const struct server_request *request)
{
    if (!connection->continued && server_header(request, "Expect")) {
        struct buf out;

        connection->continued = true;
        buf_init(&out, 100);
        buf_puts(&out, "HTTP/1.1 100 Continue\r\n\r\n");
        send_bytes(connection, &out, false);
    }
}

/* A whole request from the bytes read so far, or false while some are missing. */
static bool take_request(struct connection *connection, struct server_request *request)
{
    struct buf *in = &connection->in;
    const char *end = strstr(buf_text(in), "\r\n\r\n");

    *request = (struct server_request){.connection = connection->number};
    if (!end) {
        return false;
    }
    size_t head_len = (size_t)(end - in->data) + 4;
    char *head = mem_strndup(in->data, head_len);
    parse_head(head, request);
    free(head);

    const char *length = server_header(request, "Content-Length");
    must(!server_header(request, "Transfer-Encoding"), "chunked requests are not understood");
    request->body_len = length ? strtoul(length, NULL, 10) : 0;
    if (in->len - head_len < request->body_len) {
        say_continue(connection, request);
        free_request(request);
        return false;
    }
    request->body = mem_alloc(request->body_len + 1);
    memcpy(request->body, in->data + head_len, request->body_len);
    size_t used = head_len + request->body_len;
    memmove(in->data, in->data + used, in->len - used);
    buf_truncate(in, in->len - used);
    connection->continued = false;
    return true;
}

static void take_requests(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct server_request request;

    while (!connection->busy && !uv_is_closing((uv_handle_t *)&connection->tcp) &&
           take_request(connection, &request)) {
        server->requests = mem_grow(server->requests, server->request_count + 1, sizeof(request));
        server->requests[server->request_count++] = request;
        choose_answer(connection, &request);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct connection *connection = handle->data;

    (void)suggested;
    *room = uv_buf_init(connection->chunk, sizeof(connection->chunk));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct connection *connection = stream->data;

    if (count < 0) {
        close_connection(connection);
        return;
    }
    buf_add(&connection->in, bytes->base, (size_t)count);
    must(buf_ok(&connection->in), "a request is larger than 8 MiB");
    take_requests(connection);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct http_server *server = listener->data;
    struct connection *connection = mem_alloc(sizeof(*connection));

    must(status == 0, "listening failed");
    connection->server = server;
    connection->number = server->connection_count++;
    connection->open_handles = 2;
    server->open_handles += 2;
    buf_init(&connection->in, REQUEST_MAX);
    uv_tcp_init(server->loop, &connection->tcp);
    uv_timer_init(server->loop, &connection->delay);
    connection->tcp.data = connection->delay.data = connection;
    connection->next = server->connections;
    server->connections = connection;
    must(uv_accept(listener, (uv_stream_t *)&connection->tcp) == 0, "accept failed");
    uv_read_start((uv_stream_t *)&connection->tcp, on_room, on_read);
}

/* --- The server --- */

struct http_server *http_server_new(uv_loop_t *loop)
{
    struct http_server *server = mem_alloc(sizeof(*server));
    struct sockaddr_in address;
    int len = sizeof(address);

    server->loop = loop;
    server->open_handles = 1;
    uv_tcp_init(loop, &server->listener);
    server->listener.data = server;
    uv_ip4_addr("127.0.0.1", 0, &address);
    must(uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0) == 0, "bind failed");
    must(uv_listen((uv_stream_t *)&server->listener, 16, on_connection) == 0, "listen failed");
    uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &len);
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d", server->port);
    return server;
}

static void on_listener_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

void http_server_free(struct http_server *server)
{
    if (!server) {
        return;
    }
    for (struct connection *c = server->connections; c; c = c->next) {
        close_connection(c);
    }
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}

const char *http_server_url(const struct http_server *server)
{
    return server->url;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_script(struct http_server *server, const struct server_answer *answers,
                        size_t count)
{
    server->answers = answers;
    server->answer_count = count;
}

void http_server_on_request(struct http_server *server, server_on_request *on_request, void *arg)
{
    server->on_request = on_request;
    server->arg = arg;
}

size_t http_server_count(const struct http_server *server)
{
    return server->request_count;
}

const struct server_request *http_server_request(const struct http_server *server, size_t index)
{
    must(index < server->request_count, "no such request came");
    return &server->requests[index];
}

void http_server_forget(struct http_server *server)
{
    for (size_t i = 0; i < server->request_count; i++) {
        free_request(&server->requests[i]);
    }
    server->request_count = 0;
}

/* --- Running the loop --- */

struct watch {
    uv_timer_t timer;
    uint64_t end_ms;
    bool over;
};

static void on_watch(uv_timer_t *timer)
{
    struct watch *watch = timer->data;

    watch->over = uv_now(timer->loop) >= watch->end_ms;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

bool loop_until(uv_loop_t *loop, const bool *flag, unsigned timeout_ms)
{
    struct watch *watch = mem_alloc(sizeof(*watch));

    uv_update_time(loop);
    watch->end_ms = uv_now(loop) + timeout_ms;
    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    /* Often: a flag set by a timer does not keep uv_run() from going to sleep in the same turn. */
    uv_timer_start(&watch->timer, on_watch, 1, 1);
    while (!*flag && !watch->over) {
        uv_run(loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&watch->timer, on_watch_closed);
    return *flag;
}

void loop_for(uv_loop_t *loop, unsigned ms)
{
    const bool never = false;

    (void)loop_until(loop, &never, ms);
}

void loop_done(uv_loop_t *loop)
{
    /* Closing takes a few turns; what is still alive after them was forgotten. */
    for (int turns = 0; turns < 100 && uv_loop_alive(loop); turns++) {
        uv_run(loop, UV_RUN_NOWAIT);
    }
    must(uv_loop_close(loop) == 0, "a handle was left open");
}
