#include "deploy/elf.h"

#include "scratch.h"

#include <elf.h>
#include <link.h>

#define TRUNCATED "it is truncated: build or copy it again"

/* A copy of a module, to spoil. */
struct copy {
	struct scratch scratch;
	char *data;
	size_t size;
	char reason[TN_REASON_SIZE];
};

static void copy_begin(struct copy *copy)
{
	scratch_begin(&copy->scratch);
	copy->data = scratch_read(built("plugins/gateway.so"), &copy->size);
	CU_ASSERT_FATAL(copy->size > sizeof(ElfW(Ehdr)));
}

static void copy_end(struct copy *copy)
{
	free(copy->data);
	scratch_end(&copy->scratch);
}

static ElfW(Ehdr) *header_of(struct copy *copy)
{
	return (void *)copy->data;
}

static bool check_bytes(struct copy *copy, const void *data, size_t size)
{
	copy->reason[0] = '\0';
	return tn_elf_check(scratch_write(&copy->scratch, "module.so", 0755, data, size),
	                    copy->reason);
}

static bool check_copy(struct copy *copy)
{
	return check_bytes(copy, copy->data, copy->size);
}

static void refuse_path(const char *path, const char *expected)
{
	char reason[TN_REASON_SIZE] = "";

	CU_ASSERT_FALSE(tn_elf_check(path, reason));
	CHECK_TEXT(reason, expected);
}

static void a_module_as_it_was_built_passes(void)
{
	struct copy copy;

	copy_begin(&copy);
	CU_ASSERT_TRUE(check_copy(&copy));
	CHECK_TEXT(copy.reason, "");
	copy_end(&copy);
}

static void what_is_no_file_is_refused(void)
{
	struct scratch scratch;

	scratch_begin(&scratch);
	refuse_path(scratch_path(&scratch, "missing.so"),
	            "there is no such file: build it, or set `module`, or `modules` in [host]");
	refuse_path(scratch.directory, "it is a directory: name the .so in it");
	refuse_path("/dev/null", "it is no regular file");
	CU_ASSERT_EQUAL_FATAL(mkfifo(scratch_path(&scratch, "fifo.so"), 0600), 0);
	refuse_path(scratch.path, "it is no regular file");
	scratch_end(&scratch);
}

static void what_is_no_elf_file_is_refused(void)
{
	static const char script[] = "#!/bin/sh\nexec true\n";
	struct scratch scratch;

	scratch_begin(&scratch);
	refuse_path(scratch_write(&scratch, "empty.so", 0755, "", 0),
	            "it is empty: build it again");
	refuse_path(scratch_write(&scratch, "script.so", 0755, script, strlen(script)),
	            "it is no ELF file: build it with -shared -fPIC");
	refuse_path(scratch_write(&scratch, "three.so", 0755, ELFMAG, 3),
	            "it is no ELF file: build it with -shared -fPIC");
	scratch_end(&scratch);
}

/* From its last byte on: what is cut off may be what no loader reads, but it was not meant so. */
static void a_module_is_refused_wherever_it_was_cut(void)
{
	struct copy copy;
	unsigned accepted = 0;

	copy_begin(&copy);
	CU_ASSERT_TRUE_FATAL(check_copy(&copy));
	for (size_t size = copy.size; size-- > 0;) {
		if (size > 1200 && size < copy.size - 70 && size % 61)
			continue;
		CU_ASSERT_EQUAL_FATAL(truncate(copy.scratch.path, (off_t)size), 0);
		accepted += tn_elf_check(copy.scratch.path, copy.reason);
		if (size == 1000 || size == copy.size / 2 || size == copy.size - 1 || size == 64)
			CHECK_TEXT(copy.reason, TRUNCATED);
	}
	CHECK_NUMBER(accepted, 0);
	copy_end(&copy);
}

static void a_module_without_a_table_of_sections_passes(void)
{
	struct copy copy;

	copy_begin(&copy);
	header_of(&copy)->e_shoff = 0;
	header_of(&copy)->e_shnum = 0;
	header_of(&copy)->e_shstrndx = 0;
	CU_ASSERT_TRUE(check_copy(&copy));
	copy_end(&copy);
}

#if defined(__x86_64__)
#define HERE "x86-64"
#elif defined(__aarch64__)
#define HERE "AArch64"
#endif

static void another_machine_is_refused(void)
{
	struct copy copy;

	copy_begin(&copy);
	header_of(&copy)->e_machine = EM_SPARC;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_TEXT(copy.reason, "it is for another kind of machine, and this is " HERE
	                        ": build it on this machine, or with a compiler for it");
	header_of(&copy)->e_machine = EM_RISCV;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_NUMBER(strncmp(copy.reason, "it is for RISC-V, and this is ", 30), 0);
	copy_end(&copy);
	copy_begin(&copy);
	copy.data[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS32 : ELFCLASS64;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_TEXT(copy.reason, "it is for " HERE ", 32 bits, and this is " HERE
	                        ": build it on this machine, or with a compiler for it");
	copy_end(&copy);
}

static void what_is_no_shared_object_is_refused(void)
{
	struct copy copy;

	copy_begin(&copy);
	header_of(&copy)->e_type = ET_EXEC;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_TEXT(copy.reason, "it is a program: link it with -shared");
	header_of(&copy)->e_type = ET_REL;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_TEXT(copy.reason, "it is an object file, not linked yet: link it with -shared");
	header_of(&copy)->e_type = ET_CORE;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_TEXT(copy.reason, "it is no shared object: link it with -shared");
	CU_ASSERT_FALSE(check_bytes(&copy, "!<arch>\n", 8));
	CHECK_TEXT(copy.reason, "it is a static library: link its objects with -shared");
	CU_ASSERT_FALSE(check_bytes(&copy, "!<arch>", 7));
	CHECK_TEXT(copy.reason, "it is no ELF file: build it with -shared -fPIC");
	copy_end(&copy);
}

static void headers_of_another_size_are_refused(void)
{
	struct copy copy;

	copy_begin(&copy);
	header_of(&copy)->e_phentsize++;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_TEXT(copy.reason, "its program headers are of another size");
	copy_end(&copy);
}

static void offsets_beyond_the_end_are_refused(void)
{
	struct copy copy;

	copy_begin(&copy);
	header_of(&copy)->e_phoff = (ElfW(Off))-64;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_TEXT(copy.reason, TRUNCATED);
	copy_end(&copy);
	copy_begin(&copy);
	header_of(&copy)->e_shoff = (ElfW(Off))-1;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_TEXT(copy.reason, TRUNCATED);
	copy_end(&copy);
}

static void a_segment_whose_end_wraps_around_is_refused(void)
{
	struct copy copy;
	ElfW(Phdr) *segment;

	copy_begin(&copy);
	segment = (void *)(copy.data + header_of(&copy)->e_phoff);
	while (segment->p_type != PT_LOAD)
		segment++;
	segment->p_offset = 64;
	segment->p_filesz = (ElfW(Xword))-32;
	CU_ASSERT_FALSE(check_copy(&copy));
	CHECK_TEXT(copy.reason, TRUNCATED);
	copy_end(&copy);
}

static void root_refuses_what_others_may_write(void)
{
	struct copy copy;

	if (!is_root(__func__))
		return;
	copy_begin(&copy);
	scratch_write(&copy.scratch, "open.so", 0757, copy.data, copy.size);
	refuse_path(copy.scratch.path, "others may write to it, and this is root: chmod o-w it");
	copy_end(&copy);
}

static int check_as_nobody(void *argument)
{
	char reason[TN_REASON_SIZE] = "";

	if (tn_elf_check(argument, reason))
		return 0;
	return strcmp(reason, "this user may not read it: chmod it, or run as another "
	                      "user")
	               ? 2
	               : 1;
}

static void another_user_reads_what_it_may(void)
{
	struct copy copy;

	if (!is_root(__func__))
		return;
	copy_begin(&copy);
	scratch_write(&copy.scratch, "module.so", 0757, copy.data, copy.size);
	CHECK_NUMBER(as_nobody(check_as_nobody, copy.scratch.path), 0);
	scratch_write(&copy.scratch, "module.so", 0700, copy.data, copy.size);
	CHECK_NUMBER(as_nobody(check_as_nobody, copy.scratch.path), 1);
	copy_end(&copy);
}

/* ---- Exports ------------------------------------------------------------------------------- */

struct names {
	char text[1024];
	size_t size;
	unsigned count;
};

static void add_name(void *argument, const char *name)
{
	struct names *names = argument;

	names->count++;
	names->size += strlen(name); /* reads all of it */
	if (strlen(names->text) + strlen(name) + 2 < sizeof(names->text)) {
		strncat(names->text, name, sizeof(names->text) - strlen(names->text) - 1);
		strncat(names->text, " ", sizeof(names->text) - strlen(names->text) - 1);
	}
}

static void check_exports(const char *path)
{
	struct names names = { .text = " " };

	tn_elf_exports(path, add_name, &names);
	CHECK_NUMBER(names.count, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(names.text, " fetch "));
	CU_ASSERT_PTR_NOT_NULL(strstr(names.text, " tn_worker "));
}

static void each_plugin_exports_two_symbols(void)
{
	check_exports(built("plugins/gateway.so"));
	check_exports(built("plugins/auth.so"));
	check_exports(built("plugins/application.so"));
}

static void functions_and_objects_that_leak_are_seen(void)
{
	struct names names = { .text = " " };

	tn_elf_exports(built("tests/fixtures/mistake_exports.so"), add_name, &names);
	CU_ASSERT_PTR_NOT_NULL(strstr(names.text, " helper "));
	CU_ASSERT_PTR_NOT_NULL(strstr(names.text, " counter "));
	CU_ASSERT_PTR_NULL(strstr(names.text, " tn_response_new "));
}

static void what_is_not_exported_is_found_by_its_name(void)
{
	const char *path = built("tests/fixtures/mistake_no_fetch.so");

	CU_ASSERT_TRUE(tn_elf_defines(path, "fetch"));
	CU_ASSERT_TRUE(tn_elf_defines(path, "tn_worker"));
	CU_ASSERT_FALSE(tn_elf_defines(path, "tn_response_new"));
	CU_ASSERT_FALSE(tn_elf_defines(path, "no_such_name"));
	CU_ASSERT_FALSE(tn_elf_defines("/nowhere/x.so", "fetch"));
}

static void without_sections_no_export_is_seen(void)
{
	struct names names = { .text = "" };
	struct copy copy;

	copy_begin(&copy);
	header_of(&copy)->e_shoff = 0;
	header_of(&copy)->e_shnum = 0;
	CU_ASSERT_TRUE(check_copy(&copy));
	tn_elf_exports(copy.scratch.path, add_name, &names);
	tn_elf_exports(scratch_path(&copy.scratch, "missing.so"), add_name, &names);
	CHECK_NUMBER(names.count, 0);
	copy_end(&copy);
}

static ElfW(Shdr) *section_of(struct copy *copy, unsigned type)
{
	ElfW(Shdr) *section = (void *)(copy->data + header_of(copy)->e_shoff);
	unsigned i = 0;

	while (i < header_of(copy)->e_shnum && section[i].sh_type != type)
		i++;
	CU_ASSERT_FATAL(i < header_of(copy)->e_shnum);
	return &section[i];
}

static unsigned count_exports(struct copy *copy)
{
	struct names names = { .text = "" };

	CU_ASSERT_TRUE(check_copy(copy));
	tn_elf_exports(copy->scratch.path, add_name, &names);
	return names.count;
}

/* The first of them is the one of no symbol. */
static void a_name_beyond_the_table_of_names_is_passed_over(void)
{
	struct copy copy;
	ElfW(Shdr) *symbols;
	ElfW(Sym) *symbol;

	copy_begin(&copy);
	symbols = section_of(&copy, SHT_DYNSYM);
	symbol = (void *)(copy.data + symbols->sh_offset);
	CHECK_NUMBER(count_exports(&copy), 2);
	for (size_t i = 1; i < symbols->sh_size / sizeof(*symbol); i++)
		symbol[i].st_name = 0x7fffffff;
	CHECK_NUMBER(count_exports(&copy), 0);
	copy_end(&copy);
}

static void a_table_of_names_without_an_end_is_not_read(void)
{
	struct copy copy;
	ElfW(Shdr) *names;

	copy_begin(&copy);
	names = (void *)(copy.data + header_of(&copy)->e_shoff);
	names += section_of(&copy, SHT_DYNSYM)->sh_link;
	copy.data[names->sh_offset + names->sh_size - 1] = 'x';
	CHECK_NUMBER(count_exports(&copy), 0);
	copy_end(&copy);
}

/* ---- Any bytes ----------------------------------------------------------------------------- */

static uint64_t random_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const unsigned char interesting[] = { 0x00, 0x01, 0x02, 0x07, 0x0b, 0x7f, 0x80, 0xff };

/* Some bytes of the headers, of the table of sections or of anywhere. */
static void mutate(struct copy *copy, char *data, uint64_t *state)
{
	size_t shoff = header_of(copy)->e_shoff;
	size_t areas[][2] = {
		{ 16, 48 },
		{ 64, 56 * 12 },
		{ shoff, copy->size - shoff },
		{ 0, copy->size },
	};
	unsigned changes = 1 + random_number(state) % 4;

	memcpy(data, copy->data, copy->size);
	for (unsigned i = 0; i < changes; i++) {
		const size_t *area = areas[random_number(state) % 4];
		size_t at = area[0] + random_number(state) % area[1];

		data[at] = (char)(random_number(state) % 2
		                          ? interesting[random_number(state) % 8]
		                          : random_number(state));
	}
}

static void what_a_file_needs_is_read(void)
{
	struct tn_elf_needs needs;
	unsigned found = 0;

	CU_ASSERT(tn_elf_needs_read(built("tests/fixtures/origin/runpath.so"), &needs));
	CHECK_TEXT(needs.runpath, "/nowhere:$ORIGIN/lib");
	CHECK_TEXT(needs.rpath, NULL);
	for (size_t i = 0; i < needs.count; i++) /* a sanitizer's libraries may stand before it */
		found += strcmp(needs.names[i], "libnear.so") == 0;
	CHECK_NUMBER(found, 1);
	tn_elf_needs_finish(&needs);
	CU_ASSERT(tn_elf_needs_read(built("tests/fixtures/origin/rpath.so"), &needs));
	CHECK_TEXT(needs.runpath, NULL);
	CHECK_TEXT(needs.rpath, "$ORIGIN/lib:$ORIGIN/more");
	tn_elf_needs_finish(&needs);
}

static void no_bytes_make_it_crash(void)
{
	struct names names = { .text = "" };
	struct tn_elf_needs needs;
	struct copy copy;
	uint64_t state = 20260131;
	unsigned passed = 0;
	char *data;

	copy_begin(&copy);
	data = malloc(copy.size);
	for (unsigned i = 0; data && i < 3000; i++) {
		mutate(&copy, data, &state);
		if (!check_bytes(&copy, data, copy.size)) {
			CU_ASSERT(*copy.reason);
			continue;
		}
		passed++;
		tn_elf_exports(copy.scratch.path, add_name, &names);
		tn_elf_defines(copy.scratch.path, "fetch");
		CU_ASSERT(tn_elf_needs_read(copy.scratch.path, &needs));
		tn_elf_needs_finish(&needs);
	}
	CU_ASSERT(passed > 100 && passed < 2900); /* both ways were tried */
	CU_ASSERT(names.count > 0);
	free(data);
	copy_end(&copy);
}

TEST_MAIN("deploy/elf",
          TEST(a_module_as_it_was_built_passes),
          TEST(what_is_no_file_is_refused),
          TEST(what_is_no_elf_file_is_refused),
          TEST(a_module_is_refused_wherever_it_was_cut),
          TEST(a_module_without_a_table_of_sections_passes),
          TEST(another_machine_is_refused),
          TEST(what_is_no_shared_object_is_refused),
          TEST(headers_of_another_size_are_refused),
          TEST(offsets_beyond_the_end_are_refused),
          TEST(a_segment_whose_end_wraps_around_is_refused),
          TEST(root_refuses_what_others_may_write),
          TEST(another_user_reads_what_it_may),
          TEST(each_plugin_exports_two_symbols),
          TEST(functions_and_objects_that_leak_are_seen),
          TEST(what_is_not_exported_is_found_by_its_name),
          TEST(without_sections_no_export_is_seen),
          TEST(a_name_beyond_the_table_of_names_is_passed_over),
          TEST(a_table_of_names_without_an_end_is_not_read),
          TEST(what_a_file_needs_is_read),
          TEST(no_bytes_make_it_crash))
