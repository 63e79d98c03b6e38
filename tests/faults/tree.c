#include "faults/tree.h"

#include "cunit.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t children_of(pid_t parent, pid_t list[TREE_MOST])
{
	char *path = NULL;
	char *text, *at;
	size_t count = 0;

	if (asprintf(&path, "/proc/%d/task/%d/children", (int)parent, (int)parent) < 0)
		give_up("memory");
	text = file_load(path);
	free(path);
	at = text;
	while (count < TREE_MOST && *at) {
		list[count++] = (pid_t)strtol(at, &at, 10);
		at += strspn(at, " \n");
	}
	free(text);
	return count;
}

static void adopt_strays(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		give_up("PR_SET_CHILD_SUBREAPER");
}

struct host *tree_spawn(const char *file, const char *const *environment)
{
	adopt_strays();
	return host_spawn(file, &(struct host_options){ .supervised = true,
	                                                .environment = environment });
}

struct host *tree_start_with(const char *file, const char *const *environment)
{
	adopt_strays();
	return host_start_with(file, &(struct host_options){ .supervised = true,
	                                                     .environment = environment });
}

struct host *tree_start(const char *file)
{
	return tree_start_with(file, NULL);
}

size_t tree_hosts(const struct host *host, pid_t list[TREE_MOST])
{
	return children_of(host->pid, list);
}

bool tree_has(const struct host *host, size_t hosts)
{
	long long end = now_ms() + deadline_ms();
	pid_t list[TREE_MOST];
	size_t count;

	while ((count = tree_hosts(host, list)) != hosts && now_ms() < end)
		nap();
	return CHECK_NUMBER(count, hosts);
}

unsigned tree_descriptors(const struct host *host)
{
	DIR *directory = opendir(text_of("/proc/%d/fd", (int)host->pid));
	unsigned count = 0;

	if (!directory)
		return 0;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2; /* "." and ".." */
}

long tree_memory(const struct host *host)
{
	const char *text = file_read(text_of("/proc/%d/status", (int)host->pid));
	const char *at = strstr(text, "RssAnon:");

	return at ? strtol(at + strlen("RssAnon:"), NULL, 10) : -1;
}

void tree_behead(struct host *host)
{
	host_signal(host, SIGKILL);
	CHECK_NUMBER(host_wait(host), -SIGKILL);
}

/* Those that have ended are waited for; those that this program watches itself are not strays. */
void tree_is_gone(void)
{
	long long end = now_ms() + deadline_ms();
	pid_t list[TREE_MOST];
	size_t count;

	while ((count = children_of(getpid(), list)) && now_ms() < end) {
		for (size_t i = 0; i < count; i++)
			waitpid(list[i], NULL, WNOHANG);
		nap();
	}
	CHECK_NUMBER(count, 0);
	for (size_t i = 0; i < count; i++) {
		kill(list[i], SIGKILL);
		waitpid(list[i], NULL, 0);
	}
}

void tree_end(struct host *host)
{
	host_end(host);
	tree_is_gone();
}

unsigned tree_rounds(const char *variable, unsigned usual)
{
	const char *text = getenv(variable);

	return text && *text ? (unsigned)strtoul(text, NULL, 10) : usual;
}
