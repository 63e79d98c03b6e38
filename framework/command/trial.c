#include "command/trial.h"

#include "command/await.h"
#include "command/input.h"
#include "deploy/blocking.h"
#include "deploy/bodies.h"
#include "supervise/privileges.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define TIMEOUT_MS (10 * 1000)
#define FAULT_SIZE 128

/* A Worker whose code ended a child, and how. */
struct fault {
	uint32_t step;
	char text[FAULT_SIZE]; /* "" : none */
};

struct trial {
	const struct tn_trial *options;
	const struct tn_plan *plan;
	struct tn_errors errors; /* the syntax's and the plan's; in a child all of them */
	struct fault *faults;    /* one for each Worker of the plan */
	int timeout;             /* ms */
	sigset_t signals;        /* those that were blocked when it began */
	struct tn_activity *activity;
};

/* ---- In the child -------------------------------------------------------------------------- */

static bool has_fault(void *argument, size_t worker)
{
	const struct trial *trial = argument;

	return *trial->faults[worker].text;
}

/* A Worker's own, or that of another with the same module. */
static const struct fault *find_fault(const struct trial *trial,
                                      const struct tn_deployment *deployment, size_t number)
{
	const struct tn_plan_worker *worker = deployment->instances[number].worker;

	if (*trial->faults[worker->number].text)
		return &trial->faults[worker->number];
	for (size_t i = 0; i < trial->plan->count; i++) {
		if (*trial->faults[i].text && trial->faults[i].step == TN_STEP_LOAD &&
		    strcmp(trial->plan->workers[i].module_path, worker->module_path) == 0)
			return &trial->faults[i];
	}
	return NULL;
}

static void add_faults(const struct trial *trial, const struct tn_deployment *deployment,
                       struct tn_errors *errors)
{
	for (size_t i = 0; i < deployment->count; i++) {
		const struct tn_instance *instance = &deployment->instances[i];
		const struct fault *fault = find_fault(trial, deployment, i);

		if (fault)
			tn_errors_add(errors, instance->worker->section->place,
			              "worker '%s': module '%s' %s %s", instance->name,
			              instance->worker->module_path, fault->text,
			              tn_activity_text(fault->step));
	}
}

/* No warnings: whoever writes `blocking` wants it so, and here sees what it reaches. */
static void print_waits(const struct tn_plan *plan)
{
	char text[TN_BLOCKING_SIZE];

	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];

		if (worker->route && worker->waits)
			fprintf(stderr, "%s:%u: worker '%s': route '%s' waits: %s\n",
			        worker->route->place.file, worker->route->place.line, worker->name,
			        worker->route->value, tn_blocking_text(worker, text));
	}
}

static void print_summary(const struct trial *trial, const struct tn_deployment *deployment)
{
	size_t routes = trial->plan->routes.count;

	fprintf(stderr, "%s: %zu Worker%s, %zu route%s, no errors\n",
	        tn_config_path(trial->plan->config), deployment->count,
	        deployment->count == 1 ? "" : "s", routes, routes == 1 ? "" : "s");
}

/* A secret that is not there now may be there where the host will run. */
static void add_secret_errors(struct trial *trial, const struct tn_errors *secrets)
{
	const struct tn_place *changed = trial->options->changed;

	for (size_t i = 0; i < secrets->count; i++) {
		const struct tn_error *error = &secrets->list[i];

		if (changed && (error->place.line != changed->line ||
		                strcmp(error->place.file, changed->file) != 0))
			tn_errors_warn(&trial->errors, error->place, "%s", error->text);
		else
			tn_errors_add(&trial->errors, error->place, "%s", error->text);
	}
	if (secrets->incomplete)
		tn_errors_add(&trial->errors, (struct tn_place){ 0 }, "out of memory");
}

static int try_in_child(struct trial *trial)
{
	struct tn_errors secrets = { 0 };
	struct tn_deployment_options options = {
		.activity = trial->activity,
		.skip = has_fault,
		.argument = trial,
		.secret_errors = &secrets,
		.warn = !trial->options->no_warnings,
	};
	struct tn_errors *errors = &trial->errors;
	struct tn_deployment *deployment = tn_deployment_create(trial->plan, &options, errors);
	bool valid;

	add_secret_errors(trial, &secrets);
	tn_errors_finish(&secrets);
	if (!deployment) {
		tn_complain("out of memory");
		return EX_OSERR;
	}
	add_faults(trial, deployment, errors);
	tn_bodies_check(trial->plan, false, errors);
	if (trial->options->start && !errors->errors && tn_deployment_start(deployment, errors))
		tn_deployment_stop(deployment);
	valid = !errors->errors;
	if (!trial->options->silent && (!valid || !trial->options->no_warnings))
		tn_errors_print(errors, stderr);
	if (valid && !trial->options->quiet) {
		print_waits(trial->plan);
		print_summary(trial, deployment);
	}
	tn_deployment_destroy(deployment);
	return valid ? 0 : EX_CONFIG;
}

static _Noreturn void child(struct trial *trial, pid_t parent)
{
	struct rlimit none = { 0 };
	int code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_SOFTWARE);
	setrlimit(RLIMIT_CORE, &none);
	sigprocmask(SIG_SETMASK, &trial->signals, NULL);
	code = try_in_child(trial);
	tn_errors_finish(&trial->errors);
	fflush(NULL);
	tn_activity_set_step(trial->activity, TN_STEP_DONE);
	_exit(code);
}

/* ---- In the parent ------------------------------------------------------------------------- */

/* Ends a child of which one step takes too long: returns whether it did. */
static bool child_hangs(const struct trial *trial, pid_t process, int *status)
{
	uint32_t steps;

	do {
		steps = atomic_load(&trial->activity->steps);
		if (tn_await_child(process, trial->timeout, status))
			return false;
	} while (steps != atomic_load(&trial->activity->steps));
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
static int judge(struct trial *trial, int status, bool hangs)
{
	uint32_t step = atomic_load(&trial->activity->step);
	uint32_t running = tn_activity_running(trial->activity);
	struct fault *fault;

	if (step == TN_STEP_DONE && WIFEXITED(status) && !hangs)
		return WEXITSTATUS(status);
	fault = running && running <= trial->plan->count ? &trial->faults[running - 1] : NULL;
	if (!fault || *fault->text) {
		tn_complain("%s: the check itself failed (%s)", tn_config_path(trial->plan->config),
		            hangs                 ? "it hangs"
		            : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
		                                  : "a module's thread ended it");
		return EX_SOFTWARE;
	}
	fault->step = step;
	describe(fault, status, trial->timeout, hangs);
	return -1;
}

static int ask_child(struct trial *trial)
{
	pid_t parent = getpid();
	int status = 0;
	pid_t process;
	bool hangs;

	tn_activity_end(trial->activity);
	fflush(NULL);
	process = fork();
	if (process == 0)
		child(trial, parent);
	if (process < 0) {
		tn_complain("no process can be started: %s", strerror(errno));
		return EX_OSERR;
	}
	hangs = child_hangs(trial, process, &status);
	return judge(trial, status, hangs);
}

static int try_plan(struct trial *trial)
{
	int code = -1;

	tn_await_prepare(&trial->signals);
	trial->faults = calloc(trial->plan->count + 1, sizeof(trial->faults[0]));
	trial->activity = tn_activity_create();
	if (!trial->faults || !trial->activity) {
		tn_complain("out of memory");
		tn_activity_destroy(trial->activity);
		free(trial->faults);
		return EX_OSERR;
	}
	while (code < 0)
		code = ask_child(trial);
	tn_activity_destroy(trial->activity);
	free(trial->faults);
	sigprocmask(SIG_SETMASK, &trial->signals, NULL);
	return code;
}

/* The errors of the syntax are noted again for each plan. */
static void copy_errors(struct tn_errors *errors, const struct tn_errors *syntax)
{
	for (size_t i = 0; i < syntax->count; i++) {
		const struct tn_error *error = &syntax->list[i];

		if (error->warning)
			tn_errors_warn(errors, error->place, "%s", error->text);
		else
			tn_errors_add(errors, error->place, "%s", error->text);
	}
	if (syntax->incomplete && !errors->incomplete) {
		errors->incomplete = true;
		errors->errors++;
	}
}

int tn_trial_run(const struct tn_trial *options)
{
	struct trial trial = {
		.options = options,
		.timeout = options->timeout ? options->timeout : TIMEOUT_MS,
	};
	struct tn_plan *plan;
	int code = EX_OSERR;

	copy_errors(&trial.errors, options->syntax);
	plan = tn_plan_create(options->config, options->environment, &trial.errors);
	trial.plan = plan;
	if (plan && !options->no_warnings)
		tn_privileges_warn(plan, &trial.errors);
	if (plan)
		code = try_plan(&trial);
	else
		tn_complain("out of memory");
	tn_plan_destroy(plan);
	tn_errors_finish(&trial.errors);
	return code;
}
