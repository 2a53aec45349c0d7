#include "aws/answer.h"

#include <string.h>
#include <strings.h>

#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/common/xml.h"

#define WORD_MAX 160 /* longer than any ARN seen; session tokens are longer */

/* --- Code --- */

static bool is_code(const char *text, size_t len)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return len > 0 && len < ANSWER_CODE_MAX && strspn(text, allowed) >= len;
}

static bool take_code(const char *text, size_t len, struct answer_error *out)
{
    if (!is_code(text, len)) {
        return false;
    }
    memcpy(out->code, text, len);
    out->code[len] = '\0';
    return true;
}

/* "Code;Sender" */
static bool take_query_code(const char *text, struct answer_error *out)
{
    return text && strchr(text, ';') && take_code(text, strcspn(text, ";"), out);
}

/* "namespace#Shape:http://..." */
static bool take_shape(const char *text, struct answer_error *out)
{
    size_t len = text ? strcspn(text, ":") : 0;
    const char *hash = text ? memrchr(text, '#', len) : NULL;

    if (hash) {
        len -= (size_t)(hash + 1 - text);
        text = hash + 1;
    }
    return text && take_code(text, len, out);
}

/* --- Message --- */

static size_t blanks_at(const char *text, size_t len)
{
    size_t count = 0;

    while (count < len && (unsigned char)text[count] <= ' ') {
        count++;
    }
    return count;
}

static size_t word_at(const char *text, size_t len)
{
    size_t count = 0;

    while (count < len && (unsigned char)text[count] > ' ') {
        count++;
    }
    return count;
}

/* The first line, without words that are too long to be any. */
static void take_message(const char *text, size_t len, struct answer_error *out)
{
    static const char masked[] = "(...)";
    size_t start = blanks_at(text, len);
    const char *end = text + len;
    size_t filled = 0;

    text += start;
    for (const char *c = text; c < end; c++) {
        end = *c == '\n' || *c == '\r' ? c : end;
    }
    while (text < end) {
        size_t word = word_at(text, (size_t)(end - text));
        const char *shown = word > WORD_MAX ? masked : text;
        size_t shown_len = word > WORD_MAX ? strlen(masked) : word;

        if (filled + shown_len + 2 > sizeof(out->message)) {
            break;
        }
        if (filled > 0) {
            out->message[filled++] = ' ';
        }
        memcpy(out->message + filled, shown, shown_len);
        filled += shown_len;
        text += word;
        text += blanks_at(text, (size_t)(end - text));
    }
    out->message[filled] = '\0';
}

/* What a page of HTML is about; of other text the first line. */
static void take_page(const char *body, struct answer_error *out)
{
    const char *title = strcasestr(body, "<title>");

    if (title) {
        title += strlen("<title>");
        take_message(title, strcspn(title, "<"), out);
    } else if (body[strspn(body, " \t\r\n")] != '<') {
        take_message(body, strlen(body), out);
    }
    for (char *c = out->message; *c; c++) {
        if ((unsigned char)*c >= 0x7f) {
            *c = '?'; /* who knows which character set */
        }
    }
}

/* A canonical request, headers and token in it, stands behind these words. */
static size_t len_before_quotation(const char *message)
{
    const char *quotation = strcasestr(message, "The Canonical String");

    return quotation ? (size_t)(quotation - message) : strlen(message);
}

static bool parse(const struct http_response *response, json_t **out, struct err *err)
{
    const char *type = http_header_of(response, "Content-Type");

    return type && strcasestr(type, "xml")
               ? xml_parse(response->body, response->body_len, out, err)
               : json_parse(response->body, response->body_len, out, err);
}

static void take_document(const json_t *document, struct answer_error *out)
{
    const json_t *response = json_object_get(document, "ErrorResponse");
    const json_t *error = json_object_get(response ? response : document, "Error");

    document = error ? error : document;
    const char *message = json_text_of(document, "message");
    const char *code = json_text_of(document, "Code");
    message = message ? message : json_text_of(document, "Message");
    (void)take_shape(code ? code : json_text_of(document, "__type"), out);
    if (message) {
        take_message(message, len_before_quotation(message), out);
    }
}

void answer_read_error(const struct http_response *response, struct answer_error *out)
{
    json_t *document;

    *out = (struct answer_error){0};
    (void)take_shape(http_header_of(response, "X-Amzn-Errortype"), out);
    if (parse(response, &document, NULL)) {
        take_document(document, out);
        json_decref(document);
    } else {
        take_page(response->body, out);
    }
    (void)take_query_code(http_header_of(response, "x-amzn-query-error"), out);
}

/* --- Success --- */

bool answer_read_body(const struct http_response *response, bool may_be_empty, json_t **out,
                      struct err *err)
{
    if (response->body_len == 0 && may_be_empty) {
        *out = mem_check(json_object());
        return true;
    }
    json_t *body;
    if (!parse(response, &body, err)) {
        return false;
    }
    if (!json_is_object(body)) {
        json_wipe(body);
        json_decref(body);
        return err_set(err, ERR_PARSE, "the answer is no JSON object");
    }
    *out = body;
    return true;
}

const char *answer_request_id(const struct http_response *response)
{
    const char *id = http_header_of(response, "x-amzn-RequestId");

    return id ? id : "";
}
