/*
 * The sockets of StatsD: UDP, and unix datagrams. Many datagrams a system call, none copied,
 * nothing allocated.
 *
 *     statsd_socket_open("127.0.0.1:8125", &socket, &err);
 *     while (statsd_socket_receive(&socket, inbox, on_datagram, self) == STATSD_BATCH) { }
 *     statsd_socket_drops(&socket);
 *     statsd_socket_close(&socket);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/common/err.h"

#define STATSD_DATAGRAM_MAX                                                                        \
    8192 /* clients keep to 1,432 (a network's packet) or 8,192 (a unix socket's) */
#define STATSD_BATCH 64

struct statsd_socket {
    int fd;
    char *path; /* of a unix socket, which is ours to remove; else NULL */
    uint32_t drops;
};

/* Room for one batch, for any number of sockets. */
struct statsd_inbox;
struct statsd_inbox *statsd_inbox_new(void);
void statsd_inbox_free(struct statsd_inbox *inbox);

/* listen: "127.0.0.1:8125", "[::1]:8125" or "unix:/run/poolwarden/statsd.sock". A socket that
 * nobody listens on any more is taken over; group and owner may write to ours. ERR_SYSTEM: it can
 * not be bound. */
PW_CHECK bool statsd_socket_open(const char *listen, struct statsd_socket *out, struct err *err);
void statsd_socket_close(struct statsd_socket *socket);

/* is_cut: it was longer than STATSD_DATAGRAM_MAX. Valid during the call. */
typedef void statsd_on_datagram(void *arg, const char *data, size_t len, bool is_cut);

/* How many there were: fewer than STATSD_BATCH when the socket is empty now. */
int statsd_socket_receive(struct statsd_socket *socket, struct statsd_inbox *inbox,
                          statsd_on_datagram *on_datagram, void *arg);

/* Datagrams that the kernel had no room for since the last call; 0 where it does not tell. */
uint64_t statsd_socket_drops(struct statsd_socket *socket);
