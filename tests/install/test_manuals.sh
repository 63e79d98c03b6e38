#!/bin/sh
#
# test_manuals.sh - the manual pages say what is there: the header's functions and slots, the
# commands and options of `tenon --help`, the keys of a configuration.

set -u

: "${BUILD:=build}"

export LC_ALL=C
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

tenon=$BUILD/tenon
page=framework/message/tenon.3

# A page as plain text: macros and fonts are gone, and "-environment" of Fl stands as an option.
plain()
{
	sed 's/\\&//g; s/\\-/-/g; s/\([ ."]\)Fl /\1-/g; s/^\.[A-Z][a-z] //; s/ [A-Z][a-z] / /g; s/  */ /g' "$1"
}

# The names that the header declares for a Worker: functions, and the macros of slots and hooks.
declared()
{
	grep -v '^ *\*' include/tenon.h | tr '\n' ' ' |
		grep -oE '(TN_EXPORT|static inline) [a-z0-9_ ]*[ *]tn_[a-z_]+\(' |
		sed 's/.*[ *]//; s/($//' | grep -v '^tn_worker_' | sort
}

# Complains of each line of the first file that the second one has not.
missing()
{
	! sort -u "$1" | comm -23 - "$2" | sed "s|^|missing in $3: |" | grep .
}

# ---- The tests -------------------------------------------------------------------------------

every_function_is_in_the_synopsis()
{
	declared >"$scratch/header"
	sed -n 's/^\.Fo \(tn_.*\)/\1/p' $page | sort >"$scratch/page"
	[ "$(wc -l <"$scratch/header")" -gt 50 ] || return
	missing "$scratch/header" "$scratch/page" $page &&
		missing "$scratch/page" "$scratch/header" include/tenon.h
}

every_function_is_described()
{
	declared >"$scratch/header"
	sed -n 's/^\.It Fn \(tn_[a-z_]*\).*/\1/p' $page | sort >"$scratch/page"
	missing "$scratch/header" "$scratch/page" "the description of $page" &&
		missing "$scratch/page" "$scratch/header" include/tenon.h
}

# Every declaration of the page, after the header's own: the compiler sees where they differ.
every_declaration_is_the_same()
{
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' $page | awk '
		/^\.Ft / { sub(/^\.Ft /, ""); gsub(/"/, ""); type = $0 }
		/^\.Fo / { text = type " " $2 "("; comma = "" }
		/^\.Fa / { sub(/^\.Fa /, ""); gsub(/"/, ""); text = text comma $0; comma = ", " }
		/^\.Fc/ { print text ");" }' >"$scratch/prototypes"
	{
		echo '#include <tenon.h>'
		grep -v ' tn_fetch(' "$scratch/prototypes"
		sed -n 's/\(.*\)tn_fetch(/static \1same(/p' "$scratch/prototypes"
		echo '_Static_assert(__builtin_types_compatible_p(__typeof__(same), __typeof__(tn_fetch)), "");'
	} >"$scratch/prototypes.c"
	[ "$(wc -l <"$scratch/prototypes")" -gt 50 ] &&
		gcc -Wno-unused-function -Iinclude -fsyntax-only "$scratch/prototypes.c"
}

every_slot_is_described()
{
	sed -nE 's/^#define (TN_[A-Z_]*[A-Z])\((field|function_).*/\1/p' include/tenon.h |
		grep -vE '_OR$' | sort >"$scratch/header"
	[ "$(wc -l <"$scratch/header")" -gt 10 ] || return
	plain $page | grep -oE 'TN_[A-Z_]*[A-Z]' | sort -u >"$scratch/page"
	missing "$scratch/header" "$scratch/page" $page
}

# In the words of the header: what a field is to be.
every_slot_has_its_type()
{
	grep -E '^ \*	TN_[A-Z_]+\(field\)' include/tenon.h | grep -E 'const|int64_t|double' |
		sed -E 's/^ \*	//; s/   +/ Ta /g; s/ Ta [a-z]+\.field.*//; s/ Ta the same.*//' \
			>"$scratch/rows"
	[ "$(wc -l <"$scratch/rows")" -gt 6 ] || return
	while IFS= read -r row; do
		grep -qF ".It $row Ta" $page || {
			echo "missing in $page: $row"
			return 1
		}
	done <"$scratch/rows"
}

usages()
{
	"$tenon" --help | sed -n 's/^  tenon \([a-z].*\)/\1/p'
}

every_command_and_option_is_described()
{
	usages >"$scratch/usages"
	[ "$(wc -l <"$scratch/usages")" -gt 12 ] || return
	while read -r command usage; do
		# From its own entry to the next command's.
		awk -v command="$command" '
			/^\.It Cm [a-z]+/ { inside = $3 == command } inside' framework/command/tenon.1 |
			sed 's/\\//g' >"$scratch/entry"
		[ -s "$scratch/entry" ] || {
			echo "missing in tenon.1: $command"
			return 1
		}
		printf '%s\n' "$usage" | sed 's/\[=[^]]*\]//g' | tr '][|' '\n\n\n' |
			sed -n 's/^ *-\(-*[a-zA-Z-]*\).*/\1/p' >"$scratch/options"
		synopsis "$command" >>"$scratch/entry"
		while read -r option; do
			grep -qE -e "(Fl|[|]) $option( |\$)" "$scratch/entry" || {
				echo "missing in tenon.1: $command -$option"
				return 1
			}
		done <"$scratch/options"
	done <"$scratch/usages"
}

# The lines of a command's synopsis.
synopsis()
{
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' framework/command/tenon.1 |
		awk -v command="$1" '/^\.Nm/ { inside = 0 } /^\.Cm / { inside = $2 == command } inside'
}

# Those of a Worker as `check` names them where one is unknown, those of the host by their table.
every_key_is_described()
{
	printf '[worker x]\nnonsense = 1\nroute = /\n' >"$scratch/x.ini"
	"$tenon" check "$scratch/x.ini" 2>&1 |
		sed -n "s/.*unknown key 'nonsense'.*: a Worker has //p" |
		sed 's/NAME//g; s/ and, if it is a variant,/,/; s/ and / /g' |
		grep -oE '[a-z_]+' >"$scratch/all"
	sed -nE 's/^	\{ "([a-z_]+)",.*/\1/p' framework/deploy/settings.c >>"$scratch/all"
	sort -u "$scratch/all" >"$scratch/keys"
	[ "$(wc -l <"$scratch/keys")" -gt 30 ] || return
	plain framework/deploy/tenon.ini.5 | grep -oE '[a-z_]+' | sort -u >"$scratch/page"
	missing "$scratch/keys" "$scratch/page" tenon.ini.5
}

# ---- All of them -----------------------------------------------------------------------------

passed=0 failed=0
for test in every_function_is_in_the_synopsis every_function_is_described \
	every_declaration_is_the_same every_slot_is_described every_slot_has_its_type \
	every_command_and_option_is_described every_key_is_described; do
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
