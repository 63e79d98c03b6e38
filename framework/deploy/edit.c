#include "deploy/edit.h"

#include "deploy/span.h"

#include <stdlib.h>
#include <string.h>

#define LINE_LIMIT 197 /* bytes, as in reader.c */
#define TAB_WIDTH 8

static const char no_memory[] = "out of memory";
static const char too_long[] = "the line would have more than 197 bytes: write a shorter value, or "
			       "move the line's comment to a line of its own";

/* A line of the text: its bytes, what ends it, and where the next one begins. */
struct line {
	struct tn_span text;
	size_t begin;
	size_t end; /* behind its "\n", or that of the text */
};

/* A line that is an entry, piece by piece and in this order; each of the blanks may be empty. */
struct parts {
	struct tn_span key, before; /* before: the blanks between the key and the '=' */
	struct tn_span behind;      /* the blanks behind the '=' */
	struct tn_span value;       /* without its quotes */
	bool quoted;
	struct tn_span gap; /* the blanks behind the value */
	struct tn_span comment;
};

/* A line in the making. */
struct draft {
	char text[LINE_LIMIT + 1];
	size_t size;
	bool full;
};

static bool find_line(const char *text, size_t size, unsigned number, struct line *line);
static bool take_apart(struct tn_span line, struct parts *parts);
static const char *problem_of_key(const char *key);
static const char *problem_of_bytes(const char *text);
static const char *write_value(struct draft *draft, const struct parts *parts, const char *value);
static void write_key(struct draft *draft, const struct parts *above, const char *key);
static void append(struct draft *draft, const char *data, size_t size);
static const char *splice(struct tn_span text, size_t from, size_t to, const char *between,
                          size_t size, struct tn_edited *edited);

const char *tn_edit_replace(const char *text, size_t size, unsigned line, const char *value,
                            struct tn_edited *edited)
{
	struct draft draft = { 0 };
	struct line old;
	struct parts parts;
	const char *problem;

	*edited = (struct tn_edited){ .line = line };
	if (!find_line(text, size, line, &old) || !take_apart(old.text, &parts))
		return "there is no key in the line";
	append(&draft, old.text.data, (size_t)(parts.behind.data - old.text.data));
	problem = value ? problem_of_bytes(value) : NULL;
	if (!problem)
		problem = write_value(&draft, &parts, value);
	if (problem)
		return problem;
	snprintf(edited->before, sizeof(edited->before), "%.*s", (int)old.text.size, old.text.data);
	snprintf(edited->after, sizeof(edited->after), "%s", draft.text);
	return splice((struct tn_span){ text, size }, old.begin, old.begin + old.text.size,
	              draft.text, draft.size, edited);
}

/* What ends the line; behind a last line that has no end, what ends the others. */
static const char *line_end(const char *text, const struct line *line)
{
	size_t end = line->end;

	if (end == line->begin + line->text.size)
		end = line->begin;
	return end > 1 && text[end - 2] == '\r' ? "\r\n" : "\n";
}

const char *tn_edit_insert(const char *text, size_t size, unsigned line, const char *key,
                           const char *value, struct tn_edited *edited)
{
	struct draft draft = { 0 };
	struct parts above = { 0 };
	struct parts parts = { .key = { key, strlen(key) }, .behind = { " ", 1 } };
	char whole[LINE_LIMIT + 2 * sizeof("\r\n")];
	const char *problem = problem_of_key(key);
	struct line old;
	bool ended;

	*edited = (struct tn_edited){ .line = line + 1, .added = true };
	if (!find_line(text, size, line, &old))
		return "there is no such line";
	if (!take_apart(old.text, &above))
		above = (struct parts){ 0 };
	write_key(&draft, &above, key);
	if (!problem && value)
		problem = problem_of_bytes(value);
	if (!problem)
		problem = write_value(&draft, &parts, value);
	if (problem)
		return problem;
	ended = old.end > old.begin + old.text.size;
	snprintf(whole, sizeof(whole), "%s%s%s", ended ? "" : line_end(text, &old), draft.text,
	         ended ? line_end(text, &old) : "");
	snprintf(edited->after, sizeof(edited->after), "%s", draft.text);
	return splice((struct tn_span){ text, size }, old.end, old.end, whole, strlen(whole),
	              edited);
}

/* The lines of the keys. Returns what cannot be written, of the key that *number tells. */
static const char *write_keys(FILE *file, const struct tn_edit_key *keys, size_t count,
                              const char *end, size_t *number)
{
	size_t longest = 0;

	for (size_t i = 0; i < count; i++)
		longest = strlen(keys[i].key) > longest ? strlen(keys[i].key) : longest;
	for (*number = 0; *number < count; ++*number) {
		const struct tn_edit_key *key = &keys[*number];
		size_t own = strlen(key->key);
		const struct parts parts = { .key = { key->key, own }, .behind = { " ", 1 } };
		const char *problem = problem_of_key(key->key);
		struct draft draft = { 0 };

		append(&draft, key->key, own);
		for (size_t blank = own; blank <= longest; blank++)
			append(&draft, " ", 1);
		append(&draft, "=", 1);
		if (!problem)
			problem = problem_of_bytes(key->value);
		if (!problem)
			problem = write_value(&draft, &parts, key->value);
		if (problem)
			return problem;
		fprintf(file, "%s%s", draft.text, end);
	}
	return NULL;
}

/* How many lines there are, the last one included where nothing ends it. */
static unsigned count_lines(const char *text, size_t size)
{
	unsigned lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n' || i + 1 == size;
	return lines;
}

const char *tn_edit_section(const char *text, size_t size, const char *header,
                            const struct tn_edit_key *keys, size_t count,
                            struct tn_edited *edited, size_t *wrong)
{
	bool ended = !size || text[size - 1] == '\n';
	const char *end = memmem(text, size, "\r\n", 2) ? "\r\n" : "\n";
	const char *problem;
	FILE *file;

	*edited = (struct tn_edited){ .added = true };
	*wrong = 0;
	file = open_memstream(&edited->text, &edited->size);
	if (!file)
		return no_memory;
	edited->line = count_lines(text, size) + 1 + (size > 0);
	fwrite(text, 1, size, file);
	fprintf(file, "%s%s[%s]%s", ended ? "" : end, size ? end : "", header, end);
	problem = write_keys(file, keys, count, end, wrong);
	snprintf(edited->after, sizeof(edited->after), "[%s]", header);
	if (fclose(file) && !problem)
		problem = no_memory;
	return problem;
}

const char *tn_edit_remove(const char *text, size_t size, unsigned line, struct tn_edited *edited)
{
	struct line old;

	*edited = (struct tn_edited){ .line = line, .removed = true };
	if (!find_line(text, size, line, &old))
		return "there is no such line";
	snprintf(edited->before, sizeof(edited->before), "%.*s", (int)old.text.size, old.text.data);
	return splice((struct tn_span){ text, size }, old.begin, old.end, "", 0, edited);
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static void append(struct draft *draft, const char *data, size_t size)
{
	if (size > LINE_LIMIT - draft->size)
		draft->full = true;
	if (!size || draft->full)
		return;
	memcpy(draft->text + draft->size, data, size);
	draft->size += size;
	draft->text[draft->size] = '\0';
}

static void append_span(struct draft *draft, struct tn_span span)
{
	append(draft, span.data, span.size);
}

static const char *splice(struct tn_span text, size_t from, size_t to, const char *between,
                          size_t size, struct tn_edited *edited)
{
	edited->size = from + size + text.size - to;
	edited->text = malloc(edited->size + 1);
	if (!edited->text)
		return no_memory;
	memcpy(edited->text, text.data, from);
	memcpy(edited->text + from, between, size);
	memcpy(edited->text + from + size, text.data + to, text.size - to);
	edited->text[edited->size] = '\0';
	return NULL;
}

/* ---- Lines --------------------------------------------------------------------------------- */

static bool find_line(const char *text, size_t size, unsigned number, struct line *line)
{
	*line = (struct line){ 0 };
	for (unsigned i = 0; i < number; i++) {
		struct tn_span rest = { text + line->end, size - line->end };
		const char *newline = rest.size ? memchr(rest.data, '\n', rest.size) : NULL;

		if (!rest.size)
			return false;
		if (newline)
			rest.size = (size_t)(newline - rest.data);
		line->begin = line->end;
		line->end = line->begin + rest.size + (newline != NULL);
		if (newline && rest.size && newline[-1] == '\r')
			rest.size--;
		line->text = rest;
	}
	return number > 0;
}

static size_t blanks(struct tn_span text)
{
	size_t size = 0;

	while (size < text.size && tn_span_blank(text.data[size]))
		size++;
	return size;
}

/* Cuts that many bytes off the front. */
static struct tn_span cut(struct tn_span *text, size_t size)
{
	struct tn_span front = { text->data, size };

	*text = tn_span_behind(*text, size);
	return front;
}

/* Where the value ends, its quotes included: all is as the reader sees it. */
static size_t value_size(struct tn_span text, bool quoted, bool behind_blank)
{
	const char *quote = quoted ? memchr(text.data + 1, '"', text.size - 1) : NULL;

	if (quote)
		return (size_t)(quote - text.data) + 1;
	if (behind_blank && text.size && *text.data == ';')
		return 0;
	text.size = tn_span_find(text, "");
	while (text.size && tn_span_blank(text.data[text.size - 1]))
		text.size--;
	return text.size;
}

/* Between the '=' and a comment there is no value: the first blank is the one behind the '='. */
static void share_blanks(struct parts *parts)
{
	struct tn_span all = parts->behind;

	parts->behind = cut(&all, 1);
	parts->gap = all;
}

static bool take_apart(struct tn_span line, struct parts *parts)
{
	size_t equals = tn_span_find(line, "=:");
	struct tn_span rest = tn_span_behind(line, equals);
	struct tn_span value;

	if (!rest.size || *rest.data != '=' || !line.size || strchr("[;#", *line.data))
		return false;
	*parts = (struct parts){ .key = tn_span_trim((struct tn_span){ line.data, equals }) };
	parts->before = (struct tn_span){ line.data + parts->key.size, equals - parts->key.size };
	cut(&rest, 1);
	parts->behind = cut(&rest, blanks(rest));
	parts->quoted = tn_span_begins(rest, "\"");
	value = cut(&rest, value_size(rest, parts->quoted, parts->behind.size));
	if (parts->quoted && value.size >= 2)
		value = (struct tn_span){ value.data + 1, value.size - 2 };
	parts->value = value;
	if (!value.size && !parts->quoted && rest.size)
		share_blanks(parts);
	else
		parts->gap = cut(&rest, blanks(rest));
	parts->comment = rest;
	return true;
}

/* ---- Keys and values ----------------------------------------------------------------------- */

static const char *problem_of_bytes(const char *text)
{
	size_t position;

	if (strpbrk(text, "\r\n"))
		return "it has a line break: what is written is one line";
	if (tn_span_problem((struct tn_span){ text, strlen(text) }, &position))
		return "it has a control character or is not UTF-8: write plain text";
	return NULL;
}

static const char *problem_of_key(const char *key)
{
	struct tn_span text = { key, strlen(key) };

	if (!text.size || strchr("[;#", *key) || tn_span_trim(text).size != text.size ||
	    tn_span_find(text, "=:") != text.size)
		return "it is no key: write one such as service.NAME, without '=', ':' and blanks "
		       "around it";
	return problem_of_bytes(key);
}

/* Whether the reader would see another value without them. */
static bool needs_quotes(const struct parts *parts, const char *value)
{
	struct tn_span text = { value, strlen(value) };
	bool behind_blank = parts->behind.size || !parts->value.size;

	if (!text.size || *value == '"' || tn_span_trim(text).size != text.size)
		return true;
	if (tn_span_find(text, "") != text.size || (*value == ';' && behind_blank))
		return true;
	return parts->comment.size && tn_span_begins(parts->key, "var.");
}

/* Quotes stay, unless the value has one of its own. */
static const char *write_quoted(struct draft *draft, const struct parts *parts, const char *value)
{
	bool quotes = needs_quotes(parts, value);
	bool has_quote = strchr(value, '"');

	if (quotes && has_quote)
		return "it has a '\"' and needs quotes, in which none can stand: write it "
		       "without, or without what needs them (a blank at an end, a '\"' at the "
		       "start, a ' ;', a comment behind a var)";
	quotes = quotes || (parts->quoted && !has_quote);
	append(draft, "\"", quotes);
	append(draft, value, strlen(value));
	append(draft, "\"", quotes);
	return NULL;
}

/* All that stands behind the '='. */
static const char *write_value(struct draft *draft, const struct parts *parts, const char *value)
{
	bool empty = !parts->value.size && !parts->quoted;
	const char *problem = NULL;

	if (value || parts->comment.size)
		append_span(draft, parts->behind);
	if (value && empty && !parts->behind.size)
		append(draft, " ", parts->before.size > 0);
	if (value)
		problem = write_quoted(draft, parts, value);
	if (value || parts->comment.size)
		append_span(draft, parts->gap);
	append(draft, " ", value && parts->comment.size && !parts->gap.size);
	append_span(draft, parts->comment);
	return !problem && draft->full ? too_long : problem;
}

/* ---- The '=' below the one above ------------------------------------------------------------ */

/* The next column, behind this character. */
static size_t next_column(size_t column, char character)
{
	if (character == '\t')
		return column + TAB_WIDTH - column % TAB_WIDTH;
	return column + ((character & 0xc0) != 0x80); /* what continues a character has none */
}

static size_t columns(struct tn_span text, size_t column)
{
	for (size_t i = 0; i < text.size; i++)
		column = next_column(column, text.data[i]);
	return column;
}

/* With tabs where the line above has them. */
static void write_key(struct draft *draft, const struct parts *above, const char *key)
{
	size_t column = columns((struct tn_span){ key, strlen(key) }, 0);
	size_t wanted = columns(above->before, columns(above->key, 0));
	bool tabs = above->before.size && memchr(above->before.data, '\t', above->before.size);

	append(draft, key, strlen(key));
	if (!above->before.size || column >= wanted) {
		append(draft, " =", 2);
		return;
	}
	while (column < wanted) {
		bool tab = tabs && next_column(column, '\t') <= wanted;

		append(draft, tab ? "\t" : " ", 1);
		column = next_column(column, tab ? '\t' : ' ');
	}
	append(draft, "=", 1);
}
