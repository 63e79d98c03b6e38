#include "deploy/module.h"

#include "scratch.h"

#include <dlfcn.h>
#include <link.h>

static char reason[TN_REASON_SIZE];

/* Removed with the process, as the host's is. */
static struct tn_stage *stage(void)
{
	static struct tn_stage *made;

	if (!made)
		made = tn_stage_create(reason);
	CU_ASSERT_PTR_NOT_NULL_FATAL(made);
	return made;
}

static struct tn_module *load(const char *path)
{
	char problem[TN_REASON_SIZE];
	const struct tn_stage_copy *made = tn_stage_copy(stage(), path, problem);
	struct tn_module_copy copy = {
		.file = made ? strdup(made->path) : NULL,
		.directory = made ? strdup(made->directory) : NULL,
		.reason = problem,
	};
	struct tn_module *module;

	if (made)
		memcpy(copy.version, made->version, sizeof(copy.version));
	module = tn_module_load(path, &copy, reason);
	free(copy.file);
	free(copy.directory);
	return module;
}

static void refuse_module(const char *name, const char *expected)
{
	reason[0] = '\0';
	CU_ASSERT_PTR_NULL(load(built(name)));
	if (!CHECK_TEXT(reason, expected))
		printf("\tthe module was %s\n", name);
}

static void a_plugin_loads(void)
{
	struct tn_module *module = load(built("plugins/auth.so"));

	CHECK_NUMBER(tn_response_status(NULL), 500); /* the test has libtenon, as the host does */
	CU_ASSERT_PTR_NOT_NULL_FATAL(module);
	CHECK_TEXT(module->path, built("plugins/auth.so"));
	CU_ASSERT_NOT_EQUAL(strcmp(module->file, module->path), 0);
	CHECK_NUMBER(strlen(module->version), 16);
	CHECK_TEXT(module->worker->name, "auth");
	CHECK_NUMBER(module->worker->slot_count, 1);
	CU_ASSERT_PTR_EQUAL((void *)(uintptr_t)module->worker->fetch,
	                    dlsym(module->handle, "fetch"));
	tn_module_forget(module);
}

static void a_module_that_is_loaded_twice_is_the_same(void)
{
	struct tn_module *one = load(built("plugins/auth.so"));
	struct tn_module *other = load(built("plugins/auth.so"));

	CU_ASSERT_FATAL(one && other);
	CU_ASSERT_PTR_EQUAL(one->worker, other->worker);
	tn_module_forget(one);
	tn_module_forget(other);
}

static void two_modules_have_a_fetch_each(void)
{
	struct tn_module *one = load(built("plugins/auth.so"));
	struct tn_module *other = load(built("plugins/application.so"));

	CU_ASSERT_FATAL(one && other);
	CU_ASSERT(one->worker->fetch != other->worker->fetch);
	tn_module_forget(one);
	tn_module_forget(other);
}

static void the_symbols_do_not_reach_the_host(void)
{
	const char *path = built("tests/fixtures/mistake_exports.so");
	struct tn_module *module = load(path);

	CU_ASSERT_PTR_NOT_NULL_FATAL(module);
	CU_ASSERT_PTR_NULL(dlsym(RTLD_DEFAULT, "helper"));
	CU_ASSERT_PTR_NULL(dlsym(RTLD_DEFAULT, "tn_worker"));
	tn_module_forget(module);
}

static void another_abi_is_refused(void)
{
	refuse_module("tests/fixtures/mistake_abi.so",
	              "it was built for ABI 99.7, and this host has ABI 1.0: build it again with "
	              "this host's tenon.h");
}

static void a_descriptor_of_another_size_is_refused(void)
{
	refuse_module("tests/fixtures/mistake_descriptor.so",
	              "its descriptor is 24 bytes, its service 0, its env 0, where this host knows "
	              "56, 64 and no less: build it again with this host's tenon.h");
}

static void without_a_descriptor_it_is_refused(void)
{
	refuse_module("tests/fixtures/mistake_no_worker.so",
	              "it exports no `tn_worker`: end its source with TN_WORKER(handler, struct "
	              "env, ...)");
}

static void without_a_fetch_it_is_refused(void)
{
	refuse_module("tests/fixtures/mistake_no_fetch.so",
	              "it has a `fetch`, but does not export it: let TN_WORKER define it, and link "
	              "it with what `pkg-config --libs tenon` gives, without a version script of "
	              "its own");
}

static void another_fetch_than_its_own_is_refused(void)
{
	refuse_module("tests/fixtures/mistake_other_fetch.so",
	              "its `tn_worker` points to another `fetch` than it exports: link it with "
	              "-Wl,-Bsymbolic");
}

static void an_undefined_symbol_is_named(void)
{
	refuse_module("tests/fixtures/mistake_undefined.so",
	              "it cannot be loaded: undefined symbol: no_such_function: link it with the "
	              "library that has it (-Wl,-z,defs finds it at build time)");
	refuse_module("tests/fixtures/mistake_newer.so",
	              "it cannot be loaded: undefined symbol: tn_from_the_future: link it with "
	              "-ltenon, and build it for a Tenon no newer than this one");
}

static void forget_to_bind_now(char *data)
{
	const ElfW(Ehdr) *header = (const void *)data;
	const ElfW(Phdr) *segment = (const void *)(data + header->e_phoff);
	ElfW(Dyn) *entry;

	while (segment->p_type != PT_DYNAMIC)
		segment++;
	for (entry = (void *)(data + segment->p_offset); entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_FLAGS || entry->d_tag == DT_FLAGS_1)
			entry->d_un.d_val = 0;
}

/* A module that was not linked with -z now could wait with it until a request comes. */
static void an_undefined_symbol_is_found_at_once(void)
{
	struct scratch scratch;
	size_t size;
	char *data = scratch_read(built("tests/fixtures/mistake_undefined.so"), &size);

	forget_to_bind_now(data);
	scratch_begin(&scratch);
	scratch_write(&scratch, "lazy.so", 0755, data, size);
	CU_ASSERT_PTR_NULL(load(scratch.path));
	CU_ASSERT_PTR_NOT_NULL(strstr(reason, "undefined symbol: no_such_function"));
	free(data);
	scratch_end(&scratch);
}

static void slots_that_do_not_fit_are_refused(void)
{
	refuse_module("tests/fixtures/mistake_overlap.so",
	              "its slot 'limit' overlaps 'limit': name each field once in TN_WORKER's "
	              "list");
}

static void a_file_that_is_none_is_refused(void)
{
	refuse_module("plugins/none.so", "there is no such file: build it, or set `module`, or "
	                                 "`modules` in [host]");
}

/* Puts a name of the same length in the place of libtenon's, which the test has anyway. */
static char *with_library(const char *name, size_t *size)
{
	static const char needed[] = "\0libtenon.so.1";
	char *data = scratch_read(built("tests/fixtures/mistake_no_worker.so"), size);
	char *at = memmem(data, *size, needed, sizeof(needed));

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	CU_ASSERT_EQUAL_FATAL(strlen(name), strlen(needed + 1));
	memcpy(at + 1, name, strlen(name));
	return data;
}

static void load_with(struct scratch *scratch, const char *library)
{
	size_t size;
	char *data = with_library(library, &size);

	scratch_write(scratch, "module.so", 0755, data, size);
	free(data);
	CU_ASSERT_PTR_NULL(load(scratch->path));
}

/* The library is a Worker, too, and dlsym would give its symbols for the module's. */
static void the_descriptor_of_a_dependency_is_not_taken(void)
{
	struct scratch scratch;
	char before[PATH_MAX];
	size_t size;
	char *auth = scratch_read(built("plugins/auth.so"), &size);

	scratch_begin(&scratch);
	scratch_write(&scratch, "borrowed.so", 0755, auth, size);
	free(auth);
	CU_ASSERT_FATAL(getcwd(before, sizeof(before)) && chdir(scratch.directory) == 0);
	load_with(&scratch, "./borrowed.so");
	CHECK_TEXT(reason, "it exports no `tn_worker`: end its source with TN_WORKER(handler, "
	                   "struct env, ...)");
	CHECK_NUMBER(chdir(before), 0);
	scratch_end(&scratch);
}

static void a_library_that_is_not_there_is_named(void)
{
	struct scratch scratch;

	scratch_begin(&scratch);
	load_with(&scratch, "libnowhere.so");
	CHECK_TEXT(reason, "it cannot be loaded: libnowhere.so: cannot open shared object file: No "
	                   "such file or directory: install the library that it needs");
	scratch_end(&scratch);
}

static void warn(const char *name, struct tn_errors *errors)
{
	struct tn_module *module = load(built(name));

	CU_ASSERT_PTR_NOT_NULL_FATAL(module);
	tn_module_warn_exports(module, (struct tn_place){ "x.ini", 3 }, "one", errors);
	tn_module_forget(module);
}

static void further_exports_are_warned_of(void)
{
	struct tn_errors errors = { 0 };
	char *text;

	warn("tests/fixtures/mistake_exports.so", &errors);
	CHECK_NUMBER(errors.errors, 0);
	CHECK_NUMBER(errors.count, 2);
	text = errors_text(&errors);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "x.ini:3: warning: worker 'one': module '"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "mistake_exports.so' exports 'helper', too: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "mistake_exports.so' exports 'counter', too: "));
	free(text);
	tn_errors_finish(&errors);
}

/* Neither of these was linked with a version script; the second exports no more all the same. */
static void a_module_that_exports_its_two_symbols_is_not_warned_of(void)
{
	struct tn_errors errors = { 0 };

	warn("plugins/gateway.so", &errors);
	warn("tests/fixtures/mistake_node.so", &errors);
	CHECK_ERRORS(&errors, "");
}

TEST_MAIN("deploy/module",
          TEST(a_plugin_loads),
          TEST(a_module_that_is_loaded_twice_is_the_same),
          TEST(two_modules_have_a_fetch_each),
          TEST(the_symbols_do_not_reach_the_host),
          TEST(another_abi_is_refused),
          TEST(a_descriptor_of_another_size_is_refused),
          TEST(without_a_descriptor_it_is_refused),
          TEST(without_a_fetch_it_is_refused),
          TEST(another_fetch_than_its_own_is_refused),
          TEST(an_undefined_symbol_is_named),
          TEST(an_undefined_symbol_is_found_at_once),
          TEST(slots_that_do_not_fit_are_refused),
          TEST(a_file_that_is_none_is_refused),
          TEST(the_descriptor_of_a_dependency_is_not_taken),
          TEST(a_library_that_is_not_there_is_named),
          TEST(further_exports_are_warned_of),
          TEST(a_module_that_exports_its_two_symbols_is_not_warned_of))
