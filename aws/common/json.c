#include "aws/common/json.h"

#include <openssl/crypto.h>
#include <stdint.h>

#include "aws/common/mem.h"

/* Why, in our words: jansson's own quote what they read. */
static const struct {
    enum json_error_code code;
    const char *text;
} reasons[] = {
    {json_error_premature_end_of_input, "it ends too early"},
    {json_error_end_of_input_expected, "something follows its end"},
    {json_error_invalid_utf8, "not UTF-8"},
    {json_error_duplicate_key, "a key stands twice"},
    {json_error_null_character, "a string holds a NUL"},
    {json_error_null_byte_in_key, "a key holds a NUL"},
    {json_error_numeric_overflow, "a number is too large"},
};

static const char *reason_of(const json_error_t *error)
{
    for (size_t i = 0; i < MEM_COUNT(reasons); i++) {
        if (reasons[i].code == json_error_code(error)) {
            return reasons[i].text;
        }
    }
    return "not JSON";
}

/* jansson recurses on nesting, as deep as 2,048: brackets outside strings are counted first. */
static bool is_shallow(const char *text, size_t len)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_string && c == '\\') {
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '{' || c == '[')) {
            if (++depth > JSON_DEPTH_MAX) {
                return false;
            }
        } else if (!in_string && (c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

bool json_parse(const char *text, size_t len, json_t **out, struct err *err)
{
    json_error_t error;

    if (len > JSON_BYTES_MAX) {
        return err_set(err, ERR_PARSE, "JSON of more than %zu bytes", JSON_BYTES_MAX);
    }
    if (!is_shallow(text, len)) {
        return err_set(err, ERR_PARSE, "JSON nested deeper than %d", JSON_DEPTH_MAX);
    }
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        return err_set(err, ERR_PARSE, "bad JSON at line %d, column %d: %s", error.line,
                       error.column, reason_of(&error));
    }
    *out = value;
    return true;
}

const char *json_text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

bool json_number_of(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_number(value)) {
        return false;
    }
    *out = json_number_value(value);
    return true;
}

char *json_encode(const json_t *value)
{
    return mem_check(json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY));
}

json_t *json_text(const char *text)
{
    json_t *string = text != NULL ? json_string(text) : json_null();

    return string != NULL ? string : json_string("(no UTF-8)");
}

void json_wipe(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;

    if (json_is_string(value)) {
        OPENSSL_cleanse((void *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
    json_object_foreach(value, key, member)
    {
        json_wipe(member);
    }
    json_array_foreach(value, i, member)
    {
        json_wipe(member);
    }
}
