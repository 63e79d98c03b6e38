#include "deploy/address.h"

#include <stdlib.h>
#include <string.h>

static const char malformed[] =
	"an address is HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or *:8080";

static const char *parse_port(const char *text, char port[TN_ADDRESS_PORT])
{
	size_t size = strspn(text, "0123456789");

	if (size == 0 || text[size] || size >= TN_ADDRESS_PORT || strtoul(text, NULL, 10) > 65535)
		return "the port is a number from 0 to 65535";
	memcpy(port, text, size + 1);
	return NULL;
}

const char *tn_address_parse(const char *text, struct tn_address *address)
{
	const char *colon = strrchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;

	if (!size || strpbrk(text, "/ \t"))
		return malformed;
	if (text[0] == '[' && text[size - 1] == ']') {
		text++;
		size -= 2;
	} else if (memchr(text, ':', size)) {
		return "an IPv6 address stands in brackets: [::1]:8080";
	}
	if (size >= TN_ADDRESS_HOST || !size)
		return malformed;
	memcpy(address->host, text, size);
	address->host[size] = '\0';
	if (strcmp(address->host, "*") == 0)
		address->host[0] = '\0';
	return parse_port(colon + 1, address->port);
}
