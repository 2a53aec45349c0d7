#include "agent/loop.h"

#include <stdio.h>
#include <unistd.h>

#include "agent/sample/resolve.h"

static void count_handle(uv_handle_t *handle, void *arg)
{
    size_t *count = arg;

    (void)handle;
    (*count)++;
}

static bool only_look_ups_are_left(uv_loop_t *loop)
{
    size_t handles = 0;

    if (resolve_running() == 0) {
        return false;
    }
    uv_walk(loop, count_handle, &handles);
    return handles == 0;
}

void loop_run(uv_loop_t *loop)
{
    while (!only_look_ups_are_left(loop) && uv_run(loop, UV_RUN_ONCE) != 0) {
    }
}

void loop_end(uv_loop_t *loop, int status)
{
    if (uv_loop_close(loop) == UV_EBUSY && resolve_running() > 0) {
        fflush(NULL);
        _exit(status);
    }
}
