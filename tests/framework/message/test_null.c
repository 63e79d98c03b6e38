/* Every call on NULL is harmless: each function of tenon.h, with NULL for each of its pointers. */
#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"
#include "message/secret.h"

#include <string.h>

#define CALLS_MAX 128

static const char *called[CALLS_MAX];
static unsigned calls;

static void note_call(const char *name)
{
	for (unsigned i = 0; i < calls; i++) {
		if (strcmp(called[i], name) == 0)
			return;
	}
	if (calls < CALLS_MAX)
		called[calls++] = name;
}

#define CALL(function_, ...) (note_call(#function_), function_(__VA_ARGS__))

#define GIVES_NULL(function_, ...) CU_ASSERT_PTR_NULL(CALL(function_, __VA_ARGS__))
#define GIVES_FALSE(function_, ...) CU_ASSERT(!CALL(function_, __VA_ARGS__))
#define GIVES_NO_BYTES(function_, ...) check_no_bytes(CALL(function_, __VA_ARGS__), #function_)

static void check_no_bytes(struct tn_bytes bytes, const char *name)
{
	if (!CHECK_TEXT(bytes.data, "") || !CHECK_NUMBER(bytes.size, 0))
		printf("%s\n", name);
}

static unsigned released;

static void release(void *argument)
{
	(void)argument;
	released++;
}

static void requests_to_read(void)
{
	struct fixture fixture;
	struct tn_parameter parameter = { 0 };
	struct tn_form_part part = { 0 };

	fixture_init(&fixture);
	GIVES_NULL(tn_request_method, NULL);
	GIVES_NULL(tn_request_url, NULL);
	GIVES_NULL(tn_request_target, NULL);
	GIVES_NULL(tn_request_path, NULL);
	GIVES_NULL(tn_request_address, NULL);
	GIVES_NULL(tn_request_id, NULL);
	GIVES_NULL(tn_request_headers, NULL);
	GIVES_NO_BYTES(tn_request_body, NULL);
	GIVES_NULL(tn_request_query, NULL, "a");
	GIVES_NULL(tn_request_query, fixture.request, NULL);
	GIVES_FALSE(tn_request_query_next, NULL, &parameter);
	GIVES_FALSE(tn_request_query_next, fixture.request, NULL);
	GIVES_NULL(tn_request_form, NULL, "a");
	GIVES_NULL(tn_request_form, fixture.request, NULL);
	GIVES_FALSE(tn_request_form_next, NULL, &parameter);
	GIVES_FALSE(tn_request_form_next, fixture.request, NULL);
	GIVES_FALSE(tn_form_next, NULL, &part);
	GIVES_FALSE(tn_form_next, fixture.request, NULL);
	GIVES_NULL(tn_request_cookie, NULL, "a");
	GIVES_NULL(tn_request_cookie, fixture.request, NULL);
	GIVES_NULL(tn_request_header, NULL, "a");
	GIVES_NULL(tn_request_header, fixture.request, NULL);
	GIVES_NULL(tn_url_encode, NULL, "a");
	GIVES_NULL(tn_url_encode, fixture.request, NULL);
	fixture_finish(&fixture);
}

static void requests_to_make_and_change(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	released = 0;
	GIVES_NULL(tn_request_clone, NULL);
	GIVES_NULL(tn_request_new, NULL, "GET", "/");
	GIVES_NULL(tn_request_new, fixture.request, NULL, "/");
	GIVES_NULL(tn_request_new, fixture.request, "GET", NULL);
	GIVES_FALSE(tn_request_set_method, NULL, "GET");
	GIVES_FALSE(tn_request_set_method, fixture.request, NULL);
	GIVES_FALSE(tn_request_set_url, NULL, "/");
	GIVES_FALSE(tn_request_set_url, fixture.request, NULL);
	GIVES_FALSE(tn_request_set_header, NULL, "a", "b");
	GIVES_FALSE(tn_request_set_header, NULL, "a", NULL);
	GIVES_FALSE(tn_request_set_header, fixture.request, NULL, "b");
	GIVES_FALSE(tn_request_set_header, fixture.request, NULL, NULL);
	GIVES_FALSE(tn_request_set_body, NULL, "a", 1);
	GIVES_FALSE(tn_request_set_body, fixture.request, NULL, 1);
	GIVES_FALSE(tn_request_set_body_static, NULL, "a", 1);
	GIVES_FALSE(tn_request_set_body_static, fixture.request, NULL, 1);
	GIVES_FALSE(tn_request_set_body_owned, NULL, "a", 1, release, NULL);
	GIVES_FALSE(tn_request_set_body_owned, NULL, "a", 1, NULL, NULL);
	GIVES_FALSE(tn_request_set_body_owned, fixture.request, NULL, 1, release, NULL);
	GIVES_FALSE(tn_request_set_body_owned, fixture.request, NULL, 1, NULL, NULL);
	CHECK_NUMBER(released, 2);
	CHECK_TEXT(tn_request_target(fixture.request), "/path?query");
	fixture_finish(&fixture);
	CHECK_NUMBER(released, 2);
}

static void headers(void)
{
	struct fixture fixture;
	struct tn_headers *some;
	struct tn_header header = { 0 };

	fixture_init(&fixture);
	some = tn_request_headers(fixture.request);
	CU_ASSERT(tn_headers_set(some, "a", "1"));
	GIVES_NULL(tn_headers_get, NULL, "a");
	GIVES_NULL(tn_headers_get, some, NULL);
	GIVES_FALSE(tn_headers_has, NULL, "a");
	GIVES_FALSE(tn_headers_has, some, NULL);
	GIVES_FALSE(tn_headers_set, NULL, "a", "1");
	GIVES_FALSE(tn_headers_set, NULL, "a", NULL);
	GIVES_FALSE(tn_headers_set, some, NULL, "1");
	GIVES_FALSE(tn_headers_set, some, NULL, NULL);
	GIVES_FALSE(tn_headers_append, NULL, "a", "1");
	GIVES_FALSE(tn_headers_append, some, NULL, "1");
	GIVES_FALSE(tn_headers_append, some, "a", NULL);
	GIVES_FALSE(tn_headers_delete, NULL, "a");
	GIVES_FALSE(tn_headers_delete, some, NULL);
	GIVES_FALSE(tn_headers_next, NULL, &header);
	GIVES_FALSE(tn_headers_next, some, NULL);
	CHECK_TEXT(tn_headers_get(some, "a"), "1");
	fixture_finish(&fixture);
}

static void responses_to_make(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	released = 0;
	GIVES_NULL(tn_response_new, NULL, 200);
	GIVES_NULL(tn_response_text, NULL, 200, "a");
	GIVES_NULL(tn_response_text, fixture.request, 200, NULL);
	GIVES_NULL(tn_response_text_static, NULL, 200, "a");
	GIVES_NULL(tn_response_text_static, fixture.request, 200, NULL);
	GIVES_NULL(tn_response_bytes, NULL, 200, "a/b", "a", 1);
	GIVES_NULL(tn_response_bytes, fixture.request, 200, "a/b", NULL, 1);
	CU_ASSERT_PTR_NOT_NULL(tn_response_bytes(fixture.request, 200, NULL, "a", 1));
	GIVES_NULL(tn_response_bytes_static, NULL, 200, "a/b", "a", 1);
	GIVES_NULL(tn_response_bytes_static, fixture.request, 200, "a/b", NULL, 1);
	GIVES_NULL(tn_response_bytes_owned, NULL, 200, "a/b", "a", 1, release, NULL);
	GIVES_NULL(tn_response_bytes_owned, fixture.request, 200, "a/b", NULL, 1, release, NULL);
	GIVES_NULL(tn_response_bytes_owned, NULL, 200, "a/b", "a", 1, NULL, NULL);
	CHECK_NUMBER(released, 2);
	fixture_finish(&fixture);
}

static void responses_to_read_and_change(void)
{
	struct fixture fixture;
	struct tn_response *response;

	fixture_init(&fixture);
	released = 0;
	response = tn_response_text(fixture.request, 200, "a");
	CHECK_NUMBER(CALL(tn_response_status, NULL), 500);
	GIVES_NULL(tn_response_headers, NULL);
	GIVES_NO_BYTES(tn_response_body, NULL);
	GIVES_NULL(tn_response_header, NULL, "a");
	GIVES_NULL(tn_response_header, response, NULL);
	GIVES_FALSE(tn_response_set_status, NULL, 200);
	GIVES_FALSE(tn_response_set_header, NULL, "a", "1");
	GIVES_FALSE(tn_response_set_header, response, NULL, "1");
	GIVES_FALSE(tn_response_set_header, response, NULL, NULL);
	GIVES_FALSE(tn_response_set_body, NULL, "a", 1);
	GIVES_FALSE(tn_response_set_body, response, NULL, 1);
	GIVES_FALSE(tn_response_set_body_static, NULL, "a", 1);
	GIVES_FALSE(tn_response_set_body_static, response, NULL, 1);
	GIVES_FALSE(tn_response_set_body_owned, NULL, "a", 1, release, NULL);
	GIVES_FALSE(tn_response_set_body_owned, NULL, "a", 1, NULL, NULL);
	GIVES_FALSE(tn_response_set_body_owned, response, NULL, 1, release, NULL);
	CHECK_NUMBER(released, 2);
	CHECK_TEXT(tn_response_body(response).data, "a");
	fixture_finish(&fixture);
}

/* Through pointers, which have lost the attribute that would have the compiler refuse NULL. */
static const char *(*const format)(const struct tn_request *, const char *, ...) = tn_format;
static void (*const log_line)(const struct tn_request *, enum tn_log_level, const char *,
                              ...) = tn_log;

static void secrets(void)
{
	struct tn_secret *secret = tn_secret_create("a", 1);

	GIVES_FALSE(tn_secret_equals, NULL, "a");
	GIVES_FALSE(tn_secret_equals, secret, NULL);
	GIVES_FALSE(tn_secret_equals, NULL, NULL);
	GIVES_NO_BYTES(tn_secret_reveal, NULL);
	tn_secret_destroy(secret);
}

static void the_exchange(void)
{
	struct tn_call call = { .response = (struct tn_response *)&released };
	struct fixture fixture;

	fixture_init(&fixture);
	released = 0;
	GIVES_NULL(tn_allocate, NULL, 1);
	GIVES_NULL(tn_format, NULL, "a");
	CU_ASSERT_PTR_NULL(format(fixture.request, NULL));
	CHECK_NUMBER(CALL(tn_fetch_all, NULL, &call, 1), 0);
	CU_ASSERT_PTR_NULL(call.response);
	CHECK_NUMBER(CALL(tn_fetch_all, fixture.request, NULL, 1), 0);
	CHECK_NUMBER(CALL(tn_fetch_all, fixture.request, &call, 0), 0);
	CHECK_NUMBER(CALL(tn_request_deadline, NULL), 0);
	CU_ASSERT(CALL(tn_request_cancelled, NULL));
	GIVES_FALSE(tn_defer, NULL, release, NULL);
	CHECK_NUMBER(released, 1);
	GIVES_FALSE(tn_defer, fixture.request, NULL, NULL);
	GIVES_FALSE(tn_defer, NULL, NULL, NULL);
	GIVES_FALSE(tn_wait_until, NULL, release, NULL);
	GIVES_FALSE(tn_wait_until, fixture.request, NULL, NULL);
	note_call("tn_log");
	capture_begin();
	log_line(fixture.request, TN_LOG_ERROR, NULL);
	log_line(NULL, TN_LOG_ERROR, NULL);
	CHECK_TEXT(capture_end(), "");
	fixture_finish(&fixture);
	CHECK_NUMBER(released, 1);
}

/* Only TN_WORKER's fetch calls these two, with a descriptor, and a request to leave with. */
static void entering_and_leaving(void)
{
	static const struct tn_worker worker = { .name = "worker" };
	struct fixture fixture;
	struct tn_response *response = NULL;
	const struct tn_service service = { .name = "worker" };

	fixture_init(&fixture);
	GIVES_FALSE(tn_worker_enter, &worker, NULL, &service, &response);
	capture_begin();
	GIVES_FALSE(tn_worker_enter, &worker, fixture.request, NULL, &response);
	CU_ASSERT(tn_worker_enter(&worker, fixture.request, &service, &response));
	GIVES_NULL(tn_worker_leave, fixture.request, NULL);
	CHECK_NUMBER(capture_lines(capture_end(), ""), 2);
	CU_ASSERT_PTR_NULL(tn_fetch(NULL, fixture.request));
	CU_ASSERT_PTR_NULL(tn_fetch(NULL, NULL));
	fixture_finish(&fixture);
}

/* ---- That none is missing ----------------------------------------------------------------- */

static bool was_called(const char *name, size_t size)
{
	for (unsigned i = 0; i < calls; i++) {
		if (strlen(called[i]) == size && memcmp(called[i], name, size) == 0)
			return true;
	}
	return false;
}

/* The name of the function that a line declares; its size in *size. */
static const char *declared(const char *line, size_t *size)
{
	const char *name = strstr(line, "tn_");

	if (strncmp(line, "TN_EXPORT ", 10) != 0)
		return NULL;
	for (; name; name = strstr(name + 1, "tn_")) {
		*size = strcspn(name, " (*;");
		if (name[*size] == '(')
			return name;
	}
	return NULL;
}

/* The tests run at the top of the tree, where the header is. */
static void no_function_of_the_header_is_missing_here(void)
{
	FILE *file = fopen("include/tenon.h", "r");
	char line[256];
	unsigned found = 0;

	requests_to_read();
	requests_to_make_and_change();
	headers();
	responses_to_make();
	responses_to_read_and_change();
	secrets();
	the_exchange();
	entering_and_leaving();
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	while (fgets(line, sizeof(line), file)) {
		size_t size = 0;
		const char *name = declared(line, &size);

		if (!name)
			continue;
		found++;
		CU_ASSERT(was_called(name, size));
		if (!was_called(name, size))
			printf("%s", line);
	}
	fclose(file);
	CHECK_NUMBER(found, calls);
}

TEST_MAIN("message/null",
          TEST(requests_to_read),
          TEST(requests_to_make_and_change),
          TEST(headers),
          TEST(responses_to_make),
          TEST(responses_to_read_and_change),
          TEST(secrets),
          TEST(the_exchange),
          TEST(entering_and_leaving),
          TEST(no_function_of_the_header_is_missing_here))
