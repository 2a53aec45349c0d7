#include "aws/sts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/common/buf.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/credentials/document.h"
#include "aws/time.h"
#include "sigv4/text.h"
#include "sigv4/uri.h"

#define WORD           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define DURATION_MIN_S 900
#define DURATION_MAX_S 43200
#define FORM_MAX       65536
#define SESSION_MAX    65

/* --- Limits --------------------------------------------------------------------------------- */

static bool fits(const char *text, size_t min, size_t max, const char *letters)
{
    size_t len = strnlen(text, max + 1);

    return len >= min && len <= max && strspn(text, letters) == len;
}

bool sts_role_check(const struct sts_role *role, struct err *err)
{
    if (!fits(role->role_arn, 20, 2048, WORD "+=,.@-/:") ||
        strncmp(role->role_arn, "arn:", 4) != 0) {
        return err_set(
            err, ERR_CONFIG,
            "role_arn is no role's ARN: arn:aws:iam::123456789012:role/NAME is accepted");
    }
    if (role->session_name && !fits(role->session_name, 2, SESSION_MAX - 1, WORD "+=,.@-")) {
        return err_set(err, ERR_CONFIG,
                       "role_session_name: 2 to 64 letters, digits and _+=,.@- are accepted");
    }
    if (role->external_id && !fits(role->external_id, 2, 1224, WORD "+=,.@:/-")) {
        return err_set(err, ERR_CONFIG,
                       "external_id: 2 to 1224 letters, digits and _+=,.@:/- are accepted");
    }
    if (role->duration_s != 0 &&
        (role->duration_s < DURATION_MIN_S || role->duration_s > DURATION_MAX_S)) {
        return err_set(err, ERR_CONFIG, "duration_seconds: %d to %d is accepted", DURATION_MIN_S,
                       DURATION_MAX_S);
    }
    return true;
}

/* --- Sending -------------------------------------------------------------------------------- */

static void add_pair(struct buf *out, const char *name, const char *value)
{
    struct text encoded = {0};

    if (value) {
        uri_encode(&encoded, value, strlen(value), URI_KEEP_NONE);
        buf_printf(out, "&%s=%s", name, text_string(&encoded));
        text_done(&encoded);
    }
}

void sts_write_form(const struct sts_role *role, const char *token, int64_t now_s, struct buf *out)
{
    char session[SESSION_MAX], duration[16];

    (void)snprintf(session, sizeof(session), "poolwarden-%" PRId64, now_s);
    (void)snprintf(duration, sizeof(duration), "%d", role->duration_s);
    buf_printf(out, "Action=%s&Version=2011-06-15",
               token ? "AssumeRoleWithWebIdentity" : "AssumeRole");
    add_pair(out, "RoleArn", role->role_arn);
    add_pair(out, "RoleSessionName", role->session_name ? role->session_name : session);
    add_pair(out, "WebIdentityToken", token);
    add_pair(out, "DurationSeconds", role->duration_s != 0 ? duration : NULL);
    add_pair(out, "ExternalId", token ? NULL : role->external_id);
}

static struct aws_call *send_form(struct aws_client *client, const struct sts_role *role,
                                  const char *token, aws_done *done, void *arg)
{
    struct buf form;

    buf_init_secret(&form, FORM_MAX);
    sts_write_form(role, token, time_now_ms() / 1000, &form);
    const struct aws_request request = {
        .operation = token ? "AssumeRoleWithWebIdentity" : "AssumeRole",
        .body = buf_ok(&form) ? buf_text(&form) : NULL,
        .body_len = form.len,
        .is_unsigned = token != NULL,
    };
    struct aws_call *call = aws_send(client, &request, done, arg);
    buf_done(&form);
    return call;
}

struct aws_call *sts_assume_role(struct aws_client *client, const struct sts_role *role,
                                 aws_done *done, void *arg)
{
    return send_form(client, role, NULL, done, arg);
}

struct aws_call *sts_assume_role_with_web_identity(struct aws_client *client,
                                                   const struct sts_role *role, const char *token,
                                                   aws_done *done, void *arg)
{
    return send_form(client, role, token, done, arg);
}

/* --- The answer ----------------------------------------------------------------------------- */

/* {"<Action>Response": {"<Action>Result": {"Credentials": {...}}}} */
static const json_t *find_credentials(json_t *body)
{
    const char *key;
    json_t *response, *result;

    json_object_foreach(body, key, response)
    {
        json_object_foreach(response, key, result)
        {
            const json_t *found = json_object_get(result, "Credentials");

            if (found) {
                return found;
            }
        }
    }
    return NULL;
}

bool sts_read(const struct aws_answer *answer, struct credentials *out, struct err *err)
{
    const json_t *credentials = find_credentials(answer->body);

    if (!credentials) {
        return err_set(err, ERR_PARSE, "the answer has no Credentials");
    }
    return document_take(credentials, "SessionToken", true, out, err);
}
