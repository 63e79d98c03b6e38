/*
 * lookout.h - what a project has on disk: its sources, and what a host would load. What it says
 * rests on the content of the files; inotify(7) only tells when it is worth looking.
 */
#ifndef TENON_COMMAND_LOOKOUT_H
#define TENON_COMMAND_LOOKOUT_H

#include "tenon.h"

/*
 * What there is. Two that are the same have the same content, whatever has been touched, written
 * anew or replaced meanwhile.
 */
struct tn_sight {
	uint64_t sources;  /* of C, of what is included, and Makefiles */
	uint64_t deployed; /* the configuration with all that it includes, and the modules */
	bool readable;     /* the configuration could be read; where not, `deployed` is 0 */
	bool complete;     /* all modules are there */
};

struct tn_lookout;

/*
 * Begins to look at the directory and all below it, but what begins with a dot, and at what the
 * configuration leads to. The texts must outlive it. NULL, and errno, where it cannot be had.
 */
struct tn_lookout *tn_lookout_open(const char *directory, const char *file,
                                   const char *environment);
void tn_lookout_close(struct tn_lookout *lookout);

/* Looks at all of it, and watches what is new. */
void tn_lookout_see(struct tn_lookout *lookout, struct tn_sight *sight);

/* A descriptor that is readable when something has happened; then whether it was something that
 * may have changed what there is. */
int tn_lookout_descriptor(const struct tn_lookout *lookout);
bool tn_lookout_stirs(struct tn_lookout *lookout);

#endif
