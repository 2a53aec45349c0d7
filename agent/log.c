#include "agent/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 2048
/* Kept free for what closes a line: "...", the quote and brace of JSON, the newline. */
#define TAIL_MAX 8

static struct {
    enum log_level level;
    enum log_style style;
    bool silent;
} setup = {LOG_INFO, LOG_STYLE_TEXT, false};

static const struct {
    const char *text, *json;
    int priority; /* syslog's */
} levels[] = {
    [LOG_ERROR] = {"ERROR", "error", 3},
    [LOG_WARN] = {"WARN ", "warn", 4},
    [LOG_INFO] = {"INFO ", "info", 6},
    [LOG_DEBUG] = {"DEBUG", "debug", 7},
};

/* systemd says in $JOURNAL_STREAM which device and inode its journal's end of standard error has;
 * after a redirection the variable is still there, but not true any more. */
static bool journal_reads(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char actual[64];

    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0) {
        return false;
    }
    (void)snprintf(actual, sizeof(actual), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, actual) == 0;
}

void log_setup(enum log_level level, enum log_format format)
{
    setup.level = level;
    if (format == LOG_JSON) {
        setup.style = LOG_STYLE_JSON;
    } else {
        setup.style = journal_reads() ? LOG_STYLE_JOURNAL : LOG_STYLE_TEXT;
    }
}

void log_silence(void)
{
    setup.silent = true;
}

/* Length of the UTF-8 character at text that may be shown as it is; 0: a control character, or no
 * UTF-8. U+0080 to U+009F steer terminals too. */
static size_t character(const unsigned char *text)
{
    static const struct {
        unsigned char mask, lead;
        size_t len;
        uint32_t least;
    } forms[] = {{0xe0, 0xc0, 2, 0xa0}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

    if (text[0] < 0x80) {
        return text[0] >= 0x20 && text[0] != 0x7f;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if ((text[0] & forms[i].mask) != forms[i].lead) {
            continue;
        }
        uint32_t point = text[0] & (unsigned char)~forms[i].mask;

        for (size_t j = 1; j < forms[i].len; j++) {
            if ((text[j] & 0xc0) != 0x80) {
                return 0;
            }
            point = point << 6 | (text[j] & 0x3f);
        }
        bool surrogate = point >= 0xd800 && point <= 0xdfff;

        return point >= forms[i].least && point <= 0x10ffff && !surrogate ? forms[i].len : 0;
    }
    return 0;
}

/* One character of the message as the style shows it; the number of bytes, and in *used those
 * taken. */
static size_t encode(enum log_style style, const unsigned char *text, char out[8], size_t *used)
{
    size_t len = character(text);

    *used = len > 0 ? len : 1;
    if (style == LOG_STYLE_JSON && len == 1 && (text[0] == '"' || text[0] == '\\')) {
        return (size_t)snprintf(out, 8, "\\%c", text[0]);
    }
    if (len > 0) {
        memcpy(out, text, len);
        return len;
    }
    if (style == LOG_STYLE_JSON) {
        /* A byte that is no UTF-8 becomes U+FFFD: JSON has no way to carry it. */
        return (size_t)snprintf(out, 8, "\\u%04x", text[0] < 0x80 ? text[0] : 0xfffdu);
    }
    return (size_t)snprintf(out, 8, "\\x%02x", text[0]);
}

static size_t add_message(enum log_style style, const char *message, char *out, size_t len)
{
    const unsigned char *text = (const unsigned char *)message;
    char one[8];
    size_t used;

    while (*text != '\0') {
        size_t more = encode(style, text, one, &used);

        if (len + more + TAIL_MAX > LOG_LINE_MAX) {
            memcpy(out + len, "...", 4);
            return len + 3;
        }
        memcpy(out + len, one, more);
        len += more;
        text += used;
    }
    return len;
}

static void format_time(int64_t time_ms, char *out, size_t room)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    char day[32] = "";

    if (gmtime_r(&seconds, &tm) != NULL) {
        (void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    }
    (void)snprintf(out, room, "%s.%03dZ", day, (int)(time_ms % 1000));
}

size_t log_format_line(enum log_style style, enum log_level level, int64_t time_ms,
                       const char *message, char out[LOG_LINE_MAX])
{
    char time[48];
    int len = 0;

    format_time(time_ms, time, sizeof(time));
    switch (style) {
    case LOG_STYLE_TEXT:
        len = snprintf(out, LOG_LINE_MAX, "%s %s ", time, levels[level].text);
        break;
    case LOG_STYLE_JOURNAL:
        len = snprintf(out, LOG_LINE_MAX, "<%d>", levels[level].priority);
        break;
    case LOG_STYLE_JSON:
        len = snprintf(out, LOG_LINE_MAX, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"", time,
                       levels[level].json);
        break;
    }
    size_t end = add_message(style, message, out, (size_t)len);

    if (style == LOG_STYLE_JSON) {
        out[end++] = '"';
        out[end++] = '}';
    }
    out[end++] = '\n';
    return end;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void log_at(enum log_level level, const char *format, ...)
{
    char message[MESSAGE_MAX], line[LOG_LINE_MAX];
    va_list args;

    if (level > setup.level || setup.silent) {
        return;
    }
    va_start(args, format);
    int len = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (len >= (int)sizeof(message)) {
        memcpy(message + sizeof(message) - 4, "...", 4);
    }
    size_t size = log_format_line(setup.style, level, now_ms(), message, line);
    ssize_t written = write(STDERR_FILENO, line, size);

    (void)written; /* there is nowhere to tell it */
}

void log_error_lines(const char *what, const char *lines)
{
    while (*lines) {
        int len = (int)strcspn(lines, "\n");

        log_error("%s%.*s", what, len, lines);
        lines += len + (lines[len] == '\n');
    }
}
