/*
 * capture.h - what is written to standard error while a test looks: the log.
 *
 *	capture_begin();
 *	tn_headers_set(headers, "a:b", "1");
 *	log = capture_end();
 *	CHECK_NUMBER(capture_lines(log, "refused"), 1);
 *
 * Leave no test between the two with a ..._FATAL assert: its failure would not be seen.
 */
#ifndef TENON_TESTS_FRAMEWORK_CAPTURE_H
#define TENON_TESTS_FRAMEWORK_CAPTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CAPTURE_SIZE ((size_t)256 * 1024)

struct capture {
	int standard_error;
	int file;
	char text[CAPTURE_SIZE];
};

static inline struct capture *capture_state(void)
{
	static struct capture capture;

	return &capture;
}

static inline void capture_begin(void)
{
	struct capture *capture = capture_state();

	fflush(stderr);
	capture->standard_error = dup(STDERR_FILENO);
	capture->file = memfd_create("captured", MFD_CLOEXEC);
	/* Several threads may write: a memfd has no lock for its position. */
	if (capture->standard_error < 0 || capture->file < 0 ||
	    fcntl(capture->file, F_SETFL, O_APPEND) < 0 ||
	    dup2(capture->file, STDERR_FILENO) < 0)
		abort();
}

/* The text lives until the next capture. */
static inline const char *capture_end(void)
{
	struct capture *capture = capture_state();
	ssize_t size;

	fflush(stderr);
	size = pread(capture->file, capture->text, CAPTURE_SIZE - 1, 0);
	capture->text[size < 0 ? 0 : size] = '\0';
	if (dup2(capture->standard_error, STDERR_FILENO) < 0)
		abort();
	close(capture->standard_error);
	close(capture->file);
	return capture->text;
}

/* How many lines have that part; "" is a part of each. */
static inline unsigned capture_lines(const char *text, const char *part)
{
	unsigned lines = 0;

	while (*text) {
		size_t size = strcspn(text, "\n");

		lines += memmem(text, size, part, strlen(part)) != NULL;
		text += size + (text[size] == '\n');
	}
	return lines;
}

#endif
