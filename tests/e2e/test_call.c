/* test_call.c - `tenon call`: one Worker, called through the real deployment and no network. */
#include "harness.h"

#include "../cunit.h"

#include <ctype.h>
#include <jansson.h>
#include <signal.h>
#include <sysexits.h>

#define WORDS_MOST 24

/* A Worker of each kind; none of them has a route but the gateway. */
static const char *configuration(const char *more)
{
	return scratch_write("call.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "modules = %s\n"
	                     "control = %s\n"
	                     "[worker gateway]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "service.auth = auth\n"
	                     "service.application = application\n"
	                     "[worker auth]\n"
	                     "module = %s\n"
	                     "secret.SECRET_TOKEN = env:CALL_TOKEN\n"
	                     "[worker application]\n"
	                     "module = %s\n"
	                     "[worker application@staging]\n"
	                     "var.GREETING = Hello from staging\n"
	                     "[worker echo]\n"
	                     "module = serve_echo.so\n"
	                     "%s",
	                     built("tests/fixtures"), scratch_path("call.sock"), plugin("gateway"),
	                     plugin("auth"), plugin("application"), more);
}

static struct finished call_with(const char *const *environment, const char *file,
                                 const char *const *words)
{
	const char *list[WORDS_MOST] = { "call" };
	size_t count = 1;

	for (; *words && count < WORDS_MOST - 2; words++)
		list[count++] = strcmp(*words, "FILE") == 0 ? file : *words;
	return tenon_run(list, environment);
}

/* FILE among the words stands for the configuration. */
#define CALL(more_, ...) \
	call_with((const char *const[]){ "CALL_TOKEN=secret", NULL }, configuration(more_), \
	          (const char *const[]){ __VA_ARGS__, NULL })

static void check_code(const struct finished *finished, int code)
{
	if (finished->code != code)
		printf("%s%s", finished->out, finished->err);
	CHECK_NUMBER(finished->code, code);
}

static void check_error(const struct finished *finished, int code, const char *text)
{
	check_code(finished, code);
	CHECK_TEXT(finished->out, "");
	if (!CHECK_NUMBER(count_of(finished->err, text), 1))
		printf("\tof '%s' in: %s", text, finished->err);
}

/* ---- The reply ------------------------------------------------------------------------------ */

static void prints_a_reply_as_it_would_be_sent(void)
{
	struct finished finished = CALL("", "FILE", "gateway", "-H", "x-custom-token: secret");

	check_code(&finished, 0);
	CHECK_TEXT(finished.out, "HTTP/1.1 200 OK\r\n"
	                         "Content-Type: text/plain;charset=UTF-8\r\n"
	                         "Content-Length: 34\r\n"
	                         "\r\n"
	                         "Hello from the application worker\n");
	CHECK_TEXT(finished.err, "");
}

static void calls_a_private_one(void)
{
	struct finished finished = CALL("", "-H", "X-Custom-Token: secret", "FILE", "auth");

	check_code(&finished, 0);
	CHECK_NUMBER(count_of(finished.out, "\r\n\r\nRequest allowed"), 1);
}

/* And what it does not reach is not there: the secret is not asked for. */
static void loads_what_it_calls_alone(void)
{
	struct finished finished =
		call_with(NULL, configuration("[worker broken]\n"
	                                      "module = no_such_file.so\n"
	                                      "route = broken/\n"),
	                  (const char *const[]){ "FILE", "application", NULL });

	check_code(&finished, 0);
	finished = call_with(NULL, configuration(""),
	                     (const char *const[]){ "FILE", "gateway", NULL });
	check_error(&finished, EX_CONFIG, "CALL_TOKEN");
}

static void calls_in_an_environment(void)
{
	struct finished finished =
		CALL("", "FILE", "application", "--environment", "staging");

	check_code(&finished, 0);
	CHECK_NUMBER(count_of(finished.out, "Hello from staging"), 1);
}

static void tells_the_class_of_the_status(void)
{
	struct finished finished = CALL("", "FILE", "gateway");

	check_code(&finished, 1);
	CHECK_NUMBER(count_of(finished.out, "HTTP/1.1 403 Forbidden\r\n"), 1);
	finished = CALL("[worker waits]\nmodule = serve_wait.so\n", "FILE", "waits", "/null");
	check_code(&finished, 2);
	CHECK_NUMBER(count_of(finished.out, "HTTP/1.1 500 Internal Server Error\r\n"
	                                    "Content-Type: text/plain;charset=UTF-8\r\n"
	                                    "Content-Length: 22\r\n"
	                                    "\r\n"
	                                    "Internal Server Error\n"),
	             1);
	CHECK_NUMBER(count_of(finished.err, "worker=waits: returned NULL"), 1);
}

static void head_has_no_body(void)
{
	struct finished finished = CALL("", "FILE", "application", "-X", "HEAD");

	check_code(&finished, 0);
	CHECK_TEXT(finished.out, "HTTP/1.1 200 OK\r\n"
	                         "Content-Type: text/plain;charset=UTF-8\r\n"
	                         "Content-Length: 34\r\n"
	                         "\r\n");
}

static void has_no_field_that_is_not_sent(void)
{
	static const char fields[] = "[worker status]\nmodule = call_fields.so\n"
				     "[worker fields]\nmodule = serve_fields.so\n";
	struct finished finished = CALL(fields, "FILE", "status", "/?status=204");

	CHECK_TEXT(finished.out, "HTTP/1.1 204 No Content\r\n\r\n");
	finished = CALL(fields, "FILE", "status", "/?status=304");
	CHECK_TEXT(finished.out, "HTTP/1.1 304 Not Modified\r\n\r\n");
	finished = CALL(fields, "FILE", "status", "/?status=200");
	CHECK_TEXT(finished.out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	finished = CALL(fields, "FILE", "fields", "/?size=1");
	CHECK_NUMBER(count_of(finished.out, "X-Large: x\r\n"), 1);
	CHECK_NUMBER(count_of(finished.out, "X-Empty"), 0);
}

/* RFC 9110, 8.6: that of a 304 would be the one of the 200, which nobody knows. */
static void has_no_length_where_there_is_no_body(void)
{
	static const char *const urls[] = { "/set-body?n=204", "/set-body?n=304" };

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct finished finished = CALL("[worker fault]\nmodule = serve_fault.so\n"
		                                "service.next = echo\nservice.again = fault\n",
		                                "FILE", "fault", urls[i]);

		check_code(&finished, 0);
		CHECK_NUMBER(count_of(finished.out, "X-Accepted: no\r\n"), 1);
		CHECK_NUMBER(count_of(finished.out, "Content-Length"), 0);
	}
}

static void has_what_the_edge_sends(void)
{
	static const char *const headers[] = { "x-custom-token: secret", NULL };
	const struct http_request request = { .headers = headers };
	const char *file = configuration("");
	struct finished finished = CALL("", "FILE", "gateway", "-H", "x-custom-token: secret");
	struct host *host = host_start_with(
		file, &(struct host_options){
			      .environment = (const char *const[]){ "CALL_TOKEN=secret", NULL } });
	const struct http_reply *reply = http(host, &request);

	CHECK_TEXT(strstr(finished.out, "\r\n\r\n") + 4, reply->body);
	CHECK_NUMBER(strncmp(finished.out, reply->head, strcspn(reply->head, "\r")), 0);
	CHECK_NUMBER(count_of(finished.out, text_of("Content-Length: %zu\r\n", reply->body_size)),
	             1);
	host_end(host);
}

/* ---- The request ---------------------------------------------------------------------------- */

static void sends_what_it_is_told(void)
{
	struct finished finished =
		CALL("", "FILE", "echo", "-X", "PATCH", "-d", "a=1", "-H", "X-One:  1 ", "-H",
	             "Host: other.example:81", "http://api.example.com/x?y=%20z");

	check_code(&finished, 0);
	CHECK_NUMBER(count_of(finished.out, "X-Method: PATCH\r\n"), 1);
	CHECK_NUMBER(count_of(finished.out, "X-Url: http://other.example:81/x?y=%20z\r\n"), 1);
	CHECK_NUMBER(count_of(finished.out, "X-Host: other.example:81\r\n"), 1);
	CHECK_NUMBER(count_of(finished.out, "X-Address: 127.0.0.1\r\n"), 1);
	CHECK_NUMBER(count_of(finished.out, "\r\n\r\na=1"), 1);
	finished = CALL("", "FILE", "echo", "https://api.example.com");
	CHECK_NUMBER(count_of(finished.out, "X-Url: https://api.example.com/\r\n"), 1);
	finished = CALL("", "FILE", "echo");
	CHECK_NUMBER(count_of(finished.out, "X-Method: GET\r\n"), 1);
	CHECK_NUMBER(count_of(finished.out, "X-Url: http://localhost/\r\n"), 1);
	finished = CALL("", "FILE", "echo", "-d", "");
	CHECK_NUMBER(count_of(finished.out, "X-Method: POST\r\n"), 1);
}

/* Of the Worker's, that tells what it was sent. */
static void has_the_headers_of_a_body(void)
{
	static const char fields[] = "[worker fields]\nmodule = call_fields.so\n";
	struct finished finished = CALL(fields, "FILE", "fields", "-d", "body", "-H", "X-A: 1",
	                                "-H", "x-a: 2");

	check_code(&finished, 0);
	CHECK_NUMBER(count_of(finished.out, "content-length: 4\n"), 1);
	CHECK_NUMBER(count_of(finished.out, "content-type: application/x-www-form-urlencoded\n"),
	             1);
	CHECK_NUMBER(count_of(finished.out, "x-a: 1, 2\n"), 1);
	finished = CALL(fields, "FILE", "fields", "-d", "{}", "-H",
	                "content-type: application/json");
	CHECK_NUMBER(count_of(finished.out, "content-type: application/json\n"), 1);
	finished = CALL(fields, "FILE", "fields", "-d", "{}", "-H", "Content-Type:");
	CHECK_NUMBER(count_of(finished.out, "content-type: "), 0);
}

static void sends_a_file_byte_for_byte(void)
{
	static const char bytes[] = "\0\r\n\xff\x80 end\n";
	const char *path = scratch_write_bytes("body", bytes, sizeof(bytes) - 1);
	struct finished finished = CALL("", "FILE", "echo", "-d", text_of("@%s", path));
	const char *body = strstr(finished.out, "\r\n\r\n");

	check_code(&finished, 0);
	CHECK_NUMBER(body && !memcmp(body + 4, bytes, sizeof(bytes) - 1), true);
	CHECK_NUMBER(count_of(finished.out, "Content-Length: 10\r\n"), 1);
	finished = CALL("", "FILE", "echo", "-d", "@/nowhere/body");
	check_error(&finished, EX_NOINPUT, "tenon: -d @/nowhere/body: No such file or directory\n");
}

static void sends_standard_input(void)
{
	const char *script = text_of("printf 'from a pipe' | %s call %s echo -d @-", built("tenon"),
	                             configuration(""));
	struct finished finished =
		program_run((const char *const[]){ "sh", "-c", script, NULL });

	check_code(&finished, 0);
	CHECK_NUMBER(count_of(finished.out, "\r\n\r\nfrom a pipe"), 1);
}

static void refuses_a_body_that_the_edge_would_refuse(void)
{
	const char *file = scratch_write("small.ini",
	                                 "[host]\nmodules = %s\nmax_body = 4\n"
	                                 "[worker echo]\nmodule = serve_echo.so\n",
	                                 built("tests/fixtures"));
	struct finished finished = call_with(
		NULL, file, (const char *const[]){ "FILE", "echo", "-d", "1234", NULL });

	check_code(&finished, 0);
	finished = call_with(NULL, file,
	                     (const char *const[]){ "FILE", "echo", "-d", "12345", NULL });
	check_error(&finished, EX_USAGE, "it is larger than max_body, 4 bytes");
	finished = call_with(NULL, file,
	                     (const char *const[]){ "FILE", "echo", "-d",
	                                            text_of("@%s", file), NULL });
	check_error(&finished, EX_USAGE, "it is larger than max_body, 4 bytes");
}

/* One of a Worker's own size, and larger than what an exchange may take. */
static void sends_a_body_of_any_size(void)
{
	size_t size = (size_t)3 << 20;
	char *bytes = memory_of(size);
	const char *file = scratch_write("large.ini",
	                                 "[host]\nmodules = %s\nmax_body = 1K\n"
	                                 "body_memory = 64K\nrequest_memory = 8M\n"
	                                 "[worker waits]\nmodule = serve_wait.so\nroute = /\n"
	                                 "max_body = 3M\n",
	                                 built("tests/fixtures"));
	struct finished finished;
	const char *body;

	memset(bytes, 'x', size);
	finished = call_with(
		NULL, file,
		(const char *const[]){ "FILE", "waits", "/echo", "-d",
	                               text_of("@%s", scratch_write_bytes("body", bytes, size)),
	                               NULL });
	check_code(&finished, 0);
	body = strstr(finished.out, "\r\n\r\n");
	CHECK_NUMBER(body ? strspn(body + 4, "x") : 0, size);
}

static void refuses_what_is_no_request(void)
{
	struct finished finished = CALL("", "FILE", "echo", "path");

	check_error(&finished, EX_USAGE, "URL 'path': write a path, such as '/hello?name=you'");
	finished = CALL("", "FILE", "echo", "/a b");
	check_error(&finished, EX_USAGE, "URL '/a b': percent-encode it");
	finished = CALL("", "FILE", "echo", "http:///x");
	check_error(&finished, EX_USAGE, "it has no valid host");
	finished = CALL("", "FILE", "echo", "-X", "TRACE");
	check_error(&finished, EX_USAGE, "-X 'TRACE': no such request reaches a Worker");
	finished = CALL("", "FILE", "echo", "-X", "CONNECT");
	check_error(&finished, EX_USAGE, "-X 'CONNECT': no such request reaches a Worker");
	finished = CALL("", "FILE", "echo", "-X", "a b");
	check_error(&finished, EX_USAGE, "-X 'a b': it is no method");
	finished = CALL("", "FILE", "echo", "-H", "no colon");
	check_error(&finished, EX_USAGE, "-H 'no colon': write 'Name: value'");
	finished = CALL("", "FILE", "echo", "-H", "X: a\nb");
	check_error(&finished, EX_USAGE, "write 'Name: value', without control characters");
	finished = CALL("", "FILE", "echo", "-d", "1", "-d", "2");
	check_error(&finished, EX_USAGE, "-d '2': give it once, not '1', too");
	finished = CALL("", "FILE");
	check_error(&finished, EX_USAGE, "usage: tenon call ");
	finished = CALL("", "FILE", "ehco");
	check_error(&finished, EX_USAGE, "no worker 'ehco' (did you mean 'echo'?)");
	finished = CALL("", "/nowhere/x.ini", "echo");
	check_error(&finished, EX_NOINPUT, "/nowhere/x.ini: ");
	finished = CALL("[worker x]\nmodul = y\n", "FILE", "echo");
	check_error(&finished, EX_CONFIG, "unknown key 'modul' (did you mean 'module'?)");
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *parsed(const struct finished *finished)
{
	json_t *value = json_loads(finished->out, JSON_ALLOW_NUL, NULL);

	if (!value)
		printf("no JSON: %s%s", finished->out, finished->err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

static const char *text_in(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static long long number_in(json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void gives_json(void)
{
	struct finished finished = CALL("", "FILE", "echo", "--json", "-d", "text");
	json_t *reply = parsed(&finished);
	json_t *first = json_array_get(json_object_get(reply, "headers"), 0);

	check_code(&finished, 0);
	CHECK_NUMBER(number_in(reply, "status"), 200);
	CHECK_TEXT(text_in(reply, "body"), "text");
	CHECK_TEXT(text_in(first, "name"), "Content-Type");
	CHECK_TEXT(text_in(first, "value"), "application/octet-stream");
	CU_ASSERT_PTR_NULL(json_object_get(reply, "trace"));
	json_decref(reply);
	finished = CALL("", "--json", "FILE", "gateway");
	check_code(&finished, 1);
}

static void gives_bytes_that_are_no_text_in_base64(void)
{
	static const char *const expected[] = { "/w==", "/wE=", "/wEC", "/wECAw==" };

	for (size_t size = 1; size <= 4; size++) {
		const char *path = scratch_write_bytes("bytes", "\xff\x01\x02\x03", size);
		struct finished finished = CALL("", "FILE", "echo", "--json", "-d",
		                                text_of("@%s", path));
		json_t *reply = parsed(&finished);

		CHECK_TEXT(text_in(reply, "body_base64"), expected[size - 1]);
		CU_ASSERT_PTR_NULL(json_object_get(reply, "body"));
		json_decref(reply);
	}
}

/* ---- The trace ------------------------------------------------------------------------------ */

static bool is_log(const char *line)
{
	return isdigit((unsigned char)line[0]) && isdigit((unsigned char)line[1]);
}

/* Without the log's lines and the times: "gateway 200\n  auth 200\n". */
static const char *tree_of(const char *text)
{
	const char *tree = "";

	for (; *text; text += strcspn(text, "\n") + 1) {
		char name[128], status[16], rest[256] = "";

		if (is_log(text) ||
		    sscanf(text, "%127s %15s %255[^\n]", name, status, rest) < 2)
			continue;
		tree = text_of("%s%*s%s %s%s\n", tree, (int)strspn(text, " "), "", name, status,
		               strstr(rest, "after") ? " after" : "");
	}
	return tree;
}

static void traces_each_call(void)
{
	struct finished finished =
		CALL("", "FILE", "gateway", "--trace", "-H", "x-custom-token: secret");

	check_code(&finished, 0);
	CHECK_TEXT(tree_of(finished.err), "gateway 200\n"
	                                  "  auth 200\n"
	                                  "  application 200\n");
	CHECK_NUMBER(lines_matching(finished.err, "^  auth         +200 +[0-9]+\\.[0-9] us$"), 1);
	CHECK_NUMBER(count_of(finished.out, "Hello from"), 1);
	finished = CALL("", "FILE", "gateway", "--trace");
	CHECK_TEXT(tree_of(finished.err), "gateway 403\n"
	                                  "  auth 403\n");
}

static void traces_in_json(void)
{
	struct finished finished = CALL("", "FILE", "gateway", "--trace", "--json");
	json_t *reply = parsed(&finished);
	json_t *first = json_array_get(json_object_get(reply, "trace"), 0);
	json_t *second = json_array_get(json_object_get(first, "calls"), 0);

	CHECK_TEXT(finished.err, "");
	CHECK_TEXT(text_in(first, "worker"), "gateway");
	CHECK_NUMBER(number_in(first, "status"), 403);
	CU_ASSERT(json_real_value(json_object_get(first, "microseconds")) > 0);
	CHECK_TEXT(text_in(second, "worker"), "auth");
	CHECK_NUMBER(json_array_size(json_object_get(second, "calls")), 0);
	CHECK_NUMBER(json_array_size(json_object_get(reply, "trace")), 1);
	json_decref(reply);
}

#define WAITS \
	"[worker both]\n" \
	"module = serve_wait.so\n" \
	"blocking = yes\n" \
	"service.next = one\n" \
	"service.other = two@b\n" \
	"[worker one]\n" \
	"module = serve_wait.so\n" \
	"blocking = yes\n" \
	"service.next = two@a 100%, two@b 0%\n" \
	"[worker two]\n" \
	"module = serve_wait.so\n" \
	"[worker two@a]\n" \
	"[worker two@b]\n" \
	"timeout = 1h\n"

/* On two threads, through a split, a gate, and to a NULL. */
static void traces_all_ways_of_calling(void)
{
	struct finished finished = CALL(WAITS, "FILE", "both", "--trace", "/both/next/null");

	check_code(&finished, 0);
	CHECK_NUMBER(count_of(finished.out, "0 given\n"), 1);
	CHECK_NUMBER(count_of(tree_of(finished.err), "both 200\n"), 1);
	CHECK_NUMBER(count_of(tree_of(finished.err), "  one NULL\n    two@a NULL\n") +
	                     count_of(tree_of(finished.err), "    two@a NULL\n"),
	             2);
	CHECK_NUMBER(count_of(tree_of(finished.err), "  two@b NULL\n"), 1);
}

/* It waits for a place that it has itself. */
static void traces_who_is_turned_away(void)
{
	const char *file = scratch_write("turn.ini",
	                                 "[host]\nmodules = %s\nqueue_timeout = 50ms\n"
	                                 "[worker self]\nmodule = serve_wait.so\n"
	                                 "blocking = yes\nconcurrency = 1\nservice.next = self\n",
	                                 built("tests/fixtures"));
	struct finished finished = call_with(
		NULL, file, (const char *const[]){ "FILE", "self", "/next/x", "--trace", NULL });

	check_code(&finished, 2);
	CHECK_TEXT(tree_of(finished.err), "self 503\n  self 503\n");
}

/* By the client's header, which a Worker's own requests have not. */
static void splits_by_what_the_client_sent(void)
{
	static const char split[] = "[worker both]\nmodule = serve_wait.so\n"
				    "service.next = one 50%, other 50%\n"
				    "split.next.key = header:x-user\n"
				    "[worker one]\nmodule = serve_wait.so\n"
				    "[worker other]\nmodule = serve_wait.so\n";
	const char *first = NULL;

	for (int i = 0; i < 12; i++) {
		struct finished finished = CALL(split, "FILE", "both", "/next/x", "--trace", "-H",
		                                "X-User: somebody");
		const char *tree = tree_of(finished.err);

		first = first ? first : tree;
		CHECK_TEXT(tree, first);
	}
	CHECK_NUMBER(count_of(first, "\n  o"), 1);
}

static void traces_what_comes_after_the_reply(void)
{
	struct finished finished = CALL("[worker later]\n"
	                                "module = serve_later.so\n"
	                                "service.next = application\n",
	                                "FILE", "later", "--trace", "/call");

	check_code(&finished, 0);
	CHECK_NUMBER(count_of(finished.err, "called, 200"), 1);
	CHECK_TEXT(tree_of(finished.err), "later 200\n"
	                                  "application 200 after\n");
	CHECK_NUMBER(count_of(finished.err, "after the reply, for later\n"), 1);
}

/* A Worker that calls itself: the limits are those of a host. */
static void traces_up_to_the_limits(void)
{
	static const char cycle[] = "[worker cycle]\n"
				    "module = serve_crash.so\n"
				    "service.next = cycle\n";
	struct finished with = CALL(cycle, "FILE", "cycle", "--trace");
	struct finished without = CALL(cycle, "FILE", "cycle");

	check_code(&with, 2);
	check_code(&without, 2);
	CHECK_TEXT(with.out, without.out);
	CHECK_NUMBER(lines_matching(tree_of(with.err), "^ *cycle NULL$"), 33);
	CHECK_NUMBER(count_of(with.err, "call of 'cycle' refused: 32 calls deep is max_depth"), 1);
	CHECK_NUMBER(count_of(without.err, "call of 'cycle' refused: 32 calls deep is max_depth"),
	             1);
}

/* ---- Workers that take their time ----------------------------------------------------------- */

static void a_timeout_counts(void)
{
	struct finished finished = CALL("[worker waits]\n"
	                                "module = serve_wait.so\n"
	                                "blocking = yes\n"
	                                "timeout = 50ms\n",
	                                "FILE", "waits", "/deadline", "--trace");

	check_code(&finished, 2);
	CHECK_NUMBER(count_of(finished.out, "HTTP/1.1 504 Gateway Timeout\r\n"), 1);
	CHECK_NUMBER(count_of(finished.err, "nobody waits"), 1);
	finished = CALL("[worker waits]\n"
	                "module = serve_wait.so\n"
	                "timeout = 50ms\n",
	                "FILE", "waits", "/deadline");
	check_code(&finished, 2);
	CHECK_NUMBER(count_of(finished.out, "HTTP/1.1 504 Gateway Timeout\r\n"), 1);
	CHECK_NUMBER(count_of(finished.err, "its timeout is 50 ms: it is thrown away"), 1);
}

/* Nothing is torn down below a thread that is still in it; what came of it is printed. */
static void leaves_who_does_not_come_back(void)
{
	const char *file = scratch_write("stuck.ini",
	                                 "[host]\nmodules = %s\ndrain_timeout = 100ms\n"
	                                 "[worker stuck]\nmodule = serve_crash.so\n"
	                                 "blocking = yes\ntimeout = 50ms\n",
	                                 built("tests/fixtures"));
	struct finished finished = call_with(
		NULL, file, (const char *const[]){ "FILE", "stuck", "/hang", "--trace", NULL });

	check_code(&finished, 2);
	CHECK_NUMBER(count_of(finished.out, "HTTP/1.1 504 Gateway Timeout\r\n"), 1);
	CHECK_NUMBER(count_of(finished.err, "worker=stuck: has not returned"), 1);
	CHECK_NUMBER(lines_matching(finished.err, "^stuck +has not returned$"), 1);
}

static void runs_the_hooks(void)
{
	struct finished finished =
		CALL("[worker hooks]\nmodule = serve_hooks.so\n", "FILE", "hooks");

	check_code(&finished, 0);
	CHECK_NUMBER(count_of(finished.out, "1 start\n"), 1);
	CHECK_NUMBER(count_of(finished.err, "start of hooks"), 1);
	CHECK_NUMBER(count_of(finished.err, "stop of hooks"), 1);
	finished = CALL("[worker hooks]\nmodule = serve_hooks.so\nvar.REASON = out of milk\n",
	                "FILE", "hooks");
	check_error(&finished, EX_CONFIG, "worker 'hooks': start: out of milk");
}

/* ---- Crashes -------------------------------------------------------------------------------- */

#define CRASH \
	"[worker outer]\n" \
	"module = serve_crash.so\n" \
	"service.next = crash\n" \
	"[worker crash]\n" \
	"module = serve_crash.so\n"

static bool left_to_others(void)
{
	if (host_is_instrumented())
		puts("skipped: the instruments have handlers of their own");
	return host_is_instrumented();
}

static void names_who_crashes(void)
{
	struct finished finished;

	if (left_to_others())
		return;
	finished = CALL(CRASH, "FILE", "outer", "/null");
	check_error(&finished, EX_SOFTWARE,
	            "worker=crash chain=outer>crash: SIGSEGV (address not mapped) at 0x0 while it "
	            "answered, request \"GET /null\"");
	CHECK_NUMBER(count_of(finished.err, " crash_null "), 1);
	finished = CALL(CRASH "blocking = yes\n", "FILE", "outer", "/null");
	check_error(&finished, EX_SOFTWARE, "worker=crash chain=outer>crash: SIGSEGV");
	CHECK_NUMBER(count_of(finished.err, " crash_null "), 1);
}

static void names_who_crashes_beside_requests(void)
{
	struct finished finished;

	if (left_to_others())
		return;
	finished = CALL(CRASH "var.START = null\n", "FILE", "crash");
	check_error(&finished, EX_SOFTWARE, "worker=crash: SIGSEGV (address not mapped) at 0x0 in "
	                                    "its start hook");
	finished = CALL(CRASH, "FILE", "crash", "/later/null");
	check_code(&finished, EX_SOFTWARE);
	CHECK_NUMBER(count_of(finished.out, "\r\n\r\nfine\n"), 1);
	CHECK_NUMBER(count_of(finished.err, "in work for after the reply"), 1);
}

static void names_who_ends_the_process(void)
{
	struct finished finished = CALL(CRASH, "FILE", "crash", "/exit");

	check_error(&finished, EX_SOFTWARE, "worker=crash: ");
	finished = CALL(CRASH, "FILE", "crash", "/exit-unseen");
	check_error(&finished, EX_SOFTWARE,
	            "worker=crash: the call ended (exit code 3) while it answered, request \"GET "
	            "/exit-unseen\"");
	finished = CALL(CRASH, "FILE", "outer", "/killed");
	check_error(&finished, EX_SOFTWARE,
	            "worker=crash chain=outer>crash: the call ended (SIGKILL) while it answered");
}

/* As the host does, and with its keys: hang_timeout counts from when it has the thread. */
static void ends_who_hangs(void)
{
	static const char stuck[] = "[host]\nmodules = %s\n%s\n[worker stuck]\nmodule = "
				    "serve_stuck.so\nvar.in_start = %s\n";
	const char *modules = built("tests/fixtures");
	const char *const words[] = { "FILE", "stuck", NULL };
	struct finished finished;

	if (left_to_others())
		return;
	finished = call_with(
		NULL, scratch_write("stuck.ini", stuck, modules, "hang_timeout = 100ms", "no"),
		words);
	check_error(&finished, EX_SOFTWARE,
	            "worker=stuck: the loop has not turned for 100 ms, while it answered, request "
	            "\"GET /\"");
	finished = call_with(
		NULL, scratch_write("stuck.ini", stuck, modules, "ready_timeout = 500ms", "yes"),
		words);
	check_error(&finished, EX_SOFTWARE,
	            "worker=stuck: not ready within 500 ms, in its start hook");
}

/* One reply, and not one for each process. */
static void a_child_that_comes_back_is_told_and_ends(void)
{
	struct finished finished =
		CALL("[worker forks]\nmodule = serve_fork.so\n", "FILE", "forks", "/returns");

	check_code(&finished, 0);
	CHECK_NUMBER(count_of(finished.out, "HTTP/1.1 200 OK\r\n"), 1);
	CHECK_NUMBER(count_of(finished.err, "which 'forks' or a Worker that it calls has forked, "
	                                    "came back from the call: have it end with _exit"),
	             1);
}

TEST_MAIN("e2e/call", TEST(prints_a_reply_as_it_would_be_sent), TEST(calls_a_private_one),
          TEST(loads_what_it_calls_alone), TEST(calls_in_an_environment),
          TEST(tells_the_class_of_the_status), TEST(head_has_no_body),
          TEST(has_no_field_that_is_not_sent), TEST(has_no_length_where_there_is_no_body),
          TEST(has_what_the_edge_sends), TEST(sends_what_it_is_told),
          TEST(has_the_headers_of_a_body), TEST(sends_a_file_byte_for_byte),
          TEST(sends_standard_input), TEST(refuses_a_body_that_the_edge_would_refuse),
          TEST(sends_a_body_of_any_size), TEST(refuses_what_is_no_request), TEST(gives_json),
          TEST(gives_bytes_that_are_no_text_in_base64), TEST(traces_each_call),
          TEST(traces_in_json), TEST(traces_all_ways_of_calling),
          TEST(traces_who_is_turned_away), TEST(splits_by_what_the_client_sent),
          TEST(traces_what_comes_after_the_reply), TEST(traces_up_to_the_limits),
          TEST(a_timeout_counts), TEST(leaves_who_does_not_come_back), TEST(runs_the_hooks),
          TEST(names_who_crashes), TEST(names_who_crashes_beside_requests),
          TEST(names_who_ends_the_process), TEST(ends_who_hangs),
          TEST(a_child_that_comes_back_is_told_and_ends))
