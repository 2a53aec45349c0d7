#include "agent/conninfo.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "agent/suggest.h"
#include "aws/common/mem.h"

#define CONNECT_TIMEOUT_MS      5000  /* Prisma's default */
#define CONNECT_TIMEOUT_NONE_MS 10000 /* "0": wait for ever, which an agent does not */
#define CONNECT_TIMEOUT_MAX_S   60

/* What is done with a parameter that does not simply go to libpq. */
enum treatment {
    PARAM_CONNECTION_LIMIT,
    PARAM_POOL_TIMEOUT,
    PARAM_PGBOUNCER,
    PARAM_IGNORED,
    PARAM_PRISMAS_UNLESS_SSLKEY,
    PARAM_REFUSED,
    PARAM_TO_LIBPQ
};

static const struct param {
    const char *name;
    enum treatment treatment;
} params[] = {
    {"connection_limit", PARAM_CONNECTION_LIMIT},
    {"pool_timeout", PARAM_POOL_TIMEOUT},
    {"pgbouncer", PARAM_PGBOUNCER},
    {"schema", PARAM_IGNORED},
    {"socket_timeout", PARAM_IGNORED},
    {"max_connection_lifetime", PARAM_IGNORED},
    {"max_idle_connection_lifetime", PARAM_IGNORED},
    {"statement_cache_size", PARAM_IGNORED},
    {"single_use_connections", PARAM_IGNORED},
    {"sslaccept", PARAM_IGNORED},
    {"sslidentity", PARAM_IGNORED},
    {"directUrl", PARAM_IGNORED},
    {"sslcert", PARAM_PRISMAS_UNLESS_SSLKEY},
    {"sslpassword", PARAM_PRISMAS_UNLESS_SSLKEY},
    /* The agent's own: how it is known, and that nothing blocks the loop or leads elsewhere. */
    {"application_name", PARAM_IGNORED},
    {"fallback_application_name", PARAM_IGNORED},
    {"gssencmode", PARAM_IGNORED},
    {"service", PARAM_REFUSED},
    {"replication", PARAM_REFUSED},
};

/* Where a URL's parts begin, as libpq sees them. */
struct url_parts {
    const char *authority; /* behind the scheme */
    const char *hosts;     /* behind user and password */
    const char *path;      /* the '/' before the database's name, or where it would be */
    const char *query;     /* the '?', or the end */
};

static bool split_url(const char *url, struct url_parts *out, struct err *err)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};

    out->authority = NULL;
    for (size_t i = 0; i < MEM_COUNT(schemes); i++) {
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0) {
            out->authority = url + strlen(schemes[i]);
        }
    }
    if (out->authority == NULL) {
        return err_set(err, ERR_CONFIG, "is no URL that begins with postgresql:// or postgres://");
    }
    const char *end = out->authority + strcspn(out->authority, "@/");

    out->hosts = *end == '@' ? end + 1 : out->authority;
    out->path = out->hosts + strcspn(out->hosts, "/?");
    out->query = out->path + strcspn(out->path, "?");
    return true;
}

/* A raw '@' behind user and password is the rest of a password that should have been encoded. */
static bool check_encoding(const struct url_parts *parts, struct err *err)
{
    if (memchr(parts->hosts, '@', (size_t)(parts->query - parts->hosts)) != NULL) {
        return err_set(err, ERR_CONFIG,
                       "has an @ too many: in a user or password write @ as %%40, / as %%2F, : as "
                       "%%3A");
    }
    if (memchr(parts->hosts, ',', (size_t)(parts->path - parts->hosts)) != NULL) {
        return err_set(err, ERR_CONFIG,
                       "names several hosts; a database is one server: one section each");
    }
    return true;
}

static const PQconninfoOption *find_option(const PQconninfoOption *options, const char *name)
{
    for (; options->keyword != NULL; options++) {
        if (strcmp(options->keyword, name) == 0) {
            return options;
        }
    }
    return NULL;
}

static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '_') {
            return false;
        }
    }
    return len > 0 && len <= 40;
}

static bool refuse_encoding(struct err *err)
{
    return err_set(err, ERR_CONFIG,
                   "is no valid URL (in a user or password write %% as %%25, @ as %%40, / as %%2F, "
                   ": as %%3A, ? as %%3F)");
}

static bool refuse_unknown(const PQconninfoOption *libpq, const char *name, struct err *err)
{
    struct suggestion best = {.word = name};

    for (size_t i = 0; i < MEM_COUNT(params); i++) {
        suggest_consider(&best, params[i].name);
    }
    for (; libpq->keyword != NULL; libpq++) {
        suggest_consider(&best, libpq->keyword);
    }
    if (best.name != NULL) {
        return err_set(err, ERR_CONFIG, "has an unknown parameter \"%s\"; did you mean %s?", name,
                       best.name);
    }
    return err_set(err, ERR_CONFIG, "has an unknown parameter \"%s\"", name);
}

static enum treatment treatment_of(const char *name)
{
    for (size_t i = 0; i < MEM_COUNT(params); i++) {
        if (strcmp(params[i].name, name) == 0) {
            return params[i].treatment;
        }
    }
    return PARAM_TO_LIBPQ;
}

static bool read_number(const char *name, const char *text, size_t len, double max, double *out,
                        struct err *err)
{
    char copy[16];

    if (len == 0 || len >= sizeof(copy) || strspn(text, "0123456789.") < len) {
        return err_set(err, ERR_CONFIG, "has a %s that is no number", name);
    }
    memcpy(copy, text, len);
    copy[len] = '\0';

    char *end;
    double value = strtod(copy, &end);

    if (*end != '\0' || value > max) {
        return err_set(err, ERR_CONFIG, "has a %s that is out of range; accepted: 0 to %.0f", name,
                       max);
    }
    *out = value;
    return true;
}

static void ignore(struct conninfo *info, const char *name)
{
    char *longer =
        info->ignored == NULL ? mem_strdup(name) : mem_printf("%s, %s", info->ignored, name);

    free(info->ignored);
    info->ignored = longer;
}

/* One "name=value" of the query: understood, dropped, or kept for libpq in `kept`. */
struct query_reader {
    struct conninfo *info;
    const PQconninfoOption *libpq; /* what this libpq knows */
    bool has_sslkey;
    struct buf *kept;
};

static bool take_param(struct query_reader *reader, const char *item, size_t len, struct err *err)
{
    const char *equals = memchr(item, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - item) : len;
    struct conninfo *info = reader->info;
    double limit = 0;

    if (equals == NULL || !is_name(item, name_len)) {
        return err_set(err, ERR_CONFIG, "has a parameter that is not of the form name=value");
    }
    const char *value = equals + 1;
    size_t value_len = len - name_len - 1;
    char name[64] = "";

    memcpy(name, item, name_len);
    switch (treatment_of(name)) {
    case PARAM_CONNECTION_LIMIT:
        if (!read_number(name, value, value_len, 100000, &limit, err)) {
            return false;
        }
        info->connection_limit = (int)limit;
        return true;
    case PARAM_POOL_TIMEOUT:
        return read_number(name, value, value_len, 1e6, &info->pool_timeout_s, err);
    case PARAM_PGBOUNCER:
        info->pgbouncer = value_len == 4 && memcmp(value, "true", 4) == 0;
        return true;
    case PARAM_PRISMAS_UNLESS_SSLKEY:
        if (reader->has_sslkey) {
            break;
        }
        ignore(info, name);
        return true;
    case PARAM_IGNORED:
        ignore(info, name);
        return true;
    case PARAM_REFUSED:
        return err_set(err, ERR_CONFIG, "has the parameter \"%s\", which can not be used here",
                       name);
    case PARAM_TO_LIBPQ:
        /* libpq takes JDBC's ssl=true for sslmode=require. */
        if (find_option(reader->libpq, name) == NULL && strcmp(name, "ssl") != 0) {
            /* "user:pass?word=x@host": the name is a piece of the password. */
            return strchr(item, '@') != NULL ? refuse_encoding(err)
                                             : refuse_unknown(reader->libpq, name, err);
        }
        break;
    }
    buf_putc(reader->kept, reader->kept->len == 0 ? '?' : '&');
    buf_add(reader->kept, item, len);
    return true;
}

/* Is there a parameter of this name in the query? */
static bool query_has(const char *query, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = query; *at != '\0'; at += strcspn(at, "&")) {
        at++; /* '?' or '&' */
        if (strncmp(at, name, len) == 0 && at[len] == '=') {
            return true;
        }
    }
    return false;
}

static bool read_query(struct query_reader *reader, const char *query, struct err *err)
{
    reader->has_sslkey = query_has(query, "sslkey");
    while (*query != '\0') {
        query++; /* '?' or '&' */
        size_t len = strcspn(query, "&");

        if (len > 0 && !take_param(reader, query, len, err)) {
            return false;
        }
        query += len;
    }
    return true;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_address(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool check_host(const struct conninfo *info, struct err *err)
{
    const char *host = info->host;

    if (info->hostaddr != NULL && !is_address(info->hostaddr)) {
        return err_set(err, ERR_CONFIG, "has a hostaddr that is no numeric address");
    }
    if (host == NULL || host[0] == '/' || host[0] == '@' || is_address(host)) {
        return true;
    }
    for (; *host != '\0'; host++) {
        if (!isalnum((unsigned char)*host) && strchr("-._", *host) == NULL) {
            return err_set(err, ERR_CONFIG,
                           "has a host with a character that no host's name has; in a user or "
                           "password write @ as %%40, / as %%2F, : as %%3A");
        }
    }
    return true;
}

static bool check_port(const char *port, struct err *err)
{
    size_t len = strlen(port);
    long number = strtol(port, NULL, 10);

    if (len == 0 || len > 5 || strspn(port, "0123456789") != len || number < 1 || number > 65535) {
        return err_set(err, ERR_CONFIG, "has a port that is not 1 to 65535");
    }
    return true;
}

static bool check_sslmode(const char *mode, struct err *err)
{
    static const char *const modes[] = {"disable", "allow",     "prefer",
                                        "require", "verify-ca", "verify-full"};

    for (size_t i = 0; i < MEM_COUNT(modes); i++) {
        if (strcmp(modes[i], mode) == 0) {
            return true;
        }
    }
    return err_set(err, ERR_CONFIG,
                   "has an unknown sslmode; accepted: disable, allow, prefer, require, verify-ca, "
                   "verify-full");
}

static bool set_connect_timeout(struct conninfo *info, const char *text, struct err *err)
{
    double seconds = 0;

    if (!read_number("connect_timeout", text, strlen(text), 1e6, &seconds, err)) {
        return false;
    }
    if (seconds > CONNECT_TIMEOUT_MAX_S) {
        seconds = CONNECT_TIMEOUT_MAX_S;
    }
    info->connect_timeout_ms = seconds > 0 ? (int)(seconds * 1000) : CONNECT_TIMEOUT_NONE_MS;
    return true;
}

/* The fields that are not handed on as they are. */
static char **field_of(struct conninfo *info, const char *keyword)
{
    const struct {
        const char *keyword;
        char **field;
    } fields[] = {
        {"host", &info->host},     {"port", &info->port},         {"user", &info->user},
        {"dbname", &info->dbname}, {"password", &info->password}, {"hostaddr", &info->hostaddr},
    };

    for (size_t i = 0; i < MEM_COUNT(fields); i++) {
        if (strcmp(fields[i].keyword, keyword) == 0) {
            return fields[i].field;
        }
    }
    return NULL;
}

static bool take_option(struct conninfo *info, const PQconninfoOption *option, size_t *count,
                        struct err *err)
{
    char **field = field_of(info, option->keyword);

    if (field != &info->password && has_control(option->val)) {
        return err_set(err, ERR_CONFIG, "has a control character in its %s", option->keyword);
    }
    if (strcmp(option->keyword, "connect_timeout") == 0) {
        return set_connect_timeout(info, option->val, err);
    }
    if (strcmp(option->keyword, "sslmode") == 0 && !check_sslmode(option->val, err)) {
        return false;
    }
    if (field != NULL) {
        *field = option->val[0] != '\0' ? mem_strdup(option->val) : NULL;
        return true;
    }
    if (*count + 1 >= CONNINFO_PARAMS_MAX) {
        return err_set(err, ERR_CONFIG, "has too many parameters");
    }
    info->keywords[*count] = mem_strdup(option->keyword);
    info->values[*count] = mem_strdup(option->val);
    (*count)++;
    return true;
}

static bool take_options(struct conninfo *info, const PQconninfoOption *options, struct err *err)
{
    size_t count = 0;

    for (; options->keyword != NULL; options++) {
        if (options->val != NULL && !take_option(info, options, &count, err)) {
            return false;
        }
    }
    if (info->port == NULL) {
        info->port = mem_strdup("5432");
    }
    if (info->host != NULL && strchr(info->host, ',') != NULL) {
        return err_set(err, ERR_CONFIG,
                       "names several hosts; a database is one server: one section each");
    }
    return check_host(info, err) && check_port(info->port, err);
}

static bool parse_with_libpq(const char *url, struct conninfo *info, struct err *err)
{
    /* libpq's message may show the password: it is never passed on. */
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &message);

    if (message != NULL) {
        OPENSSL_cleanse(message, strlen(message));
        PQfreemem(message);
    }
    if (options == NULL) {
        return refuse_encoding(err);
    }
    bool ok = take_options(info, options, err);

    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (option->val != NULL) {
            OPENSSL_cleanse(option->val, strlen(option->val));
        }
    }
    PQconninfoFree(options);
    return ok;
}

static bool parse_parts(const char *url, const struct url_parts *parts, struct conninfo *info,
                        struct err *err)
{
    /* Nothing parsed: every keyword this libpq knows. PQconndefaults() would read files for it. */
    PQconninfoOption *libpq = PQconninfoParse("", NULL);
    struct buf query, whole;
    struct query_reader reader = {.info = info, .libpq = libpq, .kept = &query};

    if (libpq == NULL) {
        return err_set(err, ERR_SYSTEM, "libpq has no memory");
    }
    buf_init(&query, CONNINFO_URL_MAX);
    buf_init(&whole, CONNINFO_URL_MAX);
    bool ok = read_query(&reader, parts->query, err);

    buf_add(&whole, url, (size_t)(parts->query - url));
    buf_puts(&whole, buf_text(&query));
    ok = ok && parse_with_libpq(buf_text(&whole), info, err);
    buf_wipe(&query);
    buf_wipe(&whole);
    PQconninfoFree(libpq);
    return ok;
}

bool conninfo_parse(const char *url, struct conninfo *out, struct err *err)
{
    struct conninfo info = {.connect_timeout_ms = CONNECT_TIMEOUT_MS, .pool_timeout_s = -1};
    struct url_parts parts = {url, url, url, url};

    *out = (struct conninfo){0};
    if (strlen(url) >= CONNINFO_URL_MAX) {
        return err_set(err, ERR_CONFIG, "is longer than %d bytes", CONNINFO_URL_MAX);
    }
    if (!split_url(url, &parts, err) || !check_encoding(&parts, err) ||
        !parse_parts(url, &parts, &info, err)) {
        conninfo_done(&info);
        return false;
    }
    *out = info;
    return true;
}

void conninfo_done(struct conninfo *info)
{
    free(info->host);
    free(info->port);
    free(info->user);
    free(info->dbname);
    free(info->hostaddr);
    free(info->ignored);
    mem_free_secret(info->password);
    for (size_t i = 0; i < CONNINFO_PARAMS_MAX && info->keywords[i] != NULL; i++) {
        free(info->keywords[i]);
        mem_free_secret(info->values[i]); /* sslpassword may be among them */
    }
    *info = (struct conninfo){0};
}

char *conninfo_describe(const struct conninfo *info)
{
    const char *host = info->host != NULL       ? info->host
                       : info->hostaddr != NULL ? info->hostaddr
                                                : "localhost";
    const char *brackets = strchr(host, ':') != NULL ? "[]" : "";

    return mem_printf("%s%s%.1s%s%.1s:%s%s%s", info->user != NULL ? info->user : "",
                      info->user != NULL ? "@" : "", brackets, host,
                      brackets[0] != '\0' ? brackets + 1 : "", info->port,
                      info->dbname != NULL ? "/" : "", info->dbname != NULL ? info->dbname : "");
}

static void add_encoded(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL) {
            buf_putc(out, *text);
        } else {
            buf_printf(out, "%%%02X", (unsigned char)*text);
        }
    }
}

static void add_param(struct buf *out, char *separator, const char *name, const char *value)
{
    buf_printf(out, "%c%s=", *separator, name);
    add_encoded(out, value);
    *separator = '&';
}

static void print_authority(const struct conninfo *info, bool reveal, struct buf *out)
{
    if (info->user != NULL || info->password != NULL) {
        add_encoded(out, info->user != NULL ? info->user : "");
        if (info->password != NULL) {
            buf_putc(out, ':');
            if (reveal) {
                add_encoded(out, info->password);
            } else {
                buf_puts(out, "***");
            }
        }
        buf_putc(out, '@');
    }
    if (info->host != NULL && strchr(info->host, ':') != NULL && is_address(info->host)) {
        buf_printf(out, "[%s]", info->host);
    } else if (info->host != NULL) {
        add_encoded(out, info->host);
    }
    buf_printf(out, ":%s", info->port);
}

void conninfo_print(const struct conninfo *info, bool reveal, struct buf *out)
{
    char separator = '?';
    char number[32];

    if (info->port == NULL) {
        return;
    }
    buf_puts(out, "postgresql://");
    print_authority(info, reveal, out);
    buf_putc(out, '/');
    add_encoded(out, info->dbname != NULL ? info->dbname : "");
    if (info->hostaddr != NULL) {
        add_param(out, &separator, "hostaddr", info->hostaddr);
    }
    for (size_t i = 0; i < CONNINFO_PARAMS_MAX && info->keywords[i] != NULL; i++) {
        bool secret = strcmp(info->keywords[i], "sslpassword") == 0;

        if (secret && !reveal) {
            buf_printf(out, "%csslpassword=***", separator);
            separator = '&';
        } else {
            add_param(out, &separator, info->keywords[i], info->values[i]);
        }
    }
    if (info->connect_timeout_ms != CONNECT_TIMEOUT_MS) {
        (void)snprintf(number, sizeof(number), "%.15g", info->connect_timeout_ms / 1000.0);
        add_param(out, &separator, "connect_timeout", number);
    }
    if (info->connection_limit > 0) {
        buf_printf(out, "%cconnection_limit=%d", separator, info->connection_limit);
        separator = '&';
    }
    if (info->pool_timeout_s >= 0) {
        buf_printf(out, "%cpool_timeout=%.15g", separator, info->pool_timeout_s);
        separator = '&';
    }
    if (info->pgbouncer) {
        buf_printf(out, "%cpgbouncer=true", separator);
    }
}

bool conninfo_needs_no_lookup(const struct conninfo *info)
{
    return info->hostaddr != NULL || info->host == NULL || info->host[0] == '/' ||
           info->host[0] == '@' || is_address(info->host);
}
