/* http.c - requests through libcurl. */
#include "harness.h"

#include "../cunit.h"

#include <curl/curl.h>

struct http_client {
	CURL *curl;
	const struct host *host; /* NULL: secure */
	struct http_secure secure;
};

struct buffer {
	char *data;
	size_t size;
};

static size_t collect(char *data, size_t unit, size_t count, void *argument)
{
	struct buffer *buffer = argument;
	size_t size = unit * count;
	char *grown = realloc(buffer->data, buffer->size + size + 1);

	if (!grown)
		return 0;
	memcpy(grown + buffer->size, data, size);
	buffer->data = grown;
	buffer->size += size;
	buffer->data[buffer->size] = '\0';
	return size;
}

/* The body, as libcurl asks for its parts. */
struct upload {
	const char *data;
	size_t left;
};

static size_t give(char *room, size_t unit, size_t count, void *argument)
{
	struct upload *upload = argument;
	size_t size = unit * count < upload->left ? unit * count : upload->left;

	if (size)
		memcpy(room, upload->data, size);
	upload->data += size;
	upload->left -= size;
	return size;
}

struct http_client *http_open(const struct host *host)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client)
		abort();
	client->host = host;
	client->curl = curl_easy_init();
	return client;
}

struct http_client *http_open_secure(const struct http_secure *secure)
{
	struct http_client *client = http_open(NULL);

	client->secure = *secure;
	return client;
}

void http_close(struct http_client *client)
{
	curl_easy_cleanup(client->curl);
	free(client);
}

static struct curl_slist *make_headers(const struct http_request *request)
{
	/* libcurl would wait for 100 Continue before a larger body. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	if (request->chunked)
		list = curl_slist_append(list, "Transfer-Encoding: chunked");
	for (size_t i = 0; request->headers && request->headers[i]; i++)
		list = curl_slist_append(list, request->headers[i]);
	return list;
}

static void set_body(CURL *curl, const struct http_request *request, struct upload *upload)
{
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(curl, CURLOPT_READDATA, upload);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
	                 request->chunked ? (curl_off_t)-1 : (curl_off_t)request->body_size);
}

static void set_secure(CURL *curl, const struct http_secure *secure)
{
	static char here[] = "::127.0.0.1:";
	static struct curl_slist anywhere = { .data = here };

	curl_easy_setopt(curl, CURLOPT_CONNECT_TO, &anywhere);
	curl_easy_setopt(curl, CURLOPT_CAINFO, secure->certificates);
	curl_easy_setopt(curl, CURLOPT_INTERFACE, secure->from);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
	                 secure->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
}

static char *base_of(const struct http_client *client)
{
	if (client->host)
		return text_of("http://%s", client->host->authority);
	return text_of("https://%s:%d", client->secure.name, client->secure.port);
}

static void prepare(struct http_client *client, const struct http_request *request,
                    struct upload *upload)
{
	const char *path = request->path ? request->path : "/";
	const char *method = request->method ? request->method : "GET";
	CURL *curl = client->curl;

	curl_easy_reset(curl); /* connections stay */
	curl_easy_setopt(curl, CURLOPT_URL, text_of("%s%s", base_of(client), path));
	if (!client->host)
		set_secure(curl, &client->secure);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)deadline_ms());
	if (request->body)
		set_body(curl, request, upload);
	if (!strcmp(method, "HEAD"))
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

static char *take(struct buffer *buffer)
{
	char *text = memory_of(buffer->size + 1);

	if (buffer->size)
		memcpy(text, buffer->data, buffer->size);
	free(buffer->data);
	return text;
}

struct http_reply *http_send(struct http_client *client, const struct http_request *request)
{
	struct upload upload = { request->body, request->body_size };
	struct curl_slist *headers = make_headers(request);
	struct http_reply *reply = memory_of(sizeof(*reply));
	struct buffer head = { 0 };
	struct buffer body = { 0 };
	long number = 0;
	CURLcode result;

	prepare(client, request, &upload);
	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(client->curl, CURLOPT_HEADERFUNCTION, collect);
	curl_easy_setopt(client->curl, CURLOPT_HEADERDATA, &head);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &body);
	result = curl_easy_perform(client->curl);
	*reply = (struct http_reply){ .body_size = body.size };
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &number);
	reply->status = (int)number;
	curl_easy_getinfo(client->curl, CURLINFO_NUM_CONNECTS, &number);
	reply->connects = (unsigned)number;
	reply->error = result == CURLE_OK ? NULL : curl_easy_strerror(result);
	reply->head = take(&head);
	reply->body = take(&body);
	curl_slist_free_all(headers);
	return reply;
}

struct http_reply *http(const struct host *host, const struct http_request *request)
{
	struct http_client *client = http_open(host);
	struct http_reply *reply = http_send(client, request);

	http_close(client);
	return reply;
}

struct http_reply *http_get(const struct host *host, const char *path)
{
	return http(host, &(struct http_request){ .path = path });
}

/* The next header line of that name, or NULL. */
static const char *find_line(const char *head, const char *name)
{
	size_t size = strlen(name);

	while ((head = strstr(head, "\r\n"))) {
		head += 2;
		if (!strncasecmp(head, name, size) && head[size] == ':')
			return head;
	}
	return NULL;
}

const char *http_header(const struct http_reply *reply, const char *name)
{
	const char *line = find_line(reply->head, name);

	if (!line)
		return NULL;
	line += strlen(name) + 1;
	line += strspn(line, " \t");
	return text_of("%.*s", (int)strcspn(line, "\r"), line);
}

unsigned http_header_count(const struct http_reply *reply, const char *name)
{
	unsigned count = 0;

	for (const char *line = reply->head; (line = find_line(line, name)); line += strlen(name))
		count++;
	return count;
}
