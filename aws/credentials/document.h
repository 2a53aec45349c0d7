/*
 * The JSON documents in which credentials are handed out: AccessKeyId, SecretAccessKey, a token,
 * Expiration; and, from the instance metadata service, Code and Message. (AWS: "IAM roles for
 * Amazon EC2", "Task IAM role", "Sourcing credentials with an external process", STS.)
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "aws/credentials/provider.h"

/*
 * Fills out but its source; the caller owns what is inside. token_key: "Token" or "SessionToken";
 * needs_token: temporary credentials are nothing without it. Expiration is a time in ISO 8601 or a
 * number of seconds. ERR_PARSE: something is missing or of another type. No message shows a secret.
 * out is untouched on failure.
 */
PW_CHECK bool document_take(const json_t *document, const char *token_key, bool needs_token,
                            struct credentials *out, struct err *err);

/* The same of the text of ECS, EKS and the metadata service; ERR_DENIED: a Code other than Success,
 * told with its Message. */
PW_CHECK bool document_read(const char *text, size_t len, struct credentials *out, struct err *err);

/* The beginning of what a service said, on one line, fit for an error message. */
#define DOCUMENT_EXCERPT_MAX 200
const char *document_excerpt(const char *text, char out[DOCUMENT_EXCERPT_MAX]);
