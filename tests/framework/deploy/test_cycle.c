#include "deploy/cycle.h"

#include "scratch.h"

#define WORKERS_MAX 64

/* The bindings in a text, and what is said of them. No module is needed. */
static void check(const char *text, const char *expected)
{
	struct tn_instance instances[WORKERS_MAX] = { 0 };
	struct tn_deployment deployment = { .instances = instances };
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_parse("x.ini", text, strlen(text), &errors);

	CU_ASSERT_FATAL(config && config->count <= WORKERS_MAX);
	for (size_t i = 0; i < config->count; i++) {
		instances[i].section = &config->sections[i];
		instances[i].name = config->sections[i].name;
	}
	deployment.count = config->count;
	tn_cycle_warn(&deployment, &errors);
	CHECK_NUMBER(errors.errors, 0);
	CHECK_ERRORS(&errors, expected);
	tn_config_destroy(config);
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

static void other_keys_and_unknown_workers_are_passed_over(void)
{
	check("[worker a]\nvar.x = a\nservice.x = nobody\nsecret.y = a\nroute = a\n", "");
}

/* A ring of long names: more than fits into a message. */
static void a_long_cycle_is_cut(void)
{
	char text[8192];
	size_t size = 0;
	struct tn_errors errors = { 0 };
	struct tn_instance instances[WORKERS_MAX] = { 0 };
	struct tn_deployment deployment = { .instances = instances, .count = WORKERS_MAX };
	struct tn_config *config;

	for (unsigned i = 0; i < WORKERS_MAX; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size,
		                         "[worker a-rather-long-name-%02u]\n"
		                         "service.x = a-rather-long-name-%02u\n",
		                         i, (i + 1) % WORKERS_MAX);
	config = tn_config_parse("x.ini", text, size, &errors);
	CU_ASSERT_FATAL(config && config->count == WORKERS_MAX);
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		instances[i].section = &config->sections[i];
		instances[i].name = config->sections[i].name;
	}
	tn_cycle_warn(&deployment, &errors);
	CHECK_NUMBER(errors.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(errors.list[0].text, "cycle, a-rather-long-name-00 > "
	                                                   "a-rather"));
	CU_ASSERT_PTR_NOT_NULL(strstr(errors.list[0].text, "... > a-rather-long-name-00: max_"));
	tn_errors_finish(&errors);
	tn_config_destroy(config);
}

TEST_MAIN("deploy/cycle",
          TEST(a_tree_has_no_cycle),
          TEST(two_that_call_each_other_are_told_once),
          TEST(one_that_calls_itself_is_told),
          TEST(a_cycle_begins_where_it_closes),
          TEST(each_cycle_is_told),
          TEST(other_keys_and_unknown_workers_are_passed_over),
          TEST(a_long_cycle_is_cut))
