#include "serve/upload.h"

#include "cunit.h"

#define MOST ((size_t)10000)

static struct tn_exchange_pool pool;

static struct tn_upload begin(void)
{
	tn_exchange_pool_init(&pool, &tn_limits_default, 0);
	return (struct tn_upload){ .exchange = tn_exchange_begin(&pool), .most = MOST };
}

static void finish(const struct tn_upload *upload)
{
	tn_exchange_end(&pool, upload->exchange);
	tn_exchange_pool_finish(&pool);
}

static void parts_become_one_body(void)
{
	struct tn_upload upload = begin();
	char part[7] = "abcdefg";
	int refusal = 0;
	size_t i;

	for (i = 0; i < MOST / sizeof(part); i++)
		CU_ASSERT(tn_upload_take(&upload, part, sizeof(part), &refusal));
	CHECK_NUMBER(refusal, 0);
	CHECK_NUMBER(tn_upload_body(&upload).size, i * sizeof(part));
	CHECK_NUMBER(strlen(tn_upload_body(&upload).data), i * sizeof(part));
	while (i-- > 0)
		CU_ASSERT(!memcmp(upload.data + i * sizeof(part), part, sizeof(part)));
	finish(&upload);
}

static void one_that_is_exactly_as_large_as_it_may_be_is_taken(void)
{
	struct tn_upload upload = begin();
	static char part[MOST + 1];
	int refusal = 0;

	CU_ASSERT(tn_upload_take(&upload, part, MOST, &refusal));
	CHECK_NUMBER(refusal, 0);
	CHECK_NUMBER(tn_upload_body(&upload).size, MOST);
	CU_ASSERT(tn_upload_take(&upload, part, 1, &refusal));
	CHECK_NUMBER(refusal, 413);
	finish(&upload);
}

static void one_that_goes_on_for_too_long_ends_the_connection(void)
{
	struct tn_upload upload = begin();
	static char part[MOST + 1];
	int refusal = 0;

	CU_ASSERT(tn_upload_take(&upload, part, MOST + 1, &refusal));
	CHECK_NUMBER(refusal, 413);
	CHECK_NUMBER(upload.size, 0);
	CU_ASSERT(!tn_upload_take(&upload, part, MOST, &refusal));
	finish(&upload);
}

static void one_that_is_refused_keeps_its_refusal(void)
{
	struct tn_upload upload = begin();
	int refusal = 404;

	CU_ASSERT(tn_upload_take(&upload, "abc", 3, &refusal));
	CHECK_NUMBER(refusal, 404);
	CHECK_NUMBER(upload.size, 0);
	finish(&upload);
}

TEST_MAIN("serve/upload",
          TEST(parts_become_one_body),
          TEST(one_that_is_exactly_as_large_as_it_may_be_is_taken),
          TEST(one_that_goes_on_for_too_long_ends_the_connection),
          TEST(one_that_is_refused_keeps_its_refusal))
