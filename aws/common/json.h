/*
 * Reading foreign JSON with jansson without trusting it: a limit on size and depth, and getters
 * that are wrong-type-safe. Writing is jansson's own json_pack, so that code looks like the
 * document.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "aws/common/err.h"

/* An answer of DescribeAlarms nests 5 deep; 64 MB is more than any limit on a body here. */
#define JSON_DEPTH_MAX 64
#define JSON_BYTES_MAX ((size_t)64 << 20)

/*
 * Parses len bytes: one object or array. Duplicate keys, bad UTF-8 and NULs in strings are refused.
 * The caller owns the result (json_decref). ERR_PARSE names position and reason, never content,
 * which may be secret.
 */
PW_CHECK bool json_parse(const char *text, size_t len, json_t **out, struct err *err);

/* Borrowed from the document; NULL when absent or of another type. */
const char *json_text_of(const json_t *object, const char *key);

/* false when absent or not a number; *out untouched then. */
PW_CHECK bool json_number_of(const json_t *object, const char *key, double *out);

/* Overwrites every string in it: jansson gives its memory back as it is. Only before the last
 * json_decref(). */
void json_wipe(json_t *value);

/* A string, "(no UTF-8)" for bytes that are none, or null for NULL. A new reference. */
json_t *json_text(const char *text);

/* Compact text of a value, owned by the caller; ends the process only for want of memory. */
char *json_encode(const json_t *value);
