#include "deploy/keys.h"

#include "scratch.h"

struct fixture {
	struct tn_errors errors;
	struct tn_config *config;
	struct tn_keys keys; /* of the last section, each inheriting from the one above */
};

static void inherit(struct fixture *fixture, const char *text)
{
	struct tn_keys parent = { 0 };

	*fixture = (struct fixture){ 0 };
	fixture->config = tn_config_parse("x.ini", text, strlen(text), &fixture->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->config);
	for (size_t i = 0; i < fixture->config->count; i++) {
		CU_ASSERT_TRUE_FATAL(tn_keys_inherit(&fixture->keys, i ? &parent : NULL,
		                                     fixture->config->sections[i],
		                                     &fixture->errors));
		tn_keys_finish(&parent);
		parent = fixture->keys;
	}
}

static void tear_down(struct fixture *fixture)
{
	tn_keys_finish(&fixture->keys);
	tn_config_destroy(fixture->config);
	tn_errors_finish(&fixture->errors);
}

/* The keys in their order, each with its value and line: "x=1 (2) ". */
static void check(const char *text, const char *expected, const char *errors)
{
	struct fixture fixture;
	char shown[1024] = "";
	size_t size = 0;

	inherit(&fixture, text);
	for (size_t i = 0; i < fixture.keys.count; i++)
		size += (size_t)snprintf(shown + size, sizeof(shown) - size, "%s=%s (%u) ",
		                         fixture.keys.list[i]->key, fixture.keys.list[i]->value,
		                         fixture.keys.list[i]->place.line);
	CHECK_TEXT(shown, expected);
	CHECK_ERRORS(&fixture.errors, errors);
	tear_down(&fixture);
}

static void without_a_parent_they_are_the_section_s_own(void)
{
	check("[worker a]\nx = 1\nroute = /\ny = 2\n", "x=1 (2) route=/ (3) y=2 (4) ", "");
	check("[worker a]\n", "", "");
}

static void without_a_section_they_are_the_parent_s(void)
{
	struct fixture fixture;
	struct tn_keys keys;

	inherit(&fixture, "[worker a]\nx = 1\nroute = /\n");
	CU_ASSERT_TRUE(tn_keys_inherit(&keys, &fixture.keys, NULL, &fixture.errors));
	CHECK_NUMBER(keys.count, 1);
	CHECK_TEXT(keys.list[0]->key, "x");
	tn_keys_finish(&keys);
	CU_ASSERT_TRUE(tn_keys_inherit(&keys, NULL, NULL, &fixture.errors));
	CHECK_NUMBER(keys.count, 0);
	tn_keys_finish(&keys);
	CHECK_ERRORS(&fixture.errors, "");
	tear_down(&fixture);
}

static void an_inherited_key_is_replaced_in_its_place(void)
{
	check("[worker a]\nx = 1\ny = 2\nz = 3\n[worker a@b]\nnew = 4\ny = 5\n",
	      "x=1 (2) y=5 (7) z=3 (4) new=4 (6) ", "");
}

static void variants_of_variants_inherit_all_the_way(void)
{
	check("[worker a]\nx = 1\ny = 2\n[worker a@b]\ny = 3\nz = 4\n[worker a@c]\nz = 5\n",
	      "x=1 (2) y=3 (5) z=5 (8) ", "");
}

static void a_route_and_whom_it_inherits_from_are_not_inherited(void)
{
	check("[worker a]\nroute = /\nx = 1\n[worker a@b]\ninherits = a\ny = 2\n",
	      "x=1 (3) y=2 (6) ", "");
	check("[worker a]\nroute = /\n[worker a@b]\nroute = /b\n", "route=/b (4) ", "");
}

static void what_is_unset_is_gone(void)
{
	check("[worker a]\nx = 1\ny = 2\nz = 3\n[worker a@b]\ny =\n", "x=1 (2) z=3 (4) ", "");
	check("[worker a]\nx = 1\n[worker a@b]\nx =\n", "", "");
	check("[worker a]\nx = 1\n[worker a@b]\nx =\n[worker a@c]\nx = 2\n", "x=2 (6) ", "");
	check("[worker a]\nx = 1\n[worker a@b]\nx = \"\"\n", "x= (4) ", "");
}

/* It says that the Worker is to be private, whatever the environment. */
static void a_route_may_be_unset_though_it_is_not_inherited(void)
{
	check("[worker a]\nroute = /\n[worker a@b]\nroute =\n", "", "");
}

static void what_nobody_has_cannot_be_unset(void)
{
	check("[worker a]\nvar.GREETING = 1\n[worker a@b]\nvar.GREETNG =\n",
	      "var.GREETING=1 (2) ",
	      "x.ini:4: worker 'a@b': var.GREETNG: it is unset here, but is inherited from nobody "
	      "(did you mean 'var.GREETING'?): write a value, or remove the line\n");
	check("[host]\n[host@b]\nlisten =\n", "",
	      "x.ini:3: [host@b]: listen: it is unset here, but is inherited from nobody: write a "
	      "value, or remove the line\n");
}

/* That it has none is told elsewhere. */
static void without_a_parent_it_is_not_told(void)
{
	check("[worker a@b]\nx =\ny = 1\n", "y=1 (3) ", "");
}

static void a_key_is_found(void)
{
	struct fixture fixture;

	inherit(&fixture, "[worker a]\nx = 1\ny = 2\nz = 3\n[worker a@b]\ny = 4\nz =\n");
	CHECK_NUMBER(tn_keys_find(&fixture.keys, "x")->place.line, 2);
	CHECK_NUMBER(tn_keys_find(&fixture.keys, "y")->place.line, 6);
	CU_ASSERT_PTR_NULL(tn_keys_find(&fixture.keys, "z"));
	CU_ASSERT_PTR_NULL(tn_keys_find(&fixture.keys, "X"));
	CU_ASSERT_PTR_NULL(tn_keys_find(&(struct tn_keys){ 0 }, "x"));
	tear_down(&fixture);
}

static void a_field_follows_its_prefix(void)
{
	CHECK_TEXT(tn_key_field("service.auth", "service"), "auth");
	CHECK_TEXT(tn_key_field("service.", "service"), "");
	CHECK_TEXT(tn_key_field("service.a.b", "service"), "a.b");
	CHECK_TEXT(tn_key_field("service", "service"), NULL);
	CHECK_TEXT(tn_key_field("services.auth", "service"), NULL);
	CHECK_TEXT(tn_key_field("var.auth", "service"), NULL);
	CHECK_TEXT(tn_key_field("", "service"), NULL);
}

TEST_MAIN("deploy/keys",
          TEST(without_a_parent_they_are_the_section_s_own),
          TEST(without_a_section_they_are_the_parent_s),
          TEST(an_inherited_key_is_replaced_in_its_place),
          TEST(variants_of_variants_inherit_all_the_way),
          TEST(a_route_and_whom_it_inherits_from_are_not_inherited),
          TEST(what_is_unset_is_gone),
          TEST(a_route_may_be_unset_though_it_is_not_inherited),
          TEST(what_nobody_has_cannot_be_unset),
          TEST(without_a_parent_it_is_not_told),
          TEST(a_key_is_found),
          TEST(a_field_follows_its_prefix))
