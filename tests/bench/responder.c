/*
 * A PostgreSQL for a crowd: speaks as much of the protocol as the agent's sessions need, so that
 * hundreds of them can be measured on a machine that PostgreSQL itself would fill.
 *
 *     bench_responder PORT FILE [CERTIFICATE KEY]
 *
 * With a certificate it speaks TLS, and only TLS. At SIGTERM it writes to FILE when sessions came
 * and were sampled, one line each: "c SESSION MICROSECONDS" and "s SESSION MICROSECONDS", by the
 * monotonic clock. Everything is answered at once; sockets take what is written, because answers
 * are small.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/sample/queries.h"
#include "aws/common/mem.h"

#define INPUT_MAX   65536
#define OUTPUT_MAX  65536
#define EVENTS_MAX  64
#define SSL_REQUEST 80877103
#define GSS_REQUEST 80877104
#define OID_TEXT    25

struct session {
    int fd;
    int32_t pid; /* also its number in FILE */
    SSL *tls;
    bool tls_is_up;
    bool started;
    unsigned char in[INPUT_MAX];
    size_t in_len;
    struct buf out;
    unsigned samples;
};

struct moment {
    char what;
    int32_t session;
    int64_t us;
};

static struct moment *moments;
static size_t moment_count, moment_room;
static SSL_CTX *context;
static int32_t last_pid = 1000;
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_responder: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void note(char what, const struct session *session)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (moment_count == moment_room) {
        moment_room = moment_room > 0 ? 2 * moment_room : 4096;
        moments = mem_grow(moments, moment_room, sizeof(*moments));
    }
    moments[moment_count++] = (struct moment){
        what, session->pid, (int64_t)now.tv_sec * 1000000 + (int64_t)now.tv_nsec / 1000};
}

/* --- messages ------------------------------------------------------------------------------- */

static void put_32(struct buf *out, uint32_t value)
{
    uint32_t wire = htonl(value);

    buf_add(out, &wire, sizeof(wire));
}

static void put_16(struct buf *out, unsigned value)
{
    uint16_t wire = htons((uint16_t)value);

    buf_add(out, &wire, sizeof(wire));
}

static void put_text(struct buf *out, const char *text)
{
    buf_add(out, text, strlen(text) + 1);
}

static void put_message(struct buf *out, char type, const struct buf *payload)
{
    buf_putc(out, type);
    put_32(out, (uint32_t)payload->len + 4);
    buf_add(out, buf_text(payload), payload->len);
}

static void put_plain(struct buf *out, char type, const char *payload, size_t len)
{
    buf_putc(out, type);
    put_32(out, (uint32_t)len + 4);
    buf_add(out, payload, len);
}

static void put_columns(struct buf *out, const char *const *names, size_t count)
{
    struct buf payload;

    buf_init(&payload, OUTPUT_MAX);
    put_16(&payload, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        put_text(&payload, names[i]);
        put_32(&payload, 0); /* of no table */
        put_16(&payload, 0);
        put_32(&payload, OID_TEXT);
        put_16(&payload, 0xffff); /* of no fixed size */
        put_32(&payload, 0xffffffff);
        put_16(&payload, 0); /* as text */
    }
    put_message(out, 'T', &payload);
    buf_done(&payload);
}

/* A value that is NULL is SQL's NULL. */
static void put_row(struct buf *out, const char *const *values, size_t count)
{
    struct buf payload;

    buf_init(&payload, OUTPUT_MAX);
    put_16(&payload, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        put_32(&payload, values[i] ? (uint32_t)strlen(values[i]) : 0xffffffff);
        buf_puts(&payload, values[i] ? values[i] : "");
    }
    put_message(out, 'D', &payload);
    buf_done(&payload);
}

static void put_ready(struct buf *out)
{
    put_plain(out, 'Z', "I", 1);
}

static void put_complete(struct buf *out)
{
    put_plain(out, 'C', "SELECT 1", sizeof("SELECT 1"));
}

/* --- answers -------------------------------------------------------------------------------- */

#define X(id, name) name,
static const char *const sample_columns[] = {QUERY_COLUMN_MAP(X)};
#undef X

/* Three states; how many are idle changes from sample to sample, so that no two of a window's
 * values are alike. */
static void put_sample(struct session *session)
{
    static const char *const states[] = {"active", "idle", "idle in transaction"};
    unsigned idle = 20 + (session->samples++ * 7 + (unsigned)session->pid) % 61;
    char connections[16], server_us[16];

    (void)snprintf(server_us, sizeof(server_us), "%u", 100 + idle);
    for (size_t i = 0; i < MEM_COUNT(states); i++) {
        (void)snprintf(connections, sizeof(connections), "%u", i == 1 ? idle : 1);
        const char *const values[QUERY_COLUMN_COUNT] = {
            [QUERY_STATE] = states[i],
            [QUERY_DATABASE_OID] = "5",
            [QUERY_APPLICATION] = "api",
            [QUERY_CONNECTIONS] = connections,
            [QUERY_OWN] = i == 0 ? "1" : "0",
            [QUERY_WAITING_ON_LOCK] = "0",
            [QUERY_LONG_RUNNING] = "0",
            [QUERY_LEAKED] = "0",
            [QUERY_STALE_IDLE] = "0",
            [QUERY_OLDEST_TRANSACTION] = i == 2 ? "1250000" : NULL,
            [QUERY_MAX_CONNECTIONS] = "200",
            [QUERY_RESERVED] = "3",
            [QUERY_PRIVILEGED] = "t",
            [QUERY_IS_REPLICA] = "f",
            [QUERY_SERVER_US] = server_us,
        };
        put_row(&session->out, values, MEM_COUNT(values));
    }
}

static void put_result(struct buf *out, const char *const *values, size_t count)
{
    static const char *const names[] = {"a", "b", "c", "d"};

    put_columns(out, names, count);
    put_row(out, values, count);
    put_complete(out);
}

/* Whatever else is asked gets one row of one text. */
static void answer_query(struct session *session, const char *sql)
{
    char pid[16];

    (void)snprintf(pid, sizeof(pid), "%" PRId32, session->pid);
    const char *const own[] = {pid}, *const none[] = {NULL}, *const yes[] = {"t"};
    const char *const held[] = {"t", "f", "0", pid}, *const database[] = {"5", "postgres"};

    if (strstr(sql, "pg_try_advisory_lock")) {
        put_result(&session->out, yes, 1);
    }
    if (strstr(sql, "pg_locks")) {
        put_result(&session->out, held, 4);
    } else if (strstr(sql, "aurora_db_instance")) {
        put_result(&session->out, none, 1);
    } else if (strstr(sql, "FROM pg_database")) {
        put_result(&session->out, database, 2);
    } else {
        put_result(&session->out, own, 1);
    }
    put_ready(&session->out);
}

/* The answer to the startup packet: whoever comes is welcome. */
static void welcome(struct session *session)
{
    static const char version[] = "server_version\00015.18", encoding[] = "client_encoding\0UTF8";
    struct buf key;

    put_plain(&session->out, 'R', "\0\0\0\0", 4);
    put_plain(&session->out, 'S', version, sizeof(version));
    put_plain(&session->out, 'S', encoding, sizeof(encoding));
    buf_init(&key, 8);
    put_32(&key, (uint32_t)session->pid);
    put_32(&key, 4711);
    put_message(&session->out, 'K', &key);
    buf_done(&key);
    put_ready(&session->out);
    session->started = true;
}

static void answer_message(struct session *session, char type, const char *payload)
{
    switch (type) {
    case 'Q':
        answer_query(session, payload);
        break;
    case 'P':
        put_plain(&session->out, '1', "", 0);
        break;
    case 'B':
        put_plain(&session->out, '2', "", 0);
        break;
    case 'D':
        put_columns(&session->out, sample_columns, MEM_COUNT(sample_columns));
        break;
    case 'E':
        note('s', session);
        put_sample(session);
        put_complete(&session->out);
        break;
    case 'S':
        put_ready(&session->out);
        break;
    default:
        break;
    }
}

/* --- a session ------------------------------------------------------------------------------ */

static void end_session(struct session *session)
{
    SSL_free(session->tls);
    close(session->fd);
    buf_done(&session->out);
    free(session);
}

static bool send_out(struct session *session)
{
    const char *data = buf_text(&session->out);
    int len = (int)session->out.len;

    if (len == 0) {
        return true;
    }
    bool sent =
        (session->tls_is_up ? SSL_write(session->tls, data, len)
                            : (int)send(session->fd, data, (size_t)len, MSG_NOSIGNAL)) == len;
    buf_clear(&session->out);
    return sent;
}

/* Before the protocol proper: TLS is offered or not, Kerberos is not. */
static bool answer_offer(struct session *session, uint32_t code)
{
    bool tls = code == SSL_REQUEST && context != NULL;

    buf_putc(&session->out, tls ? 'S' : 'N');
    if (!send_out(session)) {
        return false;
    }
    if (tls) {
        session->tls = SSL_new(context);
        SSL_set_fd(session->tls, session->fd);
        SSL_set_accept_state(session->tls);
    }
    return true;
}

static uint32_t get_32(const unsigned char *at)
{
    uint32_t wire;

    memcpy(&wire, at, sizeof(wire));
    return ntohl(wire);
}

/* How many bytes of the input were one whole message; 0: it is not there yet; -1: it is none. */
static ptrdiff_t take_message(struct session *session, unsigned char *at, size_t left)
{
    size_t head = session->started ? 1 : 0;

    if (left < head + 4) {
        return 0;
    }
    size_t len = head + get_32(at + head);
    if (len > left) {
        return len > INPUT_MAX ? -1 : 0;
    }
    if (session->started) {
        unsigned char after = at[len]; /* the input has room for one more */

        at[len] = '\0';
        answer_message(session, (char)at[0], (const char *)at + 5);
        at[len] = after;
        return (ptrdiff_t)len;
    }
    uint32_t code = len >= 8 ? get_32(at + 4) : 0;
    if (code == SSL_REQUEST || code == GSS_REQUEST) {
        return answer_offer(session, code) ? (ptrdiff_t)len : -1;
    }
    welcome(session);
    return (ptrdiff_t)len;
}

static bool take_input(struct session *session)
{
    size_t done = 0;
    ptrdiff_t taken;

    while ((taken = take_message(session, session->in + done, session->in_len - done)) > 0) {
        done += (size_t)taken;
    }
    session->in_len -= done;
    memmove(session->in, session->in + done, session->in_len);
    return taken == 0 && send_out(session);
}

/* false: it is over. Until the handshake has ended there is nothing to read. */
static bool shake_hands(struct session *session)
{
    int status = SSL_do_handshake(session->tls);

    if (status == 1) {
        session->tls_is_up = true;
        return true;
    }
    int why = SSL_get_error(session->tls, status);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

/* As much as there is; after the offer of TLS the next bytes are OpenSSL's. */
static ssize_t read_some(struct session *session)
{
    unsigned char *at = session->in + session->in_len;
    size_t room = INPUT_MAX - 1 - session->in_len;
    ssize_t got;

    if (!session->tls) {
        return recv(session->fd, at, room, 0);
    }
    got = SSL_read(session->tls, at, (int)room);
    if (got <= 0) {
        errno = SSL_get_error(session->tls, (int)got) == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
        return -1;
    }
    return got;
}

/* false: it is over. */
static bool serve(struct session *session)
{
    ssize_t got;

    ERR_clear_error();
    if (session->tls && !session->tls_is_up && !shake_hands(session)) {
        return false;
    }
    if (session->tls && !session->tls_is_up) {
        return true;
    }
    while ((got = read_some(session)) > 0) {
        session->in_len += (size_t)got;
        if (!take_input(session)) {
            return false;
        }
        if (session->tls && !session->tls_is_up) {
            return true;
        }
    }
    return got < 0 && errno == EAGAIN;
}

/* --- all of them ---------------------------------------------------------------------------- */

static int listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, 1024) != 0) {
        die(port);
    }
    return fd;
}

static void accept_session(int epoll, int listener)
{
    struct session *session = mem_alloc(sizeof(*session));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
    int on = 1;

    session->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (session->fd < 0) {
        die("accept");
    }
    setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    session->pid = ++last_pid;
    buf_init(&session->out, OUTPUT_MAX);
    note('c', session);
    epoll_ctl(epoll, EPOLL_CTL_ADD, session->fd, &event);
}

static void use_certificate(const char *certificate, const char *key)
{
    context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        die(certificate);
    }
}

static void write_moments(const char *path)
{
    FILE *file = fopen(path, "w");

    if (!file) {
        die(path);
    }
    for (size_t i = 0; i < moment_count; i++) {
        fprintf(file, "%c %" PRId32 " %" PRId64 "\n", moments[i].what, moments[i].session,
                moments[i].us);
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX];
    struct sigaction action = {.sa_handler = on_signal};

    if (argc != 3 && argc != 5) {
        fputs("usage: bench_responder PORT FILE [CERTIFICATE KEY]\n", stderr);
        return 2;
    }
    if (argc == 5) {
        use_certificate(argv[3], argv[4]);
    }
    sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    int listener = listen_on(argv[1]), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    while (!ended) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            struct session *session = events[i].data.ptr;

            if (!session) {
                accept_session(epoll, listener);
            } else if (!serve(session)) {
                end_session(session);
            }
        }
    }
    write_moments(argv[2]);
    return 0;
}
