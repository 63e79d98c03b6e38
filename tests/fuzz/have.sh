#!/bin/sh
#
# have.sh COMPILER... - whether that compiler has libFuzzer, and the program that it makes runs.

set -u

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cat >"$scratch/try.c" <<'END'
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return size && data ? 0 : 0;
}
END
"$@" -fsanitize=fuzzer,address,undefined -o "$scratch/try" "$scratch/try.c" >"$scratch/said" 2>&1 &&
	"$scratch/try" -runs=1 >"$scratch/said" 2>&1
