#!/bin/sh
#
# test_new.sh - `tenon new` as its user has it: the installed program in an empty folder, and what it
# makes is built, tested, run and asked, through pkg-config.

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

make -s --no-print-directory BUILD="$BUILD" SANITIZE="$SANITIZE" PREFIX=$prefix \
	DESTDIR="$scratch/stage" install >"$scratch/output" 2>&1 || {
	cat "$scratch/output"
	exit 1
}
export PKG_CONFIG_PATH="$root/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$scratch/stage"
export PATH="$root/bin:$PATH" LD_LIBRARY_PATH="$root/lib"

# ---- What the tests share --------------------------------------------------------------------

# A folder of that name, empty.
folder()
{
	mkdir -p "$scratch/$1" && cd "$scratch/$1"
}

# With more warnings than the Makefile asks for, and all of them errors. A sanitizer's library must
# also be in the test program.
build()
{
	make -s --no-print-directory CFLAGS="-O1 -Wall -Wextra -Wshadow -Wpedantic -Werror \
		-Wmissing-prototypes ${SANITIZE:+-fsanitize=$SANITIZE}" "$@"
}

listing()
{
	find . -path ./build -prune -o -type f -print | LC_ALL=C sort
}

# Complains where the two differ.
same()
{
	[ "$1" = "$2" ] && return
	printf 'is:\n%s\nshould be:\n%s\n' "$1" "$2"
	return 1
}

# Complains where the text is not in the file.
has()
{
	grep -qF -e "$2" "$1" && return
	printf "there is no '%s' in:\n" "$2"
	cat "$1"
	return 1
}

# Runs tenon, which is to exit with that code; what it says is in $scratch/said.
exits()
{
	wanted=$1
	shift
	tenon "$@" >"$scratch/said" 2>&1
	same $? "$wanted" || {
		cat "$scratch/said"
		return 1
	}
}

# Serves tenon.ini on a free port, and sets url.
serve()
{
	sed 's/127.0.0.1:8080$/127.0.0.1:0/' tenon.ini >free.ini
	: >"$scratch/log"
	tenon run free.ini >>"$scratch/log" 2>&1 &
	host=$!
	for _ in $(seq 600); do
		url=$(sed -n 's|.*listening on \(http://.*\)|\1|p' "$scratch/log")
		[ -z "$url" ] || return 0
		sleep 0.1
	done
	cat "$scratch/log"
	return 1
}

stop()
{
	kill -s TERM "$host" && wait "$host"
	same $? 0 && host=
	rm -f free.ini
}

ask()
{
	curl -s --noproxy '*' "$url$1"
}

# ---- The tests -------------------------------------------------------------------------------

an_empty_folder_becomes_a_project()
{
	folder empty && exits 0 new hello && has "$scratch/said" 'made hello.c' || return
	has "$scratch/said" 'make test, then make run, then curl' || return
	same "$(listing)" "$(printf './%s\n' .gitignore Makefile hello.c tenon.ini test_hello.c)"
}

it_is_built_tested_and_runs_as_it_is()
{
	folder empty && build test >"$scratch/said" 2>&1 && has "$scratch/said" \
		'1 passed, 0 failed' && build check || return
	serve && same "$(ask /any)" 'Hello from hello' && stop
}

nothing_is_built_twice_and_all_is_cleaned()
{
	folder empty && build all && same "$(make all test | grep -c gcc)" 0 || return
	touch hello.c && same "$(make all test | grep -c gcc)" 2 || return
	make -s clean && same "$(find build -type f)" ''
}

bindings_that_are_not_there_get_a_worker()
{
	folder gateway && exits 0 new gateway --service auth --service application \
		--var GREETING=Hello --var OTHER --secret TOKEN || return
	build test >"$scratch/said" 2>&1 && has "$scratch/said" '2 passed, 0 failed' || return
	same "$(grep -c '^1 passed, 0 failed$' "$scratch/said")" 2 && build check || return
	serve && same "$(ask /)" 'Hello from application' && stop
}

a_secret_is_random_and_its_owners_alone()
{
	folder gateway && same "$(stat -c %a gateway.TOKEN.secret)" 600 || return
	grep -qE '^[0-9a-f]{48}$' gateway.TOKEN.secret || return
	! grep -qF "$(cat gateway.TOKEN.secret)" tenon.ini ./*.c || return
	has .gitignore '*.secret' && tenon new other --private --secret TOKEN 2>/dev/null &&
		! cmp -s other.TOKEN.secret gateway.TOKEN.secret
}

it_adds_to_a_project()
{
	folder more && tenon new hello && sed -i 's/Hello from/Greetings from/' hello.c test_hello.c &&
		echo '# mine' >>Makefile && cp tenon.ini before && cp hello.c Makefile .. || return
	exits 0 new world --service hello --var PLACE='a ; b' && has "$scratch/said" \
		'changed tenon.ini' || return
	cmp hello.c ../hello.c && cmp Makefile ../Makefile || return
	head -c "$(wc -c <before)" tenon.ini | cmp - before || return
	same "$(tail -n 5 tenon.ini)" "$(printf '\n[worker world]\n%s\n%s\n%s' \
		'route         = /world' 'service.hello = hello' 'var.PLACE     = "a ; b"')" || return
	build test check >/dev/null && serve && same "$(ask /world)" 'Greetings from hello' &&
		same "$(ask /)" 'Greetings from hello' && stop
}

a_route_can_be_given_and_a_worker_be_private()
{
	folder routes && tenon new one --route '/one*' && tenon new two --private || return
	build check && same "$(grep -c '^route' tenon.ini)" 1 || return
	serve && same "$(ask /one/2)" 'Hello from one' && stop
}

a_file_elsewhere_is_a_project_elsewhere()
{
	folder elsewhere && mkdir inner && printf '[host]\nlisten = 127.0.0.1:8080\n' >inner/x.ini &&
		exits 0 new hello --file inner/x.ini && cd inner || return
	same "$(listing)" "$(printf './%s\n' .gitignore Makefile hello.c test_hello.c x.ini)" ||
		return
	build test check >/dev/null && [ -e hello.so ] # where the configuration seeks it
}

nothing_is_overwritten()
{
	folder theirs && for file in gateway.c test_gateway.c gateway.TOKEN.secret auth.c test_auth.c; do
		rm -f ./* .gitignore && echo theirs >$file &&
			exits 73 new gateway --service auth --secret TOKEN &&
			has "$scratch/said" "tenon: $file: it is there already" &&
			same "$(listing)" "./$file" && same "$(cat $file)" theirs || return
	done
	rm -f ./* && ln -s nowhere gateway.c && exits 73 new gateway && same "$(listing)" '' || return
	rm -f ./* && tenon new gateway && rm gateway.c && exits 73 new gateway &&
		has "$scratch/said" "there is a worker 'gateway' already"
}

what_is_wrong_is_not_added_to()
{
	folder wrong && tenon new hello && cp tenon.ini before || return
	echo 'nonsense' >>tenon.ini && cp tenon.ini after && exits 78 new other &&
		has "$scratch/said" 'mend that first' && [ ! -e other.c ] && cmp tenon.ini after &&
		cp before tenon.ini && exits 78 new other --route '/*' &&
		has "$scratch/said" 'nothing was made' && [ ! -e other.c ] && cmp tenon.ini before ||
		return
	exits 64 new other --var "A=a
b" && has "$scratch/said" 'var.A: it has a line break' && cmp tenon.ini before
}

# NAME and what is said, or OPTION NAME and what is said.
names_that_cannot_be_are_refused_with_the_cure()
{
	folder names || return
	while IFS='|' read -r words message; do
		exits 64 new $words && has "$scratch/said" "$message" && same "$(listing)" '' || return
	done <<-END
		my-worker|'my-worker': it becomes a name in C, of letters, digits and '_': write 'my_worker'
		auth@staging|write 'auth_staging'
		../up|write one of letters, digits and '_' that begins with a letter
		9lives|that begins with a letter
		_x|that begins with a letter
		double|'double': it is a word that has a meaning in C
		linux|'linux': it is a word that has a meaning in C
		tn_hello|what begins with 'tn_' is of a library
		test_hello|test_NAME.c is the test of NAME
		aaaaaaaaaabbbbbbbbbbccccccccccddddddddddd|more than 40 bytes
		a --service self|--service 'self': it is a word
		a --service a-b|--service 'a-b': it becomes a name in C
		a --service a|--service 'a': a Worker that calls itself never answers
		a --var 1=2|--var '1': it becomes a name in C
		a --service b --var b=1|--var 'b': there is a field of that name already
		a --var b=1 --var b=2|--var 'b': there is a field of that name already
		a --var b --secret b|--secret 'b': there is a field of that name already
		a --secret x.y|--secret 'x.y': it becomes a name in C
		a --private --route /a|write one
		a b|usage: tenon new
		a --file no/such.ini --var|usage: tenon new
	END
	exits 64 new '' && exits 64 new && exits 66 new a --file no/such.ini &&
		has "$scratch/said" "no directory 'no/'"
}

# Names of functions and of what stands in the sources.
a_name_may_be_anything_else()
{
	folder any && exits 0 new test --service request --service response --service printf \
		--var env=1 --var index --secret log && exits 0 new answer --var fetch &&
		exits 0 new time --service exit && build all test check >/dev/null
}

# It could only guess what to add to it.
a_makefile_that_is_there_stays_and_is_told_what_to_make()
{
	folder made && echo 'all:' >GNUmakefile && exits 0 new hello || return
	same "$(listing)" "$(printf './%s\n' .gitignore GNUmakefile hello.c tenon.ini \
		test_hello.c)" && same "$(cat GNUmakefile)" all: || return
	has "$scratch/said" 'GNUmakefile was there already, and is as it was: have it make' &&
		has "$scratch/said" 'build/hello.so of hello.c' && ! grep 'next:' "$scratch/said"
}

# In the order in which it was done, also where both outputs go to one file.
what_comes_next_stands_last_and_is_true()
{
	folder last && exits 0 new hello --route '/api/*' || return
	same "$(tail -n 1 "$scratch/said")" \
		'tenon: next: make test, then make run, then curl -i http://127.0.0.1:8080/api/' ||
		return
	mkdir 'a b' && exits 0 new hello --route example.org/ --file 'a b/x.ini' || return
	same "$(tail -n 1 "$scratch/said")" 'tenon: next, in a b/: make test, then make run'
}

# Tenon's own tree is known by its folders.
in_this_tree_it_adds_to_the_plugins()
{
	folder tree && mkdir -p plugins tests/plugins etc && cp -r "$top/include" . &&
		cp "$top/etc/tenon.ini" etc/ && exits 0 new demo --secret KEY --service auth || return
	same "$(find . -newer etc/tenon.ini -o -path './include' -prune -o -name '*demo*' -print |
		grep demo | sort)" "$(printf '%s\n' ./etc/demo.KEY.secret ./plugins/demo.c \
		./tests/plugins/test_demo.c)" || return
	[ ! -e plugins/auth.c ] && [ ! -e Makefile ] && has etc/tenon.ini '[worker demo]' || return
	gcc -Wall -Wextra -Werror ${SANITIZE:+-fsanitize=$SANITIZE} -o test_demo \
		tests/plugins/test_demo.c $(pkg-config --cflags --libs tenon-test) && ./test_demo
}

# ---- All of them -----------------------------------------------------------------------------

passed=0 failed=0
for test in an_empty_folder_becomes_a_project it_is_built_tested_and_runs_as_it_is \
	nothing_is_built_twice_and_all_is_cleaned bindings_that_are_not_there_get_a_worker \
	a_secret_is_random_and_its_owners_alone it_adds_to_a_project \
	a_route_can_be_given_and_a_worker_be_private a_file_elsewhere_is_a_project_elsewhere \
	nothing_is_overwritten what_is_wrong_is_not_added_to \
	names_that_cannot_be_are_refused_with_the_cure a_name_may_be_anything_else \
	a_makefile_that_is_there_stays_and_is_told_what_to_make \
	what_comes_next_stands_last_and_is_true in_this_tree_it_adds_to_the_plugins; do
	if $test >"$scratch/output" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$0: $test:"
		cat "$scratch/output"
	fi
	cd "$top" || exit 1
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
