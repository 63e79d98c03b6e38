/*
 * call.c - `tenon call`: one request to one Worker, through the deployment that `run` would make of
 * the same file, but with no network.
 *
 * A child process loads, calls and prints. What it leaves behind when a Worker ends it is read
 * here.
 */
#include "command/call.h"

#include "command/await.h"
#include "command/command.h"
#include "command/input.h"
#include "command/json.h"
#include "observe/log.h"
#include "supervise/backtrace.h"
#include "supervise/crash.h"
#include "supervise/culprit.h"
#include "supervise/privileges.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* As grep(1) and diff(1) have it: 1 is a no, 2 is trouble. */
#define EX_REFUSED 1 /* 400 to 499 */
#define EX_FAILED 2  /* 500 to 599 */

struct call {
	const struct tn_arguments *arguments;
	struct tn_input input;
	const struct tn_plan_worker *worker;
	struct tn_call_request request;
	struct tn_privileges privileges;
	struct tn_secrets secrets;
	struct tn_copies copies;
	struct tn_page *page; /* the child's, which this process has mapped, too */
	sigset_t signals;     /* those that were blocked when it began */
	/* The child's alone. */
	pid_t process;
	struct tn_deployment *deployment;
	struct tn_pool *pool;
	struct tn_tracer *tracer;
	bool answered;
	json_t *json; /* of the reply, until the trace is there */
};

static int out_of_memory(void)
{
	tn_complain("out of memory");
	return EX_OSERR;
}

/* ---- In the child: the reply ---------------------------------------------------------------- */

static int code_of(int status)
{
	if (status >= 500)
		return EX_FAILED;
	return status >= 400 ? EX_REFUSED : 0;
}

static int flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	tn_complain("standard output cannot be written: %s", strerror(errno));
	return EX_IOERR;
}

static int print_json(json_t *json)
{
	int code = tn_json_print(json);

	return code ? code : flush();
}

/* JSON is one value: with the trace in it, it can only be printed at the end. */
static int print_reply(struct call *call, const struct tn_local_reply *reply)
{
	json_t *json;

	if (!call->arguments->json) {
		tn_call_print(reply, call->request.method);
		return flush();
	}
	json = tn_call_json(reply, call->request.method);
	if (!call->arguments->trace)
		return print_json(json);
	call->json = json;
	return 0;
}

/* When all calls have been made, those after the reply, too. */
static int print_trace(struct call *call)
{
	if (!call->tracer || !call->answered)
		return 0;
	if (!call->arguments->json) {
		tn_call_trace_print(call->tracer);
		return 0;
	}
	tn_json_set(&call->json, "trace", tn_call_trace_json(call->tracer));
	return print_json(call->json);
}

/* A thread is in a Worker, and does not come back: nothing that it may use is taken down. */
_Noreturn static void leave(struct call *call, int code)
{
	int problem = print_trace(call);

	tn_activity_set_step(&call->page->activity, TN_STEP_DONE);
	_exit(problem ? problem : code);
}

/* What it would print, and write to the page, is the first process's to do. */
_Noreturn static void leave_forked(const struct call *call)
{
	tn_complain("process %d, which '%s' or a Worker that it calls has forked, came back from "
	            "the call: have it end with _exit, or exec",
	            (int)getpid(), call->worker->name);
	_exit(EX_SOFTWARE);
}

static int answer(struct call *call)
{
	struct tn_local *local =
		tn_local_begin(call->deployment, call->worker, call->pool, call->tracer);
	struct tn_local_reply reply;
	int code, problem;

	if (!local)
		return EX_OSERR;
	if (tn_call_request_fill(&call->request, tn_local_request(local))) {
		tn_local_call(local, &reply);
		if (getpid() != call->process)
			leave_forked(call);
		call->answered = true;
		problem = print_reply(call, &reply);
		code = problem ? problem : code_of(reply.status);
	} else {
		tn_complain("the request has no room in request_memory");
		code = EX_CONFIG;
	}
	if (!tn_local_end(local))
		leave(call, code);
	return code;
}

/* ---- In the child: the deployment ----------------------------------------------------------- */

static void thread_begins(void *argument, unsigned number)
{
	const struct call *call = argument;

	if (!tn_crash_watch_thread(&call->page->threads[number]))
		tn_log_write(TN_LOG_WARNING, NULL,
		             "no memory for what names a crash on thread %u", number);
}

static int print_errors(struct call *call, int code)
{
	tn_errors_print(&call->input.errors, stderr);
	return code;
}

static int load(struct call *call)
{
	struct tn_errors *errors = &call->input.errors;
	const struct tn_deployment_options options = {
		.activity = &call->page->activity,
		.copies = call->copies.count ? &call->copies : NULL,
		.secrets = &call->secrets,
	};

	if (!tn_crash_watch(&call->page->activity, call->input.plan, call->page))
		return out_of_memory();
	call->deployment = tn_deployment_create(call->input.plan, &options, errors);
	tn_crash_note_objects(call->deployment);
	if (!call->deployment)
		return out_of_memory();
	if (errors->errors)
		return print_errors(call, EX_CONFIG);
	tn_log_set_level((enum tn_log_level)call->input.plan->settings.log_level);
	return 0;
}

static int start(struct call *call)
{
	bool started = tn_deployment_start(call->deployment, &call->input.errors);

	tn_crash_note_objects(call->deployment);
	return started ? 0 : print_errors(call, EX_CONFIG);
}

static int make_pool(struct call *call)
{
	const struct tn_plan *plan = call->input.plan;
	const struct tn_pool_options options = {
		.threads = (unsigned)plan->settings.threads,
		.queue = (size_t)plan->settings.queue,
		.lanes = plan->count,
		.limits = call->deployment->limits,
		.thread_begins = thread_begins,
		.argument = call,
	};

	call->pool = tn_pool_create(&options);
	if (call->arguments->trace)
		call->tracer = tn_tracer_create();
	return call->pool && (call->tracer || !call->arguments->trace) ? 0 : out_of_memory();
}

/* The order is that of a host: threads end before the stop hooks. */
static int serve(struct call *call)
{
	int code = load(call), problem;

	if (!code)
		code = make_pool(call);
	if (!code)
		code = start(call);
	if (!code)
		code = answer(call);
	tn_pool_destroy(call->pool);
	if (call->deployment)
		tn_deployment_stop(call->deployment);
	problem = print_trace(call);
	tn_tracer_destroy(call->tracer);
	return problem ? problem : code;
}

/* What the Workers have stays, as in a host: their exit handlers will run. */
_Noreturn static void child(struct call *call, pid_t parent)
{
	char reason[TN_REASON_SIZE];
	int code;

	if (!call->privileges.keeps && !tn_privileges_drop(&call->privileges, reason)) {
		tn_complain("the call cannot give up its privileges: %s", reason);
		_exit(EX_NOPERM);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_SOFTWARE);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &call->signals, NULL);
	call->process = getpid();
	code = serve(call);
	tn_activity_set_step(&call->page->activity, TN_STEP_DONE);
	exit(code);
}

/* ---- In the parent: what has become of it --------------------------------------------------- */

static void name_frames(struct call *call)
{
	struct tn_backtrace backtrace = { .program = tn_backtrace_find(NULL) };
	pid_t process = tn_backtrace_report(&backtrace, &call->page->frames);

	while (process > 0 && waitpid(process, NULL, 0) < 0 && errno == EINTR)
		;
	if (backtrace.program >= 0)
		close(backtrace.program);
}

/* Where the handler has told it, it has left the frames, or ended it with EX_SOFTWARE. */
static int tell_death(struct call *call, int status)
{
	struct tn_culprit culprit;
	struct tn_log_context context;
	char text[TN_CULPRIT_TEXT];

	if (atomic_load(&call->page->frames.size)) {
		name_frames(call);
		return EX_SOFTWARE;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_SOFTWARE)
		return EX_SOFTWARE;
	tn_culprit_read(&culprit, tn_page_culprit(call->page), call->input.plan);
	context = tn_culprit_context(&culprit);
	if (WIFSIGNALED(status))
		tn_log_write(TN_LOG_ERROR, &context, "the call ended (SIG%s)%s",
		             sigabbrev_np(WTERMSIG(status)), tn_culprit_text(&culprit, text));
	else
		tn_log_write(TN_LOG_ERROR, &context, "the call ended (exit code %d)%s",
		             WEXITSTATUS(status), tn_culprit_text(&culprit, text));
	return EX_SOFTWARE;
}

static int run_child(struct call *call)
{
	pid_t parent = getpid();
	pid_t process;
	int status;

	fflush(NULL);
	tn_await_prepare(&call->signals);
	process = fork();
	if (process == 0)
		child(call, parent);
	if (process < 0) {
		tn_complain("no process can be started: %s", strerror(errno));
		return EX_OSERR;
	}
	tn_call_wait(process, &call->page->activity, &call->input.plan->settings, &status);
	sigprocmask(SIG_SETMASK, &call->signals, NULL);
	if (WIFEXITED(status) && atomic_load(&call->page->activity.step) == TN_STEP_DONE)
		return WEXITSTATUS(status);
	return tell_death(call, status);
}

static int with_page(struct call *call)
{
	int descriptor = tn_page_create(&call->page);
	int code;

	if (descriptor < 0) {
		tn_complain("no memory for what names a crash: %s", strerror(errno));
		return EX_OSERR;
	}
	close(descriptor);
	code = run_child(call);
	tn_page_unmap(call->page);
	return code;
}

/* ---- In the parent: what it is made of ------------------------------------------------------ */

/* The warnings are those of `check`: here they would stand before each reply. */
static int read_plan(struct call *call)
{
	struct tn_input *input = &call->input;
	int code = tn_input_read(call->arguments->file, NULL, &input->config, &input->errors);

	if (code)
		return code;
	input->plan = tn_plan_create(input->config, call->arguments->environment, &input->errors);
	if (!input->plan)
		return out_of_memory();
	if (input->errors.errors)
		return print_errors(call, EX_CONFIG);
	call->worker = tn_input_worker(input, call->arguments->words[0]);
	if (!call->worker)
		return EX_USAGE;
	return tn_plan_narrow(input->plan, call->worker) ? 0 : out_of_memory();
}

/* Before a module is loaded, and out of the environment of this process, too. */
static int read_secrets(struct call *call)
{
	struct tn_input *input = &call->input;
	struct tn_vault vault = { 0 };
	bool taken = tn_vault_take(&vault, input->config) &&
	             tn_secrets_read(&call->secrets, input->plan, &vault, &input->errors);

	tn_vault_finish(&vault);
	if (!taken)
		return out_of_memory();
	tn_privileges_find(input->plan, &call->privileges, &input->errors);
	return input->errors.errors ? print_errors(call, EX_CONFIG) : 0;
}

/* For a user who may not read the originals; otherwise these are not in use for long. */
static int make_copies(struct call *call)
{
	struct tn_stage_reader reader = tn_privileges_reader(&call->privileges);
	char reason[TN_REASON_SIZE];
	int code;

	if (call->privileges.keeps)
		return 0;
	code = tn_copies_make(&call->copies, call->input.plan, &reader, NULL, NULL, reason);
	if (code)
		tn_complain("%s", reason);
	return code;
}

int tn_command_call(const struct tn_arguments *arguments)
{
	static struct call call; /* the Workers that the child leaves behind may use it */
	int code;

	call = (struct call){ .arguments = arguments };
	code = read_plan(&call);
	if (!code)
		code = tn_call_request_read(&call.request, arguments,
		                            (size_t)call.worker->max_body);
	if (!code)
		code = read_secrets(&call);
	if (!code)
		code = make_copies(&call);
	if (!code)
		code = with_page(&call);
	tn_copies_finish(&call.copies);
	tn_secrets_finish(&call.secrets);
	tn_call_request_finish(&call.request);
	tn_input_finish(&call.input);
	return code;
}
