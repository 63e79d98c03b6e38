#!/bin/sh
#
# test_mistakes.sh - an author's mistakes, each made with what `make install` gives: a compiler, the
# linker or `tenon check` tells of it, and what it says names the culprit and, but for those that are
# marked, what to do. Compilers are gcc and, where it is there, clang.

set -u

: "${BUILD:=build}" "${SANITIZE:=}"

# What the outer make has said is not for the makes below; BUILD and SANITIZE are.
unset MAKEFLAGS MAKELEVEL MFLAGS PKG_CONFIG_PATH PKG_CONFIG_LIBDIR

top=$PWD
scratch=$(mktemp -d)
prefix=/opt/tenon
root=$scratch/stage$prefix
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

export LC_ALL=C
export PKG_CONFIG_PATH="$root/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$scratch/stage"

compilers=gcc
! command -v clang >/dev/null || compilers='gcc clang'

passed=0 failed=0 refused=0 without_cure=0

make -s --no-print-directory -C "$top" BUILD="$BUILD" SANITIZE="$SANITIZE" PREFIX=$prefix \
	DESTDIR="$scratch/stage" install >"$scratch/log" 2>&1 || {
	cat "$scratch/log"
	echo '0 passed, 1 failed'
	exit 1
}
cd "$scratch" || exit 1
flags=$(pkg-config --cflags tenon)
libraries=$(pkg-config --libs tenon)

# ---- What the mistakes are made of -----------------------------------------------------------

header='#include <tenon.h>'
env='struct env {
	struct tn_service        self;
	const struct tn_service *auth;
	int64_t                  limit;
};'
handler='static struct tn_response *answer(struct tn_request *request, const struct env *env)
{
	return tn_fetch(env->auth, request);
}'
worker='TN_WORKER(answer, struct env, TN_SERVICE(auth), TN_INT(limit));'

# A whole Worker, with other text for some of its parts; `with` is the last line.
source_of()
{
	printf '%s\n%s\n%s\n%s\n' "$header" "${env_is:-$env}" "${handler_is:-$handler}" "$1"
}

field()
{
	env_is=$(printf '%s\n' "$env" | sed "s|^.*limit;|	$1;|")
}

# ---- What is to be said of them --------------------------------------------------------------

# judge NAME: $scratch/said is to have each line of $scratch/wanted in it. A wanted line "no cure"
# says that the message leaves that to a manual.
judge()
{
	fine=1
	while IFS= read -r line; do
		if [ "$line" = 'no cure' ]; then
			without_cure=$((without_cure + 1))
		elif ! grep -qF -e "$line" said; then
			fine=
			printf '%s: this is not said: %s\n' "$1" "$line"
		fi
	done <wanted
	if [ -n "$fine" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		sed 's/^/	/' said | head -n 30
	fi
}

# refused NAME COMMAND...: it fails, and what it says is judged by what standard input has.
refused()
{
	name=$1
	shift
	cat >wanted
	refused=$((refused + 1))
	if "$@" >said 2>&1; then
		echo "(it succeeded)" >>said
		echo 'it is refused' >>wanted
	fi
	judge "$name"
}

# compiled WHAT: the source in worker.c, by each compiler. Quotes in messages are plain: LC_ALL=C.
compiled()
{
	cat >lines
	for compiler in $compilers; do
		refused "$1, $compiler" $compiler $flags -fsyntax-only worker.c <lines
	done
	env_is= handler_is=
}

# linked WHAT FLAGS...: what is in *.c, as flags of which some are left out.
linked()
{
	name=$1
	shift
	cat >lines
	for compiler in $compilers; do
		refused "$name, $compiler" $compiler "$@" <lines
	done
}

# loaded WHAT: module.so, by `tenon check`.
loaded()
{
	printf '[worker broken]\nmodule = ./module.so\nroute = /*\n' >broken.ini
	{
		echo "broken.ini:2: worker 'broken': module './module.so': "
		cat
	} >lines
	refused "$1" "$root/bin/tenon" check broken.ini <lines
}

build()
{
	gcc $flags "$@" -shared -o module.so $libraries || echo "module.so was not built"
}

# ---- The compiler ----------------------------------------------------------------------------

# wrong_field SLOT DECLARATION WANTED
wrong_field()
{
	field "$2"
	source_of "TN_WORKER(answer, struct env, TN_SERVICE(auth), $1(limit));" >worker.c
	compiled "$1 of another type" <<-END
		worker.c:11:
		$1(limit): the field is to be $3
	END
}

wrong_field TN_SERVICE 'struct tn_service *limit' 'a `const struct tn_service *`'
wrong_field TN_SERVICE_OPTIONAL 'struct tn_service limit' 'a `const struct tn_service *`'
wrong_field TN_SECRET 'const char *limit' 'a `const struct tn_secret *`'
wrong_field TN_VAR 'char *limit' 'a `const char *`'
wrong_field TN_INT 'int limit' 'an `int64_t`'
wrong_field TN_BOOL 'bool limit' 'an `int64_t`'
wrong_field TN_DURATION 'unsigned limit' 'an `int64_t`'
wrong_field TN_SIZE 'size_t limit' 'an `int64_t`'
wrong_field TN_NUMBER 'float limit' 'a `double`'
wrong_field TN_STATE 'int64_t limit' 'a pointer'
wrong_field TN_SHARED 'void *limit' 'a pointer to a struct'

# wrong_default SLOT VALUE WANTED
wrong_default()
{
	source_of "TN_WORKER(answer, struct env, TN_SERVICE(auth), $1(limit, $2));" >worker.c
	compiled "$1 with the default $2" <<-END
		worker.c:11:
		$1(limit, $(printf '%s' "$2" | sed 's/"/\\"/g')): the default is to be $3
	END
}

wrong_default TN_INT_OR '"5"' 'a whole number, without quotes'
wrong_default TN_INT_OR 0.5 'a whole number, without quotes'
wrong_default TN_DURATION_OR '"10s"' 'whole milliseconds, without quotes'
wrong_default TN_SIZE_OR '"64K"' 'whole bytes, without quotes'
wrong_default TN_BOOL_OR '"yes"' 'true or false, without quotes'
field 'const char *limit'
wrong_default TN_VAR_OR 5 'a text, in quotes'

source_of 'TN_WORKER(answer, struct env, TN_SERVICE(auht), TN_INT(limit));' >worker.c
compiled 'a slot for a field that is not there' <<-'END'
	worker.c:11:
	auht
	struct env
END

source_of 'TN_WORKER(answer, struct env, auth, TN_INT(limit));' >worker.c
compiled 'a field without its slot macro' <<-'END'
	worker.c:11:31: error:
	auth
	no cure
END

source_of 'TN_WORKER(answer, struct env, TN_SERVICE("auth"), TN_INT(limit));' >worker.c
compiled 'a slot with its field in quotes' <<-'END'
	worker.c:11:42: error: expected identifier
END

env_is='struct env {
	const struct tn_service *auth;
	int64_t limit;
};'
source_of "$worker" >worker.c
compiled 'an env without self' <<-'END'
	worker.c:10:
	no member named 'self'
	/* `struct tn_service self;` first */
END

env_is='struct env {
	const struct tn_service *auth;
	struct tn_service self;
	int64_t limit;
};'
source_of "$worker" >worker.c
compiled 'an env whose self is not first' <<-'END'
	worker.c:11:
	the first member of struct env is to be `struct tn_service self`
END

env_is='struct env {
	struct tn_service *self;
	const struct tn_service *auth;
	int64_t limit;
};'
source_of "$worker" >worker.c
compiled 'an env whose self is a pointer' <<-'END'
	worker.c:11:
	the first member of struct env is to be `struct tn_service self`
END

source_of 'TN_WORKER(answer, env, TN_SERVICE(auth), TN_INT(limit));' >worker.c
compiled 'an env without struct' <<-'END'
	worker.c:11:19: error:
	env
	(handler, struct env, slots...)
END

source_of 'TN_WORKER(answer, TN_SERVICE(auth), TN_INT(limit));' >worker.c
compiled 'TN_WORKER without the env' <<-'END'
	worker.c:11:
	(handler, struct env, slots...)
END

source_of 'TN_WORKER(answer);' >worker.c
compiled 'TN_WORKER with a handler alone' <<-'END'
	worker.c:11:
	(handler, struct env, slots...)
END

source_of "$(printf '%s\n%s' "$worker" "$worker")" >worker.c
compiled 'two TN_WORKER in one source' <<-'END'
	worker.c:12:
	redefinition of 'tn_each_module_has_one_TN_WORKER'
END

source_of "$(printf 'int fetch(int a)\n{\n\treturn a;\n}\n%s' "$worker")" >worker.c
compiled 'a function of its own that is called fetch' <<-'END'
	worker.c:15:
	conflicting types for 'fetch'
	/* call yours otherwise */
END

handler_is=$(printf '%s\n' "$handler" | sed 's/answer(/fetch(/')
source_of 'TN_WORKER(fetch, struct env, TN_SERVICE(auth), TN_INT(limit));' >worker.c
compiled 'a handler that is called fetch' <<-'END'
	worker.c:11:
	conflicting types for 'fetch'
	/* call yours otherwise */
END

# wrong_handler WHAT SIGNATURE
wrong_handler()
{
	handler_is=$(printf 'static %s\n{\n\treturn 0;\n}' "$2")
	source_of "$worker" >worker.c
	compiled "a handler $1" <<-'END'
		worker.c:11:
		TN_WORKER(answer): it is to be `struct tn_response *answer(struct tn_request *request, const struct env *env)`
	END
}

wrong_handler 'that returns a status' \
	'int answer(struct tn_request *request, const struct env *env)'
wrong_handler 'whose env is not const' \
	'struct tn_response *answer(struct tn_request *request, struct env *env)'
wrong_handler 'without an env' 'struct tn_response *answer(struct tn_request *request)'
wrong_handler 'with its parameters the other way round' \
	'struct tn_response *answer(const struct env *env, struct tn_request *request)'
wrong_handler 'that returns a const response' \
	'const struct tn_response *answer(struct tn_request *request, const struct env *env)'
wrong_handler 'of a service, as fetch is' \
	'struct tn_response *answer(struct tn_request *request, const struct tn_service *env)'

source_of 'TN_WORKER(anwser, struct env, TN_SERVICE(auth), TN_INT(limit));' >worker.c
compiled 'a handler that there is not' <<-'END'
	worker.c:11:11: error:
	anwser
END

handler_is=$(printf '%s\nstatic int start(struct env *env)\n{\n\treturn !env;\n}' "$handler")
source_of 'TN_WORKER(answer, struct env, TN_SERVICE(auth), TN_INT(limit), TN_START(start));' >worker.c
compiled 'a start hook that returns a number' <<-'END'
	worker.c:15:
	TN_START(start): it is to be `const char *start(struct env *env)`
END

handler_is=$(printf '%s\nstatic void stop(void)\n{\n}' "$handler")
source_of 'TN_WORKER(answer, struct env, TN_SERVICE(auth), TN_INT(limit), TN_STOP(stop));' >worker.c
compiled 'a stop hook without an env' <<-'END'
	worker.c:14:
	TN_STOP(stop): it is to be `void stop(struct env *env)`
END

source_of "$worker" >worker.cc
if command -v g++ >/dev/null; then
	cc1plus='g++ -fsyntax-only worker.cc'
else
	cc1plus='gcc -fsyntax-only -D__cplusplus=201703L -x c worker.cc'
fi
refused 'the header in C++' $cc1plus $flags <<-'END'
	worker.cc:1
	tenon.h is for C: write the Worker's handler in a .c file and call C++ through extern
END

# ---- The linker ------------------------------------------------------------------------------

source_of "$worker" >worker.c
sed 's/answer/other/' worker.c >other.c
all="$flags -shared -o module.so"

linked 'two Workers in one module' $all worker.c other.c $libraries <<-'END'
	other.c
	worker.c
	multiple definition of `fetch'
	multiple definition of `tn_each_module_has_one_TN_WORKER'
END

# By a linker's own words; on x86-64, where code for programs has such relocations.
if [ "$(uname -m)" = x86_64 ]; then
	linked 'no -fPIC' -O2 -fno-pic -mcmodel=small $(pkg-config --cflags-only-I tenon) -shared \
		-o module.so worker.c $libraries <<-'END'
		recompile with -fPIC
	END
fi

linked 'no -ltenon' $all worker.c $(printf '%s\n' $libraries | grep -v -e -ltenon) <<-'END'
	worker.c
	undefined reference to `tn_worker_enter'
	no cure
END

linked 'no -shared' $flags -o module.so worker.c $libraries <<-'END'
	undefined reference to `main'
	no cure
END

printf 'extern int no_such_function(void);\n' | cat - worker.c |
	sed 's/tn_fetch(env->auth, request)/no_such_function() ? NULL : tn_fetch(env->auth, request)/' \
		>missing.c
linked 'a function that no library has' $all missing.c $libraries <<-'END'
	missing.c
	undefined reference to `no_such_function'
END

# ---- The loader ------------------------------------------------------------------------------

build worker.c
printf '[worker broken]\nmodule = ./module.so\nroute = /*\nservice.auth = broken\nvar.limit = 1\n' \
	>good.ini
"$root/bin/tenon" check good.ini >said 2>&1
echo 'good.ini: 1 Worker, 1 route, no errors' >wanted
judge 'a Worker without a mistake'

# What is not found is looked for in the program, which has the library.
gcc $flags -shared -o module.so worker.c
"$root/bin/tenon" check good.ini >said 2>&1
judge 'no -ltenon, and no -z defs either: it does no harm'

source_of 'TN_WORKER(answer, struct env, TN_SERVICE(auth));' >forgotten.c
build forgotten.c
loaded 'a forgotten slot' <<-'END'
	its slots do not cover its env: bytes 72 to 79 of 80, after 'auth', have none: TN_WORKER's list is to name every field
END

source_of 'TN_WORKER(answer, struct env, TN_SERVICE(auth), TN_INT(limit), TN_SIZE(limit));' >both.c
build both.c
loaded 'two slots for one field' <<-'END'
	its slot 'limit' overlaps 'limit': name each field once in TN_WORKER's list
END

handler_is=$(printf '%s\nstatic const char *start(struct env *env)\n{\n\treturn env ? NULL : "";\n}' "$handler")
source_of 'TN_WORKER(answer, struct env, TN_SERVICE(auth), TN_INT(limit), TN_START(start), TN_START(start));' >hooks.c
handler_is=
build hooks.c
loaded 'two start hooks' <<-'END'
	it has two hooks of one kind: 'start' is one too many
END

source_of 'extern int nothing;' >none.c
build -w none.c
loaded 'TN_WORKER forgotten' <<-'END'
	it exports no `tn_worker`: end its source with TN_WORKER(handler, struct env, ...)
END

printf '{ local: *; };\n' >own.map
gcc $flags -shared -o module.so worker.c -L"$root/lib" -ltenon -Wl,--version-script=own.map
loaded 'fetch hidden by a version script' <<-'END'
	it has a `tn_worker`, but does not export it: let TN_WORKER define it, and link it with what `pkg-config --libs tenon` gives, without a version script of its own
END

printf '{ global: tn_worker; local: *; };\n' >own.map
gcc $flags -shared -o module.so worker.c -L"$root/lib" -ltenon -Wl,--version-script=own.map
loaded 'fetch alone hidden' <<-'END'
	it has a `fetch`, but does not export it: let TN_WORKER define it
END

# older ABI_LINES: a Worker that was built with another header.
built_with()
{
	mkdir -p other
	sed "$1" "$root/include/tenon.h" >other/tenon.h
	gcc -Iother $flags -shared -o module.so worker.c $libraries
}

built_with 's/^#define TN_ABI_MAJOR .*/#define TN_ABI_MAJOR 0/; s/^#define TN_ABI_MINOR .*/#define TN_ABI_MINOR 9/'
loaded 'an older header' <<-'END'
	it was built for ABI 0.9, and this host has ABI 1.
	: build it again with this host's tenon.h
END

built_with 's/^#define TN_ABI_MAJOR .*/#define TN_ABI_MAJOR 2/'
loaded 'a newer header' <<-'END'
	it was built for ABI 2.
	, and this host has ABI 1.
	: build it again with this host's tenon.h
END

built_with 's/\.kind = TN_SLOT_##kind_, \.flags/.kind = TN_SLOT_##kind_ + 90, .flags/'
loaded 'a slot of a newer Tenon' <<-'END'
	which this host does not know: it was built for a newer Tenon
END

sed 's/tn_fetch(/tn_from_the_future(/; 2i extern struct tn_response *tn_from_the_future();' worker.c >newer.c
gcc $flags -shared -o module.so newer.c
loaded 'a function of a newer Tenon' <<-'END'
	undefined symbol: tn_from_the_future: link it with -ltenon, and build it for a Tenon no newer than this one
END

gcc $flags -shared -o module.so missing.c
loaded 'a function that no library has, found late' <<-'END'
	undefined symbol: no_such_function: link it with the library that has it
END

gcc $flags -c -o module.so worker.c
loaded 'an object file' <<-'END'
	it is an object file, not linked yet: link it with -shared
END

ar rc archive.a module.so && mv archive.a module.so
loaded 'a static library' <<-'END'
	it is a static library: link its objects with -shared
END

echo 'int main(void) { return 0; }' >main.c
gcc $flags -pie -o module.so worker.c main.c $libraries
loaded 'a program that can be anywhere' <<-'END'
	cannot dynamically load position-independent executable: it is a program: link it with -shared
END

gcc $flags -no-pie -o module.so worker.c main.c $libraries
loaded 'a program' <<-'END'
	it is a program: link it with -shared
END

# The number of a machine is at 18: 243, RISC-V.
build worker.c && printf '\363\000' | dd of=module.so bs=1 seek=18 conv=notrunc status=none
loaded 'a module for another machine' <<-'END'
	it is for RISC-V, and this is 
	build it on this machine, or with a compiler for it
END

: >module.so
loaded 'an empty file' <<-'END'
	it is empty: build it again
END

cp worker.c module.so
loaded 'a source file' <<-'END'
	it is no ELF file: build it with -shared -fPIC
END

build worker.c && head -c 2000 module.so >cut && mv cut module.so
loaded 'a file that was cut' <<-'END'
	it is truncated: build or copy it again
END

rm module.so && mkdir module.so
loaded 'a directory' <<-'END'
	it is a directory: name the .so in it
END

rmdir module.so
loaded 'no file at all' <<-'END'
	there is no such file: build it, or set `module`, or `modules` in [host]
END

if [ -z "$SANITIZE" ] && gcc -fsanitize=address $flags -shared -o module.so worker.c 2>/dev/null; then
	loaded 'a Worker with a sanitizer' <<-'END'
		it is built with -fsanitize=address, and this tenon is not: build it without, or start tenon with LD_PRELOAD=libasan.so.
	END
fi

# ---- The sum ---------------------------------------------------------------------------------

echo "$refused messages to mistakes, $without_cure of them without a cure"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
