/* fuzz_multipart.c - the first line is the Content-Type's parameters, what follows is the form. */
#include "fuzz.h"

static void check_part(const struct tn_request *request, const struct tn_form_part *part,
                       const char *behind)
{
	const struct tn_bytes body = request->body;

	HOLDS(!part->error);
	HOLDS(part->name && part->headers && part->data);
	HOLDS(part->data >= behind && part->size <= body.size);
	HOLDS(part->data + part->size <= body.data + body.size);
	/* What ends a part is a line of its own. */
	HOLDS(body.data + body.size - (part->data + part->size) > 4);
	HOLDS(memcmp(part->data + part->size, "\r\n--", 4) == 0);
	HOLDS(tn_headers_has(part->headers, "content-disposition"));
}

/* Parts come in order and do not overlap; a second walk is like the first. */
static void check_walk(const struct tn_request *request)
{
	struct tn_form_part part = { 0 };
	struct tn_form_part again = { 0 };
	const char *behind = request->body.data;
	size_t count = 0;

	while (tn_form_next(request, &part)) {
		check_part(request, &part, behind);
		behind = part.data + part.size;
		HOLDS(tn_form_next(request, &again));
		HOLDS(again.data == part.data && again.size == part.size);
		HOLDS(strcmp(again.name, part.name) == 0);
		HOLDS(++count <= request->body.size);
	}
	HOLDS(!tn_form_next(request, &again));
	HOLDS(again.error == part.error);
	HOLDS(!tn_form_next(request, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tn_request *request = fuzz_request();
	char *parameters = fuzz_line(&data, &size);
	char *copy = fuzz_copy(data, size);

	tn_headers_set(&request->headers, "Content-Type",
	               tn_format(request, "multipart/form-data%s", parameters));
	request->body = (struct tn_bytes){ copy, size };
	check_walk(request);
	fuzz_request_end(request);
	free(parameters);
	free(copy);
	return 0;
}
