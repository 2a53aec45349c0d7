#include "agent/provision/told.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"
#include "aws/request.h"

struct told_line {
    char *alarm;
    char *reason; /* NULL: none any more */
};

static struct told_line *line_of(struct told *told, const char *alarm)
{
    for (size_t i = 0; i < told->count; i++) {
        if (strcmp(told->lines[i].alarm, alarm) == 0) {
            return &told->lines[i];
        }
    }
    return NULL;
}

bool told_before(struct told *told, const char *alarm, const char *reason)
{
    struct told_line *line = line_of(told, alarm);

    if (!line && !reason) {
        return true;
    }
    if (!line) {
        told->lines = mem_grow(told->lines, told->count + 1, sizeof(*told->lines));
        line = &told->lines[told->count++];
        *line = (struct told_line){.alarm = mem_strdup(alarm)};
    }
    if (line->reason && reason && aws_same_reason(line->reason, reason)) {
        return true;
    }
    free(line->reason);
    line->reason = mem_strdup(reason);
    return false;
}

void told_done(struct told *told)
{
    for (size_t i = 0; i < told->count; i++) {
        free(told->lines[i].alarm);
        free(told->lines[i].reason);
    }
    free(told->lines);
    *told = (struct told){0};
}
