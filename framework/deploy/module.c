#include "deploy/module.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

/* Of ABI 1.0. A field that is added behind is read only where `size` says that it is there. */
#define WORKER_SIZE_1_0 (offsetof(struct tn_worker, slots) + sizeof(void *))

/* What is copied with a module stands below the copy's directory: without that, it is the path of
 * the original. */
static void write_without(const char *directory, const char *text, char *to, size_t room)
{
	size_t size = directory ? strlen(directory) : 0;
	size_t used = 0;

	while (*text && used + 1 < room) {
		if (size && strncmp(text, directory, size) == 0)
			text += size;
		else
			to[used++] = *text++;
	}
	to[used] = '\0';
}

/* The dynamic loader's own words, without the path that stands before them anyway. */
static void explain_loader(const char *path, const char *directory, char *reason)
{
	const char *text = dlerror();
	size_t size = strlen(path);
	char words[TN_REASON_SIZE - 160]; /* with room for the cure */
	const char *cure = "";

	if (!text)
		text = "the dynamic loader does not say why";
	if (strncmp(text, path, size) == 0 && strncmp(text + size, ": ", 2) == 0)
		text += size + 2;
	if (strstr(text, "undefined symbol: __asan_") || strstr(text, "undefined symbol: __tsan_"))
		cure = ": it is built with -fsanitize, and this tenon is not: build it without";
	else if (strstr(text, "undefined symbol: tn_"))
		cure = ": link it with -ltenon, and build it for a Tenon no newer than this one";
	else if (strstr(text, "undefined symbol"))
		cure = ": link it with the library that has it (-Wl,-z,defs finds it at build "
		       "time)";
	else if (strstr(text, "cannot open shared object file"))
		cure = ": install the library that it needs";
	else if (strstr(text, "cannot dynamically load position-independent executable"))
		cure = ": it is a program: link it with -shared";
	else if (strstr(text, "failed to map segment"))
		cure = ": its copy may not be run: set TMPDIR to a directory from which it may";
	write_without(directory, text, words, sizeof(words));
	snprintf(reason, TN_REASON_SIZE, "it cannot be loaded: %s%s", words, cure);
}

/* One that its linker has made local is not to be looked for in the source. */
static void explain_missing(const char *file, const char *name, char *reason)
{
	if (tn_elf_defines(file, name))
		snprintf(reason, TN_REASON_SIZE,
		         "it has a `%s`, but does not export it: let TN_WORKER define it, and link "
		         "it with what `pkg-config --libs tenon` gives, without a version script "
		         "of its own",
		         name);
	else
		snprintf(reason, TN_REASON_SIZE,
		         "it exports no `%s`: end its source with TN_WORKER(handler, struct env, "
		         "...)",
		         name);
}

/* dlsym finds a symbol of the module's dependencies, too: it must be the module's own. */
static void *find_own(void *handle, const char *file, const char *name, char *reason)
{
	struct link_map *module = NULL;
	struct link_map *owner = NULL;
	void *symbol = dlsym(handle, name);
	Dl_info info;

	if (symbol && dlinfo(handle, RTLD_DI_LINKMAP, &module) == 0 &&
	    dladdr1(symbol, &info, (void **)&owner, RTLD_DL_LINKMAP) && owner == module)
		return symbol;
	explain_missing(file, name, reason);
	return NULL;
}

static bool abi_fits(const struct tn_worker *worker, char *reason)
{
	if (worker->abi_major != TN_ABI_MAJOR) {
		snprintf(reason, TN_REASON_SIZE,
		         "it was built for ABI %u.%u, and this host has ABI %d.%d: build it again "
		         "with this host's tenon.h",
		         worker->abi_major, worker->abi_minor, TN_ABI_MAJOR, TN_ABI_MINOR);
		return false;
	}
	if (worker->size < WORKER_SIZE_1_0 ||
	    worker->service_size != sizeof(struct tn_service) ||
	    worker->env_size < sizeof(struct tn_service)) {
		snprintf(reason, TN_REASON_SIZE,
		         "its descriptor is %u bytes, its service %u, its env %zu, where this host "
		         "knows %zu, %zu and no less: build it again with this host's tenon.h",
		         worker->size, worker->service_size, worker->env_size, WORKER_SIZE_1_0,
		         sizeof(struct tn_service));
		return false;
	}
	return true;
}

static const struct tn_worker *find_worker(void *handle, const char *file, char *reason)
{
	const struct tn_worker *worker = find_own(handle, file, "tn_worker", reason);
	const void *fetch;

	if (!worker || !abi_fits(worker, reason))
		return NULL;
	fetch = find_own(handle, file, "fetch", reason);
	if (!fetch)
		return NULL;
	if (fetch != (const void *)(uintptr_t)worker->fetch) {
		snprintf(reason, TN_REASON_SIZE,
		         "its `tn_worker` points to another `fetch` than it exports: link it with "
		         "-Wl,-Bsymbolic");
		return NULL;
	}
	return tn_slots_check(worker, reason) ? worker : NULL;
}

static struct tn_module *describe(const char *path, const char *file, const char *version,
                                  char *reason)
{
	struct tn_module *module = calloc(1, sizeof(*module));

	if (module) {
		module->path = strdup(path);
		module->file = strdup(file);
		snprintf(module->version, sizeof(module->version), "%s", version);
	}
	if (module && module->path && module->file)
		return module;
	snprintf(reason, TN_REASON_SIZE, "out of memory");
	tn_module_forget(module);
	return NULL;
}

/* Its runtime has to be there before all else, and ends a process where it is not. */
static const struct {
	const char *library;
	const char *symbol;
	const char *option;
} sanitizers[] = {
	{ "libasan.so.", "__asan_init", "address" },
	{ "libtsan.so.", "__tsan_init", "thread" },
	{ "libhwasan.so.", "__hwasan_init", "hwaddress" },
};

static bool runtime_fits(const char *library, char *reason)
{
	for (size_t i = 0; i < sizeof(sanitizers) / sizeof(sanitizers[0]); i++) {
		if (strncmp(library, sanitizers[i].library, strlen(sanitizers[i].library)) != 0 ||
		    dlsym(RTLD_DEFAULT, sanitizers[i].symbol))
			continue;
		snprintf(reason, TN_REASON_SIZE,
		         "it is built with -fsanitize=%s, and this tenon is not: build it without, "
		         "or start tenon with LD_PRELOAD=%s",
		         sanitizers[i].option, library);
		return false;
	}
	return true;
}

static bool runtimes_fit(const char *file, char *reason)
{
	struct tn_elf_needs needs;
	bool fit = true;

	if (!tn_elf_needs_read(file, &needs))
		return true;
	for (size_t i = 0; fit && i < needs.count; i++)
		fit = runtime_fits(needs.names[i], reason);
	tn_elf_needs_finish(&needs);
	return fit;
}

static bool can_be_loaded(const char *path, const struct tn_module_copy *copy, char *reason)
{
	if (!copy)
		return tn_elf_check(path, reason) && runtimes_fit(path, reason);
	if (copy->file)
		return runtimes_fit(copy->file, reason);
	snprintf(reason, TN_REASON_SIZE, "%s", copy->reason);
	return false;
}

struct tn_module *tn_module_load(const char *path, const struct tn_module_copy *copy, char *reason)
{
	struct tn_module *module;

	if (!can_be_loaded(path, copy, reason))
		return NULL;
	module = describe(path, copy ? copy->file : path, copy ? copy->version : "", reason);
	if (!module)
		return NULL;
	module->handle = dlopen(module->file, RTLD_NOW | RTLD_LOCAL);
	if (!module->handle)
		explain_loader(module->file, copy ? copy->directory : NULL, reason);
	else
		module->worker = find_worker(module->handle, module->file, reason);
	if (module->worker)
		return module;
	tn_module_forget(module);
	return NULL;
}

void tn_module_forget(struct tn_module *module)
{
	if (!module)
		return;
	free(module->path);
	free(module->file);
	free(module);
}

struct export_check {
	const struct tn_module *module;
	struct tn_place place;
	const char *worker;
	struct tn_errors *errors;
};

static void warn_export(void *argument, const char *name)
{
	const struct export_check *check = argument;

	if (strcmp(name, "fetch") == 0 || strcmp(name, "tn_worker") == 0)
		return;
	if (strncmp(name, "__", 2) == 0) /* the compiler's, such as those of its sanitizers */
		return;
	tn_errors_warn(check->errors, check->place,
	               "worker '%s': module '%s' exports '%s', too: build it with the flags that "
	               "`pkg-config --cflags --libs tenon` gives, or make it static",
	               check->worker, check->module->path, name);
}

void tn_module_warn_exports(const struct tn_module *module, struct tn_place place,
                            const char *worker, struct tn_errors *errors)
{
	struct export_check check = {
		.module = module, .place = place, .worker = worker, .errors = errors
	};

	tn_elf_exports(module->file, warn_export, &check);
}
