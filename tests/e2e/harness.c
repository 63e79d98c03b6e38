/* harness.c - files, text and time. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAP_NS 2000000

/* What is freed when the program ends. */
struct kept {
	struct kept *next;
	void *memory;
};

static struct kept *kept;
static char *directory;

/* ---- The program's end --------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void clean_up(void)
{
	if (directory)
		nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	while (kept) {
		struct kept *next = kept->next;

		free(kept->memory);
		free(kept);
		kept = next;
	}
}

_Noreturn void give_up(const char *what)
{
	fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void *keep(void *memory)
{
	struct kept *note = malloc(sizeof(*note));

	if (!memory || !note)
		give_up("memory");
	if (!kept && atexit(clean_up) != 0)
		give_up("atexit");
	*note = (struct kept){ kept, memory };
	kept = note;
	return memory;
}

/* ---- Time and text ------------------------------------------------------------------------- */

const char *host_prefix(void)
{
	const char *text = getenv("TN_HOST_PREFIX");

	return text ? text : "";
}

int deadline_ms(void)
{
	return *host_prefix() ? 120 * 1000 : 30 * 1000;
}

long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
}

bool host_is_instrumented(void)
{
	return *host_prefix() || strstr(built("tenon"), "/sanitize-");
}

void *memory_of(size_t size)
{
	return keep(calloc(1, size));
}

__attribute__((format(printf, 1, 0))) static char *text_list(const char *format, va_list list)
{
	char *text = NULL;

	if (vasprintf(&text, format, list) < 0)
		give_up("memory");
	return keep(text);
}

char *text_of(const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = text_list(format, list);
	va_end(list);
	return text;
}

unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	while ((text = strstr(text, part))) {
		count++;
		text += strlen(part);
	}
	return count;
}

unsigned lines_matching(const char *text, const char *expression)
{
	unsigned count = 0;
	regex_t regex;

	if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) != 0)
		give_up(expression);
	while (*text) {
		size_t size = strcspn(text, "\n");
		char *line = strndup(text, size);

		if (!line)
			give_up("memory");
		count += regexec(&regex, line, 0, NULL, 0) == 0;
		free(line);
		text += size + (text[size] == '\n');
	}
	regfree(&regex);
	return count;
}

/* ---- Files --------------------------------------------------------------------------------- */

const char *scratch_directory(void)
{
	const char *parent = getenv("TMPDIR");
	char *path;

	if (directory)
		return directory;
	path = text_of("%s/tenon-e2e-XXXXXX", parent && *parent ? parent : "/tmp");
	if (!mkdtemp(path))
		give_up(path);
	directory = path;
	return directory;
}

const char *scratch_path(const char *name)
{
	return text_of("%s/%s", scratch_directory(), name);
}

const char *scratch_write_bytes(const char *name, const void *data, size_t size)
{
	const char *path = scratch_path(name);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (file < 0 || write(file, data, size) != (ssize_t)size || close(file) < 0)
		give_up(path);
	return path;
}

const char *scratch_write(const char *name, const char *format, ...)
{
	va_list list;
	const char *text;

	va_start(list, format);
	text = text_list(format, list);
	va_end(list);
	return scratch_write_bytes(name, text, strlen(text));
}

char *file_load(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 64 * 1024;
	size_t size = 0;
	char *text = malloc(room + 1);
	ssize_t part = 0;

	while (text && file >= 0 && (part = read(file, text + size, room - size)) > 0) {
		size += (size_t)part;
		if (size == room)
			text = realloc(text, (room *= 2) + 1);
	}
	if (file >= 0)
		close(file);
	if (!text)
		give_up("memory");
	text[size] = '\0';
	return text;
}

char *file_read(const char *path)
{
	return keep(file_load(path));
}

const char *built(const char *name)
{
	static char root[PATH_MAX];
	const char *build = getenv("BUILD");

	if (!*root && !realpath(build && *build ? build : "build", root))
		give_up("BUILD");
	return text_of("%s/%s", root, name);
}

const char *plugin(const char *name)
{
	return text_of("%s.so", built(text_of("plugins/%s", name)));
}

const char *fixture(const char *name)
{
	return text_of("%s.so", built(text_of("tests/fixtures/%s", name)));
}
