#include "serve/admission.h"

#include "observe/log.h"
#include "serve/inbound.h"
#include "serve/refusal.h"

#include <limits.h>

#define DESCRIPTORS_RESERVED 64u /* for the log, the modules' own and the like */

static unsigned descriptors_for_clients(void)
{
	unsigned descriptors = tn_client_most();

	return descriptors > 2 * DESCRIPTORS_RESERVED ? descriptors - DESCRIPTORS_RESERVED
	                                              : descriptors / 2;
}

/* Where there are not even descriptors for as many, those beyond wait for one. */
void tn_admission_init(struct tn_edge *edge)
{
	const struct tn_settings *settings = &edge->deployment->plan->settings;
	unsigned all;

	edge->most_connections = descriptors_for_clients();
	edge->allowed = settings->max_connections ? (unsigned)settings->max_connections : UINT_MAX;
	all = edge->allowed < edge->most_connections ? edge->allowed : edge->most_connections;
	edge->allowed_each = settings->max_per_address ? (unsigned)settings->max_per_address
	                                               : (all + 1) / 2;
	if (settings->max_connections > edge->most_connections)
		tn_log_write(TN_LOG_WARNING, NULL,
		             "max_connections = %u, but there are descriptors for %u only: raise "
		             "the limit (ulimit -n, or LimitNOFILE of systemd)",
		             edge->allowed, edge->most_connections);
}

/* It is no request, but it stands in the access log as one. */
static void refuse(struct tn_edge *edge, int socket, int status)
{
	tn_refusal_send(socket, status, false);
	tn_linger_add(edge->linger, socket, tn_exchange_now());
	tn_inbound_unread(edge, status, false);
}

/* Proxies that are trusted speak for many. */
static bool is_trusted(const struct tn_edge *edge, const char *address)
{
	const struct tn_settings *settings = &edge->deployment->plan->settings;

	return tn_networks_have(settings->trusted, settings->trusted_count, address);
}

static bool turn_away(struct tn_edge *edge, int socket, const char *address, int64_t now)
{
	tn_refusals_note(&edge->refusals, TN_REFUSED_CONNECTIONS, now, address,
	                 "answered with 503: max_connections = %u", edge->allowed);
	refuse(edge, socket, 503);
	return false;
}

static bool turn_away_one(struct tn_edge *edge, int socket, const char *address, int64_t now)
{
	tn_refusals_note(&edge->refusals, TN_REFUSED_ADDRESS, now, address,
	                 "answered with 429: max_connections_per_address = %u",
	                 edge->allowed_each);
	refuse(edge, socket, 429);
	return false;
}

bool tn_admission_grant(struct tn_edge *edge, int socket, const struct sockaddr *address)
{
	unsigned count = tn_addresses_count(&edge->addresses, tn_origin_of(address));
	int64_t now = tn_exchange_now();
	char text[TN_CLIENT_ADDRESS_SIZE];

	tn_deadlines_turn(&edge->deadlines, now);
	if (edge->connections < edge->allowed && count < edge->allowed_each)
		return true;
	tn_client_write_address(address, text);
	if (edge->connections >= edge->allowed)
		return turn_away(edge, socket, text, now);
	return is_trusted(edge, text) || turn_away_one(edge, socket, text, now);
}
