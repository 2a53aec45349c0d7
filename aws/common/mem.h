/*
 * Allocation that succeeds or ends the process. An agent that can not get a few bytes can do
 * nothing useful; its supervisor starts it anew. Therefore everything that is fed from outside has
 * a limit of its own, checked before these are called.
 */
#pragma once

#include <stddef.h>

void *mem_alloc(size_t size); /* zeroed */
void *mem_grow(void *old, size_t count,
               size_t size);        /* room for count elements of size; like realloc */
char *mem_strdup(const char *text); /* NULL gives NULL */
char *mem_strndup(const char *text, size_t len);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the process when memory is NULL: for what a library allocates; else returns it. */
void *mem_check(void *memory);

/* Wipes a secret before its memory is given back; NULL is fine. */
void mem_free_secret(char *text);

#define MEM_COUNT(array) (sizeof(array) / sizeof((array)[0]))
