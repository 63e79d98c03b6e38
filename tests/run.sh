#!/bin/sh
#
# run.sh PROGRAM... - runs the test programs, each under a time limit and twice as many at once as
# there are cores, since most of their time they wait. It prints one line for each, the whole output
# of those that fail, and last the sum: "N passed, N failed". The exit status is 1 where anything
# failed.
#
# A program prints "N passed, N failed" itself; one that crashes, hangs, exits with another status
# than 0, or prints no such line or one of no tests at all, is one more failure. What it says in a
# line "skipped: WHY" is printed, too.
#
#	LIMIT    seconds that one program may take (300)
#	JOBS     programs at once (twice the number of cores)
#	WRAPPER  a command to put before each program, such as "valgrind -q"

set -u

: "${LIMIT:=300}" "${JOBS:=$(($(nproc) * 2))}" "${WRAPPER:=}"

# ---- One program -----------------------------------------------------------------------------

milliseconds()
{
	echo $(($(date +%s%N) / 1000000))
}

# The status that timeout(1) gave, in words; nothing for 0.
describe()
{
	case $1 in
	0) ;;
	124 | 137) echo "killed after $LIMIT s" ;;
	126 | 127) echo "cannot be run" ;;
	*) if [ "$1" -gt 128 ]; then
		echo "crashed (SIG$(kill -l $(($1 - 128))))"
	else
		echo "exit status $1"
	fi ;;
	esac
}

judge()
{
	result=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$output" | tail -n 1)
	passed=${result%% *}
	failed=${result#*, } failed=${failed%% *}
	problem=
	[ "${failed:-0}" -gt 0 ] || problem=$(describe "$1")
	case $result in
	'') passed=0 failed=0 problem=${problem:-"no result"} ;;
	'0 passed, 0 failed') problem=${problem:-"no tests"} ;;
	esac
	[ -z "$problem" ] || failed=$((failed + 1))
}

report()
{
	mark=ok
	[ "$failed" -eq 0 ] || mark=FAIL
	printf '%-4s  %-40s %4d passed, %d failed  %3d.%d s%s\n' $mark "$name" "$passed" "$failed" \
		$(($1 / 1000)) $(($1 % 1000 / 100)) "${problem:+  $problem}"
	[ $mark = FAIL ] || sed -n 's/^skipped: /      &/p' "$output" | sort -u
	[ $mark = ok ] || sed 's/^/      /' "$output"
}

# timeout(1) gives the program a process group of its own, which ends with it.
run_one()
{
	name=${1#"${BUILD:-build}"/tests/}
	output=$(mktemp "$DIRECTORY/XXXXXX")
	begin=$(milliseconds)
	timeout -k 5 "$LIMIT" $WRAPPER "$1" </dev/null >"$output" 2>&1 &
	trap 'kill -s TERM -- -$! 2>/dev/null; exit 1' INT TERM HUP
	wait $! 2>/dev/null
	judge $?
	kill -s KILL -- -$! 2>/dev/null
	report $(($(milliseconds) - begin)) >"$output.report"
	flock "$DIRECTORY" cat "$output.report"
	echo "$passed $failed" >"$output.count"
}

if [ "${1:-}" = --one ]; then
	run_one "$2"
	exit
fi

# ---- All of them -----------------------------------------------------------------------------

DIRECTORY=$(mktemp -d)
export DIRECTORY LIMIT
trap 'rm -rf "$DIRECTORY"' EXIT
trap 'exit 1' INT TERM HUP

# Defaults, which the environment overrides; they matter to `make test SANITIZE=...` only.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1 allocator_may_return_null=1}"

[ $# -gt 0 ] && printf '%s\n' "$@" | xargs -P "$JOBS" -n 1 "$0" --one

passed=0 failed=0 reported=0
for count in "$DIRECTORY"/*.count; do
	[ -e "$count" ] || continue
	read -r more_passed more_failed <"$count"
	passed=$((passed + more_passed)) failed=$((failed + more_failed)) reported=$((reported + 1))
done
failed=$((failed + $# - reported))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
