/*
 * How little memory the process keeps. Both before the first thread and before anything large is
 * allocated.
 */
#pragma once

/* One arena, few threads, free pages back to the system. */
void footprint_limit(void);

/* For who runs for months: starts the program again, with the same arguments and the same process
 * id, with an allocator that does not keep what was freed. Returns when that is so already, or when
 * it can not be had: then it is the allocator's usual way. */
void footprint_limit_for_long(char **argv);
