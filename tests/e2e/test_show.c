/* test_show.c - `tenon show`: what a Worker gets in the end, and where each key of it stands. */
#include "harness.h"

#include "../cunit.h"

#include <jansson.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789ABCDEF"

static void write_teams(void);
static void write_environments(void);

/* The files are named without a directory, so that what is printed is the same each time. */
__attribute__((constructor)) static void set_up(void)
{
	built("");
	if (chdir(scratch_directory()) < 0 || mkdir("conf.d", 0700) < 0 ||
	    mkdir("etc", 0700) < 0 || mkdir("secrets", 0700) < 0)
		give_up("the scratch directory");
	scratch_write("secrets/token", "%s\n", TOKEN);
	scratch_write("secrets/short", "x\n");
	scratch_write("secrets/open", "x\n");
	if (chmod("secrets/open", 0644) < 0)
		give_up("chmod");
	write_teams();
	write_environments();
}

#define SHOW(...) tenon_run((const char *const[]){ "show", __VA_ARGS__, NULL }, NULL)

/* The whole of what is printed, and nothing else. */
static void expect(struct finished finished, const char *expected)
{
	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.out, expected);
	CHECK_TEXT(finished.err, "");
}

static void expect_refusal(struct finished finished, int code, const char *expected)
{
	CHECK_NUMBER(finished.code, code);
	CHECK_TEXT(finished.out, "");
	CHECK_TEXT(finished.err, expected);
}

/* ---- Keys ---------------------------------------------------------------------------------- */

/* Two files, in two directories. */
static void write_teams(void)
{
	scratch_write("teams.ini", "include = conf.d/*.ini\n"
	                           "\n"
	                           "[host]\n"
	                           "modules = /srv/workers\n"
	                           "\n"
	                           "[worker gateway]\n"
	                           "split.auth.key = header:x-user\n"
	                           "service.auth = auth@v1 90%%, auth@v2 10%%\n"
	                           "route = /*, www.example.com/*\n");
	scratch_write("conf.d/auth.ini", "[worker auth]\n"
	                                 "secret.TOKEN = file:../secrets/token\n"
	                                 "secret.OLD = file:../secrets/short\n"
	                                 "var.GREETING = Gr\u00fc\u00dfe\n"
	                                 "var.EMPTY = \"\"\n"
	                                 "var.WIDE = \"wide  \"\n"
	                                 "service.users = users\n"
	                                 "[worker auth@v1]\n"
	                                 "[worker auth@v2]\n"
	                                 "module = ./auth-2.so\n"
	                                 "[worker auth@staging]\n"
	                                 "inherits = auth@v2\n"
	                                 "secret.OLD =\n"
	                                 "var.GREETING = \" hello\"\n"
	                                 "[worker users]\n");
}

static void every_key_of_a_variant_of_a_variant_has_its_place(void)
{
	expect(SHOW("teams.ini", "auth@staging"),
	       "auth@staging: unreachable, inherits from auth@v2, conf.d/auth.ini:11\n"
	       "  KEY            VALUE                                      FROM\n"
	       "  inherits       auth@v2                                    "
	       "conf.d/auth.ini:12\n"
	       "  module         conf.d/auth-2.so                           "
	       "conf.d/auth.ini:10, inherited from auth@v2\n"
	       "  secret.TOKEN   (secret, 32 bytes, file:../secrets/token)  "
	       "conf.d/auth.ini:2, inherited from auth\n"
	       "  var.GREETING   \" hello\"                                   "
	       "conf.d/auth.ini:14\n"
	       "  var.EMPTY      \"\"                                         "
	       "conf.d/auth.ini:5, inherited from auth\n"
	       "  var.WIDE       \"wide  \"                                   "
	       "conf.d/auth.ini:6, inherited from auth\n"
	       "  service.users  users                                      "
	       "conf.d/auth.ini:7, inherited from auth\n");
}

static void a_worker_without_a_module_key_has_the_default(void)
{
	expect(SHOW("teams.ini", "auth"),
	       "auth: unreachable, conf.d/auth.ini:1\n"
	       "  KEY            VALUE                                      FROM\n"
	       "  module         /srv/workers/auth.so                       (default)\n"
	       "  secret.TOKEN   (secret, 32 bytes, file:../secrets/token)  "
	       "conf.d/auth.ini:2\n"
	       "  secret.OLD     (secret, 1 byte, file:../secrets/short)    "
	       "conf.d/auth.ini:3\n"
	       "  var.GREETING   Grüße                                      "
	       "conf.d/auth.ini:4\n"
	       "  var.EMPTY      \"\"                                         "
	       "conf.d/auth.ini:5\n"
	       "  var.WIDE       \"wide  \"                                   "
	       "conf.d/auth.ini:6\n"
	       "  service.users  users                                      "
	       "conf.d/auth.ini:7\n");
}

static void the_module_and_the_route_come_first_and_a_split_has_its_weights(void)
{
	expect(SHOW("teams.ini", "gateway"),
	       "gateway: public, teams.ini:6\n"
	       "  KEY             VALUE                     FROM\n"
	       "  module          /srv/workers/gateway.so   (default)\n"
	       "  route           /*, www.example.com/*     teams.ini:9\n"
	       "  split.auth.key  header:x-user             teams.ini:7\n"
	       "  service.auth    auth@v1 90%, auth@v2 10%  teams.ini:8\n");
}

static void a_worker_without_keys_has_a_module(void)
{
	expect(SHOW("teams.ini", "users"),
	       "users: private, conf.d/auth.ini:15\n"
	       "  KEY     VALUE                  FROM\n"
	       "  module  /srv/workers/users.so  (default)\n");
}

/* ---- Environments -------------------------------------------------------------------------- */

static void write_environments(void)
{
	scratch_write("both.ini", "[host]\n"
	                          "listen = 127.0.0.1:8080\n"
	                          "modules = /srv/workers\n"
	                          "[host@staging]\n"
	                          "listen = 127.0.0.1:9090\n"
	                          "[worker gateway]\n"
	                          "route = /*\n"
	                          "service.auth = auth\n"
	                          "service.mixed = auth 25%%, auth@v2 75%%\n"
	                          "service.users = users\n"
	                          "[worker gateway@staging]\n"
	                          "var.NAME = staging\n"
	                          "[worker gateway@v2]\n"
	                          "route = v2.example.com/*\n"
	                          "service.mixed =\n"
	                          "[worker auth]\n"
	                          "secret.TOKEN = file:secrets/none\n"
	                          "[worker auth@staging]\n"
	                          "secret.TOKEN = file:secrets/token\n"
	                          "[worker auth@v2]\n"
	                          "secret.TOKEN =\n"
	                          "[worker users]\n");
}

static void a_name_means_its_variant_and_a_binding_shows_both(void)
{
	expect(SHOW("--environment", "staging", "both.ini", "gateway"),
	       "gateway@staging: public, inherits from gateway, both.ini:11\n"
	       "  KEY            VALUE                                                   "
	       "FROM\n"
	       "  module         /srv/workers/gateway.so                                 "
	       "(default)\n"
	       "  route          /*                                                      "
	       "both.ini:7, inherited from gateway\n"
	       "  service.auth   auth -> auth@staging                                    "
	       "both.ini:8, inherited from gateway\n"
	       "  service.mixed  auth 25%, auth@v2 75% -> auth@staging 25%, auth@v2 75%  "
	       "both.ini:9, inherited from gateway\n"
	       "  service.users  users                                                   "
	       "both.ini:10, inherited from gateway\n"
	       "  var.NAME       staging                                                 "
	       "both.ini:12\n");
}

/* Two names of one Worker; in either order, they are not what is written. */
static void what_has_one_meaning_is_one_target(void)
{
	scratch_write("merged.ini", "[worker a]\n"
	                            "route = /\n"
	                            "module = /srv/a.so\n"
	                            "service.one = b 25%%, b@staging 75%%\n"
	                            "service.two = b@staging 75%%, b 25%%\n"
	                            "service.all = b@staging 100%%, b@v2 0%%\n"
	                            "[worker b]\n"
	                            "[worker b@staging]\n"
	                            "[worker b@v2]\n");
	expect(SHOW("--environment", "staging", "merged.ini", "a"),
	       "a: public, merged.ini:1\n"
	       "  KEY          VALUE                              FROM\n"
	       "  module       /srv/a.so                          merged.ini:3\n"
	       "  route        /                                  merged.ini:2\n"
	       "  service.one  b 25%, b@staging 75% -> b@staging  merged.ini:4\n"
	       "  service.two  b@staging 75%, b 25% -> b@staging  merged.ini:5\n"
	       "  service.all  b@staging 100%, b@v2 0%            merged.ini:6\n");
}

static void without_the_environment_a_name_is_what_is_written(void)
{
	expect(SHOW("both.ini", "gateway"),
	       "gateway: public, both.ini:6\n"
	       "  KEY            VALUE                    FROM\n"
	       "  module         /srv/workers/gateway.so  (default)\n"
	       "  route          /*                       both.ini:7\n"
	       "  service.auth   auth                     both.ini:8\n"
	       "  service.mixed  auth 25%, auth@v2 75%    both.ini:9\n"
	       "  service.users  users                    both.ini:10\n");
}

static void a_route_that_is_none_of_the_environment_says_so(void)
{
	expect(SHOW("--environment", "staging", "both.ini", "gateway@v2"),
	       "gateway@v2: unreachable, inherits from gateway, both.ini:13\n"
	       "  KEY            VALUE                                          FROM\n"
	       "  module         /srv/workers/gateway.so                        (default)\n"
	       "  route          v2.example.com/* (not in environment staging)  both.ini:14\n"
	       "  service.auth   auth -> auth@staging                           "
	       "both.ini:8, inherited from gateway\n"
	       "  service.users  users                                          "
	       "both.ini:10, inherited from gateway\n");
}

/* The secret of `auth`, which staging does not load, is not there: nobody looks for it. */
static void without_a_name_the_host_and_all_workers_are_shown(void)
{
	expect(SHOW("--environment", "staging", "both.ini"),
	       "[host@staging]: inherits from [host], both.ini:4\n"
	       "  KEY      VALUE           FROM\n"
	       "  listen   127.0.0.1:9090  both.ini:5\n"
	       "  modules  /srv/workers    both.ini:3, inherited from [host]\n"
	       "\n"
	       "gateway: unreachable, both.ini:6\n"
	       "  KEY            VALUE                                                   "
	       "FROM\n"
	       "  module         /srv/workers/gateway.so                                 "
	       "(default)\n"
	       "  route          /* (not in environment staging)                         "
	       "both.ini:7\n"
	       "  service.auth   auth -> auth@staging                                    "
	       "both.ini:8\n"
	       "  service.mixed  auth 25%, auth@v2 75% -> auth@staging 25%, auth@v2 75%  "
	       "both.ini:9\n"
	       "  service.users  users                                                   "
	       "both.ini:10\n"
	       "\n"
	       "gateway@staging: public, inherits from gateway, both.ini:11\n"
	       "  KEY            VALUE                                                   "
	       "FROM\n"
	       "  module         /srv/workers/gateway.so                                 "
	       "(default)\n"
	       "  route          /*                                                      "
	       "both.ini:7, inherited from gateway\n"
	       "  service.auth   auth -> auth@staging                                    "
	       "both.ini:8, inherited from gateway\n"
	       "  service.mixed  auth 25%, auth@v2 75% -> auth@staging 25%, auth@v2 75%  "
	       "both.ini:9, inherited from gateway\n"
	       "  service.users  users                                                   "
	       "both.ini:10, inherited from gateway\n"
	       "  var.NAME       staging                                                 "
	       "both.ini:12\n"
	       "\n"
	       "gateway@v2: unreachable, inherits from gateway, both.ini:13\n"
	       "  KEY            VALUE                                          FROM\n"
	       "  module         /srv/workers/gateway.so                        (default)\n"
	       "  route          v2.example.com/* (not in environment staging)  both.ini:14\n"
	       "  service.auth   auth -> auth@staging                           "
	       "both.ini:8, inherited from gateway\n"
	       "  service.users  users                                          "
	       "both.ini:10, inherited from gateway\n"
	       "\n"
	       "auth: unreachable, both.ini:16\n"
	       "  KEY           VALUE                                    FROM\n"
	       "  module        /srv/workers/auth.so                     (default)\n"
	       "  secret.TOKEN  (secret, not opened, file:secrets/none)  both.ini:17\n"
	       "\n"
	       "auth@staging: private, inherits from auth, both.ini:18\n"
	       "  KEY           VALUE                                   FROM\n"
	       "  module        /srv/workers/auth.so                    (default)\n"
	       "  secret.TOKEN  (secret, 32 bytes, file:secrets/token)  both.ini:19\n"
	       "\n"
	       "auth@v2: private, inherits from auth, both.ini:20\n"
	       "  KEY     VALUE                 FROM\n"
	       "  module  /srv/workers/auth.so  (default)\n"
	       "\n"
	       "users: private, both.ini:22\n"
	       "  KEY     VALUE                  FROM\n"
	       "  module  /srv/workers/users.so  (default)\n");
}

static void the_host_is_shown_by_its_name(void)
{
	expect(SHOW("both.ini", "[host]"),
	       "[host]: both.ini:1\n"
	       "  KEY      VALUE           FROM\n"
	       "  listen   127.0.0.1:8080  both.ini:2\n"
	       "  modules  /srv/workers    both.ini:3\n");
	expect(SHOW("--environment", "staging", "both.ini", "[host]"),
	       "[host@staging]: inherits from [host], both.ini:4\n"
	       "  KEY      VALUE           FROM\n"
	       "  listen   127.0.0.1:9090  both.ini:5\n"
	       "  modules  /srv/workers    both.ini:3, inherited from [host]\n");
	expect(SHOW("--environment", "staging", "both.ini", "[host@staging]"),
	       "[host@staging]: inherits from [host], both.ini:4\n"
	       "  KEY      VALUE           FROM\n"
	       "  listen   127.0.0.1:9090  both.ini:5\n"
	       "  modules  /srv/workers    both.ini:3, inherited from [host]\n");
}

/* As `set` takes it. */
static void the_host_of_an_environment_is_shown_by_its_name_alone(void)
{
	expect(SHOW("both.ini", "[host@staging]"),
	       "[host@staging]: inherits from [host], both.ini:4\n"
	       "  KEY      VALUE           FROM\n"
	       "  listen   127.0.0.1:9090  both.ini:5\n"
	       "  modules  /srv/workers    both.ini:3, inherited from [host]\n");
	expect_refusal(SHOW("both.ini", "[host@stagin]"), EX_CONFIG,
	               "both.ini: there is no environment 'stagin' (did you mean 'staging'?): a "
	               "section of it is [worker NAME@stagin] or [host@stagin]\n");
	expect_refusal(SHOW("teams.ini", "[host@staging]"), EX_USAGE,
	               "tenon: teams.ini: there is no [host@staging] in this environment: see "
	               "[host]\n");
}

static void the_paths_of_the_host_begin_where_its_file_is(void)
{
	scratch_write("etc/host.ini", "[host]\n"
	                              "modules = ../workers\n"
	                              "access_log = access.log\n"
	                              "idle_timeout = 10s\n"
	                              "[worker a]\n"
	                              "route = /\n");
	expect(SHOW("etc/host.ini"),
	       "[host]: etc/host.ini:1\n"
	       "  KEY           VALUE           FROM\n"
	       "  modules       etc/../workers  etc/host.ini:2\n"
	       "  access_log    etc/access.log  etc/host.ini:3\n"
	       "  idle_timeout  10s             etc/host.ini:4\n"
	       "\n"
	       "a: public, etc/host.ini:5\n"
	       "  KEY     VALUE                FROM\n"
	       "  module  etc/../workers/a.so  (default)\n"
	       "  route   /                    etc/host.ini:6\n");
}

static void a_host_that_sets_nothing_says_so(void)
{
	scratch_write("plain.ini", "[worker a]\n"
	                           "route = /\n"
	                           "module = /srv/a.so\n");
	expect(SHOW("plain.ini"),
	       "[host]: nothing is set, the defaults hold\n"
	       "\n"
	       "a: public, plain.ini:1\n"
	       "  KEY     VALUE      FROM\n"
	       "  module  /srv/a.so  plain.ini:3\n"
	       "  route   /          plain.ini:2\n");
}

/* ---- Secrets ------------------------------------------------------------------------------- */

static void write_secrets(void)
{
	scratch_write("secrets.ini", "[worker a]\n"
	                             "route = /\n"
	                             "module = /srv/a.so\n"
	                             "secret.FILE = file:secrets/token\n"
	                             "secret.OPEN = file:secrets/open\n"
	                             "secret.VARIABLE = env:TENON_TEST_TOKEN\n"
	                             "secret.CREDENTIAL = credential:token\n");
}

static void a_secret_that_cannot_be_read_is_told_and_is_no_failure(void)
{
	struct finished finished;

	write_secrets();
	finished = SHOW("secrets.ini", "a");
	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.out,
	           "a: public, secrets.ini:1\n"
	           "  KEY                VALUE                                         FROM\n"
	           "  module             /srv/a.so                                     "
	           "secrets.ini:3\n"
	           "  route              /                                             "
	           "secrets.ini:2\n"
	           "  secret.FILE        (secret, 32 bytes, file:secrets/token)        "
	           "secrets.ini:4\n"
	           "  secret.OPEN        (secret, not readable, file:secrets/open)     "
	           "secrets.ini:5\n"
	           "  secret.VARIABLE    (secret, not readable, env:TENON_TEST_TOKEN)  "
	           "secrets.ini:6\n"
	           "  secret.CREDENTIAL  (secret, not readable, credential:token)      "
	           "secrets.ini:7\n");
	CHECK_NUMBER(lines_matching(finished.err, "."), 3);
	CHECK_NUMBER(lines_matching(finished.err, "^secrets.ini:5: .*OPEN.* open to every"), 1);
	CHECK_NUMBER(lines_matching(finished.err, "^secrets.ini:6: .*VARIABLE.* is not set"), 1);
	CHECK_NUMBER(lines_matching(finished.err, "^secrets.ini:7: .*CREDENTIAL.* not set"), 1);
}

static void a_secret_is_measured_wherever_it_comes_from(void)
{
	const char *const environment[] = {
		"TENON_TEST_TOKEN=" TOKEN TOKEN,
		text_of("CREDENTIALS_DIRECTORY=%s", scratch_path("secrets")),
		NULL,
	};
	const char *const arguments[] = { "show", "secrets.ini", "a", NULL };
	struct finished finished;

	write_secrets();
	finished = tenon_run(arguments, environment);
	CHECK_NUMBER(count_of(finished.out, "(secret, 32 bytes, file:secrets/token)"), 1);
	CHECK_NUMBER(count_of(finished.out, "(secret, 64 bytes, env:TENON_TEST_TOKEN)"), 1);
	CHECK_NUMBER(count_of(finished.out, "(secret, 32 bytes, credential:token)"), 1);
}

static void expect_hidden(struct finished finished, const char *secret)
{
	CHECK_NUMBER(finished.code, 0);
	CU_ASSERT(*finished.out);
	CHECK_NUMBER(count_of(finished.out, secret), 0);
	CHECK_NUMBER(count_of(finished.err, secret), 0);
}

static void the_bytes_of_a_secret_are_never_shown(void)
{
	expect_hidden(SHOW("teams.ini", "auth"), TOKEN);
	expect_hidden(SHOW("--json", "teams.ini", "auth"), TOKEN);
	expect_hidden(SHOW("teams.ini"), TOKEN);
}

/* Nor a part: what stands before the ':' may be of the secret, too. */
static void a_secret_that_is_written_into_the_file_is_not_shown_either(void)
{
	struct finished finished;

	scratch_write("literal.ini", "[worker a]\n"
	                             "route = /\n"
	                             "module = /srv/a.so\n"
	                             "secret.ONE = hunter2:rest\n"
	                             "secret.TWO = fiel:secrets/hunter2\n"
	                             "[worker b]\n"
	                             "module = /srv/b.so\n"
	                             "secret.THREE = hunter2\n");
	finished = SHOW("literal.ini");
	CHECK_TEXT(finished.out,
	           "[host]: nothing is set, the defaults hold\n"
	           "\n"
	           "a: public, literal.ini:1\n"
	           "  KEY         VALUE                                          FROM\n"
	           "  module      /srv/a.so                                      literal.ini:3\n"
	           "  route       /                                              literal.ini:2\n"
	           "  secret.ONE  (secret, not readable, written into the file)  literal.ini:4\n"
	           "  secret.TWO  (secret, not readable, written into the file)  literal.ini:5\n"
	           "\n"
	           "b: unreachable, literal.ini:6\n"
	           "  KEY           VALUE                                        FROM\n"
	           "  module        /srv/b.so                                    literal.ini:7\n"
	           "  secret.THREE  (secret, not opened, written into the file)  literal.ini:8\n");
	expect_hidden(finished, "hunter2");
	expect_hidden(SHOW("--json", "literal.ini"), "hunter2");
	expect_hidden(SHOW("literal.ini", "b"), "hunter2");
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void a_worker_is_one_object(void)
{
	expect(SHOW("--json", "teams.ini", "auth@staging"),
	       "{\n"
	       "  \"kind\": \"worker\",\n"
	       "  \"name\": \"auth@staging\",\n"
	       "  \"variant\": \"staging\",\n"
	       "  \"inherits\": \"auth@v2\",\n"
	       "  \"public\": false,\n"
	       "  \"reachable\": false,\n"
	       "  \"module\": \"conf.d/auth-2.so\",\n"
	       "  \"blocking\": false,\n"
	       "  \"waits\": false,\n"
	       "  \"waits_through\": null,\n"
	       "  \"file\": \"conf.d/auth.ini\",\n"
	       "  \"line\": 11,\n"
	       "  \"keys\": [\n"
	       "    {\n"
	       "      \"key\": \"inherits\",\n"
	       "      \"value\": \"auth@v2\",\n"
	       "      \"file\": \"conf.d/auth.ini\",\n"
	       "      \"line\": 12,\n"
	       "      \"inherited_from\": null\n"
	       "    },\n"
	       "    {\n"
	       "      \"key\": \"module\",\n"
	       "      \"value\": \"conf.d/auth-2.so\",\n"
	       "      \"file\": \"conf.d/auth.ini\",\n"
	       "      \"line\": 10,\n"
	       "      \"inherited_from\": \"auth@v2\"\n"
	       "    },\n"
	       "    {\n"
	       "      \"key\": \"secret.TOKEN\",\n"
	       "      \"value\": {\n"
	       "        \"source\": \"file:../secrets/token\",\n"
	       "        \"bytes\": 32\n"
	       "      },\n"
	       "      \"file\": \"conf.d/auth.ini\",\n"
	       "      \"line\": 2,\n"
	       "      \"inherited_from\": \"auth\"\n"
	       "    },\n"
	       "    {\n"
	       "      \"key\": \"var.GREETING\",\n"
	       "      \"value\": \" hello\",\n"
	       "      \"file\": \"conf.d/auth.ini\",\n"
	       "      \"line\": 14,\n"
	       "      \"inherited_from\": null\n"
	       "    },\n"
	       "    {\n"
	       "      \"key\": \"var.EMPTY\",\n"
	       "      \"value\": \"\",\n"
	       "      \"file\": \"conf.d/auth.ini\",\n"
	       "      \"line\": 5,\n"
	       "      \"inherited_from\": \"auth\"\n"
	       "    },\n"
	       "    {\n"
	       "      \"key\": \"var.WIDE\",\n"
	       "      \"value\": \"wide  \",\n"
	       "      \"file\": \"conf.d/auth.ini\",\n"
	       "      \"line\": 6,\n"
	       "      \"inherited_from\": \"auth\"\n"
	       "    },\n"
	       "    {\n"
	       "      \"key\": \"service.users\",\n"
	       "      \"value\": \"users\",\n"
	       "      \"file\": \"conf.d/auth.ini\",\n"
	       "      \"line\": 7,\n"
	       "      \"inherited_from\": \"auth\",\n"
	       "      \"targets\": [\n"
	       "        {\n"
	       "          \"worker\": \"users\",\n"
	       "          \"weight\": 100\n"
	       "        }\n"
	       "      ]\n"
	       "    }\n"
	       "  ]\n"
	       "}\n");
}

static void a_split_and_a_route_are_told_in_json(void)
{
	expect(SHOW("--json", "--environment", "staging", "both.ini", "gateway@v2"),
	       "{\n"
	       "  \"kind\": \"worker\",\n"
	       "  \"name\": \"gateway@v2\",\n"
	       "  \"variant\": \"v2\",\n"
	       "  \"inherits\": \"gateway\",\n"
	       "  \"public\": false,\n"
	       "  \"reachable\": false,\n"
	       "  \"module\": \"/srv/workers/gateway.so\",\n"
	       "  \"blocking\": false,\n"
	       "  \"waits\": false,\n"
	       "  \"waits_through\": null,\n"
	       "  \"file\": \"both.ini\",\n"
	       "  \"line\": 13,\n"
	       "  \"keys\": [\n"
	       "    {\n"
	       "      \"key\": \"module\",\n"
	       "      \"value\": \"/srv/workers/gateway.so\",\n"
	       "      \"file\": null,\n"
	       "      \"line\": null,\n"
	       "      \"inherited_from\": null\n"
	       "    },\n"
	       "    {\n"
	       "      \"key\": \"route\",\n"
	       "      \"value\": \"v2.example.com/*\",\n"
	       "      \"file\": \"both.ini\",\n"
	       "      \"line\": 14,\n"
	       "      \"inherited_from\": null,\n"
	       "      \"effective\": false\n"
	       "    },\n"
	       "    {\n"
	       "      \"key\": \"service.auth\",\n"
	       "      \"value\": \"auth\",\n"
	       "      \"file\": \"both.ini\",\n"
	       "      \"line\": 8,\n"
	       "      \"inherited_from\": \"gateway\",\n"
	       "      \"targets\": [\n"
	       "        {\n"
	       "          \"worker\": \"auth@staging\",\n"
	       "          \"weight\": 100\n"
	       "        }\n"
	       "      ]\n"
	       "    },\n"
	       "    {\n"
	       "      \"key\": \"service.users\",\n"
	       "      \"value\": \"users\",\n"
	       "      \"file\": \"both.ini\",\n"
	       "      \"line\": 10,\n"
	       "      \"inherited_from\": \"gateway\",\n"
	       "      \"targets\": [\n"
	       "        {\n"
	       "          \"worker\": \"users\",\n"
	       "          \"weight\": 100\n"
	       "        }\n"
	       "      ]\n"
	       "    }\n"
	       "  ]\n"
	       "}\n");
}

/* Ends the test where it is none. */
static json_t *parse(struct finished finished)
{
	json_error_t error;
	json_t *value = json_loads(finished.out, 0, &error);

	CHECK_NUMBER(finished.code, 0);
	if (!value)
		CHECK_TEXT(finished.out, error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

static void check_name(const json_t *list, size_t number, const char *kind, const char *name)
{
	const json_t *object = json_array_get(list, number);

	CHECK_TEXT(json_string_value(json_object_get(object, "kind")), kind);
	CHECK_TEXT(json_string_value(json_object_get(object, "name")), name);
}

static void all_of_them_are_a_list_with_the_host_first(void)
{
	json_t *list = parse(SHOW("--json", "--environment", "staging", "both.ini"));

	CHECK_NUMBER(json_array_size(list), 8);
	check_name(list, 0, "host", "[host@staging]");
	check_name(list, 1, "worker", "gateway");
	check_name(list, 2, "worker", "gateway@staging");
	check_name(list, 7, "worker", "users");
	json_decref(list);
}

/* ---- Workers that wait ---------------------------------------------------------------------- */

static const char *write_waiting(void)
{
	return scratch_write("waiting.ini", "[worker gateway]\n"
	                                    "route = /*\n"
	                                    "service.auth = auth\n"
	                                    "[worker auth]\n"
	                                    "service.db = db\n"
	                                    "[worker db]\n"
	                                    "blocking = yes\n"
	                                    "timeout = 2s\n"
	                                    "[worker fast]\n"
	                                    "route = /fast\n");
}

static void a_worker_says_that_it_blocks_or_through_whom_it_waits(void)
{
	struct finished finished;

	write_waiting();
	finished = SHOW("waiting.ini");
	CHECK_NUMBER(lines_matching(finished.out, "^gateway: public, waits \\(service.auth -> auth "
	                                          "-> db blocks\\), waiting.ini:1$"),
	             1);
	CHECK_NUMBER(lines_matching(finished.out, "^auth: private, waits \\(service.db -> db "
	                                          "blocks\\), waiting.ini:4$"),
	             1);
	CHECK_NUMBER(lines_matching(finished.out, "^db: private, blocks, waiting.ini:6$"), 1);
	CHECK_NUMBER(lines_matching(finished.out, "^fast: public, waiting.ini:9$"), 1);
	CHECK_NUMBER(lines_matching(finished.out, "^  timeout +2s +waiting.ini:8$"), 1);
}

static void check_waiting(const char *name, bool blocking, bool waits, const char *key,
                          const char *worker)
{
	json_t *object = parse(SHOW("--json", "waiting.ini", name));
	const json_t *through = json_object_get(object, "waits_through");

	CU_ASSERT_EQUAL(json_is_true(json_object_get(object, "blocking")), blocking);
	CU_ASSERT_EQUAL(json_is_true(json_object_get(object, "waits")), waits);
	CU_ASSERT_EQUAL(json_is_null(through), key == NULL);
	CHECK_TEXT(json_string_value(json_object_get(through, "key")), key);
	CHECK_TEXT(json_string_value(json_object_get(through, "worker")), worker);
	json_decref(object);
}

static void programs_are_told_who_waits(void)
{
	write_waiting();
	check_waiting("gateway", false, true, "service.auth", "auth");
	check_waiting("auth", false, true, "service.db", "db");
	check_waiting("db", true, true, NULL, NULL);
	check_waiting("fast", false, false, NULL, NULL);
}

static void the_name_of_a_file_need_not_be_text(void)
{
	json_t *object;

	scratch_write("caf\xe9.ini", "[worker a]\nroute = /\n");
	object = parse(SHOW("--json", "caf\xe9.ini", "a"));
	CHECK_TEXT(json_string_value(json_object_get(object, "file")), "caf\xef\xbf\xbd.ini");
	json_decref(object);
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void a_worker_that_is_not_there_gets_a_suggestion(void)
{
	expect_refusal(SHOW("both.ini", "user"), EX_USAGE,
	               "tenon: both.ini: no worker 'user' (did you mean 'users'?)\n");
	expect_refusal(SHOW("--json", "teams.ini", "zebra"), EX_USAGE,
	               "tenon: teams.ini: no worker 'zebra': `tenon show teams.ini` names all that "
	               "there are\n");
}

static void a_file_with_an_error_is_not_shown(void)
{
	scratch_write("wrong.ini", "[worker a]\n"
	                           "route = /\n"
	                           "service.b = c\n");
	expect_refusal(SHOW("wrong.ini", "a"), EX_CONFIG,
	               "wrong.ini:3: worker 'a': service.b: no worker 'c': add [worker c], or name "
	               "another\n");
}

/* It may be a secret, whose key is misspelt. */
static void the_value_of_an_unknown_key_is_not_shown(void)
{
	struct finished finished;

	scratch_write("wrong.ini", "[worker a]\nroute = /\nsecrets.T = HUNTER2\n");
	finished = SHOW("wrong.ini", "a");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(finished.out, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(finished.err, "unknown key 'secrets.T'"));
	CU_ASSERT_PTR_NULL(strstr(finished.err, "HUNTER2"));
}

static void an_unknown_environment_is_an_error(void)
{
	struct finished finished = SHOW("--environment", "stagin", "both.ini");

	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(finished.out, "");
	CHECK_NUMBER(count_of(finished.err, "no environment 'stagin'"), 1);
}

static void a_file_that_is_not_there_is_said(void)
{
	struct finished finished = SHOW("none.ini");

	CHECK_NUMBER(finished.code, EX_NOINPUT);
	CHECK_TEXT(finished.out, "");
	CHECK_NUMBER(count_of(finished.err, "none.ini"), 1);
}

static void the_words_are_counted(void)
{
	expect_refusal(SHOW("teams.ini", "auth", "users"), EX_USAGE,
	               "tenon: usage: tenon show [--environment NAME] [--json] FILE [WORKER]\n");
}

TEST_MAIN("e2e/show",
          TEST(every_key_of_a_variant_of_a_variant_has_its_place),
          TEST(a_worker_without_a_module_key_has_the_default),
          TEST(the_module_and_the_route_come_first_and_a_split_has_its_weights),
          TEST(a_worker_without_keys_has_a_module),
          TEST(a_name_means_its_variant_and_a_binding_shows_both),
          TEST(what_has_one_meaning_is_one_target),
          TEST(without_the_environment_a_name_is_what_is_written),
          TEST(a_route_that_is_none_of_the_environment_says_so),
          TEST(without_a_name_the_host_and_all_workers_are_shown),
          TEST(the_host_is_shown_by_its_name),
          TEST(the_host_of_an_environment_is_shown_by_its_name_alone),
          TEST(the_paths_of_the_host_begin_where_its_file_is),
          TEST(a_host_that_sets_nothing_says_so),
          TEST(a_secret_that_cannot_be_read_is_told_and_is_no_failure),
          TEST(a_secret_is_measured_wherever_it_comes_from),
          TEST(the_bytes_of_a_secret_are_never_shown),
          TEST(a_secret_that_is_written_into_the_file_is_not_shown_either),
          TEST(a_worker_is_one_object),
          TEST(a_split_and_a_route_are_told_in_json),
          TEST(all_of_them_are_a_list_with_the_host_first),
          TEST(the_name_of_a_file_need_not_be_text),
          TEST(a_worker_that_is_not_there_gets_a_suggestion),
          TEST(a_worker_says_that_it_blocks_or_through_whom_it_waits),
          TEST(programs_are_told_who_waits),
          TEST(a_file_with_an_error_is_not_shown),
          TEST(the_value_of_an_unknown_key_is_not_shown),
          TEST(an_unknown_environment_is_an_error),
          TEST(a_file_that_is_not_there_is_said),
          TEST(the_words_are_counted))
