/*
 * Sends StatsD datagrams to a port of this machine, evenly, in bursts of a millisecond each.
 *
 *     bench_sender PORT DATAGRAMS PER-SECOND
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NANOSECONDS 1000000000
#define PAUSE_NS    1000000

static void sleep_until(struct timespec *next)
{
    next->tv_nsec += PAUSE_NS;
    if (next->tv_nsec >= NANOSECONDS) {
        next->tv_nsec -= NANOSECONDS;
        next->tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

int main(int argc, char **argv)
{
    static const char *const texts[] = {"workers.pool_timeout:1|c", "workers.waiting:17|g",
                                        "api.pool_timeout:1|c", "api.busy:8|g"};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct timespec next;

    if (argc != 4) {
        fputs("usage: bench_sender PORT DATAGRAMS PER-SECOND\n", stderr);
        return 2;
    }
    to.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    long count = strtol(argv[2], NULL, 10), burst = strtol(argv[3], NULL, 10) / 1000;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (long i = 0; i < count; i++) {
        const char *text = texts[i % 4];

        (void)sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&to, sizeof(to));
        if (i % burst == burst - 1) {
            sleep_until(&next);
        }
    }
    return 0;
}
