/* fuzz_cookies.c - the first line is the name of a cookie, each further one a Cookie field. */
#include "fuzz.h"

/* Where a cookie of that name begins, by another way: all pairs are taken apart first. */
static const char *find(const char *cookies, const char *name)
{
	size_t size = strlen(name);

	for (const char *at = cookies; at; at = strchr(at, ';')) {
		at += strspn(at, "; \t");
		if (strcspn(at, "=;") == size && at[size] == '=' && memcmp(at, name, size) == 0)
			return at + size + 1;
	}
	return NULL;
}

static void check(const struct tn_request *request, const char *name)
{
	const char *cookies = tn_request_header(request, "cookie");
	const char *value = tn_request_cookie(request, name);
	bool askable = cookies && *name && !strpbrk(name, "=;");
	const char *expected = askable ? find(cookies, name) : NULL;

	HOLDS(!value == !expected);
	if (!value)
		return;
	HOLDS(strncmp(value, expected, strlen(value)) == 0);
	HOLDS(!strchr(value, ';'));
	expected += strlen(value);
	HOLDS(!expected[strspn(expected, " \t")] || expected[strspn(expected, " \t")] == ';');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tn_request *request = fuzz_request();
	char *name = fuzz_line(&data, &size);

	while (size) {
		char *line = fuzz_line(&data, &size);

		tn_headers_append(&request->headers, "Cookie", line);
		free(line);
	}
	check(request, name);
	free(name);
	fuzz_request_end(request);
	return 0;
}
