#include "serve/upload.h"

#include "cunit.h"
#include "framework/capture.h"

#include <errno.h>
#include <time.h>

#define MOST ((size_t)10000)
#define MEMORY ((size_t)64 * 1024)
#define DEADLINE_MS 60000

static struct tn_exchange_pool pool;
static struct tn_spool *spool;
static unsigned written;

static void note(void *argument)
{
	(void)argument;
	written++;
}

/* In memory alone. */
static struct tn_upload begin(void)
{
	tn_exchange_pool_init(&pool, &tn_limits_default, 0);
	return (struct tn_upload){
		.exchange = tn_exchange_begin(&pool),
		.most = MOST,
		.memory = MEMORY,
		.length = TN_UPLOAD_UNKNOWN,
	};
}

static struct tn_upload begin_in(const char *directory, size_t most, uint64_t length)
{
	struct tn_upload upload = begin();

	spool = tn_spool_create(directory);
	CU_ASSERT_PTR_NOT_NULL_FATAL(spool);
	written = 0;
	upload.most = most;
	upload.length = length;
	upload.spool = spool;
	upload.written = note;
	return upload;
}

static void finish(const struct tn_upload *upload)
{
	tn_exchange_end(&pool, upload->exchange);
	tn_exchange_pool_finish(&pool);
	tn_spool_destroy(spool);
	spool = NULL;
}

static bool take(struct tn_upload *upload, const void *data, size_t size, int *refusal)
{
	enum tn_upload_step step = tn_upload_take(upload, data, &size, refusal);

	CHECK_NUMBER(size, 0);
	return step != TN_UPLOAD_FAILED;
}

static void settle(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	CU_ASSERT_FATAL(tn_spool_settle(spool, (int64_t)now.tv_sec * 1000 + DEADLINE_MS));
}

/* As the edge does it: it waits when it is told to, and sends again what was not taken. */
static int send(struct tn_upload *upload, const char *data, size_t size, size_t part)
{
	int refusal = 0;

	while (size) {
		size_t given = size < part ? size : part;
		size_t left = given;

		switch (tn_upload_take(upload, data, &left, &refusal)) {
		case TN_UPLOAD_WAITS:
			CU_ASSERT(tn_upload_busy(upload));
			settle();
			break;
		case TN_UPLOAD_FAILED:
			return refusal;
		default:
			CU_ASSERT(left < given);
		}
		data += given - left;
		size -= given - left;
	}
	while (tn_upload_end(upload, &refusal) == TN_UPLOAD_WAITS)
		settle();
	return refusal;
}

/* ---- In memory ---------------------------------------------------------------------------- */

static void parts_become_one_body(void)
{
	struct tn_upload upload = begin();
	char part[7] = "abcdefg";
	int refusal = 0;
	size_t i;

	for (i = 0; i < MOST / sizeof(part); i++)
		CU_ASSERT(take(&upload, part, sizeof(part), &refusal));
	CHECK_NUMBER(refusal, 0);
	CHECK_NUMBER(tn_upload_end(&upload, &refusal), TN_UPLOAD_READY);
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

	CU_ASSERT(take(&upload, part, MOST, &refusal));
	CHECK_NUMBER(refusal, 0);
	CHECK_NUMBER(tn_upload_body(&upload).size, MOST);
	CU_ASSERT(take(&upload, part, 1, &refusal));
	CHECK_NUMBER(refusal, 413);
	finish(&upload);
}

static void one_that_goes_on_for_too_long_ends_the_connection(void)
{
	struct tn_upload upload = begin();
	static char part[MOST + 1];
	int refusal = 0;

	CU_ASSERT(take(&upload, part, MOST + 1, &refusal));
	CHECK_NUMBER(refusal, 413);
	CHECK_NUMBER(upload.size, 0);
	CU_ASSERT(!take(&upload, part, MOST, &refusal));
	finish(&upload);
}

static void one_that_is_refused_keeps_its_refusal(void)
{
	struct tn_upload upload = begin();
	int refusal = 404;

	CU_ASSERT(take(&upload, "abc", 3, &refusal));
	CHECK_NUMBER(refusal, 404);
	CHECK_NUMBER(upload.size, 0);
	CHECK_NUMBER(tn_upload_end(&upload, &refusal), TN_UPLOAD_READY);
	finish(&upload);
}

/* ---- In a file ---------------------------------------------------------------------------- */

#define LARGE (5 * MEMORY + 123)

static const char *directory(void)
{
	const char *temporary = getenv("TMPDIR");

	return temporary ? temporary : "/tmp";
}

/* No two pieces of it are the same. */
static const char *text(void)
{
	static char bytes[LARGE];

	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (char)('a' + (i * 7 + i / 251) % 26);
	return bytes;
}

static void check_body(size_t size, uint64_t length, size_t part, bool in_file)
{
	struct tn_upload upload = begin_in(directory(), LARGE, length);
	struct tn_bytes body;

	CHECK_NUMBER(send(&upload, text(), size, part), 0);
	body = tn_upload_body(&upload);
	CHECK_NUMBER(body.size, size);
	CU_ASSERT(body.size == size && !memcmp(body.data, text(), size));
	CHECK_NUMBER(body.data[body.size], 0);
	CHECK_NUMBER(written > 0, in_file);
	CHECK_NUMBER(upload.file != NULL, in_file);
	CU_ASSERT(upload.room <= MEMORY + 1);
	finish(&upload);
}

static void a_large_body_goes_to_a_file(void)
{
	static const size_t parts[] = { 1000, 24 * 1024, 40 * 1024, MEMORY + 1, LARGE };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		check_body(LARGE, LARGE, parts[i], true);
		check_body(LARGE, TN_UPLOAD_UNKNOWN, parts[i], true);
		check_body(MEMORY + 1, MEMORY + 1, parts[i], true);
		check_body(MEMORY + 1, TN_UPLOAD_UNKNOWN, parts[i], true);
		check_body(4 * MEMORY, 4 * MEMORY, parts[i], true);
	}
}

static void a_small_one_stays_in_memory(void)
{
	check_body(MEMORY, MEMORY, 1000, false);
	check_body(MEMORY / 2, TN_UPLOAD_UNKNOWN, 1000, false);
	check_body(1, 1, 1, false);
}

static void one_that_may_not_be_large_stays_in_memory(void)
{
	struct tn_upload upload = begin_in(directory(), MEMORY, TN_UPLOAD_UNKNOWN);

	CHECK_NUMBER(send(&upload, text(), MEMORY, 1000), 0);
	CHECK_NUMBER(tn_upload_body(&upload).size, MEMORY);
	CU_ASSERT_PTR_NULL(upload.file);
	finish(&upload);
}

/* Whoever has sent all of it may have shut down its side, which is not to be read meanwhile. */
static void the_last_part_does_not_wait(void)
{
	struct tn_upload upload = begin_in(directory(), LARGE, MEMORY + 1);
	int refusal = 0;
	size_t size = MEMORY / 2;

	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_READY);
	size = MEMORY / 2 - 1;
	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_WAITS);
	settle();
	size = 2;
	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_READY);
	CHECK_NUMBER(upload.size, MEMORY + 1);
	CHECK_NUMBER(size, 0);
	CHECK_NUMBER(tn_upload_end(&upload, &refusal), TN_UPLOAD_WAITS);
	settle();
	CHECK_NUMBER(tn_upload_end(&upload, &refusal), TN_UPLOAD_READY);
	finish(&upload);
}

static void the_last_part_does_not_wait_for_the_one_before(void)
{
	struct tn_upload upload = begin_in(directory(), LARGE, 100 * 1024);
	int refusal = 0;
	size_t size = 40 * 1024;

	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_WAITS);
	settle();
	size = 40 * 1024;
	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_WAITS);
	size = 20 * 1024;
	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_READY);
	CU_ASSERT(tn_upload_busy(&upload));
	CHECK_NUMBER(size, 0);
	settle();
	finish(&upload);
}

/* As with a body of unknown length, of which the edge knows that it has come. */
static void what_has_come_is_not_waited_for(void)
{
	struct tn_upload upload = begin_in(directory(), LARGE, TN_UPLOAD_UNKNOWN);
	int refusal = 0;
	size_t size = MEMORY - 1000;

	upload.whole = true;
	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_READY);
	CU_ASSERT(tn_upload_busy(&upload));
	size = 1001;
	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_WAITS);
	CHECK_NUMBER(size, 1);
	settle();
	CHECK_NUMBER(send(&upload, text() + MEMORY, 1, 1), 0);
	CHECK_NUMBER(tn_upload_body(&upload).size, MEMORY + 1);
	finish(&upload);
}

static void more_can_come_while_a_part_is_written(void)
{
	struct tn_upload upload = begin_in(directory(), LARGE, LARGE);
	int refusal = 0;
	size_t size = MEMORY / 2;

	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_READY);
	CU_ASSERT(tn_upload_busy(&upload));
	size = LARGE - MEMORY / 2;
	CHECK_NUMBER(tn_upload_take(&upload, text() + MEMORY / 2, &size, &refusal),
	             TN_UPLOAD_WAITS);
	CHECK_NUMBER(size, LARGE - MEMORY);
	settle();
	CHECK_NUMBER(send(&upload, text() + MEMORY, LARGE - MEMORY, 1000), 0);
	CU_ASSERT(!memcmp(tn_upload_body(&upload).data, text(), LARGE));
	finish(&upload);
}

static void too_large_for_a_file_is_413_too(void)
{
	struct tn_upload upload = begin_in(directory(), LARGE - 1, TN_UPLOAD_UNKNOWN);

	CHECK_NUMBER(send(&upload, text(), LARGE, 1000), 413);
	finish(&upload);
}

static void a_file_that_cannot_be_made_is_500(void)
{
	struct tn_upload upload = begin_in("/proc/none", LARGE, LARGE);

	capture_begin();
	CHECK_NUMBER(send(&upload, text(), LARGE, 1000), 500);
	CHECK_NUMBER(capture_lines(capture_end(), "answered with 500: its body cannot be kept in "
	                                          "a file: No such file or directory"),
	             1);
	finish(&upload);
}

static void a_full_disk_is_507(void)
{
	struct tn_upload upload = begin_in(directory(), LARGE, LARGE);
	int refusal = 0;
	size_t size = MEMORY / 2;

	CHECK_NUMBER(tn_upload_take(&upload, text(), &size, &refusal), TN_UPLOAD_READY);
	settle();
	upload.file->error = ENOSPC;
	capture_begin();
	CHECK_NUMBER(send(&upload, text() + MEMORY / 2, LARGE - MEMORY / 2, 1000), 507);
	CHECK_NUMBER(capture_lines(capture_end(), "answered with 507: its body cannot be kept in "
	                                          "a file: No space left on device"),
	             1);
	finish(&upload);
}

TEST_MAIN("serve/upload",
          TEST(parts_become_one_body),
          TEST(one_that_is_exactly_as_large_as_it_may_be_is_taken),
          TEST(one_that_goes_on_for_too_long_ends_the_connection),
          TEST(one_that_is_refused_keeps_its_refusal),
          TEST(a_large_body_goes_to_a_file),
          TEST(a_small_one_stays_in_memory),
          TEST(one_that_may_not_be_large_stays_in_memory),
          TEST(the_last_part_does_not_wait),
          TEST(the_last_part_does_not_wait_for_the_one_before),
          TEST(what_has_come_is_not_waited_for),
          TEST(more_can_come_while_a_part_is_written),
          TEST(too_large_for_a_file_is_413_too),
          TEST(a_file_that_cannot_be_made_is_500),
          TEST(a_full_disk_is_507))
