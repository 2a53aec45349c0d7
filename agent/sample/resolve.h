/*
 * Names to addresses without blocking the loop, for libpq's hostaddr.
 *
 * At most two look-ups run at a time in the whole process (libuv's thread pool must not fill with look-ups that hang); others wait
 * in line. The deadline is the caller's: after resolve_cancel() no callback comes, a look-up that hangs goes on by itself.
 */
#pragma once

#include <uv.h>

#include "aws/common/err.h"

struct resolve_request;

/* address: numeric, valid during the call; or err. */
typedef void resolve_done(void *arg, const char *address, const struct err *err);

struct resolve_request *resolve_send(uv_loop_t *loop, const char *host, resolve_done *done,
                                     void *arg);
void resolve_cancel(struct resolve_request *request);
