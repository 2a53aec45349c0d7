/* What a struct sigv4_key_cache holds: for sigv4.c and its test. */
#pragma once

#include "digest.h"
#include "text.h"

struct sigv4_key {
    struct digest_key *hmac;
    struct text derived_from; /* secret, date, region and service, each with its NUL */
};
