/*
 * fuzz.h - what the fuzz targets have in common. Each is a program of libFuzzer's: what it is given
 * is read by the code under test and held to what must be true whatever it is.
 */
#ifndef TENON_TESTS_FUZZ_H
#define TENON_TESTS_FUZZ_H

#include "message/request.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition_) \
	((condition_) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition_))

__attribute__((noreturn)) static inline void fuzz_fail(const char *file, int line,
                                                       const char *condition)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

/* A copy in memory of just its size, so that a byte too much is found. To be freed. */
static inline char *fuzz_copy(const void *data, size_t size)
{
	char *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	return copy;
}

/* As a string, up to the first NUL. To be freed. */
static inline char *fuzz_text(const void *data, size_t size)
{
	char *text = strndup(data, size);

	if (!text)
		abort();
	return text;
}

/* Cuts the first line off what is there, without its end: a string, to be freed. */
static inline char *fuzz_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
	size_t length = end ? (size_t)(end - *data) : *size;
	char *line = fuzz_text(*data, length);

	length += end ? 1 : 0;
	*data += length;
	*size -= length;
	return line;
}

static struct tn_exchange_pool fuzz_pool;

/* An exchange with a request, of which errors are the client's: nothing is logged. */
static inline struct tn_request *fuzz_request(void)
{
	struct tn_exchange *exchange;
	struct tn_request *request;

	if (!fuzz_pool.most)
		tn_exchange_pool_init(&fuzz_pool, &tn_limits_default, 1);
	exchange = tn_exchange_begin(&fuzz_pool);
	if (!exchange)
		abort();
	exchange->from_client = true;
	request = tn_request_first(exchange, "POST", "a", "/", "192.0.2.1");
	if (!request)
		abort();
	return request;
}

static inline void fuzz_request_end(struct tn_request *request)
{
	tn_exchange_end(&fuzz_pool, request->exchange);
}

#endif
