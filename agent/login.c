#include "agent/login.h"

#include <stdlib.h>
#include <string.h>

#include "agent/rds_host.h"
#include "aws/common/file.h"
#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/rds_token.h"
#include "aws/secrets.h"

#define PASSWORD_FILE_MAX 65536

/* --- The end of a get ----------------------------------------------------------------------- */

void login_cancel(struct login *login)
{
    uv_timer_stop(&login->timer);
    aws_client_free(login->client);
    login->client = NULL;
    if (login->waiter) {
        credentials_cache_cancel(login->waiter);
        login->waiter = NULL;
    }
}

static void succeed(struct login *login, const char *user, const char *password)
{
    login_cancel(login);
    login->got(login->options.arg, user, password, NULL);
}

static void fail(struct login *login, const struct err *err)
{
    login_cancel(login);
    login->got(login->options.arg, NULL, NULL, err);
}

/* --- A file --------------------------------------------------------------------------------- */

static void use_file(struct login *login, const char *path)
{
    struct buf text;
    struct err err;

    buf_init_secret(&text, PASSWORD_FILE_MAX);
    if (file_read(path, &text, &err)) {
        file_trim_newline(&text);
        succeed(login, NULL, buf_text(&text));
    } else {
        err.code = ERR_CONFIG;
        err_context(&err, "password_file");
        fail(login, &err);
    }
    buf_done(&text);
}

/* --- A secret ------------------------------------------------------------------------------- */

static void forget_secret(struct login *login)
{
    mem_free_secret(login->user);
    mem_free_secret(login->password);
    login->user = login->password = NULL;
}

/* RDS writes an object with username and password; anything else is the password itself. */
static bool take_secret(struct login *login, const char *text, struct err *err)
{
    json_t *document = NULL;

    if (!json_parse(text, strlen(text), &document, NULL) || !json_is_object(document)) {
        struct buf whole;

        json_decref(document);

        buf_init_secret(&whole, PASSWORD_FILE_MAX);
        buf_puts(&whole, text);
        file_trim_newline(&whole);
        login->password = mem_strdup(buf_text(&whole));
        buf_done(&whole);
        return true;
    }
    login->password = mem_strdup(json_text_of(document, "password"));
    login->user = mem_strdup(json_text_of(document, "username"));
    json_wipe(document);
    json_decref(document);
    return login->password || err_set(err, ERR_CONFIG, "its JSON has no text \"password\"");
}

static void on_secret(void *arg, const struct aws_answer *answer, const struct err *err,
                      const struct aws_failure *failure)
{
    struct login *login = arg;
    const char *text;
    struct err told;

    (void)failure;
    bool ok = answer && secrets_read_value(answer, &text, &told) && take_secret(login, text, &told);
    if (ok) {
        login->is_fresh = true;
        succeed(login, login->user, login->password);
        return;
    }
    told = err ? *err : told;
    err_context(&told, "password_secret");
    fail(login, &told);
}

static bool secret_client(struct login *login, struct err *err)
{
    const struct config_database *database = login->options.database;
    const struct credentials_env *env = login->options.aws->env;
    char *named = secrets_region_of(database->password_secret);
    const struct aws_client_options options = {
        .loop = login->options.loop,
        .http = env->http,
        .credentials = login->options.aws->credentials,
        .service = &aws_service_secrets,
        .region = named              ? named
                  : database->region ? database->region
                                     : env->region,
        .env = env,
    };

    bool ok = options.region ? aws_client_new(&options, &login->client, err)
                             : err_set(err, ERR_NET, "the AWS region is not known yet");
    free(named);
    return ok;
}

static void use_secret(struct login *login)
{
    struct err err;

    if (login->password) {
        login->is_fresh = false;
        succeed(login, login->user, login->password);
    } else if (secret_client(login, &err)) {
        secrets_get_value(login->client, login->options.database->password_secret, on_secret,
                          login);
    } else {
        err_context(&err, "password_secret");
        fail(login, &err);
    }
}

/* --- IAM ------------------------------------------------------------------------------------ */

/* The instance's name says it; behind another name the configuration must. */
static char *region_of(const struct login *login)
{
    const struct config_database *database = login->options.database;
    char *named = rds_region_of(database->conninfo.host);

    return named
               ? named
               : mem_strdup(database->region ? database->region : login->options.aws->env->region);
}

static bool make_token(const struct login *login, const struct credentials *credentials,
                       char **token, struct err *err)
{
    const struct conninfo *info = &login->options.database->conninfo;
    char *region = region_of(login);
    const struct rds_token_for what = {.host = info->host,
                                       .port = info->port ? info->port : "5432",
                                       .user = info->user,
                                       .region = region};

    bool ok = region ? rds_token_make(&what, credentials,
                                      aws_clock_now_ms(login->options.aws->env->clock), token, err)
                     : err_set(err, ERR_NET, "the AWS region is not known yet");
    free(region);
    return ok;
}

static void on_credentials(void *arg, const struct credentials *credentials, const struct err *err)
{
    struct login *login = arg;
    char *token = NULL;
    struct err told;

    login->waiter = NULL;
    if (credentials && make_token(login, credentials, &token, &told)) {
        succeed(login, NULL, token);
        mem_free_secret(token);
        return;
    }
    told = err ? *err : told;
    told.code = told.code == ERR_ABSENT ? ERR_DENIED : told.code;
    err_context(&told, err ? "auth = iam: no AWS credentials" : "auth = iam");
    fail(login, &told);
}

/* --- A get ---------------------------------------------------------------------------------- */

static void on_late(uv_timer_t *timer)
{
    struct login *login = timer->data;
    struct err err;

    err_set(&err, ERR_TIMEOUT, "%s: no answer from AWS within %d s: check routes and VPC endpoints",
            login->options.database->auth == AUTH_IAM ? "auth = iam" : "password_secret",
            LOGIN_DEADLINE_MS / 1000);
    fail(login, &err);
}

static void on_turn(uv_timer_t *timer)
{
    struct login *login = timer->data;
    const struct config_database *database = login->options.database;
    const struct aws_access *aws = login->options.aws;

    uv_timer_start(timer, on_late, LOGIN_DEADLINE_MS, 0);
    if (database->auth == AUTH_IAM) {
        login->waiter = credentials_cache_get(aws->credentials, aws_clock_now_ms(aws->env->clock),
                                              on_credentials, login);
    } else if (database->password_secret) {
        use_secret(login);
    } else if (database->password_file) {
        use_file(login, database->password_file);
    } else {
        succeed(login, NULL, NULL);
    }
}

void login_get(struct login *login, login_got *got)
{
    login->got = got;
    uv_timer_start(&login->timer, on_turn, 0, 0);
}

bool login_refused(struct login *login)
{
    bool was_kept = login->password && !login->is_fresh;

    forget_secret(login);
    return was_kept;
}

const char *login_advice(const struct login *login)
{
    const struct config_database *database = login->options.database;

    if (database->auth == AUTH_IAM) {
        return "GRANT rds_iam to the user in url, allow rds-db:connect for it to this AWS "
               "identity, and see that url names the instance as RDS does (with hostaddr for a "
               "tunnel)";
    }
    if (database->password_secret) {
        return "check what password_secret holds (it is fetched again at the next attempt)";
    }
    return NULL;
}

/* --- Life ----------------------------------------------------------------------------------- */

void login_init(struct login *login, const struct login_options *options)
{
    *login = (struct login){.options = *options};
    uv_timer_init(options->loop, &login->timer);
    login->timer.data = login;
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct login *login = timer->data;

    login->closed(login->options.arg);
}

void login_done(struct login *login, login_closed *closed)
{
    login_cancel(login);
    forget_secret(login);
    login->closed = closed;
    uv_close((uv_handle_t *)&login->timer, on_timer_closed);
}
