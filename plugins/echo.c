/*
 * echo.c - answers with the request that it got: method and URL, the headers, a blank line and the
 * body, byte for byte.
 *
 *	[worker echo]
 *	route = /echo
 *
 * It is for looking at what arrives. Whoever asks sees the whole request as it came here, with
 * cookies and with what Workers in front of it have added: so it is not for the public.
 */
#include <tenon.h>

#include <stdio.h>
#include <stdlib.h>

struct env {
	struct tn_service self;
};

static void print(FILE *file, struct tn_request *request)
{
	struct tn_bytes body = tn_request_body(request);
	struct tn_header header = { 0 };

	fprintf(file, "%s %s\n", tn_request_method(request), tn_request_url(request));
	while (tn_headers_next(tn_request_headers(request), &header))
		fprintf(file, "%s: %s\n", header.name, header.value);
	fputc('\n', file);
	fwrite(body.data, 1, body.size, file);
}

/* The text is malloc's, and goes with the reply: no copy is made of it. */
static struct tn_response *echo(struct tn_request *request, const struct env *env)
{
	struct tn_response *response;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	(void)env;
	if (!file)
		return NULL;
	print(file, request);
	if (fclose(file) != 0) {
		free(text);
		return NULL;
	}
	response = tn_response_bytes_owned(request, 200, "text/plain;charset=UTF-8", text, size,
	                                   free, text);
	/* What a client sent is shown as text, whatever a browser takes it for. */
	tn_response_set_header(response, "X-Content-Type-Options", "nosniff");
	return response;
}

TN_WORKER(echo, struct env);
