/*
 * The services' clock as seen from this host, learnt from the Date of their answers. One for all
 * clients, so that what one learns helps the others.
 *
 * This host's own clock is followed as long as it agrees with theirs. Once theirs is known it is
 * carried on by a clock that nobody sets: when the host's clock is stepped, this one does not
 * move.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aws/http.h"

struct aws_clock {
    bool is_known;
    int64_t epoch_ms; /* theirs when time_steady_ms() was 0 */
    /* It has become known, and the host's is off by this much: what was stamped until now is wrong
     * by it. NULL: nobody asks. */
    void (*on_correction)(void *arg, int64_t offset_ms);
    void *arg;
};

/* To be added to the host's clock to have theirs; 0 while they agree, or theirs is not known. */
int64_t aws_clock_offset_ms(const struct aws_clock *clock);

/* The host's clock, corrected. NULL: it is not corrected. */
int64_t aws_clock_now_ms(const struct aws_clock *clock);

/*
 * Corrects from four minutes on: the services take five, so that no request falls between the two
 * limits; and no more under two, so that at a limit it does not flip from answer to answer. Without
 * TLS an answer can only come from an endpoint set by hand, which is trusted with this.
 */
void aws_clock_learn(struct aws_clock *clock, const struct http_response *response);
