/* test_proxies.c - what a Worker sees of clients behind each of the proxies, and they of it. */
#include "proxies/tls.h"

#include "../cunit.h"

#include <dirent.h>
#include <unistd.h>

#define LARGE ((size_t)PROXY_BODY)
#define REFUSED ((size_t)700 * 1024) /* below the 1 MiB that nginx lets through */
#define MANY 60
#define FEW 4
#define SOCKETS_MOST 256

/* The requests of each test, over both versions and through each proxy. */
typedef void check_fn(const struct proxy *proxy, struct http_client *client);

static void check_versions(check_fn *check, int most)
{
	for (size_t i = 0; i < PROXIES; i++) {
		struct proxy *proxy = proxy_start(i, NULL);

		for (int version = 1; proxy && version <= most; version++) {
			struct http_client *client = proxy_client(proxy, version == 2);
			unsigned before = CU_get_number_of_failures();

			check(proxy, client);
			if (CU_get_number_of_failures() > before)
				printf("\tthat was %s, HTTP/%d\n%s", proxy->name, version,
				       host_log(proxy->host));
			http_close(client);
		}
		if (proxy)
			proxy_end(proxy);
	}
}

static void check_each(check_fn *check)
{
	check_versions(check, 2);
}

static void check_field(const struct http_reply *reply, const char *name, const char *value)
{
	if (!CHECK_TEXT(http_header(reply, name), value))
		printf("\tin %s\n", reply->head);
}

static void is_answered(struct http_client *client)
{
	struct http_reply *reply = http_send(client, &(struct http_request){ .path = "/a?b=%20c" });

	CHECK_NUMBER(reply->status, 200);
	check_field(reply, "X-Target", "/a?b=%20c");
	if (reply->error)
		CHECK_TEXT(reply->error, "");
}

/* ---- What is seen of the client ------------------------------------------------------------ */

static void check_client(const struct proxy *proxy, struct http_client *client)
{
	static const char *const headers[] = { ("Host: " PROXY_NAME), NULL };
	struct http_reply *reply =
		http_send(client, &(struct http_request){ .path = "/a?b", .headers = headers });

	(void)proxy;
	CHECK_NUMBER(reply->status, 200);
	check_field(reply, "X-Address", PROXY_CLIENT);
	check_field(reply, "X-Url", "https://" PROXY_NAME "/a?b");
	check_field(reply, "X-Host", PROXY_NAME);
}

static void address_scheme_and_host_are_the_clients(void)
{
	check_each(check_client);
}

static void check_lies(const struct proxy *proxy, struct http_client *client)
{
	static const char *const headers[] = {
		("Host: " PROXY_NAME),
		"Forwarded: for=192.0.2.1;proto=http;host=evil.example",
		"X-Forwarded-For: 192.0.2.1, 127.0.0.1",
		"x-forwarded-for: 192.0.2.2",
		"X-Forwarded-Proto: http",
		"X-Forwarded-Host: evil.example",
		"X-Forwarded-Port: 1",
		"X-Forwarded-Prefix: /admin",
		"X-Forwarded-Server: evil.example",
		"X-Real-IP: 192.0.2.1",
		NULL,
	};
	struct http_reply *reply = http_send(client, &(struct http_request){ .headers = headers });

	(void)proxy;
	CHECK_NUMBER(reply->status, 200);
	check_field(reply, "X-Address", PROXY_CLIENT);
	check_field(reply, "X-Url", "https://" PROXY_NAME "/");
	check_field(reply, "X-Fields", "accept host x-forwarded-for x-forwarded-host "
	                               "x-forwarded-proto");
}

static void what_the_client_says_of_itself_is_lost(void)
{
	check_each(check_lies);
}

/* libcurl sends no Connection over HTTP/2: see test_downgrade.c. */
static void check_named(const struct proxy *proxy, struct http_client *client)
{
	static const char *const headers[] = {
		("Host: " PROXY_NAME),
		"Connection: keep-alive, X-Hop, X-Forwarded-For, X-Forwarded-Proto, Host",
		"X-Hop: 1",
		"Keep-Alive: timeout=5",
		"Proxy-Connection: keep-alive",
		"Upgrade: h2c",
		"TE: gzip",
		"Trailer: X-Hop",
		"X-End: 1",
		NULL,
	};
	struct http_reply *reply = http_send(client, &(struct http_request){ .headers = headers });

	CHECK_NUMBER(reply->status, 200);
	check_field(reply, "X-Address", PROXY_CLIENT);
	check_field(reply, "X-Url", "https://" PROXY_NAME "/");
	check_field(reply, "X-Fields", "accept host x-end x-forwarded-for x-forwarded-host "
	                               "x-forwarded-proto");
	(void)proxy;
}

static void what_connection_names_is_lost(void)
{
	check_versions(check_named, 1);
}

/* ---- Requests and bodies of all kinds ------------------------------------------------------ */

static void check_requests(const struct proxy *proxy, struct http_client *client)
{
	struct http_reply *head = http_send(client, &(struct http_request){ .method = "HEAD" });

	(void)proxy;
	CHECK_NUMBER(head->status, 200);
	CHECK_NUMBER(head->body_size, 0);
	check_field(head, "X-Method", "HEAD");
	is_answered(client);
}

static void requests_are_answered(void)
{
	check_each(check_requests);
}

static void check_body(struct http_client *client, const char *body, size_t size, bool chunked)
{
	struct http_reply *reply = http_send(client, &(struct http_request){ .method = "POST",
	                                                                     .body = body,
	                                                                     .body_size = size,
	                                                                     .chunked = chunked });

	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(reply->error, NULL);
	if (!CHECK_NUMBER(reply->body_size, size))
		printf("\tthe request was%s chunked\n", chunked ? "" : " not");
	else
		CU_ASSERT(memcmp(reply->body, body, size) == 0);
}

static void check_large(const struct proxy *proxy, struct http_client *client)
{
	char *body = memory_of(LARGE);

	(void)proxy;
	for (size_t i = 0; i < LARGE; i++)
		body[i] = (char)(i * 31 >> 3);
	check_body(client, body, LARGE, false);
	check_body(client, body, LARGE, true);
}

static void large_bodies_come_and_go(void)
{
	check_each(check_large);
}

/* What the host refuses, the client is told. */
static void check_refused(const struct proxy *proxy, struct http_client *client)
{
	char *field = text_of("X-Long: %0*d", PROXY_HEAD, 0);
	const char *const headers[] = { field, NULL };
	char *body = memory_of(REFUSED);

	(void)proxy;
	CHECK_NUMBER(http_send(client, &(struct http_request){ .headers = headers })->status, 431);
	is_answered(client);
	CHECK_NUMBER(http_send(client, &(struct http_request){ .method = "POST",
	                                                       .body = body,
	                                                       .body_size = REFUSED })
	                     ->status,
	             413);
	is_answered(client);
}

static void what_is_too_large_is_refused(void)
{
	check_each(check_refused);
}

static void check_continue(const struct proxy *proxy)
{
	struct tls tls = tls_open(proxy, "http/1.1");
	struct wire_bytes reply;

	wire_text(tls.socket, "POST / HTTP/1.1\r\nHost: " PROXY_NAME "\r\nContent-Length: 5\r\n"
	                      "Expect: 100-continue\r\n\r\n");
	reply = wire_read(tls.socket, 1);
	CHECK_NUMBER(wire_status(&reply), 100);
	/* The host's own 100 may come as well. */
	wire_text(tls.socket, "helloGET / HTTP/1.1\r\nHost: " PROXY_NAME "\r\n"
	                      "Connection: close\r\n\r\n");
	reply = wire_read_all(tls.socket);
	CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 200 "), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply.data, "\r\n\r\nhelloHTTP/1.1 "));
	tls_close(&tls);
}

static void who_waits_for_100_gets_it(void)
{
	for (size_t i = 0; i < PROXIES; i++) {
		struct proxy *proxy = proxy_start(i, NULL);

		if (!proxy)
			continue;
		check_continue(proxy);
		proxy_end(proxy);
	}
}

/* ---- Connections to the host --------------------------------------------------------------- */

/* The host's sockets, by their inodes, which are never the same twice. */
struct sockets {
	unsigned long list[SOCKETS_MOST];
	size_t count;
};

static bool has(const struct sockets *sockets, unsigned long inode)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->list[i] == inode)
			return true;
	return false;
}

static void add_sockets(struct sockets *sockets, const struct host *host)
{
	const char *path = text_of("/proc/%d/fd", (int)host->pid);
	DIR *directory = opendir(path);
	const struct dirent *entry;
	unsigned long inode;

	while (directory && (entry = readdir(directory))) {
		char target[64] = "";

		if (readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1) < 0 ||
		    sscanf(target, "socket:[%lu]", &inode) != 1 || has(sockets, inode))
			continue;
		if (sockets->count < SOCKETS_MOST)
			sockets->list[sockets->count++] = inode;
	}
	if (directory)
		closedir(directory);
}

/* One after another: a handful of connections, of which the first serves to the end. */
static void check_many(const struct proxy *proxy, struct http_client *client)
{
	struct sockets all = { 0 };
	struct sockets last = { 0 };
	size_t before;
	size_t first;
	size_t left = 0;

	add_sockets(&all, proxy->host);
	before = all.count;
	is_answered(client);
	add_sockets(&all, proxy->host);
	first = all.count;
	for (int i = 0; i < MANY; i++) {
		is_answered(client);
		add_sockets(&all, proxy->host);
	}
	add_sockets(&last, proxy->host);
	for (size_t i = 0; i < first; i++)
		left += has(&last, all.list[i]);
	CHECK_NUMBER(left, first);
	if (all.count - before > FEW)
		CHECK_NUMBER(all.count - before, 1);
}

static void connections_to_the_host_are_kept(void)
{
	check_each(check_many);
}

TEST_MAIN("proxies/proxies",
          TEST(requests_are_answered),
          TEST(address_scheme_and_host_are_the_clients),
          TEST(what_the_client_says_of_itself_is_lost),
          TEST(what_connection_names_is_lost),
          TEST(large_bodies_come_and_go),
          TEST(what_is_too_large_is_refused),
          TEST(who_waits_for_100_gets_it),
          TEST(connections_to_the_host_are_kept))
