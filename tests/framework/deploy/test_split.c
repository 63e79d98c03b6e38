#include "deploy/split.h"

#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"
#include "message/quarantine.h"

#include <math.h>

#define MANY 100000 /* draws, or keys */
#define FEW 1000
#define VERSIONS_MOST 4

#define PART 10000 /* of a weight: 1% */

/* ---- Workers that note that they were called, and splits of them ---------------------------- */

struct env {
	struct tn_service self;
	const struct tn_service *binding;
	struct tn_response *(*behave)(struct tn_request *request, const struct env *env);
};

static const struct tn_service *called; /* the last one */
static const struct tn_request *called_with;
static const struct tn_response *answered;

static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	called = &env->self;
	called_with = request;
	return env->behave(request, env);
}

TN_WORKER(worker, struct env, TN_SERVICE_OPTIONAL(binding), TN_STATE(behave));

static struct tn_response *answer(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = tn_response_new(request, 200);

	(void)env;
	answered = response;
	return response;
}

static struct tn_response *answer_null(struct tn_request *request, const struct env *env)
{
	(void)request;
	(void)env;
	return NULL;
}

static struct tn_response *pass_on(struct tn_request *request, const struct env *env)
{
	return tn_fetch(env->binding, request);
}

struct version {
	const char *name;
	uint32_t weight;
};

/* A split and its Workers, in one block for the caller to free. */
struct world {
	struct env workers[VERSIONS_MOST];
	struct tn_split *split;
};

static struct world *make(struct tn_split_key key, const struct version *versions, size_t count)
{
	struct world *world = calloc(1, sizeof(*world) + tn_split_size(count));

	if (!world || count > VERSIONS_MOST)
		abort();
	world->split = (struct tn_split *)(void *)(world + 1);
	tn_split_init(world->split, "service.auth", &key);
	for (size_t i = 0; i < count; i++) {
		world->workers[i] = (struct env){
			.self = { .fetch = fetch, .name = versions[i].name },
			.behave = answer,
		};
		tn_split_add(world->split, &world->workers[i].self, versions[i].weight);
	}
	return world;
}

#define DRAWN ((struct tn_split_key){ .source = TN_SPLIT_DRAW })
#define BY_HEADER ((struct tn_split_key){ .source = TN_SPLIT_HEADER, .name = "x-user" })
#define BY_COOKIE ((struct tn_split_key){ .source = TN_SPLIT_COOKIE, .name = "session" })
#define BY_ADDRESS ((struct tn_split_key){ .source = TN_SPLIT_ADDRESS })

/* MAKE(key, { "auth@v1", 90 * PART }, ...) */
#define MAKE(key_, ...) \
	make(key_, (const struct version[]){ __VA_ARGS__ }, \
	     sizeof((const struct version[]){ __VA_ARGS__ }) / sizeof(struct version))

static size_t index_of(const struct world *world, const struct tn_service *service)
{
	for (size_t i = 0; i < VERSIONS_MOST; i++)
		if (service == &world->workers[i].self)
			return i;
	CU_FAIL("none of the versions was chosen");
	return 0;
}

/* Exchanges whose numbers are the same in every run: what is improbable fails always or never. */
static void start(struct fixture *fixture)
{
	called = NULL;
	fixture_init(fixture);
	fixture_end(fixture);
	fixture->pool.seed = 20260101;
	fixture->pool.number = 0;
	fixture_begin(fixture);
}

static void next(struct fixture *fixture)
{
	fixture_end(fixture);
	fixture_begin(fixture);
}

/* Which version the exchange calls through the split. */
static size_t call(struct fixture *fixture, const struct world *world)
{
	called = NULL;
	tn_fetch(&world->split->self, fixture->request);
	return index_of(world, called);
}

static size_t choose(const struct world *world, const char *key)
{
	return index_of(world, tn_split_choose_key(world->split, key, strlen(key)));
}

static const char *user(unsigned number)
{
	static char text[32];

	snprintf(text, sizeof(text), "user-%u", number);
	return text;
}

/* ---- Reading -------------------------------------------------------------------------------- */

#define NO_ITEM \
	"not a Worker and its weight: write the name, a blank and a percentage, such as " \
	"auth@v2 10%"
#define NO_COMMA \
	"something behind the '%': separate the versions by commas, such as auth@v1 90%, " \
	"auth@v2 10%"
#define NO_WEIGHT "not a weight: write a percentage behind the name, such as auth@v2 10%"
#define NEGATIVE "a weight cannot be negative: write one such as 10%"
#define NO_PERCENT "a weight needs its '%': write one such as 10%"
#define FINE "too fine: a weight has up to four decimals, such as 33.3333%"
#define LARGE "too large: a weight is at most 100%"

static void an_item_is_a_name_and_its_weight(void)
{
	static const struct {
		const char *item, *name;
		uint32_t weight;
		bool weighted;
	} cases[] = {
		{ "auth", "auth", 1000000, false },
		{ "auth@v2", "auth@v2", 1000000, false },
		{ "auth@v2 10%", "auth@v2", 100000, true },
		{ "auth@v2   10%", "auth@v2", 100000, true },
		{ "auth@v2\t10%", "auth@v2", 100000, true },
		{ "auth@v2 \t 10 \t %", "auth@v2", 100000, true },
		{ "a 0%", "a", 0, true },
		{ "a 0.0%", "a", 0, true },
		{ "a 0.0001%", "a", 1, true },
		{ "a 0.25%", "a", 2500, true },
		{ "a 0.2500%", "a", 2500, true },
		{ "a 007%", "a", 70000, true },
		{ "a 33.3333%", "a", 333333, true },
		{ "a 0000000000000000000000000000000001.5%", "a", 15000, true },
		{ "a 99.9999%", "a", 999999, true },
		{ "a 100%", "a", 1000000, true },
		{ "a 100.0000%", "a", 1000000, true },
		{ "-.- 1%", "-.-", 10000, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *item = strdup(cases[i].item);
		bool weighted = !cases[i].weighted;
		uint32_t weight = 77;

		CHECK_TEXT(tn_split_item_read(item, &weight, &weighted), NULL);
		CHECK_TEXT(item, cases[i].name);
		CHECK_NUMBER(weight, cases[i].weight);
		CHECK_NUMBER(weighted, cases[i].weighted);
		free(item);
	}
}

static void a_wrong_item_is_left_as_it_is_and_has_its_cure(void)
{
	static const struct {
		const char *item, *problem;
	} cases[] = {
		{ "", NO_ITEM },
		{ "10%", NO_ITEM },
		{ "10% auth@v2", NO_ITEM },
		{ "auth@v2:10%", NO_ITEM },
		{ " auth@v2 10%", NO_ITEM },
		{ "auth@v2 ten%", NO_WEIGHT },
		{ "auth@v2 %", NO_WEIGHT },
		{ "auth@v2 -", NO_WEIGHT },
		{ "auth@v2 -%", NO_WEIGHT },
		{ "auth@v2 --1%", NO_WEIGHT },
		{ "auth@v2 +10%", NO_WEIGHT },
		{ "auth@v2 .5%", NO_WEIGHT },
		{ "auth@v2 5.%", NO_WEIGHT },
		{ "auth@v2 .%", NO_WEIGHT },
		{ "auth@v2 1.2.3%", NO_WEIGHT },
		{ "auth@v2 1e1%", NO_WEIGHT },
		{ "auth@v2 0x10%", NO_WEIGHT },
		{ "auth@v2 nan%", NO_WEIGHT },
		{ "auth@v2 1 0%", NO_WEIGHT },
		{ "auth@v2 10%%", NO_WEIGHT },
		{ "auth@v2 10% 20%", NO_COMMA },
		{ "auth@v2 10% auth@v1", NO_COMMA },
		{ "auth@v2 auth@v1", NO_WEIGHT },
		{ "auth@v2 10percent", NO_WEIGHT },
		{ "auth@v2 -10%", NEGATIVE },
		{ "auth@v2 -0%", NEGATIVE },
		{ "auth@v2 -10", NEGATIVE },
		{ "auth@v2 10", NO_PERCENT },
		{ "auth@v2 0.1", NO_PERCENT },
		{ "auth@v2 150", NO_PERCENT },
		{ "auth@v2 33.33333%", FINE },
		{ "auth@v2 10.00000%", FINE },
		{ "auth@v2 100.0001%", LARGE },
		{ "auth@v2 101%", LARGE },
		{ "auth@v2 4294968%", LARGE },
		{ "auth@v2 18446744073709551617%", LARGE },
		{ "auth@v2 99999999999999999999999999999999999999999.9999%", LARGE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *item = strdup(cases[i].item);
		uint32_t weight = 77;
		bool weighted = true;

		if (!CHECK_TEXT(tn_split_item_read(item, &weight, &weighted), cases[i].problem))
			printf("'%s':\n", cases[i].item);
		CHECK_TEXT(item, cases[i].item);
		CHECK_NUMBER(weight, 77);
		CU_ASSERT(weighted);
		free(item);
	}
}

static void a_weight_is_written_without_what_it_does_not_need(void)
{
	static const struct {
		uint32_t weight;
		const char *text;
	} cases[] = {
		{ 0, "0%" },
		{ 1, "0.0001%" },
		{ 10, "0.001%" },
		{ 2500, "0.25%" },
		{ 10000, "1%" },
		{ 100000, "10%" },
		{ 105000, "10.5%" },
		{ 333333, "33.3333%" },
		{ 999999, "99.9999%" },
		{ 1000000, "100%" },
		{ 1234500, "123.45%" },
		{ UINT32_MAX, "429496.7295%" },
	};
	char text[TN_WEIGHT_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_PTR_EQUAL(tn_weight_text(cases[i].weight, text), text);
		CHECK_TEXT(text, cases[i].text);
	}
}

static void what_is_written_is_read_as_the_same_weight(void)
{
	char item[TN_WEIGHT_SIZE + 2] = "a ";
	unsigned wrong = 0;

	for (uint32_t weight = 0; weight <= TN_WEIGHT_WHOLE; weight += 37) {
		uint32_t again = 0;
		bool weighted;

		tn_weight_text(weight, item + 2);
		wrong += tn_split_item_read(item, &again, &weighted) || again != weight;
		item[1] = ' ';
	}
	CHECK_NUMBER(wrong, 0);
}

#define NO_KEY "not a key: write header:NAME, cookie:NAME or address"
#define NO_HEADER "not a header's name: write one such as header:x-user"
#define NO_COOKIE "not a cookie's name: write one such as cookie:session"

static void a_key_is_a_header_a_cookie_or_the_address(void)
{
	static const struct {
		const char *text;
		enum tn_split_source source;
		const char *name;
	} cases[] = {
		{ "header:x-user", TN_SPLIT_HEADER, "x-user" },
		{ "header:!#$%&'*+-.^_`|~09AZaz", TN_SPLIT_HEADER, "!#$%&'*+-.^_`|~09AZaz" },
		{ "header:header", TN_SPLIT_HEADER, "header" },
		{ "cookie:session", TN_SPLIT_COOKIE, "session" },
		{ "cookie:__Host-id", TN_SPLIT_COOKIE, "__Host-id" },
		{ "address", TN_SPLIT_ADDRESS, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tn_split_key key = { TN_SPLIT_DRAW, "before" };

		CHECK_TEXT(tn_split_key_read(cases[i].text, &key), NULL);
		CHECK_NUMBER(key.source, cases[i].source);
		CHECK_TEXT(key.name, cases[i].name);
	}
}

static void a_wrong_key_is_left_as_it_is_and_has_its_cure(void)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{ "", NO_KEY },
		{ "x-user", NO_KEY },
		{ "header", NO_KEY },
		{ "Header:x-user", NO_KEY },
		{ "query:user", NO_KEY },
		{ "address:", NO_KEY },
		{ "addresses", NO_KEY },
		{ "header:", NO_HEADER },
		{ "header: x-user", NO_HEADER },
		{ "header:x user", NO_HEADER },
		{ "header:x:user", NO_HEADER },
		{ "header:x-\xc3\xbcser", NO_HEADER },
		{ "cookie:", NO_COOKIE },
		{ "cookie:a=b", NO_COOKIE },
		{ "cookie:a;b", NO_COOKIE },
		{ "cookie:\"a\"", NO_COOKIE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tn_split_key key = { TN_SPLIT_DRAW, "before" };

		if (!CHECK_TEXT(tn_split_key_read(cases[i].text, &key), cases[i].problem))
			printf("'%s':\n", cases[i].text);
		CHECK_NUMBER(key.source, TN_SPLIT_DRAW);
		CHECK_TEXT(key.name, "before");
	}
}

/* ---- How often ------------------------------------------------------------------------------ */

/* By degrees of freedom: chance alone makes Pearson's chi-squared larger once in a thousand. */
static const double critical[] = { 0, 10.828, 13.816, 16.266 };

static void check_frequencies(const unsigned *counts, const uint32_t *weights, size_t versions)
{
	double sum = 0;

	for (size_t i = 0; i < versions; i++) {
		double expected = (double)MANY * weights[i] / TN_WEIGHT_WHOLE;

		sum += (counts[i] - expected) * (counts[i] - expected) / expected;
	}
	if (sum >= critical[versions - 1])
		printf("chi-squared is %.1f, of %zu versions\n", sum, versions);
	CU_ASSERT(sum < critical[versions - 1]);
}

static void count_draws(const struct world *world, unsigned *counts)
{
	struct fixture fixture;

	for (start(&fixture); fixture.pool.number <= MANY; next(&fixture))
		counts[call(&fixture, world)]++;
	fixture_finish(&fixture);
}

static void count_keys(const struct world *world, unsigned *counts)
{
	for (unsigned i = 0; i < MANY; i++)
		counts[choose(world, user(i))]++;
}

static const uint32_t shares[][VERSIONS_MOST] = {
	{ 90 * PART, 10 * PART },
	{ 50 * PART, 50 * PART },
	{ 50 * PART, 30 * PART, 20 * PART },
	{ 10 * PART, 20 * PART, 70 * PART },
	{ 97 * PART, 1 * PART, 1 * PART, 1 * PART },
};

static void check_shares(void (*count)(const struct world *world, unsigned *counts))
{
	static const char *const names[] = { "auth@v1", "auth@v2", "auth@v3", "auth@v4" };

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		struct version versions[VERSIONS_MOST];
		unsigned counts[VERSIONS_MOST] = { 0 };
		struct world *world;
		size_t size = 0;

		for (; size < VERSIONS_MOST && shares[i][size]; size++)
			versions[size] = (struct version){ names[size], shares[i][size] };
		world = make(DRAWN, versions, size);
		count(world, counts);
		check_frequencies(counts, shares[i], size);
		free(world);
	}
}

static void exchanges_are_divided_by_the_weights(void)
{
	check_shares(count_draws);
}

static void keys_are_divided_by_the_weights(void)
{
	check_shares(count_keys);
}

static void what_has_no_weight_is_never_chosen(void)
{
	struct world *world = MAKE(DRAWN, { "auth@v1", 0 }, { "auth@v2", 100 * PART },
	                           { "auth@v3", 0 });
	unsigned counts[VERSIONS_MOST] = { 0 };

	count_draws(world, counts);
	count_keys(world, counts);
	CHECK_NUMBER(counts[1], 2 * MANY);
	free(world);
}

static void without_any_weight_there_is_no_response(void)
{
	struct world *world = MAKE(DRAWN, { "auth@v1", 0 });
	struct fixture fixture;

	start(&fixture);
	CU_ASSERT_PTR_NULL(tn_split_choose(world->split, fixture.request));
	CU_ASSERT_PTR_NULL(tn_split_choose_key(world->split, "alice", 5));
	CU_ASSERT_PTR_NULL(tn_fetch(&world->split->self, fixture.request));
	CU_ASSERT_PTR_NULL(called);
	fixture_finish(&fixture);
	free(world);
}

/* ---- Which one ------------------------------------------------------------------------------ */

/* What a key gets is for ever: a change here gives every client of a running split another one. */
static void a_key_gets_the_same_version_in_every_release(void)
{
	static const char expected[] =
		"3211144243122421141434222411242322432231312424421343144144314241";
	struct world *world = MAKE(BY_HEADER, { "auth@v1", 25 * PART }, { "auth@v2", 25 * PART },
	                           { "auth@v3", 25 * PART }, { "auth@v4", 25 * PART });
	char chosen[65] = "";

	for (unsigned i = 0; i < sizeof(chosen) - 1; i++)
		chosen[i] = (char)('1' + choose(world, user(i)));
	CHECK_TEXT(chosen, expected);
	free(world);
}

/* Two callers may bind the same versions, and each has a split of its own. */
static void an_exchange_meets_the_same_version_wherever_it_is_bound(void)
{
	struct world *one = MAKE(DRAWN, { "auth@v1", 50 * PART }, { "auth@v2", 30 * PART },
	                         { "auth@v3", 20 * PART });
	struct world *other = MAKE(DRAWN, { "auth@v3", 20 * PART }, { "auth@v1", 50 * PART },
	                           { "auth@v2", 30 * PART });
	unsigned counts[VERSIONS_MOST] = { 0 };
	struct fixture fixture;

	for (start(&fixture); fixture.pool.number <= FEW; next(&fixture)) {
		const char *first = one->workers[call(&fixture, one)].self.name;

		counts[call(&fixture, one)]++;
		CHECK_TEXT(other->workers[call(&fixture, other)].self.name, first);
		fixture.request = tn_request_new(fixture.request, "POST", "http://auth/verify");
		CHECK_TEXT(one->workers[call(&fixture, one)].self.name, first);
		CHECK_TEXT(other->workers[call(&fixture, other)].self.name, first);
	}
	CU_ASSERT(counts[0] && counts[1] && counts[2]);
	fixture_finish(&fixture);
	free(one);
	free(other);
}

static void a_key_gets_the_same_version_in_any_order_of_them(void)
{
	struct world *one = MAKE(BY_HEADER, { "auth@v1", 40 * PART }, { "auth@v2", 40 * PART },
	                         { "auth@v3", 20 * PART });
	struct world *other = MAKE(BY_HEADER, { "auth@v3", 20 * PART }, { "auth@v2", 40 * PART },
	                           { "auth@v1", 40 * PART });

	for (unsigned i = 0; i < FEW; i++)
		CHECK_TEXT(other->workers[choose(other, user(i))].self.name,
		           one->workers[choose(one, user(i))].self.name);
	free(one);
	free(other);
}

/* Of 2 x 2 counts: whether what one split chooses tells of what the other does. */
static void check_independence(unsigned counts[2][2])
{
	double sum = 0;

	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 2; j++) {
			double row = counts[i][0] + counts[i][1];
			double column = counts[0][j] + counts[1][j];
			double expected = row * column / MANY;

			sum += (counts[i][j] - expected) * (counts[i][j] - expected) / expected;
		}
	}
	CU_ASSERT(sum < critical[1]);
}

static void splits_of_other_names_are_independent(void)
{
	struct world *auth = MAKE(DRAWN, { "auth@v1", 90 * PART }, { "auth@v2", 10 * PART });
	struct world *mail = MAKE(DRAWN, { "mail@v1", 50 * PART }, { "mail@v2", 50 * PART });
	unsigned drawn[2][2] = { { 0 } }, keyed[2][2] = { { 0 } };
	struct fixture fixture;

	for (start(&fixture); fixture.pool.number <= MANY; next(&fixture))
		drawn[call(&fixture, auth)][call(&fixture, mail)]++;
	for (unsigned i = 0; i < MANY; i++)
		keyed[choose(auth, user(i))][choose(mail, user(i))]++;
	check_independence(drawn);
	check_independence(keyed);
	fixture_finish(&fixture);
	free(auth);
	free(mail);
}

/* ---- The key -------------------------------------------------------------------------------- */

static void set_header(struct fixture *fixture, const char *name)
{
	tn_request_set_header(fixture->request, "X-User", name);
}

static void set_cookie(struct fixture *fixture, const char *name)
{
	tn_request_set_header(fixture->request, "Cookie",
	                      tn_format(fixture->request, "theme=dark; session=%s", name));
}

static void set_address(struct fixture *fixture, const char *name)
{
	fixture->request->address = tn_exchange_copy(fixture->exchange, name, strlen(name));
}

struct manner {
	struct tn_split_key key;
	void (*set)(struct fixture *fixture, const char *name);
};

static const struct manner manners[] = {
	{ { TN_SPLIT_HEADER, "x-user" }, set_header },
	{ { TN_SPLIT_COOKIE, "session" }, set_cookie },
	{ { TN_SPLIT_ADDRESS, NULL }, set_address },
};

#define MANNERS (sizeof(manners) / sizeof(manners[0]))

static struct world *halves(struct tn_split_key key)
{
	return MAKE(key, { "auth@v1", 50 * PART }, { "auth@v2", 50 * PART });
}

/* Each key in two exchanges, whose own numbers would draw the two versions at random. */
static void a_key_gets_its_version_in_every_exchange(void)
{
	for (size_t i = 0; i < MANNERS; i++) {
		struct world *world = halves(manners[i].key);
		unsigned counts[VERSIONS_MOST] = { 0 };
		struct fixture fixture;

		start(&fixture);
		for (unsigned key = 0; key < 2 * FEW; key++) {
			manners[i].set(&fixture, user(key / 2));
			CHECK_NUMBER(call(&fixture, world), choose(world, user(key / 2)));
			counts[call(&fixture, world)]++;
			next(&fixture);
		}
		CU_ASSERT(counts[0] > FEW / 2 && counts[1] > FEW / 2);
		fixture_finish(&fixture);
		free(world);
	}
}

/* As without a key: the same that the split would draw. */
static void without_its_key_a_request_is_drawn_for(void)
{
	struct world *drawn = halves(DRAWN);

	for (size_t i = 0; i < MANNERS; i++) {
		struct world *world = halves(manners[i].key);
		unsigned counts[VERSIONS_MOST] = { 0 };
		struct fixture fixture;

		for (start(&fixture); fixture.pool.number <= FEW; next(&fixture)) {
			if (i == 2 || fixture.pool.number % 2)
				manners[i].set(&fixture, "");
			CHECK_NUMBER(call(&fixture, world), call(&fixture, drawn));
			counts[call(&fixture, world)]++;
		}
		CU_ASSERT(counts[0] && counts[1]);
		fixture_finish(&fixture);
		free(world);
	}
	free(drawn);
}

static struct tn_response *pass_on_for_others(struct tn_request *request, const struct env *env)
{
	struct tn_request *fresh = tn_request_new(request, "GET", "/verify");

	tn_request_set_header(request, "x-user", "mallory");
	tn_request_set_header(request, "cookie", NULL);
	if (tn_response_status(tn_fetch(env->binding, fresh)) != 200)
		return NULL;
	return tn_fetch(env->binding, request);
}

/* What the Worker does to its request decides nothing, once the exchange has noted what came. */
static void the_key_is_that_of_the_inbound_request(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct world *world = halves(manners[i].key);
		struct env gateway = {
			.self = { .fetch = fetch, .name = "gateway" },
			.binding = &world->split->self,
			.behave = pass_on_for_others,
		};
		struct fixture fixture;

		start(&fixture);
		for (unsigned key = 0; key < FEW; key++) {
			manners[i].set(&fixture, user(key));
			CU_ASSERT_TRUE(tn_split_note(fixture.request, &manners[i].key, 1));
			CU_ASSERT_PTR_NOT_NULL(tn_fetch(&gateway.self, fixture.request));
			CHECK_NUMBER(index_of(world, called), choose(world, user(key)));
			next(&fixture);
		}
		fixture_finish(&fixture);
		free(world);
	}
}

/* A key that is noted needs no memory any more, and it is found by its number. */
static void a_key_that_is_noted_stays_without_memory(void)
{
	const struct tn_split_key keys[] = { BY_HEADER, BY_COOKIE, BY_ADDRESS };
	struct world *world = halves(BY_COOKIE);
	struct fixture fixture;

	world->split->key_number = 1;
	for (start(&fixture); fixture.pool.number <= FEW; next(&fixture)) {
		const char *key = user((unsigned)fixture.pool.number);

		manners[1].set(&fixture, key);
		CU_ASSERT_TRUE(tn_split_note(fixture.request, keys, 3));
		fixture.exchange->arena.limit = fixture.exchange->arena.used;
		CHECK_NUMBER(index_of(world, tn_split_choose(world->split, fixture.request)),
		             choose(world, key));
		fixture.exchange->arena.limit = fixture.pool.limits.request_memory;
	}
	fixture_finish(&fixture);
	free(world);
}

static void the_same_key_is_known(void)
{
	struct tn_split_key other = { .source = TN_SPLIT_HEADER, .name = "X-User" };

	CU_ASSERT_TRUE(tn_split_key_equal(&BY_HEADER, &other));
	other.source = TN_SPLIT_COOKIE;
	CU_ASSERT_FALSE(tn_split_key_equal(&BY_HEADER, &other));
	other.name = "SESSION";
	CU_ASSERT_FALSE(tn_split_key_equal(&BY_COOKIE, &other));
	CU_ASSERT_TRUE(tn_split_key_equal(&BY_ADDRESS, &BY_ADDRESS));
}

static void a_key_that_a_worker_adds_is_none(void)
{
	struct world *world = halves(BY_HEADER), *drawn = halves(DRAWN);
	struct fixture fixture;

	for (start(&fixture); fixture.pool.number <= FEW; next(&fixture)) {
		CU_ASSERT_TRUE(tn_split_note(fixture.request, &world->split->key, 1));
		set_header(&fixture, "mallory");
		CHECK_NUMBER(call(&fixture, world), call(&fixture, drawn));
	}
	fixture_finish(&fixture);
	free(world);
	free(drawn);
}

static void an_exchange_begins_without_keys(void)
{
	struct fixture fixture;
	const struct tn_exchange *before;

	fixture_init(&fixture);
	before = fixture.exchange;
	CU_ASSERT_TRUE(tn_split_note(fixture.request, &BY_HEADER, 1));
	next(&fixture);
	CU_ASSERT_PTR_EQUAL(fixture.exchange, before);
	CU_ASSERT_PTR_NULL(fixture.exchange->split_keys);
	fixture_finish(&fixture);
}

/* ---- When the weights change ---------------------------------------------------------------- */

/* How many of MANY keys go from which version to which. */
static void count_moves(const struct world *old, const struct world *new,
                        unsigned moves[VERSIONS_MOST][VERSIONS_MOST])
{
	for (unsigned i = 0; i < MANY; i++)
		moves[choose(old, user(i))][choose(new, user(i))]++;
}

/* By five standard deviations of a binomial distribution at the most. */
static void check_about(unsigned count, double share)
{
	double deviation = sqrt(MANY * share * (1 - share));

	if (fabs(count - MANY * share) > 5 * deviation)
		printf("%u are to be about %.0f\n", count, MANY * share);
	CU_ASSERT(fabs(count - MANY * share) <= 5 * deviation);
}

static void of_two_versions_only_the_additional_tenth_moves(void)
{
	struct world *old = MAKE(BY_HEADER, { "auth@v1", 90 * PART }, { "auth@v2", 10 * PART });
	struct world *new = MAKE(BY_HEADER, { "auth@v1", 80 * PART }, { "auth@v2", 20 * PART });
	unsigned moves[VERSIONS_MOST][VERSIONS_MOST] = { { 0 } };

	count_moves(old, new, moves);
	CHECK_NUMBER(moves[1][0], 0);
	check_about(moves[0][1], 0.1);
	check_about(moves[1][1], 0.1);
	free(old);
	free(new);
}

/* All the way, in steps that are as small as a weight can tell. */
static void a_version_that_grows_never_loses_a_key(void)
{
	static bool won[FEW];
	unsigned lost = 0, gained = 0;

	for (uint32_t weight = 0; weight <= TN_WEIGHT_WHOLE; weight += PART / 4) {
		struct world *world = MAKE(BY_HEADER, { "auth@v1", TN_WEIGHT_WHOLE - weight },
		                           { "auth@v2", weight });

		for (unsigned i = 0; i < FEW; i++) {
			bool wins = choose(world, user(i)) == 1;

			lost += won[i] && !wins;
			gained += !won[i] && wins;
			won[i] = wins;
		}
		free(world);
	}
	CHECK_NUMBER(lost, 0);
	CHECK_NUMBER(gained, FEW);
}

/*
 * With weights v before and w after, a key stays with version i where that wins both races: where
 * every other one j takes more than max(v[j]/v[i], w[j]/w[i]) times as long, which of exponential
 * times has the probability 1 / sum of these over all j, 1 for i itself among them.
 */
static double moving_share(const uint32_t *v, const uint32_t *w, size_t versions)
{
	double staying = 0;

	for (size_t i = 0; i < versions; i++) {
		double sum = 0;

		for (size_t j = 0; j < versions; j++)
			sum += fmax((double)v[j] / v[i], (double)w[j] / w[i]);
		staying += 1 / sum;
	}
	return 1 - staying;
}

/*
 * The least that can move is what one version gains, a tenth; here it is 0.109. Beside the tenth of
 * all that version 1 gives to the others, version 2, which has doubled, takes a few of version 3,
 * which gets them back from version 1.
 */
static void of_three_versions_little_more_than_the_least_moves(void)
{
	static const uint32_t before[] = { 80 * PART, 10 * PART, 10 * PART };
	static const uint32_t after[] = { 70 * PART, 20 * PART, 10 * PART };
	struct world *old = MAKE(BY_HEADER, { "auth@v1", before[0] }, { "auth@v2", before[1] },
	                         { "auth@v3", before[2] });
	struct world *new = MAKE(BY_HEADER, { "auth@v1", after[0] }, { "auth@v2", after[1] },
	                         { "auth@v3", after[2] });
	double share = moving_share(before, after, 3);
	unsigned moves[VERSIONS_MOST][VERSIONS_MOST] = { { 0 } };

	count_moves(old, new, moves);
	CU_ASSERT(share > 0.109 && share < 0.1091);
	check_about(moves[0][1] + moves[0][2] + moves[2][1], share);
	CHECK_NUMBER(moves[1][0] + moves[2][0], 0);
	CHECK_NUMBER(moves[1][2], 0);
	check_about(moves[0][2] + moves[2][2], 0.1);
	free(old);
	free(new);
}

/* ---- The call ------------------------------------------------------------------------------- */

static struct env caller_of(const struct tn_service *service,
                            struct tn_response *(*behave)(struct tn_request *request,
                                                          const struct env *env))
{
	return (struct env){
		.self = { .fetch = fetch, .name = "gateway" },
		.binding = service,
		.behave = behave,
	};
}

static void the_request_itself_goes_in_and_the_workers_own_response_comes_out(void)
{
	struct world *world = MAKE(DRAWN, { "auth@v2", 100 * PART });
	struct fixture fixture;

	start(&fixture);
	CU_ASSERT_PTR_EQUAL(tn_fetch(&world->split->self, fixture.request), answered);
	CU_ASSERT_PTR_EQUAL(called_with, fixture.request);
	CU_ASSERT_PTR_EQUAL(called, &world->workers[0].self);
	fixture_finish(&fixture);
	free(world);
}

static void a_split_is_in_no_chain_and_takes_no_depth(void)
{
	static const struct tn_limits limits = {
		.max_depth = 2,
		.max_calls = 2,
		.request_memory = (size_t)64 * 1024,
	};
	struct world *world = MAKE(DRAWN, { "auth@v2", 100 * PART });
	struct env gateway = caller_of(&world->split->self, pass_on);
	char chain[TN_CHAIN_SIZE];
	struct fixture fixture;

	fixture_init_with(&fixture, &limits);
	CHECK_NUMBER(tn_response_status(tn_fetch(&gateway.self, fixture.request)), 200);
	CHECK_TEXT(tn_exchange_chain(fixture.exchange, chain), "gateway(auth@v2)");
	CHECK_NUMBER(fixture.exchange->calls, 2);
	CHECK_NUMBER(fixture.exchange->depth, 0);
	fixture_finish(&fixture);
	free(world);
}

static void a_null_is_logged_for_the_version_that_made_it(void)
{
	struct world *world = MAKE(DRAWN, { "auth@v2", 100 * PART });
	struct env gateway = caller_of(&world->split->self, pass_on);
	struct fixture fixture;
	const char *log;

	start(&fixture);
	world->workers[0].behave = answer_null;
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&gateway.self, fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "auth@v2"), 1);
	CHECK_NUMBER(capture_lines(log, "returned NULL"), 1);
	fixture_finish(&fixture);
	free(world);
}

static void no_request_gives_no_response(void)
{
	struct world *world = MAKE(DRAWN, { "auth@v2", 100 * PART });

	called = NULL;
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_split_fetch(NULL, &world->split->self));
	CU_ASSERT_PTR_NULL(tn_split_fetch(NULL, NULL));
	CHECK_TEXT(capture_end(), "");
	CU_ASSERT_PTR_NULL(called);
	free(world);
}

static const struct tn_service *wrong; /* what the Worker passes to the split's fetch */

static struct tn_response *call_wrongly(struct tn_request *request, const struct env *env)
{
	return env->binding->fetch(request, wrong);
}

/* Says what is wrong; the Worker that now returns NULL has been failed, and is not blamed again. */
static void check_refusal(const struct tn_service *binding, const char *what)
{
	struct env gateway = caller_of(binding, call_wrongly);
	struct fixture fixture;
	const char *log;

	start(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&gateway.self, fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, what), 1);
	CHECK_NUMBER(capture_lines(log, "gateway"), 1);
	CU_ASSERT_PTR_EQUAL(called, &gateway.self);
	CHECK_NUMBER(fixture.exchange->calls, 1);
	fixture_finish(&fixture);
}

static void another_service_than_the_split_is_caught(void)
{
	struct world *world = MAKE(DRAWN, { "auth@v2", 100 * PART });

	wrong = &world->workers[0].self;
	check_refusal(&world->split->self,
	              "the fetch of '(split)' was called with another service, 'auth@v2': call "
	              "service->fetch(request, service)");
	wrong = NULL;
	check_refusal(&world->split->self,
	              "the fetch of '(split)' was called with another service, '(none)': call "
	              "service->fetch(request, service)");
	wrong = &world->split->self;
	check_refusal(&world->workers[0].self,
	              "the fetch of 'worker' was called with another service, 'service.auth': call "
	              "service->fetch(request, service)");
	free(world);
}

/* The others of the split are not touched: a quarantine takes nobody's share. */
static void a_version_in_quarantine_gives_a_503_and_keeps_its_share(void)
{
	static const _Atomic uint8_t mark = TN_QUARANTINE_REQUESTS;
	struct world *world = MAKE(DRAWN, { "auth@v1", 90 * PART }, { "auth@v2", 10 * PART });
	struct fixture fixture;
	unsigned refused = 0;

	tn_quarantine_mark(&world->workers[1].self, &mark);
	start(&fixture);
	for (unsigned i = 0; i < FEW; i++, next(&fixture)) {
		bool first = tn_split_choose(world->split, fixture.request) ==
		             &world->workers[0].self;
		int status;

		called = NULL;
		status = tn_response_status(tn_fetch(&world->split->self, fixture.request));
		CHECK_NUMBER(status, first ? 200 : 503);
		CU_ASSERT(called == (first ? &world->workers[0].self : NULL));
		refused += status == 503;
	}
	CU_ASSERT(refused > FEW / 20 && refused < FEW / 5);
	fixture_finish(&fixture);
	free(world);
}

TEST_MAIN("deploy/split",
          TEST(a_version_in_quarantine_gives_a_503_and_keeps_its_share),
          TEST(an_item_is_a_name_and_its_weight),
          TEST(a_wrong_item_is_left_as_it_is_and_has_its_cure),
          TEST(a_weight_is_written_without_what_it_does_not_need),
          TEST(what_is_written_is_read_as_the_same_weight),
          TEST(a_key_is_a_header_a_cookie_or_the_address),
          TEST(a_wrong_key_is_left_as_it_is_and_has_its_cure),
          TEST(exchanges_are_divided_by_the_weights),
          TEST(keys_are_divided_by_the_weights),
          TEST(what_has_no_weight_is_never_chosen),
          TEST(without_any_weight_there_is_no_response),
          TEST(a_key_gets_the_same_version_in_every_release),
          TEST(an_exchange_meets_the_same_version_wherever_it_is_bound),
          TEST(a_key_gets_the_same_version_in_any_order_of_them),
          TEST(splits_of_other_names_are_independent),
          TEST(a_key_gets_its_version_in_every_exchange),
          TEST(without_its_key_a_request_is_drawn_for),
          TEST(the_key_is_that_of_the_inbound_request),
          TEST(a_key_that_is_noted_stays_without_memory),
          TEST(the_same_key_is_known),
          TEST(a_key_that_a_worker_adds_is_none),
          TEST(an_exchange_begins_without_keys),
          TEST(of_two_versions_only_the_additional_tenth_moves),
          TEST(a_version_that_grows_never_loses_a_key),
          TEST(of_three_versions_little_more_than_the_least_moves),
          TEST(the_request_itself_goes_in_and_the_workers_own_response_comes_out),
          TEST(a_split_is_in_no_chain_and_takes_no_depth),
          TEST(a_null_is_logged_for_the_version_that_made_it),
          TEST(no_request_gives_no_response),
          TEST(another_service_than_the_split_is_caught))
