#!/bin/sh
#
# packages.sh DEPS PURPOSE... - sees to the packages that the purposes need: run, test, lint,
# valgrind, bench, proxies. What is missing is named and installed with apt-get: as root at once,
# otherwise through sudo after showing the commands and, on a terminal, asking. Where DEPS is "no",
# or nothing is missing, it does nothing. Exit status 1: they are not all there.

set -eu

stop()
{
	printf '%s\n' "$@" >&2
	exit 1
}

# One word for each package; this|that where either will do, and the first is what is installed.
# curl is for the two lines that `make run` prints, CUnit for libtenon-test.a.
packages()
{
	case $1 in
	run) echo 'gcc libc6-dev libmicrohttpd-dev libinih-dev libjansson-dev libxxhash-dev' \
		'libdw-dev libcunit1-dev curl' ;;
	test) echo 'libcurl4-openssl-dev|libcurl4-gnutls-dev strace binutils' \
		'pkg-config|pkgconf graphviz libsqlite3-dev libxml2-utils clang slowhttptest' ;;
	lint) echo 'clang clang-format clang-tidy cppcheck mandoc systemd' ;;
	valgrind) echo 'valgrind' ;;
	proxies) echo 'nginx haproxy caddy openssl' ;; # which start servers
	bench) echo 'wrk valgrind slowhttptest' ;;
	*) stop "packages.sh: there is no purpose '$1'" ;;
	esac
}

# What not every release has, and what does without it: the fuzz targets of `make test`.
wishes()
{
	case $1 in
	test) echo 'libclang-rt-dev libhttp-parser-dev' ;;
	esac
}

[ "$1" != no ] || exit 0
shift
wished=$(for purpose; do wishes "$purpose"; done)
wanted=$(for purpose; do packages "$purpose"; done)

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || stop \
	'This is neither Debian nor Ubuntu, so nothing is installed for you. What is needed, by' \
	'the names that it has there:' '' "$wanted" '' \
	'Install their like, then add DEPS=no to the command: make ... DEPS=no'

# One question for all of them: it takes as long as one for each.
IFS=' |
'
present=$(dpkg-query -W -f ' ${Package}:${db:Status-Status} ' $wanted $wished 2>/dev/null) || :
unset IFS

missing=
for choice in $wanted; do
	case $present in
	*" ${choice%|*}:installed "* | *" ${choice#*|}:installed "*) ;;
	*) missing="$missing ${choice%|*}" ;;
	esac
done

# Those wishes that are not there and can be had, as far as the package lists know.
wishes_left()
{
	for wish in $wished; do
		case $present in
		*" $wish:installed "*) continue ;;
		esac
		! apt-cache show "$wish" >/dev/null 2>&1 || printf ' %s' "$wish"
	done
}

# They are no reason to ask anybody.
[ -n "$missing" ] || [ "$(id -u)" -eq 0 ] || exit 0
missing=$missing$(wishes_left)
[ -n "$missing" ] || exit 0

# --no-remove: what stands in the way of them on this machine is for its user to remove.
update='apt-get update -q'
install="apt-get install -q -y --no-install-recommends --no-remove"
sudo=

echo "Missing packages:$missing"
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || stop 'This user may not install them, and there is no sudo.' \
		'As root:' '' "    $update && $install$missing" ''
	sudo='sudo '
	[ -t 0 ] || sudo='sudo -n '
fi
printf '%s\n' '' "    $sudo$update" "    $sudo$install$missing" ''
if [ "$sudo" = 'sudo ' ]; then
	printf 'Go on? [y/N] '
	read -r answer || :
	case ${answer:-} in [yY]*) ;; *) stop 'Nothing was installed.' ;; esac
fi
export DEBIAN_FRONTEND=noninteractive
$sudo$update || echo 'apt-get update failed: going on with the package lists that are there' >&2
for wish in $(wishes_left); do
	case "$missing " in *" $wish "*) ;; *) missing="$missing $wish" ;; esac
done
$sudo$install$missing </dev/null || stop "They could not be installed:$missing"
