#include "supervise/maps.h"

#include "cunit.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

static struct tn_mapping mapping;

/* ---- This process -------------------------------------------------------------------------- */

/* Of the object that has the address, as the dynamic loader knows it. */
struct wanted {
	uintptr_t address, base;
};

static int look(struct dl_phdr_info *info, size_t size, void *argument)
{
	struct wanted *wanted = argument;

	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t first = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

		if (info->dlpi_phdr[i].p_type == PT_LOAD && first <= wanted->address &&
		    wanted->address - first < info->dlpi_phdr[i].p_memsz)
			wanted->base = info->dlpi_addr;
	}
	return 0;
}

static void code_is_found_where_the_loader_put_it(void)
{
	const uintptr_t places[] = { (uintptr_t)test_main, (uintptr_t)getenv,
		                     (uintptr_t)CU_cleanup_registry };

	for (size_t i = 0; i < 3; i++) {
		struct wanted wanted = { .address = places[i] };

		dl_iterate_phdr(look, &wanted);
		CU_ASSERT_FATAL(tn_maps_find(places[i], &mapping));
		CU_ASSERT(mapping.base == wanted.base);
		CHECK_NUMBER(access(mapping.file, R_OK), 0);
	}
}

static void memory_of_no_file_is_not_found(void)
{
	int here = 0;

	CHECK_NUMBER(tn_maps_find((uintptr_t)&here, &mapping), false);
	CHECK_NUMBER(tn_maps_find(0, &mapping), false);
	CHECK_NUMBER(tn_maps_find(UINTPTR_MAX, &mapping), false);
}

/* ---- Lists of any kind --------------------------------------------------------------------- */

static bool find_in(const char *text, size_t size, uintptr_t address)
{
	int file = memfd_create("maps", MFD_CLOEXEC);
	bool found;

	CU_ASSERT_FATAL(write(file, text, size) == (ssize_t)size && lseek(file, 0, SEEK_SET) == 0);
	found = tn_maps_find_in(file, address, &mapping);
	close(file);
	return found;
}

static const char list[] = "1000-2000 r--p 00000000 08:01 12    /lib/a b.so\n"
			   "2000-3000 r-xp 00001000 08:01 12    /lib/a b.so\n"
			   "4000-5000 rw-p 00000000 00:00 0 \n"
			   "5000-6000 r-xp 00003000 08:01 13    /lib/middle.so\n"
			   "6000-7000 r-xp 00000000 00:00 0     [vdso]\n"
			   "7000-8000 r--p 00000000 08:01 12    /lib/a b.so\n"
			   "8000-9000 r-xp 00001000 08:01 12    /lib/a b.so";

static void the_first_address_is_in_and_the_last_is_not(void)
{
	CHECK_NUMBER(find_in(list, strlen(list), 0x2000), true);
	CHECK_NUMBER(mapping.base, 0x1000);
	CHECK_TEXT(mapping.file, "/lib/a b.so");
	CHECK_NUMBER(find_in(list, strlen(list), 0x2fff), true);
	CHECK_NUMBER(find_in(list, strlen(list), 0x3000), false);
	CHECK_NUMBER(find_in(list, strlen(list), 0xfff), false);
}

static void a_file_that_is_mapped_twice_has_two_bases(void)
{
	CHECK_NUMBER(find_in(list, strlen(list), 0x8001), true);
	CHECK_NUMBER(mapping.base, 0x7000);
}

static void without_its_beginning_an_object_is_not_known(void)
{
	CHECK_NUMBER(find_in(list, strlen(list), 0x5001), false);
	CHECK_NUMBER(find_in(list, strlen(list), 0x4001), false);
	CHECK_NUMBER(find_in(list, strlen(list), 0x6001), false);
}

static void any_other_text_is_read_to_its_end(void)
{
	static char noise[64 * 1024];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = "0123 -abc/\n"[i * 2654435761u % 11];
	find_in(noise, sizeof(noise), 0x1234);
	memset(noise, '/', sizeof(noise));
	CHECK_NUMBER(find_in(noise, sizeof(noise), 0x1234), false);
	memset(noise, 0, sizeof(noise));
	CHECK_NUMBER(find_in(noise, sizeof(noise), 0x1234), false);
	for (size_t size = 0; size < strlen(list); size++)
		find_in(list, size, 0x8001);
	CHECK_NUMBER(tn_maps_find_in(-1, 0x1234, &mapping), false);
}

/* Of a path that is too long the beginning is kept, in both lines. */
static void a_long_path_is_cut(void)
{
	static char text[3 * PATH_MAX];
	int size = snprintf(text, sizeof(text), "1000-2000 r-xp 00000000 08:01 12 /%05000d\n", 0);

	CHECK_NUMBER(find_in(text, (size_t)size, 0x1800), true);
	CHECK_NUMBER(strlen(mapping.file), PATH_MAX - 1);
}

TEST_MAIN("supervise/maps",
          TEST(code_is_found_where_the_loader_put_it),
          TEST(memory_of_no_file_is_not_found),
          TEST(the_first_address_is_in_and_the_last_is_not),
          TEST(a_file_that_is_mapped_twice_has_two_bases),
          TEST(without_its_beginning_an_object_is_not_known),
          TEST(any_other_text_is_read_to_its_end),
          TEST(a_long_path_is_cut))
