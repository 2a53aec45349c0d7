/*
 * The JSON document in which ECS, EKS and the instance metadata service hand out credentials:
 * AccessKeyId, SecretAccessKey, Token, Expiration; and, from the latter, Code and Message. (AWS:
 * "IAM roles for Amazon EC2", "Task IAM role".)
 */
#pragma once

#include <stddef.h>

#include "aws/credentials/provider.h"

/*
 * Fills out but its source; the caller owns what is inside. ERR_PARSE: not that document;
 * ERR_DENIED: a Code other than Success, told with its Message. No message shows a secret. out is
 * untouched on failure.
 */
PW_CHECK bool document_read(const char *text, size_t len, struct credentials *out, struct err *err);

/* The beginning of what a service said, on one line, fit for an error message. */
#define DOCUMENT_EXCERPT_MAX 200
const char *document_excerpt(const char *text, char out[DOCUMENT_EXCERPT_MAX]);
