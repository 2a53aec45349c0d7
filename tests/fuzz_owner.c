/* A tag that anybody may have written: read, and written again beside what is configured. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/provision/owner.h"
#include "aws/common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char namespace_[] = "Application", ops[] = "arn:aws:sns:eu-west-1:123456789012:ops";
    const struct config config = {.namespace_ = namespace_};
    const struct cloudwatch_alarm alarm = {.alarm_actions = {ops}};
    char *mark = mem_strndup((const char *)data, size);
    const struct cloudwatch_tag tags[] = {{OWNER_TAG_KEY, OWNER_TAG_VALUE}, {OWNER_MARK_KEY, mark}};
    struct owner owner, again;
    char both[OWNER_MARK_MAX], same[OWNER_MARK_MAX];

    owner_read(&config, tags, MEM_COUNT(tags), &owner);
    (void)owner_set(&owner, "actions", ops);
    owner_mark(&config, &alarm, owner.mark, both);
    if (strlen(both) > 256) {
        abort();
    }
    /* What was written is read back as the same, unless there was no room. */
    const struct cloudwatch_tag written[] = {{OWNER_MARK_KEY, both}};

    owner_read(&config, written, 1, &again);
    owner_mark(&config, &alarm, both, same);
    if (again.scope != OWNER_SCOPE_SAME || strcmp(both, same) != 0) {
        abort();
    }
    free(mark);
    return 0;
}
