/* fuzz_form.c - a form, or a query: what is found by name is what comes first on the way. */
#include "fuzz.h"

#include "message/url.h"

#define SIZE_MOST ((size_t)500) /* the square of what there are is decoded */

static void check_form(struct tn_request *request)
{
	struct tn_parameter parameter = { 0 };
	size_t count = 0;

	while (tn_request_form_next(request, &parameter)) {
		const char *first = tn_request_form(request, parameter.name);
		struct tn_parameter again = { 0 };

		HOLDS(parameter.name && parameter.value && first);
		while (tn_request_form_next(request, &again)) {
			if (strcmp(again.name, parameter.name) == 0)
				break;
		}
		HOLDS(strcmp(again.value, first) == 0);
		HOLDS(++count <= request->body.size);
	}
	HOLDS(count || !tn_request_form(request, "a"));
}

/* The same text is the same parameters, wherever it stands. */
static void check_query(struct tn_request *request, const char *text)
{
	struct tn_parameter of_form = { 0 };
	struct tn_parameter of_query = { 0 };

	if (!tn_url_target_valid(text) ||
	    !tn_request_set_url(request, tn_format(request, "/?%s", text)))
		return;
	while (tn_request_form_next(request, &of_form)) {
		HOLDS(tn_request_query_next(request, &of_query));
		HOLDS(strcmp(of_form.name, of_query.name) == 0);
		HOLDS(strcmp(of_form.value, of_query.value) == 0);
	}
	HOLDS(!tn_request_query_next(request, &of_query));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tn_request *request = fuzz_request();
	char *copy;
	char *text;

	size = size < SIZE_MOST ? size : SIZE_MOST;
	copy = fuzz_copy(data, size);
	text = fuzz_text(data, size);
	tn_headers_set(&request->headers, "Content-Type", "application/x-www-form-urlencoded");
	request->body = (struct tn_bytes){ copy, size };
	check_form(request);
	if (strlen(text) == size)
		check_query(request, text);
	fuzz_request_end(request);
	free(copy);
	free(text);
	return 0;
}
