#include "agent/notify.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void notify(const char *message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;

    if (len == 0 || len >= sizeof(address.sun_path)) {
        return;
    }
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') {
        address.sun_path[0] =
            '\0'; /* an abstract socket: as long as its name, without a NUL behind it */
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return;
    }
    /* Nothing can be done about a supervisor that does not listen; its own time-out will tell. */
    (void)sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

void notify_ready(const char *status)
{
    char message[512];

    snprintf(message, sizeof(message), "READY=1\nSTATUS=%s", status);
    notify(message);
}

void notify_status(const char *status)
{
    char message[512];

    snprintf(message, sizeof(message), "STATUS=%s", status);
    notify(message);
}

void notify_reloading(void)
{
    struct timespec now;
    char message[64];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    notify(message);
}

void notify_stopping(void)
{
    notify("STOPPING=1");
}

void notify_watchdog(void)
{
    notify("WATCHDOG=1");
}

int notify_watchdog_ms(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    const char *usec = getenv("WATCHDOG_USEC");

    if (!usec || (pid && strtoll(pid, NULL, 10) != getpid())) {
        return 0;
    }
    long long ms = strtoll(usec, NULL, 10) / 2000;
    return ms > 0 && ms < INT_MAX ? (int)ms : 0;
}
