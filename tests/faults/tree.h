/*
 * tree.h - a supervisor and its host processes as the system sees them.
 *
 * Processes that lose their parent become this program's children: so a stray one is noticed.
 */
#ifndef TENON_TESTS_FAULTS_TREE_H
#define TENON_TESTS_FAULTS_TREE_H

#include "e2e/harness.h"

#define TREE_MOST 64

/* As host_start_supervised, with more of an environment, ended by NULL, or none: NULL. */
struct host *tree_start(const char *file);
struct host *tree_start_with(const char *file, const char *const *environment);

/* The same without waiting: see host_ready. */
struct host *tree_spawn(const char *file, const char *const *environment);

/* The supervisor's children now; returns how many (at most TREE_MOST). */
size_t tree_hosts(const struct host *host, pid_t list[TREE_MOST]);

/* Waits until there are exactly so many. The test fails where that does not come. */
bool tree_has(const struct host *host, size_t hosts);

/* What the supervisor has: open descriptors, and memory of its own in KiB. */
unsigned tree_descriptors(const struct host *host);
long tree_memory(const struct host *host);

/* Kills the supervisor with SIGKILL, and waits for it. */
void tree_behead(struct host *host);

/* Waits until no process is left of any supervisor that has ended. The test fails where one stays,
 * and it is killed. */
void tree_is_gone(void);

/* Ends it with SIGTERM, and the test fails where it does not exit with 0 or leaves a process. */
void tree_end(struct host *host);

/* How many tests of a kind: the number of the environment's variable, or the usual one. */
unsigned tree_rounds(const char *variable, unsigned usual);

#endif
