/*
 * junit.h - the report that CI systems read: the XML of JUnit, as Ant's task began it and all have
 * copied it since.
 *
 * The file is written anew, and put in its place whole, before and after each test: so it is there,
 * and names the test, when one crashes.
 */
#ifndef TENON_KIT_JUNIT_H
#define TENON_KIT_JUNIT_H

#include <stdbool.h>
#include <stddef.h>

enum tn_junit_state {
	TN_JUNIT_WAITS, /* it has not begun, and is not in the report */
	TN_JUNIT_RUNS,
	TN_JUNIT_PASSED,
	TN_JUNIT_FAILED,
};

struct tn_junit_case {
	const char *name;
	enum tn_junit_state state;
	double seconds;
	char *failures; /* one a line, "FILE:LINE: WHAT"; NULL: none */
};

struct tn_junit {
	char *path; /* NULL: no report is wanted */
	const char *suite;
	struct tn_junit_case *cases;
	size_t count;
};

/* Looks in the environment where the report is to be; false where there is no memory. */
bool tn_junit_init(struct tn_junit *junit, const char *suite);
void tn_junit_finish(struct tn_junit *junit);

/* Writes it as it is now; where it cannot be, that is told once, and it is no longer wanted. */
void tn_junit_write(struct tn_junit *junit);

#endif
