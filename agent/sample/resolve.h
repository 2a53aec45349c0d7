/*
 * Names to addresses without blocking the loop, for libpq's hostaddr.
 *
 * At most two look-ups run at a time in the whole process, because libuv's thread pool must not
 * fill with look-ups that hang; others wait in line, and the deadline counts there too. A look-up
 * that hangs beyond its deadline goes on by itself and keeps its place until it ends.
 *
 *     request = resolve_send(loop, "db.example", 3000, on_resolved, self);
 *     -> on_resolved(self, addresses, NULL) or on_resolved(self, NULL, err), once, later
 */
#pragma once

#include <stddef.h>
#include <uv.h>

#include "aws/common/err.h"

#define RESOLVE_ADDRESSES_MAX 4

/* Numeric, in the order in which they are to be tried. */
struct resolve_addresses {
    size_t count;
    char text[RESOLVE_ADDRESSES_MAX][INET6_ADDRSTRLEN];
};

struct resolve_request;

/* Exactly one of addresses (valid during the call) and err: ERR_NET, ERR_TIMEOUT. */
typedef void resolve_done(void *arg, const struct resolve_addresses *addresses,
                          const struct err *err);

struct resolve_request *resolve_send(uv_loop_t *loop, const char *host, int deadline_ms,
                                     resolve_done *done, void *arg);
void resolve_cancel(struct resolve_request *request); /* NULL is fine */

/* Look-ups that a thread has, abandoned ones too. */
int resolve_running(void);
