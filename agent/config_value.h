/*
 * The types that a configuration's values have: how text becomes a value, how a value becomes the
 * same text again, how it is freed, and what a mistake is told to accept. Pure.
 *
 * A type reads into one kind of field (named with it below); the field is empty (all zero) before.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aws/common/buf.h"
#include "aws/common/err.h"

/* A word and what it stands for. Of words for the same number the first is printed. */
struct value_word {
    const char *word; /* NULL ends a list */
    int number;
};

/* What one key allows of its type. */
struct value_rule {
    int64_t min, max; /* of numbers, of a list's length */
    const struct value_word *words;
    bool (*check)(const char *text,
                  struct err *err); /* of texts and of a list's items; may be NULL */
    const char *accepted;           /* instead of the type's own words; may be NULL */
    bool (*check_pair)(const char *name, const char *value, struct err *err); /* of value_pairs */
    const char *variable; /* where it is set, the first path in it is the default; may be NULL */
    bool secret;          /* a message does not show the value */
};

struct value_type {
    /* ERR_CONFIG: "is out of range", to be read behind the value. */
    bool (*parse)(const struct value_rule *rule, const char *text, void *field, struct err *err);
    /* reveal: with secrets, for comparing only. */
    void (*print)(const struct value_rule *rule, const void *field, bool reveal, struct buf *out);
    void (*accepted)(const struct value_rule *rule, struct buf *out);
    void (*done)(void *field); /* NULL: owns nothing */
};

extern const struct value_type value_text;     /* char *, never NULL */
extern const struct value_type value_optional; /* char *, NULL for the empty text */
extern const struct value_type value_duration; /* int, milliseconds; rule in milliseconds */
extern const struct value_type value_size;     /* int64_t, bytes; rule in bytes */
extern const struct value_type value_integer;  /* int */
extern const struct value_type value_choice;   /* an enum, by the rule's words */
extern const struct value_type value_flag;     /* bool, by the rule's words */
extern const struct value_type value_list;     /* struct config_list; at most rule.max items */
extern const struct value_type value_globs;    /* the same; "none" is the empty list */
extern const struct value_type value_number;   /* struct config_threshold: number or off */
extern const struct value_type value_portion;  /* the same: percentage, number or off */
extern const struct value_type value_percent;  /* the same: percentage with or without %, or off */
extern const struct value_type value_minutes;  /* the same: duration in whole minutes, or off */
extern const struct value_type value_seconds;  /* the same: duration, kept in seconds, or off */
extern const struct value_type value_microseconds; /* the same: duration, in microseconds, or off */
extern const struct value_type value_bytes;        /* the same: size, in bytes, or off */
extern const struct value_type value_alarm_rule;   /* struct config_rule; rule.words: statistics */
extern const struct value_type value_url;      /* struct conninfo, all zero for the empty text */
extern const struct value_type value_pool_url; /* struct pool_url, the same */
extern const struct value_type value_pairs;    /* struct config_pairs; see value_pairs_set() */

void value_accepted(const struct value_type *type, const struct value_rule *rule, struct buf *out);

struct config_pairs;
struct config_list;

/* Adds or replaces the pair of this name. */
void value_pairs_set(struct config_pairs *pairs, const char *name, const char *value);
void value_list_add(struct config_list *list, const char *item);
void value_list_done(struct config_list *list); /* empties it */

/* "90s", "1500ms": the largest unit that leaves no rest. */
void value_print_duration(int64_t ms, struct buf *out);

/* Checks for texts; a message reads behind the value ("starts with AWS/"). */
bool value_check_namespace(const char *text, struct err *err);
bool value_check_region(const char *text, struct err *err);
bool value_check_identifier(const char *text, struct err *err);
bool value_check_name(const char *text, struct err *err); /* of a database or pool */
bool value_check_path(const char *text, struct err *err);
bool value_check_http_url(const char *text, struct err *err);
bool value_check_listen(const char *text, struct err *err);
bool value_check_command(const char *text, struct err *err);
bool value_check_selector(const char *text, struct err *err);
bool value_check_match(const char *text, struct err *err);
bool value_check_arn(const char *text, struct err *err);
bool value_check_role(const char *text, struct err *err);   /* a role's ARN */
bool value_check_secret(const char *text, struct err *err); /* of Secrets Manager: ARN or name */
bool value_check_alarm_text(const char *text, struct err *err);
bool value_check_dimension(const char *name, const char *value, struct err *err);
bool value_check_tag(const char *name, const char *value, struct err *err);

/* Is "host:port" (of a form that value_check_listen took) an address of this host only? */
bool value_is_loopback(const char *listen);
