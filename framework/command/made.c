#include "command/made.h"

#include "command/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

void tn_made_add(struct tn_made *made, char *text, mode_t mode, const char *format, ...)
{
	struct tn_made_file *file = &made->files[made->count];
	va_list list;
	int size;

	if (!text || made->count == TN_MADE_MOST) {
		free(text);
		made->failed = true;
		return;
	}
	*file = (struct tn_made_file){ .text = text, .mode = mode, .successor = { .file = -1 } };
	va_start(list, format);
	size = vasprintf(&file->path, format, list);
	va_end(list);
	if (size < 0)
		file->path = NULL;
	made->failed = made->failed || !file->path;
	made->count++;
}

int tn_made_check(const struct tn_made *made)
{
	struct stat status;

	if (made->failed) {
		tn_complain("out of memory");
		return EX_OSERR;
	}
	for (size_t i = 0; i < made->count; i++) {
		if (lstat(made->files[i].path, &status))
			continue; /* what else is wrong there is told when it is made */
		tn_complain("%s: it is there already, and is not overwritten: write another name, "
		            "or remove it; nothing was made",
		            made->files[i].path);
		return EX_CANTCREAT;
	}
	return 0;
}

static int refuse(const char *path, int code, const char *reason)
{
	tn_complain("%s: %s; nothing was made", path, reason);
	return code;
}

/* Without a name, so that what follows can hardly fail. */
static int write_all(struct tn_made *made, mode_t mask)
{
	char reason[TN_REASON_SIZE];

	for (size_t i = 0; i < made->count; i++) {
		struct tn_made_file *file = &made->files[i];
		int code = tn_successor_write(&file->successor, file->path, NULL, file->text,
		                              strlen(file->text), reason);

		if (code)
			return refuse(file->path, code, reason);
		if (fchmod(file->successor.file, file->mode & ~mask))
			return refuse(file->path, EX_IOERR, strerror(errno));
	}
	return 0;
}

static void remove_files(const struct tn_made *made, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (unlink(made->files[i].path))
			tn_complain("%s: it was made, and cannot be removed: %s",
			            made->files[i].path, strerror(errno));
}

static int place_all(struct tn_made *made, struct tn_replacement *replacement, const char *text,
                     size_t size)
{
	char reason[TN_REASON_SIZE];
	const char *path = NULL;
	size_t placed = 0;
	int code = 0;

	while (!code && placed < made->count) {
		path = made->files[placed].path;
		code = tn_successor_place(&made->files[placed].successor, reason);
		placed += !code;
	}
	if (!code && replacement) {
		path = replacement->path;
		code = tn_replace_commit(replacement, text, size, reason);
	}
	if (!code)
		return 0;
	remove_files(made, placed);
	return refuse(path, code, reason);
}

int tn_made_place(struct tn_made *made, struct tn_replacement *replacement, const char *text,
                  size_t size)
{
	mode_t mask = umask(0);
	sigset_t before = tn_replace_hold_signals();
	int code;

	umask(mask);
	code = tn_made_check(made);
	if (!code)
		code = write_all(made, mask);
	if (!code)
		code = place_all(made, replacement, text, size);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

void tn_made_finish(struct tn_made *made)
{
	for (size_t i = 0; i < made->count; i++) {
		tn_successor_finish(&made->files[i].successor);
		free(made->files[i].path);
		free(made->files[i].text);
	}
	*made = (struct tn_made){ 0 };
}
