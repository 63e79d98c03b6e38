/* planned.h - what tests of the plan need: a directory of files, its configuration, the plan. */
#ifndef TENON_TESTS_PLANNED_H
#define TENON_TESTS_PLANNED_H

#include "deploy/plan.h"

#include "scratch.h"

#include <errno.h>

struct planned {
	struct scratch scratch;
	struct tn_errors errors;
	struct tn_config *config;
	struct tn_plan *plan;
};

static inline void planned_begin(struct planned *planned)
{
	*planned = (struct planned){ 0 };
	scratch_begin(&planned->scratch);
}

/* A file of the configuration; the directories in its name are made. */
static inline void planned_write(struct planned *planned, const char *name, const char *text)
{
	for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
		char directory[256];

		snprintf(directory, sizeof(directory), "%.*s", (int)(slash - name), name);
		CU_ASSERT_FATAL(mkdir(scratch_path(&planned->scratch, directory), 0755) == 0 ||
		                errno == EEXIST);
	}
	scratch_write(&planned->scratch, name, 0600, text, strlen(text));
}

/* Reads that file and those that it includes. */
static inline void planned_load(struct planned *planned, const char *name)
{
	const char *path = scratch_path(&planned->scratch, name);
	char reason[TN_REASON_SIZE];

	CU_ASSERT_FATAL(tn_config_load(path, NULL, &planned->config, &planned->errors, reason) ==
	                0);
}

static inline void planned_make(struct planned *planned, const char *environment)
{
	planned->plan = tn_plan_create(planned->config, environment, &planned->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(planned->plan);
}

/* The plan of one text, which is x.ini. */
static inline void planned_text(struct planned *planned, const char *environment, const char *text)
{
	planned_begin(planned);
	planned_write(planned, "x.ini", text);
	planned_load(planned, "x.ini");
	planned_make(planned, environment);
}

static inline void planned_end(struct planned *planned)
{
	tn_plan_destroy(planned->plan);
	tn_config_destroy(planned->config);
	tn_errors_finish(&planned->errors);
	scratch_end(&planned->scratch);
}

/* Cuts the directory, which is another each time, out of the text; returns it. */
static inline char *planned_plain(const struct planned *planned, char *text)
{
	size_t size = strlen(planned->scratch.directory);
	const char *from = text;
	char *to = text;

	while (*from) {
		if (strncmp(from, planned->scratch.directory, size) == 0 && from[size] == '/')
			from += size + 1;
		else
			*to++ = *from++;
	}
	*to = '\0';
	return text;
}

/* Checks the whole list, and empties it. */
#define CHECK_TOLD(planned_, expected_) \
	planned_check_told(planned_, expected_, __FILE__, __LINE__)

static inline void planned_check_told(struct planned *planned, const char *expected,
                                      const char *file, unsigned line)
{
	char *text = planned_plain(planned, errors_text(&planned->errors));

	test_text(text, expected, "the errors", file, line);
	free(text);
	tn_errors_finish(&planned->errors);
}

/* Checks what a text has, in an environment or NULL, to be told of. */
#define CHECK_TEXT_TOLD(environment_, text_, expected_) \
	planned_check_text(environment_, text_, expected_, __FILE__, __LINE__)

static inline void planned_check_text(const char *environment, const char *text,
                                      const char *expected, const char *file, unsigned line)
{
	struct planned planned;

	planned_text(&planned, environment, text);
	planned_check_told(&planned, expected, file, line);
	planned_end(&planned);
}

#endif
