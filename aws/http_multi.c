#include "aws/http_multi.h"

#include <stdlib.h>

#include "aws/common/mem.h"

/* A socket that libcurl wants to hear of. */
struct http_watch {
    uv_poll_t poll;
    struct http_multi *multi;
    curl_socket_t socket;
    struct http_watch *next;
    struct http_watch **link; /* what points to it */
};

/* --- transfers that are over ---------------------------------------------------------------- */

/* The message dies with curl_multi_remove_handle(), which on_over calls: it is read before. */
static void harvest(struct http_multi *multi)
{
    CURLMsg *message;
    int left;

    while (!multi->on_closed && (message = curl_multi_info_read(multi->curl, &left))) {
        if (message->msg == CURLMSG_DONE) {
            multi->on_over(multi->arg, message->easy_handle, message->data.result);
        }
    }
}

/*
 * Harvests always, also when nothing runs any more: the last transfer's time-out ends here. A
 * status other than CURLM_OK tells of wrong use or of a socket that is gone by now; there is nobody
 * who could do something about it, and deadlines end the transfers.
 */
static void advance(struct http_multi *multi, curl_socket_t socket, int events)
{
    int running;

    (void)curl_multi_socket_action(multi->curl, socket, events, &running);
    harvest(multi);
}

/* --- sockets -------------------------------------------------------------------------------- */

static void on_handle_closed(struct http_multi *multi)
{
    if (--multi->open_handles == 0) {
        multi->on_closed(multi);
    }
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct http_watch *watch = handle->data;
    struct http_multi *multi = watch->multi;

    free(watch);
    on_handle_closed(multi);
}

/* Before libcurl closes the socket: its number may be a new one's at once. */
static void watch_close(struct http_watch *watch)
{
    *watch->link = watch->next;
    if (watch->next) {
        watch->next->link = watch->link;
    }
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

/* NULL: the loop does not take the socket, and the transfer will run into its deadline. */
static struct http_watch *watch_new(struct http_multi *multi, curl_socket_t socket)
{
    struct http_watch *watch = mem_alloc(sizeof(*watch));

    if (uv_poll_init_socket(multi->loop, &watch->poll, socket) < 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->multi = multi;
    watch->socket = socket;
    watch->next = multi->watches;
    watch->link = &multi->watches;
    if (watch->next) {
        watch->next->link = &watch->next;
    }
    multi->watches = watch;
    multi->open_handles++;
    curl_multi_assign(multi->curl, socket, watch);
    return watch;
}

/*
 * With CURL_CSELECT_ERR alone libcurl gives the transfer up unread. With _IN it asks the socket: it
 * finds the answer that came before the reset, and sends a request anew whose kept connection the
 * server had closed.
 */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_watch *watch = poll->data;
    int flags = 0;

    if (status < 0) {
        flags = CURL_CSELECT_ERR | CURL_CSELECT_IN;
    }
    if (events & UV_READABLE) {
        flags |= CURL_CSELECT_IN;
    }
    if (events & UV_WRITABLE) {
        flags |= CURL_CSELECT_OUT;
    }
    advance(watch->multi, watch->socket, flags);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *assigned)
{
    struct http_multi *multi = arg;
    struct http_watch *watch = assigned;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            curl_multi_assign(multi->curl, socket, NULL);
            watch_close(watch);
        }
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) {
        events |= UV_READABLE;
    }
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) {
        events |= UV_WRITABLE;
    }
    if (!watch) {
        watch = watch_new(multi, socket);
    }
    if (watch) {
        (void)uv_poll_start(&watch->poll, events, on_poll); /* no events: stops */
    }
    return 0;
}

/* --- the timer ------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    advance(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* Called inside of libcurl, which must not be entered again: 0 ms too goes over the loop. */
static int on_timeout_set(CURLM *curl, long timeout_ms, void *arg)
{
    struct http_multi *multi = arg;

    (void)curl;
    if (timeout_ms < 0) {
        uv_timer_stop(&multi->timer);
    } else {
        uv_timer_start(&multi->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

/* --- life ----------------------------------------------------------------------------------- */

bool http_multi_init(struct http_multi *multi, uv_loop_t *loop, http_multi_on_over *on_over,
                     void *arg, struct err *err)
{
    CURLcode status = curl_global_init(CURL_GLOBAL_DEFAULT); /* counts its callers */

    if (status != CURLE_OK) {
        return err_set(err, ERR_SYSTEM, "libcurl does not start: %s", curl_easy_strerror(status));
    }
    *multi = (struct http_multi){
        .curl = mem_check(curl_multi_init()),
        .loop = loop,
        .on_over = on_over,
        .arg = arg,
        .open_handles = 1,
    };
    uv_timer_init(loop, &multi->timer);
    multi->timer.data = multi;
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timeout_set);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)HTTP_CONNECTIONS_KEPT);
    return true;
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

void http_multi_close(struct http_multi *multi, http_multi_on_closed *on_closed)
{
    multi->on_closed = on_closed;
    /* What libcurl closes now need not be watched any more. */
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, NULL);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, NULL);
    while (multi->watches) {
        watch_close(multi->watches);
    }
    curl_multi_cleanup(multi->curl);
    curl_global_cleanup();
    uv_close((uv_handle_t *)&multi->timer, on_timer_closed);
}
