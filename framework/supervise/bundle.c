#include "supervise/bundle.h"

#include "message/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME_SIZE 256

/*
 * Numbers and texts one after another: the environment, the files, the secrets, the copies. A text
 * is its size, then its bytes; none at all has the greatest size.
 */
#define NO_TEXT UINT64_MAX

/* ---- Writing ------------------------------------------------------------------------------- */

static void put_number(FILE *stream, uint64_t number)
{
	fwrite(&number, sizeof(number), 1, stream);
}

static void put_text(FILE *stream, const char *text, size_t size)
{
	put_number(stream, text ? size : NO_TEXT);
	if (text)
		fwrite(text, 1, size, stream);
}

static void put_string(FILE *stream, const char *text)
{
	put_text(stream, text, text ? strlen(text) : 0);
}

static void put_secret(FILE *stream, const struct tn_bound_secret *bound)
{
	struct tn_bytes bytes = tn_secret_reveal(bound->secret);

	put_string(stream, bound->entry->section->name);
	put_string(stream, bound->entry->key);
	put_text(stream, bytes.data, bytes.size);
}

static void put_copy(FILE *stream, const struct tn_module_copy *copy)
{
	put_string(stream, copy->path);
	put_string(stream, copy->file);
	put_string(stream, copy->directory);
	put_string(stream, copy->version);
	put_string(stream, copy->reason);
}

static void put_all(FILE *stream, const struct tn_plan *plan, const struct tn_secrets *secrets,
                    const struct tn_copies *copies)
{
	put_string(stream, plan->environment);
	put_number(stream, plan->config->file_count);
	for (size_t i = 0; i < plan->config->file_count; i++) {
		put_string(stream, plan->config->files[i].path);
		put_text(stream, plan->config->files[i].text, plan->config->files[i].size);
	}
	put_number(stream, secrets->count);
	for (size_t i = 0; i < secrets->count; i++)
		put_secret(stream, &secrets->list[i]);
	put_number(stream, copies->count);
	for (size_t i = 0; i < copies->count; i++)
		put_copy(stream, &copies->list[i]);
}

static bool seal(int descriptor)
{
	return fcntl(descriptor, F_ADD_SEALS,
	             F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

int tn_bundle_write(const struct tn_plan *plan, const struct tn_secrets *secrets,
                    const struct tn_copies *copies)
{
	int descriptor = memfd_create("tenon-bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int copy = descriptor < 0 ? -1 : dup(descriptor);
	FILE *stream = copy < 0 ? NULL : fdopen(copy, "w");
	bool written = false;

	if (stream) {
		setvbuf(stream, NULL, _IONBF, 0); /* no copy of a secret stays behind */
		put_all(stream, plan, secrets, copies);
		written = !ferror(stream);
		written = !fclose(stream) && written && seal(descriptor);
	} else if (copy >= 0) {
		close(copy);
	}
	if (written)
		return descriptor;
	if (descriptor >= 0)
		close(descriptor);
	return -1;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* What is left of it. */
struct reader {
	const char *data;
	size_t size;
	bool failed;
};

static const void *take(struct reader *reader, size_t size)
{
	const char *data = reader->data;

	if (reader->failed || size > reader->size) {
		reader->failed = true;
		return NULL;
	}
	reader->data += size;
	reader->size -= size;
	return data;
}

static uint64_t take_number(struct reader *reader)
{
	const void *data = take(reader, sizeof(uint64_t));
	uint64_t number = 0;

	if (data)
		memcpy(&number, data, sizeof(number));
	return number;
}

/* NULL where there is none, and where it failed. */
static const char *take_text(struct reader *reader, size_t *size)
{
	uint64_t length = take_number(reader);

	*size = 0;
	if (length == NO_TEXT || reader->failed)
		return NULL;
	*size = length;
	return take(reader, length);
}

/* For the caller to free. */
static char *take_string(struct reader *reader, size_t *size)
{
	const char *text = take_text(reader, size);
	char *copy = text ? malloc(*size + 1) : NULL;

	if (text && !copy)
		reader->failed = true;
	if (!copy)
		return NULL;
	memcpy(copy, text, *size);
	copy[*size] = '\0';
	return copy;
}

static void take_config(struct reader *reader, struct tn_bundle *bundle)
{
	uint64_t count = take_number(reader);
	bool possible = count && count <= reader->size;
	struct tn_file *files = possible ? calloc(count, sizeof(files[0])) : NULL;
	struct tn_errors errors = { 0 }; /* the supervisor has told them */
	size_t size;

	reader->failed = reader->failed || !files;
	for (uint64_t i = 0; files && i < count; i++) {
		files[i].path = take_string(reader, &size);
		files[i].text = take_string(reader, &files[i].size);
		reader->failed = reader->failed || !files[i].path || !files[i].text;
		files[i].status.st_ino = i + 1; /* each is another */
	}
	if (!reader->failed)
		bundle->config = tn_config_assemble(files, count, &errors);
	for (uint64_t i = 0; files && reader->failed && i < count; i++)
		tn_file_finish(&files[i]);
	free(files);
	if (bundle->config)
		bundle->plan = tn_plan_create(bundle->config, bundle->environment, &errors);
	reader->failed = reader->failed || !bundle->plan || errors.errors;
	tn_errors_finish(&errors);
}

static const struct tn_entry *find_entry(const struct tn_bundle *bundle, const char *section,
                                         const char *key)
{
	const struct tn_section *found = tn_config_find(bundle->config, "worker", section);

	return found ? tn_section_find(found, key) : NULL;
}

static void take_secret(struct reader *reader, struct tn_bundle *bundle)
{
	size_t size;
	char *section = take_string(reader, &size);
	char *key = take_string(reader, &size);
	const char *data = take_text(reader, &size);
	const struct tn_entry *entry = NULL;
	struct tn_secret *secret = data ? tn_secret_create(data, size) : NULL;

	if (section && key)
		entry = find_entry(bundle, section, key);
	if (!entry)
		tn_secret_destroy(secret);
	if (!entry || !secret || !tn_secrets_add(&bundle->secrets, entry, secret))
		reader->failed = true;
	free(section);
	free(key);
}

static void take_copy(struct reader *reader, struct tn_bundle *bundle)
{
	size_t size;
	struct tn_module_copy copy = {
		.path = take_string(reader, &size),
		.file = take_string(reader, &size),
		.directory = take_string(reader, &size),
	};
	char *version = take_string(reader, &size);

	if (version)
		snprintf(copy.version, sizeof(copy.version), "%s", version);
	free(version);
	copy.reason = take_string(reader, &size);
	if (!copy.path || (!copy.reason && !(copy.file && copy.directory)))
		reader->failed = true;
	if (!tn_copies_add(&bundle->copies, &copy))
		reader->failed = true;
}

static void take_all(struct reader *reader, struct tn_bundle *bundle)
{
	size_t size;
	uint64_t count;

	bundle->environment = take_string(reader, &size);
	take_config(reader, bundle);
	count = take_number(reader);
	for (uint64_t i = 0; i < count && !reader->failed; i++)
		take_secret(reader, bundle);
	count = take_number(reader);
	for (uint64_t i = 0; i < count && !reader->failed; i++)
		take_copy(reader, bundle);
}

bool tn_bundle_read(int descriptor, struct tn_bundle *bundle)
{
	off_t size = lseek(descriptor, 0, SEEK_END);
	struct reader reader = { 0 };
	void *data;

	*bundle = (struct tn_bundle){ 0 };
	if (size <= 0)
		return false;
	data = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (data == MAP_FAILED)
		return false;
	reader.data = data;
	reader.size = (size_t)size;
	take_all(&reader, bundle);
	munmap(data, (size_t)size);
	return !reader.failed;
}

void tn_bundle_finish(struct tn_bundle *bundle)
{
	tn_copies_finish(&bundle->copies);
	tn_secrets_finish(&bundle->secrets);
	tn_plan_destroy(bundle->plan);
	tn_config_destroy(bundle->config);
	free(bundle->environment);
	*bundle = (struct tn_bundle){ 0 };
}
