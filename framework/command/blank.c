#include "command/blank.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MOST 40 /* inih cuts the name of a section behind 49 */

/* ---- Names --------------------------------------------------------------------------------- */

/* Of C until 2023, and what the headers, or compilers without -std, have as macros. */
static const char *const taken[] = {
	"alignas",
	"alignof",
	"asm",
	"assert",
	"auto",
	"bool",
	"break",
	"case",
	"char",
	"const",
	"constexpr",
	"continue",
	"default",
	"do",
	"double",
	"else",
	"enum",
	"errno",
	"extern",
	"false",
	"float",
	"for",
	"goto",
	"if",
	"inline",
	"int",
	"linux",
	"long",
	"main",
	"nullptr",
	"register",
	"restrict",
	"return",
	"self",
	"short",
	"signed",
	"sizeof",
	"static",
	"static_assert",
	"struct",
	"switch",
	"thread_local",
	"true",
	"typedef",
	"typeof",
	"typeof_unqual",
	"union",
	"unix",
	"unsigned",
	"void",
	"volatile",
	"while",
	"NULL",
	"EOF",
};

static bool is_taken(const char *name)
{
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(name, taken[i]) == 0)
			return true;
	return false;
}

static bool is_identifier(const char *name)
{
	size_t size = 0;

	while (isalnum((unsigned char)name[size]) || name[size] == '_')
		size++;
	return size && !name[size] && isalpha((unsigned char)*name);
}

static bool begins(const char *name, const char *prefix)
{
	return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* "my_worker" for "my-worker"; false where nothing comes of it. */
static bool mend(const char *name, char *text, size_t room)
{
	snprintf(text, room, "%s", name);
	for (char *at = text; *at; at++)
		if (!isalnum((unsigned char)*at))
			*at = '_';
	return is_identifier(text);
}

const char *tn_blank_refuse(const char *name, char *text, size_t room)
{
	char mended[NAME_MOST + 1];

	if (strlen(name) > NAME_MOST)
		snprintf(text, room, "it has more than %d bytes: write a shorter one", NAME_MOST);
	else if (!is_identifier(name) && mend(name, mended, sizeof(mended)))
		snprintf(text, room,
		         "it becomes a name in C, of letters, digits and '_': write '%s'", mended);
	else if (!is_identifier(name))
		snprintf(text, room,
		         "it becomes a name in C: write one of letters, digits and '_' that begins "
		         "with a letter");
	else if (is_taken(name))
		snprintf(text, room, "it is a word that has a meaning in C, or in an env: write "
		                     "another, such as '%s_1'",
		         name);
	else if (begins(name, "tn_") || begins(name, "CU_"))
		snprintf(text, room, "what begins with '%.3s' is of a library: write another",
		         name);
	else
		return NULL;
	return text;
}

int tn_blank_name_size(const char *var)
{
	return (int)strcspn(var, "=");
}

/* ---- The Worker ---------------------------------------------------------------------------- */

static const char worker_head[] =
	"/* %s.c - what this Worker is for. */\n"
	"#include <tenon.h>\n"
	"\n"
	"struct env {\n"
	"\tstruct tn_service self; /* always first */\n";

static void print_fields(FILE *file, const struct tn_blank *blank)
{
	for (size_t i = 0; i < blank->services->count; i++)
		fprintf(file, "\tconst struct tn_service *%s;\n", blank->services->list[i]);
	for (size_t i = 0; i < blank->vars->count; i++)
		fprintf(file, "\tconst char *%.*s;\n", tn_blank_name_size(blank->vars->list[i]),
		        blank->vars->list[i]);
	for (size_t i = 0; i < blank->secrets->count; i++)
		fprintf(file, "\tconst struct tn_secret *%s;\n", blank->secrets->list[i]);
	fputs("};\n\n", file);
}

/* The last binding answers, if those before it let the request through. */
static void print_calls(FILE *file, const struct tn_fields *services)
{
	size_t last = services->count - 1;

	if (last)
		fputs("\tstruct tn_response *response;\n\n", file);
	for (size_t i = 0; i < last; i++)
		fprintf(file,
		        "\tresponse = tn_fetch(env->%s, tn_request_clone(request));\n"
		        "\tif (tn_response_status(response) != 200)\n"
		        "\t\treturn response;\n",
		        services->list[i]);
	fprintf(file, "\treturn tn_fetch(env->%s, request);\n", services->list[last]);
}

static void print_body(FILE *file, const struct tn_blank *blank)
{
	if (blank->services->count)
		print_calls(file, blank->services);
	else if (blank->vars->count)
		fprintf(file,
		        "\treturn tn_response_text(request, 200,\n"
		        "\t                        tn_format(request, \"Hello from %s: %%s\\n\", "
		        "env->%.*s));\n",
		        blank->name, tn_blank_name_size(blank->vars->list[0]),
		        blank->vars->list[0]);
	else
		fprintf(file,
		        "\t(void)env;\n"
		        "\treturn tn_response_text(request, 200, \"Hello from %s\\n\");\n",
		        blank->name);
}

static void print_slots(FILE *file, const struct tn_blank *blank)
{
	for (size_t i = 0; i < blank->services->count; i++)
		fprintf(file, ",\n          TN_SERVICE(%s)", blank->services->list[i]);
	for (size_t i = 0; i < blank->vars->count; i++)
		fprintf(file, ",\n          TN_VAR(%.*s)",
		        tn_blank_name_size(blank->vars->list[i]), blank->vars->list[i]);
	for (size_t i = 0; i < blank->secrets->count; i++)
		fprintf(file, ",\n          TN_SECRET(%s)", blank->secrets->list[i]);
}

static void print_worker(FILE *file, const struct tn_blank *blank)
{
	fprintf(file, worker_head, blank->name);
	print_fields(file, blank);
	fputs("static struct tn_response *answer(struct tn_request *request, "
	      "const struct env *env)\n{\n",
	      file);
	print_body(file, blank);
	fputs("}\n\nTN_WORKER(answer, struct env", file);
	print_slots(file, blank);
	fputs(");\n", file);
}

/* ---- Its test ------------------------------------------------------------------------------ */

/* Each binding a fake, which answers with that status. */
static void print_env(FILE *file, const struct tn_blank *blank, int status)
{
	size_t services = blank->services->count;

	fputs("\tstruct tn_test *test = tn_test_begin();\n", file);
	for (size_t i = 0; i < services; i++)
		fprintf(file, "\tstruct tn_fake fake_%s = TN_FAKE(\"%s\", %d, \"%s\");\n",
		        blank->services->list[i], blank->services->list[i],
		        i == 0 && services > 1 ? status : 200, blank->services->list[i]);
	fputs("\tconst struct env env = {\n\t\t.self = TN_TEST_SELF,\n", file);
	for (size_t i = 0; i < services; i++)
		fprintf(file, "\t\t.%s = &fake_%s.service,\n", blank->services->list[i],
		        blank->services->list[i]);
	for (size_t i = 0; i < blank->vars->count; i++)
		fprintf(file, "\t\t.%.*s = \"text\",\n",
		        tn_blank_name_size(blank->vars->list[i]), blank->vars->list[i]);
	for (size_t i = 0; i < blank->secrets->count; i++)
		fprintf(file, "\t\t.%s = tn_test_secret(test, \"s3cret\"),\n",
		        blank->secrets->list[i]);
	fputs("\t};\n\tstruct tn_request *request = tn_test_request(test, \"GET\", \"/\");\n"
	      "\tstruct tn_response *response = tn_fetch(&env.self, request);\n\n",
	      file);
}

static void print_expected(FILE *file, const struct tn_blank *blank)
{
	size_t services = blank->services->count;

	fputs("\tTN_ASSERT_STATUS(response, 200);\n\tTN_ASSERT_BODY(response, \"", file);
	if (services)
		fputs(blank->services->list[services - 1], file);
	else
		fprintf(file, "Hello from %s%s\\n", blank->name,
		        blank->vars->count ? ": text" : "");
	fputs("\");\n", file);
}

static void print_test(FILE *file, const struct tn_blank *blank)
{
	size_t services = blank->services->count;

	fprintf(file,
	        "/* test_%s.c - the test of a Worker: a program that includes it, without a host. "
	        "*/\n"
	        "#include \"%s\"%s\n\n"
	        "#include <tenon/test.h>\n\n"
	        "static void it_answers(void)\n{\n",
	        blank->name, blank->source,
	        strchr(blank->source, '/') ? " /* NOLINT(bugprone-suspicious-include) */" : "");
	print_env(file, blank, 200);
	print_expected(file, blank);
	fputs("\ttn_test_end(test);\n}\n\n", file);
	if (services > 1) {
		fprintf(file, "static void a_refusal_of_%s_is_passed_on(void)\n{\n",
		        blank->services->list[0]);
		print_env(file, blank, 403);
		fprintf(file,
		        "\tTN_ASSERT_STATUS(response, 403);\n"
		        "\tTN_ASSERT_CALLS(&fake_%s, 0);\n"
		        "\ttn_test_end(test);\n}\n\n",
		        blank->services->list[services - 1]);
	}
	fprintf(file, "TN_TEST_MAIN(\"%s\", TN_TEST(it_answers)", blank->name);
	if (services > 1)
		fprintf(file, ", TN_TEST(a_refusal_of_%s_is_passed_on)", blank->services->list[0]);
	fputs(")\n", file);
}

static char *text_of(void (*print)(FILE *file, const struct tn_blank *blank),
                     const struct tn_blank *blank)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	print(file, blank);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

char *tn_blank_worker(const struct tn_blank *blank)
{
	return text_of(print_worker, blank);
}

char *tn_blank_test(const struct tn_blank *blank)
{
	return text_of(print_test, blank);
}

/* ---- What a project has -------------------------------------------------------------------- */

static const char makefile[] =
	"# Each NAME.c is a Worker and becomes $(BUILD)/NAME.so; each test_NAME.c is its test.\n"
	"# Where pkg-config does not find Tenon, PKG_CONFIG_PATH names the directory of tenon.pc.\n"
	"\n"
	"# What a Worker needs beside Tenon is said here: LIBRARIES_NAME = -ljansson\n"
	"\n"
	"FILE       = %s\n"
	"BUILD      = %s\n"
	"TENON      = tenon\n"
	"CC         = gcc\n"
	"CFLAGS     = -O2 -g -Wall -Wextra\n"
	"PKG_CONFIG = pkg-config\n"
	"\n"
	"WORKERS = $(patsubst %%.c,$(BUILD)/%%.so,$(filter-out test_%%.c,$(wildcard *.c)))\n"
	"TESTS   = $(patsubst %%.c,$(BUILD)/%%,$(wildcard test_*.c))\n"
	"NEEDED  = $(patsubst %%,%%.d,$(WORKERS) $(TESTS))\n"
	"NOTE    = -MMD -MP -MF $@.d -MT $@\n"
	"\n"
	"all: $(WORKERS)\n"
	"\n"
	"$(BUILD)/%%.so: %%.c Makefile\n"
	"\t@mkdir -p $(@D)\n"
	"\t$(CC) $(CFLAGS) $$($(PKG_CONFIG) --cflags tenon) $(NOTE) -shared -o $@ $< \\\n"
	"\t\t$$($(PKG_CONFIG) --libs tenon) $(LIBRARIES_$*)\n"
	"\n"
	"$(BUILD)/test_%%: test_%%.c Makefile\n"
	"\t@mkdir -p $(@D)\n"
	"\t$(CC) $(CFLAGS) $$($(PKG_CONFIG) --cflags tenon-test) $(NOTE) -o $@ $< \\\n"
	"\t\t$$($(PKG_CONFIG) --libs tenon-test) $(LIBRARIES_$*) \\\n"
	"\t\t-Wl,-rpath,$$($(PKG_CONFIG) --variable=libdir tenon-test)\n"
	"\n"
	"test: $(TESTS)\n"
	"\t@for test in $(TESTS); do echo $$test; $$test || exit 1; done\n"
	"\n"
	"check: all\n"
	"\t$(TENON) check $(FILE)\n"
	"\n"
	"run: all\n"
	"\t$(TENON) run $(FILE)\n"
	"\n"
	"# Does both whenever something has changed.\n"
	"dev:\n"
	"\t$(TENON) dev $(FILE)\n"
	"\n"
	"clean:\n"
	"\trm -f $(WORKERS) $(TESTS) $(NEEDED)\n"
	"\n"
	"-include $(wildcard $(NEEDED))\n"
	".PHONY: all test check run dev clean\n"
	".DELETE_ON_ERROR:\n";

static const char configuration[] =
	"; What Tenon serves here. `make run` starts it, and tenon.ini(5) has all keys.\n"
	"\n"
	"[host]\n"
	"listen  = 127.0.0.1:8080\n"
	"modules = build\n";

char *tn_blank_makefile(const char *file, const char *modules)
{
	char *text = NULL;

	return asprintf(&text, makefile, file, modules) < 0 ? NULL : text;
}

char *tn_blank_configuration(void)
{
	return strdup(configuration);
}

char *tn_blank_gitignore(void)
{
	return strdup("build/\n*.secret\n*.control\n*.control.lock\n");
}
