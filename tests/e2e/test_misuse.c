/* test_misuse.c - what a Worker does wrong while it answers: who did it, and the cure. */
#include "harness.h"

#include "../cunit.h"

/* `front` on the loop, or on a thread of the pool. */
static struct host *start(const char *blocking)
{
	return host_start(scratch_write("misuse.ini",
	                                "[host]\nlisten = 127.0.0.1:0\nmodules = %s/plugins\n"
	                                "[worker front]\nmodule = %s\nroute = /*\n%s"
	                                "service.one = application\nservice.other = auth\n"
	                                "[worker application]\n"
	                                "[worker auth]\nmodule = echo.so\n",
	                                built(""), fixture("mistake_misuse"), blocking));
}

static void check_lines(const struct host *host, size_t count, const char *expression)
{
	size_t found = lines_matching(host_log(host), expression);

	if (found != count)
		CHECK_TEXT(host_log(host), text_of("%zu lines, not %zu, like: %s", count, found,
		                                   expression));
}

static void check_reply(const struct host *host, const char *path, long status, const char *body)
{
	struct http_reply *reply = http_get(host, path);

	CHECK_NUMBER(reply->status, status);
	CHECK_TEXT(reply->body, body);
}

#define ERROR_BODY "Internal Server Error\n"

static void check_stack(const char *blocking)
{
	struct host *host = start(blocking);

	check_reply(host, "/stack-text", 500, ERROR_BODY);
	check_reply(host, "/stack-bytes", 500, ERROR_BODY);
	check_reply(host, "/stack-owned", 500, ERROR_BODY);
	check_reply(host, "/stack-body", 200, "as it was\n");
	host_end(host);
	check_lines(host, 4,
	            "Z error request=[0-9a-f]{16} worker=front: body refused: it lies on the "
	            "stack, and is gone when the reply is sent: call tn_response_text, "
	            "tn_response_bytes or tn_response_set_body, which copy it, or make it static "
	            "const$");
	check_lines(host, 3, "worker=front: returned NULL$");
	check_lines(host, 1, "released the owned$");
}

static void a_body_on_the_stack_is_refused(void)
{
	check_stack("");
}

static void it_is_on_a_thread_of_the_pool_too(void)
{
	check_stack("blocking = yes\n");
}

static void a_call_without_a_network_refuses_it_too(void)
{
	const char *file = scratch_write("call.ini", "[worker front]\nmodule = %s\nroute = /*\n",
	                                 fixture("mistake_misuse"));
	const char *const arguments[] = { "call", file, "front", "/stack-text", NULL };
	struct finished call = tenon_run(arguments, NULL);

	CHECK_NUMBER(call.code != 0, true);
	CHECK_NUMBER(count_of(call.err, "worker=front: body refused: it lies on the stack"), 1);
}

static void a_body_that_stays_is_not(void)
{
	for (int blocking = 0; blocking < 2; blocking++) {
		struct host *host = start(blocking ? "blocking = yes\n" : "");

		check_reply(host, "/copied", 200, "copied\n");
		check_reply(host, "/constant", 200, "constant\n");
		check_reply(host, "/arena", 200, "arena 1\n");
		host_end(host);
		check_lines(host, 0, "Z error ");
	}
}

/* Both names: whose fetch it was, and whose service was passed. */
static void another_service_than_the_one_called_is_refused(void)
{
	struct host *host = start("");

	check_reply(host, "/other-service", 500, ERROR_BODY);
	check_reply(host, "/own-service", 500, ERROR_BODY);
	check_reply(host, "/copied", 200, "copied\n");
	host_end(host);
	check_lines(host, 1,
	            "Z error request=[0-9a-f]{16} worker=front: the fetch of 'application' was "
	            "called with another service, 'auth': call service->fetch\\(request, "
	            "service\\)$");
	check_lines(host, 1, "the fetch of 'application' was called with another service, "
	                     "'front': call service->fetch\\(request, service\\)$");
	check_lines(host, 0, "returned NULL$");
}

TEST_MAIN("e2e/misuse",
          TEST(a_body_on_the_stack_is_refused),
          TEST(it_is_on_a_thread_of_the_pool_too),
          TEST(a_call_without_a_network_refuses_it_too),
          TEST(a_body_that_stays_is_not),
          TEST(another_service_than_the_one_called_is_refused))
