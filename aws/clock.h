/*
 * The services' clock as seen from this host: how far ours is off, learnt from the Date of their
 * answers. One for all clients, so that what one learns helps the others.
 */
#pragma once

#include <stdint.h>

#include "aws/http.h"

struct aws_clock {
    int64_t offset_ms; /* to be added to the wall clock to have theirs; 0 while they agree */
};

/* The wall clock, corrected. */
int64_t aws_clock_now_ms(const struct aws_clock *clock);

/*
 * Corrects from four minutes on: the services take five, so that no request falls between the two
 * limits; and no more under two, so that at a limit it does not flip from answer to answer. Without
 * TLS an answer can only come from an endpoint set by hand, which is trusted with this.
 */
void aws_clock_learn(struct aws_clock *clock, const struct http_response *response);
