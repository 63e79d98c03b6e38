#include "deploy/file.h"

#include "deploy/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ROOM_FIRST ((size_t)64 * 1024)

TN_PRINTF(3, 4)
static int refuse(int code, char *reason, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(reason, TN_REASON_SIZE, format, list);
	va_end(list);
	return code;
}

static int explain(int error, char *reason)
{
	if (error == EACCES || error == EPERM)
		return refuse(EX_NOPERM, reason,
		              "%s: make it readable for this user, or run as another",
		              strerror(error));
	return refuse(EX_NOINPUT, reason, "%s", strerror(error));
}

static int check(const struct tn_file *file, bool regular, char *reason)
{
	mode_t mode = file->status.st_mode;

	if (S_ISDIR(mode))
		return refuse(EX_CONFIG, reason, "it is a directory: name the .ini file in it");
	if (regular && !S_ISREG(mode))
		return refuse(EX_CONFIG, reason, "it is not a regular file: name one");
	if (geteuid() == 0 && S_ISREG(mode) && (mode & S_IWOTH))
		return refuse(EX_CONFIG, reason,
		              "others may write to it, and this is root: chmod o-w %s", file->path);
	if (S_ISREG(mode) && !tn_trust_path(file->path, reason))
		return EX_CONFIG;
	return 0;
}

static bool make_room(struct tn_file *file, size_t *room)
{
	size_t larger = *room ? 2 * *room : ROOM_FIRST;
	char *text;

	if (file->size + 1 < *room)
		return true;
	text = realloc(file->text, larger);
	if (!text)
		return false;
	file->text = text;
	*room = larger;
	return true;
}

/* A pipe has no size beforehand. */
static int read_all(struct tn_file *file, int descriptor, char *reason)
{
	size_t room = 0;
	ssize_t got = 1;

	while (got) {
		if (!make_room(file, &room))
			return refuse(EX_OSERR, reason, "out of memory");
		got = read(descriptor, file->text + file->size, room - file->size - 1);
		if (got < 0 && errno != EINTR)
			return explain(errno, reason);
		file->size += got > 0 ? (size_t)got : 0;
		if (file->size > TN_FILE_MOST)
			return refuse(EX_CONFIG, reason, "it is larger than 16 MiB");
	}
	file->text[file->size] = '\0';
	return 0;
}

static int read_open(struct tn_file *file, int descriptor, bool regular, char *reason)
{
	int code;

	if (fstat(descriptor, &file->status))
		return explain(errno, reason);
	code = check(file, regular, reason);
	return code ? code : read_all(file, descriptor, reason);
}

/* A pipe that nobody writes to would be waited for, unless it is opened without. */
static int read_path(const char *path, struct tn_file *file, bool regular, char *reason)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK | O_NOCTTY : 0));
	int code;

	*file = (struct tn_file){ 0 };
	if (descriptor < 0)
		return explain(errno, reason);
	file->path = strdup(path);
	if (file->path)
		code = read_open(file, descriptor, regular, reason);
	else
		code = refuse(EX_OSERR, reason, "out of memory");
	close(descriptor);
	if (code)
		tn_file_finish(file);
	return code;
}

int tn_file_read(const char *path, struct tn_file *file, char *reason)
{
	return read_path(path, file, false, reason);
}

int tn_file_read_regular(const char *path, struct tn_file *file, char *reason)
{
	return read_path(path, file, true, reason);
}

bool tn_file_write(int descriptor, const char *data, size_t size)
{
	while (size) {
		ssize_t written = write(descriptor, data, size);

		if (written < 0 && errno != EINTR)
			return false;
		data += written > 0 ? written : 0;
		size -= written > 0 ? (size_t)written : 0;
	}
	return true;
}

void tn_file_finish(struct tn_file *file)
{
	free(file->path);
	free(file->text);
	*file = (struct tn_file){ 0 };
}

bool tn_file_same(const struct tn_file *one, const struct tn_file *other)
{
	return one->status.st_dev == other->status.st_dev &&
	       one->status.st_ino == other->status.st_ino;
}
