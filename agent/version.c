#include "agent/version.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <uv.h>
#include <zlib.h>

/* pcre2.h wants to know which width of characters is meant. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "aws/common/mem.h"
#include "commit.h" /* made while building: packaging/commit.cmake */

#define WORD_MAX 64

/* "OpenSSL 3.0.17 1 Jul 2025" and "10.42 2022-12-11": one word of them. */
static void add_word(const char *text, size_t skipped, struct buf *out)
{
    for (; skipped > 0 && *text != '\0'; skipped--) {
        text += strcspn(text, " ");
        text += strspn(text, " ");
    }
    buf_add(out, text, strcspn(text, " "));
}

static void uv_words(struct buf *out)
{
    buf_puts(out, uv_version_string());
}

/* 150018 is 15.18. */
static void pq_words(struct buf *out)
{
    buf_printf(out, "%d.%d", PQlibVersion() / 10000, PQlibVersion() % 10000);
}

static void curl_words(struct buf *out)
{
    buf_puts(out, curl_version_info(CURLVERSION_NOW)->version);
}

static void openssl_words(struct buf *out)
{
    add_word(OpenSSL_version(OPENSSL_VERSION), 1, out);
}

static void jansson_words(struct buf *out)
{
    buf_puts(out, jansson_version_str());
}

static void pcre2_words(struct buf *out)
{
    char text[WORD_MAX] = "";

    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) <= (int)sizeof(text)) {
        (void)pcre2_config(PCRE2_CONFIG_VERSION, text);
    }
    add_word(text, 0, out);
}

static void zlib_words(struct buf *out)
{
    buf_puts(out, zlibVersion());
}

static const struct library {
    const char *name;
    void (*words)(struct buf *out);
} libraries[] = {
    {"libuv", uv_words},        {"libpq", pq_words},        {"libcurl", curl_words},
    {"OpenSSL", openssl_words}, {"jansson", jansson_words}, {"pcre2", pcre2_words},
    {"zlib", zlib_words},
};

void version_text(struct buf *out)
{
    buf_puts(out, "poolwarden " POOLWARDEN_VERSION " (commit " POOLWARDEN_COMMIT ")\n");
    for (size_t i = 0; i < MEM_COUNT(libraries); i++) {
        buf_printf(out, "%s%s ", i > 0 ? ", " : "", libraries[i].name);
        libraries[i].words(out);
    }
    buf_putc(out, '\n');
}

void version_json(struct buf *out)
{
    json_t *told = json_object();

    for (size_t i = 0; i < MEM_COUNT(libraries); i++) {
        struct buf words;

        buf_init(&words, WORD_MAX);
        libraries[i].words(&words);
        json_object_set_new(told, libraries[i].name, json_string(buf_text(&words)));
        buf_done(&words);
    }
    json_t *document = json_pack("{s:s, s:s, s:o}", "version", POOLWARDEN_VERSION, "commit",
                                 POOLWARDEN_COMMIT, "libraries", told);
    char *text = mem_check(json_dumps(document, JSON_INDENT(2)));

    buf_puts(out, text);
    buf_putc(out, '\n');
    free(text);
    json_decref(document);
}
