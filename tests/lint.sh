#!/bin/sh
#
# lint.sh - checks the sources without running them, each check one line and, where it fails, all
# that it has to say. The last line is "N passed, N failed"; the exit status is 1 where one failed.
#
#	lint.sh            all checks
#	lint.sh tidy ...   the named ones
#
# `make lint` runs it, and has the packages and compile_commands.json made before.

set -u

sources=$(find framework include plugins tests etc -name '*.[ch]' | sort)
layers='message deploy serve supervise command'

# ---- The checks ------------------------------------------------------------------------------

# All objects with the warnings as errors, optimised, because some warnings need that.
compile()
{
	${MAKE:-make} --no-print-directory -s -k SANITIZE= BUILD="build/lint-$1" CC="$1" \
		CFLAGS='-O2 -g -Werror' objects
}

gcc() { compile gcc; }
clang() { compile clang; }

# What a Worker includes, on its own and as a Worker does, in each C that it promises.
header()
{
	for compiler in gcc clang; do
		for standard in gnu11 gnu17 gnu2x; do
			for file in include/tenon.h include/tenon/test.h plugins/*.c etc/worker/*.c; do
				echo "#include \"$file\"" | command $compiler -std=$standard -Wall \
					-Wextra -Wpedantic -Werror -I. -Iinclude -fsyntax-only \
					-x c - || return
			done
		done
	done
}

format()
{
	clang-format --dry-run -Werror $sources
	status=$?
	columns && return $status
}

columns()
{
	! for file in $sources; do
		expand -t 8 "$file" |
			awk -v file="$file" 'length > 100 { print file ":" NR ": " length " columns" }'
	done | grep .
}

# One file for each process: with several, clang-tidy 14 takes a va_list for uninitialised.
tidy()
{
	find framework plugins tests -name '*.c' -print0 |
		xargs -0 -n 1 -P "$(nproc)" clang-tidy -p . --quiet 2>/dev/null
}

# returnDanglingLifetime: it takes what a function pointer returns for its argument.
cppcheck()
{
	command cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability \
		--inline-suppr --suppress=returnDanglingLifetime:framework/deploy/secret_source.c \
		--std=c11 -D_GNU_SOURCE -D__x86_64__ -Iinclude -Iframework -j "$(nproc)" \
		framework plugins etc/worker
}

# MANPATH, because the pages refer to one another.
manuals()
{
	for page in framework/*/*.[1-8]; do
		mkdir -p "build/lint-man/man${page##*.}" &&
			cp "$page" "build/lint-man/man${page##*.}/" || return
	done
	MANPATH=$PWD/build/lint-man mandoc -Tlint -Wstyle framework/*/*.[1-8]
}

# Where there is systemd-analyze, and for the exposure one that needs no service manager (250). The
# units name a program that is to be there. What it says of the machine's own units is no concern.
EXPOSURE=17 # in tenths, at most

units()
{
	command -v systemd-analyze >/dev/null || return 0
	directory=$PWD/build/lint-units
	mkdir -p "$directory/bin" && ln -sf /bin/true "$directory/bin/tenon" || return
	sed "s|@PREFIX@|$directory|" etc/systemd/tenon.service.in >"$directory/tenon.service" &&
		cp etc/systemd/tenon.socket "$directory/" || return
	(cd "$directory" && systemd-analyze verify --man=no ./tenon.service ./tenon.socket) \
		>"$directory/said" 2>&1
	! grep tenon "$directory/said" || return
	systemd-analyze --help | grep -q -e --offline || return 0
	systemd-analyze security --no-pager --offline=true --threshold=$EXPOSURE \
		"$directory/tenon.service"
}

scripts()
{
	for file in etc/*.sh tests/*.sh tests/*/*.sh; do
		dash -n "$file" || return
	done
	bash -n .ci/run && bash -n etc/tenon.bash-completion
}

# A layer includes those before it, and its own; observe is open to all. What is a program of its
# own, backtrace, is included by nobody and knows nothing but the form of its input.
layers()
{
	allowed=observe
	for layer in $layers; do
		allowed="$allowed|$layer"
		! grep -nE '#include "[a-z_]+/' framework/$layer/*.[ch] |
			grep -vE "\"($allowed)/" || return
	done
	! grep -nE '#include "[a-z_]+/' framework/observe/*.[ch] | grep -vE '"(observe|message)/' ||
		return
	! grep -nE '#include "[a-z_]+/' framework/kit/*.[ch] |
		grep -vE '"(kit|deploy|message|tenon)/' || return
	! grep -nE '#include "[a-z_]+/' framework/backtrace/*.[ch] |
		grep -vE '"(backtrace|observe)/|"supervise/frames\.h"'
}

# Each library of the host, and that of tenon-backtrace, is one file's affair.
libraries()
{
	for library in microhttpd dlfcn ini elfutils/libdwfl; do
		users=$(grep -l "#include <$library.h>" framework/*/*.[ch])
		[ "$(echo "$users" | grep -c .)" = 1 ] || {
			echo "$library.h is to be included by one file of framework/, not by:" $users
			return 1
		}
	done
}

# Functions that have no bounds, no errors or no place.
functions()
{
	! grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|sleep|usleep) *\(' $sources
}

# ---- All of them -----------------------------------------------------------------------------

output=$(mktemp)
trap 'rm -f "$output"' EXIT
trap 'exit 1' INT TERM HUP
passed=0 failed=0

check()
{
	begin=$(date +%s)
	if "$1" >"$output" 2>&1; then
		passed=$((passed + 1))
		printf 'ok    %-12s %3d s\n' "$1" $(($(date +%s) - begin))
	else
		failed=$((failed + 1))
		printf 'FAIL  %-12s %3d s\n' "$1" $(($(date +%s) - begin))
		sed 's/^/      /' "$output"
	fi
}

[ $# -gt 0 ] || set -- gcc clang header format tidy cppcheck manuals units scripts layers libraries \
	functions
for name; do
	check "$name"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
