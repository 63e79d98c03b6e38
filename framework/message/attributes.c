#include "message/attributes.h"

#include "message/headers.h"

#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* Behind the closing quote; NULL where there is none, or one that could be meant otherwise. */
static const char *take_quoted(const char *text, struct tn_attribute *attribute)
{
	const char *end = strchr(text + 1, '"');

	if (!end || end[-1] == '\\')
		return NULL;
	attribute->value = text + 1;
	attribute->value_size = (size_t)(end - attribute->value);
	return end + 1;
}

static const char *take_token(const char *text, struct tn_attribute *attribute)
{
	attribute->value = text;
	attribute->value_size = strcspn(text, "; \t");
	if (!tn_token_valid(text, attribute->value_size))
		return NULL;
	return text + attribute->value_size;
}

static const char *take(const char *text, struct tn_attribute *attribute)
{
	attribute->name = text;
	attribute->name_size = strcspn(text, "=; \t");
	text += attribute->name_size;
	if (!tn_token_valid(attribute->name, attribute->name_size) || *text != '=')
		return NULL;
	text++;
	return *text == '"' ? take_quoted(text, attribute) : take_token(text, attribute);
}

/* An attribute may be missing between two semicolons, and behind the last. */
bool tn_attribute_next(const char **text, struct tn_attribute *attribute)
{
	const char *at = skip_blanks(*text);
	const char *behind;

	if (*at == ';')
		at += strspn(at, "; \t");
	else if (*at)
		return false;
	if (!*at) {
		*text = at;
		return false;
	}
	behind = take(at, attribute);
	if (!behind)
		return false;
	*text = behind;
	return true;
}

bool tn_attribute_is(const struct tn_attribute *attribute, const char *name)
{
	return attribute->name_size == strlen(name) &&
	       strncasecmp(attribute->name, name, attribute->name_size) == 0;
}
