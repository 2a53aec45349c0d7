#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/holders.h"
#include "agent/diagnose/report.h"
#include "agent/prose.h"
#include "aws/common/mem.h"

#define LINE_BYTES_MAX ((size_t)1 << 20)

/* As people see it: valid UTF-8, no control characters. The blanks before evidence show who blocks
 * whom. */
static json_t *line_json(const char *text)
{
    size_t blanks = strspn(text, " ");
    struct buf line;

    buf_init(&line, LINE_BYTES_MAX);
    buf_add(&line, text, blanks);
    prose_plain(text + blanks, LINE_BYTES_MAX / 8, &line);
    json_t *json = json_string(buf_text(&line));
    buf_done(&line);
    return mem_check(json);
}

static json_t *list_json(const struct config_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, line_json(list->items[i]));
    }
    return array;
}

static json_t *findings_json(const struct findings *findings)
{
    json_t *array = json_array();

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];

        json_array_append_new(
            array, json_pack("{s:s, s:s, s:o, s:o, s:s, s:o}", "id", finding->id, "severity",
                             severity_name(finding->severity), "title", line_json(finding->title),
                             "evidence", list_json(&finding->evidence), "meaning", finding->meaning,
                             "remedies", list_json(&finding->remedies)));
    }
    return array;
}

static json_t *age_json(double seconds)
{
    return seconds >= 0 ? json_real(seconds) : json_null();
}

static json_t *holders_json(const struct diagnosis *diagnosis)
{
    json_t *document = json_object();

    for (int by = 0; by < HOLDER_BY_COUNT; by++) {
        json_t *array = json_array();
        struct holders holders;

        holders_count(&diagnosis->facts, (enum holder_by)by, false, &holders);
        for (size_t i = 0; i < holders.count; i++) {
            const struct holder *holder = &holders.items[i];

            json_array_append_new(
                array,
                json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "name", line_json(holder->name),
                          "connections", (json_int_t)holder->connections, "active",
                          (json_int_t)holder->active, "idle", (json_int_t)holder->idle,
                          "idle_in_transaction", (json_int_t)holder->in_transaction, "other",
                          (json_int_t)holder->other, "oldest_s", age_json(holder->oldest_s)));
        }
        json_object_set_new(document, holder_by_name((enum holder_by)by), array);
        holders_done(&holders);
    }
    return document;
}

static json_t *number_json(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *pools_json(const struct diagnosis *diagnosis)
{
    json_t *array = json_array();

    for (size_t i = 0; i < diagnosis->pool_count; i++) {
        const struct fact_pool *pool = &diagnosis->pools[i];

        json_array_append_new(
            array, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:f}", "name",
                             line_json(pool->pool->name), "waiting", number_json(pool->waiting),
                             "max_wait_s", number_json(pool->max_wait_s), "busy",
                             number_json(pool->busy), "idle", number_json(pool->idle), "size",
                             number_json(pool->size), "timeouts", pool->timeouts));
    }
    return array;
}

static json_t *limits_json(const struct facts *facts)
{
    json_t *array = json_array();

    for (size_t i = 0; i < facts->limit_count; i++) {
        const struct fact_limit *limit = &facts->limits[i];

        json_array_append_new(
            array, json_pack("{s:s, s:o, s:i, s:I}", "of", limit->of_role ? "role" : "database",
                             "name", line_json(limit->name), "limit", limit->limit, "used",
                             (json_int_t)facts_count_against(facts, limit)));
    }
    return array;
}

static json_t *budget_json(const struct diagnosis *diagnosis)
{
    json_t *limits = json_object();
    struct budget budget;

    budget_of(diagnosis, &budget);
    for (size_t tasks = 1; tasks <= budget_tasks_listed(&budget) && tasks <= budget.budget;
         tasks++) {
        char *name = mem_printf("%zu", tasks);

        json_object_set_new(limits, name,
                            json_integer((json_int_t)budget_per_task(&budget, tasks)));
        free(name);
    }
    return json_pack("{s:i, s:I, s:I, s:I, s:o}", "percent", BUDGET_PERCENT, "connections",
                     (json_int_t)budget.budget, "in_use", (json_int_t)budget.in_use, "tasks",
                     (json_int_t)budget.tasks, "connection_limit", limits);
}

static json_t *slots_json(const struct diagnosis *diagnosis)
{
    const struct snapshot *snapshot = &diagnosis->snapshot;

    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I}", "max_connections", (json_int_t)snapshot->max_connections,
        "reserved", (json_int_t)diagnosis_reserved(diagnosis), "usable",
        (json_int_t)snapshot->usable, "used", (json_int_t)diagnosis->facts.session_count,
        "available", (json_int_t)diagnosis_available(diagnosis));
}

json_t *report_json(const struct diagnosis *diagnosis)
{
    const struct config_database *database = diagnosis->database;
    char *server = conninfo_describe(&database->conninfo);
    bool examined = diagnosis->err.code == ERR_NONE,
         sessions = diagnosis->facts.known[FACT_SESSIONS];
    json_t *document =
        json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                  "name", line_json(database->name), "identifier", line_json(database->identifier),
                  "server", line_json(server), "examined", examined, "error",
                  examined ? json_null() : line_json(diagnosis->err.message), "version",
                  diagnosis->version[0] != '\0' ? line_json(diagnosis->version) : json_null(),
                  "healthy", diagnosis_is_healthy(diagnosis), "gaps", list_json(&diagnosis->gaps),
                  "slots", sessions ? slots_json(diagnosis) : json_null(), "findings",
                  findings_json(&diagnosis->findings), "holders",
                  sessions ? holders_json(diagnosis) : json_null(), "limits",
                  sessions ? limits_json(&diagnosis->facts) : json_null(), "budget",
                  sessions ? budget_json(diagnosis) : json_null(), "pools", pools_json(diagnosis),
                  "logins_per_second", age_json(facts_logins_per_s(&diagnosis->facts)));

    free(server);
    return document;
}
