#include "deploy/config.h"

#include "scratch.h"

/* ---- Sections ------------------------------------------------------------------------------ */

static struct tn_config *parse(const char *path, const char *text)
{
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_parse(path, text, strlen(text), &errors);

	CHECK_ERRORS(&errors, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	return config;
}

static void a_key_is_found(void)
{
	struct tn_config *config = parse("t.ini", "[worker a@b]\nx = 1\ny = 2\nz =\n");
	const struct tn_section *section = config->sections[0];

	CHECK_TEXT(tn_section_find(section, "y")->value, "2");
	CU_ASSERT_TRUE(tn_section_find(section, "z")->unset);
	CU_ASSERT_PTR_NULL(tn_section_find(section, "Y"));
	CU_ASSERT_PTR_NULL(tn_section_find(section, ""));
	tn_config_destroy(config);
}

static void a_section_is_found_by_kind_and_name(void)
{
	struct tn_config *config = parse("t.ini", "[worker a]\n[host]\n[worker b]\n[host@a]\n"
	                                          "[worker a@a]\n[host a]\n");

	CU_ASSERT_PTR_EQUAL(tn_config_find(config, "worker", "a"), config->sections[0]);
	CU_ASSERT_PTR_EQUAL(tn_config_find(config, "host", ""), config->sections[1]);
	CU_ASSERT_PTR_EQUAL(tn_config_find(config, "worker", "b"), config->sections[2]);
	CU_ASSERT_PTR_EQUAL(tn_config_find(config, "host", "@a"), config->sections[3]);
	CU_ASSERT_PTR_EQUAL(tn_config_find(config, "worker", "a@a"), config->sections[4]);
	CU_ASSERT_PTR_EQUAL(tn_config_find(config, "host", "a"), config->sections[5]);
	CU_ASSERT_PTR_NULL(tn_config_find(config, "worker", ""));
	CU_ASSERT_PTR_NULL(tn_config_find(config, "worker", "A"));
	CU_ASSERT_PTR_NULL(tn_config_find(config, "b", "worker"));
	tn_config_destroy(config);
}

static void a_section_is_named_as_messages_name_it(void)
{
	static const struct {
		const char *header, *label;
	} cases[] = {
		{ "[worker a]", "worker 'a'" },
		{ "[worker a@b]", "worker 'a@b'" },
		{ "[host]", "[host]" },
		{ "[host@b]", "[host@b]" },
		{ "[host a]", "[host a]" },
		{ "[worker]", "[worker]" },
		{ "[other]", "[other]" },
		{ "[other a]", "[other a]" },
	};
	char label[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tn_config *config = parse("t.ini", cases[i].header);

		CHECK_TEXT(tn_section_label(config->sections[0], label, sizeof(label)),
		           cases[i].label);
		tn_config_destroy(config);
	}
}

static void no_text_at_all_is_a_configuration(void)
{
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_parse("etc/t.ini", "", 0, &errors);

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CHECK_NUMBER(config->count, 0);
	CHECK_NUMBER(config->file_count, 1);
	CHECK_TEXT(tn_config_path(config), "etc/t.ini");
	CHECK_NUMBER(errors.count, 0);
	tn_config_destroy(config);
	tn_config_destroy(NULL);
}

/* ---- Paths --------------------------------------------------------------------------------- */

static void a_path_is_seen_from_the_file_it_stands_in(void)
{
	static const struct {
		const char *path, *directory, *relative, *resolved;
	} cases[] = {
		{ "tenon.ini", ".", "secrets/a", "./secrets/a" },
		{ "tenon.ini", ".", "./a.so", "./a.so" },
		{ "etc/tenon.ini", "etc", "secrets/a", "etc/secrets/a" },
		{ "etc/tenon.ini", "etc", "././a.so", "etc/a.so" },
		{ "etc/tenon.ini", "etc", ".a", "etc/.a" },
		{ "etc/tenon.ini", "etc", "./", "etc" },
		{ "etc//tenon.ini", "etc", "a", "etc/a" },
		{ "/etc/tenon/tenon.ini", "/etc/tenon", "../a", "/etc/tenon/../a" },
		{ "/tenon.ini", "/", "a", "/a" },
		{ "//tenon.ini", "/", "a", "/a" },
		{ "etc/tenon.ini", "etc", "/run/a", "/run/a" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tn_place place = { cases[i].path, 1 };
		char *directory = tn_config_resolve(place, "");
		char *resolved = tn_config_resolve(place, cases[i].relative);

		CHECK_TEXT(directory, cases[i].directory);
		CHECK_TEXT(resolved, cases[i].resolved);
		free(directory);
		free(resolved);
	}
}

/* ---- From files that were read elsewhere --------------------------------------------------- */

static struct tn_file file_of(ino_t number, const char *path, const char *text)
{
	struct tn_file file = {
		.path = strdup(path),
		.text = strdup(text),
		.size = strlen(text),
		.status.st_ino = number,
	};

	CU_ASSERT_FATAL(file.path && file.text);
	return file;
}

/* The paths lead nowhere, and what is included is not looked for. */
static void files_are_put_together(void)
{
	const struct tn_file files[] = {
		file_of(1, "none/x.ini", "include = none/*.ini, missing.ini\n[worker x]\n"),
		file_of(2, "none/a.ini", "\n[worker a]\nvar.A = 1\n"),
		file_of(3, "none/b.ini", "[worker b]\n"),
	};
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_assemble(files, 3, &errors);

	CHECK_ERRORS(&errors, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CHECK_TEXT(tn_config_path(config), "none/x.ini");
	CHECK_NUMBER((long long)config->file_count, 3);
	CHECK_NUMBER((long long)config->count, 3);
	CHECK_TEXT(config->sections[0]->name, "x");
	CHECK_TEXT(config->sections[1]->name, "a");
	CHECK_TEXT(config->sections[1]->place.file, "none/a.ini");
	CHECK_NUMBER(config->sections[1]->place.line, 2);
	CHECK_TEXT(tn_section_find(config->sections[1], "var.A")->value, "1");
	CU_ASSERT_PTR_EQUAL(tn_config_find(config, "worker", "b"), config->sections[2]);
	tn_config_destroy(config);
}

static void mistakes_in_them_are_told(void)
{
	const struct tn_file files[] = {
		file_of(1, "x.ini", "[worker x]\n"),
		file_of(2, "a.ini", "[worker x]\nhere is nothing\n"),
	};
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_assemble(files, 2, &errors);

	CU_ASSERT_PTR_NOT_NULL(config);
	CHECK_NUMBER((long long)errors.errors, 2);
	for (size_t i = 0; i < errors.count; i++)
		CHECK_TEXT(errors.list[i].place.file, "a.ini");
	tn_errors_finish(&errors);
	tn_config_destroy(config);
}

TEST_MAIN("deploy/config",
          TEST(a_key_is_found),
          TEST(a_section_is_found_by_kind_and_name),
          TEST(a_section_is_named_as_messages_name_it),
          TEST(no_text_at_all_is_a_configuration),
          TEST(a_path_is_seen_from_the_file_it_stands_in),
          TEST(files_are_put_together),
          TEST(mistakes_in_them_are_told))
