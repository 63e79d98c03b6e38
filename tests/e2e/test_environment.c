/* test_environment.c - versions of a Worker behind one gateway, environments side by side, and
 * files of several teams. */
#include "harness.h"

#include "../cunit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define FIRST "first-token"
#define SECOND "second-token"
#define REFUSED "x-custom-token does not match, request not allowed"
#define HELLO "Hello from the application worker\n"

/* Two versions of auth that differ in their secret: each refuses what the other lets through. */
#define VERSIONS \
	"[worker auth]\n" \
	"secret.SECRET_TOKEN = file:first\n" \
	"[worker auth@v1]\n" \
	"[worker auth@v2]\n" \
	"secret.SECRET_TOKEN = file:second\n" \
	"[worker application]\n"

#define GATEWAY \
	"[worker gateway]\n" \
	"route = /*\n" \
	"service.application = application\n"

static void write_secrets(void)
{
	scratch_write("first", "%s\n", FIRST);
	scratch_write("second", "%s\n", SECOND);
}

/* `text` follows the section [host]. */
static const char *write_file(const char *text)
{
	write_secrets();
	return scratch_write("x.ini", "[host]\nlisten = 127.0.0.1:0\nmodules = %s\n%s",
	                     built("plugins"), text);
}

/* With further lines for the gateway. */
static struct host *start(const char *gateway)
{
	return host_start(write_file(text_of(GATEWAY "%s" VERSIONS, gateway)));
}

/* The harness runs `tenon run FILE`; the environment comes behind it. */
static struct host *spawn_in(const char *environment, const char *file,
                             const char *const *before)
{
	const char *words[32];
	size_t count = 0;

	for (; before && *before; before++)
		words[count++] = *before;
	words[count++] = "sh";
	words[count++] = "-c";
	words[count++] = text_of("exec \"$@\" --environment %s", environment);
	words[count++] = "sh";
	words[count] = NULL;
	return host_spawn(file, &(struct host_options){ .before = words });
}

static struct host *start_in(const char *environment, const char *file)
{
	struct host *host = spawn_in(environment, file, NULL);

	if (!host_ready(host))
		CHECK_TEXT(host_log(host), "a line that it listens");
	return host;
}

static struct http_reply *get(const struct host *host, const char *token, const char *header)
{
	const char *headers[] = { text_of("x-custom-token: %s", token), header, NULL };

	return http(host, &(struct http_request){ .headers = headers });
}

static int status_of(const struct host *host, const char *token)
{
	return get(host, token, NULL)->status;
}

static unsigned chains(const struct host *host, const char *chain)
{
	return lines_matching(host_log(host), text_of(" chain=%s$", chain));
}

/* ---- Versions ------------------------------------------------------------------------------ */

static void a_binding_gets_exactly_the_version_it_names(void)
{
	struct host *host = start("service.auth = auth@v2\n");
	struct http_reply *reply = get(host, SECOND, NULL);

	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(reply->body, HELLO);
	reply = get(host, FIRST, NULL);
	CHECK_NUMBER(reply->status, 403);
	CHECK_TEXT(reply->body, REFUSED);
	host_end(host);
	CHECK_NUMBER(chains(host, "gateway\\(auth@v2,application\\)"), 1);
	CHECK_NUMBER(chains(host, "gateway\\(auth@v2\\)"), 1);
	host = start("service.auth = auth\n");
	CHECK_NUMBER(status_of(host, FIRST), 200);
	CHECK_NUMBER(status_of(host, SECOND), 403);
	host_end(host);
	CHECK_NUMBER(chains(host, "gateway\\(auth,application\\)"), 1);
}

/* By its own address, while all others get what they got before. */
static void a_version_may_have_a_preview_address(void)
{
	struct host *host = host_start(write_file(
		"[worker gateway]\nroute = www.example.com/*\nservice.auth = auth\n"
		"service.application = application\n"
		"[worker auth]\nsecret.SECRET_TOKEN = file:first\n"
		"[worker auth@v2]\nsecret.SECRET_TOKEN = file:second\nroute = v2.example.com/*\n"
		"[worker application]\n"));
	struct http_reply *reply = get(host, SECOND, "Host: v2.example.com");

	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(reply->body, "Request allowed");
	CHECK_NUMBER(get(host, FIRST, "Host: v2.example.com")->status, 403);
	CHECK_NUMBER(get(host, SECOND, "Host: www.example.com")->status, 403);
	CHECK_TEXT(get(host, FIRST, "Host: www.example.com")->body, HELLO);
	CHECK_NUMBER(get(host, FIRST, "Host: v1.example.com")->status, 404);
	host_end(host);
	CHECK_NUMBER(chains(host, "auth@v2"), 2);
	CHECK_NUMBER(chains(host, "gateway\\(auth(,application)?\\)"), 2);
}

/* ---- Splits -------------------------------------------------------------------------------- */

#define HALVES "service.auth = auth@v1 50%, auth@v2 50%\n"
#define DRAWN 400 /* 200 are expected, give or take 10 */

static void a_split_is_drawn_for_each_exchange(void)
{
	struct host *host = start(HALVES);
	struct http_client *client = http_open(host);
	const char *headers[] = { "x-custom-token: " FIRST, NULL };
	struct http_request request = { .headers = headers };
	unsigned first = 0, other = 0;

	for (unsigned i = 0; i < DRAWN; i++) {
		int status = http_send(client, &request)->status;

		first += status == 200;
		other += status == 403;
	}
	http_close(client);
	host_end(host);
	CHECK_NUMBER(first + other, DRAWN);
	CU_ASSERT(first > 130 && other > 130);
	CHECK_NUMBER(chains(host, "gateway\\(auth@v1,application\\)"), first);
	CHECK_NUMBER(chains(host, "gateway\\(auth@v2\\)"), other);
}

/* The second gateway binds the same two versions with the same weights. */
static void an_exchange_meets_one_version_wherever_it_meets_the_split(void)
{
	struct host *host = host_start(write_file(
		"[worker gateway]\nroute = /*\nmodule = gateway.so\n" HALVES
		"service.application = second\n"
		"[worker second]\nmodule = gateway.so\n" HALVES
		"service.application = application\n" VERSIONS));
	struct http_client *client = http_open(host);
	const char *headers[] = { "x-custom-token: " FIRST, NULL };

	for (unsigned i = 0; i < DRAWN; i++)
		http_send(client, &(struct http_request){ .headers = headers });
	http_close(client);
	host_end(host);
	CU_ASSERT(chains(host, "gateway\\(auth@v1,second\\(auth@v1,application\\)\\)") > 130);
	CU_ASSERT(chains(host, "gateway\\(auth@v2\\)") > 130);
	CHECK_NUMBER(chains(host, "gateway\\(auth@v1,second\\(auth@v2.*"), 0);
	CHECK_NUMBER(host_access_lines(host), DRAWN);
}

#define USERS 300

/* Which of the users get the second version. Each asks on a connection of its own, and once more,
 * with a header that says the same in another way. */
static void ask_users(const struct host *host, const char *header, const char *again,
                      bool second[USERS])
{
	for (unsigned i = 0; i < USERS; i++) {
		const char *line = text_of("%s%u", header, i);
		int status = get(host, SECOND, line)->status;

		second[i] = status == 200;
		CU_ASSERT(status == 200 || status == 403);
	}
	for (unsigned i = 0; i < USERS; i++)
		CHECK_NUMBER(get(host, SECOND, text_of("%s%u", again, i))->status,
		             second[i] ? 200 : 403);
}

static unsigned count_true(const bool second[USERS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < USERS; i++)
		count += second[i];
	return count;
}

static void ask_for_header(const char *weights, bool second[USERS])
{
	struct host *host = start(text_of("service.auth = %s\nsplit.auth.key = header:X-User\n",
	                                  weights));

	ask_users(host, "x-user: user", "X-USER: \t user", second);
	host_end(host);
}

/* Also after a restart; and where more go to it, those that had it keep it. */
static void the_same_header_gets_the_same_version(void)
{
	bool tenth[USERS], again[USERS], fifth[USERS];

	ask_for_header("auth@v1 90%, auth@v2 10%", tenth);
	ask_for_header("auth@v2 10%, auth@v1 90%", again);
	ask_for_header("auth@v1 80%, auth@v2 20%", fifth);
	CU_ASSERT(memcmp(tenth, again, sizeof(tenth)) == 0);
	for (unsigned i = 0; i < USERS; i++)
		CU_ASSERT(fifth[i] || !tenth[i]);
	CU_ASSERT(count_true(tenth) > 10 && count_true(tenth) < 60);
	CU_ASSERT(count_true(fifth) > count_true(tenth) + 5 && count_true(fifth) < 100);
}

static void the_same_cookie_gets_the_same_version(void)
{
	struct host *host = start(HALVES "split.auth.key = cookie:session\n");
	bool second[USERS];

	ask_users(host, "Cookie: theme=dark; session=", "Cookie: session=", second);
	host_end(host);
	CU_ASSERT(count_true(second) > 90 && count_true(second) < 210);
}

/* A connection from 127.0.0.`last`. */
static int connect_from(const struct host *host, unsigned last)
{
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last),
	};
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t)host->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(bind(number, (struct sockaddr *)&from, sizeof(from)) == 0);
	CU_ASSERT_FATAL(connect(number, (struct sockaddr *)&to, sizeof(to)) == 0);
	return number;
}

static int status_from(const struct host *host, unsigned last)
{
	int number = connect_from(host, last);
	struct wire_bytes reply;

	wire_text(number, "GET / HTTP/1.1\r\nHost: a\r\nx-custom-token: " SECOND "\r\n\r\n");
	reply = wire_read(number, 1);
	close(number);
	return wire_status(&reply);
}

/* From another port each time. */
static void the_same_address_gets_the_same_version(void)
{
	struct host *host = start(HALVES "split.auth.key = address\n");
	int statuses[64];
	unsigned second = 0;

	for (unsigned i = 0; i < 64; i++) {
		statuses[i] = status_from(host, i + 1);
		second += statuses[i] == 200;
		CU_ASSERT(statuses[i] == 200 || statuses[i] == 403);
	}
	for (unsigned i = 0; i < 64; i++)
		CHECK_NUMBER(status_from(host, i + 1), statuses[i]);
	host_end(host);
	CU_ASSERT(second > 8 && second < 56);
}

/* Whatever a Worker on the way has made of the request. */
static void the_key_is_what_the_client_sent(void)
{
	static const char *const keys[] = { "header:x-user", "cookie:session" };
	static const char *const headers[] = { "x-user: user", "Cookie: session=" };

	for (unsigned i = 0; i < 2; i++) {
		struct host *host = host_start(write_file(text_of(
			"[worker front]\nroute = /*\nmodule = %s\nservice.next = gateway\n"
			"[worker gateway]\n%sservice.application = application\n"
			"split.auth.key = %s\n" VERSIONS,
			fixture("serve_rewrite"), HALVES, keys[i])));
		bool second[USERS];

		ask_users(host, headers[i], headers[i], second);
		host_end(host);
		CU_ASSERT(count_true(second) > 90 && count_true(second) < 210);
	}
}

/* Who has no key is not all sent to one version. */
static void without_the_key_the_version_is_drawn(void)
{
	struct host *host = start(HALVES "split.auth.key = header:x-user\n");
	struct http_client *client = http_open(host);
	const char *headers[] = { "x-custom-token: " FIRST, NULL };
	unsigned first = 0;

	for (unsigned i = 0; i < DRAWN; i++)
		first += http_send(client, &(struct http_request){ .headers = headers })->status ==
		         200;
	http_close(client);
	host_end(host);
	CU_ASSERT(first > 130 && first < DRAWN - 130);
}

/* ---- Environments -------------------------------------------------------------------------- */

#define BOTH \
	"[host@staging]\n" \
	"listen = 127.0.0.2:0\n" \
	"[worker gateway]\n" \
	"route = /*\n" \
	"service.auth = auth\n" \
	"service.application = application\n" \
	"[worker auth]\n" \
	"secret.SECRET_TOKEN = file:first\n" \
	"[worker auth@staging]\n" \
	"secret.SECRET_TOKEN = file:second\n" \
	"[worker application]\n" \
	"[worker application@staging]\n" \
	"var.GREETING = Hello from staging\n"

#define FALLBACK "environment staging: no variant of gateway: it runs as it is"

static void two_environments_run_side_by_side_from_one_file(void)
{
	const char *file = write_file(BOTH);
	struct host *production = host_start(file);
	struct host *staging = start_in("staging", file);

	CU_ASSERT(strncmp(production->authority, "127.0.0.1:", 10) == 0);
	CU_ASSERT(strncmp(staging->authority, "127.0.0.2:", 10) == 0);
	CHECK_TEXT(get(production, FIRST, NULL)->body, HELLO);
	CHECK_TEXT(get(staging, SECOND, NULL)->body, "Hello from staging\n");
	CHECK_TEXT(get(production, SECOND, NULL)->body, REFUSED);
	CHECK_TEXT(get(staging, FIRST, NULL)->body, REFUSED);
	host_end(staging);
	CHECK_TEXT(get(production, FIRST, NULL)->body, HELLO);
	host_end(production);
	CHECK_NUMBER(chains(production, "gateway\\(auth,application\\)"), 2);
	CHECK_NUMBER(chains(staging, "gateway\\(auth@staging,application@staging\\)"), 1);
}

static void the_log_says_who_has_no_variant(void)
{
	const char *file = write_file(BOTH);
	struct host *production = host_start(file);
	struct host *staging = start_in("staging", file);

	host_end(production);
	host_end(staging);
	CHECK_NUMBER(lines_matching(host_log(staging), "Z info: " FALLBACK "$"), 1);
	CHECK_NUMBER(count_of(host_log(production), "environment"), 0);
	file = write_file(BOTH "[worker gateway@staging]\n");
	staging = start_in("staging", file);
	host_end(staging);
	CHECK_NUMBER(count_of(host_log(staging), "no variant of"), 0);
	file = write_file(GATEWAY "service.auth = auth\n" VERSIONS
	                          "[worker unreached]\n[worker auth@staging]\n");
	staging = start_in("staging", file);
	host_end(staging);
	CHECK_NUMBER(count_of(host_log(staging), "environment staging: no variant of gateway, "
	                                         "application: they run as they are\n"),
	             1);
}

/* A hundred Workers, each of which calls the next. */
static void a_log_of_many_is_cut(void)
{
	const char *text = "[worker w0-with-a-name-of-some-length]\nroute = /\n";
	struct host *host;
	const char *log, *more;

	for (unsigned i = 1; i < 100; i++)
		text = text_of("%smodule = %s\nservice.one = w%u-with-a-name-of-some-length\n"
		               "[worker w%u-with-a-name-of-some-length]\n",
		               text, fixture("mistake_node"), i, i);
	text = text_of("%smodule = %s\n[host@staging]\n", text, fixture("mistake_node"));
	host = start_in("staging", write_file(text));
	host_end(host);
	log = host_log(host);
	CHECK_NUMBER(count_of(log, "environment staging: no variant of w0-with-a-name"), 1);
	CHECK_NUMBER(lines_matching(log, ", w[0-9]+-with-a-name-of-some-length and [0-9]+ more: "
	                                 "they run as they are$"),
	             1);
	more = strstr(log, " and ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(more);
	CHECK_NUMBER(count_of(log, "-with-a-name-of-some-length") + strtol(more + 5, NULL, 10),
	             100);
}

static void each_needs_its_own_secret_only(void)
{
	const char *file = write_file(BOTH);
	struct host *host;

	CHECK_NUMBER(unlink(scratch_path("first")), 0);
	host = start_in("staging", file);
	CHECK_NUMBER(status_of(host, SECOND), 200);
	host_end(host);
	write_secrets();
	CHECK_NUMBER(unlink(scratch_path("second")), 0);
	host = host_start(file);
	CHECK_NUMBER(status_of(host, FIRST), 200);
	host_end(host);
	host = spawn_in("staging", file, NULL);
	CHECK_NUMBER(host_wait(host), EX_CONFIG);
	CHECK_TEXT(host_log(host),
	           text_of("%s:13: worker 'auth@staging': secret.SECRET_TOKEN: the file '%s' "
	                   "cannot be opened: No such file or directory: put the secret there\n",
	                   file, scratch_path("second")));
}

/* The tracer ends after the host, which is not its parent. */
static char *read_calls(const char *path)
{
	long long end = now_ms() + deadline_ms();

	while (!strstr(file_read(path), "+++ exited with 0 +++\n") && now_ms() < end)
		nap();
	return file_read(path);
}

/* All files that it opens, from its start to its end. NULL where no process may be traced. */
static char *opened_in(const char *environment, const char *token)
{
	const char *calls = scratch_path(text_of("%s.calls", environment));
	/* With -D the host stays the child, and may be traced where only children may. */
	const char *const strace[] = { "strace", "-D", "-f", "-e", "trace=open,openat", "-o",
		                       calls, NULL };
	struct host *host = spawn_in(environment, write_file(BOTH "[host@production]\n"), strace);

	if (!host_ready(host)) {
		if (strstr(host_log(host), "Operation not permitted"))
			printf("SKIPPED: processes may not be traced here (ptrace)\n");
		else
			CHECK_TEXT(host_log(host), "a line that it listens (is strace installed?)");
		return NULL;
	}
	CHECK_NUMBER(status_of(host, token), 200);
	host_end(host);
	return read_calls(calls);
}

/* Though it is there, and may be read. */
static void the_secret_of_the_other_is_never_opened(void)
{
	char *staging, *production;

	if (host_is_instrumented()) {
		printf("SKIPPED: a sanitizer or TN_HOST_PREFIX cannot be traced\n");
		return;
	}
	staging = opened_in("staging", SECOND);
	production = opened_in("production", FIRST);
	if (!staging || !production)
		return;
	CHECK_NUMBER(count_of(staging, "/second\""), 1);
	CHECK_NUMBER(count_of(staging, "/first\""), 0);
	CHECK_NUMBER(count_of(production, "/first\""), 1);
	CHECK_NUMBER(count_of(production, "/second\""), 0);
}

/* ---- Files of teams ------------------------------------------------------------------------ */

static void make_directory(const char *name)
{
	CU_ASSERT(mkdir(scratch_path(name), 0755) == 0 || access(scratch_path(name), X_OK) == 0);
}

static const char *write_teams(void)
{
	make_directory("teams");
	make_directory("teams/auth");
	scratch_write("teams/auth/token", "%s", FIRST);
	scratch_write("teams/auth/token-2", "%s", SECOND);
	scratch_write("teams/auth/team.ini", "; the team of auth\n"
	                                     "[worker auth]\n"
	                                     "secret.SECRET_TOKEN = file:token\n"
	                                     "[worker auth@v2]\n"
	                                     "secret.SECRET_TOKEN = file:token-2\n");
	make_directory("teams/application");
	scratch_write("teams/application/team.ini", "[worker application]\n"
	                                            "var.GREETING = Hello from a team\n");
	return scratch_write("x.ini", "include = teams/*/team.ini\n"
	                              "[host]\n"
	                              "listen = 127.0.0.1:0\n"
	                              "modules = %s\n"
	                              "[worker gateway]\n"
	                              "route = /*\n"
	                              "service.auth = auth@v2\n"
	                              "service.application = application\n",
	                     built("plugins"));
}

static void a_worker_is_bound_from_another_file(void)
{
	struct host *host = host_start(write_teams());

	CHECK_TEXT(get(host, SECOND, NULL)->body, "Hello from a team\n");
	CHECK_NUMBER(status_of(host, FIRST), 403);
	host_end(host);
	CHECK_NUMBER(chains(host, "gateway\\(auth@v2,application\\)"), 1);
}

/* ---- Mistakes ------------------------------------------------------------------------------ */

static const char *replace(const char *text, const char *part, const char *by)
{
	const char *result = "";
	const char *at;

	while ((at = strstr(text, part))) {
		result = text_of("%s%.*s%s", result, (int)(at - text), text, by);
		text = at + strlen(part);
	}
	return text_of("%s%s", result, text);
}

/* The exit code, and all that is written, without the directories that differ in each run. */
static void expect(struct finished finished, int code, const char *expected)
{
	const char *told = replace(finished.err, text_of("%s/", scratch_directory()), "");

	CHECK_NUMBER(finished.code, code);
	CHECK_TEXT(finished.out, "");
	CHECK_TEXT(replace(told, built(""), "BUILD/"), expected);
}

/* Of a gateway with further lines, from line 7 on, before the versions of auth. */
static void expect_of(const char *gateway, int code, const char *expected)
{
	expect(tenon_check(write_file(text_of(GATEWAY "%s" VERSIONS, gateway))), code, expected);
}

static struct finished check_in(const char *environment, const char *file)
{
	return tenon_run((const char *const[]){ "check", "--environment", environment, file, NULL },
	                 NULL);
}

static void what_is_right_is_told_in_one_line(void)
{
	const char *file;

	expect_of(HALVES, 0, "x.ini: 4 Workers, 1 route, no errors\n");
	file = write_file(BOTH);
	expect(tenon_check(file), 0, "x.ini: 3 Workers, 1 route, no errors\n");
	expect(check_in("staging", file), 0, "x.ini: 3 Workers, 1 route, no errors\n");
}

static void an_unknown_version_gets_a_suggestion(void)
{
	expect_of("service.auth = auth@v3\n", EX_CONFIG,
	          "x.ini:7: worker 'gateway': service.auth: no worker 'auth@v3' (did you mean "
	          "'auth@v1'?)\n");
	expect_of("service.auth = auth@v1 90%, auht@v2 10%\n", EX_CONFIG,
	          "x.ini:7: worker 'gateway': service.auth: no worker 'auht@v2' (did you mean "
	          "'auth@v2'?)\n");
}

static void an_unknown_environment_gets_a_suggestion(void)
{
	const char *file = write_file(BOTH);
	const char *const arguments[] = { "run", "--single", "--environment", "stagin", file,
		                          NULL };

	expect(check_in("stagin", file), EX_CONFIG,
	       "x.ini: there is no environment 'stagin' (did you mean 'staging'?): a section of it "
	       "is [worker NAME@stagin] or [host@stagin]\n");
	expect(tenon_run(arguments, NULL), EX_CONFIG,
	       "x.ini: there is no environment 'stagin' (did you mean 'staging'?): a section of it "
	       "is [worker NAME@stagin] or [host@stagin]\n");
}

static void weights_that_are_no_hundred_percent_are_told(void)
{
	expect_of("service.auth = auth@v1 90%, auth@v2 20%\n", EX_CONFIG,
	          "x.ini:7: worker 'gateway': service.auth: the weights are 110% together: they "
	          "are to be 100%\n");
	expect_of("service.auth = auth@v1 90, auth@v2 -10%\nsplit.auth.key = header\n", EX_CONFIG,
	          "x.ini:7: worker 'gateway': service.auth: 'auth@v1 90': a weight needs its '%': "
	          "write one such as 10%\n"
	          "x.ini:7: worker 'gateway': service.auth: 'auth@v2 -10%': a weight cannot be "
	          "negative: write one such as 10%\n"
	          "x.ini:8: worker 'gateway': split.auth.key: 'header': not a key: write "
	          "header:NAME, cookie:NAME or address\n");
	expect_of("service.auth = auth@v1, auth@v2\n", EX_CONFIG,
	          "x.ini:7: worker 'gateway': service.auth: each of several has a weight: write "
	          "`service.auth = auth@v1 90%, auth@v2 10%`\n");
}

static void variants_that_inherit_from_one_another_are_told(void)
{
	expect_of("service.auth = auth@a\n"
	          "[worker auth@a]\ninherits = auth@b\n"
	          "[worker auth@b]\ninherits = auth@c\n"
	          "[worker auth@c]\ninherits = auth@a\nsecret.SECRET_TOKEN = file:first\n",
	          EX_CONFIG,
	          "x.ini:13: worker 'auth@c': inherits: the variants inherit from one another, "
	          "auth@a > auth@b > auth@c > auth@a: name another one\n");
	expect_of("service.auth = auth@a\n[worker auth@a]\ninherits = auth@v22\n", EX_CONFIG,
	          "x.ini:8: worker 'auth@a': secret.SECRET_TOKEN: module 'BUILD/plugins/auth.so' "
	          "needs this binding: add `secret.SECRET_TOKEN = env:NAME, or file:PATH`\n"
	          "x.ini:9: worker 'auth@a': inherits: no worker 'auth@v22' (did you mean "
	          "'auth@v2'?)\n");
}

static void what_cannot_be_unset_is_told(void)
{
	expect_of("service.auth =\n", EX_CONFIG,
	          "x.ini:4: worker 'gateway': service.auth: module 'BUILD/plugins/gateway.so' "
	          "needs this binding: add `service.auth = NAME-OF-A-WORKER`\n"
	          "x.ini:7: worker 'gateway': service.auth: no value: write one, \"\" for "
	          "an empty text, or remove the line (only a variant unsets a key so)\n");
	expect_of("service.auth = auth@v9\n"
	          "[worker auth@v9]\nsecret.TOKEN =\nsecret.SECRET_TOKEN =\n",
	          EX_CONFIG,
	          "x.ini:8: worker 'auth@v9': secret.SECRET_TOKEN: module 'BUILD/plugins/auth.so' "
	          "needs this binding: add `secret.SECRET_TOKEN = env:NAME, or file:PATH`\n"
	          "x.ini:9: worker 'auth@v9': secret.TOKEN: it is unset here, but is inherited "
	          "from nobody: write a value, or remove the line\n");
}

static void mistakes_in_the_files_of_teams_have_their_places(void)
{
	const char *file = write_teams();

	make_directory("more");
	scratch_write("more/auth.ini", "include = ../teams/auth/team.ini\n"
	                               "[worker auth]\n"
	                               "module = ./auth.so\n"
	                               "secret.SECRET_TOKEN = file:token\n"
	                               "[worker gateway@v2]\n"
	                               "service.auth = atuh\n");
	scratch_write("x.ini", "include = more/*.ini, missing.ini\n%s", file_read(file));
	expect(tenon_check(file), EX_CONFIG,
	       "x.ini:1: include: 'missing.ini': there is no such file: name a file, or files such "
	       "as conf.d/*.ini\n"
	       "more/auth.ini:1: include: 'more/../teams/auth/team.ini' is part of the "
	       "configuration already: include it once\n"
	       "more/auth.ini:3: worker 'auth@v2': module 'more/auth.so': there is no such file: "
	       "build it, or set `module`, or `modules` in [host]\n"
	       "more/auth.ini:6: worker 'gateway@v2': service.auth: no worker 'atuh' (did you mean "
	       "'auth'?)\n"
	       "teams/auth/team.ini:2: a second [worker auth], the first is in more/auth.ini:2: "
	       "put the keys of both below one\n"
	       "teams/auth/team.ini:3: worker 'auth': secret.SECRET_TOKEN: already in "
	       "more/auth.ini:4: keep one of the two\n");
}

static void what_nobody_reaches_gets_a_warning(void)
{
	expect_of("service.auth = auth\n[worker old]\nservice.auth = auth\n[worker older]\n"
	          "service.old = old\n",
	          0,
	          "x.ini:8: warning: worker 'old': it is not loaded: no route leads to it, and "
	          "only Workers that are not reached bind it: give it a route, bind it, or remove "
	          "it\n"
	          "x.ini:10: warning: worker 'older': it is not loaded: no route leads to it, and "
	          "nobody binds it: give it a route, bind it, or remove it\n"
	          "x.ini: 3 Workers, 1 route, no errors\n");
}

TEST_MAIN("e2e/environment",
          TEST(a_binding_gets_exactly_the_version_it_names),
          TEST(a_version_may_have_a_preview_address),
          TEST(a_split_is_drawn_for_each_exchange),
          TEST(an_exchange_meets_one_version_wherever_it_meets_the_split),
          TEST(the_same_header_gets_the_same_version),
          TEST(the_same_cookie_gets_the_same_version),
          TEST(the_same_address_gets_the_same_version),
          TEST(the_key_is_what_the_client_sent),
          TEST(without_the_key_the_version_is_drawn),
          TEST(two_environments_run_side_by_side_from_one_file),
          TEST(the_log_says_who_has_no_variant),
          TEST(a_log_of_many_is_cut),
          TEST(each_needs_its_own_secret_only),
          TEST(the_secret_of_the_other_is_never_opened),
          TEST(a_worker_is_bound_from_another_file),
          TEST(what_is_right_is_told_in_one_line),
          TEST(an_unknown_version_gets_a_suggestion),
          TEST(an_unknown_environment_gets_a_suggestion),
          TEST(weights_that_are_no_hundred_percent_are_told),
          TEST(variants_that_inherit_from_one_another_are_told),
          TEST(what_cannot_be_unset_is_told),
          TEST(mistakes_in_the_files_of_teams_have_their_places),
          TEST(what_nobody_reaches_gets_a_warning))
