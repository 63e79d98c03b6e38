/* fixture.h - an exchange with its first request, for the tests of what is made in one. */
#ifndef TENON_TESTS_FRAMEWORK_MESSAGE_FIXTURE_H
#define TENON_TESTS_FRAMEWORK_MESSAGE_FIXTURE_H

#include "message/exchange.h"
#include "message/request.h"

#include <stdlib.h>

struct fixture {
	struct tn_exchange_pool pool;
	struct tn_exchange *exchange;
	struct tn_request *request; /* GET http://example.com/path?query, without headers */
};

static inline void fixture_begin(struct fixture *fixture)
{
	fixture->exchange = tn_exchange_begin(&fixture->pool);
	if (!fixture->exchange)
		abort();
	fixture->request = tn_request_first(fixture->exchange, "GET", "example.com",
	                                    "/path?query", "192.0.2.1");
}

static inline void fixture_end(struct fixture *fixture)
{
	tn_exchange_end(&fixture->pool, fixture->exchange);
	fixture->exchange = NULL;
	fixture->request = NULL;
}

/* With one exchange in stock: the next that begins has the memory of the one that ended. */
static inline void fixture_init_with(struct fixture *fixture, const struct tn_limits *limits)
{
	tn_exchange_pool_init(&fixture->pool, limits, 1);
	fixture_begin(fixture);
}

static inline void fixture_init(struct fixture *fixture)
{
	fixture_init_with(fixture, &tn_limits_default);
}

static inline void fixture_finish(struct fixture *fixture)
{
	fixture_end(fixture);
	tn_exchange_pool_finish(&fixture->pool);
}

/* Takes what memory the exchange has left, and logs nothing. */
static inline void fixture_exhaust(struct fixture *fixture)
{
	for (size_t size = fixture->exchange->arena.limit; size; size /= 2) {
		while (tn_arena_alloc(&fixture->exchange->arena, size))
			;
	}
}

#endif
