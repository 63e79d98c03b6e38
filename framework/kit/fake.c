/* fake.c - what stands in the place of a binding. */
#include "kit/kit.h"

#include "message/request.h"

#define FIRST_ROOM 16u

struct tn_request *const tn_fake_none[1] = { NULL };

static bool make_room(struct tn_fake *fake, struct tn_exchange *exchange)
{
	unsigned room = fake->room ? 2 * fake->room : FIRST_ROOM;
	struct tn_request **requests;

	if (fake->calls + 1 < fake->room)
		return true;
	requests = tn_exchange_alloc(exchange, room * sizeof(requests[0]));
	if (!requests)
		return false;
	for (unsigned i = 0; i < room; i++)
		requests[i] = i < fake->room && i < fake->calls ? fake->requests[i] : NULL;
	fake->requests = requests;
	fake->room = room;
	return true;
}

/* What it has from another exchange has gone with that. */
static void begin_anew(struct tn_fake *fake, uint64_t number)
{
	if (fake->asked == number && fake->requests)
		return;
	fake->calls = 0;
	fake->requests = tn_fake_none;
	fake->room = 0;
	fake->asked = number;
}

static void keep(struct tn_fake *fake, struct tn_request *request)
{
	begin_anew(fake, request->exchange->root->number);
	if (make_room(fake, request->exchange))
		((struct tn_request **)(uintptr_t)fake->requests)[fake->calls] =
			tn_request_clone(request);
	fake->calls++;
}

/* The first of a name takes the place of what tn_response_text has set. */
static bool add_headers(const struct tn_fake *fake, struct tn_response *response)
{
	struct tn_headers *headers = tn_response_headers(response);

	for (unsigned i = 0; i < TN_FAKE_HEADERS && fake->headers[i].name; i++)
		if (!tn_headers_delete(headers, fake->headers[i].name))
			return false;
	for (unsigned i = 0; i < TN_FAKE_HEADERS && fake->headers[i].name; i++)
		if (!tn_headers_append(headers, fake->headers[i].name, fake->headers[i].data))
			return false;
	return true;
}

static struct tn_response *answer(const struct tn_fake *fake, const struct tn_request *request)
{
	struct tn_response *response;

	if (!fake->status)
		return NULL;
	response = fake->body ? tn_response_text(request, fake->status, fake->body)
	                      : tn_response_new(request, fake->status);
	return response && add_headers(fake, response) ? response : NULL;
}

struct tn_response *tn_fake_fetch(struct tn_request *request, const struct tn_service *service)
{
	struct tn_fake *fake = (struct tn_fake *)(uintptr_t)service;

	if (!request)
		return NULL;
	if (!service || service->fetch != tn_fake_fetch) {
		tn_worker_refuse(request->exchange, "(fake)", service);
		return NULL;
	}
	keep(fake, request);
	return fake->answer ? fake->answer(request, fake) : answer(fake, request);
}
