#!/bin/sh
#
# test_dev.sh - `tenon dev` as its user has it: a project of two Workers that `tenon new` has made is
# edited, broken and mended while it serves.
#
# What a test waits for is a reply, or a line of what dev says; what must not happen has not happened
# when something later has.

set -u

: "${BUILD:=build}" "${SANITIZE:=}"

# What the outer make has said is not for the makes below; BUILD and SANITIZE are.
unset MAKEFLAGS MAKELEVEL MFLAGS PKG_CONFIG_PATH PKG_CONFIG_LIBDIR

scratch=$(mktemp -d)
prefix=/opt/tenon
root=$scratch/stage$prefix
dev=
trap 'stop_dev KILL >/dev/null 2>&1; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

make -s --no-print-directory BUILD="$BUILD" SANITIZE="$SANITIZE" PREFIX=$prefix \
	DESTDIR="$scratch/stage" install >"$scratch/output" 2>&1 || {
	cat "$scratch/output"
	exit 1
}
export PKG_CONFIG_PATH="$root/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$scratch/stage"
export PATH="$root/bin:$PATH" LD_LIBRARY_PATH="$root/lib"

# ---- What the tests share --------------------------------------------------------------------

said=$scratch/said

# Complains where the two differ.
same()
{
	[ "$1" = "$2" ] && return
	printf 'is:\n%s\nshould be:\n%s\n' "$1" "$2"
	return 1
}

# Repeats a command until it succeeds.
until_it()
{
	for _ in $(seq 600); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	echo "not within a minute: $*"
	cat "$said"
	return 1
}

replies()
{
	[ "$(curl -s --noproxy '*' "$url$1")" = "$2" ]
}

says()
{
	grep -qF -e "$1" "$said"
}

says_times()
{
	[ "$(grep -cF -e "$2" "$said")" -ge "$1" ]
}

# How often that was said until now.
count()
{
	grep -cF -e "$1" "$said"
}

# Only the host is left of its children: no build and no reload.
is_idle()
{
	[ "$(wc -w <"/proc/$dev/task/$dev/children")" -eq 1 ]
}

# A project of that name with two Workers, and `tenon dev` in it. All further words are dev's.
start_dev()
{
	mkdir -p "$scratch/$1" && cd "$scratch/$1" && shift || return
	tenon new hello && tenon new other && sed -i 's/:8080/:0/' tenon.ini &&
		sed -i "s/^CFLAGS .*/CFLAGS = -O0 ${SANITIZE:+-fsanitize=$SANITIZE}/" Makefile ||
		return
	run_dev "$@"
}

run_dev()
{
	: >"$said"
	tenon dev "$@" >>"$said" 2>&1 &
	dev=$!
	until_it says 'listening on' || return
	url=$(sed -n 's|.*listening on \(http://.*\)|\1|p' "$said")
}

# With that signal.
stop_dev()
{
	[ -n "$dev" ] || return 0
	kill -s "$1" "$dev"
	wait "$dev"
	code=$? dev=
	return $code
}

# A file is replaced by another, as many editors do.
replace()
{
	sed "$2" "$1" >"$1.new" && mv "$1.new" "$1"
}

# ---- The tests, each on what the one before has left -----------------------------------------

it_builds_and_serves()
{
	start_dev project && until_it replies / 'Hello from hello' && same "$(count building:)" 1
}

a_change_of_a_source_is_served()
{
	sed -i 's/Hello from/Greetings from/' hello.c && until_it replies / 'Greetings from hello' &&
		replies /other 'Hello from other'
}

a_replaced_source_is_a_change()
{
	replace other.c 's/Hello from/Also from/' && until_it replies /other 'Also from other'
}

what_does_not_compile_is_shown_and_the_last_good_version_goes_on()
{
	sed -i 's/return/retrun/' other.c && until_it says "retrun" &&
		until_it says 'the build has failed (exit code 2): what served before goes on' &&
		replies / 'Greetings from hello' && replies /other 'Also from other'
}

# make comes to it first, and builds it.
what_is_good_beside_it_is_not_served_alone()
{
	failures=$(count 'the build has failed') loads=$(count 'serves with')
	sed -i 's/Greetings from/Welcome from/' hello.c &&
		until_it says_times $((failures + 1)) 'the build has failed' &&
		grep -q 'Welcome from' build/hello.so && echo '; later' >>tenon.ini &&
		until_it says_times $((failures + 2)) 'the build has failed' &&
		replies / 'Greetings from hello' && same "$(count 'serves with')" "$loads"
}

mended_it_is_served()
{
	sed -i 's/retrun/return/; s/Also from/New from/' other.c &&
		until_it replies / 'Welcome from hello' && until_it replies /other 'New from other'
}

what_is_touched_or_written_anew_is_no_change()
{
	builds=$(count building:) loads=$(count 'serves with')
	touch hello.c tenon.ini && cp other.c copy && mv copy other.c && echo x >notes.txt &&
		cp tenon.ini copy && mv copy tenon.ini && echo '; later' >>tenon.ini &&
		until_it says_times $((loads + 1)) 'serves with' || return
	same "$(count building:)" "$builds" && same "$(count 'serves with')" $((loads + 1))
}

a_build_that_changes_no_module_is_not_loaded()
{
	builds=$(count building:) loads=$(count 'serves with')
	echo '/* later */' >>test_hello.c && until_it says_times $((builds + 1)) building: &&
		until_it make -q all && until_it is_idle &&
		sed -i 's/New from/Once more from/' other.c &&
		until_it replies /other 'Once more from other' &&
		same "$(count 'serves with')" $((loads + 1)) &&
		sed -i 's/Once more from/New from/' other.c && until_it replies /other 'New from other'
}

a_configuration_that_is_replaced_is_loaded()
{
	builds=$(count building:)
	replace tenon.ini 's|/other|/another|' && until_it replies /another 'New from other' &&
		same "$(count building:)" "$builds"
}

one_that_is_wrong_is_told_and_the_last_good_one_goes_on()
{
	cp tenon.ini good && replace tenon.ini 's|/another|another|' &&
		until_it says 'the reload has failed (exit code 78): what served before goes on' &&
		says 'tenon.ini:' && replies /another 'New from other' || return
	loads=$(count 'serves with')
	sed 's|/another|/third|' good >tenon.ini && until_it replies /third 'New from other'
}

a_new_worker_is_built_and_served()
{
	tenon new fourth && until_it replies /fourth 'Hello from fourth'
}

a_header_in_a_new_folder_is_a_source()
{
	mkdir -p inner/most && echo '#define TEXT "from inside"' >inner/most/text.h &&
		sed -i 's|"Hello from fourth.n"|TEXT|; s|<tenon.h>|<tenon.h>\n#include "inner/most/text.h"|' \
			fourth.c && until_it replies /fourth 'from inside' &&
		echo '#define TEXT "from further inside"' >inner/most/text.h &&
		until_it replies /fourth 'from further inside'
}

a_module_that_another_has_built_is_loaded()
{
	builds=$(count building:)
	sed 's/Welcome/Built/' hello.c >elsewhere.txt &&
		gcc -x c ${SANITIZE:+-fsanitize=$SANITIZE} $(pkg-config --cflags tenon) -shared \
			-o build/new elsewhere.txt $(pkg-config --libs tenon) &&
		mv build/new build/hello.so && until_it replies / 'Built from hello' &&
		same "$(count building:)" "$builds"
}

at_the_end_nothing_is_left()
{
	host=$(cat "/proc/$dev/task/$dev/children")
	stop_dev INT && for process in $host; do
		! kill -0 "$process" 2>/dev/null || return
	done
	[ ! -e tenon.ini.control ]
}

# Nobody has to start it anew.
one_that_could_not_be_built_at_first_is_served_when_it_can()
{
	sed -i 's/return/retrun/' hello.c && : >"$said" || return
	tenon dev >>"$said" 2>&1 &
	dev=$!
	until_it says 'the build has failed (exit code 2): nothing is served yet' &&
		sed -i 's/retrun/return/' hello.c && until_it says 'listening on' && stop_dev TERM
}

one_that_could_not_be_loaded_at_first_is_served_when_it_can()
{
	cp tenon.ini good && echo 'nonsense' >>tenon.ini && : >"$said" || return
	tenon dev tenon.ini >>"$said" 2>&1 &
	dev=$!
	until_it says 'the host has ended (exit code 78): it is started again when' &&
		cp good tenon.ini && until_it says 'listening on' && stop_dev TERM
}

another_command_can_build()
{
	run_dev --build 'echo built by hand >>by-hand; make' && grep -q 'built by hand' by-hand &&
		stop_dev INT
}

# As one does that writes the time of the build into a header: it would be built for ever.
a_build_that_changes_a_source_each_time_is_told_and_served()
{
	run_dev --build 'date +%s%N >stamp.h; make' && says 'a source has changed during each build' ||
		return
	builds=$(count building:)
	sed -i 's/Welcome from/Newest from/' hello.c && until_it replies / 'Newest from hello' &&
		same "$(count building:)" $((builds + 1)) && stop_dev INT || return
	rm stamp.h && sed -i 's/Newest from/Welcome from/' hello.c
}

a_configuration_below_the_makefile_is_one_of_the_project()
{
	mkdir etc && sed 's|^modules .*|modules = ../build|' tenon.ini >etc/tenon.ini &&
		run_dev etc/tenon.ini && sed -i 's/Welcome/From etc, welcome/' hello.c &&
		until_it replies / 'From etc, welcome from hello' && stop_dev INT
}

killed_it_takes_all_with_it()
{
	run_dev && host=$(cat "/proc/$dev/task/$dev/children") && [ -n "$host" ] || return
	stop_dev KILL
	for process in $host; do
		until_it not_there "$process" || return
	done
}

not_there()
{
	! kill -0 "$1" 2>/dev/null
}

what_is_not_there_is_named()
{
	mkdir -p "$scratch/nothing" && cd "$scratch/nothing" || return
	tenon dev >"$said" 2>&1
	same $? 66 && says 'tenon.ini: No such file or directory: make a project with `tenon new`'
}

# ---- All of them -----------------------------------------------------------------------------

passed=0 failed=0
for test in it_builds_and_serves a_change_of_a_source_is_served a_replaced_source_is_a_change \
	what_does_not_compile_is_shown_and_the_last_good_version_goes_on \
	what_is_good_beside_it_is_not_served_alone mended_it_is_served \
	what_is_touched_or_written_anew_is_no_change a_build_that_changes_no_module_is_not_loaded \
	a_configuration_that_is_replaced_is_loaded \
	one_that_is_wrong_is_told_and_the_last_good_one_goes_on a_new_worker_is_built_and_served \
	a_header_in_a_new_folder_is_a_source a_module_that_another_has_built_is_loaded \
	at_the_end_nothing_is_left one_that_could_not_be_built_at_first_is_served_when_it_can \
	one_that_could_not_be_loaded_at_first_is_served_when_it_can another_command_can_build \
	a_build_that_changes_a_source_each_time_is_told_and_served \
	a_configuration_below_the_makefile_is_one_of_the_project killed_it_takes_all_with_it \
	what_is_not_there_is_named; do
	if $test >"$scratch/output" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$0: $test:"
		cat "$scratch/output"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
