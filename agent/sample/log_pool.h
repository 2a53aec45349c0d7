/*
 * A pool of type log: counts the lines, of a followed file or of a command's output, that tell of a
 * pool timeout or of a server that could not be reached.
 *
 * One value a tick, 0 when nothing was told; none while there is nothing to read.
 */
#pragma once

#include "agent/sample/pool.h"

struct source *log_pool_new(const struct pool_options *options);
