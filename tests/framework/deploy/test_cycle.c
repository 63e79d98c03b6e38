#include "deploy/cycle.h"

#include "scratch.h"

/* What is said of the bindings in a text; what the plan says of it stands elsewhere. */
static void warn(const char *text, struct tn_errors *warnings)
{
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_parse("x.ini", text, strlen(text), &errors);
	struct tn_plan *plan;

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	plan = tn_plan_create(config, NULL, &errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	tn_cycle_warn(plan, warnings);
	CHECK_NUMBER(warnings->errors, 0);
	tn_plan_destroy(plan);
	tn_config_destroy(config);
	tn_errors_finish(&errors);
}

static void check(const char *text, const char *expected)
{
	struct tn_errors warnings = { 0 };

	warn(text, &warnings);
	CHECK_ERRORS(&warnings, expected);
}

static void a_tree_has_no_cycle(void)
{
	check("[worker a]\nservice.x = b\nservice.y = c\n"
	      "[worker b]\nservice.x = c\n[worker c]\n",
	      "");
	check("", "");
}

static void two_that_call_each_other_are_told_once(void)
{
	check("[worker a]\nservice.x = b\n[worker b]\nservice.y = a\n",
	      "x.ini:4: warning: worker 'b': service.y: the bindings form a cycle, a > b > a: "
	      "max_depth ends it\n");
}

static void one_that_calls_itself_is_told(void)
{
	check("[worker a]\nservice.self = a\n",
	      "x.ini:2: warning: worker 'a': service.self: the bindings form a cycle, a > a: "
	      "max_depth ends it\n");
}

/* The way to the cycle is not a part of it. */
static void a_cycle_begins_where_it_closes(void)
{
	check("[worker way]\nservice.x = a\n[worker a]\nservice.x = b\n[worker b]\nservice.x = c\n"
	      "[worker c]\nservice.x = a\n",
	      "x.ini:8: warning: worker 'c': service.x: the bindings form a cycle, a > b > c > a: "
	      "max_depth ends it\n");
}

static void each_cycle_is_told(void)
{
	check("[worker a]\nservice.x = b\nservice.y = a\n[worker b]\nservice.x = a\n"
	      "[worker c]\nservice.x = c\n",
	      "x.ini:3: warning: worker 'a': service.y: the bindings form a cycle, a > a: "
	      "max_depth ends it\n"
	      "x.ini:5: warning: worker 'b': service.x: the bindings form a cycle, a > b > a: "
	      "max_depth ends it\n"
	      "x.ini:7: warning: worker 'c': service.x: the bindings form a cycle, c > c: "
	      "max_depth ends it\n");
}

/* Ten that bind themselves. */
static void of_many_the_first_are_told(void)
{
	struct tn_errors errors = { 0 };
	struct tn_config *config;
	struct tn_plan *plan;
	char text[1024] = "";

	for (unsigned i = 0; i < 10; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		         "[worker w%u]\nservice.x = w%u\n", i, i);
	config = tn_config_parse("x.ini", text, strlen(text), &errors);
	plan = tn_plan_create(config, NULL, &errors);
	tn_errors_finish(&errors);
	tn_cycle_warn(plan, &errors);
	CHECK_NUMBER(errors.count, 9);
	CHECK_TEXT(errors.list[8].text, "2 more bindings close a cycle");
	tn_plan_destroy(plan);
	tn_config_destroy(config);
	tn_errors_finish(&errors);
}

static void a_version_of_a_split_may_close_one(void)
{
	check("[worker a]\nservice.x = b 90%, c 10%\n[worker b]\n[worker c]\nservice.y = a\n",
	      "x.ini:5: warning: worker 'c': service.y: the bindings form a cycle, a > c > a: "
	      "max_depth ends it\n");
	check("[worker a]\nservice.x = b 90%, a 10%\n[worker b]\nservice.y = a\n",
	      "x.ini:2: warning: worker 'a': service.x: the bindings form a cycle, a > a: "
	      "max_depth ends it\n"
	      "x.ini:4: warning: worker 'b': service.y: the bindings form a cycle, a > b > a: "
	      "max_depth ends it\n");
}

/* The binding that closes it may be an inherited one, which is told where it stands. */
static void a_variant_is_a_worker_of_its_own(void)
{
	check("[worker a]\nservice.x = b\n[worker b]\nservice.y = a@v2\n[worker a@v2]\n"
	      "service.x =\n",
	      "");
	check("[worker a]\nservice.x = b\n[worker b]\nservice.y = a@v2\n[worker a@v2]\n",
	      "x.ini:2: warning: worker 'a@v2': service.x: the bindings form a cycle, b > a@v2 > "
	      "b: max_depth ends it\n");
}

static void other_keys_and_unknown_workers_are_passed_over(void)
{
	check("[worker a]\nvar.x = a\nservice.x = nobody\nsecret.y = a\nroute = a\n", "");
}

/* The text of a ring of Workers, each of which binds the next; for the caller to free. */
static char *make_ring(const char *name, unsigned count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	for (unsigned i = 0; i < count; i++)
		fprintf(memory, "[worker %s%02u]\nservice.x = %s%02u\n", name, i, name,
		        (i + 1) % count);
	fclose(memory);
	return text;
}

/* A ring of long names: more than fits into a message. */
static void a_long_cycle_is_cut(void)
{
	char *text = make_ring("a-rather-long-name-", 64);
	struct tn_errors warnings = { 0 };

	warn(text, &warnings);
	CU_ASSERT_EQUAL_FATAL(warnings.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(warnings.list[0].text, "cycle, a-rather-long-name-00 > "
	                                                     "a-rather"));
	CU_ASSERT_PTR_NOT_NULL(strstr(warnings.list[0].text,
	                              "... > a-rather-long-name-00: max_"));
	tn_errors_finish(&warnings);
	free(text);
}

/* A frame on the stack for each would be too much. */
static void a_chain_may_be_longer_than_the_stack_is_deep(void)
{
	char *text = make_ring("w", 100 * 1000);
	struct tn_errors warnings = { 0 };

	warn(text, &warnings);
	CU_ASSERT_EQUAL_FATAL(warnings.count, 1);
	CHECK_NUMBER(warnings.list[0].place.line, 200 * 1000);
	tn_errors_finish(&warnings);
	free(text);
}

TEST_MAIN("deploy/cycle",
          TEST(a_tree_has_no_cycle),
          TEST(two_that_call_each_other_are_told_once),
          TEST(one_that_calls_itself_is_told),
          TEST(a_cycle_begins_where_it_closes),
          TEST(each_cycle_is_told),
          TEST(of_many_the_first_are_told),
          TEST(a_version_of_a_split_may_close_one),
          TEST(a_variant_is_a_worker_of_its_own),
          TEST(other_keys_and_unknown_workers_are_passed_over),
          TEST(a_long_cycle_is_cut),
          TEST(a_chain_may_be_longer_than_the_stack_is_deep))
