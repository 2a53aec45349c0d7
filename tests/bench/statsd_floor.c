/*
 * The least that StatsD costs: a recvmmsg loop with the agent's own parser, and nothing behind it.
 *
 *     bench_statsd_floor PORT
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/sample/statsd_line.h"
#include "agent/sample/statsd_socket.h"

static uint64_t parsed;

static void on_datagram(void *arg, const char *data, size_t len, bool is_cut)
{
    struct statsd_line line;

    (void)arg;
    (void)is_cut;
    parsed += statsd_line_parse(data, len, &line) == STATSD_OK;
}

int main(int argc, char **argv)
{
    struct statsd_inbox *inbox = statsd_inbox_new();
    struct statsd_socket socket;
    struct err err;
    char address[32];

    if (argc != 2) {
        fputs("usage: bench_statsd_floor PORT\n", stderr);
        return 2;
    }
    (void)snprintf(address, sizeof(address), "127.0.0.1:%s", argv[1]);
    if (!statsd_socket_open(address, &socket, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    struct pollfd readable = {.fd = socket.fd, .events = POLLIN};
    while (poll(&readable, 1, -1) > 0) {
        while (statsd_socket_receive(&socket, inbox, on_datagram, NULL) == STATSD_BATCH) {
        }
    }
    return 1;
}
