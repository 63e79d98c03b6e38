/*
 * ratelimit.c - lets each client through so often, and no more: a token bucket for each address, in
 * front of any Worker.
 *
 *	[worker ratelimit]
 *	route        = /
 *	service.next = app
 *	var.REQUESTS = 10        ; so many requests
 *	var.PERIOD   = 1s        ; in so long
 *	var.BURST    = 20        ; so many at once, after a pause; by default, REQUESTS
 *
 * Who has no token gets a 429, with the seconds until the next one in Retry-After.
 *
 * A client is an IPv4 address, or the first 64 bits of an IPv6 one, since a subscriber has all of
 * those. All that come through a Unix socket are one client, and so are all behind one proxy.
 *
 * The buckets are one table, which all host processes share and which outlives reloads and crashes
 * (TN_SHARED). A bucket is one 64-bit word, changed by one compare-and-swap: there is no lock that
 * a process could die with, and no state between two words. The word holds not tokens, but the time
 * at which the bucket will be full again (the "theoretical arrival time" of the generic cell rate
 * algorithm): so nobody has to fill it.
 *
 * The clock is CLOCK_BOOTTIME: setting the time of day does not move it, and while the machine is
 * suspended, buckets fill. After a reboot, or a stop of the supervisor, all are full.
 *
 * The table has room for 65,536 buckets. In a full one, a new client has the place of the bucket
 * that was nearest to being full, of eight: so a flood from many addresses can give others tokens,
 * but take none, and who asks most is forgotten last. One that was full is forgotten at no loss.
 * Two clients are taken for one where 33 bits of a hash are the same.
 */
#include <tenon.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

#define SETS 8192 /* a power of two */
#define WAYS 8    /* buckets in a set: where a client's may be */

/* A word: a tag, which is the part of the client's hash that does not choose the set, and below it
 * the time, in ticks since boot. It wraps after 8.5 years. */
#define TIME_BITS 44
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define TICKS 65536 /* in a second */

#define LONGEST INT64_C(8640000) /* seconds that a bucket may take to fill: 100 days */

struct table {
	_Atomic uint64_t seed; /* of the hash; 0: not drawn yet */
	_Atomic uint64_t buckets[SETS][WAYS];
};

struct env {
	struct tn_service self;
	const struct tn_service *next;
	int64_t REQUESTS;
	int64_t PERIOD; /* ms */
	int64_t BURST;
	struct table *table;
};

/* In ticks. */
struct limit {
	uint64_t interval; /* between two tokens */
	uint64_t full;     /* what it takes to fill an empty bucket */
};

static struct limit limit_of(const struct env *env)
{
	uint64_t parts = 1000 * (uint64_t)env->REQUESTS;
	uint64_t interval = ((uint64_t)env->PERIOD * TICKS + parts - 1) / parts;
	uint64_t burst = (uint64_t)(env->BURST ? env->BURST : env->REQUESTS);

	return (struct limit){ .interval = interval, .full = interval * burst };
}

static uint64_t now_ticks(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return ((uint64_t)now.tv_sec * TICKS + (uint64_t)now.tv_nsec * TICKS / 1000000000) &
	       TIME_MASK;
}

/* ---- The client ---------------------------------------------------------------------------- */

/* The bytes of the address that tell clients apart; what is no address stands for itself. */
static uint64_t hash_of(const char *address, uint64_t seed)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, address, &four) == 1)
		return XXH3_64bits_withSeed(&four, sizeof(four), seed);
	if (inet_pton(AF_INET6, address, &six) != 1)
		return XXH3_64bits_withSeed(address, strlen(address), seed);
	if (IN6_IS_ADDR_V4MAPPED(&six))
		return XXH3_64bits_withSeed(&six.s6_addr[12], 4, seed);
	return XXH3_64bits_withSeed(&six, 8, seed);
}

/* ---- Its bucket ---------------------------------------------------------------------------- */

/* How long the bucket needs to be full: less than 0 where it has been for a while. The clock may
 * have wrapped between the two times. */
static int64_t debt_of(uint64_t word, uint64_t now)
{
	return (int64_t)((word - now) << (64 - TIME_BITS)) >> (64 - TIME_BITS);
}

/*
 * The client's bucket in its set or, where there is none, the one to be forgotten for it: the
 * fullest, or one that was never used. Times only grow, and which is the earliest does not depend
 * on when one looks: so two processes that make room for the same client at once choose the same
 * bucket, or one of them finds its own changed, unless all of the set are in use.
 */
static unsigned find(_Atomic uint64_t set[WAYS], uint64_t tag, uint64_t now, uint64_t *word)
{
	unsigned fullest = 0;

	for (unsigned way = 0; way < WAYS; way++) {
		uint64_t seen = atomic_load(&set[way]);

		if (seen >> TIME_BITS == tag) {
			*word = seen;
			return way;
		}
		if (way && debt_of(seen, now) >= debt_of(*word, now))
			continue;
		*word = seen;
		fullest = way;
	}
	return fullest;
}

/* Nothing is emptier than empty. What seems so was left by the limits from before a reload, or has
 * not been used for half of the time in which the clock wraps. */
static int64_t at_most_empty(int64_t debt, const struct limit *limit)
{
	if (debt < 0)
		return 0;
	return debt < (int64_t)limit->full ? debt : (int64_t)limit->full;
}

/* Takes a token. Returns 0, or the ticks until there is one. */
static uint64_t take(struct table *table, const struct limit *limit, uint64_t hash, uint64_t now)
{
	_Atomic uint64_t *set = table->buckets[hash % SETS];
	uint64_t tag = hash >> TIME_BITS;

	for (;;) {
		uint64_t word, next;
		unsigned way = find(set, tag, now, &word);
		int64_t seen = word >> TIME_BITS == tag ? debt_of(word, now) : 0;
		uint64_t debt = (uint64_t)at_most_empty(seen, limit);
		bool refused = debt + limit->interval > limit->full;

		if (refused && seen == (int64_t)debt) /* nothing to be changed */
			return debt + limit->interval - limit->full;
		next = now + debt + (refused ? 0 : limit->interval);
		if (atomic_compare_exchange_weak(&set[way], &word,
		                                 tag << TIME_BITS | (next & TIME_MASK)))
			return refused ? limit->interval : 0;
	}
}

/* ---- The Worker ---------------------------------------------------------------------------- */

static const char *start(struct env *env)
{
	uint64_t seed = 0, none = 0;

	if (env->REQUESTS < 1 || env->PERIOD < 1)
		return "var.REQUESTS and var.PERIOD have to be at least 1";
	if (env->BURST < 0 || env->BURST > 1000000 || env->REQUESTS > 1000000)
		return "var.BURST and var.REQUESTS can be at most 1000000";
	if (env->REQUESTS > env->PERIOD)
		return "more than 1000 requests in a second: lower var.REQUESTS";
	if (env->PERIOD > LONGEST * 1000 || limit_of(env).full > (uint64_t)LONGEST * TICKS)
		return "an empty bucket would take more than 100 days to fill: lower var.PERIOD "
		       "or var.BURST";
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return "getrandom gave nothing";
	atomic_compare_exchange_strong(&env->table->seed, &none, seed | 1);
	return NULL;
}

static struct tn_response *refuse(struct tn_request *request, uint64_t ticks)
{
	struct tn_response *response = tn_response_text_static(request, 429, "Too many requests\n");

	tn_response_set_header(response, "Retry-After",
	                       tn_format(request, "%llu",
	                                 (unsigned long long)((ticks + TICKS - 1) / TICKS)));
	return response;
}

static struct tn_response *ratelimit(struct tn_request *request, const struct env *env)
{
	struct limit limit = limit_of(env);
	uint64_t hash = hash_of(tn_request_address(request), atomic_load(&env->table->seed));
	uint64_t wait = take(env->table, &limit, hash, now_ticks());

	return wait ? refuse(request, wait) : tn_fetch(env->next, request);
}

TN_WORKER(ratelimit, struct env,
          TN_SERVICE(next),
          TN_INT(REQUESTS),
          TN_DURATION(PERIOD),
          TN_INT_OR(BURST, 0),
          TN_SHARED(table),
          TN_START(start));
