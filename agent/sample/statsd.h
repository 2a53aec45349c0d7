/*
 * StatsD datagrams that tell of pools: "<pool>.pool_timeout:1|c" on a loopback UDP socket.
 *
 * Configured pools (type = statsd) report PoolTimeout at each tick, 0 when nothing came: the socket was read, so that silence is a
 * number. Pools that no section names appear with their first datagram, when [statsd] database says whose they are,
 * max_pools at most. What can not be used is counted by reason and logged once a minute at most.
 */
#pragma once

#include <uv.h>

#include "agent/config.h"
#include "agent/sample/source.h"

struct statsd_options {
    uv_loop_t *loop;
    const struct config *config; /* borrowed for the source's life */
    struct sink sink;
};

/* ERR_SYSTEM: the address can not be bound ("statsd 127.0.0.1:8125: address already in use: ..."). */
PW_CHECK bool statsd_new(const struct statsd_options *options, struct source **out,
                         struct err *err);
