/*
 * bench_scale.c - a deployment of 1,000 Workers with 5,000 bindings: what each command takes. Once
 * all of them share a module, once each has a file of its own.
 */
#include "figures.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 1000
#define BINDINGS 5 /* of each */
#define PUBLIC 10  /* Workers with a route */
#define ROUNDS 7
#define ARGUMENTS_MOST 6

struct site {
	char tenon[PATH_MAX + 32];
	char module[PATH_MAX + 64];
	char directory[64];
	char config[PATH_MAX];
};

/* ---- The deployment ------------------------------------------------------------------------ */

static bool copy_module(const struct site *site, const char *path)
{
	char block[65536];
	int from = open(site->module, O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	ssize_t got = 1;

	while (from >= 0 && to >= 0 && got > 0) {
		got = read(from, block, sizeof(block));
		if (got > 0 && write(to, block, (size_t)got) != got)
			got = -1;
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return from >= 0 && to >= 0 && got == 0;
}

/* Each binds those behind it: without a cycle, and every one is reached. */
static void write_bindings(FILE *file, unsigned number)
{
	static const char *const fields[BINDINGS] = { "one", "two", "three", "four", "five" };

	for (unsigned i = 0; i < BINDINGS; i++)
		fprintf(file, "service.%s = worker-%04u\n", fields[i],
		        (number + 1 + i * PUBLIC) % WORKERS);
}

static bool write_worker(const struct site *site, FILE *file, unsigned number, bool own)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u.so", site->directory, number);
	if (own && !copy_module(site, path))
		return false;
	fprintf(file, "\n[worker worker-%04u]\nmodule = %s\n", number,
	        own ? path : site->module);
	if (number < PUBLIC)
		fprintf(file, "route = /%u/*\n", number);
	write_bindings(file, number);
	return true;
}

static bool site_create(struct site *site, bool own)
{
	const char *build = getenv("BUILD");
	char absolute[PATH_MAX];
	bool fine = realpath(build ? build : "build", absolute);
	FILE *file;

	snprintf(site->tenon, sizeof(site->tenon), "%s/tenon", absolute);
	snprintf(site->module, sizeof(site->module), "%s/tests/fixtures/bench_five.so", absolute);
	snprintf(site->directory, sizeof(site->directory), "/tmp/tenon-bench-XXXXXX");
	fine = fine && mkdtemp(site->directory);
	snprintf(site->config, sizeof(site->config), "%s/scale.ini", site->directory);
	file = fine ? fopen(site->config, "we") : NULL;
	if (!file)
		return false;
	fprintf(file, "[host]\nlisten = 127.0.0.1:0\n");
	for (unsigned i = 0; fine && i < WORKERS; i++)
		fine = write_worker(site, file, i, own);
	return fclose(file) == 0 && fine;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

/* ---- A command ----------------------------------------------------------------------------- */

struct usage {
	double milliseconds;
	double megabytes; /* of the largest process */
};

static pid_t start(const struct site *site, const char *const *words)
{
	char *arguments[ARGUMENTS_MOST] = { (char *)(uintptr_t)site->tenon };
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;
	size_t count = 1;

	for (; *words; words++)
		arguments[count++] = (char *)(uintptr_t)*words;
	arguments[count] = (char *)(uintptr_t)site->config;
	if (posix_spawn_file_actions_init(&actions))
		return -1;
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, site->tenon, &actions, NULL, arguments, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static bool run(const struct site *site, const char *const *words, struct usage *usage)
{
	int64_t begun = now_ns();
	pid_t pid = start(site, words);
	struct rusage used;
	int status;

	if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
		return false;
	usage->milliseconds = (double)(now_ns() - begun) / 1e6;
	usage->megabytes = (double)used.ru_maxrss / 1024;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool measure(const struct site *site, const char *title, const char *const *words)
{
	double milliseconds[ROUNDS], megabytes[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		struct usage usage;

		if (!run(site, words, &usage)) {
			fprintf(stderr, "bench_scale: tenon %s failed\n", title);
			return false;
		}
		milliseconds[i] = usage.milliseconds;
		megabytes[i] = usage.megabytes;
	}
	printf("  %-14s %7.1f ms  %6.1f MiB\n", title, median(milliseconds, ROUNDS),
	       median(megabytes, ROUNDS));
	return true;
}

static bool measure_all(const struct site *site)
{
	static const struct {
		const char *title;
		const char *words[ARGUMENTS_MOST - 2];
	} commands[] = {
		{ "check", { "check" } },
		{ "graph", { "graph" } },
		{ "graph --json", { "graph", "--json" } },
		{ "graph --dot", { "graph", "--dot" } },
		{ "bound --all", { "bound", "--all" } },
		{ "show", { "show" } },
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!measure(site, commands[i].title, commands[i].words))
			return false;
	return true;
}

static bool bench(const char *title, bool own)
{
	struct site site;
	bool fine = site_create(&site, own);

	printf("%s\n", title);
	fine = fine && measure_all(&site);
	nftw(site.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return fine;
}

int main(void)
{
	printf("%d Workers with %d bindings each; medians of %d; budget of check: 1000 ms\n\n",
	       WORKERS, BINDINGS, ROUNDS);
	if (!bench("one module for all", false) || !bench("a module for each", true))
		return EXIT_FAILURE;
	printf("\n");
	return EXIT_SUCCESS;
}
