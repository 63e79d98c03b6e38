#include "deploy/split.h"

#include "message/request.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

_Static_assert(XXH_VERSION_NUMBER >= 800, "before 0.8.0 the values of XXH3 were not final");

/* ---- Choosing ------------------------------------------------------------------------------- */

/* The finaliser of splitmix64: all that hashing eight bytes takes. */
static uint64_t mix(uint64_t number)
{
	number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
	number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
	return number ^ (number >> 31);
}

/* Uniform between 0 and 1, neither of them: the odd multiples of 2^-53, which are exact. */
static double fraction(uint64_t number)
{
	return ((double)(int64_t)(number >> 12) + 0.5) * 0x1p-52;
}

/*
 * A race. For each key a version takes a time that is random, exponentially distributed and given
 * by the key and its name alone, divided by its weight: so it wins as often as its weight says, and
 * where its weight grows nobody else gains on it, since a product of doubles never falls when a
 * factor rises. A logarithm whose last bit is another, as another libm may have it, decides one
 * race in 10^15.
 */
static const struct tn_service *race(const struct tn_split *split, uint64_t number)
{
	const struct tn_service *first = NULL;
	double least = INFINITY;

	for (size_t i = 0; i < split->count; i++) {
		const struct tn_split_target *target = &split->targets[i];
		double time = -log(fraction(mix(number ^ target->seed))) * target->mean;

		if (time < least) {
			least = time;
			first = target->service;
		}
	}
	return first;
}

const struct tn_service *tn_split_choose_key(const struct tn_split *split, const void *key,
                                             size_t size)
{
	return race(split, XXH3_64bits(key, size));
}

/* The versions divide a line among them, and the exchange has a place on it: a third of what the
 * race takes, which is for keys that come back when the weights have changed. */
static const struct tn_service *draw(const struct tn_split *split, uint64_t number)
{
	uint64_t place = (mix(number ^ split->seed) >> 32) * split->total >> 32;
	size_t i = 0;

	for (; i < split->count && place >= split->targets[i].weight; i++)
		place -= split->targets[i].weight;
	return i < split->count ? split->targets[i].service : NULL;
}

/* ---- The key -------------------------------------------------------------------------------- */

bool tn_split_key_equal(const struct tn_split_key *one, const struct tn_split_key *other)
{
	if (one->source != other->source)
		return false;
	if (one->source == TN_SPLIT_HEADER)
		return strcasecmp(one->name, other->name) == 0;
	return one->source != TN_SPLIT_COOKIE || strcmp(one->name, other->name) == 0;
}

static const char *key_of(const struct tn_split_key *key, const struct tn_request *request)
{
	switch (key->source) {
	case TN_SPLIT_HEADER:
		return tn_request_header(request, key->name);
	case TN_SPLIT_COOKIE:
		return tn_request_cookie(request, key->name);
	case TN_SPLIT_ADDRESS:
		return tn_request_address(request);
	case TN_SPLIT_DRAW:
		break;
	}
	return NULL;
}

static struct tn_split_hash hash_of(const struct tn_split_key *key,
                                    const struct tn_request *request)
{
	const char *text = key_of(key, request);

	if (!text || !*text)
		return (struct tn_split_hash){ 0 };
	return (struct tn_split_hash){ .number = XXH3_64bits(text, strlen(text)), .present = true };
}

bool tn_split_note(const struct tn_request *request, const struct tn_split_key *keys, size_t count)
{
	struct tn_exchange *exchange = request->exchange;
	struct tn_split_hash *noted = tn_exchange_alloc(exchange, count * sizeof(noted[0]));

	for (size_t i = 0; noted && i < count; i++)
		noted[i] = hash_of(&keys[i], request);
	exchange->split_keys = noted;
	return noted;
}

const struct tn_service *tn_split_choose(const struct tn_split *split,
                                         const struct tn_request *request)
{
	const struct tn_exchange *exchange = request->exchange;
	struct tn_split_hash hash = { 0 };

	if (split->key.source != TN_SPLIT_DRAW)
		hash = exchange->split_keys ? exchange->split_keys[split->key_number]
		                            : hash_of(&split->key, request);
	return hash.present ? race(split, hash.number) : draw(split, exchange->number);
}

struct tn_response *tn_split_fetch(struct tn_request *request, const struct tn_service *service)
{
	const struct tn_split *split = (const struct tn_split *)(const void *)service;

	if (!request)
		return NULL;
	if (!service || service->fetch != tn_split_fetch) {
		tn_worker_refuse(request->exchange, "(split)", service);
		return NULL;
	}
	return tn_fetch(tn_split_choose(split, request), request);
}

/* ---- Making one ----------------------------------------------------------------------------- */

size_t tn_split_size(size_t count)
{
	return sizeof(struct tn_split) + count * sizeof(struct tn_split_target);
}

void tn_split_init(struct tn_split *split, const char *name, const struct tn_split_key *key)
{
	split->self = (struct tn_service){ .fetch = tn_split_fetch, .name = name };
	split->key = *key;
}

static bool before(const struct tn_split_target *one, const struct tn_split_target *other)
{
	return one->weight != other->weight ? one->weight > other->weight : one->seed < other->seed;
}

/* They are kept in an order that is not the configuration's, which must not matter, and in which
 * the one that is likely to be chosen comes first. */
void tn_split_add(struct tn_split *split, const struct tn_service *service, uint32_t weight)
{
	struct tn_split_target target = {
		.service = service,
		.seed = XXH3_64bits(service->name, strlen(service->name)),
		.weight = weight,
		.mean = 1.0 / weight,
	};
	size_t place = split->count++;

	for (; place && before(&target, &split->targets[place - 1]); place--)
		split->targets[place] = split->targets[place - 1];
	split->targets[place] = target;
	split->seed ^= target.seed;
	split->total += weight;
}

/* ---- Reading -------------------------------------------------------------------------------- */

static const char *read_name(const char *name, enum tn_split_source source,
                             struct tn_split_key *key, const char *problem)
{
	if (!tn_token_valid(name, strlen(name)))
		return problem;
	*key = (struct tn_split_key){ .source = source, .name = name };
	return NULL;
}

const char *tn_split_key_read(const char *text, struct tn_split_key *key)
{
	static const char header[] = "header:", cookie[] = "cookie:";

	if (!strncmp(text, header, strlen(header)))
		return read_name(text + strlen(header), TN_SPLIT_HEADER, key,
		                 "not a header's name: write one such as header:x-user");
	if (!strncmp(text, cookie, strlen(cookie)))
		return read_name(text + strlen(cookie), TN_SPLIT_COOKIE, key,
		                 "not a cookie's name: write one such as cookie:session");
	if (strcmp(text, "address") != 0)
		return "not a key: write header:NAME, cookie:NAME or address";
	*key = (struct tn_split_key){ .source = TN_SPLIT_ADDRESS };
	return NULL;
}

#define BLANKS " \t"
#define DIGITS "0123456789"
#define DECIMALS 4 /* of a weight: TN_WEIGHT_WHOLE is 100 with that many */

/* Digits, then a point and decimals where there are any: in parts of the whole, or anything above
 * it. */
static uint64_t read_parts(const char *digits, size_t count, size_t decimals)
{
	const char *behind = digits + count + 1;
	uint64_t parts = 0;

	for (size_t i = 0; i < count && parts <= TN_WEIGHT_WHOLE; i++)
		parts = parts * 10 + (uint64_t)(digits[i] - '0');
	for (size_t i = 0; i < DECIMALS; i++)
		parts = parts * 10 + (i < decimals ? (uint64_t)(behind[i] - '0') : 0);
	return parts;
}

static const char *read_weight(const char *text, uint32_t *weight)
{
	size_t digits = strspn(text, DIGITS);
	bool point = digits && text[digits] == '.';
	size_t decimals = point ? strspn(text + digits + 1, DIGITS) : 0;
	const char *rest = text + digits + point + decimals;
	uint64_t parts;

	if (*text == '-' && isdigit((unsigned char)text[1]))
		return "a weight cannot be negative: write one such as 10%";
	rest += strspn(rest, BLANKS);
	if (digits && rest[0] == '%' && strspn(rest + 1, BLANKS))
		return "something behind the '%': separate the versions by commas, such as "
		       "auth@v1 90%, auth@v2 10%";
	if (!digits || (point && !decimals) || (*rest && strcmp(rest, "%") != 0))
		return "not a weight: write a percentage behind the name, such as auth@v2 10%";
	if (!*rest)
		return "a weight needs its '%': write one such as 10%";
	if (decimals > DECIMALS)
		return "too fine: a weight has up to four decimals, such as 33.3333%";
	parts = read_parts(text, digits, decimals);
	if (parts > TN_WEIGHT_WHOLE)
		return "too large: a weight is at most 100%";
	*weight = (uint32_t)parts;
	return NULL;
}

const char *tn_split_item_read(char *item, uint32_t *weight, bool *weighted)
{
	size_t name = strcspn(item, BLANKS);
	const char *text = item + name + strspn(item + name, BLANKS);
	uint32_t parts = TN_WEIGHT_WHOLE;
	const char *problem;

	if (!name || memchr(item, '%', name))
		return "not a Worker and its weight: write the name, a blank and a percentage, "
		       "such as auth@v2 10%";
	problem = *text ? read_weight(text, &parts) : NULL;
	if (problem)
		return problem;
	*weight = parts;
	*weighted = *text;
	item[name] = '\0';
	return NULL;
}

const char *tn_weight_text(uint32_t weight, char *text)
{
	unsigned percent = TN_WEIGHT_WHOLE / 100;
	int size = snprintf(text, TN_WEIGHT_SIZE - 1, "%u.%0*u", weight / percent, DECIMALS,
	                    weight % percent);

	while (text[size - 1] == '0')
		size--;
	size -= text[size - 1] == '.';
	text[size] = '%';
	text[size + 1] = '\0';
	return text;
}
