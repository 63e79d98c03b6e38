/* assert.c - assertions that show what there was instead. */
#include "kit/kit.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include <stdlib.h>

#define SHOWN_MOST ((size_t)2000) /* bytes of a body */
#define CALLS_MOST 20u            /* of a fake */

/* What is said where it does not hold: written to `to`, told by `tell`. */
struct report {
	FILE *to;
	char *text;
	size_t size;
};

static FILE *begin(struct report *report)
{
	*report = (struct report){ 0 };
	report->to = open_memstream(&report->text, &report->size);
	if (!report->to)
		tn_test_no_memory("tenon/test.h");
	return report->to;
}

/* Returns false, for the assertion to return. */
static bool tell(struct report *report, const char *file, unsigned line)
{
	fclose(report->to);
	if (!report->text)
		tn_test_no_memory("tenon/test.h");
	CU_assertImplementation(CU_FALSE, line, report->text, file, "", CU_FALSE);
	free(report->text);
	return false;
}

static bool holds(const char *file, unsigned line)
{
	return CU_assertImplementation(CU_TRUE, line, "", file, "", CU_FALSE) != 0;
}

static void show_bytes(FILE *to, const char *data, size_t size)
{
	tn_show_text(to, data, size < SHOWN_MOST ? size : SHOWN_MOST);
	if (size > SHOWN_MOST)
		fprintf(to, "... (%zu bytes in all)", size);
}

static void show_response(FILE *to, const struct tn_response *response)
{
	const struct tn_headers *headers =
		tn_response_headers((struct tn_response *)(uintptr_t)response);
	struct tn_bytes body = tn_response_body(response);
	struct tn_header header = { 0 };

	if (!response) {
		fputs("\n\tthere is no response: it is NULL, and the log tells why", to);
		return;
	}
	fprintf(to, "; the response is\n\t%d\n", tn_response_status(response));
	while (tn_headers_next(headers, &header)) {
		fprintf(to, "\t%s: ", header.name);
		tn_show_text(to, header.value, strlen(header.value));
		fputc('\n', to);
	}
	fputs("\n\t", to);
	show_bytes(to, body.data, body.size);
}

bool tn_test_check_status(const struct tn_response *response, int status, const char *file,
                          unsigned line)
{
	struct report report;

	if (tn_response_status(response) == status)
		return holds(file, line);
	fprintf(begin(&report), "the status is %d instead of %d", tn_response_status(response),
	        status);
	show_response(report.to, response);
	return tell(&report, file, line);
}

static void show_value(FILE *to, const char *value)
{
	if (!value) {
		fputs("not there", to);
		return;
	}
	fputc('\'', to);
	tn_show_text(to, value, strlen(value));
	fputc('\'', to);
}

static bool same(const char *one, const char *other)
{
	return one && other ? strcmp(one, other) == 0 : one == other;
}

bool tn_test_check_header(const struct tn_response *response, const char *name, const char *value,
                          const char *file, unsigned line)
{
	const char *actual = tn_response_header(response, name);
	struct report report;

	if (response && same(actual, value))
		return holds(file, line);
	fprintf(begin(&report), "the header %s is ", name ? name : "NULL");
	show_value(report.to, actual);
	fputs(" instead of ", report.to);
	show_value(report.to, value);
	show_response(report.to, response);
	return tell(&report, file, line);
}

bool tn_test_check_body(const struct tn_response *response, const void *data, size_t size,
                        const char *file, unsigned line)
{
	struct tn_bytes body = tn_response_body(response);
	const char *expected = data ? data : "";
	struct report report;

	size = size == SIZE_MAX ? strlen(expected) : size;
	if (response && body.size == size && memcmp(body.data, expected, size) == 0)
		return holds(file, line);
	fprintf(begin(&report), "the body, of %zu bytes, is to be these %zu:\n\t", body.size, size);
	show_bytes(report.to, expected, size);
	show_response(report.to, response);
	return tell(&report, file, line);
}

bool tn_test_check_body_contains(const struct tn_response *response, const char *text,
                                 const char *file, unsigned line)
{
	struct tn_bytes body = tn_response_body(response);
	struct report report;

	if (response && text && memmem(body.data, body.size, text, strlen(text)))
		return holds(file, line);
	fputs("the body is to contain ", begin(&report));
	show_value(report.to, text);
	show_response(report.to, response);
	return tell(&report, file, line);
}

bool tn_test_check_null(const struct tn_response *response, const char *file, unsigned line)
{
	struct report report;

	if (!response)
		return holds(file, line);
	fputs("there is to be no response, NULL", begin(&report));
	show_response(report.to, response);
	return tell(&report, file, line);
}

bool tn_test_check_calls(const struct tn_fake *fake, unsigned calls, const char *file,
                         unsigned line)
{
	struct report report;

	if (fake->calls == calls)
		return holds(file, line);
	fprintf(begin(&report), "'%s' was called %u times instead of %u%s", fake->service.name,
	        fake->calls, calls, fake->calls ? ":" : "");
	for (unsigned i = 0; i < fake->calls && i < CALLS_MOST && fake->requests[i]; i++)
		fprintf(report.to, "\n\t%u. %s %s", i + 1, tn_request_method(fake->requests[i]),
		        tn_request_url(fake->requests[i]));
	if (fake->calls > CALLS_MOST)
		fputs("\n\t...", report.to);
	return tell(&report, file, line);
}

bool tn_test_check_errors(const char *errors, const char *file, unsigned line)
{
	struct report report;

	if (!*errors)
		return holds(file, line);
	fputs("it cannot be deployed:\n\t", begin(&report));
	show_bytes(report.to, errors, strlen(errors) - 1);
	return tell(&report, file, line);
}

bool tn_test_check_text(const char *actual, const char *expected, const char *expression,
                        const char *file, unsigned line)
{
	struct report report;

	if (same(actual, expected))
		return holds(file, line);
	fprintf(begin(&report), "%s\n\tis         ", expression);
	show_bytes(report.to, actual ? actual : "NULL", actual ? strlen(actual) : 4);
	fputs("\n\tshould be  ", report.to);
	show_bytes(report.to, expected ? expected : "NULL", expected ? strlen(expected) : 4);
	return tell(&report, file, line);
}

bool tn_test_check_number(long long actual, long long expected, const char *expression,
                          const char *file, unsigned line)
{
	struct report report;

	if (actual == expected)
		return holds(file, line);
	fprintf(begin(&report), "%s is %lld instead of %lld", expression, actual, expected);
	return tell(&report, file, line);
}
