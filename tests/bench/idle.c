/*
 * An idle program that links what the agent links and has loaded the CA bundle for TLS: what the
 * libraries weigh by themselves. Wakes once a second.
 */
#include <curl/curl.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <uv.h>

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

int main(void)
{
    uv_timer_t timer;
    SSL_CTX *context;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    context = SSL_CTX_new(TLS_client_method());
    if (!context || !SSL_CTX_set_default_verify_paths(context) ||
        !SSL_CTX_load_verify_file(context, "/etc/ssl/certs/ca-certificates.crt")) {
        fputs("the CA bundle can not be loaded\n", stderr);
        return 1;
    }
    json_decref(json_object());
    if (PQlibVersion() == 0) {
        return 1;
    }
    uv_timer_init(uv_default_loop(), &timer);
    uv_timer_start(&timer, on_timer, 1000, 1000);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
