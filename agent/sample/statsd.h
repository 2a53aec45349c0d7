/*
 * StatsD datagrams that tell of pools: "<pool>.pool_timeout:1|c" on UDP and unix sockets.
 *
 * A gauge is a reading at the moment it is read, a counter is added up over what is read at once.
 * Beside that each known pool reports PoolTimeout 0 at each tick: the socket was there to be
 * written to, so that silence is a number. Pools of the configuration are known from the start; one
 * that no section names becomes known with its first datagram, when [statsd] database says whose it
 * is, max_pools at most. What can not be used is counted by reason and logged once a minute at
 * most; what the kernel had no room for is published.
 *
 *     .pool_timeout  c  clients that gave up waiting       .busy  g  server connections in use
 *     .waiting       g  clients in the queue               .idle  g  server connections free
 *     .max_wait      g  longest wait in it, seconds        .size  g  most the pool may open
 */
#pragma once

#include <uv.h>

#include "agent/config.h"
#include "agent/sample/source.h"
#include "aws/clock.h"

struct statsd_options {
    uv_loop_t *loop;
    const struct aws_clock *clock; /* borrowed: when a datagram was read */
    const struct config *config;   /* borrowed for the source's life */
    const char *agent_name;        /* the same: whose AgentDatagramsDropped is */
    struct sink sink;
};

/* ERR_SYSTEM: an address can not be bound ("statsd 127.0.0.1:8125: address already in use: ...").
 */
PW_CHECK bool statsd_new(const struct statsd_options *options, struct source **out,
                         struct err *err);

bool statsd_same_sockets(const struct config *a, const struct config *b);

/* After a reload with the same sockets: the pools are those of this configuration, the sockets stay
 * and lose nothing. */
void statsd_rebind(struct source *source, const struct config *config);
