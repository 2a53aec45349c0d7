#include "agent/sample/statsd_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "aws/common/mem.h"

#define RECEIVE_BUFFER_BYTES (4 << 20)
#define UNIX_PREFIX          "unix:"

struct statsd_inbox {
    struct mmsghdr messages[STATSD_BATCH];
    struct iovec parts[STATSD_BATCH];
    char bytes[STATSD_BATCH][STATSD_DATAGRAM_MAX];
};

struct statsd_inbox *statsd_inbox_new(void)
{
    struct statsd_inbox *inbox = mem_alloc(sizeof(*inbox));

    for (int i = 0; i < STATSD_BATCH; i++) {
        inbox->parts[i] =
            (struct iovec){.iov_base = inbox->bytes[i], .iov_len = STATSD_DATAGRAM_MAX};
        inbox->messages[i].msg_hdr = (struct msghdr){.msg_iov = &inbox->parts[i], .msg_iovlen = 1};
    }
    return inbox;
}

void statsd_inbox_free(struct statsd_inbox *inbox)
{
    free(inbox);
}

/* --- opening -------------------------------------------------------------------------------- */

struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* "127.0.0.1:8125" or "[::1]:8125"; the configuration has checked the form. */
static bool parse_inet(const char *listen, struct address *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->storage;
    const char *colon = strrchr(listen, ':');
    char host[64];

    if (!colon || (size_t)(colon - listen) >= sizeof(host)) {
        return false;
    }
    bool brackets = listen[0] == '[' && colon > listen + 1 && colon[-1] == ']';
    const char *from = listen + (brackets ? 1 : 0);
    size_t host_len = (size_t)(colon - from) - (brackets ? 1 : 0);
    in_port_t port = htons((uint16_t)strtoul(colon + 1, NULL, 10));

    memcpy(host, from, host_len);
    host[host_len] = '\0';
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        out->len = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        out->len = sizeof(*v6);
        return true;
    }
    return false;
}

static bool parse_unix(const char *path, struct address *out)
{
    struct sockaddr_un *name = (struct sockaddr_un *)&out->storage;

    if (strlen(path) >= sizeof(name->sun_path)) {
        return false;
    }
    name->sun_family = AF_UNIX;
    memcpy(name->sun_path, path, strlen(path) + 1);
    out->len = sizeof(*name);
    return true;
}

static bool bind_inet(int fd, const struct address *address)
{
    int room = RECEIVE_BUFFER_BYTES;

    /* The kernel gives less where it is set so (net.core.rmem_max): no reason to stop. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    return bind(fd, (const struct sockaddr *)&address->storage, address->len) == 0;
}

/* Does nobody answer at the socket of this name: was it left behind by a process that is gone? */
static bool is_left_behind(const struct address *address, const char *path)
{
    struct stat status;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool left = lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && fd >= 0 &&
                connect(fd, (const struct sockaddr *)&address->storage, address->len) != 0 &&
                errno == ECONNREFUSED;

    if (fd >= 0) {
        close(fd);
    }
    return left;
}

static bool bind_unix(int fd, const struct address *address, const char *path)
{
    if (is_left_behind(address, path)) {
        (void)unlink(path);
    }
    return bind(fd, (const struct sockaddr *)&address->storage, address->len) == 0 &&
           chmod(path, 0660) == 0;
}

bool statsd_socket_open(const char *listen, struct statsd_socket *out, struct err *err)
{
    bool is_unix = strncmp(listen, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    const char *path = is_unix ? listen + strlen(UNIX_PREFIX) : NULL;
    struct address address = {.len = 0};

    if (is_unix ? !parse_unix(path, &address) : !parse_inet(listen, &address)) {
        return err_set(err, ERR_CONFIG, "statsd %s: not an address; accepted: 127.0.0.1:8125",
                       listen);
    }
    int fd = socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_errno(err, errno, "statsd %s", listen);
    }
    if (is_unix ? !bind_unix(fd, &address, path) : !bind_inet(fd, &address)) {
        err_errno(err, errno, "statsd %s", listen);
        close(fd);
        return false;
    }
    *out = (struct statsd_socket){.fd = fd, .path = mem_strdup(path)};
    return true;
}

void statsd_socket_close(struct statsd_socket *socket)
{
    if (socket->path) {
        (void)unlink(socket->path);
        free(socket->path);
        socket->path = NULL;
    }
    close(socket->fd);
    socket->fd = -1;
}

/* --- reading -------------------------------------------------------------------------------- */

int statsd_socket_receive(struct statsd_socket *socket, struct statsd_inbox *inbox,
                          statsd_on_datagram *on_datagram, void *arg)
{
    int count = recvmmsg(socket->fd, inbox->messages, STATSD_BATCH, MSG_DONTWAIT, NULL);

    for (int i = 0; i < count; i++) {
        const struct mmsghdr *message = &inbox->messages[i];

        on_datagram(arg, inbox->bytes[i], message->msg_len,
                    (message->msg_hdr.msg_flags & MSG_TRUNC) != 0);
    }
    return count > 0 ? count : 0;
}

/* The number that SO_RXQ_OVFL sends along with datagrams, asked for instead: then it is known
 * although none follows, and costs nothing for each. */
uint64_t statsd_socket_drops(struct statsd_socket *socket)
{
    uint32_t numbers[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(numbers);

    if (getsockopt(socket->fd, SOL_SOCKET, SO_MEMINFO, numbers, &len) != 0 ||
        len < (SK_MEMINFO_DROPS + 1) * sizeof(numbers[0])) {
        return 0;
    }
    uint32_t added = numbers[SK_MEMINFO_DROPS] - socket->drops; /* it wraps */

    socket->drops = numbers[SK_MEMINFO_DROPS];
    return added;
}
