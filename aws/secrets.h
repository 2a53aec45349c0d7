/*
 * Secrets Manager's one call that we make: a secret's current text. (AWS Secrets Manager API
 * reference: GetSecretValue.)
 */
#pragma once

#include "aws/request.h"

/* client: of aws_service_secrets, in the secret's region. id: its ARN or name. As aws_send(). */
struct aws_call *secrets_get_value(struct aws_client *client, const char *id, aws_done *done,
                                   void *arg);

/* The secret's text, borrowed from the answer. ERR_PARSE: there is none (a binary secret). */
PW_CHECK bool secrets_read_value(const struct aws_answer *answer, const char **out,
                                 struct err *err);

/* The region that is named in a secret's ARN (arn:aws:secretsmanager:REGION:...), owned by the
 * caller; NULL: this is a name, or no such ARN. */
char *secrets_region_of(const char *id);
