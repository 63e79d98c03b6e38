#include "deploy/stage.h"

#include "deploy/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PREFIX "tenon-modules-"
#define RANDOM_SIZE 6 /* what mkdtemp makes of XXXXXX */
#define STEM_MOST 200 /* of a module's name in that of its directory */
#define FILES_MOST 16 /* that nftw has open at once */
#define ATTEMPTS 100
#define MODE 0700
#define SHARED_MODE 0750 /* with the group of those who load from it */

/* A module that was copied: the same file with the same content is the same one. */
struct unit {
	struct unit *next;
	dev_t device;
	ino_t inode;
	char *path, *directory;
	struct tn_stage_copy copy;
};

struct tn_stage {
	struct tn_stage *next; /* of all that this process has */
	pid_t owner;           /* a child that a Worker forks is not to remove it */
	char *directory;
	int lock; /* the directory itself */
	struct unit *units;
	const struct tn_stage_reader *reader; /* while it is being made; NULL: nobody else */
};

static struct tn_stage *stages;

/* ---- Removing ------------------------------------------------------------------------------ */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, FILES_MOST, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void remove_stage(const struct tn_stage *stage)
{
	if (stage->owner == getpid() && stage->lock >= 0)
		remove_tree(stage->directory);
}

/* A Worker may call exit(). */
static void remove_all(void)
{
	for (const struct tn_stage *stage = stages; stage; stage = stage->next)
		remove_stage(stage);
}

/* ---- What others have left ----------------------------------------------------------------- */

static bool is_name(const char *name)
{
	size_t size = strlen(PREFIX);

	return strncmp(name, PREFIX, size) == 0 && strlen(name + size) == RANDOM_SIZE;
}

/* Ours, and nobody holds its lock. */
static bool is_left(int directory)
{
	struct stat status;

	return fstat(directory, &status) == 0 && status.st_uid == geteuid() &&
	       ((status.st_mode & 07777) == MODE || (status.st_mode & 07777) == SHARED_MODE) &&
	       flock(directory, LOCK_EX | LOCK_NB) == 0;
}

/* Who is about to lock it finds it gone, and makes another. */
static void sweep_one(int base, const char *base_path, const char *name)
{
	int directory = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char *path = NULL;

	if (directory < 0)
		return;
	if (is_left(directory) && asprintf(&path, "%s/%s", base_path, name) >= 0) {
		remove_tree(path);
		free(path);
	}
	close(directory);
}

static void sweep(const char *base)
{
	DIR *list = opendir(base);
	struct dirent *entry;

	if (!list)
		return;
	while ((entry = readdir(list)))
		if (is_name(entry->d_name))
			sweep_one(dirfd(list), base, entry->d_name);
	closedir(list);
}

/* ---- The directory ------------------------------------------------------------------------- */

/* Why it cannot be used; NULL where nothing speaks against it. */
static const char *find_fault(const char *base)
{
	char reason[TN_REASON_SIZE];
	struct statvfs system;
	struct stat status;

	if (stat(base, &status) < 0 || statvfs(base, &system) < 0)
		return strerror(errno);
	if (!S_ISDIR(status.st_mode))
		return "it is no directory";
	if ((status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX))
		return "others may put their own in the place of what is in it (chmod +t)";
	if (geteuid() == 0 && status.st_uid != 0 && !(status.st_mode & S_ISVTX))
		return "it is another user's, and this is root";
	if (!tn_trust_path(base, reason))
		return "others may put their own in its place, and this is root";
	if (system.f_flag & ST_NOEXEC)
		return "its file system is mounted noexec";
	return NULL;
}

/* A sweep may have come between the making and the lock. flock on the directory itself also keeps
 * systemd-tmpfiles from clearing it of what is old. */
static bool lock_directory(struct tn_stage *stage)
{
	struct stat locked, found;

	stage->lock = open(stage->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (stage->lock < 0)
		return false;
	while (flock(stage->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return false;
	if (fstat(stage->lock, &locked) < 0 || lstat(stage->directory, &found) < 0)
		return false;
	errno = ENOENT;
	return locked.st_ino == found.st_ino && locked.st_dev == found.st_dev;
}

/* It may have inherited the setgid bit, which no sweep looks for. */
static bool open_to_reader(const struct tn_stage *stage)
{
	const struct tn_stage_reader *reader = stage->reader;

	if (!reader || reader->group == (gid_t)-1)
		return fchmod(stage->lock, MODE) == 0;
	return fchown(stage->lock, (uid_t)-1, reader->group) == 0 &&
	       fchmod(stage->lock, SHARED_MODE) == 0;
}

static void remove_directory(struct tn_stage *stage)
{
	rmdir(stage->directory);
	if (stage->lock >= 0)
		close(stage->lock);
	free(stage->directory);
	stage->directory = NULL;
	stage->lock = -1;
}

static bool make_directory(struct tn_stage *stage, const char *base)
{
	int error = ENOMEM;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (asprintf(&stage->directory, "%s/" PREFIX "XXXXXX", base) < 0)
			break;
		if (mkdtemp(stage->directory) && lock_directory(stage) && open_to_reader(stage))
			return true;
		error = errno;
		remove_directory(stage);
		if (error != ENOENT)
			break;
	}
	stage->directory = NULL;
	errno = error;
	return false;
}

/* Returns why it cannot be made there; NULL where it has been. */
static const char *make_readable(struct tn_stage *stage, const char *base)
{
	const struct tn_stage_reader *reader = stage->reader;

	if (!make_directory(stage, base))
		return strerror(errno);
	if (!reader || reader->reaches(reader->argument, stage->directory))
		return NULL;
	remove_directory(stage);
	return "the user of the host processes cannot reach it (chmod o+x what is above)";
}

/* Notes in the reason why it cannot be there. */
static bool try_base(struct tn_stage *stage, const char *base, char *reason)
{
	char *path = *base ? realpath(base, NULL) : NULL;
	const char *fault = path ? find_fault(path) : strerror(errno);
	size_t size = strlen(reason);

	if (!*base)
		return false;
	if (path && !fault) {
		sweep(path);
		fault = make_readable(stage, path);
	}
	free(path);
	if (fault)
		snprintf(reason + size, TN_REASON_SIZE - size, "%s%s: %s", size ? "; " : "", base,
		         fault);
	return !fault;
}

/* systemd gives several, separated by colons. */
static bool try_runtime_directory(struct tn_stage *stage, char *reason)
{
	const char *value = getenv("RUNTIME_DIRECTORY");
	char *first = value ? strndup(value, strcspn(value, ":")) : NULL;
	bool fine = first && try_base(stage, first, reason);

	free(first);
	return fine;
}

static bool find_base(struct tn_stage *stage, char *reason)
{
	const char *temporary = getenv("TMPDIR");
	char faults[TN_REASON_SIZE] = "";

	if (try_runtime_directory(stage, faults) ||
	    (temporary && try_base(stage, temporary, faults)) || try_base(stage, "/tmp", faults))
		return true;
	snprintf(reason, TN_REASON_SIZE,
	         "modules are loaded from private copies, and there is no place for them: set "
	         "TMPDIR to a directory that this user may write, of a file system that is not "
	         "mounted noexec (%.700s)",
	         faults);
	return false;
}

struct tn_stage *tn_stage_create(char *reason)
{
	return tn_stage_create_for(NULL, reason);
}

struct tn_stage *tn_stage_create_for(const struct tn_stage_reader *reader, char *reason)
{
	static bool registered;
	struct tn_stage *stage = calloc(1, sizeof(*stage));

	registered = registered || atexit(remove_all) == 0;
	if (!stage || !registered) {
		snprintf(reason, TN_REASON_SIZE, "out of memory");
		free(stage);
		return NULL;
	}
	stage->owner = getpid();
	stage->lock = -1;
	stage->reader = reader;
	if (!find_base(stage, reason)) {
		free(stage);
		return NULL;
	}
	stage->reader = NULL;
	stage->next = stages;
	stages = stage;
	return stage;
}

const char *tn_stage_directory(const struct tn_stage *stage)
{
	return stage->directory;
}

/* ---- Copies -------------------------------------------------------------------------------- */

static const struct tn_stage_copy *find_unit(const struct tn_stage *stage,
                                             const struct tn_copied *copied)
{
	for (const struct unit *unit = stage->units; unit; unit = unit->next)
		if (unit->device == copied->device && unit->inode == copied->inode &&
		    strcmp(unit->copy.version, copied->version) == 0)
			return &unit->copy;
	return NULL;
}

/* Two files may have the same name and content: then the later ones get a number. */
static char *name_unit(const struct tn_stage *stage, const char *module, const char *version,
                       const char *made)
{
	const char *slash = strrchr(module, '/');
	const char *name = slash ? slash + 1 : module;
	int stem = (int)strlen(name);
	char *path;

	if (stem > 3 && strcmp(name + stem - 3, ".so") == 0)
		stem -= 3;
	for (unsigned i = 1;; i++) {
		char number[16] = "";

		if (i > 1)
			snprintf(number, sizeof(number), ".%u", i);
		if (asprintf(&path, "%s/%.*s-%s%s", stage->directory,
		             stem < STEM_MOST ? stem : STEM_MOST, name, version, number) < 0)
			return NULL;
		if (rename(made, path) == 0)
			return path;
		free(path);
		if (errno != EEXIST && errno != ENOTEMPTY)
			return NULL;
	}
}

static void unit_free(struct unit *unit)
{
	if (!unit)
		return;
	free(unit->path);
	free(unit->directory);
	free(unit);
}

/* Gives what is in `made` its lasting place. */
static const struct tn_stage_copy *add_unit(struct tn_stage *stage, const char *module,
                                            const struct tn_copied *copied, const char *made)
{
	struct unit *unit = calloc(1, sizeof(*unit));

	if (!unit)
		return NULL;
	unit->directory = name_unit(stage, module, copied->version, made);
	if (!unit->directory || asprintf(&unit->path, "%s%s", unit->directory,
	                                 copied->path + strlen(made)) < 0) {
		if (unit->directory)
			remove_tree(unit->directory);
		unit->path = NULL;
		unit_free(unit);
		return NULL;
	}
	unit->device = copied->device;
	unit->inode = copied->inode;
	unit->copy = (struct tn_stage_copy){ .path = unit->path, .directory = unit->directory };
	memcpy(unit->copy.version, copied->version, sizeof(unit->copy.version));
	unit->next = stage->units;
	stage->units = unit;
	return &unit->copy;
}

static const struct tn_stage_copy *copy_to(struct tn_stage *stage, const char *module,
                                           const char *made, char *reason)
{
	const struct tn_stage_copy *copy;
	struct tn_copied copied;

	if (!tn_copy_module(module, made, &copied, reason))
		return NULL;
	copy = find_unit(stage, &copied);
	if (!copy)
		copy = add_unit(stage, module, &copied, made);
	if (!copy)
		snprintf(reason, TN_REASON_SIZE, "it cannot be copied to '%s': %s",
		         stage->directory, strerror(errno));
	free(copied.path);
	return copy;
}

const struct tn_stage_copy *tn_stage_copy(struct tn_stage *stage, const char *path, char *reason)
{
	const struct tn_stage_copy *copy = NULL;
	char *made = NULL;

	if (asprintf(&made, "%s/new", stage->directory) < 0) {
		snprintf(reason, TN_REASON_SIZE, "out of memory");
		return NULL;
	}
	if (tn_copy_make_directory(made))
		copy = copy_to(stage, path, made, reason);
	else
		snprintf(reason, TN_REASON_SIZE, "it cannot be copied: '%s': %s", made,
		         strerror(errno));
	remove_tree(made);
	free(made);
	return copy;
}

void tn_stage_destroy(struct tn_stage *stage)
{
	struct tn_stage **at = &stages;

	if (!stage)
		return;
	while (*at && *at != stage)
		at = &(*at)->next;
	if (*at)
		*at = stage->next;
	remove_stage(stage);
	while (stage->units) {
		struct unit *unit = stage->units;

		stage->units = unit->next;
		unit_free(unit);
	}
	close(stage->lock);
	free(stage->directory);
	free(stage);
}
