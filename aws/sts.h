/*
 * The two calls of the Security Token Service that hand out temporary credentials. (AWS STS API
 * reference: AssumeRole, AssumeRoleWithWebIdentity.)
 *
 * A send ends as aws_send() does; sts_read() takes the credentials out of the answer.
 */
#pragma once

#include "aws/common/buf.h"
#include "aws/request.h"

struct sts_role {
    const char *role_arn;
    const char *session_name; /* NULL: "poolwarden-<seconds>" */
    const char *external_id;  /* NULL: none */
    int duration_s;           /* 0: the service's default, an hour */
};

/* Within STS's limits? ERR_CONFIG names the part and what is accepted. */
PW_CHECK bool sts_role_check(const struct sts_role *role, struct err *err);

/* client: of aws_service_sts, with the credentials that assume the role. */
struct aws_call *sts_assume_role(struct aws_client *client, const struct sts_role *role,
                                 aws_done *done, void *arg);

/* Not signed: the token says who asks. The client needs no credentials. */
struct aws_call *sts_assume_role_with_web_identity(struct aws_client *client,
                                                   const struct sts_role *role, const char *token,
                                                   aws_done *done, void *arg);

/* Of either call; out as from document_take(). ERR_PARSE. */
PW_CHECK bool sts_read(const struct aws_answer *answer, struct credentials *out, struct err *err);

/* The form that is posted; token: NULL for AssumeRole. now_s: of the session's name. */
void sts_write_form(const struct sts_role *role, const char *token, int64_t now_s, struct buf *out);
