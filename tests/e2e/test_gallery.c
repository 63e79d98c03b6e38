/* test_gallery.c - etc/gallery.ini as it stands there: its Workers, one behind the other. */
#include "harness.h"

#include "../cunit.h"

/* Two lines of it are the machine's own: where it listens, and where the modules are. */
static struct host *start_gallery(void)
{
	const char *text = file_read("etc/gallery.ini");
	const char *host = strstr(text, "\n[host]\n");
	const char *rest = host ? strstr(host, "\n\n") : NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(rest);
	return host_start(scratch_write("gallery.ini",
	                                "[host]\nlisten = 127.0.0.1:0\nmodules = %s\n%s",
	                                built("plugins"), rest));
}

static struct http_reply *post(const struct host *host, const char *path, const char *body)
{
	return http(host, &(struct http_request){
				  .method = "POST",
				  .path = path,
				  .body = body,
				  .body_size = strlen(body),
			  });
}

static void the_paths_lead_to_their_workers(void)
{
	struct host *host = start_gallery();
	const struct http_reply *echo = post(host, "/echo/a?b=c", "the body");

	CHECK_TEXT(http_get(host, "/hello")->body, "Hello, everybody\n");
	CHECK_TEXT(http_get(host, "/hello?name=Ada")->body, "Hello, Ada\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(echo->body, "/echo/a?b=c\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(echo->body, "\ncontent-length: 8\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(echo->body, "\n\nthe body"));
	CHECK_TEXT(http_get(host, "/profile")->body, "{\"user\":\"ada\",\"theme\":\"dark\"}");
	CHECK_NUMBER(http_get(host, "/nowhere")->status, 404);
	host_end(host);
}

static void who_asks_too_often_is_refused(void)
{
	struct host *host = start_gallery();
	const struct http_reply *reply = http_get(host, "/hello");
	long long end = now_ms() + deadline_ms();

	while (reply->status == 200 && now_ms() < end)
		reply = http_get(host, "/hello");
	if (!host_is_instrumented()) { /* which may be slower than the limit */
		CHECK_NUMBER(reply->status, 429);
		CHECK_TEXT(http_header(reply, "Retry-After"), "1");
	}
	host_end(host);
}

TEST_MAIN("e2e/gallery",
          TEST(the_paths_lead_to_their_workers),
          TEST(who_asks_too_often_is_refused))
