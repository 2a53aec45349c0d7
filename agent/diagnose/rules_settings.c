/* Findings about what is set, or is not. */
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/finding.h"
#include "agent/prose.h"
#include "aws/common/mem.h"

#define LINE_MAX_BYTES     4096
#define POOL_TIMEOUT_S     20
#define CONNECT_TIMEOUT_MS 10000

/* --- the server's --------------------------------------------------------------------------- */

struct setting {
    enum fact_setting setting;
    const char *name;
    const char *value;    /* to recommend */
    bool needs_superuser; /* a role can not set it for itself */
};

/* Roles of applications that have sessions for which it is not set; each once. */
static void list_roles(const struct facts *facts, enum fact_setting setting,
                       struct config_list *roles)
{
    const char *found[EVIDENCE_MAX];

    roles->items = mem_alloc(MEM_COUNT(found) * sizeof(*roles->items));
    for (size_t i = 0; i < facts->session_count && roles->count < MEM_COUNT(found); i++) {
        const struct fact_session *session = &facts->sessions[i];
        bool known = false;

        for (size_t j = 0; j < roles->count && !known; j++) {
            known = strcmp(found[j], session->user) == 0;
        }
        if (!known && fact_is_application(session) &&
            !facts_setting_is_set(facts, setting, session->user, session->database)) {
            struct buf role;

            buf_init(&role, LINE_MAX_BYTES);
            prose_identifier(session->user, &role);
            found[roles->count] = session->user;
            roles->items[roles->count++] = buf_take(&role);
        }
    }
}

static bool has_applications(const struct facts *facts)
{
    for (size_t i = 0; i < facts->session_count; i++) {
        if (fact_is_application(&facts->sessions[i])) {
            return true;
        }
    }
    return false;
}

static void tell_roles(const struct setting *setting, const struct config_list *roles,
                       struct finding *out)
{
    struct buf names;

    buf_init(&names, LINE_MAX_BYTES);
    for (size_t i = 0; i < roles->count; i++) {
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", roles->items[i]);
        if (!setting->needs_superuser) {
            finding_add_remedy(out, "ALTER ROLE %s SET %s = '%s';", roles->items[i], setting->name,
                               setting->value);
        }
    }
    finding_set(out, SEVERITY_ADVICE, "%s is not set for %s", setting->name, buf_text(&names));
    buf_done(&names);
}

static bool look_at(const struct diagnosis *diagnosis, const struct setting *setting,
                    struct finding *out)
{
    const struct facts *facts = &diagnosis->facts;
    const struct fact_session *own = facts_own(facts);
    struct config_list roles = {0};

    if (!own || !facts->known[FACT_SETTINGS] || !facts->known[FACT_OVERRIDES]) {
        return false;
    }
    list_roles(facts, setting->setting, &roles);
    bool found = roles.count > 0;

    if (found) {
        tell_roles(setting, &roles, out);
    } else if (!has_applications(facts) &&
               !facts_setting_is_set(facts, setting->setting, own->user, own->database)) {
        found = true;
        finding_set(out, SEVERITY_ADVICE, "%s is not set", setting->name);
    }
    if (found) {
        finding_add_remedy(out,
                           "ALTER SYSTEM SET %s = '%s'; SELECT pg_reload_conf(); -- for all roles; "
                           "RDS: in the parameter group",
                           setting->name, setting->value);
    }
    for (size_t i = 0; i < roles.count; i++) {
        free(roles.items[i]);
    }
    free(roles.items);
    return found;
}

bool rule_idle_in_transaction_timeout(const struct diagnosis *diagnosis, struct finding *out)
{
    static const struct setting setting = {SETTING_IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                                           "idle_in_transaction_session_timeout", "60s", false};

    return look_at(diagnosis, &setting, out);
}

bool rule_statement_timeout(const struct diagnosis *diagnosis, struct finding *out)
{
    static const struct setting setting = {SETTING_STATEMENT_TIMEOUT, "statement_timeout", "30s",
                                           false};

    return look_at(diagnosis, &setting, out);
}

bool rule_log_min_duration(const struct diagnosis *diagnosis, struct finding *out)
{
    static const struct setting setting = {SETTING_LOG_MIN_DURATION_STATEMENT,
                                           "log_min_duration_statement", "1s", true};

    return look_at(diagnosis, &setting, out);
}

/* --- the URL's ------------------------------------------------------------------------------ */

/* An application's own URL, or one made for libpq? */
static bool is_prismas(const struct conninfo *info)
{
    return info->connection_limit > 0 || info->pool_timeout_s >= 0 || info->pgbouncer ||
           (info->ignored && strstr(info->ignored, "schema"));
}

bool rule_url(const struct diagnosis *diagnosis, struct finding *out)
{
    const struct conninfo *info = &diagnosis->database->conninfo;

    if (diagnosis->err.code != ERR_NONE || !is_prismas(info)) {
        return false;
    }
    if (info->connection_limit == 0) {
        finding_add_evidence(out, "connection_limit is not given: Prisma takes 2 x CPUs + 1, "
                                  "different on each machine");
        finding_add_remedy(out, "connection_limit=N, see the budget");
    }
    if (info->pool_timeout_s < POOL_TIMEOUT_S) {
        finding_add_evidence(out, info->pool_timeout_s < 0
                                      ? "pool_timeout is not given: 10 s"
                                      : (info->pool_timeout_s == 0
                                             ? "pool_timeout=0: requests wait for ever"
                                             : "pool_timeout is below 20 s"));
        finding_add_remedy(out, "pool_timeout=%d", POOL_TIMEOUT_S);
    }
    if (info->connect_timeout_ms < CONNECT_TIMEOUT_MS) {
        finding_add_evidence(out, "connect_timeout is %g s: short for a server under load",
                             info->connect_timeout_ms / 1000.0);
        finding_add_remedy(out, "connect_timeout=%d", CONNECT_TIMEOUT_MS / 1000);
    }
    if (out->evidence.count == 0) {
        return false;
    }
    finding_set(out, SEVERITY_ADVICE, "parameters of url that differ from what is recommended");
    return true;
}
