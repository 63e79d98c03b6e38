#include "deploy/network.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define BITS 128u
#define MAPPED_BITS 96u /* before the 32 of an IPv4 address */

static const char malformed[] =
	"a network is an address, or ADDRESS/BITS, such as 127.0.0.1, 10.0.0.0/8 or 2001:db8::/32";

bool tn_network_address(const char *text, unsigned char bytes[TN_NETWORK_BYTES])
{
	static const unsigned char mapped[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };

	if (strchr(text, ':'))
		return inet_pton(AF_INET6, text, bytes) == 1;
	memcpy(bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, bytes + sizeof(mapped)) == 1;
}

/* Of an IPv4 network the bits are counted from the start of its 32. */
static bool parse_bits(const char *text, bool is_mapped, unsigned *bits)
{
	size_t size = strspn(text, "0123456789");
	unsigned long number;

	if (!size || size > 3 || text[size])
		return false;
	number = strtoul(text, NULL, 10) + (is_mapped ? MAPPED_BITS : 0);
	*bits = (unsigned)number;
	return number <= BITS;
}

static bool has_bits_behind(const struct tn_network *network)
{
	for (unsigned bit = network->bits; bit < BITS; bit++) {
		if (network->bytes[bit / 8] & (0x80u >> bit % 8))
			return true;
	}
	return false;
}

const char *tn_network_parse(const char *text, struct tn_network *network)
{
	char address[INET6_ADDRSTRLEN];
	size_t size = strcspn(text, "/");

	if (!size || size >= sizeof(address))
		return malformed;
	memcpy(address, text, size);
	address[size] = '\0';
	network->bits = BITS;
	if (!tn_network_address(address, network->bytes))
		return malformed;
	if (text[size] && !parse_bits(text + size + 1, !strchr(address, ':'), &network->bits))
		return malformed;
	/* 10.1.2.3/8 may be meant as the one address or as the whole network. */
	if (has_bits_behind(network))
		return "the address has bits beyond those of the network: write the network's own "
		       "(10.0.0.0/8), or the address without /BITS";
	return NULL;
}

static bool has(const struct tn_network *network, const unsigned char bytes[TN_NETWORK_BYTES])
{
	unsigned whole = network->bits / 8;
	unsigned rest = network->bits % 8;
	unsigned mask = 0xff00u >> rest & 0xffu;

	return memcmp(network->bytes, bytes, whole) == 0 &&
	       (!rest || ((network->bytes[whole] ^ bytes[whole]) & mask) == 0);
}

bool tn_networks_have(const struct tn_network *networks, size_t count, const char *address)
{
	unsigned char bytes[TN_NETWORK_BYTES];

	if (!count || !tn_network_address(address, bytes))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (has(&networks[i], bytes))
			return true;
	}
	return false;
}
