#include "supervise/revision.h"

#include "deploy/renew.h"
#include "supervise/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int out_of_memory(char *reason)
{
	snprintf(reason, TN_REASON_SIZE, "out of memory");
	return EX_OSERR;
}

/* The first time it may be a pipe; to open one again would wait for who writes to it. */
static int check_file(const char *path, char *reason)
{
	struct stat status;

	if (stat(path, &status) || S_ISREG(status.st_mode))
		return 0; /* what is not there is told by who reads it */
	snprintf(reason, TN_REASON_SIZE, "it is no regular file, which a reload needs");
	return EX_CONFIG;
}

static int load(const struct tn_revision_options *options, struct tn_config **config,
                struct tn_errors *errors, char *reason)
{
	int code = options->running ? check_file(options->path, reason) : 0;

	return code ? code : tn_config_load(options->path, NULL, config, errors, reason);
}

/* What is wrong elsewhere in the files does not count. */
static int renew_config(struct tn_revision *revision, const struct tn_revision_options *options,
                        char *reason)
{
	struct tn_errors errors = { 0 };
	struct tn_config *disk = NULL;
	int code = load(options, &disk, &errors, reason);

	if (!code) {
		code = tn_renew_config(options->running->config, disk, &errors, options->workers,
		                       &revision->config, options->errors);
		reason[0] = '\0';
	}
	tn_config_destroy(disk);
	tn_errors_finish(&errors);
	return code;
}

static bool read_secrets(struct tn_revision *revision, const struct tn_revision_options *options)
{
	if (options->workers)
		return tn_secrets_renew(&revision->secrets, revision->plan,
		                        &options->running->secrets, options->workers,
		                        options->vault, options->errors);
	return tn_secrets_read(&revision->secrets, revision->plan, options->vault,
	                       options->errors);
}

static int read_plan(struct tn_revision *revision, const struct tn_revision_options *options,
                     char *reason)
{
	revision->plan = tn_plan_create(revision->config, options->environment, options->errors);
	if (!revision->plan || !tn_vault_take(options->vault, revision->config) ||
	    !read_secrets(revision, options))
		return out_of_memory(reason);
	reason[0] = '\0';
	tn_privileges_find(revision->plan, &revision->privileges, options->errors);
	return options->errors->errors ? EX_CONFIG : 0;
}

static int make_copies(struct tn_revision *revision, const struct tn_revision_options *options,
                       char *reason)
{
	const struct tn_stage_reader reader = tn_privileges_reader(&revision->privileges);
	const struct tn_copies *kept = options->workers ? &options->running->copies : NULL;

	return tn_copies_make(&revision->copies, revision->plan, &reader, kept, options->workers,
	                      reason);
}

static int make_bundle(struct tn_revision *revision, char *reason)
{
	revision->bundle = tn_bundle_write(revision->plan, &revision->secrets, &revision->copies);
	if (revision->bundle >= 0)
		return 0;
	snprintf(reason, TN_REASON_SIZE, "no memory can be had to hand it to the processes: %s",
	         strerror(errno));
	return EX_OSERR;
}

struct tn_revision *tn_revision_read(const struct tn_revision_options *options, int *code,
                                     char *reason)
{
	struct tn_revision *revision = calloc(1, sizeof(*revision));

	reason[0] = '\0';
	*code = revision ? 0 : out_of_memory(reason);
	if (!revision)
		return NULL;
	revision->holders = 1;
	revision->bundle = -1;
	*code = options->workers ? renew_config(revision, options, reason)
	                         : load(options, &revision->config, options->errors, reason);
	if (!*code)
		*code = read_plan(revision, options, reason);
	if (!*code)
		*code = make_copies(revision, options, reason);
	if (!*code)
		*code = make_bundle(revision, reason);
	if (!*code)
		return revision;
	tn_revision_release(revision);
	return NULL;
}

struct tn_revision *tn_revision_hold(struct tn_revision *revision)
{
	revision->holders++;
	return revision;
}

void tn_revision_release(struct tn_revision *revision)
{
	if (!revision || --revision->holders)
		return;
	if (revision->bundle >= 0)
		close(revision->bundle);
	tn_copies_finish(&revision->copies);
	tn_secrets_finish(&revision->secrets);
	tn_plan_destroy(revision->plan);
	tn_config_destroy(revision->config);
	free(revision);
}
