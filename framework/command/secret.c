/* secret.c - `tenon secret`: a secret from standard input into a file that only its owner reads. */
#include "command/change.h"
#include "command/command.h"
#include "command/input.h"
#include "deploy/keys.h"
#include "deploy/secret_source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#define ROOM (TN_SECRET_MAX + 2) /* with a newline that is dropped, and one byte too many */
#define NAME_LIMIT 128
#define PROMPT_SIZE 512
#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* The bytes, in pages that no core dump and no child has, and a file without a name that the
 * children of a trial read them from. */
struct secret {
	char *data;
	size_t size;
	int file;
};

/* The file that it goes to. */
struct target {
	char key[NAME_LIMIT + sizeof("secret.")];
	unsigned line; /* of the key, once it is there */
	char *name;    /* as the configuration leads to it */
	char *path;    /* without symbolic links */
	int old;       /* what is there, opened; -1: nothing */
};

static int check(const struct tn_change *change, const char *name, char *prompt);
static int find_target(struct target *target, struct tn_change *change, const char *name);
static void finish_target(struct target *target);
static int read_secret(struct secret *secret, const char *prompt);
static void finish_secret(struct secret *secret);
static int give(const struct target *target, struct tn_change *change, const struct secret *secret);

/* What can be told before the secret is typed is told before, and nothing is locked meanwhile. */
int tn_command_secret(const struct tn_arguments *arguments)
{
	const char *worker = arguments->words[0], *name = arguments->words[1];
	struct secret secret = { .file = -1 };
	struct target target = { .old = -1 };
	char prompt[PROMPT_SIZE];
	struct tn_change change;
	int code = tn_change_begin(&change, arguments->file, worker);

	if (!code)
		code = check(&change, name, prompt);
	if (!code)
		code = find_target(&target, &change, name);
	finish_target(&target);
	tn_change_finish(&change);
	if (!code)
		code = read_secret(&secret, prompt);
	if (!code)
		code = tn_change_begin(&change, arguments->file, worker);
	if (!code)
		code = find_target(&target, &change, name);
	if (!code)
		code = give(&target, &change, &secret);
	finish_target(&target);
	tn_change_finish(&change);
	finish_secret(&secret);
	return code;
}

static bool is_field(const char *name)
{
	size_t size = 0;

	while (isalnum((unsigned char)name[size]) || name[size] == '_')
		size++;
	return size && !name[size] && size <= NAME_LIMIT && !isdigit((unsigned char)*name);
}

static int check(const struct tn_change *change, const char *name, char *prompt)
{
	char label[PROMPT_SIZE / 2];

	tn_section_label(change->section, label, sizeof(label));
	snprintf(prompt, PROMPT_SIZE, "secret.%.*s of %s (it is not shown): ", NAME_LIMIT, name,
	         label);
	if (strcmp(change->section->kind, "worker") != 0) {
		tn_complain("%s: %s has no secrets: name a Worker", change->path, label);
		return EX_USAGE;
	}
	if (is_field(name))
		return 0;
	tn_complain("%s: %s: '%s' is no name of a secret: it is a field of the Worker's env, of "
	            "letters, digits and '_'",
	            change->path, label, name);
	return EX_USAGE;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static volatile sig_atomic_t caught;

static void note_signal(int signal)
{
	caught = signal;
}

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define ENDING (sizeof(ending) / sizeof(ending[0]))

/* Reads until a newline, or the end of the input. Signals come while it waits, and only then. */
static void read_line(struct secret *secret, const sigset_t *mask)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t got = 1;

	while (got > 0 && secret->size < ROOM &&
	       (!secret->size || secret->data[secret->size - 1] != '\n')) {
		if (ppoll(&input, 1, NULL, mask) < 0)
			return;
		got = read(STDIN_FILENO, secret->data + secret->size, ROOM - secret->size);
		secret->size += got > 0 ? (size_t)got : 0;
	}
}

/* Blocks them, and has those that are not ignored noted. */
static sigset_t catch_signals(struct sigaction *before)
{
	const struct sigaction noting = { .sa_handler = note_signal };
	sigset_t set, mask;

	sigemptyset(&set);
	for (size_t i = 0; i < ENDING; i++) {
		sigaddset(&set, ending[i]);
		sigaction(ending[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(ending[i], &noting, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, &mask);
	return mask;
}

/* One that came ends the program now. */
static void let_signals_go(const struct sigaction *before, const sigset_t *mask)
{
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &before[i], NULL);
	if (caught)
		raise(caught);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

/* Without an echo, which comes back whatever ends it. */
static void read_terminal(struct secret *secret, const char *prompt)
{
	struct sigaction before[ENDING];
	sigset_t mask = catch_signals(before);
	struct termios echo, silent;

	tcgetattr(STDIN_FILENO, &echo);
	silent = echo;
	silent.c_lflag = (echo.c_lflag & ~(tcflag_t)ECHO) | ECHONL;
	silent.c_cc[VSUSP] = _POSIX_VDISABLE; /* the shell would come back without an echo */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	fputs(prompt, stderr);
	read_line(secret, &mask);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &echo);
	let_signals_go(before, &mask);
}

/* Returns false, and errno, where it cannot be read. */
static bool read_all(struct secret *secret)
{
	ssize_t got = 1;

	while (got && secret->size < ROOM) {
		got = read(STDIN_FILENO, secret->data + secret->size, ROOM - secret->size);
		if (got < 0 && errno != EINTR)
			return false;
		secret->size += got > 0 ? (size_t)got : 0;
	}
	return true;
}

static int check_secret(const struct secret *secret)
{
	if (!secret->size)
		tn_complain("standard input is empty: write the secret there");
	else if (secret->size > TN_SECRET_MAX)
		tn_complain("standard input has more than %zu bytes: use a shorter secret",
		            TN_SECRET_MAX);
	return secret->size && secret->size <= TN_SECRET_MAX ? 0 : EX_DATAERR;
}

/* Of two newlines at the end both stay, since whoever reads the file drops the last one. */
static void drop_newline(struct secret *secret)
{
	const char *data = secret->data;
	size_t size = secret->size;

	if (size && data[size - 1] == '\n' && !(size > 1 && data[size - 2] == '\n'))
		secret->size--;
}

static bool make_room(struct secret *secret)
{
	void *data = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (data == MAP_FAILED)
		return false;
	secret->data = data;
	madvise(data, ROOM, MADV_DONTDUMP);
	madvise(data, ROOM, MADV_WIPEONFORK);
	secret->file = memfd_create("secret", MFD_CLOEXEC);
	return secret->file >= 0 && !fchmod(secret->file, 0600);
}

static int fail(const char *what, int code)
{
	tn_complain("%s: %s", what, strerror(errno));
	return code;
}

static int read_secret(struct secret *secret, const char *prompt)
{
	int code;

	if (!make_room(secret))
		return fail("there is no memory for the secret", EX_OSERR);
	if (isatty(STDIN_FILENO))
		read_terminal(secret, prompt);
	else if (!read_all(secret))
		return fail("standard input cannot be read", EX_IOERR);
	drop_newline(secret);
	code = check_secret(secret);
	if (code || tn_file_write(secret->file, secret->data, secret->size))
		return code;
	return fail("there is no memory for the secret", EX_OSERR);
}

static void finish_secret(struct secret *secret)
{
	if (secret->data) {
		explicit_bzero(secret->data, ROOM);
		munmap(secret->data, ROOM);
	}
	if (secret->file >= 0)
		close(secret->file);
}

/* ---- Where it goes ------------------------------------------------------------------------- */

static int refuse(const struct target *target, int code, const char *reason)
{
	tn_complain("%s: %s", target->name, reason);
	return code;
}

static int refuse_access(const struct target *target)
{
	tn_complain("%s: it cannot be opened: %s: run as its owner, or name another in the "
	            "configuration",
	            target->name, strerror(errno));
	return EX_NOPERM;
}

/* The file that the section's own entry names; NULL where it names none. */
static const char *named_file(const struct tn_entry *entry)
{
	const char *prefix = "file:";
	size_t size = strlen(prefix);

	if (!entry || strncmp(entry->value, prefix, size) != 0 || !entry->value[size])
		return NULL;
	return entry->value + size;
}

/* Says in the section where the secret is to be, if it does not yet. */
static int name_file(struct target *target, struct tn_change *change)
{
	const struct tn_entry *entry = tn_section_find(change->section, target->key);
	const char *named = named_file(entry);
	char *value = NULL;
	int code = 0;

	if (named) {
		target->name = tn_config_resolve(entry->place, named);
		target->line = entry->place.line;
	} else if (asprintf(&value, "file:%s.%s.secret", change->section->name,
	                    tn_key_field(target->key, "secret")) >= 0) {
		code = tn_change_set(change, target->key, value);
		target->name = tn_config_resolve(change->section->place, value + strlen("file:"));
		target->line = change->edited.line;
		free(value);
	}
	if (code || target->name)
		return code;
	tn_complain("out of memory");
	return EX_OSERR;
}

/* A symbolic link stays: it is the file behind it that is replaced. */
static int find_path(struct target *target)
{
	struct stat status;

	target->path = realpath(target->name, NULL);
	if (!target->path && errno == ENOENT && !lstat(target->name, &status))
		return refuse(target, EX_CONFIG,
		              "it is a symbolic link to a file that is not there: make that file, "
		              "or remove the link");
	if (!target->path && errno == ENOENT)
		target->path = strdup(target->name);
	return target->path ? 0 : refuse_access(target);
}

static int open_old(struct target *target)
{
	struct stat status;

	target->old = open(target->path, FILE_FLAGS);
	if (target->old < 0 && errno == ENOENT)
		return 0;
	if (target->old < 0 || fstat(target->old, &status))
		return refuse_access(target);
	if (S_ISREG(status.st_mode))
		return 0;
	return refuse(target, EX_CONFIG,
	              "it is not a regular file: name another in the configuration");
}

static bool is_of_configuration(const struct tn_config *config, const struct stat *status)
{
	const struct tn_file file = { .status = *status };
	bool found = false;

	for (size_t i = 0; i < config->file_count; i++)
		found = found || tn_file_same(&config->files[i], &file);
	return found;
}

static bool is_module(const struct tn_plan *plan, const struct stat *status)
{
	const struct tn_file file = { .status = *status };
	struct tn_file module;
	bool found = false;

	for (size_t i = 0; i < plan->count && !found; i++)
		found = plan->workers[i].module_path &&
		        !stat(plan->workers[i].module_path, &module.status) &&
		        tn_file_same(&module, &file);
	return found;
}

/* What is there and is no secret of this section stays as it is. */
static int check_old(const struct target *target, const struct tn_change *change)
{
	struct stat status;

	if (fstat(target->old, &status))
		return refuse_access(target);
	if (is_of_configuration(change->config, &status))
		return refuse(target, EX_CONFIG,
		              "it is a file of the configuration itself: name another for the "
		              "secret");
	if (is_module(change->plan, &status))
		return refuse(target, EX_CONFIG,
		              "it is the module of a Worker: name another for the secret");
	if (!change->edited.text)
		return 0;
	tn_complain("%s: it is there already, and %s does not name it: write '%s = file:...' there "
	            "(tenon set), or remove the file",
	            target->name, change->file->path, target->key);
	return EX_CONFIG;
}

/* Whether the configuration would read the file, which has been made and is empty. */
static int check_included(const struct target *target, const struct tn_change *change,
                          const struct stat *status)
{
	struct tn_errors ignored = { 0 };
	struct tn_config *config = NULL;
	int code = tn_input_read(change->path, NULL, &config, &ignored);

	if (!code && is_of_configuration(config, status))
		code = refuse(target, EX_CONFIG,
		              "an `include` of the configuration would read it: name a file "
		              "elsewhere for the secret, or include *.ini only");
	tn_config_destroy(config);
	tn_errors_finish(&ignored);
	return code;
}

/* Where none can be made, that is told by those that write it. */
static int try_empty(const struct target *target, const struct tn_change *change)
{
	sigset_t before = tn_replace_hold_signals();
	int file = open(target->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat status;
	int code = 0;

	if (file >= 0) {
		code = fstat(file, &status) ? refuse_access(target)
		                            : check_included(target, change, &status);
		unlink(target->path);
		close(file);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

static int find_target(struct target *target, struct tn_change *change, const char *name)
{
	int code;

	*target = (struct target){ .old = -1 };
	snprintf(target->key, sizeof(target->key), "secret.%s", name);
	code = name_file(target, change);
	if (!code)
		code = find_path(target);
	if (!code)
		code = open_old(target);
	if (code)
		return code;
	return target->old < 0 ? try_empty(target, change) : check_old(target, change);
}

static void finish_target(struct target *target)
{
	if (target->old >= 0)
		close(target->old);
	free(target->path);
	free(target->name);
	*target = (struct target){ .old = -1 };
}

/* ---- Writing ------------------------------------------------------------------------------- */

static int replace_target(const struct target *target, const struct tn_change *change,
                          const struct secret *secret)
{
	const struct tn_like old = { target->old, 0770 };
	const struct tn_like configuration = { change->replacement.lock, 0600 };
	bool is_new = target->old < 0;
	struct tn_successor successor;
	char reason[TN_REASON_SIZE];
	int code = tn_successor_write(&successor, target->path, is_new ? &configuration : &old,
	                              secret->data, secret->size, reason);

	if (!code)
		code = is_new ? tn_successor_place(&successor, reason)
		              : tn_successor_rename(&successor, reason);
	tn_successor_finish(&successor);
	return code ? refuse(target, code, reason) : 0;
}

/* First the secret, so that at no moment the configuration names what is not there. A file that the
 * configuration did not name is a new one. */
static int replace_both(const struct target *target, struct tn_change *change,
                        const struct secret *secret)
{
	int code = replace_target(target, change, secret);

	if (code || !change->edited.text)
		return code;
	code = tn_change_commit(change);
	if (code && unlink(target->path))
		refuse(target, 0, "it was made, and cannot be removed");
	return code;
}

static void say_what_was_done(const struct target *target, const struct secret *secret)
{
	struct stat status = { 0 };

	stat(target->path, &status);
	tn_complain("%s: written, %zu byte%s, mode %04o: the host takes it at its next start or "
	            "reload",
	            target->name, secret->size, secret->size == 1 ? "" : "s",
	            (unsigned)(status.st_mode & 07777));
}

static int write_secret(const struct target *target, struct tn_change *change,
                        const struct secret *secret)
{
	sigset_t before = tn_replace_hold_signals();
	int code = replace_both(target, change, secret);

	sigprocmask(SIG_SETMASK, &before, NULL);
	if (code)
		return code;
	if (change->edited.text)
		code = tn_change_print(change);
	say_what_was_done(target, secret);
	return code;
}

/* Tries the configuration with that line naming the file that has no name. */
static int try(const struct target *target, const struct tn_change *change,
               const struct secret *secret)
{
	const struct tn_edited *edited = &change->edited;
	const char *text = edited->text ? edited->text : change->file->text;
	size_t size = edited->text ? edited->size : change->file->size;
	struct tn_edited without, with = { 0 };
	char value[64];
	const char *problem;
	int code = EX_OSERR;

	snprintf(value, sizeof(value), "file:/proc/self/fd/%d", secret->file);
	problem = tn_edit_remove(text, size, target->line, &without);
	if (!problem)
		problem = tn_edit_insert(without.text, without.size, target->line - 1, target->key,
		                         value, &with);
	if (problem)
		tn_complain("%s:%u: %s: %s", change->file->path, target->line, target->key,
		            problem);
	else
		code = tn_change_try(change, with.text, with.size, target->line);
	free(without.text);
	free(with.text);
	return code;
}

static int give(const struct target *target, struct tn_change *change, const struct secret *secret)
{
	int code = try(target, change, secret);

	return code ? code : write_secret(target, change, secret);
}
