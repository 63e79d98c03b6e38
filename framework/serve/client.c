#include "serve/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

char *tn_client_address(const struct sockaddr *address)
{
	char text[INET6_ADDRSTRLEN];
	const void *bytes;
	int family = address ? address->sa_family : AF_UNSPEC;

	if (family != AF_INET && family != AF_INET6)
		return NULL;
	if (family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	else
		bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)bytes)) {
		family = AF_INET;
		bytes = (const char *)bytes + 12;
	}
	return inet_ntop(family, bytes, text, sizeof(text)) ? strdup(text) : NULL;
}

unsigned tn_client_most(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 1U << 20 ? 1U << 20 : (unsigned)limit.rlim_cur;
}
