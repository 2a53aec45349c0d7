#include "agent/sample/reasons.h"

#include <stdlib.h>
#include <string.h>

#include "aws/common/mem.h"

bool reasons_are_new(struct reasons *reasons, const char *reason)
{
    for (int i = 0; i < REASONS_REMEMBERED; i++) {
        if (reasons->texts[i] && strcmp(reasons->texts[i], reason) == 0) {
            return false;
        }
    }
    int slot = reasons->count++ % REASONS_REMEMBERED;

    free(reasons->texts[slot]);
    reasons->texts[slot] = mem_strdup(reason);
    return true;
}

void reasons_forget(struct reasons *reasons)
{
    for (int i = 0; i < REASONS_REMEMBERED; i++) {
        free(reasons->texts[i]);
        reasons->texts[i] = NULL;
    }
    reasons->count = 0;
}
