#include "deploy/edit.h"

#include "cunit.h"
#include "deploy/config.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY
#define BREAK "it has a line break: what is written is one line"
#define BYTES "it has a control character or is not UTF-8: write plain text"
#define QUOTE \
	"it has a '\"' and needs quotes, in which none can stand: write it without, or without " \
	"what needs them (a blank at an end, a '\"' at the start, a ' ;', a comment behind a var)"
#define LONG \
	"the line would have more than 197 bytes: write a shorter value, or move the line's " \
	"comment to a line of its own"
#define NO_KEY "it is no key: write one such as service.NAME, without '=', ':' and blanks around it"

/* ---- One line ------------------------------------------------------------------------------ */

/* In blocks of their very size, so that ASan sees a read beyond them. */
static char *exactly(const char *text, size_t size)
{
	char *exact = malloc(size ? size : 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
	memcpy(exact, text, size);
	return exact;
}

struct replace_case {
	const char *line;
	const char *value;
	const char *after; /* NULL: it is refused */
	const char *problem;
};

static void check_replace(const struct replace_case *expected)
{
	struct tn_edited edited;
	char text[1024], whole[1024];
	size_t size = (size_t)snprintf(text, sizeof(text), "[a@b]\n%s\nz = 1", expected->line);
	char *exact = exactly(text, size);
	const char *problem = tn_edit_replace(exact, size, 2, expected->value, &edited);

	CHECK_TEXT(problem, expected->problem);
	if (expected->after) {
		snprintf(whole, sizeof(whole), "[a@b]\n%s\nz = 1", expected->after);
		CHECK_TEXT(edited.text, whole);
		CHECK_NUMBER(edited.size, strlen(whole));
		CHECK_TEXT(edited.before, expected->line);
		CHECK_TEXT(edited.after, expected->after);
		CHECK_NUMBER(edited.line, 2);
		CU_ASSERT_FALSE(edited.removed || edited.added);
	} else {
		CU_ASSERT_PTR_NULL(edited.text);
	}
	free(edited.text);
	free(exact);
}

static void check_replaces(const struct replace_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_replace(&cases[i]);
}

#define CHECK_REPLACES(cases_) check_replaces(cases_, sizeof(cases_) / sizeof((cases_)[0]))

static void a_replaced_value_leaves_the_rest_of_the_line(void)
{
	static const struct replace_case cases[] = {
		{ "service.auth = auth", "auth@v2", "service.auth = auth@v2", NULL },
		{ "service.auth=auth", "auth@v2", "service.auth=auth@v2", NULL },
		{ "x \t =\t  1", "2", "x \t =\t  2", NULL },
		{ "x = 1  \t", "22", "x = 22  \t", NULL },
		{ "x = 1   ; why = \"so\"", "22", "x = 22   ; why = \"so\"", NULL },
		{ "x = 1\t;", "", "x = \"\"\t;", NULL },
		{ "x = a;b ;c ; d", "b", "x = b ;c ; d", NULL },
		{ "x = a=b # c ; d", "b", "x = b ; d", NULL },
		{ "x =;b", "c", "x =c", NULL },
		{ "a b = 1", "2", "a b = 2", NULL },
		{ "x = 1", "Gr\xc3\xbc\xc3\x9f", "x = Gr\xc3\xbc\xc3\x9f", NULL },
		{ "x = 1", "a=b:c [d] # e;f", "x = a=b:c [d] # e;f", NULL },
		{ "x = 1", "1", "x = 1", NULL },
	};

	CHECK_REPLACES(cases);
}

static void quotes_stay_and_come_where_they_are_needed(void)
{
	static const struct replace_case cases[] = {
		{ "x = \"1\"", "2", "x = \"2\"", NULL },
		{ "x = \"1\" ; c", "2", "x = \"2\" ; c", NULL },
		{ "x = \"a ; b\"  ; c", "", "x = \"\"  ; c", NULL },
		{ "x = \"\"", "2", "x = \"2\"", NULL },
		{ "x = \"1\"", "a\"b", "x = a\"b", NULL },
		{ "x = 1", "", "x = \"\"", NULL },
		{ "x = 1", " 2", "x = \" 2\"", NULL },
		{ "x = 1", "2\t", "x = \"2\t\"", NULL },
		{ "x = 1", "a ; b", "x = \"a ; b\"", NULL },
		{ "x = 1", "a\t;b", "x = \"a\t;b\"", NULL },
		{ "x = 1", ";a", "x = \";a\"", NULL },
		{ "x =1", ";a", "x =;a", NULL },
		{ "x =", ";a", "x = \";a\"", NULL },
		{ "x = 1", "a;b", "x = a;b", NULL },
		{ "x = 1", "a\"b", "x = a\"b", NULL },
		{ "var.x = 1", "2", "var.x = 2", NULL },
		{ "var.x = \"1\" ; c", "2", "var.x = \"2\" ; c", NULL },
		{ "var.x = ; c", "2", "var.x = \"2\" ; c", NULL },
	};

	CHECK_REPLACES(cases);
}

static void a_line_without_a_value_gets_one(void)
{
	static const struct replace_case cases[] = {
		{ "x =", "1", "x = 1", NULL },
		{ "x=", "1", "x=1", NULL },
		{ "x = ", "1", "x = 1", NULL },
		{ "x =   ", "1", "x =   1", NULL },
		{ "x = ; c", "1", "x = 1 ; c", NULL },
		{ "x =    ; c", "1", "x = 1   ; c", NULL },
		{ "x=\t; c", "1", "x=\t1 ; c", NULL },
	};

	CHECK_REPLACES(cases);
}

static void no_value_unsets(void)
{
	static const struct replace_case cases[] = {
		{ "x = 1", NULL, "x =", NULL },
		{ "x=1", NULL, "x=", NULL },
		{ "x   =   \"1\"  ", NULL, "x   =", NULL },
		{ "x =", NULL, "x =", NULL },
		{ "x = 1 ; c", NULL, "x =  ; c", NULL },
		{ "x=1 ; c", NULL, "x= ; c", NULL },
		{ "var.x = \"1\"", NULL, "var.x =", NULL },
		{ "var.x = \"1\"  ; c", NULL, "var.x =   ; c", NULL },
		{ "x = ; c", NULL, "x = ; c", NULL },
	};

	CHECK_REPLACES(cases);
}

static void what_cannot_be_written_is_refused(void)
{
	static const struct replace_case cases[] = {
		{ "x = 1", "a\nroute = /", NULL, BREAK },
		{ "x = 1", "a\r", NULL, BREAK },
		{ "x = 1", "a\x1b[0m", NULL, BYTES },
		{ "x = 1", "\x7f", NULL, BYTES },
		{ "x = 1", "\xff", NULL, BYTES },
		{ "x = 1", "a\xc3", NULL, BYTES },
		{ "x = 1", "\"a\"", NULL, QUOTE },
		{ "x = 1", "a\" ", NULL, QUOTE },
		{ "x = 1", "a\" ;", NULL, QUOTE },
		{ "x = \"1\"", "\"", NULL, QUOTE },
		{ "var.x = \"1\" ; c", "a\"b", NULL, QUOTE },
		{ "; x = 1", "1", NULL, "there is no key in the line" },
		{ "[x = 1]", "1", NULL, "there is no key in the line" },
		{ "", "1", NULL, "there is no key in the line" },
	};

	CHECK_REPLACES(cases);
}

/* The longest line that the reader takes has 197 bytes. */
static void a_line_is_as_long_as_the_reader_takes_it(void)
{
	static const char value[] = HUNDRED FIFTY TEN TEN TEN TEN "1";
	static const char line[] = "xy = " HUNDRED FIFTY TEN TEN TEN TEN "12";
	struct tn_errors errors = { 0 };
	struct replace_case cases[] = {
		{ "xy = 1", line + 5, line, NULL },
		{ "xyz = 1", line + 5, NULL, LONG },
		{ "x = \"\"", value, NULL, NULL },
		{ "xy = \"\"", value, NULL, LONG },
		{ "x = 1 ; " HUNDRED, FIFTY FIFTY, NULL, LONG },
	};
	char quoted[256];

	snprintf(quoted, sizeof(quoted), "x = \"%s\"", value);
	cases[2].after = quoted;
	CHECK_NUMBER(strlen(line), 197);
	CHECK_NUMBER(strlen(quoted), 197);
	CHECK_REPLACES(cases);
	tn_config_destroy(tn_config_parse("x", "[a]\n" HUNDRED " = " FIFTY TEN TEN TEN TEN "1234",
	                                  4 + 197, &errors));
	CHECK_NUMBER(errors.count, 0);
	tn_config_destroy(tn_config_parse("x", "[a]\n" HUNDRED " = " FIFTY TEN TEN TEN TEN "12345",
	                                  4 + 198, &errors));
	CHECK_NUMBER(errors.count, 1);
	tn_errors_finish(&errors);
}

/* ---- Lines that come and go ---------------------------------------------------------------- */

struct insert_case {
	const char *text;
	unsigned line;
	const char *key;
	const char *value;
	const char *after; /* the whole text; NULL: it is refused */
	const char *problem;
};

static void check_insert(const struct insert_case *expected)
{
	struct tn_edited edited;
	size_t size = strlen(expected->text);
	char *exact = exactly(expected->text, size);
	const char *problem = tn_edit_insert(exact, size, expected->line, expected->key,
	                                     expected->value, &edited);

	CHECK_TEXT(problem, expected->problem);
	CHECK_TEXT(edited.text, expected->after);
	if (expected->after) {
		CHECK_NUMBER(edited.size, strlen(expected->after));
		CHECK_TEXT(edited.before, "");
		CU_ASSERT_PTR_NOT_NULL(strstr(edited.text, edited.after));
		CHECK_NUMBER(edited.line, expected->line + 1);
		CU_ASSERT_TRUE(edited.added && !edited.removed);
	}
	free(edited.text);
	free(exact);
}

#define CHECK_INSERTS(cases_) \
	for (size_t i = 0; i < sizeof(cases_) / sizeof((cases_)[0]); i++) \
	check_insert(&(cases_)[i])

static void a_new_line_ends_as_its_neighbour_does(void)
{
	static const struct insert_case cases[] = {
		{ "[a]\n", 1, "x", "1", "[a]\nx = 1\n", NULL },
		{ "[a]\n[b]\n", 1, "x", "1", "[a]\nx = 1\n[b]\n", NULL },
		{ "[a]\r\n[b]\n", 1, "x", "1", "[a]\r\nx = 1\r\n[b]\n", NULL },
		{ "[a]", 1, "x", "1", "[a]\nx = 1", NULL },
		{ "[a]\ny = 2", 2, "x", "1", "[a]\ny = 2\nx = 1", NULL },
		{ "[a]\r\ny = 2", 2, "x", "1", "[a]\r\ny = 2\r\nx = 1", NULL },
		{ "\n", 1, "x", "1", "\nx = 1\n", NULL },
		{ "\r\n", 1, "x", "1", "\r\nx = 1\r\n", NULL },
		{ "[a]\n", 1, "x", "", "[a]\nx = \"\"\n", NULL },
		{ "[a@b]\n", 1, "x", NULL, "[a@b]\nx =\n", NULL },
		{ "[a]\n", 1, "var.x", "a ; b", "[a]\nvar.x = \"a ; b\"\n", NULL },
	};

	CHECK_INSERTS(cases);
}

static void its_equals_sign_is_below_the_one_above(void)
{
	static const struct insert_case cases[] = {
		{ "abc   = 1\n", 1, "x", "1", "abc   = 1\nx     = 1\n", NULL },
		{ "abc   = 1\n", 1, "vwxyz", "1", "abc   = 1\nvwxyz = 1\n", NULL },
		{ "abc   = 1\n", 1, "uvwxyz", "1", "abc   = 1\nuvwxyz = 1\n", NULL },
		{ "abc   = 1\n", 1, "x", NULL, "abc   = 1\nx     =\n", NULL },
		{ "abc   =1 ; c\n", 1, "x", "1", "abc   =1 ; c\nx     = 1\n", NULL },
		{ "abc=1\n", 1, "x", "1", "abc=1\nx = 1\n", NULL },
		{ "abc=1\n", 1, "xyz", "1", "abc=1\nxyz = 1\n", NULL },
		{ "\xc3\xbc\xc3\xbc\xc3\xbc = 1\n", 1, "x", "1",
		  "\xc3\xbc\xc3\xbc\xc3\xbc = 1\nx   = 1\n", NULL },
		{ "abc = 1\n", 1, "\xc3\xbc", "1", "abc = 1\n\xc3\xbc   = 1\n", NULL },
		{ "abc\t\t= 1\n", 1, "x", "1", "abc\t\t= 1\nx\t\t= 1\n", NULL },
		{ "abc\t\t= 1\n", 1, "tuvwxyz.", "1", "abc\t\t= 1\ntuvwxyz.\t= 1\n", NULL },
		{ "abc\t  = 1\n", 1, "x", "1", "abc\t  = 1\nx\t  = 1\n", NULL },
		{ "; abc    = 1\n", 1, "x", "1", "; abc    = 1\nx = 1\n", NULL },
		{ "[abc    = 1]\n", 1, "x", "1", "[abc    = 1]\nx = 1\n", NULL },
	};

	CHECK_INSERTS(cases);
}

static void what_is_no_key_or_value_is_not_inserted(void)
{
	static const struct insert_case cases[] = {
		{ "[a]\n", 1, "", "1", NULL, NO_KEY },
		{ "[a]\n", 1, "[x", "1", NULL, NO_KEY },
		{ "[a]\n", 1, ";x", "1", NULL, NO_KEY },
		{ "[a]\n", 1, "#x", "1", NULL, NO_KEY },
		{ "[a]\n", 1, " x", "1", NULL, NO_KEY },
		{ "[a]\n", 1, "x ", "1", NULL, NO_KEY },
		{ "[a]\n", 1, "x=y", "1", NULL, NO_KEY },
		{ "[a]\n", 1, "x:y", "1", NULL, NO_KEY },
		{ "[a]\n", 1, "x ;y", "1", NULL, NO_KEY },
		{ "[a]\n", 1, "x\ny", "1", NULL, BREAK },
		{ "[a]\n", 1, "x\x01", "1", NULL, BYTES },
		{ "[a]\n", 1, "x", "1\n2", NULL, BREAK },
		{ "[a]\n", 1, "x", "\"", NULL, QUOTE },
		{ "[a]\n", 1, "x", HUNDRED HUNDRED, NULL, LONG },
		{ "[a]\n", 1, HUNDRED HUNDRED, "1", NULL, LONG },
		{ "[a]\n", 2, "x", "1", NULL, "there is no such line" },
		{ "[a]\n", 0, "x", "1", NULL, "there is no such line" },
		{ "", 1, "x", "1", NULL, "there is no such line" },
	};

	CHECK_INSERTS(cases);
}

struct remove_case {
	const char *text;
	unsigned line;
	const char *before;
	const char *after; /* the whole text */
};

static void a_line_goes_with_its_end(void)
{
	static const struct remove_case cases[] = {
		{ "[a]\nx = 1 ; c\ny = 2\n", 2, "x = 1 ; c", "[a]\ny = 2\n" },
		{ "[a]\r\nx = 1\r\ny = 2\r\n", 2, "x = 1", "[a]\r\ny = 2\r\n" },
		{ "[a]\nx = 1", 2, "x = 1", "[a]\n" },
		{ "x = 1", 1, "x = 1", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tn_edited edited;
		size_t size = strlen(cases[i].text);

		CHECK_TEXT(tn_edit_remove(cases[i].text, size, cases[i].line, &edited), NULL);
		CHECK_TEXT(edited.text, cases[i].after);
		CHECK_NUMBER(edited.size, strlen(cases[i].after));
		CHECK_TEXT(edited.before, cases[i].before);
		CHECK_TEXT(edited.after, "");
		CU_ASSERT_TRUE(edited.removed && !edited.added);
		CHECK_NUMBER(edited.line, cases[i].line);
		free(edited.text);
	}
}

static void a_line_that_is_not_there_is_not_removed(void)
{
	struct tn_edited edited;

	CHECK_TEXT(tn_edit_remove("x = 1\n", 6, 2, &edited), "there is no such line");
	CU_ASSERT_PTR_NULL(edited.text);
	CHECK_TEXT(tn_edit_remove("x = 1\n", 6, 0, &edited), "there is no such line");
	CU_ASSERT_PTR_NULL(edited.text);
}

/* ---- Random files -------------------------------------------------------------------------- */

#define FILES 3000
#define EDITS_OF_A_FILE 10
#define TEXT_ROOM 16384
#define COMMENT ";~" /* no value has it */

static const char *const blank[] = { "", " ", "  ", "\t", " \t  " };
static const char *const letters[] = {
	"a", "b", "Z", "0", "9", ".", "-", "@", "/", "*", ",", "%", "=", ":", "[", "]", "#", "\\",
	" ", " ", "\t", ";", " ;", "\"", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"
};
static const char *const bad_letters[] = { "\n", "\r", "\x01", "\x7f", "\xff", "\xc3", "\xc2\x80" };
static const char *const headers[] = {
	"[host]", "[ host@staging ]", "[worker a]", "[worker a@v2]  ", "[\tworker b.c ] ; c",
	"[worker b.c@v2@x]\t# c", "[other]"
};
static const char *const keys[] = {
	"var.A", "var.a", "var.long_name_of_a_var", "service.x", "route", "module", "a b",
	"\xc3\xbc", "x;y", "secret.S", "\"q", "key#"
};

#define COUNT(list_) (sizeof(list_) / sizeof((list_)[0]))
#define PICK(random_, list_) ((list_)[below(random_, COUNT(list_))])

/* xorshift64; the same numbers everywhere. */
static size_t below(uint64_t *random, size_t limit)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (size_t)(*random >> 11) % limit;
}

static bool chance(uint64_t *random, size_t percent)
{
	return below(random, 100) < percent;
}

struct text {
	char data[TEXT_ROOM];
	size_t size;
};

static void add(struct text *text, const char *part)
{
	size_t size = strlen(part);

	CU_ASSERT_FATAL(size < sizeof(text->data) - text->size);
	memcpy(text->data + text->size, part, size + 1);
	text->size += size;
}

static void make_value(uint64_t *random, struct text *value)
{
	size_t size = below(random, chance(random, 5) ? 200 : 12);

	value->size = 0;
	value->data[0] = '\0';
	for (size_t i = 0; i < size; i++)
		add(value, PICK(random, letters));
	if (chance(random, 3))
		add(value, PICK(random, bad_letters));
	if (chance(random, 30))
		add(value, "x");
}

static bool reads_without_errors(const char *text, size_t size)
{
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_parse("x.ini", text, size, &errors);
	bool good = config && !errors.count;

	tn_config_destroy(config);
	tn_errors_finish(&errors);
	return good;
}

/* An entry, or nothing where the reader would not take it. */
static void make_entry(uint64_t *random, const char *header, const char *key, struct text *line)
{
	struct text value, whole = { 0 };
	const char *quote = chance(random, 40) ? "\"" : "";

	make_value(random, &value);
	line->size = 0;
	add(line, key);
	add(line, PICK(random, blank));
	add(line, "=");
	add(line, PICK(random, blank));
	add(line, quote);
	add(line, value.data);
	add(line, quote);
	add(line, PICK(random, blank));
	if (chance(random, 30)) {
		add(line, " " COMMENT " = ");
		add(line, chance(random, 50) ? "\"c\" ;" : "");
	}
	add(&whole, header);
	add(&whole, "\n");
	add(&whole, line->data);
	add(&whole, "\n");
	if (strpbrk(line->data, "\r\n") || !reads_without_errors(whole.data, whole.size))
		line->size = 0;
}

static void make_filling(uint64_t *random, struct text *line)
{
	line->size = 0;
	add(line, PICK(random, blank));
	if (chance(random, 50))
		return;
	add(line, chance(random, 50) ? "; " : "#");
	add(line, chance(random, 10) ? HUNDRED HUNDRED : "a comment with x = 1");
}

static void make_file(uint64_t *random, struct text *file)
{
	size_t crlf = below(random, 3) * 50; /* never, now and then, always */
	struct text line;

	file->size = 0;
	file->data[0] = '\0';
	for (size_t i = 0; i < COUNT(headers); i++) {
		if (chance(random, 40))
			continue;
		add(file, headers[i]);
		add(file, chance(random, crlf) ? "\r\n" : "\n");
		for (size_t j = 0; j < COUNT(keys); j++) {
			if (chance(random, 70))
				make_filling(random, &line);
			else
				make_entry(random, headers[i], keys[j], &line);
			if (chance(random, 50) || !line.size)
				continue;
			add(file, line.data);
			add(file, chance(random, crlf) ? "\r\n" : "\n");
		}
	}
	if (chance(random, 30))
		file->size -= file->size && file->data[file->size - 1] == '\n';
	file->size -= file->size && file->data[file->size - 1] == '\r';
	file->data[file->size] = '\0';
}

/* ---- Random edits -------------------------------------------------------------------------- */

struct trial {
	uint64_t seed;
	struct text old;
	struct tn_config *config;
	const struct tn_section *section;
	const struct tn_entry *entry; /* NULL: a new one is inserted */
	const char *key;
	const char *value; /* NULL: it is unset */
	bool remove;
	unsigned line; /* what the editor is told */
	struct tn_edited edited;
	const char *problem;
};

static struct tn_config *parse(const char *text, size_t size)
{
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_parse("x.ini", text, size, &errors);

	if (errors.count)
		tn_errors_print(&errors, stdout);
	if (errors.count)
		tn_config_destroy(config);
	config = errors.count ? NULL : config;
	tn_errors_finish(&errors);
	return config;
}

/* Where the line begins, counted from 1; the end of the text where there is none. */
static size_t line_begin(const char *text, unsigned line)
{
	const char *at = text;

	while (--line && at)
		at = (at = strchr(at, '\n')) ? at + 1 : NULL;
	return at ? (size_t)(at - text) : strlen(text);
}

/* Its size without its end. */
static size_t line_size(const char *text, size_t begin)
{
	size_t size = strcspn(text + begin, "\n");

	return size - (text[begin + size] && size && text[begin + size - 1] == '\r');
}

static bool same_entry(const struct tn_entry *one, const struct tn_entry *other)
{
	return !strcmp(one->key, other->key) && !strcmp(one->value, other->value) &&
	       one->quoted == other->quoted && one->unset == other->unset;
}

static bool has_value(const struct tn_section *section, const char *key, const char *value)
{
	const struct tn_entry *entry = tn_section_find(section, key);

	if (!entry || !value)
		return entry && entry->unset;
	return !entry->unset && !strcmp(entry->value, value);
}

/* All entries of the section but that of the key, in their order. */
static bool same_others(const struct tn_section *one, const struct tn_section *other,
                        const char *key)
{
	size_t i = 0, j = 0;

	for (;; i++, j++) {
		while (i < one->count && key && !strcmp(one->entries[i].key, key))
			i++;
		while (j < other->count && key && !strcmp(other->entries[j].key, key))
			j++;
		if (i >= one->count || j >= other->count)
			return i >= one->count && j >= other->count;
		if (!same_entry(&one->entries[i], &other->entries[j]))
			return false;
	}
}

/* What the reader finds afterwards. */
static const char *find_misreading(const struct trial *trial)
{
	struct tn_config *config = parse(trial->edited.text, trial->edited.size);
	const char *wrong = NULL;

	if (!config)
		return "the reader has errors";
	if (config->count != trial->config->count)
		wrong = "there are more or fewer sections";
	for (size_t i = 0; i < config->count && !wrong; i++) {
		const struct tn_section *before = trial->config->sections[i];
		const struct tn_section *after = config->sections[i];
		bool edited = before == trial->section;

		if (strcmp(before->kind, after->kind) != 0 ||
		    strcmp(before->name, after->name) != 0)
			wrong = "a section has another name";
		else if (!same_others(before, after, edited ? trial->key : NULL))
			wrong = "another entry has changed";
		else if (edited && trial->remove && tn_section_find(after, trial->key))
			wrong = "the entry is still there";
		else if (edited && !trial->remove && !has_value(after, trial->key, trial->value))
			wrong = "the entry has not that value";
	}
	tn_config_destroy(config);
	return wrong;
}

/* The bytes before and behind the line, which are to be the same in both texts. */
static const char *find_damage(const struct trial *trial)
{
	const char *old = trial->old.data, *new = trial->edited.text;
	size_t begin = line_begin(old, trial->edited.line);
	size_t new_begin = line_begin(new, trial->edited.line);
	size_t end = begin, new_end = new_begin;

	if (trial->remove)
		end = line_begin(old, trial->edited.line + 1);
	if (!trial->remove && trial->entry)
		end += line_size(old, begin);
	if (!trial->remove && trial->entry)
		new_end += line_size(new, new_begin);
	if (!trial->remove && !trial->entry)
		new_end = line_begin(new, trial->edited.line + 1);
	if (strlen(new) != trial->edited.size)
		return "the size is wrong";
	if (memcmp(old, new, begin) != 0)
		return "the text before the line has changed";
	if (!trial->remove && !trial->entry && begin == trial->old.size && begin < new_begin &&
	    strspn(new + begin, "\r\n") != new_begin - begin)
		return "there is more than a line end before the line";
	if (new_begin != begin && begin != trial->old.size)
		return "the line has moved";
	return strcmp(old + end, new + new_end) ? "the text behind the line has changed" : NULL;
}

static bool is_written(const struct trial *trial, const char *line, size_t old_begin,
                       size_t old_end)
{
	struct text whole = { 0 };
	struct tn_config *config;
	struct tn_errors errors = { 0 };
	const struct tn_section *section;
	bool written;

	whole.size = old_begin;
	memcpy(whole.data, trial->old.data, old_begin);
	add(&whole, line);
	add(&whole, trial->old.data + old_end);
	config = tn_config_parse("x.ini", whole.data, whole.size, &errors);
	section = tn_config_find(config, trial->section->kind, trial->section->name);
	written = !errors.count && section && config->count == trial->config->count &&
	          has_value(section, trial->key, trial->value) &&
	          same_others(section, trial->section, trial->key);
	tn_config_destroy(config);
	tn_errors_finish(&errors);
	return written;
}

/* The line as it ought to be with or without quotes: what stands around the value is as it was. */
static void make_line(const struct trial *trial, const char *quote, struct text *line)
{
	size_t begin = line_begin(trial->old.data, trial->edited.line);
	size_t size = line_size(trial->old.data, begin);
	const char *old = trial->old.data + begin;
	size_t value = strcspn(old, "=") + 1;

	line->size = 0;
	value += strspn(old + value, " \t");
	memcpy(line->data, old, value);
	line->data[value] = '\0';
	line->size = value;
	add(line, quote);
	add(line, trial->value ? trial->value : "");
	add(line, quote);
	value += strlen(trial->entry->value) + (trial->entry->quoted ? 2 : 0);
	memcpy(line->data + line->size, old + value, size - value);
	line->size += size - value;
	line->data[line->size] = '\0';
}

/*
 * Both ways to write the value are given to the reader: the editor is to take the one without
 * quotes if it can be read and there were none, else the one with them, and refuses only where
 * neither can be read.
 */
static const char *find_better_line(const struct trial *trial)
{
	size_t begin = line_begin(trial->old.data, trial->edited.line);
	size_t end = begin + line_size(trial->old.data, begin);
	struct text plain, quoted;
	bool can_plain, can_quoted;
	const char *best;

	make_line(trial, "", &plain);
	make_line(trial, "\"", &quoted);
	can_plain = is_written(trial, plain.data, begin, end);
	can_quoted = is_written(trial, quoted.data, begin, end);
	if (trial->problem)
		return can_plain || can_quoted ? "it can be written, but was refused" : NULL;
	if (!trial->value)
		return NULL;
	best = can_plain && !(trial->entry->quoted && can_quoted) ? plain.data : quoted.data;
	return strcmp(best, trial->edited.after) ? "the line is not as it ought to be" : NULL;
}

static const char *find_wrong_lines(const struct trial *trial)
{
	const char *old = trial->old.data, *new = trial->edited.text;
	size_t begin = line_begin(old, trial->edited.line);
	size_t new_begin = line_begin(new, trial->edited.line);
	size_t size = trial->edited.added ? 0 : line_size(old, begin);
	size_t new_size = trial->edited.removed ? 0 : line_size(new, new_begin);

	if (trial->edited.line != trial->line + !trial->entry)
		return "it names another line";
	if (strlen(trial->edited.before) != size ||
	    memcmp(trial->edited.before, old + begin, size) != 0)
		return "the line before is told wrongly";
	if (strlen(trial->edited.after) != new_size ||
	    memcmp(trial->edited.after, new + new_begin, new_size) != 0)
		return "the line after is told wrongly";
	return NULL;
}

static const char *find_fault(const struct trial *trial)
{
	bool replaced = trial->entry && !trial->remove;
	const char *wrong = NULL;

	if (trial->problem && (trial->edited.text || trial->remove))
		return "it is refused without reason";
	if (replaced && !trial->entry->unset)
		wrong = find_better_line(trial);
	if (trial->problem || wrong)
		return wrong;
	wrong = find_wrong_lines(trial);
	if (!wrong)
		wrong = find_damage(trial);
	return wrong ? wrong : find_misreading(trial);
}

static void edit(struct trial *trial)
{
	char *exact = exactly(trial->old.data, trial->old.size);
	size_t size = trial->old.size;

	if (trial->remove)
		trial->problem = tn_edit_remove(exact, size, trial->line, &trial->edited);
	else if (trial->entry)
		trial->problem = tn_edit_replace(exact, size, trial->line, trial->value,
		                                 &trial->edited);
	else
		trial->problem = tn_edit_insert(exact, size, trial->line, trial->key, trial->value,
		                                &trial->edited);
	free(exact);
}

/* Which entry of which section, or behind which line. */
static void choose(struct trial *trial, uint64_t *random)
{
	const struct tn_section *section =
		trial->config->sections[below(random, trial->config->count)];

	trial->section = section;
	trial->key = PICK(random, keys);
	trial->entry = tn_section_find(section, trial->key);
	trial->line = trial->entry ? trial->entry->place.line : section->place.line;
	if (!trial->entry && section->count)
		trial->line = section->entries[below(random, section->count)].place.line;
	trial->remove = trial->entry && chance(random, 20);
	if (section->variant && chance(random, 20))
		trial->value = NULL;
}

static void report(const struct trial *trial, const char *fault)
{
	printf("seed %llu: %s: %s in line %u to <%s>: %s\n<%s>\n<%s>\n",
	       (unsigned long long)trial->seed, fault, trial->key, trial->line,
	       trial->value ? trial->value : "(unset)", trial->problem ? trial->problem : "done",
	       trial->old.data, trial->edited.text ? trial->edited.text : "");
}

/* Each edit is made to what the one before has left. Returns false where a file was damaged. */
static bool edit_file(uint64_t seed, size_t *edits, size_t *refused)
{
	struct trial trial = { .seed = seed };
	uint64_t random = seed * 0x9e3779b97f4a7c15u + 1;
	const char *fault = NULL;
	struct text value;

	make_file(&random, &trial.old);
	for (size_t i = 0; i < EDITS_OF_A_FILE && !fault; i++) {
		trial.config = parse(trial.old.data, trial.old.size);
		CU_ASSERT_PTR_NOT_NULL_FATAL(trial.config);
		if (trial.config->count) {
			make_value(&random, &value);
			trial.value = value.data;
			choose(&trial, &random);
			edit(&trial);
			fault = find_fault(&trial);
			++*(trial.problem ? refused : edits);
		}
		if (fault)
			report(&trial, fault);
		if (trial.config->count && !trial.problem) {
			trial.old.size = 0;
			add(&trial.old, trial.edited.text);
		}
		tn_config_destroy(trial.config);
		free(trial.edited.text);
		trial.edited.text = NULL;
	}
	return !fault;
}

static void random_edits_damage_no_file(void)
{
	size_t edits = 0, refused = 0, damaged = 0;

	for (uint64_t seed = 1; seed <= FILES; seed++)
		damaged += !edit_file(seed, &edits, &refused);
	printf("%zu edits tried, %zu more refused, %zu files damaged\n", edits, refused, damaged);
	CHECK_NUMBER(damaged, 0);
	CU_ASSERT_TRUE(edits >= 20000);
	CU_ASSERT_TRUE(refused >= 100);
}

/* ---- A section ----------------------------------------------------------------------------- */

static const struct tn_edit_key three[] = {
	{ "route", "/*" },
	{ "var.LONGER", "a ; b" },
	{ "var.NONE", "" },
};

static void check_section(const char *text, unsigned line, const char *whole)
{
	char *exact = exactly(text, strlen(text));
	struct tn_edited edited;
	size_t wrong;

	CHECK_TEXT(tn_edit_section(exact, strlen(text), "worker a", three, 3, &edited, &wrong),
	           NULL);
	CHECK_TEXT(edited.text, whole);
	CHECK_NUMBER(edited.size, strlen(whole));
	CHECK_NUMBER(edited.line, line);
	CHECK_TEXT(edited.after, "[worker a]");
	CU_ASSERT(edited.added);
	free(edited.text);
	free(exact);
}

#define SECTION "[worker a]\nroute      = /*\nvar.LONGER = \"a ; b\"\nvar.NONE   = \"\"\n"

static void a_section_comes_behind_all_else(void)
{
	check_section("", 1, SECTION);
	check_section("[host]\n", 3, "[host]\n\n" SECTION);
	check_section("[host]\n; end", 4, "[host]\n; end\n\n" SECTION);
	check_section("[host]\r\n", 3,
	              "[host]\r\n\r\n[worker a]\r\nroute      = /*\r\n"
	              "var.LONGER = \"a ; b\"\r\nvar.NONE   = \"\"\r\n");
}

static void a_section_is_read_back_as_it_was_meant(void)
{
	struct tn_errors errors = { 0 };
	const struct tn_section *section;
	struct tn_config *config;
	struct tn_edited edited;
	size_t wrong;

	CHECK_TEXT(tn_edit_section("[host]", 6, "worker a", three, 3, &edited, &wrong), NULL);
	config = tn_config_parse("a.ini", edited.text, edited.size, &errors);
	CHECK_NUMBER(errors.count, 0);
	section = tn_config_find(config, "worker", "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(section);
	CHECK_NUMBER(section->place.line, edited.line);
	CHECK_NUMBER(section->count, 3);
	for (size_t i = 0; i < 3; i++)
		CHECK_TEXT(tn_section_find(section, three[i].key)->value, three[i].value);
	tn_config_destroy(config);
	tn_errors_finish(&errors);
	free(edited.text);
}

static void of_a_section_that_cannot_be_written_the_key_is_told(void)
{
	static const struct {
		struct tn_edit_key key;
		const char *problem;
	} cases[] = {
		{ { "var.A", "one\ntwo" }, BREAK },
		{ { "var.A", "\a" }, BYTES },
		{ { "var.A", HUNDRED HUNDRED }, LONG },
		{ { "var.A", " \"" }, QUOTE },
		{ { "var=A", "1" }, NO_KEY },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tn_edit_key two[] = { { "route", "/" }, cases[i].key };
		struct tn_edited edited;
		size_t wrong = 9;

		CHECK_TEXT(tn_edit_section("", 0, "worker a", two, 2, &edited, &wrong),
		           cases[i].problem);
		CHECK_NUMBER(wrong, 1);
		free(edited.text);
	}
}

TEST_MAIN("deploy/edit",
          TEST(a_replaced_value_leaves_the_rest_of_the_line),
          TEST(quotes_stay_and_come_where_they_are_needed),
          TEST(a_line_without_a_value_gets_one),
          TEST(no_value_unsets),
          TEST(what_cannot_be_written_is_refused),
          TEST(a_line_is_as_long_as_the_reader_takes_it),
          TEST(a_new_line_ends_as_its_neighbour_does),
          TEST(its_equals_sign_is_below_the_one_above),
          TEST(what_is_no_key_or_value_is_not_inserted),
          TEST(a_line_goes_with_its_end),
          TEST(a_line_that_is_not_there_is_not_removed),
          TEST(random_edits_damage_no_file),
          TEST(a_section_comes_behind_all_else),
          TEST(a_section_is_read_back_as_it_was_meant),
          TEST(of_a_section_that_cannot_be_written_the_key_is_told))
