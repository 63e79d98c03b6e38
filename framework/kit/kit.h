/* kit.h - what the files of the kit share. */
#ifndef TENON_KIT_KIT_H
#define TENON_KIT_KIT_H

#include "tenon/test.h"

#include "message/exchange.h"

#include <stdio.h>

struct tn_test {
	struct tn_exchange_pool pool;
	struct tn_exchange *exchange;
	struct tn_test *next; /* of those that have not ended */
};

/* Ends all tests that have not ended; returns how many there were. */
unsigned tn_test_end_all(void);

/* Whose use, when an exchange has ended, is told of, and ends the program. */
extern const struct tn_arena_source tn_ended_source;

/* Sees to it that it is; may be called again. */
void tn_ended_watch(void);

/* The test that runs, for what is told; NULL: it has no name. */
void tn_ended_name(const char *test);

/* Says what went wrong, and ends the program: there is no memory, and no test can go on. */
_Noreturn void tn_test_no_memory(const char *where);

/*
 * Writes text as it is to be shown: what is no UTF-8 (RFC 3629) or a control character, but for TAB
 * and newline, as \xNN; with a TAB behind each newline.
 */
void tn_show_text(FILE *to, const char *data, size_t size);

/* The size of the character at the beginning, in bytes; 0 where it is no UTF-8. */
size_t tn_show_character(const char *data, size_t size);

#endif
