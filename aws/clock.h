/*
 * The services' clock as seen from this host, learnt from the Date of their answers. One for all
 * clients, so that what one learns helps the others.
 *
 * It begins as the host's, and is carried on by a clock that nobody sets: a step of the host's by
 * two minutes or more does not move it, until an answer says that the step was right. Less is
 * followed. A virtual machine that was paused, and set right, is behind until the next answer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aws/http.h"

struct aws_clock {
    bool is_known;    /* an answer has told it */
    int64_t epoch_ms; /* what it showed when time_steady_ms() was 0 */
    /* The first answer: all that it has shown until now was wrong, by so much too early. NULL:
     * nobody asks. */
    void (*on_correction)(void *arg, int64_t correction_ms);
    void *arg;
};

void aws_clock_init(struct aws_clock *clock);

/* To be added to the host's clock to have this one; 0 while they agree. */
int64_t aws_clock_offset_ms(const struct aws_clock *clock);

/* NULL: the host's own. */
int64_t aws_clock_now_ms(const struct aws_clock *clock);

/*
 * Corrects from four minutes on: the services take five, so that no request falls between the two
 * limits; and no more under two, so that at a limit it does not flip from answer to answer. Without
 * TLS an answer can only come from an endpoint set by hand, which is trusted with this.
 */
void aws_clock_learn(struct aws_clock *clock, const struct http_response *response);
