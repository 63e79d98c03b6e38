#!/bin/sh
#
# test_fuzz.sh [NAME...] - runs the fuzz targets, or the named ones (framing, path, ...), each over
# its corpus and then on from there. The exit status is 1 where something was found, which is then
# in build/fuzz/NAME.
#
#	FUZZ_RUNS     inputs for each target (4000)
#	FUZZ_SECONDS  instead of that, seconds for each target
#
# `make test` builds them with clang where that has libFuzzer; else there is nothing to run here.

set -u

: "${FUZZ_RUNS:=4000}" "${FUZZ_SECONDS:=}"

# What is found at once is to be found again: the same inputs are tried each time.
if [ -n "$FUZZ_SECONDS" ]; then
	bound="-max_total_time=$FUZZ_SECONDS"
else
	bound="-runs=$FUZZ_RUNS -seed=1"
fi

[ $# -gt 0 ] || set -- $(ls tests/fuzz/fuzz_*.c | sed 's|.*/fuzz_||; s|\.c$||')
passed=0 failed=0

for name; do
	# A build with sanitizers is no other one here.
	if [ -n "${SANITIZE:-}" ]; then
		echo "$name: skipped, since it runs with sanitizers of its own in any build"
		passed=$((passed + 1))
		continue
	fi
	program=build/fuzz/tests/fuzz/fuzz_$name
	if [ ! -x "$program" ]; then
		echo "$name: skipped, since clang has no libFuzzer here"
		passed=$((passed + 1))
		continue
	fi
	found=build/fuzz/$name
	rm -rf "$found"
	mkdir -p "$found/corpus"
	if "$program" $bound -max_len=2000 -timeout=100 -artifact_prefix="$found/" \
		"$found/corpus" "tests/fuzz/corpus/$name" >"$found/said" 2>&1; then
		echo "$name: $(grep -a '^Done' "$found/said")"
		passed=$((passed + 1))
	else
		echo "$name: something was found: $found"
		tail -n 40 "$found/said"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
