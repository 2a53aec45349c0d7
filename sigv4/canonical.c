#include "canonical.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "uri.h"

bool canonical_is_signed(const char *name)
{
    static const char *const unsigned_names[] = {
        "authorization",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    };

    for (size_t i = 0; i < sizeof(unsigned_names) / sizeof(unsigned_names[0]); i++)
        if (strcasecmp(name, unsigned_names[i]) == 0)
            return false;
    return true;
}

static int compare_headers(const void *left, const void *right)
{
    const struct canonical_header *a = left;
    const struct canonical_header *b = right;

    int order = strcasecmp(a->name, b->name);
    return order ? order : (a->position > b->position) - (a->position < b->position);
}

void canonical_sort_headers(struct canonical_headers *headers)
{
    qsort(headers->list, headers->count, sizeof(*headers->list), compare_headers);
}

static bool repeats_name(const struct canonical_headers *headers, size_t i)
{
    return i > 0 && strcasecmp(headers->list[i].name, headers->list[i - 1].name) == 0;
}

static void add_mapped(struct text *out, const char *name, int (*map)(int))
{
    size_t from = out->len;

    text_puts(out, name);
    for (size_t i = from; i < out->len; i++)
        out->bytes[i] = (char)map((unsigned char)out->bytes[i]);
}

void canonical_signed_headers(struct text *out, const struct canonical_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (repeats_name(headers, i))
            continue;
        text_puts(out, i ? ";" : "");
        add_mapped(out, headers->list[i].name, tolower);
    }
}

/* The length of the blank at the front, 0 when there is none: what Python's str.split() takes for
 * one. */
static size_t blank_len(const char *at)
{
    static const char *const wide[] = {
        "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
        "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
        "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
    };

    if ((unsigned char)*at < 0x80)
        return *at == ' ' || (*at >= '\t' && *at <= '\r') || (*at >= 0x1c && *at <= 0x1f);
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        if (strncmp(at, wide[i], strlen(wide[i])) == 0)
            return strlen(wide[i]);
    return 0;
}

static const char *skip_blanks(const char *at)
{
    for (size_t len = blank_len(at); len > 0; len = blank_len(at))
        at += len;
    return at;
}

static size_t word_len(const char *at)
{
    size_t len = 0;
    while (at[len] && blank_len(at + len) == 0)
        len++;
    return len;
}

void canonical_value(struct text *out, const char *value)
{
    const char *between = "";

    for (value = skip_blanks(value); *value; value = skip_blanks(value)) {
        size_t len = word_len(value);
        text_puts(out, between);
        text_add(out, value, len);
        value += len;
        between = " ";
    }
}

/* One line a name: "name:value,value of the same name again\n". */
static void add_headers(struct text *out, const struct canonical_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (repeats_name(headers, i)) {
            text_puts(out, ",");
        } else {
            text_puts(out, i ? "\n" : "");
            add_mapped(out, headers->list[i].name, tolower);
            text_puts(out, ":");
        }
        canonical_value(out, headers->list[i].value);
    }
    text_puts(out, "\n");
}

void canonical_write(struct text *out, const struct canonical_request *request)
{
    add_mapped(out, request->method, toupper);
    text_puts(out, "\n");
    uri_canonical_path(out, request->path, request->keep_segments);
    text_puts(out, "\n");
    uri_canonical_query(out, request->query);
    text_puts(out, "\n");
    add_headers(out, &request->headers);
    text_puts(out, "\n");
    text_printf(out, "%s\n%s", request->signed_headers, request->payload_hash);
}
