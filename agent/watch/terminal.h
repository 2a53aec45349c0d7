/*
 * The terminal as --watch uses it: another screen, keys at once and without echo, pictures that
 * never wait. Whatever ends the process, but SIGKILL, the terminal is given back as it was.
 *
 *     if (terminal_is_there()) {
 *         terminal_open(&terminal, loop, on_key, self);
 *         terminal_draw(&terminal, text);          lines with '\n' between them
 *         terminal_leave(&terminal);               as it was, until terminal_enter()
 *         terminal_close(&terminal, on_closed);    -> on_closed(self)
 *     }
 *
 * A terminal that takes nothing (a frozen connection) misses pictures; nothing waits for it. One
 * terminal a process.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "aws/common/buf.h"

typedef void terminal_on_key(void *arg, char key); /* 0: the terminal is gone */
typedef void terminal_closed(void *arg);

struct terminal {
    uv_tty_t out;
    uv_write_t write;
    struct buf picture; /* being written */
    bool writing;
    uv_poll_t keys;
    bool has_keys;
    bool entered;
    size_t open; /* handles that are not closed yet */
    terminal_on_key *on_key;
    terminal_closed *closed;
    void *arg;
};

/* Is standard output one that can show pictures? */
bool terminal_is_there(void);
bool terminal_shows_utf8(void); /* by the environment */

PW_CHECK bool terminal_open(struct terminal *terminal, uv_loop_t *loop, terminal_on_key *on_key,
                            void *arg, struct err *err);
void terminal_enter(struct terminal *terminal);
void terminal_leave(struct terminal *terminal);
void terminal_size(struct terminal *terminal, int *columns, int *rows);
void terminal_draw(struct terminal *terminal, const char *text);
void terminal_close(struct terminal *terminal, terminal_closed *closed);
