#include "planned.h"

#include "deploy/bodies.h"

#include <fcntl.h>
#include <sys/stat.h>

static void check_most(const struct planned *planned, const char *host, int64_t most)
{
	const struct tn_route *route = tn_routes_match(&planned->plan->routes, host, "/", 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(route);
	CHECK_NUMBER(route->max_body, most);
}

static void a_route_has_the_limit_of_its_worker(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[host]\nmax_body = 2K\n"
	             "[worker a]\nroute = a/*\nmax_body = 5G\n"
	             "[worker b]\nroute = b/*\nmax_body = 1K\n"
	             "[worker c]\nroute = c/*\n"
	             "[worker d]\nroute = d/*\nmax_body = 0\n");
	CHECK_TOLD(&planned, "");
	check_most(&planned, "a", (int64_t)5 << 30);
	check_most(&planned, "b", 1024);
	check_most(&planned, "c", 2048);
	check_most(&planned, "d", 0);
	planned_end(&planned);
}

static void a_variant_inherits_it(void)
{
	struct planned planned;

	planned_text(&planned, "staging",
	             "[worker a]\nroute = a/*\nmax_body = 3K\n[worker a@staging]\n"
	             "[worker b]\nroute = b/*\nmax_body = 3K\n[worker b@staging]\nmax_body =\n");
	CHECK_TOLD(&planned, "");
	check_most(&planned, "a", 3072);
	check_most(&planned, "b", 1 << 20);
	planned_end(&planned);
}

static void check(const char *text, const char *expected)
{
	struct planned planned;

	planned_text(&planned, NULL, text);
	tn_plan_warn(planned.plan, &planned.errors);
	CHECK_TOLD(&planned, expected);
	planned_end(&planned);
}

static void what_is_no_size_is_told_once(void)
{
	check("[worker a]\nroute = /*\nmax_body = 5X\n[worker a@v2]\n",
	      "x.ini:3: worker 'a': max_body: '5X': not a size: write bytes, or an integer with K, "
	      "M or G, such as 64K\n");
	check("[worker a]\nroute = /*\nmax_body = 1025G\n",
	      "x.ini:3: worker 'a': max_body: '1025G': write a value from 0 bytes to "
	      "1099511627776 bytes\n");
}

static void what_is_kept_of_it_has_to_fit_into_the_memory(void)
{
	check("[host]\nrequest_memory = 1M\nmax_body = 64K\n"
	      "[worker a]\nroute = /*\nmax_body = 5G\n",
	      "x.ini:6: worker 'a': max_body: so much of a body as body_memory says lives in "
	      "request_memory, which is to be 64K larger: 1048576 bytes against 1048576\n");
	check("[host]\nrequest_memory = 1M\nmax_body = 64K\nbody_memory = 64K\n"
	      "[worker a]\nroute = /*\nmax_body = 5G\n",
	      "");
}

static void one_without_a_route_is_warned_of(void)
{
	check("[worker gateway]\nroute = /*\nservice.a = a\n[worker a]\nmax_body = 5G\n",
	      "x.ini:5: warning: worker 'a': max_body: it has no effect: the Worker has no "
	      "route\n");
}

static void check_spooled(const char *text, bool expected)
{
	struct planned planned;

	planned_text(&planned, NULL, text);
	CHECK_TOLD(&planned, "");
	CHECK_NUMBER(tn_bodies_spooled(planned.plan), expected);
	planned_end(&planned);
}

static void files_are_for_what_is_larger_than_the_memory(void)
{
	check_spooled("[worker a]\nroute = /*\n", false);
	check_spooled("[worker a]\nroute = /*\nmax_body = 1025K\n", true);
	check_spooled("[host]\nmax_body = 2M\n[worker a]\nroute = /*\n", true);
	check_spooled("[host]\nmax_body = 2M\nbody_memory = 2M\n[worker a]\nroute = /*\n", false);
	check_spooled("[host]\nmax_body = 2M\n[worker a]\nroute = /*\nmax_body = 1M\n", false);
	check_spooled("[host]\nbody_memory = 64K\n[worker a]\nroute = /*\n", true);
}

static void the_directory_is_the_settings_or_that_of_the_environment(void)
{
	struct tn_settings settings = { 0 };
	const char *kept = getenv("TMPDIR");
	char *before = kept ? strdup(kept) : NULL;
	char name[] = "/a";

	setenv("TMPDIR", "/b", 1);
	CHECK_TEXT(tn_bodies_directory(&settings), "/b");
	setenv("TMPDIR", "relative", 1);
	CHECK_TEXT(tn_bodies_directory(&settings), "/var/tmp");
	unsetenv("TMPDIR");
	CHECK_TEXT(tn_bodies_directory(&settings), "/var/tmp");
	settings.body_directory = name;
	CHECK_TEXT(tn_bodies_directory(&settings), "/a");
	if (before)
		setenv("TMPDIR", before, 1);
	free(before);
}

static void a_file_has_no_name(void)
{
	struct planned planned;
	struct stat status;
	int descriptor;

	planned_begin(&planned);
	descriptor = tn_bodies_open(planned.scratch.directory);
	CU_ASSERT_FATAL(descriptor >= 0);
	CU_ASSERT(!fstat(descriptor, &status));
	CHECK_NUMBER(status.st_nlink, 0);
	CHECK_NUMBER(status.st_mode & 07777, 0600);
	CU_ASSERT(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
	CHECK_NUMBER(pwrite(descriptor, "a", 1, 0), 1);
	close(descriptor);
	CU_ASSERT(!rmdir(planned.scratch.directory));
	CU_ASSERT(!mkdir(planned.scratch.directory, 0700));
	planned_end(&planned);
}

static void check_directory(const char *name, bool certain, const char *expected)
{
	struct planned planned;
	char text[512];

	snprintf(text, sizeof(text),
	         "[host]\nbody_directory = %s\n[worker a]\nroute = /*\nmax_body = 2M\n", name);
	planned_text(&planned, NULL, text);
	tn_bodies_check(planned.plan, certain, &planned.errors);
	CHECK_TOLD(&planned, expected);
	planned_end(&planned);
}

#define NO_FILE "no file can be made there, for bodies larger than body_memory: "

static void a_directory_that_takes_no_files_is_told(void)
{
	check_directory(".", true, "");
	check_directory("/proc/none", false,
	                "x.ini:2: [host]: body_directory: '/proc/none': " NO_FILE
	                "No such file or directory: name another directory\n");
	check_directory("/dev/null", false,
	                "x.ini:2: [host]: body_directory: '/dev/null': " NO_FILE
	                "Not a directory: name another directory\n");
}

TEST_MAIN("deploy/bodies",
          TEST(a_route_has_the_limit_of_its_worker),
          TEST(a_variant_inherits_it),
          TEST(what_is_no_size_is_told_once),
          TEST(what_is_kept_of_it_has_to_fit_into_the_memory),
          TEST(one_without_a_route_is_warned_of),
          TEST(files_are_for_what_is_larger_than_the_memory),
          TEST(the_directory_is_the_settings_or_that_of_the_environment),
          TEST(a_file_has_no_name),
          TEST(a_directory_that_takes_no_files_is_told))
