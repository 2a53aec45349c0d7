#include "uri.h"

#include <stdlib.h>
#include <string.h>

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void encode_byte(struct text *out, char byte, const char *keep)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char c = (unsigned char)byte;

    if (is_unreserved(c) || (c != '\0' && strchr(keep, c))) {
        text_add(out, &byte, 1);
        return;
    }
    text_add(out, (const char[3]){'%', digits[c >> 4], digits[c & 15]}, 3);
}

void uri_encode(struct text *out, const char *bytes, size_t len, const char *keep)
{
    for (size_t i = 0; i < len; i++)
        encode_byte(out, bytes[i], keep);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* The byte that "%XX" at the front stands for, or -1. */
static int escaped_byte(const char *bytes, size_t len)
{
    if (len < 3 || bytes[0] != '%' || hex_value(bytes[1]) < 0 || hex_value(bytes[2]) < 0)
        return -1;
    return hex_value(bytes[1]) * 16 + hex_value(bytes[2]);
}

void uri_encode_again(struct text *out, const char *bytes, size_t len)
{
    size_t taken;
    for (size_t i = 0; i < len; i += taken) {
        int escaped = escaped_byte(bytes + i, len - i);
        taken = escaped >= 0 ? 3 : 1;
        if (escaped >= 0)
            encode_byte(out, (char)escaped, URI_KEEP_NONE);
        else if (bytes[i] == '+')
            text_puts(out, "%20");
        else
            encode_byte(out, bytes[i], URI_KEEP_NONE);
    }
}

/* Takes back the last "/segment" written since `start`. */
static void drop_segment(struct text *out, size_t start)
{
    if (out->failed)
        return;
    size_t len = out->len;
    while (len > start && out->bytes[len - 1] != '/')
        len--;
    text_cut(out, len > start ? len - 1 : start);
}

static void add_segment(struct text *out, size_t start, const char *segment, size_t len)
{
    if (len == 0 || (len == 1 && segment[0] == '.'))
        return;
    if (len == 2 && memcmp(segment, "..", 2) == 0) {
        drop_segment(out, start);
        return;
    }
    text_puts(out, "/");
    uri_encode(out, segment, len, URI_KEEP_NONE);
}

static void add_normalized(struct text *out, const char *path)
{
    size_t start = out->len;
    const char *segment = path;

    for (;;) {
        size_t len = strcspn(segment, "/");
        add_segment(out, start, segment, len);
        if (segment[len] == '\0')
            break;
        segment += len + 1;
    }
    bool ends_with_slash = segment > path && *segment == '\0';
    if (out->len == start || ends_with_slash)
        text_puts(out, "/");
}

void uri_canonical_path(struct text *out, const char *path, bool keep_segments)
{
    if (!keep_segments) {
        add_normalized(out, path);
        return;
    }
    if (path[0] != '/')
        text_puts(out, "/");
    uri_encode(out, path, strlen(path), URI_KEEP_SLASH);
}

bool uri_next_pair(const char **rest, struct uri_pair *pair)
{
    const char *at = *rest;

    if (!at)
        return false;
    size_t len = strcspn(at, "&");
    size_t name_len = strcspn(at, "=&");
    bool has_value = name_len < len;
    *pair = (struct uri_pair){
        .name = at,
        .name_len = name_len,
        .value = has_value ? at + name_len + 1 : at + len,
        .value_len = has_value ? len - name_len - 1 : 0,
    };
    *rest = at[len] == '&' ? at + len + 1 : NULL;
    return true;
}

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_pairs(const void *left, const void *right)
{
    const struct uri_pair *a = left;
    const struct uri_pair *b = right;

    int order = compare_bytes(a->name, a->name_len, b->name, b->name_len);
    return order ? order : compare_bytes(a->value, a->value_len, b->value, b->value_len);
}

static size_t count_pairs(const char *query)
{
    size_t count = 1;
    for (; *query; query++)
        count += *query == '&';
    return count;
}

static void add_sorted(struct text *out, const char *query)
{
    size_t count = count_pairs(query);
    struct uri_pair *pairs = calloc(count, sizeof(*pairs));
    if (!pairs) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        uri_next_pair(&query, &pairs[i]);
    qsort(pairs, count, sizeof(*pairs), compare_pairs);
    for (size_t i = 0; i < count; i++) {
        text_puts(out, i ? "&" : "");
        text_add(out, pairs[i].name, pairs[i].name_len);
        text_puts(out, "=");
        text_add(out, pairs[i].value, pairs[i].value_len);
    }
    free(pairs);
}

void uri_canonical_query(struct text *out, const char *query)
{
    struct text sent = {0};

    if (*query == '\0')
        return;
    uri_encode(&sent, query, strlen(query), URI_KEEP_SENT);
    out->failed |= sent.failed;
    add_sorted(out, text_string(&sent));
    text_done(&sent);
}
