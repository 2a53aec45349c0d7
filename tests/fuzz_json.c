/* Any bytes as JSON: what is taken can be written and read again to the same value. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/common/json.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static size_t depth_of(const json_t *value)
{
    const json_t *member;
    const char *key;
    size_t index, depth = 0;

    if (json_is_array(value)) {
        json_array_foreach(value, index, member)
        {
            size_t below = depth_of(member);
            depth = below > depth ? below : depth;
        }
    } else if (json_is_object(value)) {
        json_t *object = json_incref((json_t *)(uintptr_t)value);

        json_object_foreach(object, key, member)
        {
            size_t below = depth_of(member);
            depth = below > depth ? below : depth;
        }
        json_decref(object);
    } else {
        return 0;
    }
    return depth + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    json_t *value, *again;
    double number = 0;

    if (!json_parse((const char *)data, size, &value, &err)) {
        REQUIRE(err.code == ERR_PARSE && err.message[0] != '\0');
        return 0;
    }
    REQUIRE(depth_of(value) <= JSON_DEPTH_MAX);
    (void)json_text_of(value, "message");
    (void)json_number_of(value, "Threshold", &number);
    char *text = json_encode(value);
    REQUIRE(json_parse(text, strlen(text), &again, &err));
    REQUIRE(json_equal(value, again));
    free(text);
    json_decref(value);
    json_decref(again);
    return 0;
}
