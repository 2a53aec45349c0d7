#include "aws/rds_token.h"

#include <stdio.h>
#include <string.h>

#include "aws/common/buf.h"
#include "aws/common/mem.h"
#include "sigv4/sigv4.h"
#include "sigv4/text.h"
#include "sigv4/uri.h"

#define EXPIRES_S 900
#define TOKEN_MAX 32768

/* The Host that is signed, as of a request over HTTPS: in small letters, without its own port. */
static void write_host(const struct rds_token_for *what, char *out, size_t room)
{
    bool is_default = strcmp(what->port, "443") == 0;

    (void)snprintf(out, room, "%s%s%s", what->host, is_default ? "" : ":",
                   is_default ? "" : what->port);
    for (char *c = out; *c; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    }
}

bool rds_token_make(const struct rds_token_for *what, const struct credentials *credentials,
                    int64_t now_ms, char **out, struct err *err)
{
    struct text query = {0};
    struct sigv4_result result;
    struct buf token;
    char host[300];

    write_host(what, host, sizeof(host));
    text_puts(&query, "Action=connect&DBUser=");
    uri_encode(&query, what->user, strlen(what->user), URI_KEEP_NONE);
    const struct sigv4_header header = {"Host", host};
    const struct sigv4_request request = {
        .method = "GET",
        .path = "/",
        .query = text_string(&query),
        .headers = &header,
        .header_count = 1,
    };
    const struct sigv4_credentials keys = {credentials->access_key, credentials->secret_key,
                                           credentials->session_token};
    const struct sigv4_scope scope = {(time_t)(now_ms / 1000), what->region, "rds-db"};
    enum sigv4_status status = sigv4_presign(&request, &keys, &scope, EXPIRES_S, NULL, &result);

    text_done(&query);
    if (status != SIGV4_OK) {
        return err_set(err, ERR_SYSTEM, "signing: %s", sigv4_status_text(status));
    }
    buf_init_secret(&token, TOKEN_MAX);
    buf_printf(&token, "%s:%s/?%s", what->host, what->port, result.query);
    sigv4_result_done(&result);
    bool ok = buf_ok(&token) || err_set(err, ERR_SYSTEM, "the token is too long");
    *out = ok ? mem_strdup(buf_text(&token)) : NULL;
    buf_done(&token);
    return ok;
}
