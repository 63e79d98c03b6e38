#include "command/command.h"
#include "command/input.h"
#include "deploy/nearest.h"
#include "supervise/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const struct tn_command commands[] = {
	{ "run", tn_command_run, "[--environment NAME] [--single] FILE", 1, 1,
	  "        serve what the configuration says\n" },
	{ "status", tn_command_status, "[--environment NAME] [--json] FILE", 1, 1,
	  "        what the host that runs serves, and with which processes\n" },
	{ "reload", tn_command_reload, "[--environment NAME] [--only WORKER]... FILE", 1, 1,
	  "        have the host that runs read the configuration anew; waits until it serves;\n"
	  "        --only takes the section and the module of that Worker, and no others\n" },
	{ "release", tn_command_release, "[--environment NAME] FILE WORKER", 2, 2,
	  "        have the host that runs call a Worker again that crashed too often\n" },
	{ "stop", tn_command_stop, "[--environment NAME] FILE", 1, 1,
	  "        have the host answer what it has accepted, and end; waits for that\n" },
	{ "check", tn_command_check, "[--environment NAME] [--start] [--timeout 10s] FILE", 1, 1,
	  "        load everything, serve nothing, tell all errors; --start runs the start\n"
	  "        and stop hooks, too; --timeout is for each module and hook\n" },
	{ "call", tn_command_call,
	  "[--environment NAME] [-X METHOD] [-H HEADER]... [-d DATA] [--json] [--trace] FILE "
	  "WORKER [URL]",
	  2, 3,
	  "        call one Worker, a private one, too, without a network, and print what it\n"
	  "        answers; -d @FILE sends a file; --trace tells who called whom\n" },
	{ "show", tn_command_show, "[--environment NAME] [--json] FILE [WORKER]", 1, 2,
	  "        every key of a Worker, with what it inherits, and where it stands\n" },
	{ "bound", tn_command_bound, "[--environment NAME] [--json] [--all] FILE [WORKER]", 1, 2,
	  "        who binds a Worker, what it binds, which routes reach it\n" },
	{ "graph", tn_command_graph, "[--environment NAME] [--dot | --json] FILE", 1, 1,
	  "        routes, Workers and bindings as a tree, or for graphviz\n" },
	{ "diff", tn_command_diff, "[--environment NAME] [--json] OLD NEW", 2, 2,
	  "        what a change of configuration does, and whom it affects\n" },
	{ "set", tn_command_set, "FILE WORKER KEY VALUE", 4, 4,
	  "        set one key of a Worker in the file, if the result is valid\n" },
	{ "unset", tn_command_unset, "FILE WORKER KEY", 3, 3,
	  "        remove a key of a Worker, or what it inherits, from the file\n" },
	{ "secret", tn_command_secret, "FILE WORKER NAME", 3, 3,
	  "        read a secret from standard input into a file that the Worker gets\n" },
	{ "new", tn_command_new,
	  "[--file FILE] [--route PATH | --private] [--service WORKER]... [--var NAME[=TEXT]]... "
	  "[--secret NAME]... WORKER",
	  1, 1,
	  "        make a Worker, its test, its section and what else is missing in this folder;\n"
	  "        --service binds a Worker, which is made, too, where there is none\n" },
	{ "dev", tn_command_dev, "[--environment NAME] [--build COMMAND] [FILE]", 0, 1,
	  "        build with make and serve, and do so again whenever something changes\n" },
};
#define HINT_SIZE 64
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *to)
{
	fputs("usage: tenon COMMAND ...\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  tenon %s %s\n%s", commands[i].name, commands[i].usage,
		        commands[i].help);
	fputs("  tenon --help | --version\n", to);
}

static int run(const struct tn_command *command, int count, char **words)
{
	struct tn_arguments arguments;
	int code = tn_arguments_read(command, count, words, &arguments);

	if (!code)
		code = command->run(&arguments);
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	tn_complain("standard output cannot be written: %s", strerror(errno));
	return code ? code : EX_IOERR;
}

static void complain_of_command(const char *name)
{
	struct tn_nearest nearest = { .wanted = name };
	char hint[HINT_SIZE];

	for (size_t i = 0; i < COMMANDS; i++)
		tn_nearest_try(&nearest, commands[i].name);
	tn_complain("there is no command '%s'%s", name,
	            tn_nearest_hint(&nearest, hint, sizeof(hint)));
}

/* Or the first socket would become standard error, and the log be written to it. */
static void open_standard_files(void)
{
	int file;

	do
		file = open("/dev/null", O_RDWR);
	while (file >= 0 && file <= STDERR_FILENO);
	if (file >= 0)
		close(file);
}

int main(int count, char **arguments)
{
	const char *name = count > 1 ? arguments[1] : "";

	if (strcmp(name, "host") == 0) /* of the supervisor's, not of a user's */
		return tn_process_run(count - 2, arguments + 2);
	open_standard_files();
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, and no end */
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(name, commands[i].name) == 0)
			return run(&commands[i], count - 1, arguments + 1);
	}
	if (strcmp(name, "--version") == 0) {
		printf("tenon %s, ABI %d.%d\n", TN_VERSION, TN_ABI_MAJOR, TN_ABI_MINOR);
		return 0;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0) {
		print_usage(stdout);
		return 0;
	}
	if (*name)
		complain_of_command(name);
	print_usage(stderr);
	return EX_USAGE;
}
