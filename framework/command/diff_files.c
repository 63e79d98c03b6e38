#include "command/diff.h"

#include "deploy/secret_source.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) /* a fifo would wait for ever */
#define BLOCK_SIZE ((size_t)64 * 1024)

/* A file of OLD or NEW. */
struct file {
	int number;   /* -1: it cannot be read */
	bool missing; /* there is none of that name */
	struct stat status;
};

/* Two modules that were compared: many Workers can share one. */
struct pair {
	char *before;
	char *after;
	enum tn_content content;
};

/* One that came through a pipe, such as a shell's <(...), or as standard input. */
static bool is_nameless(const struct tn_file *file)
{
	return !S_ISREG(file->status.st_mode) || strncmp(file->path, "/dev/", 5) == 0 ||
	       strncmp(file->path, "/proc/", 6) == 0;
}

/* Such a configuration stands in no directory: what is relative in it says nothing about files. */
static bool is_known(const struct tn_plan *plan, const char *path)
{
	const struct tn_file *file = &plan->config->files[0];
	const char *slash = strrchr(file->path, '/');
	size_t size = slash ? (size_t)(slash - file->path) + 1 : 0;

	if (!is_nameless(file))
		return true;
	return *path == '/' && (!size || strncmp(path, file->path, size) != 0);
}

static void open_file(struct file *file, const char *path)
{
	*file = (struct file){ .number = open(path, FILE_FLAGS) };
	if (file->number < 0) {
		file->missing = errno == ENOENT || errno == ENOTDIR;
		return;
	}
	if (fstat(file->number, &file->status) == 0 && S_ISREG(file->status.st_mode))
		return;
	close(file->number);
	file->number = -1;
}

static void close_file(const struct file *file)
{
	if (file->number >= 0)
		close(file->number);
}

/* Gives how many bytes there were, fewer than `room` only at the file's end; -1 on failure. */
static ssize_t read_block(const struct file *file, char *data, size_t room)
{
	size_t size = 0;
	ssize_t got = 1;

	while (got && size < room) {
		got = read(file->number, data + size, room - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		size += (size_t)got;
	}
	return (ssize_t)size;
}

static enum tn_content compare_bytes(const struct file *one, const struct file *other)
{
	static char blocks[2][BLOCK_SIZE];
	ssize_t size, other_size;

	do {
		size = read_block(one, blocks[0], BLOCK_SIZE);
		other_size = read_block(other, blocks[1], BLOCK_SIZE);
		if (size < 0 || other_size < 0)
			return TN_CONTENT_UNKNOWN;
		if (size != other_size || memcmp(blocks[0], blocks[1], (size_t)size) != 0)
			return TN_CONTENT_OTHER;
	} while (size == (ssize_t)BLOCK_SIZE);
	return TN_CONTENT_SAME;
}

/* Gives the size without the newline at the end; -1 where it cannot be a secret. */
static ssize_t read_secret(const struct file *file, char *data, size_t room)
{
	ssize_t size = read_block(file, data, room);

	if (size == (ssize_t)room)
		return -1;
	return size > 0 && data[size - 1] == '\n' ? size - 1 : size;
}

static enum tn_content compare_secrets(const struct file *one, const struct file *other)
{
	static char blocks[2][TN_SECRET_MAX + 1];
	ssize_t size = read_secret(one, blocks[0], sizeof(blocks[0]));
	ssize_t other_size = read_secret(other, blocks[1], sizeof(blocks[1]));
	enum tn_content content = TN_CONTENT_OTHER;

	if (size < 0 || other_size < 0)
		content = TN_CONTENT_UNKNOWN;
	else if (size == other_size && memcmp(blocks[0], blocks[1], (size_t)size) == 0)
		content = TN_CONTENT_SAME;
	explicit_bzero(blocks, sizeof(blocks));
	return content;
}

static enum tn_content compare(const struct file *before, const struct file *after,
                               enum tn_content (*contents)(const struct file *one,
                                                           const struct file *other))
{
	if (before->missing && after->missing)
		return TN_CONTENT_NOWHERE;
	if (before->missing)
		return TN_CONTENT_COME;
	if (after->missing)
		return TN_CONTENT_GONE;
	if (before->number < 0 || after->number < 0)
		return TN_CONTENT_UNKNOWN;
	if (before->status.st_dev == after->status.st_dev &&
	    before->status.st_ino == after->status.st_ino)
		return TN_CONTENT_SAME;
	return contents(before, after);
}

static enum tn_content look(const struct tn_diff *diff, const char *before, const char *after,
                            enum tn_content (*contents)(const struct file *one,
                                                        const struct file *other))
{
	struct file one, other;
	enum tn_content content;

	if (!is_known(diff->before, before) || !is_known(diff->after, after))
		return TN_CONTENT_UNKNOWN;
	open_file(&one, before);
	open_file(&other, after);
	content = compare(&one, &other, contents);
	close_file(&one);
	close_file(&other);
	return content;
}

enum tn_content tn_diff_secrets(const struct tn_diff *diff, const char *before, const char *after)
{
	return look(diff, before, after, compare_secrets);
}

/* ---- Modules, each pair once --------------------------------------------------------------- */

static int compare_pairs(const void *one, const void *other)
{
	const struct pair *a = one;
	const struct pair *b = other;
	int order = strcmp(a->before, b->before);

	return order ? order : strcmp(a->after, b->after);
}

static void free_pair(void *memory)
{
	struct pair *pair = memory;

	if (!pair)
		return;
	free(pair->before);
	free(pair->after);
	free(pair);
}

static struct pair *new_pair(const char *before, const char *after)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return NULL;
	pair->before = strdup(before);
	pair->after = strdup(after);
	if (pair->before && pair->after)
		return pair;
	free_pair(pair);
	return NULL;
}

enum tn_content tn_diff_modules(struct tn_diff *diff, const char *before, const char *after)
{
	struct pair *pair = new_pair(before, after);
	struct pair **place = pair ? tsearch(pair, diff->files, compare_pairs) : NULL;
	enum tn_content content;

	if (!place) {
		diff->failed = true;
		free_pair(pair);
		return TN_CONTENT_UNKNOWN;
	}
	if (*place == pair)
		pair->content = look(diff, before, after, compare_bytes);
	content = (*place)->content;
	if (*place != pair)
		free_pair(pair);
	return content;
}

void tn_diff_forget_files(void **files)
{
	tdestroy(*files, free_pair);
	*files = NULL;
}
