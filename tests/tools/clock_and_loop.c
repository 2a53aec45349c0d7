/*
 * LD_PRELOAD: a wall clock that a test sets, how long each turn of the loop takes, and how many
 * sockets lead to one port at once.
 *
 * All through the file $CLOCK_AND_LOOP, which the test maps too: six int64_t. The test writes the
 * first two: nanoseconds added to the wall clock, and the lowest of PORTS ports whose sockets are
 * counted. It reads the others: the longest turn in wall time and in the agent's own
 * (nanoseconds; without the time for which it was ready to run and others had the processors), how
 * many turns, the most sockets to one of those ports. A turn is what lies between the return from
 * epoll and the next call. A socket counts from connect() to close(), in this process itself: /proc
 * would be read while it changes.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORTS     8
#define FILES_MAX 1024

struct shared {
    int64_t offset_ns;
    int64_t first_port;
    int64_t longest_wall_ns;
    int64_t longest_own_ns;
    int64_t turns;
    int64_t most_sockets;
};

typedef int clock_function(clockid_t, struct timespec *);
typedef int wait_function(int, struct epoll_event *, int, int, const sigset_t *);
typedef int connect_function(int, const struct sockaddr *, socklen_t);
typedef int close_function(int);

static struct shared nobodys;
static struct shared *shared = &nobodys;
static clock_function *real_clock;
static wait_function *real_wait;
static int schedule = -1; /* /proc/.../schedstat of the loop's thread */
static connect_function *real_connect;
static close_function *real_close;
static int port_of[FILES_MAX];     /* 1 is the first that counts; 0: none */
static int64_t open_to[PORTS + 1]; /* sockets; of the loop's thread alone */

static void find(const char *name, void *function)
{
    *(void **)function = dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("CLOCK_AND_LOOP");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd >= 0 ? mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                        : MAP_FAILED;

    find("clock_gettime", &real_clock);
    find("epoll_pwait", &real_wait);
    find("connect", &real_connect);
    find("close", &real_close);
    if (map != MAP_FAILED) {
        shared = map;
    }
    if (fd >= 0) {
        close(fd);
    }
}

static int64_t now_of(clockid_t clock)
{
    struct timespec now;

    real_clock(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    if (!real_clock) {
        find("clock_gettime", &real_clock);
    }
    int status = real_clock(clock, out);
    if (status == 0 && clock == CLOCK_REALTIME && shared->offset_ns != 0) {
        int64_t ns = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec + shared->offset_ns;

        out->tv_sec = ns / 1000000000;
        out->tv_nsec = ns % 1000000000;
    }
    return status;
}

/* How long this thread was ready to run and did not. 0 where the kernel does not count it. */
static int64_t waited_ns(void)
{
    char text[128];

    if (schedule < 0) {
        schedule = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    }
    ssize_t len = pread(schedule, text, sizeof(text) - 1, 0);
    if (len <= 0) {
        return 0;
    }
    text[len] = '\0';
    const char *second = strchr(text, ' ');
    return second ? strtoll(second, NULL, 10) : 0;
}

/* The wall's time, and that without all waiting; both of one moment. */
static int64_t own_now(int64_t *wall_ns)
{
    int64_t waited;

    do {
        waited = waited_ns();
        *wall_ns = now_of(CLOCK_MONOTONIC);
    } while (waited_ns() != waited);
    return *wall_ns - waited;
}

/* libuv calls this one while it blocks no signal. */
int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    return epoll_pwait(epoll, events, count, timeout_ms, NULL);
}

int epoll_pwait(int epoll, struct epoll_event *events, int count, int timeout_ms,
                const sigset_t *mask)
{
    static int64_t wall_ns, own_ns;
    int64_t wall, own = own_now(&wall);

    if (shared->turns++ > 0) {
        if (wall - wall_ns > shared->longest_wall_ns) {
            shared->longest_wall_ns = wall - wall_ns;
        }
        if (own - own_ns > shared->longest_own_ns) {
            shared->longest_own_ns = own - own_ns;
        }
    }
    int status = real_wait(epoll, events, count, timeout_ms, mask);
    own_ns = own_now(&wall_ns);
    return status;
}

static void forget(int file)
{
    if (file >= 0 && file < FILES_MAX && port_of[file] > 0) {
        open_to[port_of[file]]--;
        port_of[file] = 0;
    }
}

static void count(int file, const struct sockaddr *address)
{
    const struct sockaddr_in *internet = (const struct sockaddr_in *)address;
    int64_t port = ntohs(internet->sin_port) - shared->first_port + 1;

    if (port < 1 || port > PORTS || file >= FILES_MAX) {
        return;
    }
    port_of[file] = (int)port;
    if (++open_to[port] > shared->most_sockets) {
        shared->most_sockets = open_to[port];
    }
}

int connect(int file, const struct sockaddr *address, socklen_t length)
{
    if (!real_connect) {
        find("connect", &real_connect);
    }
    if (address->sa_family == AF_INET) {
        forget(file);
        count(file, address);
    }
    return real_connect(file, address, length);
}

int close(int file)
{
    if (!real_close) {
        find("close", &real_close);
    }
    forget(file);
    return real_close(file);
}
