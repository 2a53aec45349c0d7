#include "agent/sample/statsd_line.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *statsd_reason_text(enum statsd_reason reason)
{
    static const char *const texts[STATSD_REASON_COUNT] = {
#define X(id, text) [id] = (text),
        STATSD_MAP(X)
#undef X
    };

    return texts[reason];
}

/* What almost every line has; so many digits are exact. */
static bool parse_digits(const char *text, size_t len, double *out)
{
    uint64_t number = 0;

    if (len == 0 || len > 15) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    *out = (double)number;
    return true;
}

/* strtod wants a terminated string and takes more than StatsD does ("inf", "0x10", blanks). */
static bool parse_number(const char *text, size_t len, double *out)
{
    char copy[64];
    char *end;

    if (parse_digits(text, len, out)) {
        return true;
    }
    if (len == 0 || len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (strspn(copy, "0123456789+-.eE") < len) {
        return false;
    }
    *out = strtod(copy, &end);
    return *end == '\0' && end != copy && isfinite(*out);
}

static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '!' || text[i] > '~') {
            return false;
        }
    }
    return len > 0;
}

/* "pool.field": the field is what follows the last dot, so that a pool's name may hold dots. */
static enum statsd_reason split_name(const char *name, size_t len, struct statsd_line *out)
{
    size_t dot = len;

    if (len > STATSD_NAME_MAX || !is_name(name, len)) {
        return STATSD_BAD_NAME;
    }
    while (dot > 0 && name[dot - 1] != '.') {
        dot--;
    }
    if (dot <= 1 || dot == len) {
        return STATSD_NOT_OURS;
    }
    out->pool = name;
    out->pool_len = dot - 1;
    out->field = name + dot;
    out->field_len = len - dot;
    return STATSD_OK;
}

/* The next part up to a '|', which is stepped over. */
static bool next_part(const char **at, const char *end, const char **part, size_t *len)
{
    if (*at > end) {
        return false;
    }
    const char *bar = memchr(*at, '|', (size_t)(end - *at));
    const char *stop = bar ? bar : end;

    *part = *at;
    *len = (size_t)(stop - *at);
    *at = stop + 1;
    return true;
}

/* "@0.1" scales a counter up; "#tag:value" and what else DogStatsD appends says nothing about the
 * number. */
static enum statsd_reason apply_extensions(const char *at, const char *end, struct statsd_line *out)
{
    const char *part;
    size_t len;

    while (next_part(&at, end, &part, &len)) {
        double rate;

        if (len == 0 || part[0] != '@') {
            continue;
        }
        if (!parse_number(part + 1, len - 1, &rate) || rate <= 0 || rate > 1) {
            return STATSD_BAD_RATE;
        }
        if (out->type == 'c') {
            out->value /= rate;
        }
    }
    return isfinite(out->value) ? STATSD_OK : STATSD_BAD_RATE;
}

enum statsd_reason statsd_line_parse(const char *line, size_t len, struct statsd_line *out)
{
    const char *end = line + len;
    const char *colon = memchr(line, ':', len);
    struct statsd_line parsed = {0};
    const char *part;
    size_t part_len;

    if (!colon) {
        return STATSD_NO_VALUE;
    }
    enum statsd_reason reason = split_name(line, (size_t)(colon - line), &parsed);
    if (reason != STATSD_OK) {
        return reason;
    }
    const char *at = colon + 1;
    if (!next_part(&at, end, &part, &part_len) || !parse_number(part, part_len, &parsed.value)) {
        return STATSD_BAD_VALUE;
    }
    parsed.relative = part[0] == '+' || part[0] == '-';
    if (!next_part(&at, end, &part, &part_len) || part_len != 1 ||
        (part[0] != 'c' && part[0] != 'g')) {
        return STATSD_BAD_TYPE;
    }
    parsed.type = part[0];
    reason = apply_extensions(at, end, &parsed);
    if (reason == STATSD_OK) {
        *out = parsed;
    }
    return reason;
}
