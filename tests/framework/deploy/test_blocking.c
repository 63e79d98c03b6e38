#include "planned.h"

#include "deploy/blocking.h"

static const struct tn_plan_worker *worker_of(const struct planned *planned, const char *name)
{
	const struct tn_plan_worker *worker = tn_plan_find(planned->plan, name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(worker);
	return worker;
}

/* Who waits, and why: "gateway: service.db -> db blocks; db: it blocks". */
static void check_waits(const char *environment, const char *text, const char *expected)
{
	struct planned planned;
	char *told = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&told, &size);
	char why[TN_BLOCKING_SIZE];

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	planned_text(&planned, environment, text);
	CHECK_TOLD(&planned, "");
	for (size_t i = 0; i < planned.plan->count; i++) {
		const struct tn_plan_worker *worker = &planned.plan->workers[i];

		tn_blocking_text(worker, why);
		CU_ASSERT_EQUAL(worker->waits, *why != '\0');
		CU_ASSERT(!worker->waits || worker->threaded);
		CU_ASSERT_EQUAL(worker->waits_through == NULL, worker->waits_for == NULL);
		if (worker->waits)
			fprintf(stream, "%s%s: %s", ftell(stream) ? "; " : "", worker->name, why);
	}
	fclose(stream);
	CHECK_TEXT(told, expected);
	free(told);
	planned_end(&planned);
}

/* The names of those that may be entered on several threads. */
static void check_threaded(const char *text, const char *expected)
{
	struct planned planned;
	char told[256] = "";

	planned_text(&planned, NULL, text);
	CHECK_TOLD(&planned, "");
	for (size_t i = 0; i < planned.plan->count; i++) {
		const struct tn_plan_worker *worker = &planned.plan->workers[i];
		size_t size = strlen(told);

		if (worker->threaded)
			snprintf(told + size, sizeof(told) - size, "%s%s", size ? " " : "",
			         worker->name);
	}
	CHECK_TEXT(told, expected);
	planned_end(&planned);
}

static void check_warnings(const char *text, const char *expected)
{
	struct planned planned;

	planned_text(&planned, NULL, text);
	CHECK_TOLD(&planned, "");
	tn_blocking_warn(planned.plan, &planned.errors);
	CHECK_TOLD(&planned, expected);
	planned_end(&planned);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static void keys_are_read_and_are_nothing_by_default(void)
{
	struct planned planned;
	const struct tn_plan_worker *worker;

	planned_text(&planned, NULL,
	             "[worker a]\nroute = /*\nblocking = yes\ntimeout = 250ms\nconcurrency = 8\n"
	             "[worker b]\nroute = /b\nblocking = off\n");
	CHECK_TOLD(&planned, "");
	worker = worker_of(&planned, "a");
	CU_ASSERT_TRUE(worker->blocking);
	CHECK_NUMBER(worker->timeout, 250);
	CHECK_NUMBER(worker->concurrency, 8);
	worker = worker_of(&planned, "b");
	CU_ASSERT_FALSE(worker->blocking);
	CHECK_NUMBER(worker->timeout, 0);
	CHECK_NUMBER(worker->concurrency, 0);
	planned_end(&planned);
}

static void keys_are_inherited_and_can_be_unset(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[worker a]\nroute = /*\nblocking = yes\ntimeout = 1s\nconcurrency = 8\n"
	             "[worker a@b]\nconcurrency = 9\n"
	             "[worker a@c]\nblocking =\ntimeout =\nconcurrency =\n");
	CHECK_TOLD(&planned, "");
	CU_ASSERT_TRUE(worker_of(&planned, "a@b")->blocking);
	CHECK_NUMBER(worker_of(&planned, "a@b")->timeout, 1000);
	CHECK_NUMBER(worker_of(&planned, "a@b")->concurrency, 9);
	CU_ASSERT_FALSE(worker_of(&planned, "a@c")->blocking);
	CHECK_NUMBER(worker_of(&planned, "a@c")->timeout, 0);
	CHECK_NUMBER(worker_of(&planned, "a@c")->concurrency, 0);
	planned_end(&planned);
}

/* One line of a Worker that is public, line 3 of the file, and what is said of it. */
static void check_line(const char *line, const char *expected)
{
	char text[256], error[256] = "";

	snprintf(text, sizeof(text), "[worker a]\nroute = /*\n%s\n[worker a@b]\n", line);
	if (*expected)
		snprintf(error, sizeof(error), "x.ini:3: worker 'a': %s\n", expected);
	CHECK_TEXT_TOLD(NULL, text, error);
}

/* Once, though a variant inherits them. */
static void values_that_are_none_are_refused(void)
{
	check_line("blocking = maybe", "blocking: 'maybe': neither yes nor no: write yes or no "
	                               "(or true, false, on, off)");
	check_line("timeout = 10", "timeout: '10': a duration needs a unit: ms, s, m, h or d, such "
	                           "as 10s");
	check_line("timeout = 0s", "timeout: '0s': remove the line: then there is no timeout");
	check_line("timeout = 0", "timeout: '0': remove the line: then there is no timeout");
	check_line("timeout = 25h", "timeout: '25h': write a duration from 1ms to 1d");
	check_line("timeout = 1d", "");
	check_line("timeout = 1ms", "");
	check_line("concurrency = many",
	           "concurrency: 'many': write a number from 1 to 100000");
	check_line("concurrency = 0", "concurrency: '0': write a number from 1 to 100000");
	check_line("concurrency = 100001",
	           "concurrency: '100001': write a number from 1 to 100000");
	check_line("concurrency = 100000", "");
}

static void the_keys_are_known(void)
{
	struct tn_nearest nearest = { .wanted = "blocks" };

	CU_ASSERT_TRUE(tn_blocking_is_key("blocking"));
	CU_ASSERT_TRUE(tn_blocking_is_key("timeout"));
	CU_ASSERT_TRUE(tn_blocking_is_key("concurrency"));
	CU_ASSERT_FALSE(tn_blocking_is_key("route"));
	CU_ASSERT_FALSE(tn_blocking_is_key("block"));
	tn_blocking_try_keys(&nearest);
	CHECK_TEXT(nearest.name, NULL);
	nearest = (struct tn_nearest){ .wanted = "concurency" };
	tn_blocking_try_keys(&nearest);
	CHECK_TEXT(nearest.name, "concurrency");
}

/* ---- Who waits ------------------------------------------------------------------------------ */

#define CHAIN \
	"[worker gateway]\nroute = /*\nservice.auth = auth\nservice.page = page\n" \
	"[worker auth]\nservice.store = db\n" \
	"[worker page]\n"

static void nobody_waits_where_nobody_blocks(void)
{
	check_waits(NULL, CHAIN "timeout = 1s\n[worker db]\nconcurrency = 2\n", "");
	check_threaded(CHAIN "[worker db]\nconcurrency = 2\n", "");
}

static void all_wait_that_come_to_one_that_blocks(void)
{
	check_waits(NULL, CHAIN "[worker db]\nblocking = yes\n[worker other]\nroute = /other\n",
	            "gateway: service.auth -> auth -> db blocks; auth: service.store -> db blocks; "
	            "db: it blocks");
}

static void the_shortest_way_is_told(void)
{
	check_waits(NULL,
	            "[worker a]\nroute = /*\nservice.long = b\nservice.short = c\n"
	            "[worker b]\nservice.c = c\n[worker c]\nblocking = yes\n",
	            "a: service.short -> c blocks; b: service.c -> c blocks; c: it blocks");
}

static void a_cycle_has_an_end(void)
{
	check_waits(NULL,
	            "[worker a]\nroute = /*\nservice.x = b\n[worker b]\nservice.x = a 50%, c 50%\n"
	            "[worker c]\nservice.x = a\nblocking = yes\n",
	            "a: service.x -> b -> c blocks; b: service.x -> c blocks; c: it blocks");
	check_waits(NULL, "[worker a]\nroute = /*\nservice.x = a\nblocking = yes\n",
	            "a: it blocks");
}

static void a_version_that_is_never_chosen_does_not_count(void)
{
	check_waits(NULL,
	            "[worker a]\nroute = /*\nservice.x = b 100%, b@slow 0%\n[worker b]\n"
	            "[worker b@slow]\nblocking = yes\n",
	            "b@slow: it blocks");
	check_waits(NULL,
	            "[worker a]\nroute = /*\nservice.x = b 99%, b@slow 1%\n[worker b]\n"
	            "[worker b@slow]\nblocking = yes\n",
	            "a: service.x -> b@slow blocks; b@slow: it blocks");
}

static void an_environment_has_ways_of_its_own(void)
{
#define STAGED \
	"[worker a]\nroute = /*\nservice.x = b\n[worker b]\n[worker b@staging]\nblocking = yes\n"
	check_waits(NULL, STAGED, "b@staging: it blocks");
	check_waits("staging", STAGED, "a: service.x -> b@staging blocks; b@staging: it blocks");
}

static void those_that_are_called_by_one_that_waits_are_threaded(void)
{
	check_threaded(CHAIN "service.x = deep\n[worker db]\nblocking = yes\nservice.y = log\n"
	                     "[worker log]\n[worker deep]\n[worker fast]\nroute = /fast\n"
	                     "service.z = alone\n[worker alone]\n",
	               "gateway auth page db log deep");
}

static void a_version_that_is_never_chosen_is_not_threaded(void)
{
	check_threaded("[worker a]\nroute = /*\nblocking = yes\nservice.x = b 100%, b@v2 0%\n"
	               "[worker b]\n[worker b@v2]\n",
	               "a b");
}

/* What is not loaded calls nobody. */
static void those_that_nothing_reaches_thread_nobody(void)
{
	check_threaded("[worker a]\nroute = /*\nservice.x = b\n[worker b]\n"
	               "[worker lost]\nblocking = yes\nservice.x = b\n",
	               "lost");
}

/* Or one that only passes by would wait for its turn on the loop. */
static void who_has_a_limit_and_is_threaded_waits_for_its_turn(void)
{
#define LIMITED \
	"[worker slow]\nroute = /slow\nblocking = yes\nservice.x = cache\n" \
	"[worker fast]\nroute = /fast\nservice.x = cache\n" \
	"[worker far]\nroute = /far\nservice.x = fast\n" \
	"[worker cache]\nservice.x = leaf\n"
	check_waits(NULL, LIMITED "[worker leaf]\n", "slow: it blocks");
	check_waits(NULL, LIMITED "concurrency = 2\n[worker leaf]\n",
	            "slow: it blocks; fast: service.x -> cache has a limit; "
	            "far: service.x -> fast -> cache has a limit; cache: it has a limit");
	check_threaded(LIMITED "concurrency = 2\n[worker leaf]\n", "slow fast far cache leaf");
	/* One that became threaded by it may have a limit, too. */
	check_waits(NULL,
	            LIMITED "concurrency = 2\n[worker leaf]\n"
	                    "[worker next]\nroute = /next\nservice.x = far\nservice.y = last\n"
	                    "[worker last]\nconcurrency = 1\n"
	                    "[worker end]\nroute = /end\nservice.x = last\n",
	            "slow: it blocks; fast: service.x -> cache has a limit; "
	            "far: service.x -> fast -> cache has a limit; cache: it has a limit; "
	            "next: service.x -> far -> fast -> cache has a limit; last: it has a limit; "
	            "end: service.x -> last has a limit");
}

static void routes_have_what_their_worker_has(void)
{
	struct planned planned;
	const struct tn_route *route;

	planned_text(&planned, NULL,
	             "[worker a]\nroute = /*, /x/*\nservice.x = b\ntimeout = 2s\n"
	             "[worker b]\nblocking = yes\ntimeout = 1s\n[worker c]\nroute = /c\n");
	route = tn_routes_match(&planned.plan->routes, "", "/x/y", 4);
	CU_ASSERT_TRUE(route->waits);
	CHECK_NUMBER(route->timeout, 2000);
	route = tn_routes_match(&planned.plan->routes, "", "/", 1);
	CU_ASSERT_TRUE(route->waits);
	route = tn_routes_match(&planned.plan->routes, "", "/c", 2);
	CU_ASSERT_FALSE(route->waits);
	CHECK_NUMBER(route->timeout, 0);
	planned_end(&planned);
}

/* A chain of that many Workers, the last of which blocks; for the caller to free. */
static char *make_chain(const char *prefix, size_t count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	for (size_t i = 0; i + 1 < count; i++)
		fprintf(stream, "[worker %s%zu]\nservice.x = %s%zu\n", prefix, i, prefix, i + 1);
	fprintf(stream, "[worker %s%zu]\nblocking = yes\n[worker public]\nroute = /*\n"
	                "service.x = %s0\n",
	        prefix, count - 1, prefix);
	fclose(stream);
	return text;
}

static void a_long_chain_is_cut_in_the_middle(void)
{
	char *text = make_chain("w", 20000);
	struct planned planned;
	char why[TN_BLOCKING_SIZE];

	planned_text(&planned, NULL, text);
	tn_blocking_text(worker_of(&planned, "public"), why);
	CU_ASSERT(strncmp(why, "service.x -> w0 -> w1 -> ", 25) == 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, " -> ... -> w19999 blocks"));
	CU_ASSERT(strlen(why) < TN_BLOCKING_SIZE);
	planned_end(&planned);
	free(text);
}

/* Though the name behind the cut would fit. */
static void nothing_is_told_behind_a_cut_but_the_end(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	struct planned planned;
	char why[TN_BLOCKING_SIZE];

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	fputs("[worker public]\nroute = /*\nservice.x = w0\n", stream);
	for (int i = 0; i < 10; i++)
		fprintf(stream, "[worker w%0*d]\nservice.x = w%0*d\n", i ? 100 : 1, i,
		        100, i + 1);
	fprintf(stream, "[worker w%0*d]\nservice.x = short\n", 100, 10);
	fputs("[worker short]\nservice.x = end\n[worker end]\nblocking = yes\n", stream);
	fclose(stream);
	planned_text(&planned, NULL, text);
	CHECK_TOLD(&planned, "");
	tn_blocking_text(worker_of(&planned, "public"), why);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, " -> ... -> end blocks"));
	CU_ASSERT_PTR_NULL(strstr(why, "short"));
	planned_end(&planned);
	free(text);
}

/* ---- Warnings ------------------------------------------------------------------------------- */

static void a_limit_without_effect_is_told(void)
{
	check_warnings(CHAIN "[worker db]\nconcurrency = 2\n",
	               "x.ini:9: warning: worker 'db': concurrency: it has no effect: the Worker "
	               "does not block, and none that waits calls it: its calls come one after "
	               "another\n");
	check_warnings(CHAIN "[worker db]\nblocking = yes\nconcurrency = 2\n", "");
	check_warnings(CHAIN "concurrency = 2\n[worker db]\nblocking = yes\n", "");
	check_warnings(CHAIN "[worker db]\nblocking = yes\n[worker lost]\nconcurrency = 1\n", "");
}

static void a_limit_in_a_cycle_is_told(void)
{
	check_warnings("[worker a]\nroute = /*\nblocking = yes\nconcurrency = 4\nservice.x = b\n"
	               "[worker b]\nservice.x = a\n",
	               "x.ini:4: warning: worker 'a': concurrency: it can call itself, and would "
	               "then wait for a place that it has: 4 such calls wait until "
	               "queue_timeout\n");
}

/* As if there were nothing but that Worker and what it calls. */
static void a_plan_can_be_narrowed(void)
{
	static const char text[] = "[worker front]\nroute = /*\nblocking = yes\n"
				   "service.x = limited\nservice.y = other\n"
				   "[worker limited]\nconcurrency = 1\nservice.x = db\n"
				   "[worker db]\n"
				   "[worker other]\n"
				   "[worker lost]\nservice.x = db\n";
	struct planned planned;

	planned_text(&planned, NULL, text);
	CHECK_NUMBER(tn_plan_find(planned.plan, "limited")->waits, true);
	CHECK_NUMBER(tn_plan_find(planned.plan, "db")->threaded, true);
	CHECK_NUMBER(tn_plan_narrow(planned.plan, tn_plan_find(planned.plan, "limited")), true);
	CHECK_NUMBER(tn_plan_find(planned.plan, "limited")->reachable, true);
	CHECK_NUMBER(tn_plan_find(planned.plan, "db")->reachable, true);
	CHECK_NUMBER(tn_plan_find(planned.plan, "front")->reachable, false);
	CHECK_NUMBER(tn_plan_find(planned.plan, "other")->reachable, false);
	CHECK_NUMBER(tn_plan_find(planned.plan, "limited")->waits, false);
	CHECK_NUMBER(tn_plan_find(planned.plan, "db")->threaded, false);
	CHECK_NUMBER(tn_plan_narrow(planned.plan, tn_plan_find(planned.plan, "lost")), true);
	CHECK_NUMBER(tn_plan_find(planned.plan, "lost")->reachable, true);
	CHECK_NUMBER(tn_plan_find(planned.plan, "limited")->reachable, false);
	planned_end(&planned);
}

TEST_MAIN("deploy/blocking",
          TEST(keys_are_read_and_are_nothing_by_default),
          TEST(keys_are_inherited_and_can_be_unset),
          TEST(values_that_are_none_are_refused),
          TEST(the_keys_are_known),
          TEST(nobody_waits_where_nobody_blocks),
          TEST(all_wait_that_come_to_one_that_blocks),
          TEST(the_shortest_way_is_told),
          TEST(a_cycle_has_an_end),
          TEST(a_version_that_is_never_chosen_does_not_count),
          TEST(an_environment_has_ways_of_its_own),
          TEST(those_that_are_called_by_one_that_waits_are_threaded),
          TEST(a_version_that_is_never_chosen_is_not_threaded),
          TEST(those_that_nothing_reaches_thread_nobody),
          TEST(who_has_a_limit_and_is_threaded_waits_for_its_turn),
          TEST(routes_have_what_their_worker_has),
          TEST(a_plan_can_be_narrowed),
          TEST(a_long_chain_is_cut_in_the_middle),
          TEST(nothing_is_told_behind_a_cut_but_the_end),
          TEST(a_limit_without_effect_is_told),
          TEST(a_limit_in_a_cycle_is_told))
