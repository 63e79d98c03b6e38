#include "faults/inject.h"

#include "e2e/harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_NAME "inject"

static struct inject_page *page;

const char *inject_name(enum inject_call call)
{
	static const char *const names[] = {
		"nothing",
#define NAME(name_) #name_,
		INJECT_CALLS(NAME)
#undef NAME
	};

	return names[call];
}

/* A sanitizer wants to be the first object; what comes before it here calls on to it. */
static void allow_library(void)
{
	const char *options = getenv("ASAN_OPTIONS");

	if (!options || !*options)
		options = "detect_leaks=1";
	setenv("ASAN_OPTIONS", text_of("%s:verify_asan_link_order=0", options), 1);
}

void inject_open(void)
{
	int file;

	if (page)
		return;
	file = open(scratch_path(FILE_NAME), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, sizeof(*page)) < 0)
		give_up(FILE_NAME);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	if (page == MAP_FAILED)
		give_up(FILE_NAME);
	allow_library();
}

const char *const *inject_environment(void)
{
	static const char *words[3];

	words[0] = text_of("LD_PRELOAD=%s", fixture("inject"));
	words[1] = text_of(INJECT_PAGE "=%s", scratch_path(FILE_NAME));
	return words;
}

void inject_fail(const struct inject_order *order)
{
	inject_nothing();
	atomic_store(&page->error, order->error);
	atomic_store(&page->where, order->where);
	atomic_store(&page->first, order->first);
	atomic_store(&page->last, order->last);
	atomic_store(&page->met, 0);
	atomic_fetch_add(&page->order, 1);
	atomic_store(&page->call, order->call);
}

void inject_nothing(void)
{
	atomic_store(&page->call, INJECT_NO_CALL);
}

unsigned inject_met(void)
{
	return atomic_load(&page->met);
}
