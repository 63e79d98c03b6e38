/*
 * ended.c - the memory of exchanges that have ended: whoever uses it is told so at once.
 *
 * A host gives it to the next exchange, so that a request that was kept shows what is another's, or
 * nothing that makes sense. Here each exchange has pages of its own, which nobody may touch when it
 * has ended: the processor finds whoever does, in the Worker or in libtenon. Under a sanitizer they
 * are poisoned, too, so that its report says what is on the stack.
 */
#include "kit/kit.h"

#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define ENDED_MOST 512u /* ranges that are kept, newest last; what is older may come again */
#define FRAMES_MOST 32

struct range {
	char *memory;
	size_t size;
};

static struct range ended[ENDED_MOST];
static unsigned count; /* of all that have been ended */
static const char *running;
static struct sigaction before[2];
static const int faults[2] = { SIGSEGV, SIGBUS };

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* AddressSanitizer's, where the program has it, whether libtenon was built with it or not. */
extern void __asan_poison_memory_region(const volatile void *memory, size_t size)
	__attribute__((weak));
extern void __asan_unpoison_memory_region(const volatile void *memory, size_t size)
	__attribute__((weak));
extern void __asan_set_error_report_callback(void (*callback)(const char *report))
	__attribute__((weak));
extern void *__asan_get_report_address(void) __attribute__((weak));

/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- The memory ---------------------------------------------------------------------------- */

static size_t whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) & ~(page - 1);
}

static void *take(size_t size)
{
	void *memory = mmap(NULL, whole_pages(size), PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void forget(const struct range *range)
{
	if (!range->memory)
		return;
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(range->memory, range->size);
	munmap(range->memory, range->size);
}

/* Mapped anew, so that what it held goes, and only its addresses stay. */
static void give(void *memory, size_t size)
{
	struct range *range = &ended[count++ % ENDED_MOST];

	forget(range);
	*range = (struct range){ .memory = memory, .size = whole_pages(size) };
	if (mmap(memory, range->size, PROT_NONE,
	         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		abort();
	if (__asan_poison_memory_region)
		__asan_poison_memory_region(memory, range->size);
}

const struct tn_arena_source tn_ended_source = { .take = take, .give = give };

/* ---- Who uses it --------------------------------------------------------------------------- */

static bool has_ended(const void *address)
{
	for (unsigned i = 0; i < ENDED_MOST; i++)
		if (ended[i].memory &&
		    (uintptr_t)address - (uintptr_t)ended[i].memory < ended[i].size)
			return true;
	return false;
}

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

static void say_who(void)
{
	say("tenon/test.h: ");
	say(running ? running : "a test");
}

static void tell(void)
{
	say_who();
	say(": a request, a response, or a string that one of them gave, was used after its "
	    "exchange had ended. It lives until tn_test_end, and in a host until the reply has "
	    "been sent: copy what is to stay (strdup), and keep no request in a static variable, "
	    "in what TN_STATE points to, or in another thread.\n");
}

/* Whether it is the call of a function at NULL, where the machine is one that is known. */
static bool calls_null(const ucontext_t *context)
{
#if defined(__x86_64__)
	return context->uc_mcontext.gregs[REG_RIP] == 0;
#elif defined(__aarch64__)
	return context->uc_mcontext.pc == 0;
#else
	(void)context;
	return false;
#endif
}

/* A field of the env that the test has left out is NULL. */
static void tell_null(const ucontext_t *context)
{
	say_who();
	if (calls_null(context))
		say(": a function that is NULL was called: has `self` of the env been given "
		    "TN_TEST_SELF, and each binding a service?\n");
	else
		say(": what NULL points to was used: has the test given the env all of its "
		    "fields?\n");
}

/* It returns, and what comes next is what would have come without it. */
static void take_fault(int signal, siginfo_t *info, void *context)
{
	void *frames[FRAMES_MOST];

	if (!info->si_addr) {
		tell_null(context);
	} else if (has_ended(info->si_addr)) {
		tell();
		say("tenon/test.h: the frames, for addr2line or gdb:\n");
		backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MOST), STDERR_FILENO);
	}
	sigaction(signal, &before[signal == SIGBUS], NULL);
}

static void take_report(const char *report)
{
	(void)report;
	if (__asan_get_report_address && has_ended(__asan_get_report_address()))
		tell();
}

/* The first backtrace() loads a library: not in a handler. */
void tn_ended_watch(void)
{
	static bool watches;
	struct sigaction action = { .sa_sigaction = take_fault, .sa_flags = SA_SIGINFO };
	void *frame;

	if (watches)
		return;
	watches = true;
	backtrace(&frame, 1);
	if (__asan_set_error_report_callback)
		__asan_set_error_report_callback(take_report);
	for (unsigned i = 0; i < 2; i++)
		sigaction(faults[i], &action, &before[i]);
}

void tn_ended_name(const char *test)
{
	running = test;
}
