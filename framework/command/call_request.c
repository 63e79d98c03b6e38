/* call_request.c - the request of `tenon call`: as curl(1) would make it of the same words. */
#include "command/call.h"
#include "command/input.h"
#include "message/request.h"
#include "message/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#define FORM "application/x-www-form-urlencoded"
#define LENGTH_SIZE 24

/* ---- What the command line says ------------------------------------------------------------- */

static const char *absolute(const char *url, const char *scheme)
{
	return strncasecmp(url, scheme, strlen(scheme)) == 0 ? url + strlen(scheme) : NULL;
}

/* What is wrong with it; NULL: nothing. */
static const char *url_problem(const char *url)
{
	const char *host = absolute(url, "http://");
	size_t size;

	if (!host)
		host = absolute(url, "https://");
	if (!host && *url != '/')
		return "write a path, such as '/hello?name=you', or an absolute URL, such as "
		       "http://example.com/hello";
	size = host ? strcspn(host, "/?#") : 0;
	if (host && (!size || !tn_url_host_valid(host, size)))
		return "it has no valid host";
	if (!tn_url_target_valid(host ? host + size : url))
		return "percent-encode it, and leave out the fragment";
	return NULL;
}

static int check_url(const char *url)
{
	const char *problem = url_problem(url);

	if (!problem)
		return 0;
	tn_complain("URL '%s': %s", url, problem);
	return EX_USAGE;
}

/* The edge lets neither through. */
static int check_method(const char *method)
{
	const char *problem = NULL;

	if (!tn_token_valid(method, strlen(method)))
		problem = "it is no method: write one such as POST";
	else if (strcmp(method, "CONNECT") == 0 || strcmp(method, "TRACE") == 0)
		problem = "no such request reaches a Worker: the host answers it with 501";
	if (!problem)
		return 0;
	tn_complain("-X '%s': %s", method, problem);
	return EX_USAGE;
}

static bool value_valid(const char *value)
{
	for (; *value; value++) {
		unsigned char byte = (unsigned char)*value;

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return false;
	}
	return true;
}

static int check_header(const char *header)
{
	size_t name = strcspn(header, ":");

	if (header[name] && tn_token_valid(header, name) && value_valid(header + name + 1))
		return 0;
	tn_complain("-H '%s': write 'Name: value', without control characters", header);
	return EX_USAGE;
}

/* ---- The body ------------------------------------------------------------------------------- */

static int refuse_body(const char *from, size_t most)
{
	tn_complain("-d %s: it is larger than max_body, %zu bytes", from, most);
	return EX_USAGE;
}

/* One byte more than is allowed tells that there is more; and there is one more for the NUL. */
static int read_stream(struct tn_call_request *request, FILE *file, const char *from, size_t most)
{
	size_t room = 0;

	do {
		char *larger;

		room = room ? 2 * room : 4096;
		if (room > most)
			room = most + 1;
		larger = realloc(request->body, room + 1);
		if (!larger) {
			tn_complain("-d %s: out of memory", from);
			return EX_OSERR;
		}
		request->body = larger;
		request->body_size += fread(larger + request->body_size, 1,
		                            room - request->body_size, file);
	} while (request->body_size == room && room <= most);
	request->body[request->body_size] = '\0';
	if (request->body_size > most)
		return refuse_body(from, most);
	if (!ferror(file))
		return 0;
	tn_complain("-d %s: %s", from, strerror(errno));
	return EX_IOERR;
}

static int read_file(struct tn_call_request *request, const char *from, size_t most)
{
	const char *path = from + 1;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	int code;

	if (!file) {
		tn_complain("-d %s: %s", from, strerror(errno));
		return EX_NOINPUT;
	}
	code = read_stream(request, file, from, most);
	if (file != stdin)
		fclose(file);
	return code;
}

static int read_body(struct tn_call_request *request, const char *data, size_t most)
{
	if (*data == '@')
		return read_file(request, data, most);
	request->body_size = strlen(data);
	if (request->body_size > most)
		return refuse_body("DATA", most);
	request->body = strdup(data);
	if (request->body)
		return 0;
	tn_complain("out of memory");
	return EX_OSERR;
}

int tn_call_request_read(struct tn_call_request *request, const struct tn_arguments *arguments,
                         size_t most)
{
	const char *method = arguments->data ? "POST" : "GET";
	int code;

	*request = (struct tn_call_request){
		.method = arguments->method ? arguments->method : method,
		.url = arguments->count > 1 ? arguments->words[1] : "/",
		.headers = arguments->headers,
		.header_count = arguments->header_count,
	};
	code = check_method(request->method);
	if (!code)
		code = check_url(request->url);
	for (size_t i = 0; !code && i < request->header_count; i++)
		code = check_header(request->headers[i]);
	if (!code && arguments->data)
		code = read_body(request, arguments->data, most);
	return code;
}

void tn_call_request_finish(struct tn_call_request *request)
{
	free(request->body);
	request->body = NULL;
}

/* ---- The request ---------------------------------------------------------------------------- */

/* It stays where it is, as what is too large for memory does in a host: in a file. */
static bool fill_body(const struct tn_call_request *description, struct tn_request *request)
{
	char length[LENGTH_SIZE];

	if (!description->body)
		return true;
	snprintf(length, sizeof(length), "%zu", description->body_size);
	return tn_request_set_body_static(request, description->body, description->body_size) &&
	       tn_headers_set(&request->headers, "Content-Length", length) &&
	       tn_headers_set(&request->headers, "Content-Type", FORM);
}

/* These come once: what is given takes the place of what is there. */
static bool comes_once(const char *name)
{
	return strcasecmp(name, "Host") == 0 || strcasecmp(name, "Content-Type") == 0 ||
	       strcasecmp(name, "Content-Length") == 0;
}

/* As the client's Host, it is the URL's. */
static bool set_host(struct tn_request *request, const char *value)
{
	request->host = tn_exchange_copy(request->exchange, value, strlen(value));
	return request->host && tn_headers_set(&request->headers, "Host", value);
}

static bool fill_header(struct tn_request *request, const char *header)
{
	size_t size = strcspn(header, ":");
	const char *value = header + size + 1 + strspn(header + size + 1, " \t");
	const char *name = tn_exchange_copy(request->exchange, header, size);

	if (!name)
		return false;
	if (!*value)
		return tn_headers_delete(&request->headers, name);
	if (strcasecmp(name, "Host") == 0)
		return set_host(request, value);
	if (comes_once(name))
		return tn_headers_set(&request->headers, name, value);
	return tn_headers_append(&request->headers, name, value);
}

bool tn_call_request_fill(const struct tn_call_request *description, struct tn_request *request)
{
	request->method = description->method;
	if (!tn_headers_set(&request->headers, "Host", request->host) ||
	    !tn_request_set_url(request, description->url) || !fill_body(description, request))
		return false;
	for (size_t i = 0; i < description->header_count; i++)
		if (!fill_header(request, description->headers[i]))
			return false;
	return true;
}
