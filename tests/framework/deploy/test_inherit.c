#include "planned.h"

#include <pthread.h>

/* The keys of a Worker in their order, each with its value and the line it came from. */
static const char *keys_of(const struct planned *planned, const char *name)
{
	static char text[4096];
	const struct tn_plan_worker *worker = tn_plan_find(planned->plan, name);
	size_t size = 0;

	text[0] = '\0';
	for (size_t i = 0; worker && i < worker->keys.count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s=%s:%u",
		                         i ? " " : "", worker->keys.list[i]->key,
		                         worker->keys.list[i]->value,
		                         worker->keys.list[i]->place.line);
	return worker ? text : "no such worker";
}

static const char *parent_of(const struct planned *planned, const char *name)
{
	const struct tn_plan_worker *worker = tn_plan_find(planned->plan, name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(worker);
	return worker->parent ? worker->parent->name : NULL;
}

/* ---- From whom ----------------------------------------------------------------------------- */

static void a_variant_inherits_from_the_worker_before_its_at(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[worker auth@staging]\nvar.B = 2\n"
	             "[worker auth]\nvar.A = 1\n"
	             "[worker authority]\nvar.A = 3\n");
	CHECK_TOLD(&planned, "x.ini: warning: no Worker has a route: every request gets 404\n");
	CHECK_TEXT(parent_of(&planned, "auth@staging"), "auth");
	CHECK_TEXT(parent_of(&planned, "auth"), NULL);
	CHECK_TEXT(keys_of(&planned, "auth@staging"), "var.A=1:4 var.B=2:2");
	CHECK_TEXT(keys_of(&planned, "auth"), "var.A=1:4");
	planned_end(&planned);
}

static void a_variant_may_inherit_from_another(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[worker a]\nvar.A = a\nvar.B = a\nvar.C = a\nvar.D = a\nroute = /\n"
	             "[worker a@blue]\ninherits = a@staging\nvar.D = blue\n"
	             "[worker a@staging]\nvar.B = staging\nvar.C =\n"
	             "[worker a@green]\ninherits = a@blue\nvar.C = green\n"
	             "[worker a@plain]\ninherits = a\n");
	CHECK_TOLD(&planned, "");
	CHECK_TEXT(parent_of(&planned, "a@green"), "a@blue");
	CHECK_TEXT(parent_of(&planned, "a@blue"), "a@staging");
	CHECK_TEXT(parent_of(&planned, "a@staging"), "a");
	CHECK_TEXT(parent_of(&planned, "a@plain"), "a");
	CHECK_TEXT(keys_of(&planned, "a@staging"), "var.A=a:2 var.B=staging:11 var.D=a:5");
	CHECK_TEXT(keys_of(&planned, "a@blue"), "var.A=a:2 var.B=staging:11 var.D=blue:9");
	CHECK_TEXT(keys_of(&planned, "a@green"),
	           "var.A=a:2 var.B=staging:11 var.D=blue:9 var.C=green:15");
	planned_end(&planned);
}

/* Neither whether it is public, nor from whom it inherits. */
static void routes_are_not_inherited(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[worker a]\nroute = /*\nmodule = a.so\n"
	             "[worker a@v1]\nroute = v1.example.com/*\n"
	             "[worker a@v2]\ninherits = a@v1\n"
	             "[worker a@v3]\nroute =\n");
	CHECK_TOLD(&planned, "");
	CHECK_TEXT(keys_of(&planned, "a"), "route=/*:2 module=a.so:3");
	CHECK_TEXT(keys_of(&planned, "a@v1"), "module=a.so:3 route=v1.example.com/*:5");
	CHECK_TEXT(keys_of(&planned, "a@v2"), "module=a.so:3");
	CHECK_TEXT(keys_of(&planned, "a@v3"), "module=a.so:3");
	planned_end(&planned);
}

/* With all that a name may have. */
static void names_have_letters_digits_and_three_signs(void)
{
	CHECK_TEXT_TOLD(NULL,
	                "[worker aZ09-_.]\nroute = /\n"
	                "[worker aZ09-_.@v1.2-rc_3]\n"
	                "[worker ...]\n[worker -]\n[worker 1@2]\n[worker 1]\n",
	                "");
	CHECK_TEXT_TOLD(NULL,
	                "[worker a]\nroute = /\n"
	                "[worker a@]\n[worker a@b@c]\n[worker @b]\n[worker@b]\n[worker \xc3\xa9]\n"
	                "[worker a/b]\n",
	                "x.ini:3: worker 'a@': a name has letters, digits, '-', '_' and '.', and "
	                "that of a variant one '@' inside\n"
	                "x.ini:4: worker 'a@b@c': a name has letters, digits, '-', '_' and '.', "
	                "and that of a variant one '@' inside\n"
	                "x.ini:5: worker '@b': a name has letters, digits, '-', '_' and '.', and "
	                "that of a variant one '@' inside\n"
	                "x.ini:6: a second [worker @b], the first is in x.ini:5: put the keys of "
	                "both below one\n"
	                "x.ini:7: worker '\xc3\xa9': a name has letters, digits, '-', '_' and "
	                "'.', and that of a variant one '@' inside\n"
	                "x.ini:8: worker 'a/b': a name has letters, digits, '-', '_' and '.', and "
	                "that of a variant one '@' inside\n");
}

/* ---- Mistakes ------------------------------------------------------------------------------ */

static void without_its_worker_there_is_no_variant(void)
{
	CHECK_TEXT_TOLD(NULL,
	                "[worker auth]\nroute = /\n[worker auht@staging]\nvar.A =\n"
	                "[worker other@v1]\n[worker other@v2]\ninherits = other@v1\n",
	                "x.ini:3: worker 'auht@staging': there is no worker 'auht' to inherit from "
	                "(did you mean 'auth'?): add [worker auht]\n"
	                "x.ini:5: worker 'other@v1': there is no worker 'other' to inherit from: "
	                "add [worker other]\n");
}

static void whom_it_inherits_from_must_be_there(void)
{
	CHECK_TEXT_TOLD(NULL,
	                "[worker auth]\nroute = /\n[worker auth@staging]\n"
	                "[worker auth@v2]\ninherits = auth@stagin\n"
	                "[worker auth@v3]\ninherits = auth@v3x\n"
	                "[worker auth@v4]\ninherits = \"\"\n",
	                "x.ini:5: worker 'auth@v2': inherits: no worker 'auth@stagin' (did you "
	                "mean 'auth@staging'?)\n"
	                "x.ini:7: worker 'auth@v3': inherits: no worker 'auth@v3x' (did you mean "
	                "'auth@v2'?)\n"
	                "x.ini:9: worker 'auth@v4': inherits: no worker ''\n");
}

#define BY_ITSELF \
	"inherits: name another variant of the same Worker, or remove the line: 'auth' is what " \
	"it inherits from by itself\n"

static void it_inherits_from_its_own_kind_only(void)
{
	CHECK_TEXT_TOLD(NULL,
	                "[worker auth]\nroute = /\n[worker gateway]\n[worker gateway@v1]\n"
	                "[worker authority@v1]\n[worker authority]\n"
	                "[worker auth@v1]\ninherits = gateway@v1\n"
	                "[worker auth@v2]\ninherits = gateway\n"
	                "[worker auth@v3]\ninherits = authority@v1\n"
	                "[worker auth@v4]\ninherits =\n"
	                "[worker authority@v2]\ninherits = auth@v1\n",
	                "x.ini:8: worker 'auth@v1': " BY_ITSELF
	                "x.ini:10: worker 'auth@v2': " BY_ITSELF
	                "x.ini:12: worker 'auth@v3': " BY_ITSELF
	                "x.ini:14: worker 'auth@v4': " BY_ITSELF
	                "x.ini:16: worker 'authority@v2': inherits: name another variant of the "
	                "same Worker, or remove the line: 'authority' is what it inherits from by "
	                "itself\n");
}

static void only_a_variant_inherits(void)
{
	CHECK_TEXT_TOLD(NULL, "[worker auth]\nroute = /\ninherits = auth@v1\n[worker auth@v1]\n",
	                "x.ini:3: worker 'auth': inherits: only a variant inherits: write "
	                "[worker auth@VARIANT]\n");
}

static void only_what_is_inherited_can_be_unset(void)
{
	CHECK_TEXT_TOLD(NULL,
	                "[worker a]\nroute = /\nvar.NAME = x\n"
	                "[worker a@v1]\nvar.NAME =\nvar.NAEM =\n"
	                "[worker a@v2]\ninherits = a@v1\nvar.NAME =\n",
	                "x.ini:6: worker 'a@v1': var.NAEM: it is unset here, but is inherited from "
	                "nobody: write a value, or remove the line\n"
	                "x.ini:9: worker 'a@v2': var.NAME: it is unset here, but is inherited from "
	                "nobody: write a value, or remove the line\n");
	CHECK_TEXT_TOLD(NULL, "[worker a]\nroute = /\nvar.NAME =\n",
	                "x.ini:3: worker 'a': var.NAME: no value: write one, \"\" for an empty "
	                "text, or remove "
	                "the line (only a variant unsets a key so)\n");
}

/* ---- Cycles -------------------------------------------------------------------------------- */

#define ONE_ANOTHER "inherits: the variants inherit from one another, "

static void a_cycle_is_named_in_full(void)
{
	CHECK_TEXT_TOLD(NULL,
	                "[worker a]\nroute = /\n"
	                "[worker a@1]\ninherits = a@2\n"
	                "[worker a@2]\ninherits = a@3\n"
	                "[worker a@3]\ninherits = a@1\n",
	                "x.ini:8: worker 'a@3': " ONE_ANOTHER
	                "a@1 > a@2 > a@3 > a@1: name another one\n");
}

static void a_variant_may_not_inherit_from_itself(void)
{
	CHECK_TEXT_TOLD(NULL, "[worker a]\nroute = /\n[worker a@1]\ninherits = a@1\n",
	                "x.ini:4: worker 'a@1': " ONE_ANOTHER "a@1 > a@1: name another one\n");
}

/* Those that lead into it are not of it, and each cycle is told once. */
static void only_those_in_the_cycle_are_named(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[worker a]\nroute = /\n"
	             "[worker a@0]\ninherits = a@1\nvar.A = 0\n"
	             "[worker a@1]\ninherits = a@2\nvar.B = 1\n"
	             "[worker a@2]\ninherits = a@1\nvar.C = 2\n"
	             "[worker a@3]\ninherits = a@2\n"
	             "[worker a@4]\ninherits = a@5\n"
	             "[worker a@5]\ninherits = a@4\n");
	CHECK_TOLD(&planned,
	           "x.ini:10: worker 'a@2': " ONE_ANOTHER "a@1 > a@2 > a@1: name another one\n"
	           "x.ini:17: worker 'a@5': " ONE_ANOTHER "a@4 > a@5 > a@4: name another one\n");
	CHECK_TEXT(keys_of(&planned, "a@0"), "var.C=2:11 var.B=1:8 var.A=0:5");
	CHECK_TEXT(keys_of(&planned, "a@3"), "var.C=2:11");
	CHECK_TEXT(parent_of(&planned, "a@1"), "a@2");
	CHECK_TEXT(parent_of(&planned, "a@2"), NULL); /* so that who follows them comes to an end */
	CHECK_TEXT(parent_of(&planned, "a@4"), "a@5");
	CHECK_TEXT(parent_of(&planned, "a@5"), NULL);
	planned_end(&planned);
}

/* ---- Long chains --------------------------------------------------------------------------- */

#define LONG 100000

/* The first inherits from the second, and so on: none has its keys when it is looked at; `last` is
 * what the last one says. */
static char *make_chain(const char *last)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	for (unsigned i = 0; i < LONG; i++)
		fprintf(to, "[worker a@%u]\ninherits = a@%u\n", i, i + 1);
	fprintf(to, "[worker a@%u]\n%s[worker a]\nroute = /\nvar.A = a\nvar.B = a\n", LONG, last);
	fclose(to);
	return text;
}

static void *make_plan(void *argument)
{
	planned_make(argument, NULL);
	return NULL;
}

/* Of which a frame for each would not fit. */
static void plan_with_a_small_stack(struct planned *planned)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	CU_ASSERT_FATAL(pthread_attr_setstacksize(&attributes, (size_t)512 * 1024) == 0);
	CU_ASSERT_FATAL(pthread_create(&thread, &attributes, make_plan, planned) == 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
}

static void plan_chain(struct planned *planned, const char *last)
{
	char *text = make_chain(last);

	planned_begin(planned);
	planned->config = tn_config_parse("x.ini", text, strlen(text), &planned->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(planned->config);
	free(text);
	plan_with_a_small_stack(planned);
}

static void a_chain_may_be_long(void)
{
	struct planned planned;

	plan_chain(&planned, "var.B = last\n");
	CHECK_TOLD(&planned, "");
	CHECK_NUMBER((long long)planned.plan->count, LONG + 2);
	CHECK_TEXT(parent_of(&planned, "a@0"), "a@1");
	CHECK_TEXT(keys_of(&planned, "a@0"), "var.A=a:200005 var.B=last:200002");
	CHECK_TEXT(keys_of(&planned, "a@54321"), "var.A=a:200005 var.B=last:200002");
	planned_end(&planned);
}

static void a_long_cycle_is_named_in_full(void)
{
	static const char before[] = "x.ini:200002: worker 'a@100000': " ONE_ANOTHER "a@0 > a@1 > ";
	static const char behind[] = " > a@99999 > a@100000 > a@0: name another one\n";
	struct planned planned;
	unsigned steps = 0;
	char *told;

	plan_chain(&planned, "inherits = a@0\n");
	told = errors_text(&planned.errors);
	CHECK_NUMBER((long long)planned.errors.count, 1);
	CU_ASSERT(strncmp(told, before, strlen(before)) == 0);
	CU_ASSERT(strlen(told) > strlen(behind) &&
	          strcmp(told + strlen(told) - strlen(behind), behind) == 0);
	for (const char *at = told; *at; at++)
		steps += *at == '>';
	CHECK_NUMBER(steps, LONG + 1);
	free(told);
	planned_end(&planned);
}

TEST_MAIN("deploy/inherit",
          TEST(a_variant_inherits_from_the_worker_before_its_at),
          TEST(a_variant_may_inherit_from_another),
          TEST(routes_are_not_inherited),
          TEST(names_have_letters_digits_and_three_signs),
          TEST(without_its_worker_there_is_no_variant),
          TEST(whom_it_inherits_from_must_be_there),
          TEST(it_inherits_from_its_own_kind_only),
          TEST(only_a_variant_inherits),
          TEST(only_what_is_inherited_can_be_unset),
          TEST(a_cycle_is_named_in_full),
          TEST(a_variant_may_not_inherit_from_itself),
          TEST(only_those_in_the_cycle_are_named),
          TEST(a_chain_may_be_long),
          TEST(a_long_cycle_is_named_in_full))
