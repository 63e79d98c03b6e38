#include "deploy/reader.h"

#include "deploy/span.h"

#include <ini.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/*
 * inih hands each line to the reader below before it looks at it. The reader counts, keeps the
 * sections, and shows inih an empty line in the place of all that has no key or that it would
 * misread; what is left inih takes apart.
 */

#define LINE_LIMIT 197 /* bytes; inih's buffer of 200 has a newline and a NUL, too */
#define LABEL_SIZE 256
#define PROBLEM_SIZE 8192

struct reader {
	struct tn_config *config;
	const struct tn_file *file;
	struct tn_errors *errors;
	struct tn_span rest; /* the text that has not been read */
	unsigned line;
	struct tn_section *section;  /* where keys go */
	struct tn_section *preamble; /* where they go before the first header */
	struct tn_section parked;    /* stands for one whose header cannot be read; stays empty */
	struct tn_span quoted;       /* the value of the line, if it is in double quotes */
	bool failed;                 /* no memory */
};

static char *read_line(char *buffer, int room, void *stream);
static int take_entry(void *user, const char *section, const char *key, const char *value);

bool tn_reader_read(struct tn_config *config, const struct tn_file *file,
                    struct tn_section *preamble, struct tn_errors *errors)
{
	struct reader reader = {
		.config = config,
		.file = file,
		.errors = errors,
		.rest = { file->text, file->size },
		.section = preamble,
		.preamble = preamble,
	};
	int refused = ini_parse_stream(read_line, &reader, take_entry, &reader);

	if (refused > 0)
		tn_errors_add(errors, (struct tn_place){ file->path, (unsigned)refused },
		              "the line cannot be read: write 'KEY = VALUE'");
	return refused >= 0 && !reader.failed;
}

/* ---- Complaints ------------------------------------------------------------------------- */

static struct tn_place here(const struct reader *reader)
{
	return (struct tn_place){ reader->file->path, reader->line };
}

static void complain(const struct reader *reader, struct tn_span key, const char *problem)
{
	const struct tn_section *section = reader->section;
	char label[LABEL_SIZE];

	if (section->kind)
		tn_errors_add(reader->errors, here(reader), "%s: %.*s: %s",
		              tn_section_label(section, label, sizeof(label)), (int)key.size,
		              key.data, problem);
	else
		tn_errors_add(reader->errors, here(reader), "%.*s: %s", (int)key.size, key.data,
		              problem);
}

/* ---- Bytes ------------------------------------------------------------------------------ */

static bool check_bytes(struct reader *reader, struct tn_span line)
{
	size_t position;
	const char *problem = tn_span_problem(line, &position);

	if (problem)
		tn_errors_add(reader->errors, here(reader), "byte %zu of the line %s", position + 1,
		              problem);
	return !problem;
}

/* At the start of any line, since files are also put together of several, and more than one, since
 * inih skips one itself. */
static struct tn_span skip_marks(struct reader *reader, struct tn_span line)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (!tn_span_begins(tn_span_trim(line), mark))
		return line;
	tn_errors_add(reader->errors, here(reader),
	              "a byte order mark (BOM) at the start of the line: save the file as UTF-8 "
	              "without one");
	while (tn_span_begins(tn_span_trim(line), mark))
		line = tn_span_behind(tn_span_trim(line), strlen(mark));
	return line;
}

/* ---- Sections --------------------------------------------------------------------------- */

/* The keys below what may be a header that cannot be read belong to no section: they are checked,
 * and dropped. */
static void park_below(struct reader *reader, struct tn_span text)
{
	if (tn_span_begins(text, "["))
		reader->section = &reader->parked;
}

static bool make_room(struct tn_config *config)
{
	size_t capacity = config->capacity ? 2 * config->capacity : 8;
	struct tn_section **sections;

	if (config->count < config->capacity)
		return true;
	sections = reallocarray(config->sections, capacity, sizeof(sections[0]));
	if (!sections)
		return false;
	config->sections = sections;
	config->capacity = capacity;
	return true;
}

static struct tn_section *new_section(const struct reader *reader, struct tn_span kind,
                                      struct tn_span name)
{
	struct tn_section *section = calloc(1, sizeof(*section));

	if (!section)
		return NULL;
	section->place = here(reader);
	section->kind = tn_span_copy(kind);
	section->name = tn_span_copy(name);
	section->variant = section->name ? strchr(section->name, '@') : NULL;
	if (section->variant)
		section->variant++;
	if (section->kind && section->name)
		return section;
	tn_section_destroy(section);
	return NULL;
}

/* The keys of a section that comes twice go to the first, and are compared with its keys. */
static void repeat_section(struct reader *reader, struct tn_section *again,
                           struct tn_section *earlier)
{
	bool host = strcmp(again->kind, "host") == 0;
	bool named = *again->name && !host;

	tn_errors_add(reader->errors, again->place,
	              "a second [%s%s%s], the first is in %s:%u: put the keys of both below one",
	              again->kind, named ? " " : "", again->name, earlier->place.file,
	              earlier->place.line);
	if (!earlier->again.file)
		earlier->again = again->place;
	tn_section_destroy(again);
	reader->section = earlier;
}

static void open_section(struct reader *reader, struct tn_span kind, struct tn_span name)
{
	struct tn_section *section = new_section(reader, kind, name);
	struct tn_section **found;

	reader->failed = !section || !make_room(reader->config);
	found = reader->failed ? NULL
	                       : tsearch(section, &reader->config->index, tn_section_compare);
	if (!found) {
		tn_section_destroy(section);
		reader->failed = true;
		return;
	}
	if (*found != section) {
		repeat_section(reader, section, *found);
		return;
	}
	reader->config->sections[reader->config->count++] = section;
	reader->section = section;
}

static struct tn_span first_word(struct tn_span text)
{
	size_t size = 0;

	while (size < text.size && !tn_span_blank(text.data[size]))
		size++;
	return (struct tn_span){ text.data, size };
}

/* "worker auth" or "host@staging": false where there are more than two words. */
static bool split_header(struct tn_span inside, struct tn_span *kind, struct tn_span *name)
{
	const char *at;

	inside = tn_span_trim(inside);
	*kind = first_word(inside);
	at = memchr(kind->data, '@', kind->size);
	if (at && kind->size == inside.size) {
		*name = tn_span_behind(*kind, (size_t)(at - kind->data));
		kind->size -= name->size;
		return true;
	}
	inside = tn_span_trim(tn_span_behind(inside, kind->size));
	*name = first_word(inside);
	return name->size == inside.size;
}

static void check_after_header(struct reader *reader, struct tn_span after)
{
	struct tn_span text = tn_span_trim(after);

	if (!text.size || (text.data > after.data && (*text.data == ';' || *text.data == '#')))
		return;
	tn_errors_add(reader->errors, here(reader),
	              "text after the ']': write it on a line of its own, or ' ;' before a "
	              "comment");
}

static void read_header(struct reader *reader, struct tn_span text)
{
	size_t end = tn_span_find(text, "]");
	struct tn_span inside = { text.data + 1, end - 1 };
	struct tn_span kind, name;

	park_below(reader, text);
	if (end == text.size || text.data[end] != ']') {
		inside = tn_span_trim(inside);
		tn_errors_add(reader->errors, here(reader), "a header without ']': write '[%.*s]'",
		              (int)inside.size, inside.data);
		return;
	}
	check_after_header(reader, tn_span_behind(text, end + 1));
	if (split_header(inside, &kind, &name))
		open_section(reader, kind, name);
	else
		tn_errors_add(reader->errors, here(reader),
		              "a section name of more than two words: write '[KIND NAME]', with no "
		              "blank in the name");
}

/* ---- Entries ---------------------------------------------------------------------------- */

static const char *problem_of_quoted(struct reader *reader, struct tn_span value)
{
	struct tn_span inside = tn_span_behind(value, 1);
	const char *quote = memchr(inside.data, '"', inside.size);
	struct tn_span after, text;

	if (!quote)
		return "the double quote is not closed: write one more '\"' behind the value";
	inside.size = (size_t)(quote - inside.data);
	after = tn_span_behind(value, inside.size + 2);
	text = tn_span_trim(after);
	if (text.size && (text.data == after.data || *text.data != ';'))
		return "text after the closing quote: end the value there, with ' ;' before a "
		       "comment (a '\"' cannot stand inside quotes)";
	reader->quoted = inside;
	return NULL;
}

/* A var is free text, in which a ';' is more likely meant than a comment. */
static const char *problem_of_plain(const struct reader *reader, struct tn_span key,
                                    struct tn_span value)
{
	size_t end = tn_span_find(value, "");
	struct tn_span text = tn_span_trim((struct tn_span){ value.data, end });

	if (!text.size && reader->section->variant)
		return NULL;
	if (end < value.size && tn_span_begins(key, "var."))
		return "the text would end at ' ;': put it in double quotes, or the comment on a "
		       "line of its own";
	return text.size ? NULL
	                 : "no value: write one, \"\" for an empty text, or remove the line (only "
	                   "a variant unsets a key so)";
}

static bool check_value(struct reader *reader, struct tn_span key, struct tn_span value)
{
	const char *problem;

	if (tn_span_begins(tn_span_trim(value), "\""))
		problem = problem_of_quoted(reader, tn_span_trim(value));
	else
		problem = problem_of_plain(reader, key, value);
	if (problem)
		complain(reader, key, problem);
	return !problem;
}

/* Only `include` stands before the first header, and nowhere else: there it is dropped. */
static bool check_section(struct reader *reader, struct tn_span key)
{
	bool include = key.size == strlen("include") && tn_span_begins(key, "include");
	bool at_top = reader->section == reader->preamble;

	if (include && !at_top && reader->section->kind)
		complain(reader, key,
		         "it stands at the top of the file, before the first [section]");
	if (include || !at_top)
		return !include || at_top;
	complain(reader, key, "no section above: write [host] or [worker NAME] before the key");
	reader->section = &reader->parked;
	return true;
}

/* Not quoted in the message: a line without a key may be a piece of a secret. */
static const char *problem_of_key(struct tn_span text, size_t end)
{
	if (end == text.size || text.data[end] == ';')
		return "a line without '=': write 'KEY = VALUE', '[KIND NAME]' or '; COMMENT'";
	if (text.data[end] == ':')
		return "a ':' behind the key: write '=' in its place";
	if (!tn_span_trim((struct tn_span){ text.data, end }).size)
		return "no key before the '=': write 'KEY = VALUE'";
	return NULL;
}

static bool check_entry(struct reader *reader, struct tn_span text)
{
	size_t end = tn_span_find(text, "=:");
	const char *problem = problem_of_key(text, end);
	struct tn_span key = tn_span_trim((struct tn_span){ text.data, end });

	if (problem) {
		tn_errors_add(reader->errors, here(reader), "%s", problem);
		return false;
	}
	return check_section(reader, key) &&
	       check_value(reader, key, tn_span_behind(text, end + 1));
}

static struct tn_entry *new_entry(struct tn_section *section)
{
	size_t capacity = section->capacity ? 2 * section->capacity : 8;
	struct tn_entry *entries;

	if (section->count == section->capacity) {
		entries = reallocarray(section->entries, capacity, sizeof(*entries));
		if (!entries)
			return NULL;
		section->entries = entries;
		section->capacity = capacity;
	}
	section->entries[section->count] = (struct tn_entry){ .section = section };
	return &section->entries[section->count++];
}

static void add_entry(struct reader *reader, const char *key, const char *value)
{
	struct tn_entry *entry = new_entry(reader->section);

	if (entry) {
		entry->place = here(reader);
		entry->key = strdup(key);
		entry->quoted = reader->quoted.data;
		entry->value = entry->quoted ? tn_span_copy(reader->quoted) : strdup(value);
		entry->unset = !entry->quoted && !*value;
	}
	reader->failed = !entry || !entry->key || !entry->value;
}

/* The earlier one may be in another file. */
static void complain_of_repeated(const struct reader *reader, const char *key,
                                 struct tn_place earlier)
{
	bool here_too = strcmp(earlier.file, reader->file->path) == 0;
	char problem[PROBLEM_SIZE];

	if (here_too)
		snprintf(problem, sizeof(problem), "already in line %u: keep one of the two",
		         earlier.line);
	else
		snprintf(problem, sizeof(problem), "already in %s:%u: keep one of the two",
		         earlier.file, earlier.line);
	complain(reader, (struct tn_span){ key, strlen(key) }, problem);
}

/* inih's handler: its section is not used, for it may be cut, and merges two of a name. */
static int take_entry(void *user, const char *section, const char *key, const char *value)
{
	struct reader *reader = user;
	const struct tn_entry *earlier = NULL;

	(void)section;
	if (reader->failed || reader->section == &reader->parked)
		return 1;
	if (reader->section != reader->preamble)
		earlier = tn_section_find(reader->section, key);
	if (!earlier) {
		add_entry(reader, key, value);
		return 1;
	}
	complain_of_repeated(reader, key, earlier->place);
	return 1;
}

/* ---- Lines ------------------------------------------------------------------------------ */

static struct tn_span next_line(struct reader *reader)
{
	struct tn_span line = reader->rest;
	const char *newline = memchr(line.data, '\n', line.size);

	reader->line++;
	if (!newline) {
		reader->rest = tn_span_behind(line, line.size);
		return line;
	}
	line.size = (size_t)(newline - line.data);
	reader->rest = tn_span_behind(reader->rest, line.size + 1);
	if (line.size && line.data[line.size - 1] == '\r')
		line.size--;
	return line;
}

/* Whether an indented line was meant as one of its own, and not as the rest of the value above. */
static bool stands_alone(struct tn_span text)
{
	size_t end = tn_span_find(text, "=");
	struct tn_span key = tn_span_trim((struct tn_span){ text.data, end });

	if (tn_span_begins(text, "["))
		return true;
	for (size_t i = 0; i < key.size; i++)
		if (tn_span_blank(key.data[i]) || strchr("/:?&\",", key.data[i]))
			return false;
	return key.size && end < text.size && text.data[end] == '=';
}

static bool check_line(struct reader *reader, struct tn_span line, struct tn_span text)
{
	if (line.size > LINE_LIMIT) {
		tn_errors_add(reader->errors, here(reader),
		              "a line of %zu bytes: write at most %d, and a comment on a line of "
		              "its own",
		              line.size, LINE_LIMIT);
		return false;
	}
	if (text.data == line.data)
		return true;
	tn_errors_add(reader->errors, here(reader),
	              "a blank at the start of the line: write it without, and each value in one "
	              "line");
	return stands_alone(text);
}

/* What inih may see of the line: its key and value, or nothing. */
static struct tn_span inspect(struct reader *reader, struct tn_span whole)
{
	struct tn_span line = skip_marks(reader, whole);
	struct tn_span text = tn_span_trim(line);
	struct tn_span nothing = { line.data, 0 };

	reader->quoted = (struct tn_span){ 0 };
	if (!check_bytes(reader, line)) {
		park_below(reader, text);
		return nothing;
	}
	if (!text.size || *text.data == ';' || *text.data == '#')
		return nothing;
	if (!check_line(reader, line, text)) {
		park_below(reader, text);
		return nothing;
	}
	if (*text.data != '[')
		return check_entry(reader, text) ? text : nothing;
	read_header(reader, text);
	return nothing;
}

/* Comments and blank lines belong to what comes behind them, if to anything. */
static void note_end(const struct reader *reader, struct tn_span line)
{
	struct tn_span text = tn_span_trim(line);

	if (text.size && *text.data != ';' && *text.data != '#')
		reader->section->end = reader->line;
}

/* What is wrong at the top of a file may have been an include. */
static struct tn_span inspect_noting(struct reader *reader, struct tn_span line)
{
	size_t errors = reader->errors->errors;
	bool at_top = reader->section == reader->preamble;
	struct tn_span text = inspect(reader, line);

	if (reader->errors->errors > errors && !reader->config->gap.file &&
	    (at_top || reader->section == &reader->parked))
		reader->config->gap = here(reader);
	note_end(reader, line);
	return text;
}

/* inih's reader, in the form of fgets. */
static char *read_line(char *buffer, int room, void *stream)
{
	struct reader *reader = stream;
	struct tn_span text;

	if (reader->failed || !reader->rest.size)
		return NULL;
	text = inspect_noting(reader, next_line(reader));
	if (text.size + 2 > (size_t)room) /* someone gave inih a smaller buffer */
		reader->failed = true;
	if (reader->failed)
		return NULL;
	memcpy(buffer, text.data, text.size);
	memcpy(buffer + text.size, "\n", 2);
	return buffer;
}
