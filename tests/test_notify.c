/* What systemd hears, on a real datagram socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/notify.h"

static int listen_at(const char *path, bool abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, path, len);
    if (abstract) {
        address.sun_path[0] = '\0';
    } else {
        unlink(path);
    }
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

static void assert_heard(int fd, const char *expected)
{
    char text[600];
    ssize_t len = recv(fd, text, sizeof(text) - 1, 0);

    assert_true(len > 0);
    text[len] = '\0';
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
}

static void tells_a_socket_in_the_file_system(void **state)
{
    (void)state;
    char path[64];

    snprintf(path, sizeof(path), "/tmp/test_notify.%d", (int)getpid());
    int fd = listen_at(path, false);
    notify_ready("watching 2 databases");
    assert_heard(fd, "READY=1\nSTATUS=watching 2 databases");
    notify_reloading();
    assert_heard(fd, "RELOADING=1\nMONOTONIC_USEC=");
    notify_stopping();
    assert_heard(fd, "STOPPING=1");
    close(fd);
    unlink(path);
}

static void tells_an_abstract_socket(void **state)
{
    (void)state;
    char path[64];

    snprintf(path, sizeof(path), "@test_notify.%d", (int)getpid());
    int fd = listen_at(path, true);
    notify_watchdog();
    assert_heard(fd, "WATCHDOG=1");
    close(fd);
}

static void is_silent_without_a_supervisor(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    notify_ready("nobody hears this");
    assert_int_equal(notify_watchdog_ms(), 0);
}

static void the_watchdog_is_for_one_process(void **state)
{
    (void)state;
    char pid[32];

    setenv("WATCHDOG_USEC", "60000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_ms(), 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_a_socket_in_the_file_system),
        cmocka_unit_test(tells_an_abstract_socket),
        cmocka_unit_test(is_silent_without_a_supervisor),
        cmocka_unit_test(the_watchdog_is_for_one_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
