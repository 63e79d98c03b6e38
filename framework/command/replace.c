#include "command/replace.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl_xattr.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <sysexits.h>
#include <unistd.h>

#define ACCESS_LIST "system.posix_acl_access"
#define ACCESS_LIST_ROOM 4096
#define GROUP_ENTRY 4
#define OPEN_FILES "/proc/self/fd"
#define BESIDE "no file can be made beside it: "
#define RANDOM_SIZE 6 /* the X's of mkostemp(3) */
#define TIMES 100
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int find_file(struct tn_replacement *replacement, const char *path, char *reason);
static int lock_file(struct tn_replacement *replacement, char *reason);
static int read_locked(struct tn_replacement *replacement, const char *path, char *reason);
static int check_unchanged(const struct tn_replacement *replacement, char *reason);

int tn_replace_begin(struct tn_replacement *replacement, const char *path, char *reason)
{
	int code;

	*replacement = (struct tn_replacement){ .lock = -1 };
	code = find_file(replacement, path, reason);
	if (!code)
		code = lock_file(replacement, reason);
	if (!code)
		code = read_locked(replacement, path, reason);
	return code;
}

int tn_replace_commit(struct tn_replacement *replacement, const char *text, size_t size,
                      char *reason)
{
	const struct tn_like like = { replacement->lock, TN_LIKE_ALL };
	struct tn_successor successor;
	sigset_t before = tn_replace_hold_signals();
	int code = tn_successor_write(&successor, replacement->path, &like, text, size, reason);

	if (!code)
		code = check_unchanged(replacement, reason);
	if (!code)
		code = tn_successor_rename(&successor, reason);
	tn_successor_finish(&successor);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

void tn_replace_finish(struct tn_replacement *replacement)
{
	if (replacement->path && replacement->lock >= 0)
		close(replacement->lock);
	free(replacement->path);
	tn_file_finish(&replacement->file);
	*replacement = (struct tn_replacement){ .lock = -1 };
}

sigset_t tn_replace_hold_signals(void)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	sigset_t set, before;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		sigaddset(&set, held[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
	signal(SIGXFSZ, SIG_IGN);
	return before;
}

/* ---- Reasons ------------------------------------------------------------------------------- */

TN_PRINTF(3, 4)
static int refuse(int code, char *reason, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(reason, TN_REASON_SIZE, format, list);
	va_end(list);
	return code;
}

/* Of errno. */
static int explain(const char *what, char *reason)
{
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return refuse(EX_NOINPUT, reason, "%s%s", what, strerror(errno));
	if (errno == EACCES || errno == EPERM)
		return refuse(EX_NOPERM, reason,
		              "%s%s: make it, and its directory, writable for this user, or run "
		              "as another",
		              what, strerror(errno));
	return refuse(EX_IOERR, reason, "%s%s", what, strerror(errno));
}

/* ---- The file that is replaced ------------------------------------------------------------- */

static int find_file(struct tn_replacement *replacement, const char *path, char *reason)
{
	struct stat status;

	if (stat(path, &status))
		return explain("", reason);
	if (!S_ISREG(status.st_mode))
		return refuse(EX_CONFIG, reason,
		              "it is not a regular file: name the one that is to be changed");
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		return explain("it cannot be written: ", reason);
	replacement->path = realpath(path, NULL);
	return replacement->path ? 0 : explain("", reason);
}

static int lock_file(struct tn_replacement *replacement, char *reason)
{
	replacement->lock = open(replacement->path, OPEN_FLAGS);
	if (replacement->lock < 0)
		return explain("", reason);
	if (!flock(replacement->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		return refuse(EX_TEMPFAIL, reason,
		              "another command is changing it: try again when that has ended");
	return refuse(EX_OSERR, reason, "it cannot be locked: %s", strerror(errno));
}

/* The lock is the opened file's, and by now the path may lead to another. */
static int read_locked(struct tn_replacement *replacement, const char *path, char *reason)
{
	int code = tn_file_read_regular(path, &replacement->file, reason);
	struct tn_file locked = { 0 };

	if (code)
		return code;
	if (fstat(replacement->lock, &locked.status))
		return explain("", reason);
	if (tn_file_same(&replacement->file, &locked))
		return 0;
	return refuse(EX_TEMPFAIL, reason, "it was replaced in this moment: try again");
}

static bool is_unchanged(const struct tn_file *one, const struct tn_file *other)
{
	return tn_file_same(one, other) && one->status.st_mode == other->status.st_mode &&
	       one->status.st_uid == other->status.st_uid &&
	       one->status.st_gid == other->status.st_gid && one->size == other->size &&
	       memcmp(one->text, other->text, one->size) == 0;
}

/* An editor takes no lock. */
static int check_unchanged(const struct tn_replacement *replacement, char *reason)
{
	struct tn_file now;
	bool unchanged = !tn_file_read_regular(replacement->path, &now, reason) &&
	                 is_unchanged(&replacement->file, &now);

	tn_file_finish(&now);
	if (unchanged)
		return 0;
	return refuse(EX_TEMPFAIL, reason,
	              "somebody else has changed it meanwhile: look at it, and try again");
}

/* ---- The one that takes its place ---------------------------------------------------------- */

/* The size of the directory's name in a path, with the slash behind it. */
static int directory_size(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash + 1 - path) : 0;
}

static int keep_owner(int file, const struct stat *wanted, char *reason)
{
	struct stat status;

	if (fstat(file, &status))
		return explain("", reason);
	if (status.st_uid == wanted->st_uid && status.st_gid == wanted->st_gid)
		return 0;
	if (!fchown(file, wanted->st_uid, wanted->st_gid))
		return 0;
	return refuse(EX_NOPERM, reason,
	              "this user cannot keep its owner (%u:%u): %s: run as the owner, or as root",
	              (unsigned)wanted->st_uid, (unsigned)wanted->st_gid, strerror(errno));
}

/* Without a list of its own it is not to have the one that the directory gives to new files. */
static bool keep_access_list(int file, int like)
{
	char list[ACCESS_LIST_ROOM];
	ssize_t size = fgetxattr(like, ACCESS_LIST, list, sizeof(list));

	if (size > 0)
		return !fsetxattr(file, ACCESS_LIST, list, (size_t)size, 0);
	if (errno == ENODATA)
		fremovexattr(file, ACCESS_LIST);
	return errno == ENODATA || errno == EOPNOTSUPP;
}

/* With an access list the bits of the mode are its mask: those of the group stand in the list. */
static mode_t group_bits(int file)
{
	unsigned char list[ACCESS_LIST_ROOM];
	ssize_t size = fgetxattr(file, ACCESS_LIST, list, sizeof(list));
	const unsigned char *at = list + sizeof(struct posix_acl_xattr_header);
	struct posix_acl_xattr_entry entry;

	if (size < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? S_IRWXG : 0;
	for (size -= sizeof(struct posix_acl_xattr_header); size >= (ssize_t)sizeof(entry);
	     size -= sizeof(entry), at += sizeof(entry)) {
		memcpy(&entry, at, sizeof(entry));
		if (le16toh(entry.e_tag) == GROUP_ENTRY)
			return (mode_t)(le16toh(entry.e_perm) << 3) & S_IRWXG;
	}
	return 0;
}

/* The list first: with it, bits of the mode would let in those that stand there. */
static int limit_rights(int file, const struct tn_like *like, mode_t mode, char *reason)
{
	mode &= like->most & (group_bits(like->file) | (mode_t)~S_IRWXG);
	if (fremovexattr(file, ACCESS_LIST) && errno != ENODATA && errno != EOPNOTSUPP)
		return explain("its access list cannot be removed: ", reason);
	return fchmod(file, mode) ? explain("its mode cannot be kept: ", reason) : 0;
}

static int keep_rights(int file, const struct tn_like *like, char *reason)
{
	struct stat status;
	int code;

	if (fstat(like->file, &status))
		return explain("", reason);
	code = keep_owner(file, &status, reason);
	if (code)
		return code;
	if (like->most != TN_LIKE_ALL)
		return limit_rights(file, like, status.st_mode, reason);
	if (!keep_access_list(file, like->file) || fchmod(file, status.st_mode & like->most))
		return explain("its mode cannot be kept: ", reason);
	return 0;
}

static char *name_directory(const char *path)
{
	int size = directory_size(path);

	return size ? strndup(path, (size_t)size) : strdup(".");
}

/* A file that is gone with this process, whatever ends it, until it gets a name. */
static int make_nameless(const char *path)
{
	char *directory = name_directory(path);
	int file = -1;

	if (directory && !access(OPEN_FILES, X_OK))
		file = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	free(directory);
	return file;
}

/* A name beside it, of which mkostemp(3) would make one that nobody has. */
static char *make_template(const char *path)
{
	int directory = directory_size(path);
	char *template = NULL;

	if (asprintf(&template, "%.*s.%s.XXXXXX", directory, path, path + directory) < 0)
		return NULL;
	return template;
}

/* Where the file system has no files without a name. */
static int make_named(struct tn_successor *successor, char *reason)
{
	char *path = make_template(successor->path);

	if (!path)
		return refuse(EX_OSERR, reason, "out of memory");
	successor->file = mkostemp(path, O_CLOEXEC);
	if (successor->file >= 0) {
		successor->own_path = path;
		return 0;
	}
	free(path);
	return explain(BESIDE, reason);
}

static int fill(struct tn_successor *successor, const struct tn_like *like, const char *data,
                size_t size, char *reason)
{
	int code = like ? keep_rights(successor->file, like, reason) : 0;

	if (!code && (!tn_file_write(successor->file, data, size) || fsync(successor->file)))
		code = explain("the file beside it cannot be written: ", reason);
	return code;
}

int tn_successor_write(struct tn_successor *successor, const char *path,
                       const struct tn_like *like, const char *data, size_t size, char *reason)
{
	int code = 0;

	*successor = (struct tn_successor){ .path = path, .file = make_nameless(path) };
	if (successor->file < 0)
		code = make_named(successor, reason);
	if (!code)
		code = fill(successor, like, data, size, reason);
	if (code)
		tn_successor_finish(successor);
	return code;
}

/* Gives it the name, where it has none yet; else one more. */
static int link_to(const struct tn_successor *successor, const char *path)
{
	char open_file[sizeof(OPEN_FILES) + 16];

	if (successor->own_path)
		return link(successor->own_path, path);
	snprintf(open_file, sizeof(open_file), OPEN_FILES "/%d", successor->file);
	return linkat(AT_FDCWD, open_file, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* rename(2) takes a name only. */
static int give_name(struct tn_successor *successor, char *reason)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz012345";
	char *path = make_template(successor->path);
	unsigned char random[RANDOM_SIZE];
	int failure = -1;

	if (!path)
		return refuse(EX_OSERR, reason, "out of memory");
	for (int i = 0; failure && i < TIMES; i++) {
		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			break;
		for (size_t j = 0; j < sizeof(random); j++)
			path[strlen(path) - 1 - j] = digits[random[j] % (sizeof(digits) - 1)];
		failure = link_to(successor, path);
		if (failure && errno != EEXIST)
			break;
	}
	if (!failure) {
		successor->own_path = path;
		return 0;
	}
	free(path);
	return explain(BESIDE, reason);
}

/* The name is in its place by now, and there is no way back: a failure has no consequence. */
static void write_directory(const char *path)
{
	char *name = name_directory(path);
	int directory = open(name ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory >= 0) {
		fsync(directory);
		close(directory);
	}
	free(name);
}

int tn_successor_rename(struct tn_successor *successor, char *reason)
{
	int code = successor->own_path ? 0 : give_name(successor, reason);

	if (code)
		return code;
	if (rename(successor->own_path, successor->path))
		return explain("it cannot be replaced: ", reason);
	write_directory(successor->path);
	free(successor->own_path);
	successor->own_path = NULL;
	return 0;
}

int tn_successor_place(struct tn_successor *successor, char *reason)
{
	if (link_to(successor, successor->path)) {
		if (errno == EEXIST)
			return refuse(EX_TEMPFAIL, reason,
			              "it was made in this moment: look at it, and try again");
		if (!successor->own_path || errno != EPERM)
			return explain("it cannot be made: ", reason);
		return tn_successor_rename(successor, reason); /* no links in this file system */
	}
	write_directory(successor->path);
	return 0;
}

void tn_successor_finish(struct tn_successor *successor)
{
	if (successor->own_path)
		unlink(successor->own_path);
	free(successor->own_path);
	if (successor->path && successor->file >= 0)
		close(successor->file);
	*successor = (struct tn_successor){ .file = -1 };
}
