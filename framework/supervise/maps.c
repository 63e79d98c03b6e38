#include "supervise/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MOST ((size_t)4 * 1024 * 1024) /* bytes that are read */
#define PART 4096

struct reader {
	int file;
	size_t read; /* in all */
	size_t size; /* of the part */
	size_t at;
	char part[PART];
};

struct line {
	uintptr_t first, end, offset;
	char path[PATH_MAX]; /* "" where there is none */
};

static bool fill(struct reader *reader)
{
	ssize_t size;

	if (reader->read >= MOST)
		return false;
	do
		size = read(reader->file, reader->part, sizeof(reader->part));
	while (size < 0 && errno == EINTR);
	if (size <= 0)
		return false;
	reader->read += (size_t)size;
	reader->size = (size_t)size;
	reader->at = 0;
	return true;
}

/* '\0' at the end. */
static char peek(struct reader *reader)
{
	return reader->at < reader->size || fill(reader) ? reader->part[reader->at] : '\0';
}

static char next(struct reader *reader)
{
	char byte = peek(reader);

	reader->at += byte != '\0';
	return byte;
}

static int digit_of(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static uintptr_t read_number(struct reader *reader)
{
	uintptr_t number = 0;

	while (digit_of(peek(reader)) >= 0)
		number = number * 16 + (uintptr_t)digit_of(next(reader));
	return number;
}

/* To the next word of the line. */
static void skip_word(struct reader *reader)
{
	while (peek(reader) && peek(reader) != ' ' && peek(reader) != '\n')
		next(reader);
	while (peek(reader) == ' ')
		next(reader);
}

static void read_path(struct reader *reader, char *path)
{
	size_t size = 0;

	for (char byte = next(reader); byte && byte != '\n'; byte = next(reader)) {
		if (size < PATH_MAX - 1)
			path[size++] = byte;
	}
	path[size] = '\0';
}

/* "7f0000000000-7f0000001000 r-xp 00001000 08:01 1234    /path" */
static bool read_line(struct reader *reader, struct line *line)
{
	if (!peek(reader))
		return false;
	line->first = read_number(reader);
	next(reader);
	line->end = read_number(reader);
	skip_word(reader);
	skip_word(reader); /* the permissions */
	line->offset = read_number(reader);
	skip_word(reader);
	skip_word(reader); /* the device */
	skip_word(reader); /* the inode */
	read_path(reader, line->path);
	return true;
}

/* Static, because the handler's stack is small. */
bool tn_maps_find_in(int file, uintptr_t address, struct tn_mapping *mapping)
{
	static struct reader reader;
	static struct line line;

	reader.file = file;
	reader.read = reader.size = reader.at = 0;
	*mapping->file = '\0';
	while (read_line(&reader, &line) && line.first <= address) {
		if (*line.path == '/' && line.offset == 0) {
			mapping->base = line.first;
			memcpy(mapping->file, line.path, strlen(line.path) + 1);
		}
		if (address < line.end)
			return *line.path == '/' && strcmp(line.path, mapping->file) == 0;
	}
	return false;
}

bool tn_maps_find(uintptr_t address, struct tn_mapping *mapping)
{
	int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	bool found;

	if (file < 0)
		return false;
	found = tn_maps_find_in(file, address, mapping);
	close(file);
	return found;
}
