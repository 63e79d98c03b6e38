#include "serve/addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#define ROOM_FIRST ((size_t)64)

struct tn_address_count {
	struct tn_origin origin;
	unsigned count; /* 0: the place is empty */
};

/* ---- Who it is ----------------------------------------------------------------------------- */

static struct tn_origin origin_of_4(const void *address)
{
	uint32_t bits;

	memcpy(&bits, address, sizeof(bits));
	return (struct tn_origin){ .bits = bits, .family = AF_INET };
}

static struct tn_origin origin_of_6(const struct in6_addr *address)
{
	struct tn_origin origin = { .family = AF_INET6 };

	if (IN6_IS_ADDR_V4MAPPED(address))
		return origin_of_4(address->s6_addr + 12);
	memcpy(&origin.bits, address->s6_addr, sizeof(origin.bits));
	return origin;
}

struct tn_origin tn_origin_of(const struct sockaddr *address)
{
	if (address && address->sa_family == AF_INET)
		return origin_of_4(&((const struct sockaddr_in *)(const void *)address)->sin_addr);
	if (address && address->sa_family == AF_INET6)
		return origin_of_6(
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	return (struct tn_origin){ .family = AF_UNSPEC };
}

/* ---- The table ----------------------------------------------------------------------------- */

/* With a seed that nobody knows: a client can choose among very many addresses of IPv6. */
void tn_addresses_init(struct tn_addresses *addresses)
{
	*addresses = (struct tn_addresses){ 0 };
	if (getrandom(&addresses->seed, sizeof(addresses->seed), GRND_NONBLOCK) < 0)
		addresses->seed = (uint64_t)(uintptr_t)addresses;
}

void tn_addresses_finish(struct tn_addresses *addresses)
{
	free(addresses->places);
	*addresses = (struct tn_addresses){ 0 };
}

static size_t place_of(const struct tn_addresses *addresses, struct tn_origin origin)
{
	return XXH64(&origin.bits, sizeof(origin.bits), addresses->seed + origin.family) &
	       (addresses->room - 1);
}

static bool is_same(struct tn_origin one, struct tn_origin other)
{
	return one.bits == other.bits && one.family == other.family;
}

/* The place that it has, or that it is to have. There is an empty one. */
static struct tn_address_count *find(const struct tn_addresses *addresses, struct tn_origin origin)
{
	size_t at = place_of(addresses, origin);

	while (addresses->places[at].count && !is_same(addresses->places[at].origin, origin))
		at = (at + 1) & (addresses->room - 1);
	return &addresses->places[at];
}

/* A quarter of the places is always empty. */
static bool make_room(struct tn_addresses *addresses)
{
	struct tn_addresses larger = *addresses;

	if (4 * (addresses->count + 1) <= 3 * addresses->room)
		return true;
	larger.room = addresses->room ? 2 * addresses->room : ROOM_FIRST;
	larger.places = calloc(larger.room, sizeof(larger.places[0]));
	if (!larger.places)
		return false;
	for (size_t i = 0; i < addresses->room; i++) {
		if (addresses->places[i].count)
			*find(&larger, addresses->places[i].origin) = addresses->places[i];
	}
	free(addresses->places);
	*addresses = larger;
	return true;
}

unsigned tn_addresses_count(const struct tn_addresses *addresses, struct tn_origin origin)
{
	return addresses->room ? find(addresses, origin)->count : 0;
}

bool tn_addresses_add(struct tn_addresses *addresses, struct tn_origin origin)
{
	struct tn_address_count *place;

	if (origin.family == AF_UNSPEC)
		return true;
	if (!make_room(addresses))
		return false;
	place = find(addresses, origin);
	if (!place->count++) {
		place->origin = origin;
		addresses->count++;
	}
	return true;
}

/* Those behind an emptied place move up, so that whoever looks for them finds them. */
static void close_gap(struct tn_addresses *addresses, size_t gap)
{
	size_t mask = addresses->room - 1;

	for (size_t at = (gap + 1) & mask; addresses->places[at].count; at = (at + 1) & mask) {
		size_t wanted = place_of(addresses, addresses->places[at].origin);

		if (((at - wanted) & mask) < ((at - gap) & mask))
			continue;
		addresses->places[gap] = addresses->places[at];
		addresses->places[at].count = 0;
		gap = at;
	}
}

void tn_addresses_remove(struct tn_addresses *addresses, struct tn_origin origin)
{
	struct tn_address_count *place;

	if (origin.family == AF_UNSPEC || !addresses->room)
		return;
	place = find(addresses, origin);
	if (!place->count || --place->count)
		return;
	addresses->count--;
	close_gap(addresses, (size_t)(place - addresses->places));
}
