/* callgrind.h - instructions of a whole run, as callgrind counted them. */
#ifndef TENON_TESTS_CALLGRIND_H
#define TENON_TESTS_CALLGRIND_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * libmicrohttpd clears 32 KiB for each request. With "rep stosb" the processor does that in a few
 * hundred cycles, but callgrind would count each byte as an instruction, and all else would drown.
 * To be put into the environment as GLIBC_TUNABLES.
 */
#define PLAIN_MEMSET "glibc.cpu.x86_rep_stosb_threshold=1073741824"

/* From the last line of what callgrind wrote; 0 where there is none. */
static inline double callgrind_total(const char *path)
{
	FILE *file = fopen(path, "re");
	double total = 0;
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "totals: ", 8) == 0)
			total = strtod(line + 8, NULL);
	}
	if (file)
		fclose(file);
	return total;
}

static inline int have_program(const char *name)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
	return system(command) == 0;
}

#endif
