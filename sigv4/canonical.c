#include "canonical.h"

#include <string.h>
#include <strings.h>

#include "uri.h"

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
}

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

    /* Most names differ in their first letter. */
    for (size_t i = 0; i < sizeof(unsigned_names) / sizeof(unsigned_names[0]); i++)
        if (lower(*name) == *unsigned_names[i] && strcasecmp(name, unsigned_names[i]) == 0)
            return false;
    return true;
}

/* A request has few headers: a sort would cost more than their places. */
void canonical_add_header(struct canonical_headers *headers, const char *name, const char *value)
{
    struct canonical_header *at = headers->list + headers->count++;

    for (; at > headers->list && strcasecmp(name, at[-1].name) < 0; at--)
        *at = at[-1];
    *at = (struct canonical_header){name, value};
}

static bool repeats_name(const struct canonical_headers *headers, size_t i)
{
    return i > 0 && strcasecmp(headers->list[i].name, headers->list[i - 1].name) == 0;
}

static void add_mapped(struct text *out, const char *name, char (*map)(char))
{
    size_t from = out->len;

    text_puts(out, name);
    for (size_t i = from; i < out->len; i++)
        out->bytes[i] = map(out->bytes[i]);
}

void canonical_signed_headers(struct text *out, const struct canonical_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (repeats_name(headers, i))
            continue;
        text_puts(out, i ? ";" : "");
        add_mapped(out, headers->list[i].name, lower);
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

/* Visible ASCII, which most values are of, begins no blank. */
static size_t word_len(const char *at)
{
    size_t len = 0;
    while ((at[len] > ' ' && at[len] <= '~') || (at[len] && blank_len(at + len) == 0))
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
            add_mapped(out, headers->list[i].name, lower);
            text_puts(out, ":");
        }
        canonical_value(out, headers->list[i].value);
    }
    text_puts(out, "\n");
}

void canonical_write(struct text *out, const struct canonical_request *request)
{
    add_mapped(out, request->method, upper);
    text_puts(out, "\n");
    uri_canonical_path(out, request->path, request->keep_segments);
    text_puts(out, "\n");
    uri_canonical_query(out, request->query);
    text_puts(out, "\n");
    add_headers(out, &request->headers);
    text_puts(out, "\n");
    text_join(out, request->signed_headers, "\n", NULL);
    canonical_value(out, request->payload_hash);
}
