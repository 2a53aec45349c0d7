#include "aws/credentials/document.h"

#include <stdint.h>
#include <string.h>

#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/time.h"

#define EXPIRATION_MAX_S 1e11 /* about the year 5138 */

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

/* false: neither a time nor a number of seconds. No Expiration at all is 0, never. */
static bool take_expiration(const json_t *document, int64_t *out_ms)
{
    const char *text = json_text_of(document, "Expiration");
    double seconds;

    *out_ms = 0;
    if (text) {
        return time_parse_iso8601(text, out_ms);
    }
    if (!json_number_of(document, "Expiration", &seconds)) {
        const json_t *other = json_object_get(document, "Expiration");

        return !other || json_is_null(other);
    }
    if (!(seconds > 0 && seconds < EXPIRATION_MAX_S)) {
        return false;
    }
    *out_ms = (int64_t)seconds * 1000;
    return true;
}

bool document_take(const json_t *document, const char *token_key, bool needs_token,
                   struct credentials *out, struct err *err)
{
    const char *access_key = json_text_of(document, "AccessKeyId");
    const char *secret_key = json_text_of(document, "SecretAccessKey");
    int64_t expires_ms;

    if (!access_key || !secret_key) {
        return err_set(err, ERR_PARSE, "the answer has no %s",
                       access_key ? "SecretAccessKey" : "AccessKeyId");
    }
    if (!take_expiration(document, &expires_ms)) {
        return err_set(err, ERR_PARSE, "the answer's Expiration is not a time");
    }
    if (needs_token && !json_text_of(document, token_key)) {
        return err_set(err, ERR_PARSE, "the answer has no %s", token_key);
    }
    struct credentials found = {.access_key = mem_strdup(access_key),
                                .secret_key = mem_strdup(secret_key),
                                .session_token = mem_strdup(json_text_of(document, token_key)),
                                .expires_ms = expires_ms};
    if (!credentials_check(&found, err)) {
        credentials_done(&found);
        return false;
    }
    *out = found;
    return true;
}

bool document_read(const char *text, size_t len, struct credentials *out, struct err *err)
{
    json_t *document;

    if (!json_parse(text, len, &document, err)) {
        return false;
    }
    bool read = check_code(document, err) && document_take(document, "Token", true, out, err);
    json_wipe(document);
    json_decref(document);
    return read;
}
