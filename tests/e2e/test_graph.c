/* test_graph.c - who calls whom, as a tree, for graphviz and for programs. */
#include "harness.h"

#include "../cunit.h"

#include <jansson.h>
#include <sys/resource.h>
#include <sysexits.h>

/* Runs `tenon graph`, with an option and its value where they are not NULL. */
static struct finished graph(const char *file, const char *option, const char *value)
{
	const char *const arguments[] = { "graph", file, option, value, NULL };

	return tenon_run(arguments, NULL);
}

/* With ./ for the scratch directory. */
static const char *plain(const char *text)
{
	const char *directory = scratch_directory();
	const char *result = "";
	const char *at;

	while ((at = strstr(text, directory))) {
		result = text_of("%s%.*s.", result, (int)(at - text), text);
		text = at + strlen(directory);
	}
	return text_of("%s%s", result, text);
}

static void expect(const struct finished *finished, const char *expected)
{
	CHECK_NUMBER(finished->code, 0);
	CHECK_TEXT(finished->err, "");
	CHECK_TEXT(plain(finished->out), expected);
}

static const char shop[] =
	"[worker gateway]\n"
	"route = /api/*, /*\n"
	"service.auth = auth@v1 90%, auth@v2 10%\n"
	"split.auth.key = cookie:session\n"
	"service.pages = pages\n"
	"[worker auth]\n"
	"service.store = store\n"
	"[worker auth@v1]\n"
	"[worker auth@v2]\n"
	"module = auth-2.so\n"
	"route = v2.example.com/*\n"
	"[worker auth@v3]\n"
	"inherits = auth@v2\n"
	"[worker pages]\n"
	"service.auth = auth@v1 75.5%, auth@v2 24.5%\n"
	"service.home = gateway\n"
	"service.self = pages\n"
	"service.store = store\n"
	"[worker store]\n"
	"[worker gateway@staging]\n"
	"[worker store@staging]\n"
	"route = store.example.com/*\n"
	"[worker report]\n"
	"service.store = store\n"
	"[worker cron]\n"
	"service.report = report\n"
	"[worker ping]\n"
	"service.pong = pong\n"
	"[worker pong]\n"
	"service.ping = ping\n";

/* ---- The tree ------------------------------------------------------------------------------ */

static void the_tree_tells_routes_splits_variants_cycles_and_the_unreachable_apart(void)
{
	struct finished finished = graph(scratch_write("x.ini", "%s", shop), NULL, NULL);

	expect(&finished,
	       "store.example.com/*\n"
	       "  store@staging (variant of store)\n"
	       "v2.example.com/*\n"
	       "  auth@v2 (variant of auth)\n"
	       "    store -> store\n"
	       "/api/*\n"
	       "/*\n"
	       "  gateway\n"
	       "    auth -> auth@v1 90% by cookie:session (variant of auth)\n"
	       "      store -> store\n"
	       "    auth -> auth@v2 10% by cookie:session (variant of auth, public, see above)\n"
	       "    pages -> pages\n"
	       "      auth -> auth@v1 75.5% (variant of auth, see above)\n"
	       "      auth -> auth@v2 24.5% (variant of auth, public, see above)\n"
	       "      home -> gateway (public, cycle)\n"
	       "      self -> pages (cycle)\n"
	       "      store -> store\n"
	       "unreachable: no route leads to these Workers\n"
	       "  auth\n"
	       "    store -> store\n"
	       "  auth@v3 (variant of auth@v2)\n"
	       "    store -> store\n"
	       "  gateway@staging (variant of gateway)\n"
	       "    auth -> auth@v1 90% by cookie:session (variant of auth, see above)\n"
	       "    auth -> auth@v2 10% by cookie:session (variant of auth, public, see above)\n"
	       "    pages -> pages (see above)\n"
	       "  cron\n"
	       "    report -> report\n"
	       "      store -> store\n"
	       "  ping\n"
	       "    pong -> pong\n"
	       "      ping -> ping (cycle)\n");
}

static void the_tree_of_an_environment_shows_the_variants_that_it_binds(void)
{
	struct finished finished = graph(scratch_write("x.ini", "%s", shop), "--environment",
	                                 "staging");

	expect(&finished,
	       "environment staging\n"
	       "store.example.com/*\n"
	       "  store@staging (variant of store)\n"
	       "/api/*\n"
	       "/*\n"
	       "  gateway@staging (variant of gateway)\n"
	       "    auth -> auth@v1 90% by cookie:session (variant of auth)\n"
	       "      store -> store@staging (variant of store, written store, public)\n"
	       "    auth -> auth@v2 10% by cookie:session (variant of auth)\n"
	       "      store -> store@staging (variant of store, written store, public)\n"
	       "    pages -> pages\n"
	       "      auth -> auth@v1 75.5% (variant of auth, see above)\n"
	       "      auth -> auth@v2 24.5% (variant of auth, see above)\n"
	       "      home -> gateway@staging (variant of gateway, written gateway, public, "
	       "cycle)\n"
	       "      self -> pages (cycle)\n"
	       "      store -> store@staging (variant of store, written store, public)\n"
	       "unreachable: no route leads to these Workers\n"
	       "  gateway\n"
	       "    auth -> auth@v1 90% by cookie:session (variant of auth, see above)\n"
	       "    auth -> auth@v2 10% by cookie:session (variant of auth, see above)\n"
	       "    pages -> pages (see above)\n"
	       "  auth\n"
	       "    store -> store@staging (variant of store, written store, public)\n"
	       "  auth@v3 (variant of auth@v2)\n"
	       "    store -> store@staging (variant of store, written store, public)\n"
	       "  store\n"
	       "  cron\n"
	       "    report -> report\n"
	       "      store -> store@staging (variant of store, written store, public)\n"
	       "  ping\n"
	       "    pong -> pong\n"
	       "      ping -> ping (cycle)\n");
}

static void what_was_named_in_full_is_not_shown_as_the_work_of_the_environment(void)
{
	const char *file = scratch_write("x.ini", "[worker a]\n"
	                                          "route = /\n"
	                                          "service.one = b@x\n"
	                                          "service.two = b@y 50%%, b 50%%\n"
	                                          "[worker b]\n"
	                                          "[worker b@x]\n"
	                                          "[worker b@y]\n");
	struct finished finished = graph(file, "--environment", "x");

	expect(&finished, "environment x\n"
	                  "/\n"
	                  "  a\n"
	                  "    one -> b@x (variant of b)\n"
	                  "    two -> b@y 50% (variant of b)\n"
	                  "    two -> b@x 50% (variant of b, written b)\n"
	                  "unreachable: no route leads to these Workers\n"
	                  "  b\n");
}

static void a_worker_that_blocks_is_marked_wherever_it_stands(void)
{
	const char *file = scratch_write("x.ini", "[worker a]\n"
	                                          "route = /a\n"
	                                          "service.b = b\n"
	                                          "[worker b]\n"
	                                          "route = /b\n"
	                                          "blocking = yes\n");
	struct finished finished = graph(file, NULL, NULL);

	expect(&finished, "/a\n"
	                  "  a\n"
	                  "    b -> b (public, blocks)\n"
	                  "/b\n"
	                  "  b (blocks)\n");
}

static void a_public_worker_that_another_binds_stands_below_each_of_its_routes(void)
{
	const char *file = scratch_write("x.ini", "[worker a]\n"
	                                          "route = /a/*\n"
	                                          "service.b = b\n"
	                                          "[worker b]\n"
	                                          "route = /*\n"
	                                          "service.c = c\n"
	                                          "[worker c]\n");
	struct finished finished = graph(file, NULL, NULL);

	expect(&finished, "/a/*\n"
	                  "  a\n"
	                  "    b -> b (public)\n"
	                  "      c -> c\n"
	                  "/*\n"
	                  "  b (see above)\n");
}

static void without_routes_all_are_unreachable_and_callers_stand_first(void)
{
	const char *file = scratch_write("x.ini", "[worker a]\n"
	                                          "service.b = b\n"
	                                          "[worker b]\n"
	                                          "[worker c]\n"
	                                          "service.a = a\n");
	struct finished finished = graph(file, NULL, NULL);

	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.out, "unreachable: no route leads to these Workers\n"
	                         "  c\n"
	                         "    a -> a\n"
	                         "      b -> b\n");
}

/* ---- Large ones ---------------------------------------------------------------------------- */

/* w0 > w1 > ... and the last one binds the first. */
static const char *write_chain(unsigned count)
{
	size_t room = (size_t)count * 64;
	char *text = memory_of(room);
	size_t size = 0;

	for (unsigned i = 0; i < count; i++)
		size += (size_t)snprintf(text + size, room - size,
		                         "[worker w%u]\n%sservice.next = w%u\n", i,
		                         i ? "" : "route = /\n", (i + 1) % count);
	return scratch_write_bytes("chain.ini", text, size);
}

static void levels_that_are_too_deep_to_indent_are_numbered(void)
{
	struct finished finished = graph(write_chain(40), NULL, NULL);

	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(lines_matching(finished.out, "."), 42);
	CHECK_NUMBER(lines_matching(finished.out, "^ {64}next -> w31$"), 1);
	CHECK_NUMBER(lines_matching(finished.out, "^ {64}\\[33\\] next -> w32$"), 1);
	CHECK_NUMBER(lines_matching(finished.out, "^ {64}\\[41\\] next -> w0 \\(public, cycle\\)$"),
	             1);
}

/* With a stack that a call for each Worker would not fit in. */
static void a_long_chain_needs_no_deep_stack(void)
{
	const char *const options[] = { NULL, "--dot", "--json" };
	const char *file = write_chain(20000);
	struct rlimit before, small;

	CU_ASSERT_FATAL(getrlimit(RLIMIT_STACK, &before) == 0);
	small = before;
	small.rlim_cur = 512 * 1024;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct finished finished;

		CU_ASSERT(setrlimit(RLIMIT_STACK, &small) == 0);
		finished = graph(file, options[i], NULL);
		CU_ASSERT(setrlimit(RLIMIT_STACK, &before) == 0);
		CHECK_NUMBER(finished.code, 0);
		CU_ASSERT(count_of(finished.out, "w19999") > 0);
	}
}

/* Every Worker binds five, the next among them: the ways through it are without number, but each
 * binding is printed once. */
static void the_tree_is_as_long_as_the_configuration(void)
{
	size_t room = (size_t)256 * 1024;
	char *text = memory_of(room);
	size_t size = 0;
	struct finished finished;

	for (unsigned i = 0; i < 1000; i++)
		size += (size_t)snprintf(text + size, room - size,
		                         "[worker w%u]\n%sservice.a = w%u\nservice.b = w%u\n"
		                         "service.c = w%u\nservice.d = w%u\nservice.e = w%u\n",
		                         i, i ? "" : "route = /\n", (i + 1) % 1000,
		                         (i * 7 + 3) % 1000, (i * 31 + 5) % 1000,
		                         (i * 57 + 11) % 1000, (i + 500) % 1000);
	finished = graph(scratch_write_bytes("large.ini", text, size), NULL, NULL);
	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(count_of(finished.out, "\n"), 2 + 5000);
	CHECK_NUMBER(count_of(finished.out, " -> "), 5000);
}

/* ---- For graphviz -------------------------------------------------------------------------- */

static void dot_gets_the_same_graph(void)
{
	struct finished finished = graph(scratch_write("x.ini", "%s", shop), "--dot", NULL);

	expect(&finished,
	       "digraph tenon {\n"
	       "\trankdir=LR;\n"
	       "\t\"store.example.com/*\" [label=\"store.example.com/*\", shape=plaintext];\n"
	       "\t\"v2.example.com/*\" [label=\"v2.example.com/*\", shape=plaintext];\n"
	       "\t\"/api/*\" [label=\"/api/*\", shape=plaintext];\n"
	       "\t\"/*\" [label=\"/*\", shape=plaintext];\n"
	       "\t\"gateway\" [label=\"gateway\", shape=box, style=bold];\n"
	       "\t\"auth\" [label=\"auth\", shape=box, style=dotted, fontcolor=gray40];\n"
	       "\t\"auth@v1\" [label=\"auth@v1\\nvariant of auth\", shape=box];\n"
	       "\t\"auth@v2\" [label=\"auth@v2\\nvariant of auth\", shape=box, style=bold];\n"
	       "\t\"auth@v3\" [label=\"auth@v3\\nvariant of auth@v2\", shape=box, style=dotted, "
	       "fontcolor=gray40];\n"
	       "\t\"pages\" [label=\"pages\", shape=box];\n"
	       "\t\"store\" [label=\"store\", shape=box];\n"
	       "\t\"gateway@staging\" [label=\"gateway@staging\\nvariant of gateway\", shape=box, "
	       "style=dotted, fontcolor=gray40];\n"
	       "\t\"store@staging\" [label=\"store@staging\\nvariant of store\", shape=box, "
	       "style=bold];\n"
	       "\t\"report\" [label=\"report\", shape=box, style=dotted, fontcolor=gray40];\n"
	       "\t\"cron\" [label=\"cron\", shape=box, style=dotted, fontcolor=gray40];\n"
	       "\t\"ping\" [label=\"ping\", shape=box, style=dotted, fontcolor=gray40];\n"
	       "\t\"pong\" [label=\"pong\", shape=box, style=dotted, fontcolor=gray40];\n"
	       "\t\"store.example.com/*\" -> \"store@staging\";\n"
	       "\t\"v2.example.com/*\" -> \"auth@v2\";\n"
	       "\t\"/api/*\" -> \"gateway\";\n"
	       "\t\"/*\" -> \"gateway\";\n"
	       "\t\"gateway\" -> \"auth@v1\" [label=\"auth 90%\\nby cookie:session\", "
	       "style=dashed];\n"
	       "\t\"gateway\" -> \"auth@v2\" [label=\"auth 10%\\nby cookie:session\", "
	       "style=dashed];\n"
	       "\t\"gateway\" -> \"pages\" [label=\"pages\", color=red];\n"
	       "\t\"auth\" -> \"store\" [label=\"store\"];\n"
	       "\t\"auth@v1\" -> \"store\" [label=\"store\"];\n"
	       "\t\"auth@v2\" -> \"store\" [label=\"store\"];\n"
	       "\t\"auth@v3\" -> \"store\" [label=\"store\"];\n"
	       "\t\"pages\" -> \"auth@v1\" [label=\"auth 75.5%\", style=dashed];\n"
	       "\t\"pages\" -> \"auth@v2\" [label=\"auth 24.5%\", style=dashed];\n"
	       "\t\"pages\" -> \"gateway\" [label=\"home\", color=red];\n"
	       "\t\"pages\" -> \"pages\" [label=\"self\", color=red];\n"
	       "\t\"pages\" -> \"store\" [label=\"store\"];\n"
	       "\t\"gateway@staging\" -> \"auth@v1\" [label=\"auth 90%\\nby cookie:session\", "
	       "style=dashed];\n"
	       "\t\"gateway@staging\" -> \"auth@v2\" [label=\"auth 10%\\nby cookie:session\", "
	       "style=dashed];\n"
	       "\t\"gateway@staging\" -> \"pages\" [label=\"pages\"];\n"
	       "\t\"report\" -> \"store\" [label=\"store\"];\n"
	       "\t\"cron\" -> \"report\" [label=\"report\"];\n"
	       "\t\"ping\" -> \"pong\" [label=\"pong\", color=red];\n"
	       "\t\"pong\" -> \"ping\" [label=\"ping\", color=red];\n"
	       "}\n");
}

/* What graphviz makes of the output of --dot. */
static struct finished draw(const char *format, const struct finished *finished)
{
	const char *file = scratch_write("x.dot", "%s", finished->out);
	const char *const arguments[] = { "dot", format, file, NULL };

	return program_run(arguments);
}

static void graphviz_accepts_what_dot_gets(void)
{
	struct finished finished = graph(scratch_write("x.ini", "%s", shop), "--dot", NULL);
	struct finished drawn = draw("-Tcanon", &finished);

	CHECK_NUMBER(drawn.code, 0);
	CHECK_TEXT(drawn.err, "");
	CHECK_NUMBER(count_of(drawn.out, " -> "), count_of(finished.out, " -> "));
	CHECK_NUMBER(count_of(drawn.out, "style=dashed"), 6);
}

static void dot_gets_the_variants_of_an_environment(void)
{
	const char *file = scratch_write("x.ini", "[worker a]\n"
	                                          "route = /\n"
	                                          "service.store = b\n"
	                                          "[worker b]\n"
	                                          "[worker b@x]\n");
	const char *const arguments[] = {
		"graph", "--dot", "--environment", "x", file, NULL
	};
	struct finished finished = tenon_run(arguments, NULL);

	expect(&finished, "digraph tenon {\n"
	                  "\trankdir=LR;\n"
	                  "\tlabel=\"environment x\";\n"
	                  "\t\"/\" [label=\"/\", shape=plaintext];\n"
	                  "\t\"a\" [label=\"a\", shape=box, style=bold];\n"
	                  "\t\"b\" [label=\"b\", shape=box, style=dotted, fontcolor=gray40];\n"
	                  "\t\"b@x\" [label=\"b@x\\nvariant of b\", shape=box];\n"
	                  "\t\"/\" -> \"a\";\n"
	                  "\t\"a\" -> \"b@x\" [label=\"store\\nwritten b\"];\n"
	                  "}\n");
	CHECK_NUMBER(draw("-Tcanon", &finished).code, 0);
}

/* Each of them means something in the language, or in a label. */
static void graphviz_shows_every_character_of_a_route(void)
{
	static const char *const shown[] = {
		">/entity&amp;lt;<",
		">/%22%5Cn%7Ba%7Cb%7D<",
		">node<",
	};
	const char *file = scratch_write("x.ini", "[worker node]\n"
	                                          "route = /entity&lt;, "
	                                          "/%%22%%5Cn%%7Ba%%7Cb%%7D\n");
	struct finished finished = graph(file, "--dot", NULL);
	struct finished drawn = draw("-Tsvg", &finished);

	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(drawn.code, 0);
	CHECK_TEXT(drawn.err, "");
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (!CHECK_NUMBER(count_of(drawn.out, shown[i]) > 0, true))
			printf("\t%s\n", shown[i]);
}

/* ---- For programs -------------------------------------------------------------------------- */

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loadb(text, strlen(text), 0, &error);

	if (!value)
		printf("\tline %d: %s\n", error.line, error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

static void programs_get_all_of_it_as_json(void)
{
	const char *file = scratch_write("x.ini",
	                                 "[worker gateway]\n"
	                                 "route = /api/*\n"
	                                 "service.auth = auth 90%%, auth@v2 9.75%%, "
	                                 "auth@v3 0.25%%\n"
	                                 "split.auth.key = header:x-user\n"
	                                 "[worker auth]\n"
	                                 "service.home = gateway\n"
	                                 "[worker auth@v2]\n"
	                                 "module = /opt/auth-2.so\n"
	                                 "service.home =\n"
	                                 "[worker auth@v3]\n"
	                                 "inherits = auth@v2\n"
	                                 "blocking = yes\n");
	struct finished finished = graph(file, "--json", NULL);
	json_t *actual = parse(plain(finished.out));
	json_t *expected = parse(
		"{ \"environment\": null,"
		"  \"routes\": [ { \"route\": \"/api/*\", \"worker\": \"gateway\","
		"                  \"file\": \"./x.ini\", \"line\": 2 } ],"
		"  \"workers\": ["
		"    { \"name\": \"gateway\", \"variant\": null, \"inherits\": null,"
		"      \"module\": \"./gateway.so\", \"public\": true, \"reachable\": true,"
		"      \"blocking\": false, \"waits\": true,"
		"      \"file\": \"./x.ini\", \"line\": 1 },"
		"    { \"name\": \"auth\", \"variant\": null, \"inherits\": null,"
		"      \"module\": \"./auth.so\", \"public\": false, \"reachable\": true,"
		"      \"blocking\": false, \"waits\": true,"
		"      \"file\": \"./x.ini\", \"line\": 5 },"
		"    { \"name\": \"auth@v2\", \"variant\": \"v2\", \"inherits\": \"auth\","
		"      \"module\": \"/opt/auth-2.so\", \"public\": false, \"reachable\": true,"
		"      \"blocking\": false, \"waits\": false,"
		"      \"file\": \"./x.ini\", \"line\": 7 },"
		"    { \"name\": \"auth@v3\", \"variant\": \"v3\", \"inherits\": \"auth@v2\","
		"      \"module\": \"/opt/auth-2.so\", \"public\": false, \"reachable\": true,"
		"      \"blocking\": true, \"waits\": true,"
		"      \"file\": \"./x.ini\", \"line\": 10 } ],"
		"  \"bindings\": ["
		"    { \"caller\": \"gateway\", \"field\": \"auth\","
		"      \"written\": \"auth 90%, auth@v2 9.75%, auth@v3 0.25%\","
		"      \"targets\": [ { \"worker\": \"auth\", \"weight\": 90 },"
		"                     { \"worker\": \"auth@v2\", \"weight\": 9.75 },"
		"                     { \"worker\": \"auth@v3\", \"weight\": 0.25 } ],"
		"      \"split\": true, \"key\": \"header:x-user\","
		"      \"file\": \"./x.ini\", \"line\": 3 },"
		"    { \"caller\": \"auth\", \"field\": \"home\", \"written\": \"gateway\","
		"      \"targets\": [ { \"worker\": \"gateway\", \"weight\": 100 } ],"
		"      \"split\": false, \"key\": null, \"file\": \"./x.ini\", \"line\": 6 } ],"
		"  \"cycles\": [ [ \"gateway\", \"auth\" ] ] }");

	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.err, "");
	if (!CHECK_NUMBER(json_equal(actual, expected), true))
		printf("%s\n", plain(finished.out));
	json_decref(actual);
	json_decref(expected);
}

static void an_inherited_binding_is_at_the_place_where_it_is_written(void)
{
	const char *file = scratch_write("x.ini", "[worker a]\n"
	                                          "service.b = b\n"
	                                          "[worker a@x]\n"
	                                          "route = /\n"
	                                          "[worker b]\n"
	                                          "[worker b@x]\n");
	const char *const arguments[] = {
		"graph", "--json", "--environment", "x", file, NULL
	};
	struct finished finished = tenon_run(arguments, NULL);
	json_t *root = parse(finished.out);
	json_t *binding = json_array_get(json_object_get(root, "bindings"), 1);
	json_t *target = json_array_get(json_object_get(binding, "targets"), 0);

	CHECK_TEXT(json_string_value(json_object_get(root, "environment")), "x");
	CHECK_TEXT(json_string_value(json_object_get(binding, "caller")), "a@x");
	CHECK_TEXT(json_string_value(json_object_get(binding, "written")), "b");
	CHECK_NUMBER(json_integer_value(json_object_get(binding, "line")), 2);
	CHECK_TEXT(json_string_value(json_object_get(target, "worker")), "b@x");
	json_decref(root);
}

/* Two that share a Worker are one; a Worker that only leads to one is in none. */
static void cycles_are_told_once_each(void)
{
	const char *file = scratch_write("x.ini", "[worker in]\n"
	                                          "route = /\n"
	                                          "service.a = a\n"
	                                          "[worker a]\n"
	                                          "service.b = b\n"
	                                          "service.c = c\n"
	                                          "[worker b]\n"
	                                          "service.a = a\n"
	                                          "[worker c]\n"
	                                          "service.a = a\n"
	                                          "service.d = d\n"
	                                          "[worker d]\n"
	                                          "service.self = d\n"
	                                          "service.out = out\n"
	                                          "[worker out]\n"
	                                          "service.one = one\n"
	                                          "[worker one]\n"
	                                          "service.two = two\n"
	                                          "[worker two]\n"
	                                          "service.three = three\n"
	                                          "[worker three]\n"
	                                          "service.one = one\n");
	struct finished finished = graph(file, "--json", NULL);
	json_t *root = parse(finished.out);
	json_t *expected = parse("[ [ \"a\", \"b\", \"c\" ], [ \"d\" ],"
	                         "  [ \"one\", \"two\", \"three\" ] ]");

	CU_ASSERT(json_equal(json_object_get(root, "cycles"), expected));
	json_decref(root);
	json_decref(expected);
}

/* ---- Mistakes ------------------------------------------------------------------------------ */

static void of_an_invalid_configuration_only_the_errors_are_printed(void)
{
	const char *file = scratch_write("x.ini", "[worker a]\n"
	                                          "route = /\n"
	                                          "service.b = bb\n"
	                                          "[worker b]\n");
	struct finished finished = graph(file, NULL, NULL);

	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(finished.out, "");
	CHECK_TEXT(plain(finished.err), "./x.ini:3: worker 'a': service.b: no worker 'bb': add "
	                                "[worker bb], or name another\n");
}

static void one_form_at_a_time(void)
{
	struct finished finished = graph(scratch_write("x.ini", "%s", shop), "--dot", "--json");

	CHECK_NUMBER(finished.code, EX_USAGE);
	CHECK_TEXT(finished.out, "");
	CHECK_TEXT(finished.err, "tenon: graph: --dot or --json, not both\n");
}

static void a_file_that_is_not_there_is_no_graph(void)
{
	struct finished finished = graph(scratch_path("none.ini"), NULL, NULL);

	CHECK_NUMBER(finished.code, EX_NOINPUT);
	CHECK_TEXT(finished.out, "");
}

TEST_MAIN("e2e/graph",
          TEST(the_tree_tells_routes_splits_variants_cycles_and_the_unreachable_apart),
          TEST(the_tree_of_an_environment_shows_the_variants_that_it_binds),
          TEST(what_was_named_in_full_is_not_shown_as_the_work_of_the_environment),
          TEST(a_worker_that_blocks_is_marked_wherever_it_stands),
          TEST(a_public_worker_that_another_binds_stands_below_each_of_its_routes),
          TEST(without_routes_all_are_unreachable_and_callers_stand_first),
          TEST(levels_that_are_too_deep_to_indent_are_numbered),
          TEST(a_long_chain_needs_no_deep_stack),
          TEST(the_tree_is_as_long_as_the_configuration),
          TEST(dot_gets_the_same_graph),
          TEST(graphviz_accepts_what_dot_gets),
          TEST(dot_gets_the_variants_of_an_environment),
          TEST(graphviz_shows_every_character_of_a_route),
          TEST(programs_get_all_of_it_as_json),
          TEST(an_inherited_binding_is_at_the_place_where_it_is_written),
          TEST(cycles_are_told_once_each),
          TEST(of_an_invalid_configuration_only_the_errors_are_printed),
          TEST(one_form_at_a_time),
          TEST(a_file_that_is_not_there_is_no_graph))
