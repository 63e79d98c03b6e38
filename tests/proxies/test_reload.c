/*
 * test_reload.c - the host is replaced under load behind each of the proxies, and no GET is lost.
 * TN_RELOADS says how often, instead of a few times.
 */
#include "proxies/proxy.h"

#include "../cunit.h"

#include <curl/curl.h>
#include <signal.h>

#define CLIENTS 8
#define RELOADS 4
#define BETWEEN 60 /* requests, at least */

/* Clients of both versions, half of which take a new connection for each request. */
struct load {
	CURLM *multi;
	CURL *clients[CLIENTS];
	unsigned done;
	unsigned failed;
};

static size_t drop(char *data, size_t unit, size_t count, void *argument)
{
	(void)data;
	(void)argument;
	return unit * count;
}

static CURL *make_client(const struct proxy *proxy, unsigned number)
{
	static char here[] = "::127.0.0.1:";
	static struct curl_slist anywhere = { .data = here };
	CURL *curl = curl_easy_init();

	curl_easy_setopt(curl, CURLOPT_URL, text_of("https://" PROXY_NAME ":%d/", proxy->port));
	curl_easy_setopt(curl, CURLOPT_CONNECT_TO, &anywhere);
	curl_easy_setopt(curl, CURLOPT_CAINFO, proxy->certificate);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)deadline_ms());
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, (long)(number / 2 % 2));
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, (long)(number / 2 % 2));
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
	                 number % 2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
	return curl;
}

static void begin(struct load *load, const struct proxy *proxy)
{
	load->multi = curl_multi_init();
	for (unsigned i = 0; i < CLIENTS; i++) {
		load->clients[i] = make_client(proxy, i);
		curl_multi_add_handle(load->multi, load->clients[i]);
	}
}

static void end(struct load *load)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		curl_multi_remove_handle(load->multi, load->clients[i]);
		curl_easy_cleanup(load->clients[i]);
	}
	curl_multi_cleanup(load->multi);
}

static void note(struct load *load, const CURLMsg *message)
{
	CURLcode result = message->data.result;
	long status = 0;

	curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
	load->done++;
	if (result == CURLE_OK && status == 200)
		return;
	load->failed++;
	printf("\trequest %u: %ld, %s\n", load->done, status, curl_easy_strerror(result));
}

/* Whoever has a reply asks again. */
static void go_on(struct load *load)
{
	const CURLMsg *message;
	int left;

	curl_multi_perform(load->multi, &left);
	while ((message = curl_multi_info_read(load->multi, &left))) {
		CURL *client = message->easy_handle;

		note(load, message);
		curl_multi_remove_handle(load->multi, client);
		curl_multi_add_handle(load->multi, client);
	}
	curl_multi_poll(load->multi, NULL, 0, 10, NULL);
}

static bool has_logged(const struct host *host, const char *text)
{
	char *log = file_load(host->log_path);
	bool found = strstr(log, text);

	free(log);
	return found;
}

/* Until so many more have been answered, and that is in the log, if anything is to be. */
static bool go_on_until(struct load *load, const struct host *host, const char *text)
{
	long long last = now_ms() + deadline_ms();
	unsigned enough = load->done + BETWEEN;

	while (load->done < enough || (text && !has_logged(host, text))) {
		if (now_ms() > last)
			return false;
		go_on(load);
	}
	return true;
}

static int reloads(void)
{
	const char *number = getenv("TN_RELOADS");

	return number && *number ? (int)strtol(number, NULL, 10) : RELOADS;
}

static void check_proxy(struct proxy *proxy)
{
	struct load load = { 0 };

	begin(&load, proxy);
	CHECK_NUMBER(go_on_until(&load, proxy->host, NULL), true);
	for (int i = 0; i < reloads(); i++) {
		const char *text = text_of("generation %d has gone\n", i + 1);

		host_signal(proxy->host, SIGHUP);
		CHECK_NUMBER(go_on_until(&load, proxy->host, text), true);
	}
	end(&load);
	if (!CHECK_NUMBER(load.failed, 0))
		printf("\tof %u through %s\n", load.done, proxy->name);
	printf("%s: %u requests, %d reloads, %u failed\n", proxy->name, load.done, reloads(),
	       load.failed);
	proxy_end(proxy);
}

static void no_request_is_lost(void)
{
	for (size_t i = 0; i < PROXIES; i++) {
		struct proxy *proxy = proxy_start(i, &(struct host_options){ .supervised = true });

		if (proxy)
			check_proxy(proxy);
	}
}

TEST_MAIN("proxies/reload",
          TEST(no_request_is_lost))
