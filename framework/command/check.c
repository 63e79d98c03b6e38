/*
 * check.c - loads everything as `run` would, in a child process: a module that crashes, hangs or
 * exits while it is loaded ends the child, not the check. It is then left out, and the next child
 * goes on to the errors that are left.
 */
#include "command/command.h"
#include "command/input.h"
#include "deploy/deployment.h"
#include "deploy/value.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS (10 * 1000) /* for loading one module, or for one hook */
#define FAULT_SIZE 128

/* A Worker whose code ended a child, and how. */
struct fault {
	uint32_t step;
	char text[FAULT_SIZE]; /* "" : none */
};

struct check {
	const char *path;
	bool start;
	int timeout; /* ms */
	struct tn_config *config;
	struct tn_errors syntax; /* what the text of the file has */
	size_t workers;
	struct fault *faults; /* one for each Worker, in the order of the file */
	sigset_t signals;     /* those that were blocked when it began */
	struct tn_progress *progress;
};

/* ---- In the child -------------------------------------------------------------------------- */

static bool has_fault(void *argument, size_t worker)
{
	const struct check *check = argument;

	return *check->faults[worker].text;
}

/* A Worker's own, or that of another with the same module. */
static const struct fault *find_fault(const struct check *check,
                                      const struct tn_deployment *deployment, size_t number)
{
	const char *path = deployment->instances[number].module_path;

	if (*check->faults[number].text)
		return &check->faults[number];
	for (size_t i = 0; i < deployment->count; i++) {
		if (*check->faults[i].text && check->faults[i].step == TN_STEP_LOAD &&
		    strcmp(deployment->instances[i].module_path, path) == 0)
			return &check->faults[i];
	}
	return NULL;
}

static void add_faults(const struct check *check, const struct tn_deployment *deployment,
                       struct tn_errors *errors)
{
	static const char *const doing[] = {
		[TN_STEP_LOAD] = "while it was loaded",
		[TN_STEP_START] = "in its start hook",
		[TN_STEP_STOP] = "in its stop hook",
	};

	for (size_t i = 0; i < deployment->count; i++) {
		const struct tn_instance *instance = &deployment->instances[i];
		const struct fault *fault = find_fault(check, deployment, i);

		if (fault)
			tn_errors_add(errors, instance->section->place,
			              "worker '%s': module '%s' %s %s", instance->name,
			              instance->module_path, fault->text, doing[fault->step]);
	}
}

static void print_summary(const struct check *check, const struct tn_deployment *deployment)
{
	fprintf(stderr, "%s: %zu Worker%s, %zu route%s, no errors\n", check->path,
	        deployment->count, deployment->count == 1 ? "" : "s", deployment->routes.count,
	        deployment->routes.count == 1 ? "" : "s");
}

static int check_in_child(struct check *check)
{
	struct tn_deployment_options options = {
		.progress = check->progress,
		.skip = has_fault,
		.argument = check,
		.warn = true,
	};
	struct tn_errors *errors = &check->syntax;
	struct tn_deployment *deployment = tn_deployment_create(check->config, &options, errors);
	bool valid;

	if (!deployment) {
		tn_complain("out of memory");
		return EX_OSERR;
	}
	add_faults(check, deployment, errors);
	if (check->start && !errors->errors && tn_deployment_start(deployment, errors))
		tn_deployment_stop(deployment);
	valid = !errors->errors;
	tn_errors_print(errors, stderr);
	if (valid)
		print_summary(check, deployment);
	tn_deployment_destroy(deployment);
	return valid ? 0 : EX_CONFIG;
}

static _Noreturn void child(struct check *check, pid_t parent)
{
	struct rlimit none = { 0 };
	int code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_SOFTWARE);
	setrlimit(RLIMIT_CORE, &none);
	sigprocmask(SIG_SETMASK, &check->signals, NULL);
	code = check_in_child(check);
	tn_config_destroy(check->config);
	tn_errors_finish(&check->syntax);
	fflush(NULL);
	tn_progress_note(check->progress, TN_STEP_DONE, 0);
	_exit(code);
}

/* ---- In the parent ------------------------------------------------------------------------- */

/* Waits for the child's end, at most for so long; SIGCHLD is blocked. */
static bool child_ends(pid_t process, int timeout, int *status)
{
	struct timespec time = { timeout / 1000, timeout % 1000 * 1000000L };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(process, status, WNOHANG) == 0) {
		if (sigtimedwait(&set, NULL, &time) < 0 && errno == EAGAIN)
			return waitpid(process, status, WNOHANG) != 0;
	}
	return true;
}

/* Ends a child of which one step takes too long: returns whether it did. */
static bool child_hangs(const struct check *check, pid_t process, int *status)
{
	uint32_t turns;

	do {
		turns = atomic_load(&check->progress->turns);
		if (child_ends(process, check->timeout, status))
			return false;
	} while (turns != atomic_load(&check->progress->turns));
	kill(process, SIGKILL);
	while (waitpid(process, status, 0) < 0 && errno == EINTR)
		;
	return true;
}

static void describe(struct fault *fault, int status, int timeout, bool hangs)
{
	if (hangs && timeout % 1000 == 0)
		snprintf(fault->text, sizeof(fault->text), "did not come back within %d s",
		         timeout / 1000);
	else if (hangs)
		snprintf(fault->text, sizeof(fault->text), "did not come back within %d ms",
		         timeout);
	else if (WIFSIGNALED(status))
		snprintf(fault->text, sizeof(fault->text), "crashed (%s)",
		         strsignal(WTERMSIG(status)));
	else
		snprintf(fault->text, sizeof(fault->text), "called exit(%d)", WEXITSTATUS(status));
}

/* Returns the exit code, or -1 where another child is to be asked without the faulty Worker. */
static int judge(struct check *check, int status, bool hangs)
{
	uint32_t step = atomic_load(&check->progress->step);
	uint32_t worker = atomic_load(&check->progress->worker);

	if (step == TN_STEP_DONE && WIFEXITED(status) && !hangs)
		return WEXITSTATUS(status);
	if (step == TN_STEP_NONE || step == TN_STEP_DONE || worker >= check->workers ||
	    *check->faults[worker].text) {
		tn_complain("%s: the check itself failed (%s)", check->path,
		            hangs                 ? "it hangs"
		            : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
		                                  : "a module's thread ended it");
		return EX_SOFTWARE;
	}
	check->faults[worker].step = step;
	describe(&check->faults[worker], status, check->timeout, hangs);
	return -1;
}

static int ask_child(struct check *check)
{
	pid_t parent = getpid();
	int status = 0;
	pid_t process;
	bool hangs;

	tn_progress_note(check->progress, TN_STEP_NONE, 0);
	fflush(NULL);
	process = fork();
	if (process == 0)
		child(check, parent);
	if (process < 0) {
		tn_complain("no process can be started: %s", strerror(errno));
		return EX_OSERR;
	}
	hangs = child_hangs(check, process, &status);
	return judge(check, status, hangs);
}

static size_t count_workers(const struct tn_config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->count; i++)
		count += strcmp(config->sections[i].kind, "worker") == 0;
	return count;
}

/* So that the end of a child wakes the parent, and its status is kept, whatever was inherited. */
static void block_child_signal(struct check *check)
{
	sigset_t set;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &check->signals);
}

static int check_config(struct check *check)
{
	int code = -1;

	block_child_signal(check);
	check->workers = count_workers(check->config);
	check->faults = calloc(check->workers + 1, sizeof(check->faults[0]));
	check->progress = mmap(NULL, sizeof(*check->progress), PROT_READ | PROT_WRITE,
	                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!check->faults || check->progress == MAP_FAILED) {
		tn_complain("out of memory");
		free(check->faults);
		return EX_OSERR;
	}
	while (code < 0)
		code = ask_child(check);
	munmap(check->progress, sizeof(*check->progress));
	free(check->faults);
	return code;
}

static int usage(void)
{
	tn_complain("usage: tenon check [--start] [--timeout 10s] FILE");
	return EX_USAGE;
}

/* NULL, or what is wrong with the text. */
static const char *parse_timeout(const char *text, int *timeout)
{
	int64_t value = 0;
	const char *wrong = tn_value_duration(text, &value);

	if (!wrong && (value < 1 || value > INT_MAX))
		wrong = "write one from 1ms to 24d";
	*timeout = (int)value;
	return wrong;
}

/* Returns 0, or the exit code. */
static int parse(struct check *check, int count, char **arguments)
{
	for (int i = 1; i < count; i++) {
		const char *wrong = NULL;

		if (strcmp(arguments[i], "--start") == 0)
			check->start = true;
		else if (strcmp(arguments[i], "--timeout") == 0 && i + 1 < count)
			wrong = parse_timeout(arguments[++i], &check->timeout);
		else if (arguments[i][0] == '-' || check->path)
			return usage();
		else
			check->path = arguments[i];
		if (wrong) {
			tn_complain("--timeout: '%s': %s", arguments[i], wrong);
			return EX_USAGE;
		}
	}
	return check->path ? 0 : usage();
}

int tn_command_check(int count, char **arguments)
{
	struct check check = { .timeout = TIMEOUT_MS };
	int code = parse(&check, count, arguments);

	if (code)
		return code;
	code = tn_input_read(check.path, &check.config, &check.syntax);
	if (!code)
		code = check_config(&check);
	tn_config_destroy(check.config);
	tn_errors_finish(&check.syntax);
	return code;
}
