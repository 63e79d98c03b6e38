/*
 * tenon/test.h - tests of a Worker, with no host at all.
 *
 * A test is a program that includes the Worker's .c, so that its `struct env` is at hand, and links
 * with -ltenon-test -ltenon. With CUnit:
 *
 *	#include "../plugins/gateway.c"
 *	#include <tenon/test.h>
 *
 *	static void refuses_without_a_token(void)
 *	{
 *		struct tn_test *test = tn_test_begin();
 *		struct tn_fake auth = TN_FAKE("auth", 403, "no");
 *		struct tn_fake application = TN_FAKE("application", 200, "hello");
 *		struct env env = {
 *			.self = TN_TEST_SELF,
 *			.auth = &auth.service,
 *			.application = &application.service,
 *		};
 *		struct tn_request *request = tn_test_request(test, "GET", "/");
 *
 *		CU_ASSERT_EQUAL(tn_response_status(tn_fetch(&env.self, request)), 403);
 *		CU_ASSERT_EQUAL(application.calls, 0);
 *		tn_test_end(test);
 *	}
 *
 * Nothing here is for production. All of it is for one thread, on which tn_fetch_all makes all of
 * its calls, in order.
 */
#ifndef TENON_TEST_H
#define TENON_TEST_H

#include "../tenon.h"

struct tn_test;

/* Begins an exchange with the default limits; ends the program where there is no memory. */
struct tn_test *tn_test_begin(void);

/* Ends it as the host does when the reply has been sent: the work of tn_wait_until runs, then the
 * release callbacks, then all requests, responses and secrets of the test are gone. NULL is
 * fine. */
void tn_test_end(struct tn_test *test);

/*
 * A first request, as the edge makes it. The URL is absolute, or a path of http://localhost; the
 * client is 127.0.0.1. Headers and a body are added with tn_request_set_header and
 * tn_request_set_body. Lives until the test's end; NULL where method or URL are refused.
 */
struct tn_request *tn_test_request(struct tn_test *test, const char *method, const char *url);

/* The test's deadline, in milliseconds from now, as tn_request_deadline tells it: 0 has passed;
 * INT64_MAX, as at first, is none. */
void tn_test_set_deadline(struct tn_test *test, int64_t milliseconds);

/* The client has gone: tn_request_cancelled is true until the test's end. */
void tn_test_cancel(struct tn_test *test);

/* A secret with that text; lives until the test's end. */
const struct tn_secret *tn_test_secret(struct tn_test *test, const char *text);

/* The `self` of the env of the Worker that the test's program includes. */
#define TN_TEST_SELF \
	{ \
		.fetch = fetch, .name = "self" \
	}

#define TN_FAKE_REQUESTS 16

/* A service that answers the same each time, and keeps what it was asked. */
struct tn_fake {
	struct tn_service service; /* what the env's field points to */
	int status;                /* 0: it answers NULL, as a Worker that failed */
	const char *body;          /* text/plain; NULL for none */
	unsigned calls;            /* how often it was called */
	/* The first requests as they came: clones, that live until the test's end. */
	struct tn_request *requests[TN_FAKE_REQUESTS];
};

#define TN_FAKE(name_, status_, body_) \
	{ \
		.service = { .fetch = tn_fake_fetch, .name = (name_) }, .status = (status_), \
		.body = (body_), \
	}

/* The fetch of a fake. */
struct tn_response *tn_fake_fetch(struct tn_request *request, const struct tn_service *service);

#endif
