#include "deploy/reader.h"

#include "cunit.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

#define INDENTED "a blank at the start of the line: write it without, and each value in one line\n"
#define NO_EQUALS "a line without '=': write 'KEY = VALUE', '[KIND NAME]' or '; COMMENT'\n"
#define COLON "a ':' behind the key: write '=' in its place\n"
#define NO_KEY "no key before the '=': write 'KEY = VALUE'\n"
#define NO_VALUE \
	"no value: write one, \"\" for an empty text, or remove the line (only a variant unsets " \
	"a key so)\n"
#define NO_SECTION "no section above: write [host] or [worker NAME] before the key\n"
#define NOT_THE_TOP "it stands at the top of the file, before the first [section]\n"
#define CUT \
	"the text would end at ' ;': put it in double quotes, or the comment on a line of its own\n"
#define UNCLOSED "the double quote is not closed: write one more '\"' behind the value\n"
#define AFTER_QUOTE \
	"text after the closing quote: end the value there, with ' ;' before a comment " \
	"(a '\"' cannot stand inside quotes)\n"
#define AFTER_HEADER \
	"text after the ']': write it on a line of its own, or ' ;' before a comment\n"
#define THREE_WORDS \
	"a section name of more than two words: write '[KIND NAME]', with no blank in the name\n"
#define NOT_UTF8 "is not UTF-8: save the file as UTF-8\n"
#define CONTROL "is a control character: remove it\n"
#define NUL_BYTE "is a NUL byte: remove it\n"
#define RETURN "is a carriage return inside the line: end lines with a newline\n"
#define MARK \
	"a byte order mark (BOM) at the start of the line: save the file as UTF-8 without one\n"

static void show_entry(const struct tn_entry *entry, FILE *to)
{
	if (entry->unset)
		fprintf(to, "%s unset%s\n", entry->key, *entry->value ? ", but not empty" : "");
	else
		fprintf(to, "%s=%s<%s>\n", entry->key, entry->quoted ? "q" : "", entry->value);
}

/* The sections and entries of a configuration in a plain form, without their lines. */
static void show(const struct tn_config *config, FILE *to)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct tn_section *section = config->sections[i];

		fprintf(to, "[%s|%s]\n", section->kind, section->name);
		for (size_t j = 0; j < section->count; j++) {
			CU_ASSERT_PTR_EQUAL(section->entries[j].section, section);
			show_entry(&section->entries[j], to);
		}
	}
}

struct result {
	char *shown;
	char *errors;
};

/* The text is copied to a block of its very size, so that ASan sees a read beyond it. */
static struct tn_config *parse(const char *text, size_t size, struct tn_errors *errors)
{
	char *exact = malloc(size ? size : 1);
	struct tn_config *config;

	CU_ASSERT_FATAL(exact != NULL);
	memcpy(exact, text, size);
	config = tn_config_parse("t.ini", exact, size, errors);
	free(exact);
	CU_ASSERT_FATAL(config != NULL);
	return config;
}

static struct result read_text(const char *text, size_t size)
{
	struct result result = { 0 };
	struct tn_errors errors = { 0 };
	struct tn_config *config = parse(text, size, &errors);
	size_t ignored;
	FILE *to = open_memstream(&result.shown, &ignored);

	CU_ASSERT_FATAL(to != NULL);
	show(config, to);
	fclose(to);
	tn_config_destroy(config);
	to = open_memstream(&result.errors, &ignored);
	CU_ASSERT_FATAL(to != NULL);
	tn_errors_print(&errors, to);
	fclose(to);
	tn_errors_finish(&errors);
	return result;
}

struct text_case {
	const char *text;
	const char *shown;
	const char *errors;
};

static void check_size(const struct text_case *expected, size_t size)
{
	struct result result = read_text(expected->text, size);

	CHECK_TEXT(result.shown, expected->shown);
	CHECK_TEXT(result.errors, expected->errors ? expected->errors : "");
	free(result.shown);
	free(result.errors);
}

static void check(const struct text_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_size(&cases[i], strlen(cases[i].text));
}

#define CHECK_CASES(cases_) check(cases_, sizeof(cases_) / sizeof((cases_)[0]))

static void good_text(void)
{
	static const struct text_case cases[] = {
		{ "", "", NULL },
		{ "\n\n", "", NULL },
		{ "[host]\n", "[host|]\n", NULL },
		{ "[host]", "[host|]\n", NULL },
		{ "[host]\nlisten=127.0.0.1:8080", "[host|]\nlisten=<127.0.0.1:8080>\n", NULL },
		{ "[host]\nlisten   =  [::1]:80  \t\n", "[host|]\nlisten=<[::1]:80>\n", NULL },
		{ "[a]\nx = 1\n[b]\n[c]\nx = 1\n", "[a|]\nx=<1>\n[b|]\n[c|]\nx=<1>\n", NULL },
		{ "[a]\nx = a=b:c = d\n", "[a|]\nx=<a=b:c = d>\n", NULL },
		{ "[a]\nx = a;b\nvar.y = a;b\n", "[a|]\nx=<a;b>\nvar.y=<a;b>\n", NULL },
		{ "[a]\nx =;b\ny = ;b;c\n", "[a|]\nx=<;b>\n", "t.ini:3: [a]: y: " NO_VALUE },
		{ "[a]\nx = a # b\nvar.y = #1 # b\n", "[a|]\nx=<a # b>\nvar.y=<#1 # b>\n", NULL },
		{ "[a]\nx = $HOME ${A} %s \\n\n", "[a|]\nx=<$HOME ${A} %s \\n>\n", NULL },
		{ "[a]\nvar.x = Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\n",
		  "[a|]\nvar.x=<Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80>\n", NULL },
		{ "[a]\nvar.x = a\tb\n", "[a|]\nvar.x=<a\tb>\n", NULL },
		{ "[a]\nX = 1\nx = 2\n", "[a|]\nX=<1>\nx=<2>\n", NULL },
	};

	CHECK_CASES(cases);
}

static void headers(void)
{
	static const struct text_case cases[] = {
		{ "[worker auth]\n", "[worker|auth]\n", NULL },
		{ "[ worker \t  auth ]\n", "[worker|auth]\n", NULL },
		{ "[worker auth]   \n", "[worker|auth]\n", NULL },
		{ "[worker auth@staging] ; c\n", "[worker|auth@staging]\n", NULL },
		{ "[worker auth]\t# c ] c\n", "[worker|auth]\n", NULL },
		{ "[]\n", "[|]\n", NULL },
		{ "[worker]\n[host x]\n", "[worker|]\n[host|x]\n", NULL },
		{ "[a b c]\nx = 1\n[d]\ny = 2\n", "[d|]\ny=<2>\n", "t.ini:1: " THREE_WORDS },
		{ "[a]b\nx = 1\n", "[a|]\nx=<1>\n", "t.ini:1: " AFTER_HEADER },
		{ "[a]; b\n", "[a|]\n", "t.ini:1: " AFTER_HEADER },
		{ "[a]# b\n", "[a|]\n", "t.ini:1: " AFTER_HEADER },
		{ "[a]]\n", "[a|]\n", "t.ini:1: " AFTER_HEADER },
		{ "[a] x = 1\n", "[a|]\n", "t.ini:1: " AFTER_HEADER },
	};

	CHECK_CASES(cases);
}

static void headers_of_variants(void)
{
	static const struct text_case cases[] = {
		{ "[worker auth@staging]\n[worker auth]\n[worker auth@v2]\n",
		  "[worker|auth@staging]\n[worker|auth]\n[worker|auth@v2]\n", NULL },
		{ "[host]\nx = 1\n[host@staging]\nx = 2\n",
		  "[host|]\nx=<1>\n[host|@staging]\nx=<2>\n", NULL },
		{ "[ \thost@staging ] ; c\n", "[host|@staging]\n", NULL },
		{ "[host @staging]\n", "[host|@staging]\n", NULL },
		{ "[host@staging x]\n", "[host@staging|x]\n", NULL },
		{ "[worker a@b@c]\n", "[worker|a@b@c]\n", NULL },
		{ "[worker@staging]\n", "[worker|@staging]\n", NULL },
		{ "[@]\n", "[|@]\n", NULL },
		{ "[worker auth @staging]\n", "", "t.ini:1: " THREE_WORDS },
	};

	CHECK_CASES(cases);
}

/* What follows the first '@', of a name alone. */
static void a_section_has_its_variant(void)
{
	static const char text[] = "[worker a]\n[worker a@b]\n[worker a@b@c]\n[host]\n"
				   "[host@d]\n[worker a@]\n[x@y z]\n";
	static const char *const variants[] = { NULL, "b", "b@c", NULL, "d", "", NULL };
	struct tn_errors errors = { 0 };
	struct tn_config *config = parse(text, sizeof(text) - 1, &errors);

	CU_ASSERT_EQUAL_FATAL(config->count, sizeof(variants) / sizeof(variants[0]));
	for (size_t i = 0; i < config->count; i++)
		CHECK_TEXT(config->sections[i]->variant, variants[i]);
	CHECK_NUMBER(errors.count, 0);
	tn_config_destroy(config);
}

static void broken_header_takes_its_keys_with_it(void)
{
	static const struct text_case cases[] = {
		{ "[host]\nlisten = 1\n[worker x\nlisten = 2\nlisten = 3\n[worker y]\nroute = /*\n",
		  "[host|]\nlisten=<1>\n[worker|y]\nroute=</*>\n",
		  "t.ini:3: a header without ']': write '[worker x]'\n" },
		{ "[worker x ; c]\nroute = /*\n", "",
		  "t.ini:1: a header without ']': write '[worker x]'\n" },
		{ "[a\nx = 1\n[b\nx = 1\n", "",
		  "t.ini:1: a header without ']': write '[a]'\n"
		  "t.ini:3: a header without ']': write '[b]'\n" },
		{ "[", "", "t.ini:1: a header without ']': write '[]'\n" },
		{ "[a\nx\n", "",
		  "t.ini:1: a header without ']': write '[a]'\n"
		  "t.ini:2: " NO_EQUALS },
		{ "[a\xff]\nx = 1\n[b]\n", "[b|]\n", "t.ini:1: byte 3 of the line " NOT_UTF8 },
	};

	CHECK_CASES(cases);
}

/* inih cuts them at 49 bytes, and so would take the second for the first. */
static void section_names_may_be_long(void)
{
	static const struct text_case cases[] = {
		{ "[worker " HUNDRED FIFTY "1]\nx = 1\n[worker " HUNDRED FIFTY "2]\nx = 2\n",
		  "[worker|" HUNDRED FIFTY "1]\nx=<1>\n[worker|" HUNDRED FIFTY "2]\nx=<2>\n",
		  NULL },
		{ "[" HUNDRED "]\n", "[" HUNDRED "|]\n", NULL },
	};

	CHECK_CASES(cases);
}

static void lines_have_a_limit(void)
{
	static const struct text_case cases[] = {
		/* 197 bytes, and one more; a carriage return does not count */
		{ "[a]\nkey=" HUNDRED FIFTY TEN TEN TEN TEN "123\ny=1\n",
		  "[a|]\nkey=<" HUNDRED FIFTY TEN TEN TEN TEN "123>\ny=<1>\n", NULL },
		{ "[a]\nkey=" HUNDRED FIFTY TEN TEN TEN TEN "123\r\ny=1\n",
		  "[a|]\nkey=<" HUNDRED FIFTY TEN TEN TEN TEN "123>\ny=<1>\n", NULL },
		{ "[a]\nkey=" HUNDRED FIFTY TEN TEN TEN TEN "1234\ny=1\n", "[a|]\ny=<1>\n",
		  "t.ini:2: a line of 198 bytes: write at most 197, and a comment on a line of "
		  "its own\n" },
		{ "[a]\nkey=1 ; " HUNDRED HUNDRED "\ny=1", "[a|]\ny=<1>\n",
		  "t.ini:2: a line of 208 bytes: write at most 197, and a comment on a line of "
		  "its own\n" },
		{ "[a]\n[b" HUNDRED HUNDRED "]\ny=1\n", "[a|]\n",
		  "t.ini:2: a line of 203 bytes: write at most 197, and a comment on a line of "
		  "its own\n" },
	};

	CHECK_CASES(cases);
}

static void comments(void)
{
	static const struct text_case cases[] = {
		{ "; c\n# c\n[a]\n;x=1\n#x=1\nx = 2\n", "[a|]\nx=<2>\n", NULL },
		{ "[a]\nx = 1\n   ; c\n\t# c\n   \n\t\ny = 2\n", "[a|]\nx=<1>\ny=<2>\n", NULL },
		{ "[a]\n; " HUNDRED HUNDRED " x = 1\n# " HUNDRED HUNDRED HUNDRED "y = 1\nz = 1\n",
		  "[a|]\nz=<1>\n", NULL },
		{ "[a]\nx = 1\n  ; " HUNDRED HUNDRED "\ny = 1\n", "[a|]\nx=<1>\ny=<1>\n", NULL },
		{ "[a]\nx = 1 ; c\ny = 2\t; c ; c\nz = a;b ;c\n", "[a|]\nx=<1>\ny=<2>\nz=<a;b>\n",
		  NULL },
		{ "[a]\nsecret.T = env:T     ; or file:PATH\n", "[a|]\nsecret.T=<env:T>\n", NULL },
		{ "[worker a]\nvar.X = one ; two\nY = 1\n", "[worker|a]\nY=<1>\n",
		  "t.ini:2: worker 'a': var.X: " CUT },
		{ "[worker a]\nvar.X = ; two\n", "[worker|a]\n",
		  "t.ini:2: worker 'a': var.X: " CUT },
		{ "[worker a]\nvar.X = one\t;\n", "[worker|a]\n",
		  "t.ini:2: worker 'a': var.X: " CUT },
	};

	CHECK_CASES(cases);
}

static void indented_lines(void)
{
	static const struct text_case cases[] = {
		{ "[a]\nx = 1\n  y = 2\nz = 3\n", "[a|]\nx=<1>\ny=<2>\nz=<3>\n",
		  "t.ini:3: " INDENTED },
		{ "[a]\nx = 1\n\troute = /*\n", "[a|]\nx=<1>\nroute=</*>\n", "t.ini:3: " INDENTED },
		{ "[a]\nx = 1\n more text\n", "[a|]\nx=<1>\n", "t.ini:3: " INDENTED },
		{ "[a]\nx = 1\n more text = a\n", "[a|]\nx=<1>\n", "t.ini:3: " INDENTED },
		{ "[a]\nx = 1,\n http://b/?c=d\n", "[a|]\nx=<1,>\n", "t.ini:3: " INDENTED },
		{ "[a]\nx = 1\n  [b]\ny = 2\n", "[a|]\nx=<1>\n[b|]\ny=<2>\n",
		  "t.ini:3: " INDENTED },
		{ "  [b]\n", "[b|]\n", "t.ini:1: " INDENTED },
		{ "[b]\n  x = 1\n", "[b|]\nx=<1>\n", "t.ini:2: " INDENTED },
	};

	CHECK_CASES(cases);
}

static void keys(void)
{
	static const struct text_case cases[] = {
		{ "[a]\nx\ny = 1\n", "[a|]\ny=<1>\n", "t.ini:2: " NO_EQUALS },
		{ "[a]\nx ; y = 1\n", "[a|]\n", "t.ini:2: " NO_EQUALS },
		{ "[a]\nx: 1\n", "[a|]\n", "t.ini:2: " COLON },
		{ "[a]\nx:y = 1\n", "[a|]\n", "t.ini:2: " COLON },
		{ "[a]\n= 1\n", "[a|]\n", "t.ini:2: " NO_KEY },
		{ "[a]\n=\n", "[a|]\n", "t.ini:2: " NO_KEY },
		{ "[worker a]\nx =\n", "[worker|a]\n", "t.ini:2: worker 'a': x: " NO_VALUE },
		{ "[host]\nlisten =  \t\n", "[host|]\n", "t.ini:2: [host]: listen: " NO_VALUE },
		{ "[host a]\nlisten = ; c\n", "[host|a]\n",
		  "t.ini:2: [host a]: listen: " NO_VALUE },
		{ "[worker]\nx =", "[worker|]\n", "t.ini:2: [worker]: x: " NO_VALUE },
		{ "[]\nx =", "[|]\n", "t.ini:2: []: x: " NO_VALUE },
		{ "x = 1\ny = 2\n[a]\ny = 3\n", "[a|]\ny=<3>\n", "t.ini:1: x: " NO_SECTION },
	};

	CHECK_CASES(cases);
}

static void a_key_without_a_value_is_unset_in_a_variant_alone(void)
{
	static const struct text_case cases[] = {
		{ "[worker a@b]\nx =\ny= \t\nz = 1\n", "[worker|a@b]\nx unset\ny unset\nz=<1>\n",
		  NULL },
		{ "[worker a@b]\nx = ; c\nvar.y = ; c\n", "[worker|a@b]\nx unset\nvar.y unset\n",
		  NULL },
		{ "[host@b]\nlisten =\r\n", "[host|@b]\nlisten unset\n", NULL },
		{ "[worker a@b]\nx =", "[worker|a@b]\nx unset\n", NULL },
		{ "[worker a@b]\nx = \"\"\n", "[worker|a@b]\nx=q<>\n", NULL },
		{ "[worker a@b]\nx =;\n", "[worker|a@b]\nx=<;>\n", NULL },
		{ "[worker a@b]\nx\n", "[worker|a@b]\n", "t.ini:2: " NO_EQUALS },
		{ "[worker a@b]\nx =\nx = 1\n", "[worker|a@b]\nx unset\n",
		  "t.ini:3: worker 'a@b': x: already in line 2: keep one of the two\n" },
		{ "[worker a@b]\n[worker a]\nx =\n", "[worker|a@b]\n[worker|a]\n",
		  "t.ini:3: worker 'a': x: " NO_VALUE },
	};

	CHECK_CASES(cases);
}

/* The files that it names are not there. */
static void an_include_stands_before_the_first_section(void)
{
	static const struct text_case cases[] = {
		{ "[a]\ninclude = none.ini\nx = 1\n", "[a|]\nx=<1>\n",
		  "t.ini:2: [a]: include: " NOT_THE_TOP },
		{ "[worker a@b]\ninclude =\n", "[worker|a@b]\n",
		  "t.ini:2: worker 'a@b': include: " NOT_THE_TOP },
		{ "include =\n[a]\n", "[a|]\n", "t.ini:1: include: " NO_VALUE },
		{ "includes = none.ini\ninclude = none.ini\n[a]\nx = 1\n", "[a|]\nx=<1>\n",
		  "t.ini:1: includes: " NO_SECTION },
		{ "[a\ninclude = none.ini\n[b]\n", "[b|]\n",
		  "t.ini:1: a header without ']': write '[a]'\n" },
		{ "; c\ninclude = /none/a.ini ; c\ninclude = \"/none/b ; .ini\"\n[a]\nx = 1\n",
		  "[a|]\nx=<1>\n",
		  "t.ini:2: include: '/none/a.ini': there is no such file: name a file, or files "
		  "such as conf.d/*.ini\n"
		  "t.ini:3: include: '/none/b ; .ini': there is no such file: name a file, or "
		  "files such as conf.d/*.ini\n" },
	};

	CHECK_CASES(cases);
}

static void duplicates(void)
{
	static const struct text_case cases[] = {
		{ "[worker a]\nx = 1\ny = 2\nx = 3\n", "[worker|a]\nx=<1>\ny=<2>\n",
		  "t.ini:4: worker 'a': x: already in line 2: keep one of the two\n" },
		{ "[host]\nx = 1\nx = 1\nx = 1\n", "[host|]\nx=<1>\n",
		  "t.ini:3: [host]: x: already in line 2: keep one of the two\n"
		  "t.ini:4: [host]: x: already in line 2: keep one of the two\n" },
		{ "[worker a]\nx = 1\n[b]\n[worker  a ]\ny = 2\n",
		  "[worker|a]\nx=<1>\ny=<2>\n[b|]\n",
		  "t.ini:4: a second [worker a], the first is in t.ini:1: put the keys of both "
		  "below one\n" },
		{ "[host]\nx = 1\n[host]\nx = 2\n", "[host|]\nx=<1>\n",
		  "t.ini:3: a second [host], the first is in t.ini:1: put the keys of both below "
		  "one\n"
		  "t.ini:4: [host]: x: already in line 2: keep one of the two\n" },
		{ "[host@a]\nx = 1\n[host @a]\ny =\n", "[host|@a]\nx=<1>\ny unset\n",
		  "t.ini:3: a second [host@a], the first is in t.ini:1: put the keys of both "
		  "below one\n" },
		{ "[worker a@b]\n[worker a]\n[worker a@b]\n", "[worker|a@b]\n[worker|a]\n",
		  "t.ini:3: a second [worker a@b], the first is in t.ini:1: put the keys of both "
		  "below one\n" },
		{ "[a b]\n[b]\n[b a]\n[b b]\n[b]\n", "[a|b]\n[b|]\n[b|a]\n[b|b]\n",
		  "t.ini:5: a second [b], the first is in t.ini:2: put the keys of both below "
		  "one\n" },
	};

	CHECK_CASES(cases);
}

static void quotes(void)
{
	static const struct text_case cases[] = {
		{ "[a]\nx = \"\"\n", "[a|]\nx=q<>\n", NULL },
		{ "[a]\nx=\"a ; b\"\n", "[a|]\nx=q<a ; b>\n", NULL },
		{ "[a]\nvar.x = \"a ; b\" ; c \"d\"\n", "[a|]\nvar.x=q<a ; b>\n", NULL },
		{ "[a]\nx = \"  a  \"  \n", "[a|]\nx=q<  a  >\n", NULL },
		{ "[a]\nx = \"a = b: [c] # d\"\t;\n", "[a|]\nx=q<a = b: [c] # d>\n", NULL },
		{ "[a]\nx = \"a\\n\\\"\n", "[a|]\nx=q<a\\n\\>\n", NULL },
		{ "[a]\nx = \"a\"\ny = b\n", "[a|]\nx=q<a>\ny=<b>\n", NULL },
		{ "[a]\nx = say \"a\"\n", "[a|]\nx=<say \"a\">\n", NULL },
		{ "[a]\nx = 'a'\n", "[a|]\nx=<'a'>\n", NULL },
		{ "[worker a]\nx = \"b\n", "[worker|a]\n", "t.ini:2: worker 'a': x: " UNCLOSED },
		{ "[worker a]\nx = \"\n", "[worker|a]\n", "t.ini:2: worker 'a': x: " UNCLOSED },
		{ "[worker a]\nx = \"b ; c\n", "[worker|a]\n",
		  "t.ini:2: worker 'a': x: " UNCLOSED },
		{ "[a]\nx = \"b\" c\n", "[a|]\n", "t.ini:2: [a]: x: " AFTER_QUOTE },
		{ "[a]\nx = \"b\"; c\n", "[a|]\n", "t.ini:2: [a]: x: " AFTER_QUOTE },
		{ "[a]\nx = \"b\" # c\n", "[a|]\n", "t.ini:2: [a]: x: " AFTER_QUOTE },
		{ "[a]\nx = \"b \\\"c\\\" d\"\n", "[a|]\n", "t.ini:2: [a]: x: " AFTER_QUOTE },
		{ "[a]\nx = \"b\", \"c\"\n", "[a|]\n", "t.ini:2: [a]: x: " AFTER_QUOTE },
	};

	CHECK_CASES(cases);
}

static void bytes(void)
{
	static const struct text_case cases[] = {
		{ "\xef\xbb\xbf[a]\nx = 1\n", "[a|]\nx=<1>\n", "t.ini:1: " MARK },
		{ "\xef\xbb\xbf", "", "t.ini:1: " MARK },
		{ "\xef\xbb\xbf\xef\xbb\xbf[a\nx = 1\n", "",
		  "t.ini:1: " MARK "t.ini:1: a header without ']': write '[a]'\n" },
		{ " \xef\xbb\xbf[a]\nx = \xef\xbb\xbf\n", "[a|]\nx=<\xef\xbb\xbf>\n",
		  "t.ini:1: " MARK },
		{ "[a]\nx = 1\n\xef\xbb\xbf[b]\nx = 2\n", "[a|]\nx=<1>\n[b|]\nx=<2>\n",
		  "t.ini:3: " MARK },
		{ "[a]\r\nx = 1\r\n\r\ny = \"2\"\r\n", "[a|]\nx=<1>\ny=q<2>\n", NULL },
		{ "[a]\rx = 1\r", "", "t.ini:1: byte 4 of the line " RETURN },
		{ "[a]\nx = 1\r", "[a|]\n", "t.ini:2: byte 6 of the line " RETURN },
		{ "[a]\nx = 1\r\r\n", "[a|]\n", "t.ini:2: byte 6 of the line " RETURN },
		{ "[a]\nx = \x1b[0m\n", "[a|]\n", "t.ini:2: byte 5 of the line " CONTROL },
		{ "[a]\nx = 1\x7f\ny = \v\n", "[a|]\n",
		  "t.ini:2: byte 6 of the line " CONTROL "t.ini:3: byte 5 of the line " CONTROL },
		{ "[a]\nx = \xc2\x9b\ny = \xc2\xa0\n", "[a|]\ny=<\xc2\xa0>\n",
		  "t.ini:2: byte 5 of the line " CONTROL },
		{ "; \x01\n", "", "t.ini:1: byte 3 of the line " CONTROL },
	};

	CHECK_CASES(cases);
}

static void invalid_utf8(void)
{
	static const char *const texts[] = {
		"\x80",     /* no first byte */
		"\xc0\xaf", /* overlong */
		"\xe0\x80\xaf",
		"\xf0\x80\x80\xaf",
		"\xed\xa0\x80",     /* a surrogate */
		"\xf4\x90\x80\x80", /* beyond U+10FFFF */
		"\xf5\x80\x80\x80",
		"\xc3", /* cut */
		"\xe2\x82",
		"\xe2\x82x",
		"\xf0\x9f\x98",
		"gr\xfc\xdf", /* Latin-1 */
		"\xff\xfe",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[64], expected[128];
		size_t offset = strspn(texts[i], "gr");
		struct text_case wanted = { text, "[a|]\n", expected };

		snprintf(text, sizeof(text), "[a]\nx=%s", texts[i]);
		snprintf(expected, sizeof(expected), "t.ini:2: byte %zu of the line " NOT_UTF8,
		         offset + 3);
		check_size(&wanted, strlen(text));
	}
}

static void nul_bytes(void)
{
	static const char text[] = "[a]\nx = 1\0 2\n\0\n; \0\ny = 2\n[b\0]\nz = 1\n";
	static const struct text_case expected = {
		text,
		"[a|]\ny=<2>\n",
		"t.ini:2: byte 6 of the line " NUL_BYTE
		"t.ini:3: byte 1 of the line " NUL_BYTE
		"t.ini:4: byte 3 of the line " NUL_BYTE
		"t.ini:6: byte 3 of the line " NUL_BYTE,
	};

	check_size(&expected, sizeof(text) - 1);
}

static void all_is_collected(void)
{
	static const struct text_case cases[] = {
		{ "x = 1\n[worker a\ny = 2\n[worker b]\nc\nd : e\nf =\n  g = \"h\nvar.i = j ; k\n",
		  "[worker|b]\n",
		  "t.ini:1: x: " NO_SECTION
		  "t.ini:2: a header without ']': write '[worker a]'\n"
		  "t.ini:5: " NO_EQUALS
		  "t.ini:6: " COLON
		  "t.ini:7: worker 'b': f: " NO_VALUE
		  "t.ini:8: " INDENTED
		  "t.ini:8: worker 'b': g: " UNCLOSED
		  "t.ini:9: worker 'b': var.i: " CUT },
	};

	CHECK_CASES(cases);
}

/* More than the first capacity of sections, entries and errors. */
static void many(void)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	struct tn_errors errors = { 0 };
	struct tn_config *config;

	CU_ASSERT_FATAL(to != NULL);
	for (int i = 0; i < 100; i++) {
		fprintf(to, "[worker w%d]\n", i);
		for (int j = 0; j < 100; j++)
			fprintf(to, "var.v%d = %d\nbad\n", j, i * j);
	}
	fclose(to);
	config = parse(text, size, &errors);
	CHECK_NUMBER(config->count, 100);
	CHECK_NUMBER(config->sections[99]->count, 100);
	CHECK_TEXT(config->sections[99]->entries[99].value, "9801");
	CHECK_NUMBER(errors.count, 10000);
	tn_config_destroy(config);
	tn_errors_finish(&errors);
	free(text);
}

static void places(void)
{
	static const char text[] = "\n; c\n[a]\n\nx = 1\n[b]\ny = 2";
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_parse("etc/t.ini", text, sizeof(text) - 1, &errors);

	CU_ASSERT_FATAL(config != NULL);
	CHECK_NUMBER(config->sections[0]->place.line, 3);
	CHECK_TEXT(config->sections[0]->place.file, "etc/t.ini");
	CHECK_NUMBER(config->sections[0]->entries[0].place.line, 5);
	CHECK_TEXT(config->sections[0]->entries[0].place.file, "etc/t.ini");
	CHECK_NUMBER(config->sections[1]->place.line, 6);
	CHECK_NUMBER(config->sections[1]->entries[0].place.line, 7);
	tn_config_destroy(config);
	CHECK_NUMBER(errors.count, 0);
	tn_errors_finish(&errors);
}

TEST_MAIN("deploy/reader",
          TEST(good_text),
          TEST(headers),
          TEST(headers_of_variants),
          TEST(a_section_has_its_variant),
          TEST(broken_header_takes_its_keys_with_it),
          TEST(section_names_may_be_long),
          TEST(lines_have_a_limit),
          TEST(comments),
          TEST(indented_lines),
          TEST(keys),
          TEST(a_key_without_a_value_is_unset_in_a_variant_alone),
          TEST(an_include_stands_before_the_first_section),
          TEST(duplicates),
          TEST(quotes),
          TEST(bytes),
          TEST(invalid_utf8),
          TEST(nul_bytes),
          TEST(all_is_collected),
          TEST(many),
          TEST(places))
