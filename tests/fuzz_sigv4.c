/* Any path, query and headers must be signed without a fault, and come out in canonical form. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigv4/sigv4.h"

#define MAX_HEADERS 8

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const struct sigv4_credentials credentials = {"AKIDEXAMPLE", "secret", "to/ken"};
static const struct sigv4_scope scope = {
    .when = 1440938160, .region = "us-east-1", .service = "service"};

/* The input: a flag, then path, query, and headers' names and values, each up to a NUL. */
struct input {
    char *at;
    char *end;
};

static char *next_string(struct input *input)
{
    char *string = input->at;
    if (input->at < input->end)
        input->at += strlen(input->at) + 1;
    return string;
}

static bool has_dot_segment(const char *path, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t dots = strspn(path + i + 1, ".");
        char after = path[i + 1 + dots];
        if (path[i] == '/' && (dots == 1 || dots == 2) && (after == '/' || after == '\n'))
            return true;
    }
    return false;
}

static void check_path(const char *path, size_t len, bool kept)
{
    REQUIRE(path[0] == '/');
    for (size_t i = 0; i < len; i++)
        REQUIRE(path[i] > ' ' && path[i] < 0x7f && path[i] != '?');
    if (kept)
        return;
    REQUIRE(!has_dot_segment(path, len));
    for (size_t i = 1; i < len; i++)
        REQUIRE(path[i] != '/' || path[i - 1] != '/');
}

/* One "=" at least in each pair, nothing that cannot travel, names in order. */
static void check_query(const char *query, size_t len)
{
    const char *previous = NULL;
    size_t previous_len = 0;

    for (size_t i = 0; i < len; i++)
        REQUIRE(query[i] > ' ' && query[i] < 0x7f);
    for (const char *at = query; len > 0 && at <= query + len; at += strcspn(at, "&\n") + 1) {
        size_t name_len = strcspn(at, "=&\n");
        REQUIRE(at[name_len] == '=');
        size_t shorter = name_len < previous_len ? name_len : previous_len;
        int order = previous ? memcmp(previous, at, shorter) : -1;
        REQUIRE(order < 0 || (order == 0 && previous_len <= name_len));
        previous = at;
        previous_len = name_len;
    }
}

static void check(const struct sigv4_result *result, bool kept)
{
    const char *path = strchr(result->canonical_request, '\n') + 1;
    const char *query = strchr(path, '\n') + 1;
    const char *headers = strchr(query, '\n') + 1;

    check_path(path, (size_t)(query - path - 1), kept);
    check_query(query, (size_t)(headers - query - 1));
    REQUIRE(strlen(result->signature) == 64);
    REQUIRE(strspn(result->signature, "0123456789abcdef") == 64);
    REQUIRE(strstr(result->canonical_request, "\nhost:"));
}

static void sign(const struct sigv4_request *request)
{
    struct sigv4_result result;

    REQUIRE(sigv4_sign(request, &credentials, &scope, NULL, &result) == SIGV4_OK);
    check(&result, request->keep_path);
    sigv4_result_done(&result);
}

/* What was presigned is signed once more as it would be sent: the same query must come out. */
static void presign(struct sigv4_request request)
{
    struct sigv4_result first;
    struct sigv4_result second;

    REQUIRE(sigv4_presign(&request, &credentials, &scope, 60, NULL, &first) == SIGV4_OK);
    check(&first, request.keep_path);
    char *signature = strstr(first.query, "&X-Amz-Signature=");
    REQUIRE(signature);
    request.query = first.query;
    REQUIRE(sigv4_presign(&request, &credentials, &scope, 60, NULL, &second) == SIGV4_OK);
    REQUIRE(strncmp(first.query, second.query, strlen(first.query)) == 0);
    sigv4_result_done(&first);
    sigv4_result_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sigv4_header headers[MAX_HEADERS] = {{"Host", "example.amazonaws.com"}};
    size_t header_count = 1;
    char *copy = calloc(size + 2, 1);
    struct input input = {copy + 1, copy + 1 + size};

    REQUIRE(copy);
    if (size > 0)
        memcpy(copy, data, size);
    struct sigv4_request request = {
        .method = "GET",
        .keep_path = copy[0] & 1,
        .path = next_string(&input),
        .query = next_string(&input),
        .body = data,
        .body_len = size,
    };
    while (input.at < input.end && header_count < MAX_HEADERS) {
        const char *name = next_string(&input);
        headers[header_count++] = (struct sigv4_header){name, next_string(&input)};
    }
    request.headers = headers;
    request.header_count = header_count;
    sign(&request);
    presign(request);
    free(copy);
    return 0;
}
