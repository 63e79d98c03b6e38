#include "message/headers.h"

#include <string.h>

#define FIRST_CAPACITY 16u /* as many as most requests have */
#define NAME_MAX_SIZE ((size_t)1 << 16)
#define VALUE_MAX_SIZE ((size_t)1 << 24)

/* The host frames the message; a Worker that did, too, would disagree with it. */
static const char *const framing_names[] = {
	"connection",
	"content-length",
	"keep-alive",
	"proxy-connection",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
};

/* RFC 9110, 5.6.2: tchar. */
__extension__ static const bool token_bytes[256] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['a' ... 'z'] = true,
	['!'] = true,
	['#' ... '\''] = true,
	['*'] = true,
	['+'] = true,
	['-'] = true,
	['.'] = true,
	['^' ... '`'] = true,
	['|'] = true,
	['~'] = true,
};

bool tn_token_valid(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!token_bytes[(unsigned char)text[i]])
			return false;
	}
	return size > 0;
}

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

/* As strcasecmp, in no locale. */
static int compare_names(const char *one, const char *other)
{
	for (; *one && lower(*one) == lower(*other); one++, other++)
		;
	return (unsigned char)lower(*one) - (unsigned char)lower(*other);
}

static bool same_name(const struct tn_header_field *field, const char *name, size_t size)
{
	return field->name_size == size && (memcmp(field->name, name, size) == 0 ||
	                                    compare_names(field->name, name) == 0);
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* Whether one of eight bytes is below 0x20 or is 0x7f. */
static bool may_have_control(const char *bytes)
{
	const uint64_t ones = UINT64_MAX / 255;
	uint64_t word;
	uint64_t delete;

	memcpy(&word, bytes, sizeof(word));
	delete = word ^ (ones * 0x7f);
	return (((word - ones * 0x20) & ~word) | ((delete - ones) & ~delete)) & (ones * 0x80);
}

/* RFC 9110, 5.5: no control character but TAB; bytes beyond ASCII are opaque. */
static bool value_valid(const char *value, size_t size)
{
	size_t plain = 0;

	while (size - plain >= 8 && !may_have_control(value + plain))
		plain += 8;
	for (size_t i = plain; i < size; i++) {
		unsigned char byte = (unsigned char)value[i];

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return false;
	}
	return true;
}

void tn_headers_init(struct tn_headers *headers, struct tn_exchange *exchange, bool response)
{
	*headers = (struct tn_headers){ .exchange = exchange, .response = response };
}

void tn_headers_share(struct tn_headers *copy, struct tn_headers *headers)
{
	*copy = *headers;
	if (headers->block && headers->block->owner)
		headers->block->owner = NULL;
}

void tn_headers_plain_text(struct tn_headers *headers)
{
	static struct tn_header_field field = {
		.name = "Content-Type",
		.value = "text/plain;charset=UTF-8",
		.name_size = sizeof("Content-Type") - 1,
		.value_size = sizeof("text/plain;charset=UTF-8") - 1,
	};
	static struct tn_header_block plain_text = {
		.count = 1, .capacity = 1, .fields = &field
	};

	headers->block = &plain_text;
}

/* A block that this handle alone may write to, with the fields of the present one and `more`. */
static bool make_writable(struct tn_headers *headers, unsigned more)
{
	struct tn_header_block *old = headers->block;
	unsigned count = old ? old->count : 0;
	unsigned capacity = 2 * count + (more > FIRST_CAPACITY ? more : FIRST_CAPACITY);
	struct tn_header_block *block;

	if (old && old->owner == headers && old->capacity - old->count >= more)
		return true;
	block = tn_exchange_alloc(headers->exchange,
	                          sizeof(*block) + capacity * sizeof(block->fields[0]));
	if (!block)
		return false;
	block->fields = (struct tn_header_field *)(block + 1);
	if (count)
		memcpy(block->fields, old->fields, count * sizeof(block->fields[0]));
	block->owner = headers;
	block->count = count;
	block->capacity = capacity;
	headers->block = block;
	return true;
}

static bool frames_the_message(const char *name)
{
	for (size_t i = 0; i < sizeof(framing_names) / sizeof(framing_names[0]); i++) {
		if (compare_names(framing_names[i], name) == 0)
			return true;
	}
	return false;
}

/* Checks name and value and copies both, the value without the blanks at its ends. */
static bool is_acceptable(const struct tn_headers *headers, const char *name, size_t name_size,
                          const char *value, size_t value_size)
{
	if (name_size > NAME_MAX_SIZE || !tn_token_valid(name, name_size)) {
		tn_exchange_refuse(headers->exchange,
		                   "header '%.100s' refused: the name is no token: write one of "
		                   "letters, digits and '-'",
		                   name);
		return false;
	}
	if (headers->response && frames_the_message(name)) {
		tn_exchange_refuse(headers->exchange,
		                   "header '%.100s' refused: the host frames the message", name);
		return false;
	}
	if (value_size > VALUE_MAX_SIZE || !value_valid(value, value_size)) {
		tn_exchange_refuse(
			headers->exchange,
			"header '%.100s' refused: its value has a control character or is "
			"too long",
			name);
		return false;
	}
	return true;
}

static bool copy_field(const struct tn_headers *headers, const char *name, size_t name_size,
                       const char *value, size_t value_size, struct tn_header_field *field)
{
	char *copy;

	for (; is_blank(*value); value++)
		value_size--;
	while (value_size && is_blank(value[value_size - 1]))
		value_size--;
	field->name_size = (unsigned)name_size;
	field->value_size = (unsigned)value_size;
	copy = tn_exchange_alloc(headers->exchange, name_size + value_size + 2);
	if (!copy)
		return false;
	field->name = copy;
	copy = mempcpy(copy, name, name_size);
	*copy++ = '\0';
	field->value = copy;
	copy = mempcpy(copy, value, value_size);
	*copy = '\0';
	return true;
}

static bool make_field(const struct tn_headers *headers, const char *name, size_t name_size,
                       const char *value, size_t value_size, struct tn_header_field *field)
{
	return is_acceptable(headers, name, name_size, value, value_size) &&
	       copy_field(headers, name, name_size, value, value_size, field);
}

static const struct tn_header_field *find_from(const struct tn_headers *headers, const char *name,
                                               size_t *index)
{
	size_t size = strlen(name);

	for (; *index < tn_headers_count(headers); (*index)++) {
		if (same_name(&headers->block->fields[*index], name, size))
			return &headers->block->fields[(*index)++];
	}
	return NULL;
}

bool tn_headers_has(const struct tn_headers *headers, const char *name)
{
	size_t index = 0;

	return headers && name && find_from(headers, name, &index);
}

static const char *join(const struct tn_headers *headers, const char *name, const char *between)
{
	size_t between_size = strlen(between);
	const struct tn_header_field *field;
	size_t size = 0;
	char *joined;
	char *end;

	for (size_t i = 0; (field = find_from(headers, name, &i));)
		size += field->value_size + between_size;
	joined = tn_exchange_alloc(headers->exchange, size + 1);
	if (!joined)
		return NULL;
	end = joined;
	for (size_t i = 0; (field = find_from(headers, name, &i));) {
		end = mempcpy(end, field->value, field->value_size);
		end = mempcpy(end, between, between_size);
	}
	end[-(ptrdiff_t)between_size] = '\0';
	return joined;
}

const char *tn_headers_get(const struct tn_headers *headers, const char *name)
{
	const struct tn_header_field *first;
	size_t index = 0;
	size_t second;

	if (!headers || !name)
		return NULL;
	first = find_from(headers, name, &index);
	if (!first)
		return NULL;
	second = index;
	if (!find_from(headers, name, &second) || compare_names(name, "set-cookie") == 0)
		return first->value;
	return join(headers, name, compare_names(name, "cookie") == 0 ? "; " : ", ");
}

bool tn_headers_append(struct tn_headers *headers, const char *name, const char *value)
{
	return headers && name && value &&
	       tn_headers_append_sized(headers, name, strlen(name), value, strlen(value));
}

static bool append(struct tn_headers *headers, struct tn_header_field field)
{
	if (!make_writable(headers, 1))
		return false;
	headers->block->fields[headers->block->count++] = field;
	return true;
}

bool tn_headers_append_sized(struct tn_headers *headers, const char *name, size_t name_size,
                             const char *value, size_t value_size)
{
	struct tn_header_field field;

	return make_field(headers, name, name_size, value, value_size, &field) &&
	       append(headers, field);
}

bool tn_headers_append_valid(struct tn_headers *headers, const char *name, size_t name_size,
                             const char *value, size_t value_size)
{
	struct tn_header_field field;

	return name_size <= NAME_MAX_SIZE && value_size <= VALUE_MAX_SIZE &&
	       copy_field(headers, name, name_size, value, value_size, &field) &&
	       append(headers, field);
}

static void remove_from(struct tn_header_block *block, const char *name, unsigned index)
{
	size_t size = strlen(name);
	unsigned kept = index;

	for (; index < block->count; index++) {
		if (!same_name(&block->fields[index], name, size))
			block->fields[kept++] = block->fields[index];
	}
	block->count = kept;
}

bool tn_headers_delete(struct tn_headers *headers, const char *name)
{
	if (!headers || !name)
		return false;
	if (!tn_headers_has(headers, name))
		return true;
	if (!make_writable(headers, 0))
		return false;
	remove_from(headers->block, name, 0);
	return true;
}

bool tn_headers_set(struct tn_headers *headers, const char *name, const char *value)
{
	struct tn_header_field field;
	size_t index = 0;

	if (!value)
		return tn_headers_delete(headers, name);
	if (!tn_headers_has(headers, name))
		return tn_headers_append(headers, name, value);
	if (!make_field(headers, name, strlen(name), value, strlen(value), &field) ||
	    !make_writable(headers, 0))
		return false;
	find_from(headers, name, &index);
	headers->block->fields[index - 1] = field;
	remove_from(headers->block, name, (unsigned)index);
	return true;
}

/* Position n of a name counts how many of its fields were given; only Set-Cookie has several. */
static bool next_cookie(const struct tn_headers *headers, struct tn_header *header)
{
	const struct tn_header_field *field = NULL;
	size_t index = 0;

	if (!header->name || strcmp(header->name, "set-cookie") != 0)
		return false;
	for (size_t i = 0; i <= header->position; i++)
		field = find_from(headers, "set-cookie", &index);
	if (!field)
		return false;
	header->value = field->value;
	header->position++;
	return true;
}

static const struct tn_header_field *find_after(const struct tn_headers *headers, const char *name)
{
	const struct tn_header_field *nearest = NULL;

	for (size_t i = 0; i < tn_headers_count(headers); i++) {
		const struct tn_header_field *field = &headers->block->fields[i];

		if (name && compare_names(field->name, name) <= 0)
			continue;
		if (!nearest || compare_names(field->name, nearest->name) < 0)
			nearest = field;
	}
	return nearest;
}

static const char *in_lower_case(struct tn_exchange *exchange, const char *name, size_t size)
{
	char *copy = tn_exchange_copy(exchange, name, size);

	for (size_t i = 0; copy && i < size; i++)
		copy[i] = lower(copy[i]);
	return copy;
}

bool tn_headers_next(const struct tn_headers *headers, struct tn_header *header)
{
	const struct tn_header_field *field;
	const char *name;
	const char *value;

	if (!headers || !header)
		return false;
	if (next_cookie(headers, header))
		return true;
	field = find_after(headers, header->name);
	if (!field)
		return false;
	name = in_lower_case(headers->exchange, field->name, field->name_size);
	value = tn_headers_get(headers, field->name);
	if (!name || !value)
		return false;
	*header = (struct tn_header){ .name = name, .value = value, .position = 1 };
	return true;
}
