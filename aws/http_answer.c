#include "aws/http_answer.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "aws/common/mem.h"

void http_answer_init(struct http_answer *answer, size_t max_body)
{
    *answer = (struct http_answer){0};
    buf_init(&answer->head, HTTP_HEAD_BYTES_MAX);
    buf_init_secret(&answer->body, max_body);
}

void http_answer_done(struct http_answer *answer)
{
    buf_done(&answer->head);
    buf_done(&answer->body);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "Name: value" becomes name NUL value NUL; what is no header is passed over. */
static void add_header(struct http_answer *answer, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);

    if (!colon || colon == line || is_blank(line[0]) || memchr(line, '\0', len)) {
        return;
    }
    const char *value = colon + 1;
    const char *end = line + len;

    while (value < end && is_blank(*value)) {
        value++;
    }
    while (end > value && is_blank(end[-1])) {
        end--;
    }
    buf_add(&answer->head, line, (size_t)(colon - line));
    buf_putc(&answer->head, '\0');
    buf_add(&answer->head, value, (size_t)(end - value));
    buf_putc(&answer->head, '\0');
    answer->header_count++;
}

size_t http_answer_on_header(char *line, size_t size, size_t count, void *arg)
{
    struct http_answer *answer = arg;
    size_t len = size * count;

    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        buf_clear(&answer->head);
        answer->header_count = 0;
        answer->head_is_over = false;
    } else if (len > 0 && (line[0] == '\r' || line[0] == '\n')) {
        answer->head_is_over = true;
    } else if (!answer->head_is_over) {
        add_header(answer, line, len);
    }
    if (!buf_ok(&answer->head) || answer->header_count > HTTP_HEADERS_MAX) {
        answer->too_much = "the answer has too many headers";
        return 0; /* ends the transfer */
    }
    return len;
}

size_t http_answer_on_body(char *data, size_t size, size_t count, void *arg)
{
    struct http_answer *answer = arg;
    size_t len = size * count;

    buf_add(&answer->body, data, len);
    if (!buf_ok(&answer->body)) {
        answer->too_much = "the answer is larger than allowed";
        return 0; /* ends the transfer */
    }
    return len;
}

void http_answer_view(struct http_answer *answer, struct http_response *response)
{
    const char *at = buf_text(&answer->head);

    for (size_t i = 0; i < answer->header_count; i++) {
        answer->headers[i].name = at;
        at += strlen(at) + 1;
        answer->headers[i].value = at;
        at += strlen(at) + 1;
    }
    response->headers = answer->headers;
    response->header_count = answer->header_count;
    response->body = buf_text(&answer->body);
    response->body_len = answer->body.len;
}

const char *http_header_of(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcasecmp(response->headers[i].name, name) == 0) {
            return response->headers[i].value;
        }
    }
    return NULL;
}
