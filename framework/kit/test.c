/* test.c - the exchange of a test, and its requests. */
#include "kit/kit.h"

#include "message/later.h"
#include "message/request.h"
#include "message/secret.h"
#include "message/stack.h"

#include <stdlib.h>

static struct tn_test *unended;

_Noreturn void tn_test_no_memory(const char *where)
{
	fprintf(stderr, "%s: out of memory\n", where);
	abort();
}

struct tn_test *tn_test_begin(void)
{
	struct tn_test *test = malloc(sizeof(*test));

	if (!test)
		tn_test_no_memory("tn_test_begin");
	tn_ended_watch();
	tn_stack_begin();
	tn_exchange_pool_init(&test->pool, &tn_limits_default, 0);
	test->pool.source = &tn_ended_source;
	test->exchange = tn_exchange_begin(&test->pool);
	if (!test->exchange)
		tn_test_no_memory("tn_test_begin");
	test->next = unended;
	unended = test;
	return test;
}

void tn_test_end(struct tn_test *test)
{
	struct tn_test **link = &unended;

	if (!test)
		return;
	while (*link != test)
		link = &(*link)->next;
	*link = test->next;
	tn_exchange_end(&test->pool, test->exchange);
	tn_exchange_pool_finish(&test->pool);
	free(test);
}

unsigned tn_test_end_all(void)
{
	unsigned count = 0;

	for (; unended; count++)
		tn_test_end(unended);
	return count;
}

void tn_test_run_later(struct tn_test *test)
{
	tn_exchange_run_later(test->exchange);
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

size_t tn_test_memory(const struct tn_test *test)
{
	return test ? test->exchange->arena.used : 0;
}

static void destroy_secret(void *argument)
{
	tn_secret_destroy(argument);
}

const struct tn_secret *tn_test_secret(struct tn_test *test, const char *text)
{
	struct tn_secret *secret = text ? tn_secret_create(text, strlen(text)) : NULL;

	if (!secret || !tn_exchange_defer(test->exchange, destroy_secret, secret))
		return NULL;
	return secret;
}

/* ---- Requests ------------------------------------------------------------------------------ */

struct tn_request *tn_test_request(struct tn_test *test, const char *method, const char *url)
{
	struct tn_request *request = tn_request_first(test->exchange, "GET", "localhost", "/",
	                                              "127.0.0.1");

	if (!tn_request_set_header(request, "Host", "localhost") ||
	    !tn_request_set_method(request, method) || !tn_request_set_url(request, url))
		return NULL;
	return request;
}

static bool add_part(struct tn_request *request, const struct tn_test_part *part)
{
	if (part->name)
		return tn_headers_append(tn_request_headers(request), part->name, part->data);
	return tn_request_set_body(request, part->data,
	                           part->size == SIZE_MAX ? strlen(part->data) : part->size);
}

struct tn_request *tn_test_request_with(struct tn_test *test, const char *method, const char *url,
                                        const struct tn_test_part *parts)
{
	struct tn_request *request = tn_test_request(test, method, url);

	for (; request && (parts->name || parts->data); parts++)
		if (!add_part(request, parts))
			return NULL;
	return request;
}
