#include "agent/diagnose/holders.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

const char *holder_by_name(enum holder_by by)
{
    static const char *const names[] = {"application", "user", "database", "client address"};

    return names[by];
}

static const char *address_of(const struct fact_session *session)
{
    if (!session->visible) {
        return "(not visible)";
    }
    return session->address[0] != '\0' ? session->address : "(local)";
}

static const char *name_of(const struct fact_session *session, enum holder_by by)
{
    switch (by) {
    case BY_APPLICATION:
        return session->application;
    case BY_USER:
        return session->user;
    case BY_DATABASE:
        return session->database;
    case BY_ADDRESS:
    case HOLDER_BY_COUNT:
        break;
    }
    return address_of(session);
}

struct entry {
    const char *name, *address;
    const struct fact_session *session;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : strcmp(left->address, right->address);
}

static int compare_holders(const void *a, const void *b)
{
    const struct holder *left = a, *right = b;

    if (left->connections != right->connections) {
        return left->connections < right->connections ? 1 : -1;
    }
    return strcmp(left->name, right->name);
}

static void add_state(struct holder *holder, const char *state)
{
    if (strcmp(state, "active") == 0) {
        holder->active++;
    } else if (strcmp(state, "idle") == 0) {
        holder->idle++;
    } else if (strncmp(state, "idle in transaction", 19) == 0) {
        holder->in_transaction++;
    } else {
        holder->other++;
    }
}

/* Entries of one name stand together, those of one address in it too. */
static void add_entries(const struct entry *entries, size_t count, struct holders *out)
{
    struct holder *holder = NULL;
    size_t of_address = 0;

    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        bool new_name = i == 0 || strcmp(entry->name, entries[i - 1].name) != 0;

        if (new_name) {
            holder = &out->items[out->count++];
            *holder = (struct holder){.name = entry->name, .oldest_s = -1};
        }
        if (new_name || strcmp(entry->address, entries[i - 1].address) != 0) {
            of_address = 0;
            holder->addresses += entry->session->visible ? 1 : 0;
        }
        of_address++;
        holder->most = of_address > holder->most ? of_address : holder->most;
        holder->connections++;
        holder->oldest_s = fmax(holder->oldest_s, entry->session->age_s);
        add_state(holder, entry->session->state);
    }
}

void holders_count(const struct facts *facts, enum holder_by by, bool applications_only,
                   struct holders *out)
{
    struct entry *entries = mem_alloc(facts->session_count * sizeof(*entries));
    size_t count = 0;

    for (size_t i = 0; i < facts->session_count; i++) {
        const struct fact_session *session = &facts->sessions[i];

        if (!applications_only || fact_is_application(session)) {
            entries[count++] = (struct entry){
                .name = name_of(session, by), .address = address_of(session), .session = session};
        }
    }
    qsort(entries, count, sizeof(*entries), compare_entries);
    out->items = mem_alloc(count * sizeof(*out->items));
    out->count = 0;
    add_entries(entries, count, out);
    qsort(out->items, out->count, sizeof(*out->items), compare_holders);
    free(entries);
}

void holders_done(struct holders *holders)
{
    free(holders->items);
    memset(holders, 0, sizeof(*holders));
}
