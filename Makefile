# Tenon. `make run` and `make test` do all of their own set-up on Debian and Ubuntu.

VERSION  = 0.1.0
ABI      = 1.0
PREFIX   = /usr/local
DESTDIR  =
CC       = gcc
CFLAGS   = -O2 -g
LDFLAGS  =
SANITIZE =
DEPS     = yes

empty :=
space := $(empty) $(empty)
comma := ,

ifeq ($(SANITIZE),)
BUILD = build
else
BUILD = build/sanitize-$(subst $(comma),-,$(SANITIZE))
SANITIZER = -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla
INCLUDES = -Iinclude -Iframework
FLAGS    = -std=gnu17 -fno-plt -D_GNU_SOURCE -DTN_VERSION='"$(VERSION)"' -fPIC $(INCLUDES) \
           $(WARNINGS) $(SANITIZER) $(CFLAGS)
HOST_LIBRARIES = -lmicrohttpd -linih -ljansson -lxxhash -lm -ldl
KIT_LIBRARIES  = -lcunit -linih -lxxhash -lm -ldl
LINK     = $(SANITIZER) -L$(BUILD) -Wl,-z,now -Wl,-z,relro $(LDFLAGS)

# ---- What there is -------------------------------------------------------------------------

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

LIBRARY_SOURCES = $(wildcard framework/message/*.c) framework/observe/log.c \
                  framework/observe/output.c
KIT_SOURCES     = $(wildcard framework/kit/*.c)
HOST_SOURCES    = $(wildcard framework/deploy/*.c framework/serve/*.c framework/supervise/*.c) \
                  framework/observe/access.c \
                  $(filter-out %/main.c,$(wildcard framework/command/*.c))
MAIN_SOURCES    = framework/command/main.c

# A program of its own, which alone has libdw.
BACKTRACE_SOURCES = $(wildcard framework/backtrace/*.c)

# A plugin is a file, or a folder of files. What it needs beside libtenon is said here, for the
# plugin and its test.
LIBRARIES_aggregate = -ljansson
LIBRARIES_ratelimit = -lxxhash

PLUGIN_FILES   = $(wildcard plugins/*.c)
PLUGIN_FOLDERS = $(patsubst plugins/%/,%,$(sort $(dir $(wildcard plugins/*/*.c))))
PLUGINS        = $(patsubst plugins/%.c,$(BUILD)/plugins/%.so,$(PLUGIN_FILES)) \
                 $(patsubst %,$(BUILD)/plugins/%.so,$(PLUGIN_FOLDERS))

UNIT_TESTS   = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/framework/*/test_*.c))
PLUGIN_TESTS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/plugins/test_*.c))
E2E_TESTS    = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/e2e/test_*.c))
FAULT_TESTS  = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/faults/test_*.c))
PROXY_TESTS  = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/proxies/test_*.c))
SCRIPT_TESTS = $(wildcard tests/*/test_*.sh)
FIXTURES     = $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/fixtures/*.c)) \
               $(BUILD)/tests/fixtures/origin/runpath.so $(BUILD)/tests/fixtures/origin/rpath.so
FUZZERS      = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES      = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))

SOURCES = $(LIBRARY_SOURCES) $(KIT_SOURCES) $(HOST_SOURCES) $(MAIN_SOURCES) \
          $(BACKTRACE_SOURCES) $(PLUGIN_FILES) \
          $(wildcard plugins/*/*.c tests/*/*.c tests/framework/*/*.c tests/fixtures/*/*.c)

# ---- The two commands, and their like ------------------------------------------------------

.PHONY: all tests objects run test proxies fuzzers fuzz soak lint valgrind bench install uninstall \
        clean
.DELETE_ON_ERROR:

all: $(BUILD)/tenon $(BUILD)/installed/tenon $(BUILD)/tenon-backtrace \
     $(BUILD)/installed/tenon-backtrace $(BUILD)/libtenon-test.a $(PLUGINS) compile_commands.json

tests: all $(UNIT_TESTS) $(PLUGIN_TESTS) $(E2E_TESTS) $(FAULT_TESTS) $(PROXY_TESTS) \
       $(FIXTURES) $(BUILD)/tests/untapped

objects: $(call objects,$(SOURCES))

# Packages, then what is to be built: on all cores, unless -j says otherwise.
NEED     = @etc/packages.sh $(DEPS)
MAKE_ALL = +@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc))
RUN      = @BUILD=$(BUILD) SANITIZE=$(SANITIZE)

# The path is one that holds in the directory where the user has typed `make`.
TOKEN = $(if $(filter $(CURDIR),$(PWD)),,$(CURDIR)/)build/demo-token

run:
	$(NEED) run
	$(MAKE_ALL) all build/demo-token
	@echo
	@echo 'In another terminal, 200 and then 403:'
	@echo
	@echo '    curl -i -H "x-custom-token: $$(cat $(TOKEN))" http://127.0.0.1:8080/'
	@echo '    curl -i http://127.0.0.1:8080/'
	@echo
	@exec $(BUILD)/tenon run etc/tenon.ini

# Random, and never checked in.
build/demo-token:
	@mkdir -p $(@D)
	@umask 077; head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >$@

test:
	$(NEED) run test
	$(MAKE_ALL) tests
	+@! tests/fuzz/have.sh $(FUZZ_CC) || $(FUZZ) $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) fuzzers
	$(RUN) tests/run.sh $(FAULT_TESTS) $(E2E_TESTS) $(PROXY_TESTS) $(SCRIPT_TESTS) \
		$(UNIT_TESTS) $(PLUGIN_TESTS)

# Behind nginx, HAProxy and Caddy, which `make test` does not install: it is their packages that
# start servers. Where they are, it runs these tests, too.
proxies:
	$(NEED) run test proxies
	$(MAKE_ALL) tests
	$(RUN) tests/run.sh $(PROXY_TESTS)

# Programs of libFuzzer's, which only clang has, with sanitizers of their own. Without it the tests
# go on without them.
FUZZ_CC      = clang
FUZZ_SECONDS = 300
FUZZ         = $(MAKE) --no-print-directory BUILD=build/fuzz CC='$(FUZZ_CC)' CFLAGS='-O1 -g' \
               SANITIZE=fuzzer-no-link,address,undefined

fuzzers: $(FUZZERS)

# Each of them at length; what is found goes to build/fuzz/NAME.
fuzz:
	$(NEED) run test
	+@$(FUZZ) -j$$(nproc) fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/test_fuzz.sh

# The fault tests at length, one after another, 10,000 requests that wait at once, a minute of slow
# clients, and an upload of 4 GiB, which the disk below $TMPDIR or /tmp needs room for.
soak:
	$(NEED) run test
	$(MAKE_ALL) tests
	$(RUN) TN_RELOADS=200 TN_KILLS=100 TN_FAULTS=100 LIMIT=1800 JOBS=1 tests/run.sh $(FAULT_TESTS)
	$(RUN) TN_WAITING=10000 LIMIT=1800 JOBS=1 tests/run.sh $(BUILD)/tests/e2e/test_waiting
	$(RUN) TN_SLOW=60 LIMIT=1800 JOBS=1 tests/run.sh $(BUILD)/tests/e2e/test_slow
	$(RUN) TN_UPLOAD_MIB=4096 LIMIT=1800 JOBS=1 tests/run.sh $(BUILD)/tests/e2e/test_bodies

lint:
	$(NEED) run test lint
	$(MAKE_ALL) compile_commands.json
	@MAKE='$(MAKE)' tests/lint.sh

# In the end-to-end tests it is the host that runs under valgrind, not the test.
VALGRIND = valgrind -q --suppressions=$(CURDIR)/tests/valgrind.supp --leak-check=full --error-exitcode=99

valgrind:
	$(NEED) run test valgrind
	$(MAKE_ALL) tests
	$(RUN) LIMIT=600 JOBS=$$(nproc) WRAPPER='$(VALGRIND)' tests/run.sh $(UNIT_TESTS) $(PLUGIN_TESTS)
	$(RUN) LIMIT=600 JOBS=$$(nproc) TN_HOST_PREFIX='$(VALGRIND)' tests/run.sh $(E2E_TESTS)

bench:
	$(NEED) run test bench
	$(MAKE_ALL) tests $(BENCHES) $(BUILD)/tests/bench/bare
	@for bench in $(BENCHES); do BUILD=$(BUILD) $$bench || exit 1; done

# ---- How it is built -----------------------------------------------------------------------

# A Worker, and its test, sees the public headers only.
$(BUILD)/obj/plugins/%.o:       INCLUDES = -Iinclude
$(BUILD)/obj/tests/plugins/%.o: INCLUDES = -Iinclude -Itests
$(BUILD)/obj/tests/%.o:         INCLUDES = -Iinclude -Iframework -Itests

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libtenon.so: $(call objects,$(LIBRARY_SOURCES)) framework/message/libtenon.map
	$(CC) $(LINK) -shared -Wl,-soname,libtenon.so.$(basename $(ABI)) -Wl,-Bsymbolic -Wl,-z,defs \
		-Wl,--version-script=framework/message/libtenon.map -o $@ $(filter %.o,$^)
	@ln -sf libtenon.so $@.$(basename $(ABI))

# With deploy/, since a test can load Workers as the host does.
$(BUILD)/libtenon-test.a: $(call objects,$(KIT_SOURCES) $(wildcard framework/deploy/*.c))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libhost.a: $(call objects,$(HOST_SOURCES))
	@rm -f $@
	$(AR) rcs $@ $^

# One program, linked twice: it seeks the library beside itself, or, once installed, in lib/.
$(BUILD)/tenon:           RPATH = $$ORIGIN
$(BUILD)/installed/tenon: RPATH = $$ORIGIN/../lib

$(BUILD)/tenon $(BUILD)/installed/tenon: $(call objects,$(MAIN_SOURCES)) $(BUILD)/libhost.a \
                                         $(BUILD)/libtenon.so
	@mkdir -p $(@D)
	$(CC) $(LINK) -Wl,-rpath,'$(RPATH)' -o $@ $(filter %.o %.a,$^) \
		-ltenon $(HOST_LIBRARIES)

$(BUILD)/tenon-backtrace:           RPATH = $$ORIGIN
$(BUILD)/installed/tenon-backtrace: RPATH = $$ORIGIN/..

$(BUILD)/tenon-backtrace $(BUILD)/installed/tenon-backtrace: \
		$(call objects,$(BACKTRACE_SOURCES) framework/supervise/frames.c) $(BUILD)/libtenon.so
	@mkdir -p $(@D)
	$(CC) $(LINK) -Wl,-rpath,'$(RPATH)' -o $@ $(filter %.o,$^) -ltenon -ldw

WORKER_LINK = $(LINK) -shared -Wl,-Bsymbolic -Wl,-z,defs \
              -Wl,--version-script=framework/message/worker.map

$(BUILD)/plugins/%.so: $(BUILD)/obj/plugins/%.o $(BUILD)/libtenon.so framework/message/worker.map
	@mkdir -p $(@D)
	$(CC) $(WORKER_LINK) -o $@ $(filter %.o,$^) -ltenon $(LIBRARIES_$*)

define folder_plugin
$(BUILD)/plugins/$(1).so: $(call objects,$(wildcard plugins/$(1)/*.c)) $(BUILD)/libtenon.so \
                          framework/message/worker.map
	@mkdir -p $$(@D)
	$$(CC) $$(WORKER_LINK) -o $$@ $$(filter %.o,$$^) -ltenon $$(LIBRARIES_$(1))
endef
$(foreach folder,$(PLUGIN_FOLDERS),$(eval $(call folder_plugin,$(folder))))

-include $(patsubst %.c,$(BUILD)/obj/%.d,$(SOURCES))

# ---- Tests ---------------------------------------------------------------------------------

TEST_LINK = $(LINK) -Wl,-rpath,'$$ORIGIN/../..:$$ORIGIN/../../..'

# tests/framework/ and tests/bench/: with all of the host, but its main().
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(BUILD)/libtenon-test.a $(BUILD)/libhost.a \
                  $(BUILD)/libtenon.so
	@mkdir -p $(@D)
	$(CC) $(TEST_LINK) -o $@ $(filter %.o %.a,$^) -ltenon $(HOST_LIBRARIES) -lcunit

# With no more of the host than they look at.
FUZZED = $(LIBRARY_SOURCES) $(patsubst %,framework/serve/%.c,coding framing scan target)

HTTP_PARSER = $(if $(wildcard /usr/include/http_parser.h),-lhttp_parser)

$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(call objects,$(FUZZED))
	@mkdir -p $(@D)
	$(CC) $(LINK) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(HTTP_PARSER)

# What the host is compared with: libmicrohttpd and nothing else.
$(BUILD)/tests/bench/bare: $(BUILD)/obj/tests/bench/bare.o
	@mkdir -p $(@D)
	$(CC) $(LINK) -o $@ $< -lmicrohttpd

# The host, linked so that libmicrohttpd does not find its recv: it must not serve.
$(BUILD)/tests/untapped: $(call objects,$(MAIN_SOURCES)) $(BUILD)/libhost.a $(BUILD)/libtenon.so
	@mkdir -p $(@D)
	$(CC) $(LINK) -Wl,-rpath,'$$ORIGIN/..' -Wl,--exclude-libs,libhost.a -o $@ \
		$(filter %.o %.a,$^) -ltenon $(HOST_LIBRARIES)

# As a Worker's author would: the kit, and what it needs.
$(BUILD)/tests/plugins/%: $(BUILD)/obj/tests/plugins/%.o $(BUILD)/libtenon-test.a \
                          $(BUILD)/libtenon.so
	@mkdir -p $(@D)
	$(CC) $(TEST_LINK) -o $@ $(filter %.o,$^) -ltenon-test -ltenon $(KIT_LIBRARIES) \
		$(LIBRARIES_$(patsubst test_%,%,$*))

E2E_HELPERS = $(filter-out tests/e2e/test_%.c,$(wildcard tests/e2e/*.c))

$(BUILD)/tests/e2e/%: $(BUILD)/obj/tests/e2e/%.o $(call objects,$(E2E_HELPERS))
	@mkdir -p $(@D)
	$(CC) $(TEST_LINK) -o $@ $(filter %.o,$^) -lcunit -lcurl -ljansson

FAULT_HELPERS = $(filter-out tests/faults/test_%.c,$(wildcard tests/faults/*.c))

$(BUILD)/tests/faults/%: $(BUILD)/obj/tests/faults/%.o $(call objects,$(FAULT_HELPERS) $(E2E_HELPERS))
	@mkdir -p $(@D)
	$(CC) $(TEST_LINK) -o $@ $(filter %.o,$^) -lcunit -lcurl -ljansson

PROXY_HELPERS = $(filter-out tests/proxies/test_%.c,$(wildcard tests/proxies/*.c))

$(BUILD)/tests/proxies/%: $(BUILD)/obj/tests/proxies/%.o $(call objects,$(PROXY_HELPERS) $(E2E_HELPERS))
	@mkdir -p $(@D)
	$(CC) $(TEST_LINK) -o $@ $(filter %.o,$^) -lcunit -lcurl -ljansson

# Fixtures are Workers that are wrong on purpose: none of a good Worker's flags.
$(BUILD)/tests/fixtures/%.so: $(BUILD)/obj/tests/fixtures/%.o $(BUILD)/libtenon.so
	@mkdir -p $(@D)
	$(CC) $(LINK) -shared -o $@ $(filter %.o,$^) -ltenon $(FIXTURE_LIBRARIES)

# One that talks to a real library, and its test, which does so under load.
$(BUILD)/tests/fixtures/serve_sqlite.so: FIXTURE_LIBRARIES = -lsqlite3
$(BUILD)/tests/e2e/test_sqlite: $(call objects,$(FAULT_HELPERS))

# Two with libraries of their own: in one each object says itself where its needs are, in the other
# the module says it for all.
ORIGIN = $(BUILD)/tests/fixtures/origin

$(ORIGIN)/more/libfar.so:   NEEDS =
$(ORIGIN)/lib/libnear.so:   NEEDS = -L$(ORIGIN)/more -lfar \
                                    -Wl,--enable-new-dtags,-rpath,'$${ORIGIN}/../more'
$(ORIGIN)/lib/libplain.so:  NEEDS = -L$(ORIGIN)/more -lfar
$(ORIGIN)/runpath.so:       NEEDS = -L$(ORIGIN)/lib -lnear -ltenon -Wl,-rpath-link,$(ORIGIN)/more \
                                    -Wl,--enable-new-dtags,-rpath,'/nowhere:$$ORIGIN/lib'
$(ORIGIN)/rpath.so:         NEEDS = -L$(ORIGIN)/lib -lplain -ltenon -Wl,-rpath-link,$(ORIGIN)/more \
                                    -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/lib:$$ORIGIN/more'

ORIGIN_OBJECTS = $(BUILD)/obj/tests/fixtures/origin

$(ORIGIN)/more/libfar.so: $(ORIGIN_OBJECTS)/far.o
$(ORIGIN)/lib/libnear.so $(ORIGIN)/lib/libplain.so: $(ORIGIN_OBJECTS)/near.o $(ORIGIN)/more/libfar.so
$(ORIGIN)/runpath.so: $(ORIGIN)/lib/libnear.so
$(ORIGIN)/rpath.so: $(ORIGIN)/lib/libplain.so
$(ORIGIN)/runpath.so $(ORIGIN)/rpath.so: $(ORIGIN_OBJECTS)/module.o $(BUILD)/libtenon.so

$(ORIGIN)/%.so:
	@mkdir -p $(@D)
	$(CC) $(LINK) -shared -o $@ $(filter %.o,$^) $(NEEDS)

# ---- Installing ----------------------------------------------------------------------------

ROOT = $(DESTDIR)$(PREFIX)

INSTALLED = bin/tenon \
            lib/libtenon.so.$(ABI) lib/libtenon.so.$(basename $(ABI)) lib/libtenon.so \
            lib/libtenon-test.a lib/tenon/worker.map lib/tenon/tenon-backtrace \
            lib/pkgconfig/tenon.pc lib/pkgconfig/tenon-test.pc \
            include/tenon.h include/tenon/test.h \
            share/man/man1/tenon.1 share/man/man3/tenon.3 share/man/man5/tenon.ini.5 \
            $(FUNCTIONS:%=share/man/man3/%.3) \
            share/bash-completion/completions/tenon \
            lib/systemd/system/tenon.service lib/systemd/system/tenon.socket \
            share/doc/tenon/examples/tenon.ini share/doc/tenon/tutorial.md \
            $(addprefix share/doc/tenon/examples/,$(EXAMPLES) $(notdir $(wildcard plugins/*.c)))

EXAMPLES = nginx.conf haproxy.cfg Caddyfile

# Each is found by its name: a line that leads to the page of all.
FUNCTIONS = TN_WORKER tn_fetch $(shell sed -n '/^TENON_[0-9]/,/^}/s/^\t\(tn_.*\);/\1/p' \
            framework/message/libtenon.map | grep -v ^tn_worker_)

FILL = sed "s|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@LIBRARIES@|$(LINKED)|"

# Of what deploy/ needs the very files that tenon is linked with: they are there where it runs, also
# without the packages that have their headers.
LINKED = $$(readelf -d $(BUILD)/installed/tenon | \
            sed -n 's/.*\[\(lib\(inih\|xxhash\)\.so[.0-9]*\)\]$$/-l:\1/p' | tr '\n' ' ')

install: all
	install -D $(BUILD)/installed/tenon $(ROOT)/bin/tenon
	install -D $(BUILD)/installed/tenon-backtrace $(ROOT)/lib/tenon/tenon-backtrace
	install -D $(BUILD)/libtenon.so $(ROOT)/lib/libtenon.so.$(ABI)
	ln -sf libtenon.so.$(ABI) $(ROOT)/lib/libtenon.so.$(basename $(ABI))
	ln -sf libtenon.so.$(ABI) $(ROOT)/lib/libtenon.so
	install -D -m 644 -t $(ROOT)/lib $(BUILD)/libtenon-test.a
	install -D -m 644 -t $(ROOT)/lib/tenon framework/message/worker.map
	$(FILL) framework/message/tenon.pc.in | install -D -m 644 /dev/stdin $(ROOT)/lib/pkgconfig/tenon.pc
	$(FILL) framework/kit/tenon-test.pc.in | install -D -m 644 /dev/stdin $(ROOT)/lib/pkgconfig/tenon-test.pc
	install -D -m 644 -t $(ROOT)/include include/tenon.h
	install -D -m 644 -t $(ROOT)/include/tenon include/tenon/test.h
	install -D -m 644 -t $(ROOT)/share/man/man1 framework/command/tenon.1
	install -D -m 644 -t $(ROOT)/share/man/man3 framework/message/tenon.3
	for name in $(FUNCTIONS); do echo '.so man3/tenon.3' >$(ROOT)/share/man/man3/$$name.3 || exit 1; done
	install -D -m 644 -t $(ROOT)/share/man/man5 framework/deploy/tenon.ini.5
	install -D -m 644 etc/tenon.bash-completion $(ROOT)/share/bash-completion/completions/tenon
	$(FILL) etc/systemd/tenon.service.in | install -D -m 644 /dev/stdin $(ROOT)/lib/systemd/system/tenon.service
	install -D -m 644 -t $(ROOT)/lib/systemd/system etc/systemd/tenon.socket
	$(FILL) etc/systemd/tenon.ini.in | install -D -m 644 /dev/stdin $(ROOT)/share/doc/tenon/examples/tenon.ini
	install -D -m 644 -t $(ROOT)/share/doc/tenon/examples $(addprefix etc/proxies/,$(EXAMPLES))
	install -D -m 644 -t $(ROOT)/share/doc/tenon/examples plugins/*.c
	install -D -m 644 plugins/README.md $(ROOT)/share/doc/tenon/tutorial.md

uninstall:
	rm -f $(addprefix $(ROOT)/,$(INSTALLED))
	rmdir --ignore-fail-on-non-empty $(wildcard $(ROOT)/lib/tenon $(ROOT)/include/tenon \
		$(ROOT)/share/doc/tenon/examples $(ROOT)/share/doc/tenon)

# ---- The rest ------------------------------------------------------------------------------

# For editors. A directory is newer when a file has come or gone.
define newline


endef

compile_commands.json: INCLUDES = -Iinclude -Iframework -Itests
compile_commands.json: Makefile $(sort $(dir $(SOURCES)))
	$(file >$@,[$(subst }$(space){,}$(comma)$(newline){,$(foreach source,$(SOURCES),{ \
		"directory": "$(CURDIR)"$(comma) "file": "$(source)"$(comma) \
		"command": "$(CC) $(subst ",\",$(FLAGS)) -c $(source)" }))])

clean:
	rm -rf build compile_commands.json
