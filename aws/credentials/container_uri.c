#include "aws/credentials/container_uri.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "aws/common/mem.h"

/*
 * Only addresses that never leave the host may be given a token in clear. Judged as numbers: text
 * has many spellings.
 */
static bool address_is_local(int family, const char *text)
{
    static const char *const trusted[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "::1"};
    unsigned char address[sizeof(struct in6_addr)] = {0};
    unsigned char other[sizeof(struct in6_addr)] = {0};

    if (inet_pton(family, text, address) != 1) {
        return false;
    }
    for (size_t i = 0; i < MEM_COUNT(trusted); i++) {
        if (inet_pton(family, trusted[i], other) == 1 &&
            memcmp(address, other, sizeof(address)) == 0) {
            return true;
        }
    }
    return family == AF_INET && address[0] == 127;
}

/* As curl gives it: an IPv6 address in brackets, without its zone. */
static bool host_is_local(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(host + 1, "]");

    if (host[0] != '[') {
        return strcasecmp(host, "localhost") == 0 || address_is_local(AF_INET, host);
    }
    if (len >= sizeof(address)) {
        return false;
    }
    memcpy(address, host + 1, len);
    address[len] = '\0';
    return address_is_local(AF_INET6, address);
}

static bool check_parts(CURLU *parts, const char *url, struct err *err)
{
    char *scheme = NULL, *host = NULL, *user = NULL;
    bool good = false;

    if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        err_set(err, ERR_CONFIG, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL");
    } else if (curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        err_set(err, ERR_CONFIG, "AWS_CONTAINER_CREDENTIALS_FULL_URI has a user name in it");
    } else if (strcmp(scheme, "https") == 0 ||
               (strcmp(scheme, "http") == 0 && host_is_local(host))) {
        good = true;
    } else {
        err_set(err, ERR_CONFIG,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to this host, "
                "169.254.170.2, 169.254.170.23 or [fd00:ec2::23], not %.64s://%.200s",
                scheme, host);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    return good;
}

/* Parsed by curl itself, so that the host that is judged is the host that is asked. */
bool container_uri_check(const char *uri, struct err *err)
{
    CURLU *parts = curl_url();
    bool good = parts ? check_parts(parts, uri, err) : err_set(err, ERR_SYSTEM, "curl_url failed");

    curl_url_cleanup(parts);
    return good;
}
