/*
 * What a session logs in with: user and password as the URL has them, or a password from a file,
 * from Secrets Manager, or made for the moment by RDS IAM authentication.
 *
 *     login_init(&login, &options);
 *     login_get(&login, on_login);              -> on_login(self, &credentials, err)
 *     if (login_refused(&login)) ...            the server did not take it; worth another try now?
 *     login_cancel(&login);
 *     login_done(&login, on_closed);
 *
 * Nothing has to be restarted when a password rotates: a file is read at each get, a token made at
 * each get, a secret fetched again after the server has refused what it held. login_get() ends in
 * exactly one callback, later, within LOGIN_DEADLINE_MS; in none after login_cancel().
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "agent/config.h"
#include "aws/request.h"

#define LOGIN_DEADLINE_MS 10000

/* user: NULL for the URL's. Valid during the call only. */
typedef void login_got(void *arg, const char *user, const char *password, const struct err *err);
typedef void login_closed(void *arg);

struct login_options {
    uv_loop_t *loop;
    const struct config_database *database; /* borrowed; may be replaced */
    const struct aws_access *aws;           /* NULL: neither secrets nor IAM */
    void *arg;                              /* of every callback */
};

struct login {
    struct login_options options;
    uv_timer_t timer; /* the first turn, then the deadline */
    struct aws_client *client;
    struct credentials_waiter *waiter;
    char *user, *password; /* of the secret; NULL: to be fetched */
    bool is_fresh;         /* the secret was fetched for this very attempt */
    login_got *got;
    login_closed *closed;
};

void login_init(struct login *login, const struct login_options *options);
void login_get(struct login *login, login_got *got);
void login_cancel(struct login *login);

/* The server said that this is no login (28P01, 28000). true: what was used had been kept, and the
 * next get brings another. */
bool login_refused(struct login *login);

/* What a person can do then; NULL: what the server's answer suggests. */
const char *login_advice(const struct login *login);

void login_done(struct login *login, login_closed *closed);
