#!/bin/sh
#
# test_install.sh - installs below a temporary directory, builds etc/worker/ with what is there, as
# somebody would who has never seen this tree, and uninstalls it again.

set -u

: "${BUILD:=build}" "${SANITIZE:=}"

# What the outer make has said is not for the makes below; BUILD and SANITIZE are.
unset MAKEFLAGS MAKELEVEL MFLAGS PKG_CONFIG_PATH PKG_CONFIG_LIBDIR

top=$PWD
scratch=$(mktemp -d)
prefix=/opt/tenon
root=$scratch/stage$prefix
host=
trap 'rm -rf "$scratch"; [ -z "$host" ] || kill -s KILL "$host" 2>/dev/null' EXIT
trap 'exit 1' INT TERM HUP

export PKG_CONFIG_PATH="$root/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$scratch/stage"

tree()
{
	make -s --no-print-directory -C "$top" BUILD="$BUILD" SANITIZE="$SANITIZE" PREFIX=$prefix \
		DESTDIR="$scratch/stage" "$@"
}

# The example, in a directory of its own. A sanitizer's library must also be in the test program.
worker()
{
	make -s --no-print-directory -C "$scratch/worker" \
		CFLAGS="-O1 -Wall -Wextra -Werror ${SANITIZE:+-fsanitize=$SANITIZE}" "$@"
}

installed()
{
	(cd "$scratch/stage" && find . -type f -o -type l) | LC_ALL=C sort
}

exports()
{
	nm -D --defined-only "$1" | awk '{ print $3 }' | LC_ALL=C sort | tr '\n' ' '
}

# Complains where the two differ.
same()
{
	[ "$1" = "$2" ] && return
	printf 'is:\n%s\nshould be:\n%s\n' "$1" "$2"
	return 1
}

# What the header has for a Worker to call; the order is that of the paths.
functions()
{
	grep -v '^ *\*' include/tenon.h | tr '\n' ' ' |
		grep -oE '(TN_EXPORT|static inline) [a-z0-9_ ]*[ *]tn_[a-z_]+\(' |
		sed 's/.*[ *]//; s/($//' | grep -v '^tn_worker_' | LC_ALL=C sort
}

# ---- The tests, in this order ----------------------------------------------------------------

installs_these_files_and_no_other()
{
	tree install && same "$(installed)" "$(printf ".$prefix/%s\n" \
		bin/tenon \
		include/tenon.h \
		include/tenon/test.h \
		lib/libtenon-test.a \
		lib/libtenon.so \
		lib/libtenon.so.1 \
		lib/libtenon.so.1.0 \
		lib/pkgconfig/tenon-test.pc \
		lib/pkgconfig/tenon.pc \
		lib/systemd/system/tenon.service \
		lib/systemd/system/tenon.socket \
		lib/tenon/tenon-backtrace \
		lib/tenon/worker.map \
		share/bash-completion/completions/tenon \
		$({ ls plugins | grep '\.c$'; ls etc/proxies; echo tenon.ini; } | LC_ALL=C sort |
			sed 's|^|share/doc/tenon/examples/|') \
		share/doc/tenon/tutorial.md \
		share/man/man1/tenon.1 \
		share/man/man3/TN_WORKER.3 \
		share/man/man3/tenon.3 \
		$(functions | sed 's|.*|share/man/man3/&.3|') \
		share/man/man5/tenon.ini.5)"
}

installs_over_itself()
{
	tree install
}

pkg_config_names_the_prefix()
{
	same "$(env -u PKG_CONFIG_SYSROOT_DIR pkg-config --variable=prefix tenon tenon-test)" \
		"$prefix $prefix"
}

the_unit_runs_what_is_installed()
{
	unit=$root/lib/systemd/system/tenon.service
	grep -qx "ExecStart=$prefix/bin/tenon run /etc/tenon/tenon.ini" "$unit" &&
		! grep '@[A-Z]*@' "$unit" "$root/share/doc/tenon/examples/tenon.ini"
}

# With the credential that the unit loads.
the_configuration_of_the_unit_is_valid()
{
	name=$(sed -n 's/^LoadCredential=\(.*\):.*/\1/p' "$root/lib/systemd/system/tenon.service")
	mkdir "$scratch/credentials" && echo secret >"$scratch/credentials/$name" &&
		sed "s|^modules .*|modules = $(realpath "$BUILD")/plugins|" \
			"$root/share/doc/tenon/examples/tenon.ini" >"$scratch/unit.ini" || return
	CREDENTIALS_DIRECTORY=$scratch/credentials "$root/bin/tenon" check "$scratch/unit.ini"
}

the_program_finds_its_library()
{
	(cd / && "$root/bin/tenon" --version) | grep -q '^tenon [0-9.]*, ABI 1\.0$' || return
	ldd "$root/bin/tenon" | grep -q "libtenon.so.1 => .*/opt/tenon/.*lib/libtenon.so.1 "
}

a_worker_is_built_without_a_warning()
{
	cp -r etc/worker "$scratch/worker" && same "$(worker 2>&1)" ''
}

a_worker_exports_what_the_host_needs()
{
	same "$(exports "$scratch/worker/hello.so")" 'fetch tn_worker '
}

a_worker_exports_nothing_else()
{
	echo '__attribute__((visibility("default"))) extern int other; int other;' |
		cat "$scratch/worker/hello.c" - >"$scratch/worker/other.c"
	worker WORKER=other && same "$(exports "$scratch/worker/other.so")" 'fetch tn_worker '
}

a_missing_function_is_found_when_linking()
{
	sed 's/tn_format(/no_such_function(/; 1i extern char *no_such_function();' \
		"$scratch/worker/hello.c" >"$scratch/worker/broken.c"
	! worker WORKER=broken CFLAGS=-w >"$scratch/log" 2>&1 &&
		grep -q 'undefined reference to .no_such_function' "$scratch/log"
}

the_test_of_a_worker_passes()
{
	LD_LIBRARY_PATH="$root/lib" TN_JUNIT="$scratch/hello.xml" worker test &&
		grep -q '<testsuite name="hello" tests="1" failures="0" errors="0"' "$scratch/hello.xml"
}

# What pkg-config gives is all that it takes, in whatever directory.
a_test_loads_the_worker_as_the_host_does()
{
	cat >"$scratch/load.c" <<'END'
#include <tenon/test.h>

static void greets(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_test_deployment *one = tn_test_load("hello.so", TN_WITH_VAR("NAME", "you"));
	struct tn_test_deployment *all = tn_test_deploy("hello.ini");

	TN_ASSERT_DEPLOYED(one);
	TN_ASSERT_BODY(tn_test_fetch(one, NULL, tn_test_request(test, "GET", "/")), "Hello, you\n");
	TN_ASSERT_DEPLOYED(all);
	TN_ASSERT_BODY(tn_test_fetch(all, "/hello", tn_test_request(test, "GET", "/")),
	               "Hello, everybody\n");
	tn_test_end(test);
	tn_test_undeploy(one);
	tn_test_undeploy(all);
}

TN_TEST_MAIN("load", TN_TEST(greets))
END
	gcc -Wall -Wextra -Werror ${SANITIZE:+-fsanitize=$SANITIZE} -o "$scratch/load" "$scratch/load.c" \
		$(pkg-config --cflags --libs tenon-test) &&
		(cd "$scratch/worker" && LD_LIBRARY_PATH="$root/lib" "$scratch/load")
}

# Without CUnit, for whoever has another runner.
a_test_without_assertions_needs_no_cunit()
{
	cat >"$scratch/plain.c" <<'END'
#include "hello.c"
#include <tenon/test.h>

int main(void)
{
	struct tn_test *test = tn_test_begin();
	struct env env = { .self = TN_TEST_SELF, .NAME = "you" };
	int status = tn_response_status(tn_fetch(&env.self, TN_TEST_REQUEST(test, "GET", "/")));

	tn_test_end(test);
	return status != 200;
}
END
	gcc -Wall -Wextra -Werror ${SANITIZE:+-fsanitize=$SANITIZE} -o "$scratch/plain" \
		"$scratch/plain.c" -I"$scratch/worker" $(pkg-config --cflags tenon-test) \
		-L"$root/lib" -ltenon-test -ltenon && LD_LIBRARY_PATH="$root/lib" "$scratch/plain"
}

the_configuration_is_checked()
{
	(PATH="$root/bin:$PATH" && worker check)
}

the_worker_answers_a_call()
{
	"$root/bin/tenon" call "$scratch/worker/hello.ini" hello /hello >"$scratch/log" &&
		same "$(tail -n 1 "$scratch/log")" 'Hello, everybody'
}

the_worker_answers()
{
	sed 's/127.0.0.1:8080$/127.0.0.1:0/' "$scratch/worker/hello.ini" >"$scratch/worker/free.ini"
	"$root/bin/tenon" run "$scratch/worker/free.ini" 2>"$scratch/log" &
	host=$!
	for _ in $(seq 300); do
		url=$(sed -n 's|.*listening on \(http://.*\)|\1|p' "$scratch/log")
		[ -z "$url" ] || break
		sleep 0.1
	done
	same "$(curl -s --noproxy '*' "$url/hello")" 'Hello, everybody' || return
	kill -s TERM "$host" && wait "$host"
	same $? 0 && host=
}

nothing_is_left_behind()
{
	tree uninstall && same "$(installed)" '' || return
	[ ! -e "$root/lib/tenon" ] && [ ! -e "$root/include/tenon" ] &&
		[ ! -e "$root/share/doc/tenon" ]
}

# ---- All of them -----------------------------------------------------------------------------

passed=0 failed=0
for test in installs_these_files_and_no_other installs_over_itself pkg_config_names_the_prefix \
	the_program_finds_its_library the_unit_runs_what_is_installed \
	the_configuration_of_the_unit_is_valid a_worker_is_built_without_a_warning \
	a_worker_exports_what_the_host_needs a_worker_exports_nothing_else \
	a_missing_function_is_found_when_linking the_test_of_a_worker_passes \
	a_test_loads_the_worker_as_the_host_does a_test_without_assertions_needs_no_cunit \
	the_configuration_is_checked the_worker_answers_a_call the_worker_answers \
	nothing_is_left_behind; do
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
