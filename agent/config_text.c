/* The checks of config_value.h for texts: what AWS takes as a name, an address, a path. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config_value.h"
#include "aws/common/mem.h"
#include "aws/region.h"

/* Limits of PutMetricData, PutMetricAlarm and TagResource. */
#define NAMESPACE_MAX       255
#define DIMENSION_NAME_MAX  255
#define DIMENSION_VALUE_MAX 1024
#define ARN_MAX             1024
#define TAG_NAME_MAX        128
#define TAG_VALUE_MAX       256
/* Ours: room in an alarm's name, and what a StatsD line can carry. */
#define NAME_MAX_LEN 200
#define PREFIX_MAX   100
/* A unix socket's name has room for so many. */
#define UNIX_PATH_MAX_LEN 107

static bool check_length(const char *text, size_t max, struct err *err)
{
    if (text[0] == '\0') {
        return err_set(err, ERR_CONFIG, "is empty");
    }
    return strlen(text) <= max || err_set(err, ERR_CONFIG, "is longer than %zu characters", max);
}

/* Printable ASCII with something in it that can be seen. */
static bool check_ascii(const char *text, size_t max, struct err *err)
{
    if (!check_length(text, max, err)) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            return err_set(err, ERR_CONFIG, "has a character that is not printable ASCII");
        }
    }
    return text[strspn(text, " ")] != '\0' || err_set(err, ERR_CONFIG, "is blank");
}

bool value_check_namespace(const char *text, struct err *err)
{
    if (!check_ascii(text, NAMESPACE_MAX, err)) {
        return false;
    }
    if (text[0] == ':') {
        return err_set(err, ERR_CONFIG, "starts with a colon");
    }
    return strncmp(text, "AWS/", 4) != 0 ||
           err_set(err, ERR_CONFIG, "starts with AWS/, which is Amazon's own");
}

bool value_check_region(const char *text, struct err *err)
{
    return region_valid(text) || err_set(err, ERR_CONFIG, "is no region's name");
}

bool value_check_identifier(const char *text, struct err *err)
{
    return check_ascii(text, DIMENSION_VALUE_MAX, err);
}

bool value_check_name(const char *text, struct err *err)
{
    static const char taken[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";

    if (!check_length(text, NAME_MAX_LEN, err)) {
        return false;
    }
    return text[strspn(text, taken)] == '\0' ||
           err_set(err, ERR_CONFIG, "has a character that a name can not have");
}

bool value_check_path(const char *text, struct err *err)
{
    return text[0] == '/' || err_set(err, ERR_CONFIG, "is no absolute path");
}

bool value_check_http_url(const char *text, struct err *err)
{
    const char *host = strncmp(text, "https://", 8) == 0  ? text + 8
                       : strncmp(text, "http://", 7) == 0 ? text + 7
                                                          : "";

    if (!check_ascii(text, 1024, err)) {
        return false;
    }
    if (host[0] == '\0' || host[0] == '/') {
        return err_set(err, ERR_CONFIG, "is no http:// or https:// address");
    }
    return strpbrk(host, "@? #") == NULL ||
           err_set(err, ERR_CONFIG, "has more than a scheme, a host, a port and a path");
}

bool value_check_arn(const char *text, struct err *err)
{
    if (!check_ascii(text, ARN_MAX, err)) {
        return false;
    }
    return strncmp(text, "arn:", 4) == 0 || err_set(err, ERR_CONFIG, "has an item that is no ARN");
}

bool value_check_role(const char *text, struct err *err)
{
    return check_ascii(text, ARN_MAX, err) &&
           ((strncmp(text, "arn:", 4) == 0 && strstr(text, ":role/") != NULL) ||
            err_set(err, ERR_CONFIG, "is no role's ARN"));
}

bool value_check_secret(const char *text, struct err *err)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+=.@:!-";
    size_t len = strlen(text);

    return (len >= 1 && len <= ARN_MAX && strspn(text, letters) == len) ||
           err_set(err, ERR_CONFIG, "is no secret's ARN or name");
}

bool value_check_alarm_text(const char *text, struct err *err)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return err_set(err, ERR_CONFIG, "has a control character");
        }
    }
    return strlen(text) <= PREFIX_MAX ||
           err_set(err, ERR_CONFIG, "is longer than %d characters", PREFIX_MAX);
}

bool value_check_dimension(const char *name, const char *value, struct err *err)
{
    static const char *const ours[] = {"DBInstanceIdentifier", "Pool",  "DatabaseName",
                                       "ApplicationName",      "State", "Agent"};

    for (size_t i = 0; i < MEM_COUNT(ours); i++) {
        if (strcmp(ours[i], name) == 0) {
            return err_set(err, ERR_CONFIG, "would replace a dimension that is set already");
        }
    }
    if (name[0] == ':') {
        return err_set(err, ERR_CONFIG, "belongs to a name that starts with a colon");
    }
    if (!check_ascii(name, DIMENSION_NAME_MAX, NULL)) {
        return err_set(err, ERR_CONFIG, "belongs to a name that is not 1 to %d printable ASCII",
                       DIMENSION_NAME_MAX);
    }
    return check_ascii(value, DIMENSION_VALUE_MAX, err);
}

bool value_check_tag(const char *name, const char *value, struct err *err)
{
    if (strcmp(name, "managed-by") == 0 || strcmp(name, "poolwarden") == 0) {
        return err_set(err, ERR_CONFIG, "would replace a tag that says whose the alarm is");
    }
    if (strncmp(name, "aws:", 4) == 0) {
        return err_set(err, ERR_CONFIG, "belongs to a name that starts with aws:");
    }
    if (!check_ascii(name, TAG_NAME_MAX, NULL)) {
        return err_set(err, ERR_CONFIG, "belongs to a name that is not 1 to %d printable ASCII",
                       TAG_NAME_MAX);
    }
    return value[0] == '\0' || check_ascii(value, TAG_VALUE_MAX, err);
}

/* "127.0.0.1:8125" or "[::1]:8125". */
static bool split_listen(const char *text, char *host, size_t room, const char **port)
{
    bool brackets = text[0] == '[';
    const char *end = brackets ? strchr(text, ']') : strrchr(text, ':');
    const char *start = text + (brackets ? 1 : 0);

    if (end == NULL || (size_t)(end - start) >= room) {
        return false;
    }
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    end += brackets ? 1 : 0;
    *port = end + 1;
    return *end == ':';
}

bool value_check_listen(const char *text, struct err *err)
{
    unsigned char address[sizeof(struct in6_addr)];
    char host[INET6_ADDRSTRLEN];
    const char *port;

    if (strncmp(text, "unix:", 5) == 0) {
        return (text[5] == '/' && strlen(text + 5) <= UNIX_PATH_MAX_LEN) ||
               err_set(err, ERR_CONFIG,
                       "has a path that does not start with / or is longer than %d",
                       UNIX_PATH_MAX_LEN);
    }
    if (!split_listen(text, host, sizeof(host), &port) ||
        inet_pton(text[0] == '[' ? AF_INET6 : AF_INET, host, address) != 1) {
        return err_set(err, ERR_CONFIG, "is no numeric address with a port");
    }
    size_t len = strlen(port);
    long number = strtol(port, NULL, 10);

    return (len > 0 && len <= 5 && strspn(port, "0123456789") == len && number >= 1 &&
            number <= 65535) ||
           err_set(err, ERR_CONFIG, "has a port that is not 1 to 65535");
}

bool value_is_loopback(const char *listen)
{
    return strncmp(listen, "unix:", 5) == 0 || strncmp(listen, "127.", 4) == 0 ||
           strncmp(listen, "[::1]:", 6) == 0;
}
