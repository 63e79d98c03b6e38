/*
 * What runs in the handler, below "In the handler", allocates nothing, takes no lock and trusts no
 * memory but the pages that the supervisor sees, too, within whose bounds it stays, and what was
 * made read-only before.
 */
#include "supervise/crash.h"

#include "observe/log.h"
#include "observe/output.h"
#include "supervise/maps.h"
#include "supervise/objects.h"

#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)128 * 1024)
#define GUARD_SIZE ((size_t)64 * 1024) /* a multiple of any page */
#define FRAMES_MOST 64
#define FRAMES_SHOWN 32
#define ESCAPE_ROOM 700               /* of one text in a line */
#define OVERFLOW_REACH (256UL * 1024) /* how far beyond its end a function's frame may reach */

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

struct name {
	const char *worker;
	const char *module;
};

/* What the handler is to find. */
static struct {
	const struct name *names; /* one for each Worker of the plan; read-only */
	size_t name_count;
	const struct tn_objects *_Atomic objects;
	struct tn_page *page; /* NULL: all is written to the log */
	pid_t supervisor;     /* 0: there is none */
	pid_t process;
	pid_t thread;          /* the loop's */
	_Atomic pid_t reports; /* the thread that writes a report; 0: none */
} crash;

/* ---- Lines, made without the C library's stdio --------------------------------------------- */

struct line {
	char text[TN_LOG_LINE];
	size_t size;
};

static void put(struct line *line, const char *text)
{
	size_t size = strnlen(text, sizeof(line->text) - 1 - line->size);

	memcpy(line->text + line->size, text, size);
	line->size += size;
}

static void put_escaped(struct line *line, const char *text, bool quoted)
{
	size_t room = sizeof(line->text) - 1 - line->size;

	if (room > ESCAPE_ROOM)
		room = ESCAPE_ROOM;
	line->size += tn_log_escape(line->text + line->size, room, text, quoted);
}

static void put_number(struct line *line, uint64_t number, unsigned base, unsigned digits)
{
	char text[24];
	size_t at = sizeof(text) - 1;

	text[at] = '\0';
	do {
		text[--at] = "0123456789abcdef"[number % base];
		number /= base;
		digits -= digits > 0;
	} while (number || digits);
	put(line, text + at);
}

static void put_address(struct line *line, uintptr_t address)
{
	put(line, "0x");
	put_number(line, address, 16, 1);
}

static const char *end_text(struct line *line)
{
	line->text[line->size] = '\0';
	return line->text;
}

static void write_line(struct line *line)
{
	line->text[line->size] = '\n';
	tn_output_write(STDERR_FILENO, true, line->text, line->size + 1);
}

/* ---- Who it was ---------------------------------------------------------------------------- */

struct culprit {
	const struct tn_activity *activity; /* of its thread; NULL: it is none of the host's */
	bool forked;                        /* in a process that this one has forked */
	uint32_t step;
	uint32_t depth;
	uint64_t exchange;
	char request[TN_ACTIVITY_LINE]; /* the request line */
};

/* A forked process has but one thread, and the page as it was. */
static void find_culprit(struct culprit *culprit)
{
	const struct tn_activity *activity = tn_activity_here;

	*culprit = (struct culprit){
		.activity = activity,
		.forked = getpid() != crash.process,
	};
	if (!activity)
		return;
	culprit->step = atomic_load_explicit(&activity->step, memory_order_relaxed);
	culprit->depth = atomic_load_explicit(&activity->depth, memory_order_relaxed);
	if (culprit->depth > TN_DEPTH_MAX)
		culprit->depth = TN_DEPTH_MAX;
	if (culprit->step == TN_STEP_NONE)
		return;
	culprit->exchange = atomic_load_explicit(&activity->exchange, memory_order_relaxed);
	tn_activity_line(activity, culprit->request);
}

/* So that the supervisor knows whose activity it was, of those that this process has. */
static void leave_culprit(const struct culprit *culprit)
{
	if (crash.page && culprit->activity && !culprit->forked)
		tn_page_set_culprit(crash.page, culprit->activity);
}

static const struct name *name_at(const struct culprit *culprit, uint32_t place)
{
	static const struct name unknown = { "?", NULL };
	uint32_t number =
		atomic_load_explicit(&culprit->activity->chain[place], memory_order_relaxed);

	return number && number <= crash.name_count ? &crash.names[number - 1] : &unknown;
}

static void put_chain(struct line *line, const struct culprit *culprit)
{
	put(line, " chain=");
	for (uint32_t i = 0; i < culprit->depth; i++) {
		put(line, i ? ">" : "");
		put_escaped(line, name_at(culprit, i)->worker, false);
	}
}

/* What stands before the message, as in any line of the log. */
static void begin_line(struct line *line, const struct culprit *culprit, bool chain)
{
	line->size = tn_log_time(line->text);
	put(line, " fatal");
	if (culprit->exchange) {
		put(line, " request=");
		put_number(line, culprit->exchange, 16, 16);
	}
	if (culprit->depth) {
		put(line, " worker=");
		put_escaped(line, name_at(culprit, culprit->depth - 1)->worker, false);
	}
	if (chain && culprit->depth > 1)
		put_chain(line, culprit);
	put(line, ": ");
}

static void put_request(struct line *line, const struct culprit *culprit)
{
	if (!*culprit->request)
		return;
	put(line, ", request \"");
	put_escaped(line, culprit->request, true);
	put(line, "\"");
}

static void put_worker(struct line *line, const struct culprit *culprit)
{
	const char *module = name_at(culprit, culprit->depth - 1)->module;
	const char *step = tn_activity_text(culprit->step);

	put(line, " ");
	put(line, step ? step : "while it ran");
	if (culprit->forked)
		put(line, ", in a process that it has forked");
	put_request(line, culprit);
	if (!module)
		return;
	put(line, ", module '");
	put_escaped(line, module, false);
	put(line, "'");
}

/* ---- In the handler ------------------------------------------------------------------------ */

struct place {
	uintptr_t instruction; /* 0: this machine is not known here */
	uintptr_t stack;
};

static struct place place_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (struct place){
		.instruction = (uintptr_t)context->uc_mcontext.gregs[REG_RIP],
		.stack = (uintptr_t)context->uc_mcontext.gregs[REG_RSP],
	};
#elif defined(__aarch64__)
	return (struct place){ context->uc_mcontext.pc, context->uc_mcontext.sp };
#else
	(void)context;
	return (struct place){ 0 };
#endif
}

/* Who made a call to an address where there is no code: there is nothing to unwind from. */
static uintptr_t caller_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return *(const uintptr_t *)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	return context->uc_mcontext.regs[30];
#else
	(void)context;
	return 0;
#endif
}

/* Near the top of the stack everything is mapped, but where the stack ends. */
static bool is_overflow(const siginfo_t *info, const struct place *place)
{
	uintptr_t address = (uintptr_t)info->si_addr;

	return info->si_signo == SIGSEGV && info->si_code > 0 && info->si_code != SI_KERNEL &&
	       place->stack && address - place->stack + OVERFLOW_REACH < 2 * OVERFLOW_REACH;
}

static const char *describe(int signal, int code)
{
	static const struct {
		int signal, code;
		const char *text;
	} texts[] = {
		{ SIGSEGV, SEGV_MAPERR, "address not mapped" },
		{ SIGSEGV, SEGV_ACCERR, "no permission for the address" },
		{ SIGBUS, BUS_ADRALN, "address not aligned" },
		{ SIGBUS, BUS_ADRERR, "nothing behind the address: was a mapped file cut?" },
		{ SIGBUS, BUS_OBJERR, "error of the hardware" },
		{ SIGFPE, FPE_INTDIV, "integer division by zero" },
		{ SIGFPE, FPE_INTOVF, "integer overflow" },
		{ SIGFPE, FPE_FLTDIV, "floating-point division by zero" },
		{ SIGFPE, FPE_FLTINV, "invalid floating-point operation" },
		{ SIGILL, ILL_ILLOPC, "illegal instruction" },
		{ SIGILL, ILL_ILLOPN, "illegal instruction" },
		{ SIGILL, ILL_PRVOPC, "privileged instruction" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].signal == signal && texts[i].code == code)
			return texts[i].text;
	}
	return NULL;
}

static bool is_sent(const siginfo_t *info)
{
	return info->si_code <= 0 && info->si_pid != getpid();
}

/* "SIGSEGV (address not mapped) at 0x0" */
static void put_signal(struct line *line, const siginfo_t *info, const struct place *place)
{
	const char *text = is_overflow(info, place) ? "stack overflow"
	                                            : describe(info->si_signo, info->si_code);

	put(line, "SIG");
	put(line, sigabbrev_np(info->si_signo));
	if (is_sent(info)) {
		put(line, " (sent by process ");
		put_number(line, (uint64_t)info->si_pid, 10, 1);
		put(line, ")");
	} else if (info->si_code <= 0) {
		put(line, " (raised by the process itself)");
	} else if (text) {
		put(line, " (");
		put(line, text);
		put(line, ") at ");
		put_address(line, (uintptr_t)info->si_addr);
	} else {
		put(line, " (the system gives no address)");
	}
}

/* See crash.h; 0: the signal says nothing of the kind. */
static int hang_of(const siginfo_t *info)
{
	bool is_asked = crash.supervisor && info->si_signo == SIGABRT &&
	                info->si_code == SI_QUEUE && info->si_pid == crash.supervisor;

	return is_asked ? info->si_value.sival_int : 0;
}

static void put_hang(struct line *line, int hang)
{
	put(line, hang > 0 ? "the loop has not turned for " : "not ready within ");
	put_number(line, hang > 0 ? (uint64_t)hang : -(uint64_t)hang, 10, 1);
	put(line, " ms");
}

static void put_nobody(struct line *line, const struct culprit *culprit, const siginfo_t *info)
{
	if (!culprit->activity)
		put(line, " in a thread that is not the host's: the frames tell whose it is");
	else if (is_sent(info))
		put(line, ": no Worker was running");
	else
		put(line, ": no Worker was running, the fault is the host's own");
	put_request(line, culprit);
}

struct code {
	uintptr_t offset;
	const char *file; /* "" where none is known */
	const char *path;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* While a module is loaded, its copy is not known as such yet. */
static const char *original_of(const struct culprit *culprit, const char *file)
{
	const char *module = culprit->depth && culprit->step == TN_STEP_LOAD
	                             ? name_at(culprit, culprit->depth - 1)->module
	                             : NULL;

	return module && strcmp(base_name(module), base_name(file)) == 0 ? module : file;
}

static struct code find_code(const struct culprit *culprit, uintptr_t address)
{
	static struct tn_mapping mapping;
	const struct tn_object *object = tn_objects_find(crash.objects, address);

	if (object)
		return (struct code){ address - object->base, object->file, object->path };
	if (tn_maps_find(address, &mapping))
		return (struct code){ address - mapping.base, mapping.file,
			              original_of(culprit, mapping.file) };
	return (struct code){ address, "", "?" };
}

static void write_code(struct line *line, const struct code *code)
{
	put_escaped(line, code->path, false);
	put(line, " ");
	put_address(line, code->offset);
	write_line(line);
}

static void leave_code(const char *prefix, const struct code *code)
{
	static struct line offset;

	offset.size = 0;
	put_address(&offset, code->offset);
	tn_frames_add(&crash.page->frames, &(struct tn_crash_frame){ prefix, end_text(&offset),
	                                                             code->file, code->path });
}

/* Behind a call stands where it returns to, which may be the next line, or function: one byte
 * before is the call. What a forked process has to tell is not the frames of this one. */
static void tell_frame(struct line *line, const struct culprit *culprit, unsigned number,
                       uintptr_t address, bool is_return)
{
	struct code code = find_code(culprit, address - is_return);

	begin_line(line, culprit, false);
	put(line, "#");
	put_number(line, number, 10, 1);
	put(line, " ");
	if (crash.page && !culprit->forked)
		leave_code(end_text(line), &code);
	else
		write_code(line, &code);
}

/* The first ones are the handler's own. */
static void tell_frames(struct line *line, const struct culprit *culprit, const ucontext_t *context)
{
	uintptr_t instruction = place_of(context).instruction;
	void *frames[FRAMES_MOST];
	int count = backtrace(frames, FRAMES_MOST);
	int first = 0;

	tell_frame(line, culprit, 0, instruction, false);
	while (first < count && (uintptr_t)frames[first] != instruction)
		first++;
	if (first >= count - 1 && !*find_code(culprit, instruction).file)
		tell_frame(line, culprit, 1, caller_of(context), true);
	for (int i = first + 1; i < count && i - first < FRAMES_SHOWN; i++)
		tell_frame(line, culprit, (unsigned)(i - first), (uintptr_t)frames[i], true);
}

static void report(const siginfo_t *info, const ucontext_t *context)
{
	static struct line line;
	static struct culprit culprit;
	struct place place = place_of(context);
	int hang = hang_of(info);

	find_culprit(&culprit);
	leave_culprit(&culprit);
	begin_line(&line, &culprit, true);
	if (hang)
		put_hang(&line, hang);
	else
		put_signal(&line, info, &place);
	put(&line, hang && culprit.depth ? "," : "");
	if (culprit.depth)
		put_worker(&line, &culprit);
	else
		put_nobody(&line, &culprit, info);
	write_line(&line);
	tell_frames(&line, &culprit, context);
}

/* Once the handler has returned, with what the signal was about: for the core dump. */
static void end_by(int signal, siginfo_t *info)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigaction(signal, &action, NULL);
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, info) < 0)
		raise(signal);
}

/* The loop's thread is the one that is asked where it stands, whichever the system has chosen. */
static bool passed_on(int signal, siginfo_t *info)
{
	return hang_of(info) && gettid() != crash.thread &&
	       syscall(SYS_rt_tgsigqueueinfo, getpid(), crash.thread, signal, info) == 0;
}

/* Of two threads that crash at the same time one tells, and ends both. */
static void take(int signal, siginfo_t *info, void *context)
{
	pid_t nobody = 0;

	if (passed_on(signal, info))
		return;
	while (!atomic_compare_exchange_strong(&crash.reports, &nobody, gettid())) {
		pause();
		nobody = 0;
	}
	report(info, context);
	end_by(signal, info);
	atomic_store(&crash.reports, 0);
}

/* ---- exit() -------------------------------------------------------------------------------- */

/* A process that a Worker has forked may end like that. */
static void exited(int status, void *argument)
{
	static struct line line;
	static struct culprit culprit;

	(void)argument;
	find_culprit(&culprit);
	if (culprit.forked || (culprit.activity && !culprit.depth))
		return;
	leave_culprit(&culprit);
	begin_line(&line, &culprit, true);
	put(&line, "called exit(");
	put(&line, status < 0 ? "-" : "");
	put_number(&line, status < 0 ? -(uint64_t)status : (uint64_t)status, 10, 1);
	put(&line, ")");
	if (culprit.activity)
		put_worker(&line, &culprit);
	else
		put(&line, " in a thread that is not the host's");
	write_line(&line);
	fflush(NULL);
	_exit(EX_SOFTWARE);
}

/* ---- Beforehand ---------------------------------------------------------------------------- */

static size_t measure_names(const struct tn_plan *plan)
{
	size_t size = 0;

	for (size_t i = 0; i < plan->count; i++) {
		size += sizeof(struct name) + strlen(plan->workers[i].name) + 1;
		if (plan->workers[i].module_path)
			size += strlen(plan->workers[i].module_path) + 1;
	}
	return size;
}

static const char *keep(char **next, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *kept = *next;

	if (!text)
		return NULL;
	*next += size;
	return memcpy(kept, text, size);
}

static bool keep_names(const struct tn_plan *plan)
{
	size_t size = measure_names(plan);
	struct name *names;
	char *next;

	if (!size)
		return true;
	names = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (names == MAP_FAILED)
		return false;
	next = (char *)(names + plan->count);
	for (size_t i = 0; i < plan->count; i++) {
		names[i].worker = keep(&next, plan->workers[i].name);
		names[i].module = keep(&next, plan->workers[i].module_path);
	}
	mprotect(names, size, PROT_READ);
	crash.names = names;
	crash.name_count = plan->count;
	return true;
}

/* A sanitizer has brought its own. */
static bool set_stack(void)
{
	stack_t stack;
	char *memory;

	if (sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_DISABLE))
		return true;
	memory = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	mprotect(memory, GUARD_SIZE, PROT_NONE);
	stack = (stack_t){ .ss_sp = memory + GUARD_SIZE, .ss_size = STACK_SIZE };
	return sigaltstack(&stack, NULL) == 0;
}

static void set_handlers(void)
{
	struct sigaction action = { .sa_sigaction = take, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct sigaction before;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(&action.sa_mask, signals[i]);
	for (size_t i = 0; i < SIGNALS; i++) {
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
}

void tn_crash_note_objects(const struct tn_deployment *deployment)
{
	const struct tn_objects *objects =
		tn_objects_create(deployment ? deployment->modules : NULL,
	                          deployment ? deployment->module_count : 0);

	if (objects)
		tn_objects_destroy(atomic_exchange(&crash.objects, objects));
}

bool tn_crash_watch_thread(struct tn_activity *activity)
{
	tn_activity_here = activity;
	return set_stack();
}

bool tn_crash_watch(struct tn_activity *activity, const struct tn_plan *plan, struct tn_page *page)
{
	void *frame[1];

	crash.page = page;
	crash.supervisor = page ? getppid() : 0;
	crash.process = getpid();
	crash.thread = gettid();
	if (!keep_names(plan) || !tn_crash_watch_thread(activity))
		return false;
	tn_crash_note_objects(NULL);
	backtrace(frame, 1); /* the first call loads libgcc, which allocates */
	on_exit(exited, NULL);
	set_handlers();
	return true;
}
