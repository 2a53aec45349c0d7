/*
 * A pool of type prometheus: a page of metrics, fetched at each tick over HTTP, HTTPS or a unix
 * socket.
 *
 * While a page is on its way ticks pass without a number. Which series are read, how restarts are
 * seen: prom_page.h and prom_counter.h.
 */
#pragma once

#include "agent/sample/pool.h"

struct source *prometheus_new(const struct pool_options *options);
