#include "tenon/test.h"

#include "message/exchange.h"
#include "message/later.h"
#include "message/request.h"
#include "message/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tn_test {
	struct tn_exchange_pool pool;
	struct tn_exchange *exchange;
};

struct tn_test *tn_test_begin(void)
{
	struct tn_test *test = malloc(sizeof(*test));

	if (test) {
		tn_exchange_pool_init(&test->pool, &tn_limits_default, 0);
		test->exchange = tn_exchange_begin(&test->pool);
	}
	if (test && test->exchange)
		return test;
	fputs("tn_test_begin: out of memory\n", stderr);
	abort();
}

void tn_test_end(struct tn_test *test)
{
	if (!test)
		return;
	tn_exchange_end(&test->pool, test->exchange);
	tn_exchange_pool_finish(&test->pool);
	free(test);
}

struct tn_request *tn_test_request(struct tn_test *test, const char *method, const char *url)
{
	struct tn_request *request = tn_request_first(test->exchange, "GET", "localhost", "/",
	                                              "127.0.0.1");

	if (!tn_request_set_header(request, "Host", "localhost") ||
	    !tn_request_set_method(request, method) || !tn_request_set_url(request, url))
		return NULL;
	return request;
}

void tn_test_set_deadline(struct tn_test *test, int64_t milliseconds)
{
	test->exchange->deadline = milliseconds == INT64_MAX ? INT64_MAX
	                                                     : tn_exchange_now() + milliseconds;
}

void tn_test_cancel(struct tn_test *test)
{
	atomic_store(&test->exchange->cancelled, true);
}

static void destroy_secret(void *argument)
{
	tn_secret_destroy(argument);
}

const struct tn_secret *tn_test_secret(struct tn_test *test, const char *text)
{
	struct tn_secret *secret = tn_secret_create(text, strlen(text));

	if (!secret || !tn_exchange_defer(test->exchange, destroy_secret, secret))
		return NULL;
	return secret;
}

struct tn_response *tn_fake_fetch(struct tn_request *request, const struct tn_service *service)
{
	struct tn_fake *fake = (struct tn_fake *)(uintptr_t)service;

	if (!request || !service)
		return NULL;
	if (fake->calls < TN_FAKE_REQUESTS)
		fake->requests[fake->calls] = tn_request_clone(request);
	fake->calls++;
	if (!fake->status)
		return NULL;
	if (!fake->body)
		return tn_response_new(request, fake->status);
	return tn_response_text(request, fake->status, fake->body);
}
