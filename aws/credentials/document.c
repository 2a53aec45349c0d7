#include "aws/credentials/document.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <string.h>

#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/time.h"

const char *document_excerpt(const char *text, char out[DOCUMENT_EXCERPT_MAX])
{
    size_t len = strnlen(text, DOCUMENT_EXCERPT_MAX - 1);

    for (size_t i = 0; i < len; i++) {
        out[i] = text[i];
        if (out[i] < ' ' || out[i] > '~') {
            out[i] = ' ';
        }
    }
    out[len] = '\0';
    return out;
}

/* An answer without Code is judged by what else is in it. */
static bool check_code(const json_t *document, struct err *err)
{
    const char *code = json_text_of(document, "Code");
    const char *message = json_text_of(document, "Message");
    char code_excerpt[DOCUMENT_EXCERPT_MAX], message_excerpt[DOCUMENT_EXCERPT_MAX];

    if (!code || strcmp(code, "Success") == 0) {
        return true;
    }
    return err_set(err, ERR_DENIED, "%s: %s", document_excerpt(code, code_excerpt),
                   document_excerpt(message ? message : "no reason given", message_excerpt));
}

static bool read_members(const json_t *document, struct credentials *out, struct err *err)
{
    const char *access_key = json_text_of(document, "AccessKeyId");
    const char *secret_key = json_text_of(document, "SecretAccessKey");
    const char *expiration = json_text_of(document, "Expiration");
    int64_t expires_ms = 0;

    if (!access_key || !secret_key) {
        return err_set(err, ERR_PARSE, "the answer has no %s",
                       access_key ? "SecretAccessKey" : "AccessKeyId");
    }
    if (json_object_get(document, "Expiration") &&
        (!expiration || !time_parse_iso8601(expiration, &expires_ms))) {
        return err_set(err, ERR_PARSE, "the answer's Expiration is not a time");
    }
    struct credentials found = {.access_key = mem_strdup(access_key),
                                .secret_key = mem_strdup(secret_key),
                                .session_token = mem_strdup(json_text_of(document, "Token")),
                                .expires_ms = expires_ms};
    if (!credentials_check(&found, err)) {
        credentials_done(&found);
        return false;
    }
    *out = found;
    return true;
}

/* jansson gives its memory back as it is. */
static void wipe_text(const json_t *document, const char *key)
{
    const json_t *value = json_object_get(document, key);

    if (json_is_string(value)) {
        OPENSSL_cleanse((void *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
}

bool document_read(const char *text, size_t len, struct credentials *out, struct err *err)
{
    json_t *document;

    if (!json_parse(text, len, &document, err)) {
        return false;
    }
    bool read = check_code(document, err) && read_members(document, out, err);
    wipe_text(document, "SecretAccessKey");
    wipe_text(document, "Token");
    json_decref(document);
    return read;
}
