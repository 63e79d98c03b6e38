/*
 * tenon/test.h - tests of a Worker, with no host and no network.
 *
 * A test is a program that includes the Worker's .c, so that its `struct env` is at hand, and is
 * built with what `pkg-config --cflags --libs tenon-test` gives:
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
 *		struct tn_request *request = TN_TEST_REQUEST(test, "POST", "/login",
 *		                                             TN_HEADER("accept", "text/plain"),
 *		                                             TN_BODY("name=me"));
 *
 *		TN_ASSERT_STATUS(tn_fetch(&env.self, request), 403);
 *		TN_ASSERT_CALLS(&auth, 1);
 *		TN_ASSERT_TEXT(tn_request_path(auth.requests[0]), "/login");
 *		TN_ASSERT_CALLS(&application, 0);
 *		tn_test_end(test);
 *	}
 *
 *	TN_TEST_MAIN("gateway", TN_TEST(refuses_without_a_token))
 *
 * Nothing here is for production. All of it is for one thread, on which tn_fetch_all makes all of
 * its calls, in order. The assertions and TN_TEST_MAIN are CUnit's: whoever uses none of them needs
 * no -lcunit, and any other runner will do.
 */
#ifndef TENON_TEST_H
#define TENON_TEST_H

#include "../tenon.h"

/* ---- The exchange ----------------------------------------------------------------------- */

struct tn_test;

/* Begins an exchange with the default limits; ends the program where there is no memory. */
struct tn_test *tn_test_begin(void);

/*
 * Ends it as the host does when the reply has been sent: the work of tn_wait_until runs, then the
 * release callbacks, then all requests, responses and secrets of the test are gone. NULL is fine.
 * TN_TEST_MAIN fails a test that leaves it out, since what was deferred has then never run.
 */
void tn_test_end(struct tn_test *test);

/* Runs the work of tn_wait_until now, as after the reply, so that a test can look at what it did
 * while all is still there. */
void tn_test_run_later(struct tn_test *test);

/* The test's deadline, in milliseconds from now, as tn_request_deadline tells it: 0 has passed;
 * INT64_MAX, as at first, is none. */
void tn_test_set_deadline(struct tn_test *test, int64_t milliseconds);

/* The client has gone: tn_request_cancelled is true until the test's end. */
void tn_test_cancel(struct tn_test *test);

/* How many bytes of the exchange's memory are taken so far: what `request_memory` of the
 * configuration limits. NULL: 0. */
size_t tn_test_memory(const struct tn_test *test);

/* A secret with that text; lives until the test's end. NULL where the text is NULL. */
const struct tn_secret *tn_test_secret(struct tn_test *test, const char *text);

/* The `self` of the env of the Worker that the test's program includes. */
#define TN_TEST_SELF \
	{ \
		.fetch = fetch, .name = "self" \
	}

/* ---- Requests --------------------------------------------------------------------------- */

/* A header, or the body, of what a test makes. */
struct tn_test_part {
	const char *name; /* NULL: the body */
	const char *data;
	size_t size; /* of a body that may have NULs; SIZE_MAX: data is text */
};

#define TN_HEADER(name_, value_) \
	{ \
		.name = (name_), .data = (value_), .size = SIZE_MAX \
	}
#define TN_BODY(text_) \
	{ \
		.data = (text_), .size = SIZE_MAX \
	}
#define TN_BODY_BYTES(data_, size_) \
	{ \
		.data = (const char *)(data_), .size = (size_) \
	}

/*
 * A first request, as the edge makes it. The URL is absolute, or a path of http://localhost; the
 * client is 127.0.0.1. Lives until the test's end; NULL, with a line in the log, where a part of it
 * is refused. tn_request_set_header and the like may change it before it is passed on.
 *
 *	TN_TEST_REQUEST(test, "GET", "/")
 *	TN_TEST_REQUEST(test, "POST", "/a?b=c", TN_HEADER("x-token", "t"), TN_BODY("text"))
 *
 * Headers of the same name are all added, in order.
 */
struct tn_request *tn_test_request(struct tn_test *test, const char *method, const char *url);

#define TN_TEST_REQUEST(...) TN_TEST_REQUEST_(__VA_ARGS__, )
#define TN_TEST_REQUEST_(test_, method_, url_, ...) \
	tn_test_request_with( \
		test_, method_, url_, \
		(const struct tn_test_part[]){ __VA_ARGS__{ .name = NULL, .data = NULL } })

/* What TN_TEST_REQUEST is made of. The last part has neither name nor data. */
struct tn_request *tn_test_request_with(struct tn_test *test, const char *method, const char *url,
                                        const struct tn_test_part *parts);

/* ---- Fakes ------------------------------------------------------------------------------ */

#define TN_FAKE_HEADERS 16

/*
 * A service that a test puts in the place of a binding, and that keeps what it was asked. It is
 * made for one test: one that is used in another begins anew, and forgets what it has.
 *
 *	TN_FAKE("auth", 403, "no")                            the same response each time
 *	TN_FAKE("auth", 302, NULL, TN_HEADER("location", "/login"))
 *	TN_FAKE_FAILS("auth")                                 NULL, as of a Worker that failed
 *	TN_FAKE_FUNCTION("auth", function, argument)          what the function returns
 */
struct tn_fake {
	struct tn_service service; /* what the env's field points to */
	int status;                /* 0: it answers NULL */
	/* text/plain, unless a header says otherwise; NULL for none */
	const char *body;
	struct tn_test_part headers[TN_FAKE_HEADERS]; /* up to one without a name */
	/* Where it is not NULL, it answers instead; it may look at fake->argument, and at what has
	 * been asked so far, this call included. */
	struct tn_response *(*answer)(struct tn_request *request, struct tn_fake *fake);
	void *argument;
	unsigned calls; /* how often it was called */
	/* All requests as they came: `calls` of them, and a NULL. They are clones, and live until
	 * the test's end; one for which there was no memory is NULL. */
	struct tn_request *const *requests;
	unsigned room;  /* the kit's */
	uint64_t asked; /* likewise */
};

#define TN_FAKE(...) TN_FAKE_(__VA_ARGS__, )
#define TN_FAKE_(name_, status_, body_, ...) \
	{ \
		.service = { .fetch = tn_fake_fetch, .name = (name_) }, .status = (status_), \
		.body = (body_), .headers = { __VA_ARGS__{ .name = NULL } }, \
		.requests = tn_fake_none, \
	}
#define TN_FAKE_FAILS(name_) TN_FAKE(name_, 0, NULL)
#define TN_FAKE_FUNCTION(name_, answer_, argument_) \
	{ \
		.service = { .fetch = tn_fake_fetch, .name = (name_) }, .answer = (answer_), \
		.argument = (argument_), .requests = tn_fake_none, \
	}

/* The fetch of a fake. NULL, and a line in the log, where the service is none. */
struct tn_response *tn_fake_fetch(struct tn_request *request, const struct tn_service *service);

/* The requests of a fake that was not called. */
extern struct tn_request *const tn_fake_none[1];

/* ---- Real Workers ----------------------------------------------------------------------- */

/*
 * Workers as the host has them, without a socket: the modules are loaded, their slots checked, the
 * envs filled and linked, and the start hooks run. It may serve any number of tests.
 *
 *	struct tn_test_deployment *deployment = tn_test_deploy("etc/tenon.ini",
 *		TN_WITH_SECRET("auth.SECRET_TOKEN", "s3cret"),
 *		TN_WITH_FAKE("gateway.application", &application));
 *
 *	TN_ASSERT_STATUS(tn_test_fetch(deployment, "/index", request), 403);
 *	tn_test_undeploy(deployment);
 *
 * A module stays in the process, with its static variables: also when it is deployed anew.
 */
struct tn_test_deployment;

/*
 * All Workers of a configuration that a route leads to. What is given takes the place of what the
 * file says, and is there before anything is read or loaded: no secret that is given is looked for,
 * and no Worker that only a fake's binding has led to is loaded. Variables of the environment that
 * hold secrets stay there.
 *
 *	TN_WITH_VAR("WORKER.FIELD", text)
 *	TN_WITH_SECRET("WORKER.FIELD", text)
 *	TN_WITH_FAKE("WORKER.FIELD", fake)          a struct tn_fake *
 *	TN_WITH_SERVICE("WORKER.FIELD", service)    any other, such as one of another deployment
 *	TN_WITH_ENVIRONMENT("staging")
 *
 * Never NULL; where something is wrong it holds nothing but the errors. What is given, strings and
 * services, outlives it.
 */
#define tn_test_deploy(...) TN_TEST_DEPLOY_(tn_test_deploy_with, __VA_ARGS__, )

/* One module as the one Worker of a configuration, that is named like the file: gateway of
 * "build/gateway.so". What is given is named as the field alone: TN_WITH_VAR("GREETING", "Hi"). */
#define tn_test_load(...) TN_TEST_DEPLOY_(tn_test_load_with, __VA_ARGS__, )

/* What is wrong, in the words of `tenon check`, a line each; "" where nothing is. Lives as long as
 * the deployment. */
const char *tn_test_errors(const struct tn_test_deployment *deployment);

/* Runs the stop hooks and takes all back but the code. Every test that has used it has ended. NULL
 * is fine. */
void tn_test_undeploy(struct tn_test_deployment *deployment);

/* Puts a fake in the place of one binding of one Worker, for all calls from now on; NULL: what was
 * there at first. false, and a line on standard error, where there is no such binding. */
bool tn_test_replace(struct tn_test_deployment *deployment, const char *worker, const char *binding,
                     struct tn_fake *fake);

/*
 * Calls a Worker by its name, a private one, too; or, where that is NULL, the one to which the
 * request's URL is routed, with a 404 where there is none. A path or an absolute URL in its place
 * is set as the request's before. NULL as of tn_fetch, and, with a line on standard error, where
 * there is no such Worker.
 */
struct tn_response *tn_test_fetch(const struct tn_test_deployment *deployment, const char *whom,
                                  struct tn_request *request);

/* A Worker as its callers see it, for tn_fetch, or to be bound elsewhere; NULL, and a line on
 * standard error, where there is none. */
const struct tn_service *tn_test_service(const struct tn_test_deployment *deployment,
                                         const char *worker);

enum tn_test_given_kind {
	TN_GIVEN_END,
	TN_GIVEN_VAR,
	TN_GIVEN_SECRET,
	TN_GIVEN_SERVICE,
	TN_GIVEN_ENVIRONMENT,
};

struct tn_test_given {
	enum tn_test_given_kind kind;
	const char *name;
	const char *text;
	const struct tn_service *service;
};

#define TN_WITH_VAR(name_, text_) \
	{ \
		.kind = TN_GIVEN_VAR, .name = (name_), .text = (text_) \
	}
#define TN_WITH_SECRET(name_, text_) \
	{ \
		.kind = TN_GIVEN_SECRET, .name = (name_), .text = (text_) \
	}
#define TN_WITH_FAKE(name_, fake_) TN_WITH_SERVICE(name_, &(fake_)->service)
#define TN_WITH_SERVICE(name_, service_) \
	{ \
		.kind = TN_GIVEN_SERVICE, .name = (name_), .service = (service_) \
	}
#define TN_WITH_ENVIRONMENT(name_) \
	{ \
		.kind = TN_GIVEN_ENVIRONMENT, .name = (name_) \
	}

#define TN_TEST_DEPLOY_(function_, path_, ...) \
	function_(path_, (const struct tn_test_given[]){ __VA_ARGS__{ .kind = TN_GIVEN_END } })

/* What the two macros are made of. The last one given is TN_GIVEN_END. */
struct tn_test_deployment *tn_test_deploy_with(const char *path, const struct tn_test_given *given);
struct tn_test_deployment *tn_test_load_with(const char *path, const struct tn_test_given *given);

/* ---- Assertions ------------------------------------------------------------------------- */

/*
 * CUnit's, in the test that runs. What fails is told with file and line, and with all there is: the
 * status, the headers and the body of the response; a fake's calls. Each is true where it holds.
 *
 *	TN_ASSERT_STATUS(response, 403)          also 500 of a response that is NULL
 *	TN_ASSERT_HEADER(response, name, value)  a value of NULL: there is no such header
 *	TN_ASSERT_BODY(response, text)           exactly
 *	TN_ASSERT_BODY_BYTES(response, data, size)
 *	TN_ASSERT_BODY_CONTAINS(response, text)
 *	TN_ASSERT_NULL(response)                 the Worker failed
 *	TN_ASSERT_CALLS(fake, count)
 *	TN_ASSERT_DEPLOYED(deployment)           it has no errors
 *	TN_ASSERT_TEXT(actual, expected)         two strings; NULL equals NULL only
 *	TN_ASSERT_NUMBER(actual, expected)       two numbers that fit in a long long
 */
#define TN_ASSERT_STATUS(response_, status_) \
	tn_test_check_status(response_, status_, __FILE__, __LINE__)
#define TN_ASSERT_HEADER(response_, name_, value_) \
	tn_test_check_header(response_, name_, value_, __FILE__, __LINE__)
#define TN_ASSERT_BODY(response_, text_) \
	tn_test_check_body(response_, text_, SIZE_MAX, __FILE__, __LINE__)
#define TN_ASSERT_BODY_BYTES(response_, data_, size_) \
	tn_test_check_body(response_, data_, size_, __FILE__, __LINE__)
#define TN_ASSERT_BODY_CONTAINS(response_, text_) \
	tn_test_check_body_contains(response_, text_, __FILE__, __LINE__)
#define TN_ASSERT_NULL(response_) tn_test_check_null(response_, __FILE__, __LINE__)
#define TN_ASSERT_CALLS(fake_, count_) tn_test_check_calls(fake_, count_, __FILE__, __LINE__)
#define TN_ASSERT_DEPLOYED(deployment_) \
	tn_test_check_errors(tn_test_errors(deployment_), __FILE__, __LINE__)
#define TN_ASSERT_TEXT(actual_, expected_) \
	tn_test_check_text(actual_, expected_, #actual_, __FILE__, __LINE__)
#define TN_ASSERT_NUMBER(actual_, expected_) \
	tn_test_check_number(actual_, expected_, #actual_, __FILE__, __LINE__)

bool tn_test_check_status(const struct tn_response *response, int status, const char *file,
                          unsigned line);
bool tn_test_check_header(const struct tn_response *response, const char *name, const char *value,
                          const char *file, unsigned line);
bool tn_test_check_body(const struct tn_response *response, const void *data, size_t size,
                        const char *file, unsigned line);
bool tn_test_check_body_contains(const struct tn_response *response, const char *text,
                                 const char *file, unsigned line);
bool tn_test_check_null(const struct tn_response *response, const char *file, unsigned line);
bool tn_test_check_calls(const struct tn_fake *fake, unsigned calls, const char *file,
                         unsigned line);
bool tn_test_check_errors(const char *errors, const char *file, unsigned line);
bool tn_test_check_text(const char *actual, const char *expected, const char *expression,
                        const char *file, unsigned line);
bool tn_test_check_number(long long actual, long long expected, const char *expression,
                          const char *file, unsigned line);

/* ---- The program ------------------------------------------------------------------------ */

struct tn_test_case {
	const char *name;
	void (*run)(void);
};

#define TN_TEST(function_) \
	{ \
		.name = #function_, .run = (function_) \
	}

/*
 * The main() of a test program, which is one suite: TN_TEST_MAIN("gateway", TN_TEST(a), TN_TEST(b))
 *
 *	test_gateway            runs all
 *	test_gateway a ...      runs the named ones
 *	test_gateway --list     names them
 *
 * What fails is printed as FILE:LINE: TEST: WHAT, and the last line is always "N passed, N failed",
 * which counts tests. The exit status is 0 where all passed, 1 where one failed or none was run, 64
 * for a name that is none. With TN_JUNIT=FILE in the environment there is a report in JUnit's XML,
 * too, which names the test that was running where the program crashed; with a directory, which
 * several programs can share, it is SUITE.xml in that.
 */
#define TN_TEST_MAIN(suite_, ...) \
	int main(int argc, char **argv) \
	{ \
		static const struct tn_test_case cases[] = { __VA_ARGS__ }; \
\
		return tn_test_main(suite_, cases, sizeof(cases) / sizeof(cases[0]), argc, argv); \
	}

int tn_test_main(const char *suite, const struct tn_test_case *cases, size_t count, int argc,
                 char **argv);

#endif
