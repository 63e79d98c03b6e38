#include "supervise/slots.h"

#include "serve/gate.h"
#include "supervise/activation.h"
#include "supervise/announce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

static void complain(const struct tn_plan *plan, const char *reason)
{
	struct tn_errors errors = { 0 };

	tn_plan_refuse(plan, "listen", &errors, "%s", reason);
	tn_errors_print(&errors, stderr);
	tn_errors_finish(&errors);
}

static int bind_first(struct tn_slots *slots, const struct tn_plan *plan)
{
	const struct tn_settings *settings = &plan->settings;
	char reason[TN_REASON_SIZE];

	for (size_t i = 0; i < settings->listen_count; i++) {
		int code = tn_listener_bind(&slots->listeners[i], &settings->listen[i], reason,
		                            sizeof(reason));

		if (code) {
			complain(plan, reason);
			return code;
		}
		slots->addresses++;
	}
	return 0;
}

static int join(const struct tn_slots *slots, const struct tn_plan *plan, size_t number)
{
	const struct tn_listener *listener = &slots->listeners[number % slots->addresses];
	char reason[TN_REASON_SIZE];

	slots->sockets[number] = tn_listener_join(listener);
	if (slots->sockets[number] >= 0)
		return 0;
	snprintf(reason, sizeof(reason), "%s: no further socket for it: %s", listener->name,
	         strerror(errno));
	complain(plan, reason);
	return EX_UNAVAILABLE;
}

int tn_slots_take(struct tn_slots *slots, char *reason)
{
	int code = tn_activation_take(slots->listeners, &slots->given, reason, TN_REASON_SIZE);

	slots->addresses = slots->given;
	return code;
}

int tn_slots_bind(struct tn_slots *slots, const struct tn_plan *plan, size_t count)
{
	int code = slots->given ? 0 : bind_first(slots, plan);
	size_t addresses = slots->addresses;

	if (slots->given)
		count = 1;

	slots->sockets = calloc(count * addresses + 1, sizeof(slots->sockets[0]));
	if (!slots->sockets)
		return EX_OSERR;
	slots->count = count;
	for (size_t i = 0; i < count * addresses; i++)
		slots->sockets[i] = i < addresses ? slots->listeners[i].socket : -1;
	for (size_t i = addresses; i < count * addresses && !code; i++)
		code = join(slots, plan, i);
	return code;
}

int tn_slots_listen(const struct tn_slots *slots, const struct tn_plan *plan)
{
	char reason[TN_REASON_SIZE];

	for (size_t i = 0; i < slots->addresses && !slots->given; i++) {
		int code = tn_listener_listen(&slots->listeners[i], reason, sizeof(reason));

		if (code) {
			complain(plan, reason);
			return code;
		}
	}
	for (size_t i = slots->addresses; i < slots->count * slots->addresses; i++)
		listen(slots->sockets[i], SOMAXCONN);
	tn_announce_given(plan, slots->given);
	for (size_t i = 0; i < slots->addresses; i++)
		tn_announce_listener(&slots->listeners[i]);
	return 0;
}

void tn_slots_close(struct tn_slots *slots)
{
	for (size_t i = 0; i < slots->count * slots->addresses; i++) {
		if (slots->sockets[i] < 0)
			continue;
		if (!slots->given)
			tn_gate_close(slots->sockets[i]);
		close(slots->sockets[i]);
		slots->sockets[i] = -1;
	}
}

void tn_slots_finish(struct tn_slots *slots)
{
	tn_slots_close(slots);
	free(slots->sockets);
	*slots = (struct tn_slots){ 0 };
}
