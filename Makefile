# Tenon. `make run` and `make test` do all of their own set-up on Debian and Ubuntu.

VERSION  = 0.1.0
PREFIX   = /usr/local
DESTDIR  =
CC       = gcc
CFLAGS   = -O2 -g
SANITIZE =
DEPS     = yes

ifeq ($(SANITIZE),)
BUILD = build
else
empty :=
comma := ,
BUILD = build/sanitize-$(subst $(comma),-,$(SANITIZE))
SANITIZER = -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla
FLAGS    = -std=gnu17 -D_GNU_SOURCE -DTN_VERSION='"$(VERSION)"' -fPIC -Iinclude -Iframework \
           $(WARNINGS) $(SANITIZER) $(CFLAGS)
LINK     = $(SANITIZER) -L$(BUILD) -Wl,-z,now -Wl,-z,relro

# ---- What there is -------------------------------------------------------------------------

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

LIBRARY_SOURCES = $(wildcard framework/message/*.c) framework/observe/log.c
KIT_SOURCES     = $(wildcard framework/kit/*.c)
HOST_SOURCES    = $(wildcard framework/deploy/*.c framework/serve/*.c framework/supervise/*.c) \
                  framework/observe/access.c \
                  $(filter-out %/main.c,$(wildcard framework/command/*.c))
MAIN_SOURCES    = framework/command/main.c

# A plugin is a file, or a folder of files.
PLUGIN_FILES   = $(wildcard plugins/*.c)
PLUGIN_FOLDERS = $(patsubst plugins/%/,%,$(sort $(dir $(wildcard plugins/*/*.c))))
PLUGINS        = $(patsubst plugins/%.c,$(BUILD)/plugins/%.so,$(PLUGIN_FILES)) \
                 $(patsubst %,$(BUILD)/plugins/%.so,$(PLUGIN_FOLDERS))

UNIT_TESTS   = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/framework/*/test_*.c))
PLUGIN_TESTS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/plugins/test_*.c))
E2E_TESTS    = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/e2e/test_*.c))
FIXTURES     = $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/fixtures/*.c))
BENCHES      = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))

SOURCES = $(LIBRARY_SOURCES) $(KIT_SOURCES) $(HOST_SOURCES) $(MAIN_SOURCES) $(PLUGIN_FILES) \
          $(wildcard plugins/*/*.c tests/framework/*/*.c tests/plugins/*.c tests/e2e/*.c \
          tests/fixtures/*.c tests/bench/*.c)
HEADERS = $(wildcard include/*.h include/tenon/*.h framework/*/*.h tests/*.h tests/*/*.h)

# ---- The two commands, and their like ------------------------------------------------------

.PHONY: all run test unit lint valgrind bench install clean tests
.DELETE_ON_ERROR:

all: $(BUILD)/tenon $(BUILD)/libtenon-test.a $(PLUGINS)

run:
	@etc/packages.sh $(DEPS) run
	@$(MAKE) --no-print-directory all $(BUILD)/demo-token
	@echo
	@echo 'In another terminal, 200 and then 403:'
	@echo
	@echo '    curl -i -H "x-custom-token: $$(cat $(BUILD)/demo-token)" http://127.0.0.1:8080/'
	@echo '    curl -i http://127.0.0.1:8080/'
	@echo
	@exec $(BUILD)/tenon run etc/tenon.ini

test:
	@etc/packages.sh $(DEPS) run test
	@$(MAKE) --no-print-directory all tests
	@BUILD=$(BUILD) tests/run.sh $(UNIT_TESTS) $(PLUGIN_TESTS) $(E2E_TESTS)

tests: all $(UNIT_TESTS) $(PLUGIN_TESTS) $(E2E_TESTS) $(FIXTURES) $(BENCHES)

# Random, and never checked in.
$(BUILD)/demo-token:
	@umask 077; head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >$@

# ---- How it is built -----------------------------------------------------------------------

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libtenon.so: $(call objects,$(LIBRARY_SOURCES)) framework/message/libtenon.map
	$(CC) $(LINK) -shared -Wl,-soname,libtenon.so.1 -Wl,-Bsymbolic -Wl,-z,defs \
		-Wl,--version-script=framework/message/libtenon.map -o $@ $(filter %.o,$^)
	@ln -sf libtenon.so $(BUILD)/libtenon.so.1

$(BUILD)/libtenon-test.a: $(call objects,$(KIT_SOURCES))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libhost.a: $(call objects,$(HOST_SOURCES))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/tenon: $(call objects,$(MAIN_SOURCES)) $(BUILD)/libhost.a $(BUILD)/libtenon.so
	$(CC) $(LINK) -Wl,-rpath,'$$ORIGIN:$$ORIGIN/../lib' -o $@ $(filter %.o %.a,$^) \
		-ltenon -lmicrohttpd -linih -ldl

WORKER_LINK = $(LINK) -shared -Wl,-Bsymbolic -Wl,-z,defs \
              -Wl,--version-script=framework/message/worker.map

$(BUILD)/plugins/%.so: $(BUILD)/obj/plugins/%.o $(BUILD)/libtenon.so framework/message/worker.map
	@mkdir -p $(@D)
	$(CC) $(WORKER_LINK) -o $@ $(filter %.o,$^) -ltenon

define folder_plugin
$(BUILD)/plugins/$(1).so: $(call objects,$(wildcard plugins/$(1)/*.c)) $(BUILD)/libtenon.so
	@mkdir -p $$(@D)
	$$(CC) $$(WORKER_LINK) -o $$@ $$(filter %.o,$$^) -ltenon
endef
$(foreach folder,$(PLUGIN_FOLDERS),$(eval $(call folder_plugin,$(folder))))

# ---- Tests ---------------------------------------------------------------------------------

TEST_LINK = $(LINK) -Wl,-rpath,'$$ORIGIN/../..:$$ORIGIN/../../..'

$(BUILD)/tests/framework/%: $(BUILD)/obj/tests/framework/%.o $(BUILD)/libhost.a \
                            $(BUILD)/libtenon.so $(BUILD)/libtenon-test.a
	@mkdir -p $(@D)
	$(CC) $(TEST_LINK) -o $@ $(filter %.o,$^) $(BUILD)/libtenon-test.a $(BUILD)/libhost.a \
		-ltenon -lmicrohttpd -linih -ldl -lcunit

# As a Worker's author would: the library and CUnit.
$(BUILD)/tests/plugins/%: $(BUILD)/obj/tests/plugins/%.o $(BUILD)/libtenon-test.a \
                          $(BUILD)/libtenon.so
	@mkdir -p $(@D)
	$(CC) $(TEST_LINK) -o $@ $(filter %.o,$^) -ltenon-test -ltenon -lcunit

E2E_HELPERS = $(filter-out tests/e2e/test_%.c,$(wildcard tests/e2e/*.c))

$(BUILD)/tests/e2e/%: $(BUILD)/obj/tests/e2e/%.o $(call objects,$(E2E_HELPERS))
	@mkdir -p $(@D)
	$(CC) $(TEST_LINK) -o $@ $(filter %.o,$^) -lcunit -lcurl

# Fixtures are Workers that are wrong on purpose: none of a good Worker's flags.
$(BUILD)/tests/fixtures/%.so: $(BUILD)/obj/tests/fixtures/%.o $(BUILD)/libtenon.so
	@mkdir -p $(@D)
	$(CC) $(LINK) -shared -o $@ $(filter %.o,$^) -ltenon

# ---- Installing ----------------------------------------------------------------------------

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/tenon \
		$(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/tenon

clean:
	rm -rf build compile_commands.json

-include $(patsubst %.c,$(BUILD)/obj/%.d,$(SOURCES))
