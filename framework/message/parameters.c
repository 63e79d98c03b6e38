#include "message/parameters.h"

#include <string.h>

/* One "name=value", still encoded. */
struct pair {
	const char *name;
	const char *name_end;
	const char *value;
	const char *end;
};

static int hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* One decoded byte from *text, which moves behind it. %00 would cut a C string: it stays. */
static char decode_byte(const char **text, const char *end)
{
	const char *at = (*text)++;
	int byte;

	if (*at == '+')
		return ' ';
	if (*at != '%' || end - at < 3 || hex(at[1]) < 0 || hex(at[2]) < 0)
		return *at;
	byte = hex(at[1]) * 16 + hex(at[2]);
	if (byte == 0)
		return *at;
	*text = at + 3;
	return (char)byte;
}

static const char *decode(struct tn_exchange *exchange, const char *text, const char *end)
{
	char *decoded = tn_exchange_alloc(exchange, (size_t)(end - text) + 1);
	size_t size = 0;

	if (!decoded)
		return NULL;
	while (text < end)
		decoded[size++] = decode_byte(&text, end);
	decoded[size] = '\0';
	return decoded;
}

static bool decodes_to(const char *text, const char *end, const char *wanted)
{
	while (text < end) {
		if (!*wanted || decode_byte(&text, end) != *wanted++)
			return false;
	}
	return !*wanted;
}

static const char *find(const char *text, const char *end, char byte)
{
	const char *found = memchr(text, byte, (size_t)(end - text));

	return found ? found : end;
}

/* Steps *position, an offset into the text, behind the next pair that is not empty. */
static bool next_pair(const struct tn_parameters *parameters, size_t *position, struct pair *pair)
{
	const char *end = parameters->text + parameters->size;
	const char *start;

	/* The text may be another, and shorter, than at the last step. */
	if (*position >= parameters->size)
		return false;
	start = parameters->text + *position;
	while (start < end && *start == '&')
		start++;
	if (start == end)
		return false;
	pair->name = start;
	pair->end = find(start, end, '&');
	pair->name_end = find(start, pair->end, '=');
	pair->value = pair->name_end < pair->end ? pair->name_end + 1 : pair->end;
	*position = (size_t)(pair->end - parameters->text);
	return true;
}

const char *tn_parameters_get(const struct tn_parameters *parameters, const char *name)
{
	size_t position = 0;
	struct pair pair;

	while (next_pair(parameters, &position, &pair)) {
		if (decodes_to(pair.name, pair.name_end, name))
			return decode(parameters->exchange, pair.value, pair.end);
	}
	return NULL;
}

bool tn_parameters_next(const struct tn_parameters *parameters, struct tn_parameter *parameter)
{
	struct pair pair;

	if (!next_pair(parameters, &parameter->position, &pair))
		return false;
	parameter->name = decode(parameters->exchange, pair.name, pair.name_end);
	parameter->value = decode(parameters->exchange, pair.value, pair.end);
	return parameter->name && parameter->value;
}
