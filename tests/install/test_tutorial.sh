#!/bin/sh
#
# test_tutorial.sh - runs plugins/README.md with what is installed: each block that is marked sh, one
# after another in one shell and an empty folder. All have to succeed, and a block that is marked text
# is what the one before it prints to standard output.
#
# The port is another: `tenon` and `curl` are functions here that see to it. A curl is repeated until
# it gets what it is to get.

set -u

: "${BUILD:=build}" "${SANITIZE:=}"

# What the outer make has said is not for the makes below; BUILD and SANITIZE are.
unset MAKEFLAGS MAKELEVEL MFLAGS PKG_CONFIG_PATH PKG_CONFIG_LIBDIR

scratch=$(mktemp -d)
prefix=/opt/tenon
root=$scratch/stage$prefix
log=$scratch/log
host= block=
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

make -s --no-print-directory BUILD="$BUILD" SANITIZE="$SANITIZE" PREFIX=$prefix \
	DESTDIR="$scratch/stage" install >"$scratch/output" 2>&1 || {
	cat "$scratch/output"
	exit 1
}
export PKG_CONFIG_PATH="$root/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$scratch/stage"
export PATH="$root/bin:$PATH" LD_LIBRARY_PATH="$root/lib"
# A sanitizer's library must also be in the test programs.
[ -z "$SANITIZE" ] || export MAKEFLAGS="CFLAGS=-fsanitize=$SANITIZE"

# Into files: 001.sh, and 001.text where there is one.
awk -v directory="$scratch" '
	/^```sh$/ { file = sprintf("%s/%03d.sh", directory, ++count); next }
	/^```text$/ { file = sprintf("%s/%03d.text", directory, count); next }
	/^```/ { file = ""; next }
	file { print >file }
' plugins/README.md

# ---- What the commands are -------------------------------------------------------------------

tenon()
{
	if [ "$1" = dev ]; then
		exec tenon "$@" >"$log" 2>&1
	fi
	command tenon "$@" || return
	[ "$1" != new ] || sed -i 's/127.0.0.1:8080$/127.0.0.1:0/' tenon.ini
}

# The host may not listen yet.
curl()
{
	url=$(sed -n 's|.*listening on http://||p' "$log" | head -n 1)
	[ -n "$url" ] || return 0
	for word; do
		shift
		set -- "$@" "$(echo "$word" | sed "s|127.0.0.1:8080|$url|")"
	done
	command curl --noproxy '*' "$@"
}

# ---- The blocks ------------------------------------------------------------------------------

run_block()
{
	. "$block.sh" >"$block.out" 2>"$block.err"
}

is_right()
{
	[ ! -e "$block.text" ] || tr -d '\r' <"$block.out" | cmp -s - "$block.text"
}

complain()
{
	echo "$0: plugins/README.md: $1"
	cat "$block.sh"
	echo '--- it printed'
	cat "$block.out" "$block.err"
	[ ! -e "$block.text" ] || printf -- '--- and should print\n%s\n' "$(cat "$block.text")"
	[ ! -e "$log" ] || cat "$log"
}

# A command that fails ends the shell.
finish()
{
	[ -z "$host" ] || kill -s KILL "$host" 2>/dev/null
	[ -z "$block" ] || {
		complain 'it ended at this block:'
		echo "$passed passed, 1 failed"
	}
	rm -rf "$scratch"
}

passed=0 failed=0
trap finish EXIT
mkdir "$scratch/project" && cd "$scratch/project" || exit 1
for file in "$scratch"/[0-9]*.sh; do
	block=${file%.sh}
	set -e
	run_block
	set +e
	case $(cat "$file") in
	'tenon dev &') host=$! ;;
	curl*)
		for _ in $(seq 600); do
			is_right && break
			sleep 0.1
			run_block
		done
		;;
	esac
	if is_right; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		complain 'this block:'
		break
	fi
done
block=
[ "$passed" -ge 20 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
