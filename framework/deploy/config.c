#include "deploy/config.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

/*
 * inih hands each line to the reader below before it looks at it. The reader counts, keeps the
 * sections, and shows inih an empty line in the place of all that has no key or that it would
 * misread; what is left inih takes apart.
 */

#define LINE_LIMIT 197    /* bytes; inih's buffer of 200 has a newline and a NUL, too */
#define SECTION_LIMIT 48  /* bytes; inih cuts the name at 49 */

struct span {
	const char *data;
	size_t size;
};

struct reader {
	struct tn_config *config;
	struct tn_errors *errors;
	struct span rest;           /* the text that has not been read */
	unsigned line;
	struct tn_section *section; /* where keys go; NULL before the first header */
	struct tn_section parked;   /* stands for one whose header cannot be read; stays empty */
	struct span quoted;         /* the value of the line, if it is in double quotes */
	bool failed;                /* no memory */
};

static char *read_line(char *buffer, int room, void *stream);
static int take_entry(void *user, const char *section, const char *key, const char *value);
static char *directory_of(const char *path);
static void finish_section(struct tn_section *section);

struct tn_config *tn_config_parse(const char *path, const char *text, size_t size,
                                  struct tn_errors *errors)
{
	struct tn_config *config = calloc(1, sizeof(*config));
	struct reader reader = { .config = config, .errors = errors, .rest = { text, size } };
	int refused;

	if (!config)
		return NULL;
	config->path = strdup(path);
	config->directory = directory_of(path);
	reader.failed = !config->path || !config->directory;
	refused = ini_parse_stream(read_line, &reader, take_entry, &reader);
	if (refused > 0)
		tn_errors_add(errors, (struct tn_place){ path, (unsigned)refused },
		              "the line cannot be read: write 'KEY = VALUE'");
	if (refused >= 0 && !reader.failed)
		return config;
	tn_config_destroy(config);
	return NULL;
}

static void finish_section(struct tn_section *section)
{
	for (size_t i = 0; i < section->count; i++) {
		free(section->entries[i].key);
		free(section->entries[i].value);
	}
	free(section->entries);
	free(section->kind);
	free(section->name);
}

void tn_config_destroy(struct tn_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->count; i++)
		finish_section(&config->sections[i]);
	free(config->sections);
	free(config->directory);
	free(config->path);
	free(config);
}

const struct tn_entry *tn_section_find(const struct tn_section *section, const char *key)
{
	for (size_t i = 0; i < section->count; i++)
		if (!strcmp(section->entries[i].key, key))
			return &section->entries[i];
	return NULL;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	while (slash > path && slash[-1] == '/')
		slash--;
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

char *tn_config_resolve(const struct tn_config *config, const char *path)
{
	const char *directory = config->directory;
	size_t size = strlen(directory) + strlen(path) + 2;
	char *resolved;

	if (*path == '/')
		return strdup(path);
	resolved = malloc(size);
	if (resolved)
		snprintf(resolved, size, "%s%s%s", directory, strcmp(directory, "/") ? "/" : "",
		         path);
	return resolved;
}

/* ---- Complaints ------------------------------------------------------------------------- */

static struct tn_place here(const struct reader *reader)
{
	return (struct tn_place){ reader->config->path, reader->line };
}

/* "worker 'auth': " or "[host]: ", as far as the section is known. */
static void describe(const struct tn_section *section, char *text, size_t room)
{
	text[0] = '\0';
	if (!section || !section->kind)
		return;
	if (!strcmp(section->kind, "worker") && *section->name)
		snprintf(text, room, "worker '%s': ", section->name);
	else
		snprintf(text, room, "[%s%s%s]: ", section->kind, *section->name ? " " : "",
		         section->name);
}

static void complain(const struct reader *reader, struct span key, const char *problem)
{
	char where[256];

	describe(reader->section, where, sizeof(where));
	tn_errors_add(reader->errors, here(reader), "%s%.*s: %s", where, (int)key.size, key.data,
	              problem);
}

/* ---- Bytes ------------------------------------------------------------------------------ */

static bool is_blank(char character)
{
	return character == ' ' || character == '\t';
}

static struct span trim(struct span text)
{
	for (; text.size && is_blank(text.data[0]); text.size--)
		text.data++;
	while (text.size && is_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

static struct span behind(struct span text, size_t position)
{
	return (struct span){ text.data + position, text.size - position };
}

static bool begins(struct span text, const char *prefix)
{
	size_t size = strlen(prefix);

	return text.size >= size && !memcmp(text.data, prefix, size);
}

static char *copy(struct span text)
{
	return strndup(text.data, text.size);
}

/* Where inih ends what it looks for: at one of the characters, or at a comment, which is a ';'
 * behind a blank; else at the end of the text. */
static size_t find(struct span text, const char *characters)
{
	bool after_blank = false;
	size_t i;

	for (i = 0; i < text.size; i++) {
		if (strchr(characters, text.data[i]) || (after_blank && text.data[i] == ';'))
			break;
		after_blank = is_blank(text.data[i]);
	}
	return i;
}

/* The size of the character (RFC 3629, 4), 0 if it is none; .second limits its second byte. */
static size_t character_size(const unsigned char *text, size_t size)
{
	static const struct {
		unsigned char first[2], second[2];
		size_t size;
	} forms[] = {
		{ { 0x00, 0x7f }, { 0, 0 }, 1 },       { { 0xc2, 0xdf }, { 0x80, 0xbf }, 2 },
		{ { 0xe0, 0xe0 }, { 0xa0, 0xbf }, 3 }, { { 0xe1, 0xec }, { 0x80, 0xbf }, 3 },
		{ { 0xed, 0xed }, { 0x80, 0x9f }, 3 }, { { 0xee, 0xef }, { 0x80, 0xbf }, 3 },
		{ { 0xf0, 0xf0 }, { 0x90, 0xbf }, 4 }, { { 0xf1, 0xf3 }, { 0x80, 0xbf }, 4 },
		{ { 0xf4, 0xf4 }, { 0x80, 0x8f }, 4 },
	};
	size_t form = 0;

	while (form < 9 && (text[0] < forms[form].first[0] || text[0] > forms[form].first[1]))
		form++;
	if (form == 9 || size < forms[form].size)
		return 0;
	if (form && (text[1] < forms[form].second[0] || text[1] > forms[form].second[1]))
		return 0;
	for (size_t i = 2; i < forms[form].size; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return forms[form].size;
}

/* ASCII's controls but TAB, DEL, and those of Latin-1, which terminals obey as well. */
static bool is_control(const unsigned char *text, size_t size)
{
	if (size == 2)
		return text[0] == 0xc2 && text[1] < 0xa0;
	return size == 1 && (text[0] == 0x7f || (text[0] < ' ' && text[0] != '\t'));
}

static const char *problem_of_bytes(struct span line, size_t *position)
{
	const unsigned char *text = (const unsigned char *)line.data;
	size_t size;

	for (size_t i = 0; i < line.size; i += size) {
		*position = i;
		size = character_size(text + i, line.size - i);
		if (!size)
			return "is not UTF-8: save the file as UTF-8";
		if (!text[i])
			return "is a NUL byte: remove it";
		if (text[i] == '\r')
			return "is a carriage return inside the line: end lines with a newline";
		if (is_control(text + i, size))
			return "is a control character: remove it";
	}
	return NULL;
}

static bool check_bytes(struct reader *reader, struct span line)
{
	size_t position;
	const char *problem = problem_of_bytes(line, &position);

	if (problem)
		tn_errors_add(reader->errors, here(reader), "byte %zu of the line %s", position + 1,
		              problem);
	return !problem;
}

/* At the start of any line, since files are also put together of several, and more than one, since
 * inih skips one itself. */
static struct span skip_marks(struct reader *reader, struct span line)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (!begins(trim(line), mark))
		return line;
	tn_errors_add(reader->errors, here(reader),
	              "a byte order mark (BOM) at the start of the line: save the file as UTF-8 "
	              "without one");
	while (begins(trim(line), mark))
		line = behind(trim(line), strlen(mark));
	return line;
}

/* ---- Sections --------------------------------------------------------------------------- */

/* The keys below what may be a header that cannot be read belong to no section: they are checked,
 * and dropped. */
static void park_below(struct reader *reader, struct span text)
{
	if (begins(text, "["))
		reader->section = &reader->parked;
}

static struct tn_section *find_section(const struct tn_config *config, struct span kind,
                                       struct span name)
{
	for (size_t i = 0; i < config->count; i++) {
		struct tn_section *section = &config->sections[i];

		if (strlen(section->kind) == kind.size && begins(kind, section->kind) &&
		    strlen(section->name) == name.size && begins(name, section->name))
			return section;
	}
	return NULL;
}

static struct tn_section *new_section(struct tn_config *config)
{
	size_t capacity = config->capacity ? 2 * config->capacity : 8;
	struct tn_section *sections;

	if (config->count == config->capacity) {
		sections = reallocarray(config->sections, capacity, sizeof(*sections));
		if (!sections)
			return NULL;
		config->sections = sections;
		config->capacity = capacity;
	}
	config->sections[config->count] = (struct tn_section){ 0 };
	return &config->sections[config->count++];
}

static void add_section(struct reader *reader, struct span kind, struct span name)
{
	struct tn_section *section = new_section(reader->config);

	if (section) {
		section->place = here(reader);
		section->kind = copy(kind);
		section->name = copy(name);
		reader->section = section;
	}
	reader->failed = !section || !section->kind || !section->name;
}

/* The keys of a section that comes twice go to the first, and are compared with its keys. */
static void open_section(struct reader *reader, struct span kind, struct span name)
{
	struct tn_section *earlier = find_section(reader->config, kind, name);

	if (!earlier) {
		add_section(reader, kind, name);
		return;
	}
	reader->section = earlier;
	tn_errors_add(reader->errors, here(reader),
	              "a second [%s%s%s], the first is in line %u: put the keys of both below one",
	              earlier->kind, *earlier->name ? " " : "", earlier->name,
	              earlier->place.line);
}

static struct span first_word(struct span text)
{
	size_t size = 0;

	while (size < text.size && !is_blank(text.data[size]))
		size++;
	return (struct span){ text.data, size };
}

/* "worker auth": false where there are more than two words. */
static bool split_header(struct span inside, struct span *kind, struct span *name)
{
	inside = trim(inside);
	*kind = first_word(inside);
	inside = trim(behind(inside, kind->size));
	*name = first_word(inside);
	return name->size == inside.size;
}

static void check_after_header(struct reader *reader, struct span after)
{
	struct span text = trim(after);

	if (!text.size || (text.data > after.data && (*text.data == ';' || *text.data == '#')))
		return;
	tn_errors_add(reader->errors, here(reader),
	              "text after the ']': write it on a line of its own, or ' ;' before a "
	              "comment");
}

static void read_header(struct reader *reader, struct span text)
{
	size_t end = find(text, "]");
	struct span inside = { text.data + 1, end - 1 };
	struct span kind, name;

	park_below(reader, text);
	if (end == text.size || text.data[end] != ']') {
		inside = trim(inside);
		tn_errors_add(reader->errors, here(reader), "a header without ']': write '[%.*s]'",
		              (int)inside.size, inside.data);
		return;
	}
	check_after_header(reader, behind(text, end + 1));
	if (inside.size > SECTION_LIMIT)
		tn_errors_add(reader->errors, here(reader),
		              "a section name of %zu bytes: write one of at most %d", inside.size,
		              SECTION_LIMIT);
	if (split_header(inside, &kind, &name))
		open_section(reader, kind, name);
	else
		tn_errors_add(reader->errors, here(reader),
		              "a section name of more than two words: write '[KIND NAME]', with no "
		              "blank in the name");
}

/* ---- Entries ---------------------------------------------------------------------------- */

static const char *problem_of_quoted(struct reader *reader, struct span value)
{
	struct span inside = behind(value, 1);
	const char *quote = memchr(inside.data, '"', inside.size);
	struct span after, text;

	if (!quote)
		return "the double quote is not closed: write one more '\"' behind the value";
	inside.size = (size_t)(quote - inside.data);
	after = behind(value, inside.size + 2);
	text = trim(after);
	if (text.size && (text.data == after.data || *text.data != ';'))
		return "text after the closing quote: end the value there, with ' ;' before a "
		       "comment (a '\"' cannot stand inside quotes)";
	reader->quoted = inside;
	return NULL;
}

/* A var is free text, in which a ';' is more likely meant than a comment. */
static const char *problem_of_plain(struct span key, struct span value)
{
	size_t end = find(value, "");

	if (end < value.size && begins(key, "var."))
		return "the text would end at ' ;': put it in double quotes, or the comment on a "
		       "line of its own";
	value.size = end;
	if (!trim(value).size)
		return "no value: write \"\" for an empty text";
	return NULL;
}

static bool check_value(struct reader *reader, struct span key, struct span value)
{
	const char *problem;

	if (begins(trim(value), "\""))
		problem = problem_of_quoted(reader, trim(value));
	else
		problem = problem_of_plain(key, value);
	if (problem)
		complain(reader, key, problem);
	return !problem;
}

static void check_section(struct reader *reader, struct span key)
{
	if (reader->section)
		return;
	complain(reader, key, "no section above: write [host] or [worker NAME] before the key");
	reader->section = &reader->parked;
}

/* Not quoted in the message: a line without a key may be a piece of a secret. */
static const char *problem_of_key(struct span text, size_t end)
{
	if (end == text.size || text.data[end] == ';')
		return "a line without '=': write 'KEY = VALUE', '[KIND NAME]' or '; COMMENT'";
	if (text.data[end] == ':')
		return "a ':' behind the key: write '=' in its place";
	if (!trim((struct span){ text.data, end }).size)
		return "no key before the '=': write 'KEY = VALUE'";
	return NULL;
}

static bool check_entry(struct reader *reader, struct span text)
{
	size_t end = find(text, "=:");
	const char *problem = problem_of_key(text, end);
	struct span key = trim((struct span){ text.data, end });

	if (problem) {
		tn_errors_add(reader->errors, here(reader), "%s", problem);
		return false;
	}
	check_section(reader, key);
	return check_value(reader, key, behind(text, end + 1));
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
	section->entries[section->count] = (struct tn_entry){ 0 };
	return &section->entries[section->count++];
}

static void add_entry(struct reader *reader, const char *key, const char *value)
{
	struct tn_entry *entry = new_entry(reader->section);

	if (entry) {
		entry->place = here(reader);
		entry->key = strdup(key);
		entry->quoted = reader->quoted.data;
		entry->value = entry->quoted ? copy(reader->quoted) : strdup(value);
	}
	reader->failed = !entry || !entry->key || !entry->value;
}

/* inih's handler: its section is not used, for it may be cut, and merges two of a name. */
static int take_entry(void *user, const char *section, const char *key, const char *value)
{
	struct reader *reader = user;
	const struct tn_entry *earlier = tn_section_find(reader->section, key);
	char problem[64];

	(void)section;
	if (reader->failed || reader->section == &reader->parked)
		return 1;
	if (!earlier) {
		add_entry(reader, key, value);
		return 1;
	}
	snprintf(problem, sizeof(problem), "already in line %u: keep one of the two",
	         earlier->place.line);
	complain(reader, (struct span){ key, strlen(key) }, problem);
	return 1;
}

/* ---- Lines ------------------------------------------------------------------------------ */

static struct span next_line(struct reader *reader)
{
	struct span line = reader->rest;
	const char *newline = memchr(line.data, '\n', line.size);

	reader->line++;
	if (!newline) {
		reader->rest = behind(line, line.size);
		return line;
	}
	line.size = (size_t)(newline - line.data);
	reader->rest = behind(reader->rest, line.size + 1);
	if (line.size && line.data[line.size - 1] == '\r')
		line.size--;
	return line;
}

/* Whether an indented line was meant as one of its own, and not as the rest of the value above. */
static bool stands_alone(struct span text)
{
	size_t end = find(text, "=");
	struct span key = trim((struct span){ text.data, end });

	if (begins(text, "["))
		return true;
	for (size_t i = 0; i < key.size; i++)
		if (is_blank(key.data[i]) || strchr("/:?&\",", key.data[i]))
			return false;
	return key.size && end < text.size && text.data[end] == '=';
}

static bool check_line(struct reader *reader, struct span line, struct span text)
{
	if (line.size > LINE_LIMIT) {
		tn_errors_add(reader->errors, here(reader),
		              "a line of %zu bytes: write at most %d, and a comment on a line of "
		              "its own", line.size, LINE_LIMIT);
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
static struct span inspect(struct reader *reader, struct span whole)
{
	struct span line = skip_marks(reader, whole);
	struct span text = trim(line);
	struct span nothing = { line.data, 0 };

	reader->quoted = (struct span){ 0 };
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

/* inih's reader, in the form of fgets. */
static char *read_line(char *buffer, int room, void *stream)
{
	struct reader *reader = stream;
	struct span text;

	if (reader->failed || !reader->rest.size)
		return NULL;
	text = inspect(reader, next_line(reader));
	if (text.size + 2 > (size_t)room) /* someone gave inih a smaller buffer */
		reader->failed = true;
	if (reader->failed)
		return NULL;
	memcpy(buffer, text.data, text.size);
	memcpy(buffer + text.size, "\n", 2);
	return buffer;
}
