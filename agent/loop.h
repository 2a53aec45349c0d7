/*
 * The end of a loop, whatever hangs.
 *
 *     loop_run(&loop);               in place of uv_run(&loop, UV_RUN_DEFAULT)
 *     ... print, free ...
 *     loop_end(&loop, status);       the last act
 *
 * A name look-up that hangs in the C library can not be cancelled; libuv waits for it, even in its
 * destructor. Nobody waits for its answer any more when every handle is closed, so neither do we.
 */
#pragma once

#include <uv.h>

/* Returns when nothing is left, or nothing but look-ups. */
void loop_run(uv_loop_t *loop);

/* With a look-up still under way the process ends here, with this status; else returns. */
void loop_end(uv_loop_t *loop, int status);
