#include "deploy/copy.h"

#include "deploy/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define BLOCK_SIZE ((size_t)64 * 1024)
#define COPY_MODE 0555
#define DIRECTORY_MODE 0755

/* One module being copied. */
struct copying {
	const char *directory; /* nothing is made above it */
	XXH3_state_t *hash;
	char *reason;
};

/* A file that was copied, while what it needs is looked for. */
struct object {
	const struct object *needer; /* NULL: it is the module */
	struct tn_elf_needs needs;
	char *original; /* the directories of the original and of the copy */
	char *copy;
};

static bool no_memory(const struct copying *copying)
{
	snprintf(copying->reason, TN_REASON_SIZE, "out of memory");
	return false;
}

static bool cannot_copy(const struct copying *copying, int error)
{
	snprintf(copying->reason, TN_REASON_SIZE,
	         "it cannot be copied to '%s': %s%s", copying->directory, strerror(error),
	         error == ENOSPC || error == EDQUOT || error == EFBIG
	                 ? ": make room there, or set TMPDIR to another directory"
	                 : "");
	return false;
}

/* ---- One file ------------------------------------------------------------------------------ */

static ssize_t read_block(int file, char *block)
{
	ssize_t got;

	do
		got = read(file, block, BLOCK_SIZE);
	while (got < 0 && errno == EINTR);
	return got;
}

static bool write_block(int file, const char *block, size_t size)
{
	while (size) {
		ssize_t written = write(file, block, size);

		if (written < 0 && errno != EINTR)
			return false;
		block += written > 0 ? written : 0;
		size -= written > 0 ? (size_t)written : 0;
	}
	return true;
}

static bool copy_bytes(const struct copying *copying, int from, int to)
{
	char block[BLOCK_SIZE];
	ssize_t got;

	while ((got = read_block(from, block)) > 0) {
		if (!write_block(to, block, (size_t)got))
			return cannot_copy(copying, errno);
		XXH3_128bits_update(copying->hash, block, (size_t)got);
	}
	if (got < 0) {
		snprintf(copying->reason, TN_REASON_SIZE, "it cannot be read: %s", strerror(errno));
		return false;
	}
	return true;
}

/* Who overwrites a file in place leaves one for a moment that is half of each version. */
static bool is_unchanged(const struct copying *copying, int from, const struct stat *before)
{
	struct stat after;

	if (fstat(from, &after) == 0 && after.st_size == before->st_size &&
	    after.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	    after.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
		return true;
	snprintf(copying->reason, TN_REASON_SIZE,
	         "it was written to while it was read: try again, and put a new version in its "
	         "place with mv");
	return false;
}

static bool copy_open_file(const struct copying *copying, int from, const char *path,
                           struct stat *status)
{
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, COPY_MODE);
	bool fine;

	if (to < 0)
		return cannot_copy(copying, errno);
	fine = fstat(from, status) == 0 && fchmod(to, COPY_MODE) == 0; /* whatever the umask */
	if (!fine)
		cannot_copy(copying, errno);
	fine = fine && copy_bytes(copying, from, to) && is_unchanged(copying, from, status);
	if (close(to) < 0 && fine)
		fine = cannot_copy(copying, errno);
	return fine;
}

static bool copy_file(const struct copying *copying, const char *original, const char *path,
                      struct stat *status)
{
	int from = tn_elf_open(original, copying->reason);
	bool fine;

	if (from < 0)
		return false;
	fine = copy_open_file(copying, from, path, status);
	close(from);
	return fine && tn_elf_check(path, copying->reason);
}

/* ---- Paths --------------------------------------------------------------------------------- */

/* What follows $ORIGIN at the beginning; NULL where it does not begin so, or where another of the
 * loader's variables follows. */
static const char *behind_origin(const char *text, size_t size)
{
	static const char *const spellings[] = { "$ORIGIN", "${ORIGIN}" };

	for (size_t i = 0; i < 2; i++) {
		size_t length = strlen(spellings[i]);

		if (size >= length && strncmp(text, spellings[i], length) == 0 &&
		    (size == length || text[length] == '/') &&
		    !memchr(text + length, '$', size - length))
			return text + length;
	}
	return NULL;
}

static bool has_origin(const char *path)
{
	while (path) {
		if (behind_origin(path, strcspn(path, ":")))
			return true;
		path = strchr(path, ':');
		path += path != NULL;
	}
	return false;
}

static bool needs_origin(const struct tn_elf_needs *needs)
{
	for (size_t i = 0; i < needs->count; i++)
		if (behind_origin(needs->names[i], strlen(needs->names[i])))
			return true;
	return has_origin(needs->runpath ? needs->runpath : needs->rpath);
}

static bool is_regular(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Whether a path goes above the root that it begins at, which `..` does not do in the original's
 * file system. */
static bool goes_above(const char *path)
{
	int depth = 0;

	while (*path && depth >= 0) {
		size_t size = strcspn(path, "/");

		if (size == 2 && strncmp(path, "..", 2) == 0)
			depth--;
		else if (size > 1 || (size == 1 && *path != '.'))
			depth++;
		path += size + (path[size] == '/');
	}
	return depth < 0;
}

bool tn_copy_make_directory(const char *path)
{
	return mkdir(path, DIRECTORY_MODE) == 0 && chmod(path, DIRECTORY_MODE) == 0;
}

/* Makes what stands above a file, one after the other: "a/../b" takes an "a", too. */
static bool make_parents(const struct copying *copying, char *path)
{
	char *at = path + strlen(copying->directory) + 1;

	if (goes_above(at)) {
		snprintf(copying->reason, TN_REASON_SIZE, "its $ORIGIN leads above '/': name the "
		                                          "directory without so many '..'");
		return false;
	}
	while ((at = strchr(at, '/'))) {
		bool made;

		*at = '\0';
		made = tn_copy_make_directory(path) || errno == EEXIST;
		*at++ = '/';
		if (!made)
			return cannot_copy(copying, errno);
	}
	return true;
}

static char *directory_of(const char *path)
{
	return strndup(path, (size_t)(strrchr(path, '/') - path));
}

/* ---- What it needs ------------------------------------------------------------------------- */

static bool lay_out_needs(const struct copying *copying, struct object *object);

static bool object_fill(struct object *object, const char *original, const char *path)
{
	object->original = directory_of(original);
	object->copy = directory_of(path);
	return object->original && object->copy && tn_elf_needs_read(path, &object->needs);
}

static void object_finish(struct object *object)
{
	tn_elf_needs_finish(&object->needs);
	free(object->original);
	free(object->copy);
}

/* One that is there already was laid out for another that needs it. */
static bool lay_out(const struct copying *copying, const struct object *needer,
                    const char *original, char *path)
{
	struct object object = { .needer = needer };
	char why[512];
	struct stat status;
	bool fine;

	if (!make_parents(copying, path))
		return false;
	if (lstat(path, &status) == 0)
		return true;
	if (!copy_file(copying, original, path, &status)) {
		snprintf(why, sizeof(why), "%.511s", copying->reason);
		snprintf(copying->reason, TN_REASON_SIZE, "it needs '%.480s': %s", original, why);
		return false;
	}
	fine = object_fill(&object, original, path) ? lay_out_needs(copying, &object)
	                                            : no_memory(copying);
	object_finish(&object);
	return fine;
}

enum search {
	SEARCH_ON,
	SEARCH_FOUND,
	SEARCH_FAILED
};

/* `at` is what stands behind the $ORIGIN of `owner`; `name` may be empty. */
static enum search try_origin(const struct copying *copying, const struct object *needer,
                              const struct object *owner, const char *at, size_t size,
                              const char *name)
{
	const char *between = *name ? "/" : "";
	enum search result = SEARCH_ON;
	char *original = NULL, *path = NULL;

	if (asprintf(&original, "%s%.*s%s%s", owner->original, (int)size, at, between, name) < 0)
		original = NULL;
	if (asprintf(&path, "%s%.*s%s%s", owner->copy, (int)size, at, between, name) < 0)
		path = NULL;
	if (!original || !path)
		result = no_memory(copying) ? SEARCH_ON : SEARCH_FAILED;
	else if (is_regular(original))
		result = lay_out(copying, needer, original, path) ? SEARCH_FOUND : SEARCH_FAILED;
	free(original);
	free(path);
	return result;
}

/* What is in a directory of the system is found by the loader, and stays there. */
static enum search try_entry(const struct copying *copying, const struct object *needer,
                             const struct object *owner, const char *entry, const char *name)
{
	size_t size = strcspn(entry, ":");
	const char *at = behind_origin(entry, size);
	char path[4096];

	if (at)
		return try_origin(copying, needer, owner, at, size - (size_t)(at - entry), name);
	snprintf(path, sizeof(path), "%.*s/%s", (int)size, entry, name);
	return is_regular(path) ? SEARCH_FOUND : SEARCH_ON;
}

static enum search try_list(const struct copying *copying, const struct object *needer,
                            const struct object *owner, const char *list, const char *name)
{
	enum search result = SEARCH_ON;

	while (list && result == SEARCH_ON) {
		result = try_entry(copying, needer, owner, list, name);
		list = strchr(list, ':');
		list += list != NULL;
	}
	return result;
}

/* As ld.so(8) has it: a DT_RUNPATH is for the object's own needs and takes the place of each
 * DT_RPATH; without it those of all that have led here count. */
static bool lay_out_need(const struct copying *copying, const struct object *object,
                         const char *name)
{
	const char *at = behind_origin(name, strlen(name));
	enum search result = SEARCH_ON;

	if (at)
		return try_origin(copying, object, object, at, strlen(at), "") != SEARCH_FAILED;
	if (strchr(name, '/'))
		return true;
	if (object->needs.runpath)
		return try_list(copying, object, object, object->needs.runpath, name) !=
		       SEARCH_FAILED;
	for (const struct object *owner = object; owner && result == SEARCH_ON;
	     owner = owner->needer)
		if (!owner->needs.runpath)
			result = try_list(copying, object, owner, owner->needs.rpath, name);
	return result != SEARCH_FAILED;
}

static bool lay_out_needs(const struct copying *copying, struct object *object)
{
	for (size_t i = 0; i < object->needs.count; i++)
		if (!lay_out_need(copying, object, object->needs.names[i]))
			return false;
	return true;
}

/* ---- The module ---------------------------------------------------------------------------- */

/* Its absolute path, as the loader would write it, with "" in the place of the root. */
static char *absolute(const char *path)
{
	char *directory = *path == '/' ? NULL : getcwd(NULL, 0);
	char *text = NULL;

	if (*path == '/')
		return strdup(path);
	if (!directory || asprintf(&text, "%s/%s", directory, path) < 0)
		text = NULL;
	free(directory);
	return text;
}

/* Moves the module's copy to where the original's path leads below the directory. */
static bool move_below(const struct copying *copying, const char *original, char **path)
{
	char *place = NULL;

	if (asprintf(&place, "%s%s", copying->directory, original) < 0)
		return no_memory(copying);
	if (!make_parents(copying, place)) {
		free(place);
		return false;
	}
	if (rename(*path, place) < 0) {
		free(place);
		return cannot_copy(copying, errno);
	}
	free(*path);
	*path = place;
	return true;
}

static bool lay_out_around(const struct copying *copying, const char *original, char **path)
{
	struct object module = { 0 };
	bool fine = original && tn_elf_needs_read(*path, &module.needs);
	bool around = fine && needs_origin(&module.needs);

	tn_elf_needs_finish(&module.needs);
	if (!fine)
		return no_memory(copying);
	if (!around)
		return true;
	if (!move_below(copying, original, path))
		return false;
	fine = object_fill(&module, original, *path) ? lay_out_needs(copying, &module)
	                                             : no_memory(copying);
	object_finish(&module);
	return fine;
}

static bool copy_module(const struct copying *copying, const char *path, struct tn_copied *copied)
{
	const char *slash = strrchr(path, '/');
	struct stat status;
	char *original;
	bool fine;

	if (asprintf(&copied->path, "%s/%s", copying->directory, slash ? slash + 1 : path) < 0) {
		copied->path = NULL;
		return no_memory(copying);
	}
	if (!copy_file(copying, path, copied->path, &status))
		return false;
	copied->device = status.st_dev;
	copied->inode = status.st_ino;
	original = absolute(path);
	fine = lay_out_around(copying, original, &copied->path);
	free(original);
	return fine;
}

static void write_version(const XXH3_state_t *hash, char *version)
{
	XXH128_canonical_t bytes;

	XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(hash));
	for (size_t i = 0; i < (TN_MODULE_VERSION_SIZE - 1) / 2; i++)
		snprintf(version + 2 * i, 3, "%02x", bytes.digest[i]);
}

bool tn_copy_module(const char *path, const char *directory, struct tn_copied *copied,
                    char *reason)
{
	struct copying copying = { .directory = directory, .hash = XXH3_createState() };
	bool fine;

	copying.reason = reason;
	*copied = (struct tn_copied){ 0 };
	if (!copying.hash || XXH3_128bits_reset(copying.hash) != XXH_OK)
		fine = no_memory(&copying);
	else
		fine = copy_module(&copying, path, copied);
	if (fine)
		write_version(copying.hash, copied->version);
	XXH3_freeState(copying.hash);
	if (fine)
		return true;
	free(copied->path);
	copied->path = NULL;
	return false;
}
