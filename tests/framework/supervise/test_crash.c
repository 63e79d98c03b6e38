#include "supervise/crash.h"

#include "cunit.h"
#include "deploy/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* SIGABRT alone is used: a sanitizer takes the other signals for itself. */

#define HEAD "request=000000000000002a worker=auth: "

static char module_path[] = "./auth.so";
static struct tn_plan_worker workers[] = { { .name = "auth", .module_path = module_path } };
static const struct tn_plan plan = { .workers = workers, .count = 1 };

/* ---- A process that is watched ------------------------------------------------------------- */

struct watched {
	struct tn_page *page; /* shared with it */
	pid_t process;
	int errors; /* its standard error */
	int input;  /* a pipe from it */
};

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_FATAL(memory != MAP_FAILED);
	return memory;
}

/* Which is what a Worker's number is. */
static void enter(struct tn_activity *activity, enum tn_activity_step step)
{
	if (step == TN_STEP_REQUEST)
		tn_activity_show(activity, step, 42, "GET", "/?a=\"1\"");
	else
		tn_activity_begin(activity, step, 0);
	tn_activity_enter(activity, 0, 1);
}

static _Noreturn void be_watched(struct watched *watched, bool supervised,
                                 enum tn_activity_step step, void (*run)(int), int output)
{
	const struct rlimit none = { 0, 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	dup2(watched->errors, STDERR_FILENO);
	if (!tn_crash_watch(&watched->page->activity, &plan, supervised ? watched->page : NULL))
		_exit(1);
	if (step != TN_STEP_NONE)
		enter(&watched->page->activity, step);
	run(output);
	_exit(2);
}

static struct tn_page *page_of_thread; /* of the process that is watched */

static struct watched watch(bool supervised, enum tn_activity_step step, void (*run)(int))
{
	struct watched watched = {
		.page = page_of_thread = share(sizeof(*watched.page)),
		.errors = memfd_create("errors", MFD_CLOEXEC),
	};
	int ends[2];

	CU_ASSERT_FATAL(watched.errors >= 0 && pipe2(ends, O_CLOEXEC) == 0);
	fflush(NULL);
	watched.process = fork();
	CU_ASSERT_FATAL(watched.process >= 0);
	if (watched.process == 0)
		be_watched(&watched, supervised, step, run, ends[1]);
	close(ends[1]);
	watched.input = ends[0];
	return watched;
}

/* The process is where it waits for a signal; what it says is the thread that tells. */
static pid_t await(const struct watched *watched)
{
	pid_t thread = 0;

	CU_ASSERT_FATAL(read(watched->input, &thread, sizeof(thread)) == sizeof(thread));
	return thread;
}

static char *log_of(const struct watched *watched)
{
	static char text[64 * 1024];
	ssize_t size = pread(watched->errors, text, sizeof(text) - 1, 0);

	text[size < 0 ? 0 : size] = '\0';
	return text;
}

static void check_death(const struct watched *watched)
{
	int status = 0;

	CHECK_NUMBER(waitpid(watched->process, &status, 0), watched->process);
	CHECK_NUMBER(WIFSIGNALED(status) ? WTERMSIG(status) : -status, SIGABRT);
}

/* The first line, without the time before it and what is after `wanted`. */
static void check_head(const struct watched *watched, const char *wanted)
{
	char *text = log_of(watched);
	char *message = strstr(text, "Z fatal");

	CU_ASSERT_PTR_NOT_NULL_FATAL(message);
	message[strcspn(message, "\n")] = '\0';
	CHECK_TEXT(message, wanted);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* Each with its number, and an object that is there. */
static unsigned check_frames(const struct watched *watched)
{
	struct tn_crash_frame frame;
	char number[16];
	size_t size, at = 0;
	unsigned count = 0;
	char *copy = tn_frames_copy(&watched->page->frames, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	for (; tn_frames_next(copy, size, &at, &frame); count++) {
		snprintf(number, sizeof(number), ": #%u ", count);
		CU_ASSERT_PTR_NOT_NULL(strstr(frame.prefix, number));
		CHECK_NUMBER(strncmp(frame.offset, "0x", 2), 0);
		CHECK_NUMBER(*frame.file == '/' || strstr(frame.path, "vdso"), true);
		CHECK_TEXT(frame.path, frame.file);
	}
	CHECK_NUMBER(at, size);
	free(copy);
	return count;
}

static void forget(const struct watched *watched)
{
	munmap(watched->page, sizeof(*watched->page));
	close(watched->errors);
	close(watched->input);
}

/* ---- A crash ------------------------------------------------------------------------------- */

static void end_by_abort(int output)
{
	(void)output;
	abort();
}

static void frames_are_left_for_the_supervisor(void)
{
	struct watched watched = watch(true, TN_STEP_REQUEST, end_by_abort);

	check_death(&watched);
	CHECK_NUMBER(count_lines(log_of(&watched)), 1);
	check_head(&watched, "Z fatal " HEAD "SIGABRT (raised by the process itself) while it "
	                     "answered, request \"GET /?a=\\x221\\x22\", module './auth.so'");
	CU_ASSERT(check_frames(&watched) > 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(watched.page->frames.text, "Z fatal " HEAD "#0 "));
	forget(&watched);
}

static void *crash_in_thread(void *argument)
{
	struct tn_activity *activity = &page_of_thread->threads[7];

	(void)argument;
	if (tn_crash_watch_thread(activity)) {
		tn_activity_show(activity, TN_STEP_REQUEST, 43, "PUT", "/other");
		tn_activity_enter(activity, 0, 1);
		abort();
	}
	return NULL;
}

/* The page is at the same place in the child: it is its memory that is shared. */
static void end_in_thread(int output)
{
	pthread_t thread;

	(void)output;
	if (pthread_create(&thread, NULL, crash_in_thread, NULL) == 0)
		pthread_join(thread, NULL);
}

static void each_thread_tells_of_its_own(void)
{
	struct watched watched = watch(true, TN_STEP_REQUEST, end_in_thread);

	check_death(&watched);
	check_head(&watched, "Z fatal request=000000000000002b worker=auth: SIGABRT (raised by the "
	                     "process itself) while it answered, request \"PUT /other\", module "
	                     "'./auth.so'");
	CU_ASSERT_PTR_EQUAL(tn_page_culprit(watched.page), &watched.page->threads[7]);
	forget(&watched);
}

static void without_one_they_are_in_the_log(void)
{
	struct watched watched = watch(false, TN_STEP_START, end_by_abort);

	check_death(&watched);
	CU_ASSERT(count_lines(log_of(&watched)) > 4);
	CU_ASSERT_PTR_NOT_NULL(strstr(log_of(&watched), "Z fatal worker=auth: #3 /"));
	CHECK_NUMBER(atomic_load(&watched.page->frames.size), 0);
	forget(&watched);
}

static void fork_and_abort(int output)
{
	pid_t child = fork();

	if (child == 0)
		end_by_abort(output);
	waitpid(child, NULL, 0);
	raise(SIGKILL);
}

/* They would stand there when the process itself dies of something else. */
static void those_of_a_forked_process_are_in_the_log(void)
{
	struct watched watched = watch(true, TN_STEP_REQUEST, fork_and_abort);

	CHECK_NUMBER(waitpid(watched.process, NULL, 0), watched.process);
	CU_ASSERT(count_lines(log_of(&watched)) > 4);
	CHECK_NUMBER(atomic_load(&watched.page->frames.size), 0);
	forget(&watched);
}

/* ---- A hang -------------------------------------------------------------------------------- */

static void stand_still(int output)
{
	pid_t thread = gettid();

	if (write(output, &thread, sizeof(thread)) == sizeof(thread))
		for (;;)
			pause();
}

static void ask(const struct watched *watched, int milliseconds)
{
	CHECK_NUMBER(sigqueue(watched->process, SIGABRT,
	                      (union sigval){ .sival_int = milliseconds }),
	             0);
}

static void check_hang(enum tn_activity_step step, int milliseconds, const char *wanted)
{
	struct watched watched = watch(true, step, stand_still);

	await(&watched);
	ask(&watched, milliseconds);
	check_death(&watched);
	check_head(&watched, wanted);
	CU_ASSERT(check_frames(&watched) > 2);
	forget(&watched);
}

static void a_hang_says_how_long(void)
{
	check_hang(TN_STEP_REQUEST, 30000,
	           "Z fatal " HEAD "the loop has not turned for 30000 ms, while it answered, "
	           "request \"GET /?a=\\x221\\x22\", module './auth.so'");
}

static void a_hang_of_the_host_blames_nobody(void)
{
	check_hang(TN_STEP_NONE, 1,
	           "Z fatal: the loop has not turned for 1 ms: no Worker was running");
}

static void one_that_is_never_ready_says_so(void)
{
	check_hang(TN_STEP_START, -5000,
	           "Z fatal worker=auth: not ready within 5000 ms, in its start hook, "
	           "module './auth.so'");
	check_hang(TN_STEP_LOAD, INT32_MIN,
	           "Z fatal worker=auth: not ready within 2147483648 ms, while it was loaded, "
	           "module './auth.so'");
}

static char *sent_by(pid_t process)
{
	static char text[128];

	snprintf(text, sizeof(text), "Z fatal: SIGABRT (sent by process %d): no Worker was running",
	         (int)process);
	return text;
}

static void without_a_number_it_is_a_signal(void)
{
	struct watched watched = watch(true, TN_STEP_NONE, stand_still);

	await(&watched);
	ask(&watched, 0);
	check_death(&watched);
	check_head(&watched, sent_by(getpid()));
	forget(&watched);
	watched = watch(true, TN_STEP_NONE, stand_still);
	await(&watched);
	kill(watched.process, SIGABRT);
	check_death(&watched);
	check_head(&watched, sent_by(getpid()));
	forget(&watched);
}

static void another_process_is_not_believed(void)
{
	struct watched watched = watch(true, TN_STEP_NONE, stand_still);
	pid_t other;

	await(&watched);
	other = fork();
	if (other == 0) {
		sigqueue(watched.process, SIGABRT, (union sigval){ .sival_int = 30000 });
		_exit(0);
	}
	CHECK_NUMBER(waitpid(other, NULL, 0), other);
	check_death(&watched);
	check_head(&watched, sent_by(other));
	forget(&watched);
}

static void nobody_is_believed_where_there_is_no_supervisor(void)
{
	struct watched watched = watch(false, TN_STEP_NONE, stand_still);

	await(&watched);
	ask(&watched, 30000);
	check_death(&watched);
	check_head(&watched, sent_by(getpid()));
	forget(&watched);
}

/* ---- Whichever thread it comes to ----------------------------------------------------------- */

static void *stand_still_as_well(void *output)
{
	stand_still(*(const int *)output);
	return NULL;
}

__attribute__((noinline)) static void have_a_thread(int output)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, stand_still_as_well, &output) == 0)
		pthread_join(thread, NULL);
}

static void it_is_the_loop_that_tells(void)
{
	struct watched watched = watch(true, TN_STEP_REQUEST, have_a_thread);
	siginfo_t info = { .si_signo = SIGABRT, .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = 700;
	CHECK_NUMBER(syscall(SYS_rt_tgsigqueueinfo, watched.process, await(&watched), SIGABRT,
	                     &info),
	             0);
	check_death(&watched);
	check_head(&watched, "Z fatal " HEAD "the loop has not turned for 700 ms, while it "
	                     "answered, request \"GET /?a=\\x221\\x22\", module './auth.so'");
	check_frames(&watched);
	forget(&watched);
}

TEST_MAIN("supervise/crash",
          TEST(frames_are_left_for_the_supervisor),
          TEST(each_thread_tells_of_its_own),
          TEST(without_one_they_are_in_the_log),
          TEST(those_of_a_forked_process_are_in_the_log),
          TEST(a_hang_says_how_long),
          TEST(a_hang_of_the_host_blames_nobody),
          TEST(one_that_is_never_ready_says_so),
          TEST(without_a_number_it_is_a_signal),
          TEST(another_process_is_not_believed),
          TEST(nobody_is_believed_where_there_is_no_supervisor),
          TEST(it_is_the_loop_that_tells))
