/* Whom the HTTP client trusts: against a TLS server in a thread, with a certificate made for this
 * run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "aws/http.h"
#include "tests/http_server.h"

#define PATIENCE_MS 10000

static uv_loop_t loop;
static char bundle[] = "/tmp/test_http_tls.XXXXXX";
static char url[64], other_name[64];

/* --- the server ----------------------------------------------------------------------------- */

static SSL_CTX *context;
static int listener;
static pthread_t thread;

/* One request a connection; a client that does not trust us is gone before. */
static void serve(int connection)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    SSL *tls = SSL_new(context);
    char request[4096];

    SSL_set_fd(tls, connection);
    if (SSL_accept(tls) == 1 && SSL_read(tls, request, sizeof(request)) > 0) {
        (void)SSL_write(tls, answer, sizeof(answer) - 1);
        (void)SSL_shutdown(tls);
    }
    SSL_free(tls);
    close(connection);
}

static void *serve_all(void *unused)
{
    int connection;

    while ((connection = accept(listener, NULL, NULL)) >= 0) {
        serve(connection);
    }
    return unused;
}

/* For 127.0.0.1 and no name. */
static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_EXTENSION *addresses =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    int file = mkstemp(bundle);
    FILE *stream = fdopen(file, "w");

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_add_ext(certificate, addresses, -1);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(stream, certificate), 1);
    fclose(stream);
    context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_EXTENSION_free(addresses);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static int start_server(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    (void)state;
    make_certificate();
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", ntohs(address.sin_port));
    snprintf(other_name, sizeof(other_name), "https://localhost:%d/", ntohs(address.sin_port));
    return pthread_create(&thread, NULL, serve_all, NULL);
}

static int stop_server(void **state)
{
    (void)state;
    shutdown(listener, SHUT_RDWR); /* accept() returns */
    pthread_join(thread, NULL);
    close(listener);
    SSL_CTX_free(context);
    return unlink(bundle);
}

/* --- the client ----------------------------------------------------------------------------- */

struct outcome {
    bool over;
    int status;
    bool tls_verified;
    struct err err;
    bool may_have_arrived;
};

static void on_done(void *arg, const struct http_response *response, const struct err *err,
                    bool may_have_arrived)
{
    struct outcome *outcome = arg;

    outcome->over = true;
    outcome->may_have_arrived = may_have_arrived;
    if (response) {
        outcome->status = response->status;
        outcome->tls_verified = response->tls_verified;
    } else {
        outcome->err = *err;
    }
}

static struct outcome post_to(const char *to, const char *ca_bundle)
{
    const struct http_options options = {.ca_bundle = ca_bundle};
    const struct http_request request = {
        .method = "POST", .url = to, .body = "secret", .body_len = 6, .no_proxy = true};
    struct outcome outcome = {0};
    struct http_client *client;
    struct err err;

    uv_loop_init(&loop);
    assert_true(http_client_new(&loop, &options, &client, &err));
    http_send(client, &request, on_done, &outcome);
    assert_true(loop_until(&loop, &outcome.over, PATIENCE_MS));
    http_client_free(client);
    loop_done(&loop);
    return outcome;
}

static void a_server_of_the_bundle_is_trusted(void **state)
{
    struct outcome outcome = post_to(url, bundle);

    (void)state;
    assert_int_equal(outcome.status, 200);
    assert_true(outcome.tls_verified);
}

static void a_server_that_nobody_knows_gets_nothing(void **state)
{
    struct outcome outcome = post_to(url, NULL);

    (void)state;
    assert_int_equal(outcome.err.code, ERR_NET);
    assert_false(outcome.may_have_arrived);
    assert_non_null(strstr(outcome.err.message, "certificate"));
    assert_non_null(strstr(outcome.err.message, "check AWS_CA_BUNDLE"));
}

/* The same server by a name that its certificate does not have. */
static void a_server_of_another_name_gets_nothing(void **state)
{
    struct outcome outcome = post_to(other_name, bundle);

    (void)state;
    assert_int_equal(outcome.err.code, ERR_NET);
    assert_false(outcome.may_have_arrived);
}

static void a_bundle_that_is_none_is_told(void **state)
{
    struct outcome outcome = post_to(url, "/nonexistent/bundle.pem");

    (void)state;
    assert_int_equal(outcome.err.code, ERR_CONFIG);
    assert_false(outcome.may_have_arrived);
    assert_non_null(strstr(outcome.err.message, "/nonexistent/bundle.pem"));
    assert_non_null(strstr(outcome.err.message, "check AWS_CA_BUNDLE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_of_the_bundle_is_trusted),
        cmocka_unit_test(a_server_that_nobody_knows_gets_nothing),
        cmocka_unit_test(a_server_of_another_name_gets_nothing),
        cmocka_unit_test(a_bundle_that_is_none_is_told),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
