#include "aws/common/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aws/common/buf.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct reader {
    const char *name; /* of the file, for messages */
    const struct ini_dialect *dialect;
    ini_on_entry *on_entry;
    void *arg;
    int line;
    bool lost;     /* behind a bad section line: nobody knows where entries belong */
    size_t indent; /* blanks before the last entry that was not indented more than the one above */
    char section[INI_LINE_MAX + 1];
    char text[INI_LINE_MAX + 1]; /* the line, cut up in place */
    struct buf mistakes;
};

static void mistake(struct reader *reader, const char *what)
{
    buf_printf(&reader->mistakes, "%s%s:%d: %s", reader->mistakes.len > 0 ? "; " : "", reader->name,
               reader->line, what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_comment(const char *text)
{
    return *text == ';' || *text == '#';
}

static char *trim(char *text)
{
    while (is_blank(*text)) {
        text++;
    }
    size_t len = strlen(text);
    while (len > 0 && is_blank(text[len - 1])) {
        len--;
    }
    text[len] = '\0';
    return text;
}

static void cut_comment(char *text)
{
    for (; *text; text++) {
        if (is_blank(text[0]) && is_comment(text + 1)) {
            *text = '\0';
            return;
        }
    }
}

/* "[name]" at text. */
static void read_section(struct reader *reader, char *text)
{
    char *end = strchr(text, ']');

    reader->lost = true;
    const char *rest = end ? end + 1 : text;

    while (is_blank(*rest)) {
        rest++;
    }
    if (!end || (*rest != '\0' && !is_comment(rest))) {
        mistake(reader, end ? "something follows the section's ']'" : "the section has no ']'");
        return;
    }
    *end = '\0';
    const char *name = trim(text + 1);
    if (*name == '\0') {
        mistake(reader, "the section has no name");
        return;
    }
    reader->lost = false;
    reader->indent = SIZE_MAX;
    memcpy(reader->section, name, strlen(name) + 1);
    const struct ini_entry entry = {.section = reader->section, .line = reader->line};
    reader->on_entry(reader->arg, &entry);
}

/* "key = value" at text, behind so many blanks. */
static void read_entry(struct reader *reader, char *text, size_t indent)
{
    char *equals = strpbrk(text, reader->dialect->python ? "=:" : "=");
    bool is_indented = indent > reader->indent;

    if (!equals && reader->dialect->python && is_indented) {
        return;
    }
    if (!equals) {
        mistake(reader, "neither [section] nor key = value");
        return;
    }
    *equals = '\0';
    const struct ini_entry entry = {
        .section = reader->section,
        .key = trim(text),
        .value = trim(equals + 1),
        .line = reader->line,
        .is_indented = is_indented,
    };
    reader->indent = is_indented ? reader->indent : indent;
    if (entry.key[0] == '\0') {
        mistake(reader, "no key stands before the '='");
    } else if (!reader->lost) {
        reader->on_entry(reader->arg, &entry);
    }
}

/* Old line ends (CR alone) would make one comment of a whole file, and a NUL would hide what
 * follows it. */
static bool has_control(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static void read_line(struct reader *reader, const char *line, size_t len)
{
    reader->line++;
    if (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    if (len > INI_LINE_MAX) {
        char what[64];

        (void)snprintf(what, sizeof(what), "line longer than %d characters", INI_LINE_MAX);
        mistake(reader, what);
        return;
    }
    if (has_control(line, len)) {
        mistake(reader, "a NUL or another control character");
        return;
    }
    memcpy(reader->text, line, len);
    reader->text[len] = '\0';
    if (reader->dialect->inline_comments) {
        cut_comment(reader->text);
    }
    char *text = trim(reader->text);
    if (*text == '[') {
        read_section(reader, text);
    } else if (*text != '\0' && !is_comment(text)) {
        read_entry(reader, text, (size_t)(text - reader->text));
    }
}

static void read_lines(struct reader *reader, const char *bytes, size_t len)
{
    const char *end = bytes + len;

    if (len >= strlen(BYTE_ORDER_MARK) &&
        memcmp(bytes, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
        bytes += strlen(BYTE_ORDER_MARK);
    }
    while (bytes < end) {
        const char *line_end = memchr(bytes, '\n', (size_t)(end - bytes));

        if (!line_end) {
            line_end = end;
        }
        read_line(reader, bytes, (size_t)(line_end - bytes));
        bytes = line_end + 1;
    }
}

bool ini_read_bytes(const char *name, const char *bytes, size_t len,
                    const struct ini_dialect *dialect, ini_on_entry *on_entry, void *arg,
                    struct err *err)
{
    struct reader reader = {
        .name = name, .dialect = dialect, .on_entry = on_entry, .arg = arg, .indent = SIZE_MAX};
    bool ok;

    if (len > INI_FILE_MAX) {
        return err_set(err, ERR_PARSE, "%s: larger than %zu bytes", name, INI_FILE_MAX);
    }
    buf_init(&reader.mistakes, (size_t)2 * ERR_MESSAGE_MAX);
    read_lines(&reader, bytes, len);
    ok = reader.mistakes.len == 0;
    if (!ok) {
        err_set(err, ERR_PARSE, "%s%s", buf_text(&reader.mistakes),
                buf_ok(&reader.mistakes) ? "" : "; ...");
    }
    buf_done(&reader.mistakes);
    OPENSSL_cleanse(reader.text, sizeof(reader.text));
    return ok;
}

bool ini_read_text(const char *name, const char *text, const struct ini_dialect *dialect,
                   ini_on_entry *on_entry, void *arg, struct err *err)
{
    return ini_read_bytes(name, text, strlen(text), dialect, on_entry, arg, err);
}

/* Up to the file's end, or one byte more than is allowed. */
static bool read_whole(int file, struct buf *content)
{
    char chunk[16384];
    ssize_t len;

    do {
        len = read(file, chunk, sizeof(chunk));
        if (len > 0) {
            buf_add(content, chunk, (size_t)len);
        }
    } while (buf_ok(content) && (len > 0 || (len < 0 && errno == EINTR)));
    OPENSSL_cleanse(chunk, sizeof(chunk));
    return len >= 0;
}

bool ini_read_file(const char *path, const struct ini_dialect *dialect, ini_on_entry *on_entry,
                   void *arg, struct err *err)
{
    struct buf content;
    bool ok;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0) {
        if (errno == ENOENT) {
            return err_set(err, ERR_ABSENT, "%s: no such file", path);
        }
        return err_errno(err, errno, "%s", path);
    }
    buf_init_secret(&content, INI_FILE_MAX);
    if (!read_whole(file, &content)) {
        ok = err_errno(err, errno, "%s", path);
    } else if (!buf_ok(&content)) {
        ok = err_set(err, ERR_PARSE, "%s: larger than %zu bytes", path, INI_FILE_MAX);
    } else {
        ok = ini_read_bytes(path, buf_text(&content), content.len, dialect, on_entry, arg, err);
    }
    close(file);
    buf_done(&content);
    return ok;
}
