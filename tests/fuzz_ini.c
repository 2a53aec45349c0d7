/* Any bytes as an INI file: every entry handed on has a section, a trimmed key and value, and a
 * line in the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/ini.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static bool is_trimmed(const char *text)
{
    size_t len = strlen(text);

    return len == 0 || (!strchr(" \t", text[0]) && !strchr(" \t\r\n", text[len - 1]));
}

struct seen {
    int line;
    int lines;
};

static void on_entry(void *arg, const struct ini_entry *entry)
{
    struct seen *seen = arg;

    REQUIRE(entry->line > seen->line && entry->line <= seen->lines);
    seen->line = entry->line;
    REQUIRE(is_trimmed(entry->section));
    REQUIRE(!entry->key == !entry->value);
    if (entry->key) {
        REQUIRE(entry->key[0] != '\0' && !strchr(entry->key, '=') && is_trimmed(entry->key));
        REQUIRE(is_trimmed(entry->value));
    } else {
        REQUIRE(entry->section[0] != '\0' && !strchr(entry->section, ']'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ini_dialect dialect = {.inline_comments = size > 0 && (data[0] & 1)};
    struct seen seen = {.lines = 1};
    struct err err = {0};

    for (size_t i = 0; i < size; i++) {
        seen.lines += data[i] == '\n';
    }
    if (!ini_read_bytes("file", (const char *)data, size, &dialect, on_entry, &seen, &err)) {
        REQUIRE(err.code == ERR_PARSE && strncmp(err.message, "file:", 5) == 0);
    }
    return 0;
}
