/*
 * inject.h - system calls that fail, at will and while the program runs: its processes have a
 * library preloaded (tests/fixtures/inject.c) and a page mapped that says which call fails next.
 *
 *	inject_open();
 *	host = host_start_with(file, &(struct host_options){
 *		.supervised = true, .environment = inject_environment() });
 *	inject_fail(&(struct inject_order){ INJECT_fork, EAGAIN, INJECT_SUPERVISOR, 1, 1 });
 *	...
 *	inject_nothing();
 *
 * The functions are for the test, and for one thread.
 */
#ifndef TENON_TESTS_FAULTS_INJECT_H
#define TENON_TESTS_FAULTS_INJECT_H

#include <stdatomic.h>

#define INJECT_PAGE "TEST_INJECT" /* the environment variable with the path of the page's file */
#define INJECT_ALWAYS (~0u)

#define INJECT_CALLS(X) \
	X(accept4) \
	X(dup) \
	X(epoll_create1) \
	X(epoll_ctl) \
	X(fdopen) \
	X(fexecve) \
	X(fork) \
	X(ftruncate) \
	X(malloc) \
	X(memfd_create) \
	X(mkdir) \
	X(mkdtemp) \
	X(mmap) \
	X(open) \
	X(open_memstream) \
	X(openat) \
	X(opendir) \
	X(pipe2) \
	X(pwrite) \
	X(rename) \
	X(send) \
	X(sendmsg) \
	X(signalfd) \
	X(socket) \
	X(socketpair) \
	X(write) \
	X(write_to_log)

enum inject_call {
	INJECT_NO_CALL,
#define INJECT_CALL(name_) INJECT_##name_,
	INJECT_CALLS(INJECT_CALL)
#undef INJECT_CALL
};

enum inject_where {
	INJECT_SUPERVISOR,
	INJECT_HOSTS,
	INJECT_NEW_HOSTS, /* only those that were started since the order */
};

struct inject_order {
	enum inject_call call;
	int error;
	enum inject_where where;
	unsigned first, last; /* of the calls since the order, from 1 */
};

struct inject_page {
	_Atomic int call; /* written last */
	_Atomic int error;
	_Atomic int where;
	_Atomic unsigned order; /* its number */
	_Atomic unsigned first, last;
	_Atomic unsigned met; /* how often the call was made */
};

/* "fork" */
const char *inject_name(enum inject_call call);

/* Makes the page, with nothing that fails. It ends the program where that cannot be done. */
void inject_open(void);

/* What a host needs to have it, ended by NULL. */
const char *const *inject_environment(void);

void inject_fail(const struct inject_order *order);
void inject_nothing(void);

/* How often the call was made where it was to fail, since the order. */
unsigned inject_met(void);

#endif
