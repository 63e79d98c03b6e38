#include "backtrace/names.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define OBJECTS_MOST 64
#define NAME_MOST 200 /* bytes of one name */
#define PATH_MOST 300

struct text {
	char *text;
	size_t size;
	size_t room;
};

/* At most that many bytes of it. */
static void put(struct text *text, const char *part, size_t most)
{
	size_t left = text->room - 1 - text->size;
	size_t length = strnlen(part, most < left ? most : left);

	memcpy(text->text + text->size, part, length);
	text->size += length;
	text->text[text->size] = '\0';
}

/* ---- Objects ------------------------------------------------------------------------------- */

struct object {
	const char *file;
	Dwfl *dwfl;
	Dwfl_Module *module; /* NULL: it cannot be read */
};

/* The file's name there is to be one beside it: what it says is anybody's. */
static int find_debug_file(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                           const char *file, const char *link, GElf_Word sum, char **path)
{
	if (link && strchr(link, '/'))
		link = NULL;
	return dwfl_standard_find_debuginfo(module, data, name, base, file, link, sum, path);
}

/* A FIFO would be waited for, and opening a device may do anything; so a look comes first. Files of
 * the kernel are regular, too, and reading some of them has effects; most have no size. */
static bool is_harmless(int file)
{
	struct stat status;
	struct statfs system;

	return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
	       fstatfs(file, &system) == 0 && system.f_type != PROC_SUPER_MAGIC &&
	       system.f_type != SYSFS_MAGIC;
}

static int open_file(const char *path)
{
	char name[32];
	int there = open(path, O_PATH | O_CLOEXEC);
	int file = -1;

	if (there < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", there);
	if (is_harmless(there))
		file = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	close(there);
	return file;
}

/* Where nothing is added to its own addresses, an offset is an address. */
static void open_object(struct object *object)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = find_debug_file,
		.section_address = dwfl_offline_section_address,
	};
	int file = open_file(object->file);

	if (file < 0)
		return;
	object->dwfl = dwfl_begin(&callbacks);
	if (object->dwfl) {
		dwfl_report_begin(object->dwfl);
		object->module = dwfl_report_elf(object->dwfl, "", object->file, file, 0, true);
		dwfl_report_end(object->dwfl, NULL, NULL);
	}
	if (!object->module)
		close(file);
}

static Dwfl_Module *module_of(const char *file)
{
	static struct object objects[OBJECTS_MOST];
	static size_t count;

	for (size_t i = 0; i < count; i++)
		if (strcmp(objects[i].file, file) == 0)
			return objects[i].module;
	if (count == OBJECTS_MOST)
		return NULL;
	objects[count].file = file;
	open_object(&objects[count]);
	return objects[count++].module;
}

/* ---- What is at an address ----------------------------------------------------------------- */

struct place {
	const char *source; /* NULL: it is not known */
	const char *directory;
	int line;
};

static struct place place_of(Dwfl_Module *module, Dwarf_Addr address)
{
	Dwfl_Line *line = dwfl_module_getsrc(module, address);
	struct place place = { 0 };

	if (line) {
		place.source = dwfl_lineinfo(line, NULL, &place.line, NULL, NULL, NULL);
		place.directory = dwfl_line_comp_dir(line);
	}
	return place;
}

/* Where the inlined function was called from. */
static void go_to_call(struct place *place, Dwarf_Die *inlined, Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file = 0, line = 0;
	Dwarf_Files *files;
	size_t count;

	place->source = NULL;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) == 0 &&
	    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) == 0 &&
	    dwarf_getsrcfiles(unit, &files, &count) == 0)
		place->source = dwarf_filesrc(files, file, NULL, NULL);
	place->line = (int)line;
}

/* As the compiler was given it, where it was given a relative path. */
static const char *shorten(const struct place *place)
{
	size_t size = place->directory ? strlen(place->directory) : 0;

	if (size && strncmp(place->source, place->directory, size) == 0 &&
	    place->source[size] == '/')
		return place->source + size + 1;
	return place->source;
}

static void put_place(struct text *text, const struct place *place)
{
	char line[16];

	if (!place->source)
		return;
	snprintf(line, sizeof(line), ":%d)", place->line);
	put(text, " (", 2);
	put(text, shorten(place), PATH_MOST);
	put(text, line, sizeof(line));
}

/* ---- Functions ----------------------------------------------------------------------------- */

static bool put_function(struct text *text, Dwarf_Die *function, const struct place *place)
{
	const char *name = dwarf_diename(function);

	if (!name)
		return false;
	put(text, name, NAME_MOST);
	put_place(text, place);
	return true;
}

/* The scopes, innermost first: those of an inlined function are in the function that has it. */
static bool put_scopes(struct text *text, Dwarf_Die *scopes, int count, struct place *place,
                       Dwarf_Die *unit)
{
	bool found = false;

	for (int i = 0; i < count; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag == DW_TAG_subprogram)
			return put_function(text, &scopes[i], place) || found;
		if (tag != DW_TAG_inlined_subroutine)
			continue;
		if (!put_function(text, &scopes[i], place))
			return found;
		put(text, " inlined in ", 12);
		go_to_call(place, &scopes[i], unit);
		found = true;
	}
	return found;
}

/* By debug information. Where an address is in an inlined function, dwarf_getscopes goes on with
 * what is around that one's definition, so its first scope alone is taken. */
static bool put_by_scopes(struct text *text, Dwfl_Module *module, Dwarf_Addr address,
                          struct place *place)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_addrdie(module, address, &bias);
	Dwarf_Die *inner = NULL, *scopes = NULL;
	int count = 0;
	bool found;

	if (unit && dwarf_getscopes(unit, address - bias, &inner) > 0)
		count = dwarf_getscopes_die(&inner[0], &scopes);
	found = count > 0 && put_scopes(text, scopes, count, place, unit);
	free(scopes);
	free(inner);
	return found;
}

/* By the table of symbols. One without a size is a mere label: what lies behind it may be of
 * another function, whose name was stripped. */
static void put_by_symbol(struct text *text, Dwfl_Module *module, Dwarf_Addr address,
                          const struct place *place)
{
	GElf_Off offset;
	GElf_Sym symbol;
	char distance[24];
	const char *name = dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL,
	                                        NULL);

	if (!name || !*name || offset >= symbol.st_size)
		return;
	snprintf(distance, sizeof(distance), "+%#llx", (unsigned long long)offset);
	put(text, name, NAME_MOST);
	put(text, distance, sizeof(distance));
	put_place(text, place);
}

void tn_names_find(const char *file, uint64_t offset, char *text, size_t room)
{
	struct text names = { .text = text, .room = room };
	Dwfl_Module *module = module_of(file);
	struct place place;

	*text = '\0';
	if (!module)
		return;
	place = place_of(module, offset);
	if (!put_by_scopes(&names, module, offset, &place))
		put_by_symbol(&names, module, offset, &place);
}
