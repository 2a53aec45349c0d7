#include "agent/sample/resolve.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

#define LOOK_UPS_MAX 2

struct resolve_request {
    uv_getaddrinfo_t look_up;
    uv_timer_t deadline;
    bool deadline_closed;
    bool running; /* libuv has it */
    int status;   /* why it could not even be begun; 0: it could */
    char *host;
    int deadline_ms;
    resolve_done *done; /* NULL: called, or cancelled */
    void *arg;
    struct resolve_request *next; /* in line */
};

/* The process' one line. */
static struct {
    int running;
    struct resolve_request *first;
} line;

static void begin_next(void);

static void free_if_over(struct resolve_request *request)
{
    if (request->deadline_closed && !request->running) {
        free(request->host);
        free(request);
    }
}

static void on_deadline_closed(uv_handle_t *timer)
{
    struct resolve_request *request = timer->data;

    request->deadline_closed = true;
    free_if_over(request);
}

static void leave_line(struct resolve_request *request)
{
    struct resolve_request **place = &line.first;

    while (*place && *place != request) {
        place = &(*place)->next;
    }
    if (*place) {
        *place = request->next;
    }
}

/* Takes the callback out of the request, which from here on only waits to be freed. */
static resolve_done *detach(struct resolve_request *request)
{
    resolve_done *done = request->done;

    if (done) {
        request->done = NULL;
        leave_line(request);
        uv_close((uv_handle_t *)&request->deadline, on_deadline_closed);
    }
    return done;
}

static void fail(struct resolve_request *request, int status)
{
    struct err err;

    if (status == 0) {
        err_set(&err, ERR_TIMEOUT, "the name %s was not resolved in %d ms", request->host,
                request->deadline_ms);
    } else {
        err_set(&err, ERR_NET, "the name %s can not be resolved: %s", request->host,
                uv_strerror(status));
    }
    void *arg = request->arg;
    resolve_done *done = detach(request);

    if (done) {
        done(arg, NULL, &err);
    }
}

static void take_addresses(const struct addrinfo *list, struct resolve_addresses *out)
{
    out->count = 0;
    for (; list && out->count < RESOLVE_ADDRESSES_MAX; list = list->ai_next) {
        char *text = out->text[out->count];

        if (uv_ip_name(list->ai_addr, text, sizeof(out->text[0])) == 0) {
            out->count++;
        }
    }
}

static void on_looked_up(uv_getaddrinfo_t *look_up, int status, struct addrinfo *list)
{
    struct resolve_request *request = look_up->data;
    struct resolve_addresses addresses;
    void *arg = request->arg;

    take_addresses(list, &addresses);
    uv_freeaddrinfo(list);
    line.running--;
    request->running = false;
    begin_next();
    if (!request->done) {
        free_if_over(request);
    } else if (addresses.count == 0) {
        fail(request, status ? status : UV_EAI_NODATA);
    } else {
        detach(request)(arg, &addresses, NULL);
    }
}

static void on_deadline(uv_timer_t *timer)
{
    struct resolve_request *request = timer->data;

    fail(request, request->status);
}

static void begin(struct resolve_request *request)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};

    request->look_up.data = request;
    request->status = uv_getaddrinfo(request->deadline.loop, &request->look_up, on_looked_up,
                                     request->host, NULL, &hints);
    if (request->status == 0) {
        request->running = true;
        line.running++;
    } else {
        uv_timer_start(&request->deadline, on_deadline, 0, 0);
    }
}

static void begin_next(void)
{
    while (line.first && line.running < LOOK_UPS_MAX) {
        struct resolve_request *request = line.first;

        line.first = request->next;
        request->next = NULL;
        begin(request);
    }
}

struct resolve_request *resolve_send(uv_loop_t *loop, const char *host, int deadline_ms,
                                     resolve_done *done, void *arg)
{
    struct resolve_request *request = mem_alloc(sizeof(*request));
    struct resolve_request **end = &line.first;

    request->host = mem_strdup(host);
    request->deadline_ms = deadline_ms;
    request->done = done;
    request->arg = arg;
    request->deadline.data = request;
    uv_timer_init(loop, &request->deadline);
    uv_timer_start(&request->deadline, on_deadline, (uint64_t)deadline_ms, 0);
    while (*end) {
        end = &(*end)->next;
    }
    *end = request;
    begin_next();
    return request;
}

void resolve_cancel(struct resolve_request *request)
{
    if (request && detach(request) && request->running) {
        (void)uv_cancel((uv_req_t *)&request->look_up); /* works only before a thread has it */
    }
}

int resolve_running(void)
{
    return line.running;
}
