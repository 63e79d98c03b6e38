#!/bin/sh
#
# test_completion.sh - what bash completes, of the file that `make install` puts in its place: all
# that `tenon --help` tells of, and the names of a configuration.

set -u

: "${BUILD:=build}" "${SANITIZE:=}"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

top=$PWD
case $BUILD in
/*) PATH=$BUILD:$PATH ;;
*) PATH=$top/$BUILD:$PATH ;;
esac
export PATH LC_ALL=C

cat >"$scratch/try.bash" <<'END'
. "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9 COMP_KEY=9
_tenon "${COMP_LINE%% *}" "" ""
((!${#COMPREPLY[@]})) || printf '%s\n' "${COMPREPLY[@]}"
END

cat >"$scratch/tenon.ini" <<'END'
[host]
listen = 127.0.0.1:0

[host@staging]

[worker gateway]
route        = /*
service.auth = auth

[worker auth]
secret.TOKEN = env:TOKEN
var.GREETING = hello

[worker auth@staging]
[worker auth@v2]
END
cp "$scratch/tenon.ini" "$scratch/a b.ini"
sed 's/^route/rout/' "$scratch/tenon.ini" >"$scratch/broken.ini"
mkdir "$scratch/folder"
: >"$scratch/other.txt"

# What is completed behind these words, one a line and sorted, in $scratch/is.
complete()
{
	(cd "$scratch" && bash --norc try.bash "$top/etc/tenon.bash-completion" "$1") \
		>"$scratch/out" 2>"$scratch/err"
	[ ! -s "$scratch/err" ] || cat "$scratch/err"
	LC_ALL=C sort "$scratch/out" >"$scratch/is"
	[ ! -s "$scratch/err" ]
}

# Complains where that is not what follows, in any order.
gives()
{
	complete "$1" || return
	shift
	for word; do echo "$word"; done | LC_ALL=C sort >"$scratch/wanted"
	cmp -s "$scratch/is" "$scratch/wanted" && return
	printf 'is:\n%s\nshould be:\n%s\n' "$(cat "$scratch/is")" "$(cat "$scratch/wanted")"
	return 1
}

usages()
{
	tenon --help | sed -n 's/^  tenon \([a-z].*\)/\1/p'
}

# ---- The tests -------------------------------------------------------------------------------

every_command_is_completed()
{
	[ "$(usages | wc -l)" -gt 12 ] || return
	gives 'tenon ' $(usages | sed 's/ .*//') --help --version
}

the_beginning_of_a_command_is_completed()
{
	gives 'tenon gr' graph && gives 'tenon --v' --version && gives 'tenon nothing'
}

# Whatever the usage says, in another way than the completion finds it.
every_option_is_completed()
{
	usages | while read -r command usage; do
		gives "tenon $command -" $(printf '%s\n' "$usage" | tr '][|' '\n\n\n' |
			sed -n 's/^ *\(--*[a-zA-Z-]*\).*/\1/p') || exit 1
	done
}

every_word_of_a_usage_is_known()
{
	usages | sed -E 's/\[=[^]]*\]//g; s/\[?--?[A-Za-z-]+//g' | tr -s '][|. ' '\n\n\n\n\n' |
		LC_ALL=C sort -u | grep -E '^[A-Z]+$' >"$scratch/used"
	! grep -vxE 'FILE|OLD|NEW|WORKER|NAME|KEY|VALUE|METHOD|HEADER|DATA|URL|PATH|TEXT|COMMAND' \
		"$scratch/used"
}

files_are_those_that_end_in_ini()
{
	gives 'tenon check ' tenon.ini 'a b.ini' broken.ini folder &&
		gives 'tenon check te' tenon.ini && gives 'tenon diff tenon.ini b' broken.ini
}

workers_are_those_of_the_file()
{
	gives 'tenon call tenon.ini ' gateway auth auth@staging auth@v2 &&
		gives 'tenon call --json tenon.ini g' gateway &&
		gives "tenon call -H 'A: b' -d \"x y\" tenon.ini g" gateway &&
		gives 'tenon show "a b.ini" g' gateway && gives 'tenon show a\ b.ini g' gateway
}

# Where '@' begins a word for readline, it is given what stands behind.
variants_are_completed()
{
	gives 'tenon bound tenon.ini auth@s' staging &&
		gives 'tenon bound tenon.ini auth@' staging v2
}

workers_of_a_file_with_errors_are_completed()
{
	gives 'tenon call broken.ini g' gateway && gives 'tenon call none.ini g'
}

values_of_options_are_completed()
{
	gives 'tenon check --environment ' staging v2 &&
		gives 'tenon run --environment s' staging &&
		gives 'tenon reload --only g' gateway &&
		gives 'tenon call -X P' PATCH POST PUT && gives 'tenon call -d ' &&
		gives 'tenon check --timeout '
}

keys_are_those_of_the_worker()
{
	gives 'tenon set tenon.ini auth ' module secret.TOKEN var.GREETING &&
		gives 'tenon unset tenon.ini auth v' var.GREETING &&
		gives 'tenon set tenon.ini auth var.GREETING '
}

a_program_that_is_not_there_completes_nothing()
{
	gives '/nowhere/tenon call ' && gives '/nowhere/tenon ' --help --version
}

# ---- All of them -----------------------------------------------------------------------------

passed=0 failed=0
for test in every_command_is_completed the_beginning_of_a_command_is_completed \
	every_option_is_completed every_word_of_a_usage_is_known files_are_those_that_end_in_ini \
	workers_are_those_of_the_file variants_are_completed \
	workers_of_a_file_with_errors_are_completed values_of_options_are_completed \
	keys_are_those_of_the_worker a_program_that_is_not_there_completes_nothing; do
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
