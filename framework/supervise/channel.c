#include "supervise/channel.h"

#include "serve/forked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As it is sent, beside the descriptor. */
struct wire {
	uint32_t kind;
	uint32_t number;
};

bool tn_channel_create(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
}

/* ---- The supervisor's side ----------------------------------------------------------------- */

bool tn_channel_send(int channel, const struct tn_order *order)
{
	struct wire wire = { (uint32_t)order->kind, order->number };
	struct iovec vector = { &wire, sizeof(wire) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (order->descriptor >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &order->descriptor, sizeof(int));
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(wire);
}

int tn_channel_hear(int channel, char *text)
{
	char message[TN_PROCESS_TEXT + 1];
	ssize_t size;

	do
		size = recv(channel, message, sizeof(message), MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN ? 0 : -1;
	if (size == 0)
		return -1;
	memcpy(text, message + 1, (size_t)size - 1);
	text[size - 1] = '\0';
	return message[0];
}

/* ---- The host's side ----------------------------------------------------------------------- */

bool tn_channel_tell(int channel, enum tn_process_message kind, const char *text, size_t size)
{
	char message[TN_PROCESS_TEXT + 1];
	ssize_t sent;

	if (size > TN_PROCESS_TEXT)
		size = TN_PROCESS_TEXT;
	message[0] = (char)kind;
	memcpy(message + 1, text, size);
	do
		sent = send(channel, message, size + 1, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

void tn_channel_mention(int channel, enum tn_process_message kind)
{
	const char message = (char)kind;

	(void)!send(channel, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* As tn_inbox_next. A descriptor that there is no room for does not come. */
static int receive(int channel, int flags, struct tn_order *order)
{
	struct wire wire = { 0 };
	struct iovec vector = { &wire, sizeof(wire) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	ssize_t size;

	do
		size = recvmsg(channel, &message, flags | MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	if (size < 0 && errno == EAGAIN)
		return 0;
	if (size != (ssize_t)sizeof(wire))
		return -1;
	*order = (struct tn_order){ (enum tn_order_kind)wire.kind, wire.number, -1 };
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&order->descriptor, CMSG_DATA(header), sizeof(int));
	return 1;
}

static void discard(const struct tn_order *order)
{
	if (order->descriptor >= 0)
		close(order->descriptor);
}

static void keep(struct tn_inbox *inbox, const struct tn_order *order)
{
	struct tn_order *kept = realloc(inbox->kept, (inbox->count + 1) * sizeof(kept[0]));

	if (!kept) {
		discard(order);
		return;
	}
	inbox->kept = kept;
	kept[inbox->count++] = *order;
}

bool tn_inbox_await(struct tn_inbox *inbox, enum tn_order_kind kind, struct tn_order *order)
{
	while (receive(inbox->channel, 0, order) > 0) {
		if (order->kind == kind)
			return true;
		keep(inbox, order);
	}
	return false;
}

int tn_inbox_next(struct tn_inbox *inbox, struct tn_order *order)
{
	if (!inbox->count)
		return receive(inbox->channel, MSG_DONTWAIT, order);
	*order = inbox->kept[0];
	inbox->count--;
	memmove(inbox->kept, inbox->kept + 1, inbox->count * sizeof(inbox->kept[0]));
	return 1;
}

void tn_inbox_finish(struct tn_inbox *inbox)
{
	for (size_t i = 0; i < inbox->count; i++)
		discard(&inbox->kept[i]);
	free(inbox->kept);
	if (inbox->channel >= 0)
		tn_forked_close(inbox->channel);
	*inbox = (struct tn_inbox){ .channel = -1 };
}
