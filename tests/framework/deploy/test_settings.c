#include "deploy/settings.h"

#include "observe/log.h"
#include "scratch.h"

struct fixture {
	struct tn_errors errors;
	struct tn_config *config;
	struct tn_settings settings;
};

/* Those of [host], or of a variant that inherits its keys. */
static void read_variant(struct fixture *fixture, const char *text, const char *variant)
{
	struct tn_keys base, keys;

	*fixture = (struct fixture){ 0 };
	fixture->config = tn_config_parse("etc/x.ini", text, strlen(text), &fixture->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->config);
	CU_ASSERT_TRUE_FATAL(tn_keys_inherit(&base, NULL,
	                                     tn_config_find(fixture->config, "host", ""),
	                                     &fixture->errors));
	CU_ASSERT_TRUE_FATAL(tn_keys_inherit(&keys, &base,
	                                     tn_config_find(fixture->config, "host", variant),
	                                     &fixture->errors));
	tn_settings_read(&fixture->settings, &keys, tn_config_path(fixture->config),
	                 &fixture->errors);
	tn_keys_finish(&keys);
	tn_keys_finish(&base);
}

static void read_settings(struct fixture *fixture, const char *text)
{
	read_variant(fixture, text, "@none");
}

static void finish(struct fixture *fixture)
{
	tn_errors_finish(&fixture->errors);
	tn_settings_finish(&fixture->settings);
	tn_config_destroy(fixture->config);
}

/* One line of [host], which is line 2 of the file, and what is said of it; "" for nothing. */
static void check_line(const char *line, const char *expected)
{
	struct fixture fixture;
	char text[1024];
	char error[1024] = "";

	snprintf(text, sizeof(text), "[host]\n%s\n", line);
	if (*expected)
		snprintf(error, sizeof(error), "etc/x.ini:2: [host]: %s\n", expected);
	read_settings(&fixture, text);
	CHECK_ERRORS(&fixture.errors, error);
	finish(&fixture);
}

static void without_a_section_all_have_defaults(void)
{
	struct fixture fixture;

	read_settings(&fixture, "[worker a]\n");
	CHECK_ERRORS(&fixture.errors, "");
	CHECK_NUMBER(fixture.settings.listen_count, 1);
	CHECK_TEXT(fixture.settings.listen[0].host, "127.0.0.1");
	CHECK_TEXT(fixture.settings.listen[0].port, "8080");
	CHECK_NUMBER(fixture.settings.processes, 0);
	CHECK_TEXT(fixture.settings.modules, "etc");
	CHECK_TEXT(fixture.settings.access_log, "stderr");
	CHECK_TEXT(fixture.settings.control, NULL);
	CHECK_NUMBER(fixture.settings.max_depth, 32);
	CHECK_NUMBER(fixture.settings.max_calls, 1000);
	CHECK_NUMBER(fixture.settings.request_memory, 16 << 20);
	CHECK_NUMBER(fixture.settings.max_body, 1 << 20);
	CHECK_NUMBER(fixture.settings.body_memory, 1 << 20);
	CU_ASSERT_PTR_NULL(fixture.settings.body_directory);
	CHECK_NUMBER(fixture.settings.idle_timeout, 60000);
	CHECK_NUMBER(fixture.settings.head_timeout, 10000);
	CHECK_NUMBER(fixture.settings.body_timeout, 30000);
	CHECK_NUMBER(fixture.settings.write_timeout, 30000);
	CHECK_NUMBER(fixture.settings.min_rate, 1024);
	CHECK_NUMBER(fixture.settings.max_head, 16384);
	CHECK_NUMBER(fixture.settings.max_headers, 100);
	CHECK_NUMBER(fixture.settings.max_target, 8192);
	CHECK_NUMBER(fixture.settings.max_connections, 0);
	CHECK_NUMBER(fixture.settings.max_per_address, 0);
	CHECK_NUMBER(fixture.settings.drain_timeout, 30000);
	CHECK_NUMBER(fixture.settings.ready_timeout, 30000);
	CHECK_NUMBER(fixture.settings.hang_timeout, 30000);
	CHECK_NUMBER(fixture.settings.crash_limit, 5);
	CHECK_NUMBER(fixture.settings.crash_window, 60000);
	CHECK_NUMBER(fixture.settings.probation, 10000);
	CHECK_NUMBER(fixture.settings.threads, 16);
	CHECK_NUMBER(fixture.settings.queue, 1000);
	CHECK_NUMBER(fixture.settings.queue_timeout, 5000);
	CHECK_NUMBER(fixture.settings.wait_until_timeout, 30000);
	CHECK_TEXT(fixture.settings.user, NULL);
	CHECK_TEXT(fixture.settings.group, NULL);
	CHECK_NUMBER(fixture.settings.log_level, TN_LOG_INFO);
	finish(&fixture);
}

static void each_key_sets_its_own(void)
{
	struct fixture fixture;

	read_settings(&fixture, "[host]\n"
	                        "listen = *:1, [::1]:2,localhost:0\n"
	                        "processes = 4\n"
	                        "modules = ../lib\n"
	                        "access_log = log/access\n"
	                        "control = run/socket\n"
	                        "log_level = warning\n"
	                        "max_body = 2K\n"
	                        "body_memory = 65K\n"
	                        "body_directory = bodies\n"
	                        "max_depth = 5\n"
	                        "max_calls = 6\n"
	                        "request_memory = 1M\n"
	                        "idle_timeout = 7s\n"
	                        "head_timeout = 18s\n"
	                        "body_timeout = 19s\n"
	                        "write_timeout = 20s\n"
	                        "min_rate = 21\n"
	                        "max_head = 22K\n"
	                        "max_headers = 23\n"
	                        "max_target = 24K\n"
	                        "max_connections = 25\n"
	                        "max_connections_per_address = 26\n"
	                        "drain_timeout = 8ms\n"
	                        "ready_timeout = 9s\n"
	                        "hang_timeout = 10s\n"
	                        "crash_limit = 11\n"
	                        "crash_window = 12s\n"
	                        "probation = 13s\n"
	                        "threads = 14\n"
	                        "queue = 15\n"
	                        "queue_timeout = 16s\n"
	                        "wait_until_timeout = 17s\n"
	                        "user = tenon\n"
	                        "group = workers\n");
	CHECK_ERRORS(&fixture.errors, "");
	CHECK_NUMBER(fixture.settings.listen_count, 3);
	CHECK_TEXT(fixture.settings.listen[0].host, "");
	CHECK_TEXT(fixture.settings.listen[1].host, "::1");
	CHECK_TEXT(fixture.settings.listen[2].host, "localhost");
	CHECK_NUMBER(fixture.settings.processes, 4);
	CHECK_TEXT(fixture.settings.modules, "etc/../lib");
	CHECK_TEXT(fixture.settings.access_log, "etc/log/access");
	CHECK_TEXT(fixture.settings.control, "etc/run/socket");
	CHECK_NUMBER(fixture.settings.log_level, TN_LOG_WARNING);
	CHECK_NUMBER(fixture.settings.max_body, 2048);
	CHECK_NUMBER(fixture.settings.body_memory, 65 * 1024);
	CHECK_TEXT(fixture.settings.body_directory, "etc/bodies");
	CHECK_NUMBER(fixture.settings.max_depth, 5);
	CHECK_NUMBER(fixture.settings.max_calls, 6);
	CHECK_NUMBER(fixture.settings.request_memory, 1 << 20);
	CHECK_NUMBER(fixture.settings.idle_timeout, 7000);
	CHECK_NUMBER(fixture.settings.head_timeout, 18000);
	CHECK_NUMBER(fixture.settings.body_timeout, 19000);
	CHECK_NUMBER(fixture.settings.write_timeout, 20000);
	CHECK_NUMBER(fixture.settings.min_rate, 21);
	CHECK_NUMBER(fixture.settings.max_head, 22 * 1024);
	CHECK_NUMBER(fixture.settings.max_headers, 23);
	CHECK_NUMBER(fixture.settings.max_target, 24 * 1024);
	CHECK_NUMBER(fixture.settings.max_connections, 25);
	CHECK_NUMBER(fixture.settings.max_per_address, 26);
	CHECK_NUMBER(fixture.settings.drain_timeout, 8);
	CHECK_NUMBER(fixture.settings.ready_timeout, 9000);
	CHECK_NUMBER(fixture.settings.hang_timeout, 10000);
	CHECK_NUMBER(fixture.settings.crash_limit, 11);
	CHECK_NUMBER(fixture.settings.crash_window, 12000);
	CHECK_NUMBER(fixture.settings.probation, 13000);
	CHECK_NUMBER(fixture.settings.threads, 14);
	CHECK_NUMBER(fixture.settings.queue, 15);
	CHECK_NUMBER(fixture.settings.queue_timeout, 16000);
	CHECK_NUMBER(fixture.settings.wait_until_timeout, 17000);
	CHECK_TEXT(fixture.settings.user, "tenon");
	CHECK_TEXT(fixture.settings.group, "workers");
	finish(&fixture);
}

static void limits_are_those_of_an_exchange(void)
{
	struct fixture fixture;
	struct tn_limits limits;

	read_settings(&fixture, "[host]\nmax_depth = 5\nmax_calls = 6\nrequest_memory = 2M\n");
	limits = tn_settings_limits(&fixture.settings);
	CHECK_NUMBER(limits.max_depth, 5);
	CHECK_NUMBER(limits.max_calls, 6);
	CHECK_NUMBER(limits.request_memory, 2 << 20);
	finish(&fixture);
}

static void paths_and_words_are_told_apart(void)
{
	struct fixture fixture;

	read_settings(&fixture, "[host]\naccess_log = off\nmodules = /usr/lib/workers\n");
	CHECK_TEXT(fixture.settings.access_log, "off");
	CHECK_TEXT(fixture.settings.modules, "/usr/lib/workers");
	finish(&fixture);
	read_settings(&fixture, "[host]\naccess_log = stdout\n");
	CHECK_TEXT(fixture.settings.access_log, "stdout");
	finish(&fixture);
	read_settings(&fixture, "[host]\naccess_log = /var/log/tenon\n");
	CHECK_TEXT(fixture.settings.access_log, "/var/log/tenon");
	finish(&fixture);
}

static void processes_can_be_auto(void)
{
	check_line("processes = auto", "");
	check_line("processes = 1024", "");
	check_line("processes = 0", "processes: '0': write a value from 1 to 1024");
	check_line("processes = two", "processes: 'two': write auto, or a number such as 4");
	check_line("processes = Auto", "processes: 'Auto': write auto, or a number such as 4");
}

static void connections_can_be_auto(void)
{
	struct fixture fixture;

	read_variant(&fixture,
	             "[host]\nmax_connections = 5\nmax_connections_per_address = 6\n"
	             "[host@staging]\nmax_connections = auto\n"
	             "max_connections_per_address = auto\n",
	             "@staging");
	CHECK_ERRORS(&fixture.errors, "");
	CHECK_NUMBER(fixture.settings.max_connections, 0);
	CHECK_NUMBER(fixture.settings.max_per_address, 0);
	finish(&fixture);
	check_line("max_connections = 1048576", "");
	check_line("max_connections = 0",
	           "max_connections: '0': write a value from 1 to 1048576");
	check_line("max_connections = many",
	           "max_connections: 'many': write auto, or a number such as 4");
	check_line("max_connections_per_address = 0",
	           "max_connections_per_address: '0': write a value from 1 to 1048576");
	check_line("max_connections_per_address = -",
	           "max_connections_per_address: '-': write auto, or a number such as 4");
}

static void what_a_client_may_take_has_bounds(void)
{
	check_line("head_timeout = 100ms", "");
	check_line("head_timeout = 99ms",
	           "head_timeout: '99ms': write a value from 100ms to 86400000ms");
	check_line("body_timeout = 99ms",
	           "body_timeout: '99ms': write a value from 100ms to 86400000ms");
	check_line("write_timeout = 25h",
	           "write_timeout: '25h': write a value from 100ms to 86400000ms");
	check_line("write_timeout = 30",
	           "write_timeout: '30': a duration needs a unit: ms, s, m, h or d, such as 10s");
	check_line("min_rate = 0", "");
	check_line("min_rate = 2G",
	           "min_rate: '2G': write a value from 0 bytes to 1073741824 bytes");
	check_line("max_head = 1023",
	           "max_head: '1023': write a value from 1024 bytes to 1048576 bytes");
	check_line("max_head = 1M", "");
	check_line("max_headers = 0", "max_headers: '0': write a value from 1 to 10000");
	check_line("max_headers = 10001", "max_headers: '10001': write a value from 1 to 10000");
	check_line("max_target = 63",
	           "max_target: '63': write a value from 64 bytes to 1048576 bytes");
}

static void an_unknown_key_is_told_with_the_nearest(void)
{
	check_line("lisen = 127.0.0.1:80", "unknown key 'lisen' (did you mean 'listen'?)");
	check_line("maxbody = 1K", "unknown key 'maxbody' (did you mean 'max_body'?)");
	check_line("Listen = 127.0.0.1:80", "unknown key 'Listen' (did you mean 'listen'?)");
	check_line("colour = blue", "unknown key 'colour'");
}

static void values_of_another_form_are_refused(void)
{
	check_line("max_body = 10X", "max_body: '10X': not a size: write bytes, or an integer with "
	                             "K, M or G, such as 64K");
	check_line("max_depth = deep",
	           "max_depth: 'deep': not an integer: write digits only, such as 42");
	check_line("idle_timeout = 30", "idle_timeout: '30': a duration needs a unit: ms, s, m, h "
	                                "or d, such as 10s");
	check_line("log_level = loud",
	           "log_level: 'loud': a level is error, warning, info or debug");
}

static void values_out_of_range_are_refused(void)
{
	check_line("max_depth = 64", "");
	check_line("max_depth = 65", "max_depth: '65': write a value from 1 to 64");
	check_line("max_depth = 0", "max_depth: '0': write a value from 1 to 64");
	check_line("max_calls = 0", "max_calls: '0': write a value from 1 to 1000000");
	check_line("max_calls = 1000001", "max_calls: '1000001': write a value from 1 to 1000000");
	check_line("idle_timeout = 99ms",
	           "idle_timeout: '99ms': write a value from 100ms to 86400000ms");
	check_line("drain_timeout = 0s", "");
	check_line("drain_timeout = 25h",
	           "drain_timeout: '25h': write a value from 0ms to 86400000ms");
	check_line("ready_timeout = 100ms", "");
	check_line("ready_timeout = 99ms",
	           "ready_timeout: '99ms': write a value from 100ms to 86400000ms");
	check_line("hang_timeout = 0s", "");
	check_line("crash_limit = 0", "");
	check_line("crash_limit = 1001", "crash_limit: '1001': write a value from 0 to 1000");
	check_line("crash_window = 999ms",
	           "crash_window: '999ms': write a value from 1000ms to 86400000ms");
	check_line("probation = 0s", "");
	check_line("threads = 1024", "");
	check_line("threads = 0", "threads: '0': write a value from 1 to 1024");
	check_line("threads = 1025", "threads: '1025': write a value from 1 to 1024");
	check_line("queue = 0", "");
	check_line("queue = 1000001", "queue: '1000001': write a value from 0 to 1000000");
	check_line("queue_timeout = 0s", "");
	check_line("queue_timeout = 25h",
	           "queue_timeout: '25h': write a value from 0ms to 86400000ms");
	check_line("wait_until_timeout = 0s",
	           "wait_until_timeout: '0s': write a value from 1ms to 86400000ms");
	check_line("user = \"\"", "user: '': write a name, or remove the line");
	check_line("request_memory = 63K", "request_memory: '63K': write a value from 65536 bytes "
	                                   "to 1099511627776 bytes");
}

static void a_refused_value_leaves_the_default(void)
{
	struct fixture fixture;

	read_settings(&fixture, "[host]\nmax_depth = 65\nidle_timeout = x\n");
	CHECK_NUMBER(fixture.settings.max_depth, 32);
	CHECK_NUMBER(fixture.settings.idle_timeout, 60000);
	finish(&fixture);
}

static void a_log_needs_a_name(void)
{
	check_line("access_log = \"\"",
	           "access_log: '': name a file, or write stderr, stdout or off");
}

static void check_memory(const char *lines, const char *expected)
{
	struct fixture fixture;
	char text[256];

	snprintf(text, sizeof(text), "[host]\n%s", lines);
	read_settings(&fixture, text);
	CHECK_ERRORS(&fixture.errors, expected);
	finish(&fixture);
}

static void a_body_has_to_fit_into_the_memory(void)
{
	check_line("body_memory = 16M", "");
	check_line("max_body = 1G", "");
	check_memory("max_body = 16M\nbody_memory = 16M\n",
	             "etc/x.ini:3: [host]: body_memory: so much of a body lives in "
	             "request_memory, which is to be 64K larger: 16777216 bytes against "
	             "16777216\n");
	check_memory("max_body = 16711680\nbody_memory = 16M\n", "");
	check_memory("max_body = 1G\nbody_memory = 16711680\n", "");
}

static void what_is_kept_of_a_body_has_bounds(void)
{
	check_line("body_memory = 64K", "");
	check_line("body_memory = 65535",
	           "body_memory: '65535': write a value from 65536 bytes to 1073741824 bytes");
	check_line("body_memory = 2G",
	           "body_memory: '2G': write a value from 65536 bytes to 1073741824 bytes");
	check_line("body_directory = \"\"",
	           "body_directory: '': name a directory, or remove the line");
}

static void the_default_body_has_to_fit_too(void)
{
	struct fixture fixture;

	read_settings(&fixture, "[host]\nrequest_memory = 1M\n");
	CHECK_ERRORS(&fixture.errors, "etc/x.ini:2: [host]: max_body: so much of a body "
	                              "lives in request_memory, which is to be 64K larger: "
	                              "1048576 bytes against 1048576\n");
	finish(&fixture);
}

static void each_bad_address_is_told(void)
{
	struct fixture fixture;

	read_settings(&fixture, "[host]\nlisten = 8080, 127.0.0.1:1, 127.0.0.1:x, \n");
	CHECK_NUMBER(fixture.settings.listen_count, 1);
	CHECK_ERRORS(&fixture.errors,
	             "etc/x.ini:2: [host]: listen: '8080': an address is HOST:PORT, such as "
	             "127.0.0.1:8080, [::1]:8080 or *:8080\n"
	             "etc/x.ini:2: [host]: listen: '127.0.0.1:x': the port is a number from 0 to "
	             "65535\n"
	             "etc/x.ini:2: [host]: listen: '': an address is HOST:PORT, such as "
	             "127.0.0.1:8080, [::1]:8080 or *:8080\n");
	finish(&fixture);
}

static void an_address_twice_is_refused(void)
{
	check_line("listen = LOCALHOST:1, localhost:1",
	           "listen: 'localhost:1': the same address is there twice: remove one");
	check_line("listen = localhost:0, localhost:0", "");
	check_line("listen = localhost:1, localhost:2", "");
	check_line("listen = *:1, 127.0.0.1:2", "");
}

static void sixteen_addresses_are_the_most(void)
{
	check_line("listen = "
	           "a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9,a:10,a:11,a:12,a:13,a:14,a:15,a:16",
	           "");
	check_line("listen = "
	           "a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9,a:10,a:11,a:12,a:13,a:14,a:15,a:16,a:17",
	           "listen: 'a:17': that is one address too many: 16 are the most");
}

static void trusted_is_a_list_of_networks(void)
{
	struct fixture fixture;

	read_variant(&fixture, "[host]\ntrusted = 127.0.0.1, 10.0.0.0/8,::1\n", "");
	CHECK_ERRORS(&fixture.errors, "");
	CHECK_NUMBER(fixture.settings.trusted_count, 3);
	CHECK_NUMBER(fixture.settings.trusted[1].bits, 104);
	CHECK_NUMBER(fixture.settings.trusted_fields, TN_TRUSTED_X_FORWARDED);
	finish(&fixture);
	check_line("trusted = localhost, 10.0.0.1/8",
	           "trusted: 'localhost': a network is an address, or ADDRESS/BITS, such as "
	           "127.0.0.1, 10.0.0.0/8 or 2001:db8::/32\n"
	           "etc/x.ini:2: [host]: trusted: '10.0.0.1/8': the address has bits beyond those "
	           "of the network: write the network's own (10.0.0.0/8), or the address without "
	           "/BITS");
}

static void trusted_fields_are_of_one_kind(void)
{
	check_line("trusted_fields = x-forwarded", "");
	check_line("trusted_fields = forwarded", "");
	check_line("trusted_fields = x-real-ip",
	           "trusted_fields: 'x-real-ip': write x-forwarded, for X-Forwarded-For, -Proto "
	           "and -Host, or forwarded");
}

static void a_variant_replaces_what_it_names(void)
{
	struct fixture fixture;

	read_variant(&fixture,
	             "[host]\nlisten = 127.0.0.1:1\nmax_depth = 5\nmax_calls = 6\n"
	             "[host@staging]\nlisten = 127.0.0.1:2\nmax_calls =\n",
	             "@staging");
	CHECK_ERRORS(&fixture.errors, "");
	CHECK_NUMBER(fixture.settings.listen_count, 1);
	CHECK_TEXT(fixture.settings.listen[0].port, "2");
	CHECK_NUMBER(fixture.settings.max_depth, 5);
	CHECK_NUMBER(fixture.settings.max_calls, 1000);
	finish(&fixture);
}

/* An inherited key is complained of where it stands. */
static void a_complaint_names_the_section_that_the_key_is_in(void)
{
	struct fixture fixture;

	read_variant(&fixture, "[host]\nmax_depth = 65\n[host@staging]\nlisten = x\nlisen = y\n",
	             "@staging");
	CHECK_ERRORS(&fixture.errors,
	             "etc/x.ini:2: [host]: max_depth: '65': write a value from 1 to 64\n"
	             "etc/x.ini:4: [host@staging]: listen: 'x': an address is HOST:PORT, such as "
	             "127.0.0.1:8080, [::1]:8080 or *:8080\n"
	             "etc/x.ini:5: [host@staging]: unknown key 'lisen' (did you mean 'listen'?)\n");
	finish(&fixture);
	read_variant(&fixture, "[host]\n[host@staging]\nrequest_memory = 1M\n", "@staging");
	CHECK_ERRORS(&fixture.errors, "etc/x.ini:3: [host@staging]: max_body: so much of a body "
	                              "lives in request_memory, which is to be 64K larger: "
	                              "1048576 bytes against 1048576\n");
	finish(&fixture);
}

TEST_MAIN("deploy/settings",
          TEST(without_a_section_all_have_defaults),
          TEST(each_key_sets_its_own),
          TEST(limits_are_those_of_an_exchange),
          TEST(paths_and_words_are_told_apart),
          TEST(processes_can_be_auto),
          TEST(connections_can_be_auto),
          TEST(what_a_client_may_take_has_bounds),
          TEST(an_unknown_key_is_told_with_the_nearest),
          TEST(values_of_another_form_are_refused),
          TEST(values_out_of_range_are_refused),
          TEST(a_refused_value_leaves_the_default),
          TEST(a_log_needs_a_name),
          TEST(a_body_has_to_fit_into_the_memory),
          TEST(what_is_kept_of_a_body_has_bounds),
          TEST(the_default_body_has_to_fit_too),
          TEST(each_bad_address_is_told),
          TEST(an_address_twice_is_refused),
          TEST(sixteen_addresses_are_the_most),
          TEST(trusted_is_a_list_of_networks),
          TEST(trusted_fields_are_of_one_kind),
          TEST(a_variant_replaces_what_it_names),
          TEST(a_complaint_names_the_section_that_the_key_is_in))
