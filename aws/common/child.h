/*
 * Another program, started without a shell and without what is ours.
 *
 * It leads a process group of its own, so that what it starts can be ended with it, inherits no
 * descriptor but those given, and sees the environment but for: POOLWARDEN_*, DATABASE_URL, PG*,
 * AWS's keys and tokens (all of AWS_* unless it speaks to AWS itself), what is named a password or
 * a secret, URLs with a login in them (proxies excepted), and the variables named by whoever starts
 * it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct child {
    char **argv; /* ended by NULL; [0] is looked for in PATH */
    uv_stdio_container_t *stdio;
    int stdio_count;
    uv_exit_cb on_exit;
    bool speaks_to_aws;
    char *const *withheld; /* names of variables that it must not see, too */
    size_t withheld_count;
};

/* As uv_spawn(): 0, or why not; process is to be closed either way. Everything is borrowed until
 * the call returns. */
int child_spawn(uv_loop_t *loop, uv_process_t *process, const struct child *child);
