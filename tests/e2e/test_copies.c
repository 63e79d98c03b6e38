/* test_copies.c - modules run from private copies: what is done to the files does no harm. */
#include "harness.h"

#include "../cunit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define BETWEEN 25 /* requests after each change of a file, of each kind */

/* ---- Files --------------------------------------------------------------------------------- */

static const char *fresh_directory(const char *what)
{
	static unsigned number;
	const char *path = scratch_path(text_of("%s-%u", what, number++));

	if (mkdir(path, 0700) < 0)
		give_up(path);
	return path;
}

/* Writes to the same inode, where there is one. */
static void copy_over(const char *from, const char *to)
{
	CHECK_NUMBER(program_run((const char *const[]){ "cp", from, to, NULL }).code, 0);
}

static unsigned entries_of(const char *directory)
{
	DIR *list = opendir(directory);
	struct dirent *entry;
	unsigned count = 0;

	if (!list)
		give_up(directory);
	while ((entry = readdir(list)))
		count += *entry->d_name != '.';
	closedir(list);
	return count;
}

static void fill_with_ones(const char *path)
{
	struct stat status;
	char block[4096];
	int file = open(path, O_WRONLY | O_CLOEXEC);

	memset(block, 0xff, sizeof(block));
	if (file < 0 || fstat(file, &status) < 0)
		give_up(path);
	for (off_t at = 0; at < status.st_size; at += (off_t)sizeof(block))
		CHECK_NUMBER(pwrite(file, block, sizeof(block), at), sizeof(block));
	close(file);
}

static void cut_off(const char *path)
{
	CHECK_NUMBER(truncate(path, 0), 0);
}

static void write_another(const char *path)
{
	copy_over(fixture("serve_echo"), path);
}

static void take_away(const char *path)
{
	CHECK_NUMBER(unlink(path), 0);
}

static void put_a_directory(const char *path)
{
	CHECK_NUMBER(mkdir(path, 0700), 0);
}

/* ---- The host ------------------------------------------------------------------------------ */

/* One Worker that is a file, and one with libraries beside it. */
struct site {
	const char *directory;
	const char *copies; /* where the host puts its own */
	const char *files[4];
	const char *config;
};

static struct site create_site(void)
{
	struct site site = { .directory = fresh_directory("site"),
		             .copies = fresh_directory("copies") };
	static const char *const names[4] = { "hello.so", "runpath.so", "lib/libnear.so",
		                              "more/libfar.so" };

	if (mkdir(text_of("%s/lib", site.directory), 0700) < 0 ||
	    mkdir(text_of("%s/more", site.directory), 0700) < 0)
		give_up(site.directory);
	for (size_t i = 0; i < 4; i++) {
		site.files[i] = text_of("%s/%s", site.directory, names[i]);
		copy_over(i ? built(text_of("tests/fixtures/origin/%s", names[i]))
		            : fixture("serve_hello"),
		          site.files[i]);
	}
	site.config = scratch_write(text_of("%s.ini", strrchr(site.directory, '/') + 1),
	                            "[host]\n"
	                            "listen = 127.0.0.1:0\n"
	                            "modules = %s\n"
	                            "[worker hello]\n"
	                            "route = /hello\n"
	                            "var.TEXT = still here\n"
	                            "[worker runpath]\n"
	                            "route = /number\n",
	                            site.directory);
	return site;
}

static const char *const *environment_of(const struct site *site)
{
	const char **list = memory_of(2 * sizeof(*list));

	list[0] = text_of("RUNTIME_DIRECTORY=%s", site->copies);
	return list;
}

static struct host *start(const struct site *site)
{
	return host_start_with(site->config,
	                       &(struct host_options){ .environment = environment_of(site) });
}

static bool answers(struct http_client *client, const char *path, const char *expected)
{
	struct http_reply *reply = http_send(client, &(struct http_request){ .path = path });

	return reply->status == 200 && strcmp(reply->body, expected) == 0;
}

static unsigned ask(struct http_client *client)
{
	return !answers(client, "/hello", "still here") + !answers(client, "/number", "107\n");
}

/* How many replies were not as they should be: on one connection, and on one for each. */
static unsigned count_failed(const struct host *host, struct http_client *kept)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < BETWEEN; i++) {
		struct http_client *fresh = http_open(host);

		failed += ask(kept) + ask(fresh);
		http_close(fresh);
	}
	return failed;
}

/* ---- The tests ----------------------------------------------------------------------------- */

static void whatever_happens_to_the_files_requests_go_on(void)
{
	static void (*const changes[])(const char *path) = { fill_with_ones, cut_off, write_another,
		                                             take_away, put_a_directory };
	struct site site = create_site();
	struct host *host = start(&site);
	struct http_client *client = http_open(host);

	CHECK_NUMBER(count_failed(host, client), 0);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		for (size_t j = 0; j < 4; j++)
			changes[i](site.files[j]);
		CHECK_NUMBER(count_failed(host, client), 0);
	}
	http_close(client);
	host_end(host);
}

static void nothing_is_left_after_the_end(void)
{
	struct site site = create_site();
	struct host *host = start(&site);

	CHECK_NUMBER(entries_of(site.copies), 1);
	host_end(host);
	CHECK_NUMBER(entries_of(site.copies), 0);
}

static void what_was_killed_is_cleared_away_by_the_next(void)
{
	struct site site = create_site();
	struct host *other = start(&site);
	struct host *host = start(&site);
	struct http_client *client = http_open(other);

	host_signal(host, SIGKILL);
	host_wait(host);
	CHECK_NUMBER(entries_of(site.copies), 2);
	host = start(&site);
	CHECK_NUMBER(entries_of(site.copies), 2);
	CHECK_NUMBER(count_failed(other, client), 0);
	http_close(client);
	host_end(host);
	host_end(other);
	CHECK_NUMBER(entries_of(site.copies), 0);
}

/* The file of a mapping ends in the module's name: that is what a debugger goes by. */
static void the_copy_has_the_name_of_the_module(void)
{
	struct site site = create_site();
	struct host *host = start(&site);
	char *maps = file_read(text_of("/proc/%d/maps", (int)host->pid));

	if (!*host_prefix()) {
		CU_ASSERT(lines_matching(maps, "/tenon-modules-[^/]{6}/hello-[0-9a-f]{16}/"
		                               "hello\\.so$") > 0);
		CU_ASSERT(lines_matching(maps, "/tenon-modules-[^/]{6}/runpath-[0-9a-f]{16}/.*/"
		                               "more/libfar\\.so$") > 0);
		CHECK_NUMBER(lines_matching(maps, text_of(" %s/", site.directory)), 0);
	}
	host_end(host);
}

static void the_log_tells_the_version_of_each_module(void)
{
	struct site site = create_site();
	struct host *host = start(&site);

	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host),
	                            text_of("Z info: module %s/(hello|runpath)\\.so: version "
	                                    "[0-9a-f]{16}$",
	                                    site.directory)),
	             2);
}

/* ---- Errors, and the check ----------------------------------------------------------------- */

static int code_of(const struct site *site, const char *const *arguments)
{
	return tenon_run(arguments, environment_of(site)).code;
}

static const char *worker(const struct site *site, const char *module, const char *lines)
{
	return scratch_write(text_of("%s.ini", strrchr(site->directory, '/') + 1),
	                     "[host]\nlisten = 127.0.0.1:0\n"
	                     "[worker a]\nmodule = %s\nroute = /\n%s",
	                     fixture(module), lines);
}

static void nothing_is_left_of_a_start_that_fails(void)
{
	struct site site = create_site();
	const char *file = worker(&site, "mistake_start", "var.DO = fail\n");

	CHECK_NUMBER(code_of(&site, (const char *const[]){ "run", file, NULL }), 78);
	CHECK_NUMBER(entries_of(site.copies), 0);
	file = worker(&site, "mistake_exit", "");
	CHECK_NUMBER(code_of(&site, (const char *const[]){ "run", file, NULL }), 70);
	CHECK_NUMBER(entries_of(site.copies), 0);
}

/* However its child has ended. */
static void nothing_is_left_of_a_check(void)
{
	static const char *const modules[] = { "mistake_crash", "mistake_exit", "mistake_hang",
		                               "mistake_no_fetch" };
	struct site site = create_site();

	CHECK_NUMBER(code_of(&site, (const char *const[]){ "check", site.config, NULL }), 0);
	CHECK_NUMBER(entries_of(site.copies), 0);
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		const char *file = worker(&site, modules[i], "");

		CHECK_NUMBER(code_of(&site, (const char *const[]){ "check", "--timeout", "200ms",
		                                                   file, NULL }),
		             78);
		CHECK_NUMBER(entries_of(site.copies), 0);
	}
}

/* What the loader says of a library that was copied names the original. */
static void a_library_that_does_not_fit_is_named_by_its_own_path(void)
{
	struct site site = create_site();
	struct finished check;

	copy_over(built("tests/fixtures/serve_hello.so"), site.files[3]);
	check = tenon_run((const char *const[]){ "check", site.config, NULL },
	                  environment_of(&site));
	CHECK_NUMBER(check.code, 78);
	CHECK_NUMBER(count_of(check.err, "tenon-modules-"), 0);
	CHECK_NUMBER(count_of(check.err, text_of("module '%s/runpath.so': it cannot be loaded: "
	                                         "%s/lib/libnear.so: undefined symbol: far_number",
	                                         site.directory, site.directory)),
	             1);
}

TEST_MAIN("e2e/copies",
          TEST(whatever_happens_to_the_files_requests_go_on),
          TEST(nothing_is_left_after_the_end),
          TEST(what_was_killed_is_cleared_away_by_the_next),
          TEST(the_copy_has_the_name_of_the_module),
          TEST(the_log_tells_the_version_of_each_module),
          TEST(nothing_is_left_of_a_start_that_fails),
          TEST(nothing_is_left_of_a_check),
          TEST(a_library_that_does_not_fit_is_named_by_its_own_path))
