#include "supervise/bundle.h"

#include "message/secret.h"

#include "../deploy/planned.h"

#include <sys/mman.h>

/* What the supervisor has: a plan and its secrets. */
struct fixture {
	struct planned planned;
	struct tn_secrets secrets;
	struct tn_copies copies;
};

#define BINARY "\0\n\xff\0end"

/* In the directory, with the secrets that their files hold. */
static void read_all(struct fixture *fixture, const char *environment)
{
	struct tn_vault vault = { 0 };
	char reason[TN_REASON_SIZE];

	planned_load(&fixture->planned, "x.ini");
	planned_make(&fixture->planned, environment);
	CU_ASSERT_TRUE(tn_vault_take(&vault, fixture->planned.config));
	CU_ASSERT_TRUE(tn_secrets_read(&fixture->secrets, fixture->planned.plan, &vault,
	                               &fixture->planned.errors));
	tn_vault_finish(&vault);
	CHECK_NUMBER(tn_copies_make(&fixture->copies, fixture->planned.plan, NULL, NULL, NULL,
	                            reason),
	             0);
	CHECK_TOLD(&fixture->planned, "");
}

static void begin(struct fixture *fixture)
{
	*fixture = (struct fixture){ 0 };
	planned_begin(&fixture->planned);
}

/* One of several files, one of them in a directory, and two secrets. */
static void begin_with_all(struct fixture *fixture)
{
	begin(fixture);
	planned_write(&fixture->planned, "x.ini",
	              "include = teams/*.ini\n[host]\nprocesses = 2\n"
	              "[worker a]\nroute = /\nsecret.ONE = file:one\n");
	planned_write(&fixture->planned, "teams/b.ini",
	              "[worker b]\nroute = /b\n[worker b@staging]\n"
	              "secret.TWO = env:TN_TEST_TWO\n");
	planned_write(&fixture->planned, "teams/c.ini", "[worker c]\nroute = /c\n");
	scratch_write(&fixture->planned.scratch, "one", 0600, BINARY, sizeof(BINARY) - 1);
	setenv("TN_TEST_TWO", "two", 1);
	read_all(fixture, "staging");
}

static void end(struct fixture *fixture)
{
	tn_copies_finish(&fixture->copies);
	tn_secrets_finish(&fixture->secrets);
	planned_end(&fixture->planned);
}

static int write_bundle(const struct fixture *fixture)
{
	int descriptor = tn_bundle_write(fixture->planned.plan, &fixture->secrets,
	                                 &fixture->copies);

	CU_ASSERT_FATAL(descriptor >= 0);
	return descriptor;
}

static struct tn_bytes secret_of(const struct tn_bundle *bundle, const char *worker,
                                 const char *key)
{
	const struct tn_section *section = tn_config_find(bundle->config, "worker", worker);
	const struct tn_entry *entry = section ? tn_section_find(section, key) : NULL;

	CU_ASSERT_PTR_NOT_NULL(entry);
	return tn_secret_reveal(tn_secrets_find(&bundle->secrets, entry));
}

static void check_files(const struct fixture *fixture, const struct tn_bundle *bundle)
{
	const struct tn_config *before = fixture->planned.config, *after = bundle->config;

	CHECK_NUMBER((long long)after->file_count, (long long)before->file_count);
	CHECK_NUMBER((long long)after->count, (long long)before->count);
	for (size_t i = 0; i < before->file_count && i < after->file_count; i++) {
		CHECK_TEXT(after->files[i].path, before->files[i].path);
		CHECK_TEXT(after->files[i].text, before->files[i].text);
	}
}

static void check_copy(const struct tn_module_copy *after, const struct tn_module_copy *before)
{
	CHECK_TEXT(after->path, before->path);
	CHECK_TEXT(after->file, before->file);
	CHECK_TEXT(after->directory, before->directory);
	CHECK_TEXT(after->version, before->version);
	CHECK_TEXT(after->reason, before->reason);
}

/* ---- What is written is what is read -------------------------------------------------------- */

static void all_of_it_comes_out(void)
{
	struct fixture fixture;
	struct tn_bundle bundle;
	struct tn_bytes one;
	int descriptor;

	begin_with_all(&fixture);
	descriptor = write_bundle(&fixture);
	CU_ASSERT_TRUE(tn_bundle_read(descriptor, &bundle));
	CHECK_TEXT(bundle.environment, "staging");
	CHECK_TEXT(bundle.plan->environment, "staging");
	CHECK_NUMBER((long long)bundle.config->file_count, 3);
	check_files(&fixture, &bundle);
	CHECK_NUMBER((long long)bundle.plan->count, 4);
	CHECK_NUMBER(bundle.plan->settings.processes, 2);
	CHECK_NUMBER((long long)bundle.secrets.count, 2);
	one = secret_of(&bundle, "a", "secret.ONE");
	CHECK_NUMBER((long long)one.size, sizeof(BINARY) - 1);
	CU_ASSERT(one.size == sizeof(BINARY) - 1 && !memcmp(one.data, BINARY, one.size));
	CHECK_TEXT(secret_of(&bundle, "b@staging", "secret.TWO").data, "two");
	CHECK_NUMBER((long long)bundle.copies.count, (long long)fixture.copies.count);
	for (size_t i = 0; i < bundle.copies.count; i++)
		check_copy(&bundle.copies.list[i], &fixture.copies.list[i]);
	tn_bundle_finish(&bundle);
	close(descriptor);
	end(&fixture);
}

/* A line of a message is found again, in a file of any name. */
static void entries_keep_their_places(void)
{
	struct fixture fixture;
	struct tn_bundle bundle;
	const struct tn_section *section;
	int descriptor;

	begin_with_all(&fixture);
	descriptor = write_bundle(&fixture);
	CU_ASSERT_TRUE(tn_bundle_read(descriptor, &bundle));
	section = tn_config_find(bundle.config, "worker", "b@staging");
	CU_ASSERT_PTR_NOT_NULL_FATAL(section);
	CHECK_TEXT(section->entries[0].place.file,
	           scratch_path(&fixture.planned.scratch, "teams/b.ini"));
	CHECK_NUMBER(section->entries[0].place.line, 4);
	tn_bundle_finish(&bundle);
	close(descriptor);
	end(&fixture);
}

static void none_of_it_is_needed_but_a_file(void)
{
	struct fixture fixture;
	struct tn_bundle bundle;
	int descriptor;

	begin(&fixture);
	planned_write(&fixture.planned, "x.ini", "");
	planned_load(&fixture.planned, "x.ini");
	planned_make(&fixture.planned, NULL);
	tn_errors_finish(&fixture.planned.errors);
	descriptor = write_bundle(&fixture);
	/* It has no Worker, which is an error of its own. */
	CU_ASSERT_FALSE(tn_bundle_read(descriptor, &bundle));
	tn_bundle_finish(&bundle);
	close(descriptor);
	end(&fixture);

	begin(&fixture);
	planned_write(&fixture.planned, "x.ini", "[worker a]\nroute = /\n");
	read_all(&fixture, NULL);
	descriptor = write_bundle(&fixture);
	CU_ASSERT_TRUE(tn_bundle_read(descriptor, &bundle));
	CHECK_TEXT(bundle.environment, NULL);
	CHECK_NUMBER((long long)bundle.secrets.count, 0);
	tn_bundle_finish(&bundle);
	close(descriptor);
	end(&fixture);
}

/* The host opens no file: whatever has become of them since, it serves what was read. */
static void no_file_is_looked_for_again(void)
{
	struct fixture fixture;
	struct tn_bundle bundle;
	int descriptor;

	begin_with_all(&fixture);
	descriptor = write_bundle(&fixture);
	planned_write(&fixture.planned, "teams/d.ini", "[worker d]\nroute = /d\n");
	planned_write(&fixture.planned, "teams/c.ini", "[worker c]\nmodule = other.so\n");
	CHECK_NUMBER(remove(scratch_path(&fixture.planned.scratch, "teams/b.ini")), 0);
	CHECK_NUMBER(remove(scratch_path(&fixture.planned.scratch, "x.ini")), 0);
	CHECK_NUMBER(remove(scratch_path(&fixture.planned.scratch, "one")), 0);
	CU_ASSERT_TRUE(tn_bundle_read(descriptor, &bundle));
	check_files(&fixture, &bundle);
	CHECK_NUMBER((long long)secret_of(&bundle, "a", "secret.ONE").size, sizeof(BINARY) - 1);
	tn_bundle_finish(&bundle);
	close(descriptor);
	end(&fixture);
}

/* Several processes read it, one after another. */
static void nobody_can_change_it(void)
{
	struct fixture fixture;
	int descriptor;

	begin_with_all(&fixture);
	descriptor = write_bundle(&fixture);
	CU_ASSERT(pwrite(descriptor, "x", 1, 0) < 0);
	CU_ASSERT(ftruncate(descriptor, 0) < 0);
	close(descriptor);
	end(&fixture);
}

static void it_is_closed_on_exec_and_has_no_name(void)
{
	struct fixture fixture;
	struct stat status;
	int descriptor;

	begin_with_all(&fixture);
	descriptor = write_bundle(&fixture);
	CU_ASSERT(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
	CHECK_NUMBER(fstat(descriptor, &status), 0);
	CHECK_NUMBER((long long)status.st_nlink, 0);
	close(descriptor);
	end(&fixture);
}

/* ---- What is none -------------------------------------------------------------------------- */

static void check_refused(const void *data, size_t size, unsigned line)
{
	struct tn_bundle bundle;
	int descriptor = memfd_create("test", MFD_CLOEXEC);

	CU_ASSERT_FATAL(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
	test_number(tn_bundle_read(descriptor, &bundle), false, "whether it is one", __FILE__,
	            line);
	tn_bundle_finish(&bundle);
	CHECK_NUMBER((long long)bundle.secrets.count, 0);
	CU_ASSERT_PTR_NULL(bundle.config);
	close(descriptor);
}

/* The bytes of a good one; for the caller to free. */
static char *good_bytes(size_t *size)
{
	struct fixture fixture;
	struct stat status;
	int descriptor;
	char *data;

	begin_with_all(&fixture);
	descriptor = write_bundle(&fixture);
	CU_ASSERT_FATAL(fstat(descriptor, &status) == 0);
	*size = (size_t)status.st_size;
	data = malloc(*size);
	CU_ASSERT_FATAL(data && pread(descriptor, data, *size, 0) == (ssize_t)*size);
	close(descriptor);
	end(&fixture);
	return data;
}

static void one_that_is_cut_off_is_refused(void)
{
	size_t whole;
	char *data = good_bytes(&whole);

	for (size_t size = 0; size < whole; size++) {
		unsigned before = CU_get_number_of_failures();

		check_refused(data, size, __LINE__);
		if (CU_get_number_of_failures() > before)
			printf("cut off behind %zu bytes of %zu\n", size, whole);
	}
	free(data);
}

/* Numbers are at any place: each is made too large, and none at all. */
static void wrong_numbers_do_no_harm(void)
{
	static const uint64_t wrong[] = { 0, 1, UINT64_MAX, UINT64_MAX - 1, INT64_MAX,
		                          UINT64_C(1) << 60, 4096 };
	size_t size;
	char *data = good_bytes(&size);

	for (size_t at = 0; at + sizeof(uint64_t) <= size; at++) {
		uint64_t before;

		memcpy(&before, data + at, sizeof(before));
		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
			struct tn_bundle bundle;
			int descriptor = memfd_create("test", MFD_CLOEXEC);

			memcpy(data + at, &wrong[i], sizeof(wrong[i]));
			CU_ASSERT_FATAL(write(descriptor, data, size) == (ssize_t)size);
			tn_bundle_read(descriptor, &bundle); /* it may even be one */
			tn_bundle_finish(&bundle);
			close(descriptor);
		}
		memcpy(data + at, &before, sizeof(before));
	}
	free(data);
}

static void garbage_is_refused(void)
{
	static const uint64_t no_files[] = { UINT64_MAX, 0, 0 };
	static const uint64_t file_without_a_name[] = { UINT64_MAX, 1, UINT64_MAX, 0, 0 };
	static const uint64_t file_without_text[] = { UINT64_MAX, 1, 0, UINT64_MAX, 0 };
	static const uint64_t many_files[] = { UINT64_MAX, UINT64_MAX, 0, 0 };
	char bytes[4096];

	check_refused(no_files, sizeof(no_files), __LINE__);
	check_refused(file_without_a_name, sizeof(file_without_a_name), __LINE__);
	check_refused(file_without_text, sizeof(file_without_text), __LINE__);
	check_refused(many_files, sizeof(many_files), __LINE__);
	for (int byte = 0; byte < 256; byte++) {
		memset(bytes, byte, sizeof(bytes));
		check_refused(bytes, sizeof(bytes), __LINE__);
	}
}

static void what_is_no_file_is_refused(void)
{
	struct tn_bundle bundle;
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_FALSE(tn_bundle_read(ends[0], &bundle));
	tn_bundle_finish(&bundle);
	close(ends[0]);
	close(ends[1]);
	CU_ASSERT_FALSE(tn_bundle_read(-1, &bundle));
	tn_bundle_finish(&bundle);
}

TEST_MAIN("supervise/bundle",
          TEST(all_of_it_comes_out),
          TEST(entries_keep_their_places),
          TEST(none_of_it_is_needed_but_a_file),
          TEST(no_file_is_looked_for_again),
          TEST(nobody_can_change_it),
          TEST(it_is_closed_on_exec_and_has_no_name),
          TEST(one_that_is_cut_off_is_refused),
          TEST(wrong_numbers_do_no_harm),
          TEST(garbage_is_refused),
          TEST(what_is_no_file_is_refused))
