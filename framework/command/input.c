#include "command/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define FILE_MOST ((size_t)16 * 1024 * 1024)

void tn_complain(const char *format, ...)
{
	va_list list;

	fputs("tenon: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

static int explain(const char *path, int error)
{
	if (error == EACCES || error == EPERM) {
		tn_complain("%s: %s: make it readable for this user, or run as another", path,
		            strerror(error));
		return EX_NOPERM;
	}
	tn_complain("%s: %s", path, strerror(error));
	return EX_NOINPUT;
}

static int check_file(const char *path, int file)
{
	struct stat status;

	if (fstat(file, &status) < 0)
		return explain(path, errno);
	if (S_ISDIR(status.st_mode)) {
		tn_complain("%s: it is a directory: name the .ini file in it", path);
		return EX_CONFIG;
	}
	if (geteuid() == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IWOTH)) {
		tn_complain("%s: others may write to it, and this is root: chmod o-w %s", path,
		            path);
		return EX_CONFIG;
	}
	return 0;
}

/* Also from a pipe, such as a shell's <(...): hence no size beforehand. */
static int read_all(const char *path, int file, char **text, size_t *size)
{
	size_t room = 0;

	*text = NULL;
	*size = 0;
	for (;;) {
		ssize_t got;

		if (*size == room) {
			char *larger = room < FILE_MOST ? realloc(*text, room + 65536) : NULL;

			if (!larger) {
				tn_complain("%s: it is larger than 16 MiB", path);
				return EX_CONFIG;
			}
			*text = larger;
			room += 65536;
		}
		got = read(file, *text + *size, room - *size);
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return explain(path, errno);
		*size += got > 0 ? (size_t)got : 0;
	}
}

int tn_input_read(const char *path, struct tn_config **config, struct tn_errors *errors)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size = 0;
	int code;

	if (file < 0)
		return explain(path, errno);
	code = check_file(path, file);
	if (!code)
		code = read_all(path, file, &text, &size);
	close(file);
	if (!code) {
		*config = tn_config_parse(path, text, size, errors);
		if (!*config) {
			tn_complain("%s: out of memory", path);
			code = EX_OSERR;
		}
	}
	free(text);
	return code;
}
