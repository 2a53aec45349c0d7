/*
 * Which addresses the container provider may ask. (AWS: "Container credential provider".)
 */
#pragma once

#include "aws/common/err.h"

/*
 * AWS_CONTAINER_CREDENTIALS_FULL_URI: any host over https; over http only what never leaves the
 * host - loopback, and the link-local addresses of ECS and EKS - because the answer is a secret and
 * so is the token sent. ERR_CONFIG says what is accepted.
 */
PW_CHECK bool container_uri_check(const char *uri, struct err *err);
