#include "agent/footprint.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <uv.h>

#define PATH_BYTES 4096

/* libuv's pool looks up names, two at a time at most, and syncs files; each thread would have its
 * own arena. */
void footprint_limit(void)
{
    setenv("UV_THREADPOOL_SIZE", "3", 0);
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Not so when the dynamic loader was told to run us: it takes other arguments than we do. */
static bool find_own_path(const char *called, char *path, size_t bytes)
{
    return called && uv_exepath(path, &bytes) == 0 &&
           strcmp(base_name(called), base_name(path)) == 0;
}

/* glibc keeps up to seven freed pieces of each size (its tcache), and so never gets back the pages
 * on which they lie. No call turns that off, only the environment at the start; which a program
 * with privileges of its own does not get to see. Whoever has set it knows better. */
void footprint_limit_for_long(char **argv)
{
    char path[PATH_BYTES];

    if (getauxval(AT_SECURE) == 0 && !getenv("GLIBC_TUNABLES") &&
        find_own_path(argv[0], path, sizeof(path)) &&
        setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 0) == 0) {
        (void)execv(path, argv);
    }
}
