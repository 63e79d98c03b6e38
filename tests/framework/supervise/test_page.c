#include "supervise/page.h"

#include "cunit.h"

#include <fcntl.h>
#include <unistd.h>

static void both_sides_see_the_same(void)
{
	struct tn_page *one, *other;
	int descriptor = tn_page_create(&one);

	CU_ASSERT_FATAL(descriptor >= 0);
	other = tn_page_map(descriptor);
	CU_ASSERT_PTR_NOT_NULL_FATAL(other);
	CHECK_NUMBER(atomic_load(&one->activity.begun), 0);
	tn_activity_count(&other->activity.begun);
	CHECK_NUMBER(atomic_load(&one->activity.begun), 1);
	CU_ASSERT(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
	tn_page_unmap(other);
	tn_page_unmap(one);
	close(descriptor);
}

/* Else the supervisor would read behind the end, and die of it. */
static void a_host_cannot_cut_it(void)
{
	struct tn_page *page;
	int descriptor = tn_page_create(&page);

	CU_ASSERT_FATAL(descriptor >= 0);
	CU_ASSERT(ftruncate(descriptor, 0) < 0);
	CU_ASSERT(ftruncate(descriptor, sizeof(*page) * 2) < 0);
	tn_page_unmap(page);
	close(descriptor);
}

static void another_file_is_none(void)
{
	int descriptor = open("/dev/null", O_RDWR | O_CLOEXEC);

	CU_ASSERT_PTR_NULL(tn_page_map(descriptor));
	CU_ASSERT_PTR_NULL(tn_page_map(-1));
	close(descriptor);
	tn_page_unmap(NULL);
}

static void run_in(struct tn_activity *activity)
{
	tn_activity_enter(activity, 0, 1);
}

static void the_only_thread_that_runs_a_worker_is_the_culprit(void)
{
	struct tn_page *page;
	int descriptor = tn_page_create(&page);

	CU_ASSERT_FATAL(descriptor >= 0);
	CU_ASSERT_PTR_EQUAL(tn_page_culprit(page), &page->activity);
	run_in(&page->threads[3]);
	CU_ASSERT_PTR_EQUAL(tn_page_culprit(page), &page->threads[3]);
	run_in(&page->threads[TN_ACTIVITY_THREADS - 1]);
	CU_ASSERT_PTR_EQUAL(tn_page_culprit(page), &page->activity);
	tn_page_unmap(page);
	close(descriptor);
}

static void who_has_told_is_the_culprit(void)
{
	struct tn_page *page;
	int descriptor = tn_page_create(&page);

	CU_ASSERT_FATAL(descriptor >= 0);
	run_in(&page->threads[3]);
	tn_page_set_culprit(page, &page->threads[0]);
	CU_ASSERT_PTR_EQUAL(tn_page_culprit(page), &page->threads[0]);
	tn_page_set_culprit(page, &page->threads[TN_ACTIVITY_THREADS - 1]);
	CU_ASSERT_PTR_EQUAL(tn_page_culprit(page), &page->threads[TN_ACTIVITY_THREADS - 1]);
	tn_page_set_culprit(page, &page->activity);
	CU_ASSERT_PTR_EQUAL(tn_page_culprit(page), &page->activity);
	atomic_store(&page->culprit, UINT64_MAX); /* whoever wrote that */
	CU_ASSERT_PTR_EQUAL(tn_page_culprit(page), &page->activity);
	tn_page_unmap(page);
	close(descriptor);
}

TEST_MAIN("supervise/page",
          TEST(the_only_thread_that_runs_a_worker_is_the_culprit),
          TEST(who_has_told_is_the_culprit),
          TEST(both_sides_see_the_same),
          TEST(a_host_cannot_cut_it),
          TEST(another_file_is_none))
