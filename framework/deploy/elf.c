#include "deploy/elf.h"

#include "deploy/trust.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define MACHINE EM_PPC64
#elif defined(__s390x__)
#define MACHINE EM_S390
#else
#error "add this machine's EM_ number"
#endif

struct image {
	const char *data;
	size_t size;
};

static bool fail(char *reason, const char *text)
{
	snprintf(reason, TN_REASON_SIZE, "%s", text);
	return false;
}

static bool fail_open(char *reason, int error)
{
	if (error == ENOENT)
		return fail(reason, "there is no such file: build it, or set `module`, or "
		                    "`modules` in [host]");
	if (error == EACCES)
		return fail(reason, "this user may not read it: chmod it, or run as another user");
	return fail(reason, strerror(error));
}

static bool stat_valid(int file, struct stat *status, char *reason)
{
	if (fstat(file, status) < 0)
		return fail(reason, strerror(errno));
	if (S_ISDIR(status->st_mode))
		return fail(reason, "it is a directory: name the .so in it");
	if (!S_ISREG(status->st_mode))
		return fail(reason, "it is no regular file");
	if (geteuid() == 0 && (status->st_mode & S_IWOTH))
		return fail(reason, "others may write to it, and this is root: chmod o-w it");
	if (status->st_size == 0)
		return fail(reason, "it is empty: build it again");
	return true;
}

/* A fifo must not hold us up, hence O_NONBLOCK. */
static int open_valid(const char *path, struct stat *status, char *reason)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (file < 0) {
		fail_open(reason, errno);
		return -1;
	}
	if (stat_valid(file, status, reason) && tn_trust_path(path, reason))
		return file;
	close(file);
	return -1;
}

int tn_elf_open(const char *path, char *reason)
{
	struct stat status;

	return open_valid(path, &status, reason);
}

static bool image_map(const char *path, struct image *image, char *reason)
{
	struct stat status;
	int file = open_valid(path, &status, reason);
	void *data;

	if (file < 0)
		return false;
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	close(file);
	if (data == MAP_FAILED)
		return fail(reason, strerror(errno));
	*image = (struct image){ .data = data, .size = (size_t)status.st_size };
	return true;
}

static void image_unmap(const struct image *image)
{
	munmap((void *)(uintptr_t)image->data, image->size);
}

static bool inside(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset;
}

static const char *machine_name(unsigned machine)
{
	static const struct {
		unsigned machine;
		const char *name;
	} names[] = {
		{ EM_386, "x86" },
		{ EM_X86_64, "x86-64" },
		{ EM_ARM, "ARM" },
		{ EM_AARCH64, "AArch64" },
		{ EM_RISCV, "RISC-V" },
		{ EM_PPC64, "POWER" },
		{ EM_S390, "s390" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].machine == machine)
			return names[i].name;
	return "another kind of machine";
}

static bool machine_fits(const ElfW(Ehdr) *header, char *reason)
{
	if (header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_machine == MACHINE)
		return true;
	snprintf(reason, TN_REASON_SIZE,
	         "it is for %s%s, and this is %s: build it on this machine, or with a compiler "
	         "for it",
	         machine_name(header->e_machine),
	         header->e_ident[EI_CLASS] == ELFCLASS32 ? ", 32 bits" : "",
	         machine_name(MACHINE));
	return false;
}

static bool type_fits(const ElfW(Ehdr) *header, char *reason)
{
	switch (header->e_type) {
	case ET_DYN:
		return true;
	case ET_REL:
		return fail(reason, "it is an object file, not linked yet: link it with -shared");
	case ET_EXEC:
		return fail(reason, "it is a program: link it with -shared");
	default:
		return fail(reason, "it is no shared object: link it with -shared");
	}
}

static bool is_elf(const struct image *image, char *reason)
{
	static const char archive[] = "!<arch>\n";

	if (image->size >= SELFMAG && memcmp(image->data, ELFMAG, SELFMAG) == 0)
		return true;
	if (image->size >= strlen(archive) && !memcmp(image->data, archive, strlen(archive)))
		return fail(reason, "it is a static library: link its objects with -shared");
	return fail(reason, "it is no ELF file: build it with -shared -fPIC");
}

static bool headers_valid(const struct image *image, char *reason)
{
	const ElfW(Ehdr) *header = (const void *)image->data;

	if (!is_elf(image, reason))
		return false;
	if (image->size < sizeof(*header))
		return fail(reason, "it is truncated: build or copy it again");
	if (!machine_fits(header, reason) || !type_fits(header, reason))
		return false;
	if (header->e_phentsize != sizeof(ElfW(Phdr)))
		return fail(reason, "its program headers are of another size");
	return true;
}

/* What will be mapped, and the table of the sections, which stands at the end: a file that was
 * stripped of it says that it has none. */
static bool segments_valid(const struct image *image, char *reason)
{
	const ElfW(Ehdr) *header = (const void *)image->data;
	const ElfW(Phdr) *segment;

	if (!inside(image, header->e_phoff, (uint64_t)header->e_phnum * sizeof(*segment)) ||
	    header->e_phoff % _Alignof(ElfW(Phdr)))
		return fail(reason, "it is truncated: build or copy it again");
	if (!inside(image, header->e_shoff, (uint64_t)header->e_shnum * header->e_shentsize))
		return fail(reason, "it is truncated: build or copy it again");
	segment = (const void *)(image->data + header->e_phoff);
	for (unsigned i = 0; i < header->e_phnum; i++) {
		if (segment[i].p_type == PT_LOAD &&
		    !inside(image, segment[i].p_offset, segment[i].p_filesz))
			return fail(reason, "it is truncated: build or copy it again");
	}
	return true;
}

bool tn_elf_check(const char *path, char *reason)
{
	struct image image;
	bool valid;

	if (!image_map(path, &image, reason))
		return false;
	valid = headers_valid(&image, reason) && segments_valid(&image, reason);
	image_unmap(&image);
	return valid;
}

/* Of a kind: SHT_DYNSYM, what is exported; SHT_SYMTAB, all of it, where it was not stripped. */
static const ElfW(Shdr) *find_symbols(const struct image *image, uint32_t kind)
{
	const ElfW(Ehdr) *header = (const void *)image->data;
	const ElfW(Shdr) *section;

	if (header->e_shentsize != sizeof(*section) || header->e_shoff % _Alignof(ElfW(Shdr)) ||
	    !inside(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof(*section)))
		return NULL;
	section = (const void *)(image->data + header->e_shoff);
	for (unsigned i = 0; i < header->e_shnum; i++) {
		if (section[i].sh_type == kind && section[i].sh_link < header->e_shnum &&
		    section[i].sh_offset % _Alignof(ElfW(Sym)) == 0 &&
		    inside(image, section[i].sh_offset, section[i].sh_size))
			return &section[i];
	}
	return NULL;
}

static bool defined(const ElfW(Sym) *symbol)
{
	unsigned type = symbol->st_info & 15;

	return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
	       (type == STT_FUNC || type == STT_OBJECT || type == STT_GNU_IFUNC);
}

static bool exported(const ElfW(Sym) *symbol)
{
	unsigned binding = symbol->st_info >> 4;

	return defined(symbol) && (binding == STB_GLOBAL || binding == STB_WEAK) &&
	       (symbol->st_other & 3) != STV_HIDDEN;
}

static void visit_symbols(const struct image *image, uint32_t kind,
                          bool (*wanted)(const ElfW(Sym) *), void (*visit)(void *, const char *),
                          void *argument)
{
	const ElfW(Ehdr) *header = (const void *)image->data;
	const ElfW(Shdr) *table = find_symbols(image, kind);
	const ElfW(Shdr) *names;
	const ElfW(Sym) *symbol;

	if (!table)
		return;
	names = (const ElfW(Shdr) *)(const void *)(image->data + header->e_shoff) + table->sh_link;
	if (!inside(image, names->sh_offset, names->sh_size) || !names->sh_size ||
	    image->data[names->sh_offset + names->sh_size - 1])
		return;
	symbol = (const void *)(image->data + table->sh_offset);
	for (size_t i = 0; i < table->sh_size / sizeof(*symbol); i++) {
		if (wanted(&symbol[i]) && symbol[i].st_name < names->sh_size)
			visit(argument, image->data + names->sh_offset + symbol[i].st_name);
	}
}

void tn_elf_exports(const char *path, void (*visit)(void *argument, const char *name),
                    void *argument)
{
	char reason[TN_REASON_SIZE];
	struct image image;

	if (!image_map(path, &image, reason))
		return;
	visit_symbols(&image, SHT_DYNSYM, exported, visit, argument);
	image_unmap(&image);
}

struct search {
	const char *name;
	bool found;
};

static void compare(void *argument, const char *name)
{
	struct search *search = argument;

	search->found = search->found || strcmp(name, search->name) == 0;
}

bool tn_elf_defines(const char *path, const char *name)
{
	struct search search = { .name = name };
	char reason[TN_REASON_SIZE];
	struct image image;

	if (!image_map(path, &image, reason))
		return false;
	visit_symbols(&image, SHT_SYMTAB, defined, compare, &search);
	image_unmap(&image);
	return search.found;
}

/* ---- What it needs ------------------------------------------------------------------------- */

/* The table of the dynamic section, and the strings that it refers to. */
struct dynamic {
	const ElfW(Dyn) *entries;
	size_t count;
	const char *strings;
	size_t size;
};

static const ElfW(Phdr) *find_segment(const struct image *image, uint32_t type)
{
	const ElfW(Ehdr) *header = (const void *)image->data;
	const ElfW(Phdr) *segment = (const void *)(image->data + header->e_phoff);

	for (unsigned i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == type)
			return &segment[i];
	return NULL;
}

/* What will be mapped at this address, and how many bytes of the file follow from there on. */
static const char *find_mapped(const struct image *image, uint64_t address, size_t *size)
{
	const ElfW(Ehdr) *header = (const void *)image->data;
	const ElfW(Phdr) *segment = (const void *)(image->data + header->e_phoff);

	for (unsigned i = 0; i < header->e_phnum; i++) {
		uint64_t into = address - segment[i].p_vaddr;

		if (segment[i].p_type != PT_LOAD || address < segment[i].p_vaddr ||
		    into >= segment[i].p_filesz)
			continue;
		*size = (size_t)(segment[i].p_filesz - into);
		return image->data + segment[i].p_offset + into;
	}
	return NULL;
}

static bool find_dynamic(const struct image *image, struct dynamic *dynamic)
{
	const ElfW(Phdr) *segment = find_segment(image, PT_DYNAMIC);

	*dynamic = (struct dynamic){ 0 };
	if (!segment || !inside(image, segment->p_offset, segment->p_filesz) ||
	    segment->p_offset % _Alignof(ElfW(Dyn)))
		return false;
	dynamic->entries = (const void *)(image->data + segment->p_offset);
	dynamic->count = segment->p_filesz / sizeof(ElfW(Dyn));
	for (size_t i = 0; i < dynamic->count; i++) {
		if (dynamic->entries[i].d_tag == DT_NULL)
			dynamic->count = i;
		else if (dynamic->entries[i].d_tag == DT_STRTAB)
			dynamic->strings = find_mapped(image, dynamic->entries[i].d_un.d_ptr,
			                               &dynamic->size);
	}
	return dynamic->strings;
}

static bool has_string(const struct dynamic *dynamic, uint64_t at)
{
	return at < dynamic->size && memchr(dynamic->strings + at, '\0', dynamic->size - at);
}

static bool add_need(const struct dynamic *dynamic, const ElfW(Dyn) *entry,
                     struct tn_elf_needs *needs)
{
	char **place = entry->d_tag == DT_NEEDED    ? &needs->names[needs->count]
	               : entry->d_tag == DT_RPATH   ? &needs->rpath
	               : entry->d_tag == DT_RUNPATH ? &needs->runpath
	                                            : NULL;

	if (!place || *place || !has_string(dynamic, entry->d_un.d_val))
		return true;
	*place = strdup(dynamic->strings + entry->d_un.d_val);
	needs->count += entry->d_tag == DT_NEEDED && *place;
	return *place;
}

bool tn_elf_needs_read(const char *path, struct tn_elf_needs *needs)
{
	char reason[TN_REASON_SIZE];
	struct dynamic dynamic;
	struct image image;
	bool fine = true;

	*needs = (struct tn_elf_needs){ 0 };
	if (!image_map(path, &image, reason))
		return true;
	if (find_dynamic(&image, &dynamic)) {
		needs->names = calloc(dynamic.count + 1, sizeof(needs->names[0]));
		fine = needs->names;
		for (size_t i = 0; fine && i < dynamic.count; i++)
			fine = add_need(&dynamic, &dynamic.entries[i], needs);
	}
	image_unmap(&image);
	if (!fine)
		tn_elf_needs_finish(needs);
	return fine;
}

void tn_elf_needs_finish(struct tn_elf_needs *needs)
{
	for (size_t i = 0; needs->names && i < needs->count; i++)
		free(needs->names[i]);
	free(needs->names);
	free(needs->rpath);
	free(needs->runpath);
	*needs = (struct tn_elf_needs){ 0 };
}
