#include "serve/inbound.h"

/* Whether the client has sent all of it: what we have not got, libmicrohttpd has. */
static bool has_come(const struct tn_inbound *inbound)
{
	return inbound->client->framing.ended >= inbound->client->begun;
}

/* There is no room for what is still to come: better that the client need not send it. */
static void cut_failed(struct tn_inbound *inbound)
{
	if (!inbound->client || has_come(inbound))
		return;
	tn_upload_look(&inbound->upload, &inbound->refusal);
	if (inbound->refusal)
		tn_tap_refuse(inbound->client, inbound->refusal);
}

static void piece_written(void *argument)
{
	struct tn_inbound *inbound = argument;

	inbound->spooling = false;
	tn_inbound_resume(inbound);
	cut_failed(inbound);
	tn_inbound_let_go(inbound);
}

void tn_inbound_open_body(struct tn_inbound *inbound, uint64_t length)
{
	const struct tn_edge *edge = inbound->edge;
	const struct tn_settings *settings = &edge->deployment->plan->settings;
	struct tn_framing *framing = &inbound->client->framing;
	struct tn_upload *upload = &inbound->upload; /* zeroed, as all of it */

	upload->exchange = inbound->exchange;
	upload->most = (size_t)(inbound->route ? inbound->route->max_body : settings->max_body);
	upload->memory = (size_t)settings->body_memory;
	upload->length = length;
	upload->spool = edge->spool;
	upload->written = piece_written;
	upload->argument = inbound;
	if (length != TN_UPLOAD_UNKNOWN && length > upload->most)
		inbound->refusal = 413;
	/* It may be further, where all of this request has come at once. */
	if (framing->messages != inbound->client->begun)
		return;
	framing->body_most = upload->most;
	if (tn_framing_exceeds(framing))
		inbound->refusal = 413;
}

/* What the thread of the files has is not to go, even if the request ends. */
static void share_with_spool(struct tn_inbound *inbound)
{
	if (inbound->spooling || !tn_upload_busy(&inbound->upload))
		return;
	inbound->spooling = true;
	inbound->owners++;
}

bool tn_inbound_take_body(struct tn_inbound *inbound, struct tn_connection *connection,
                          const char *data, size_t *size)
{
	enum tn_upload_step step;

	inbound->upload.whole = has_come(inbound);
	step = tn_upload_take(&inbound->upload, data, size, &inbound->refusal);
	share_with_spool(inbound);
	if (step == TN_UPLOAD_WAITS && !inbound->suspended)
		tn_inbound_suspend(inbound, connection);
	return step != TN_UPLOAD_FAILED;
}

/* As with requests that wait, the connection is suspended at the second call. */
bool tn_inbound_end_body(struct tn_inbound *inbound, struct tn_connection *connection)
{
	enum tn_upload_step step = tn_upload_end(&inbound->upload, &inbound->refusal);

	share_with_spool(inbound);
	if (step == TN_UPLOAD_READY)
		return true;
	if (inbound->upload_ending)
		tn_inbound_suspend(inbound, connection);
	inbound->upload_ending = true;
	inbound->edge->again = true;
	return false;
}
