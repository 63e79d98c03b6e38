#include "serve/client.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Who came by IPv4 through a socket of both is shown as such. */
void tn_client_write_address(const struct sockaddr *address, char text[TN_CLIENT_ADDRESS_SIZE])
{
	const void *bytes;
	int family = address ? address->sa_family : AF_UNSPEC;

	*text = '\0';
	if (family != AF_INET && family != AF_INET6)
		return;
	if (family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	else
		bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)bytes)) {
		family = AF_INET;
		bytes = (const char *)bytes + 12;
	}
	if (!inet_ntop(family, bytes, text, TN_CLIENT_ADDRESS_SIZE))
		*text = '\0';
}

struct tn_client *tn_client_create(int descriptor, const struct sockaddr *address,
                                   const struct tn_framing_limits *limits)
{
	struct tn_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->descriptor = descriptor;
	tn_client_write_address(address, client->address);
	client->origin = tn_origin_of(address);
	tn_framing_init(&client->framing, limits);
	return client;
}

void tn_client_destroy(struct tn_client *client)
{
	free(client);
}

/* The kernel's struct: that of the C library ends before what is wanted. */
struct tn_delivery tn_client_delivery(const struct tn_client *client)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(client->descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return (struct tn_delivery){ .received = client->reply_received + UINT32_MAX };
	return (struct tn_delivery){
		.received = info.tcpi_bytes_acked,
		.pending = info.tcpi_unacked || info.tcpi_notsent_bytes,
	};
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
