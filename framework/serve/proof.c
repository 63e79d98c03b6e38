#include "serve/proof.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A bare line feed ends a line of the head, and a good request follows. */
static const char request[] = "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"
			      "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

bool tn_proof_begin(struct tn_proof *proof)
{
	int ends[2];

	*proof = (struct tn_proof){ -1, -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return false;
	*proof = (struct tn_proof){ .socket = ends[0], .client = ends[1] };
	return write(proof->client, request, strlen(request)) == (ssize_t)strlen(request);
}

static unsigned count_replies(const char *text)
{
	unsigned count = 0;

	while ((text = strstr(text, "HTTP/1."))) {
		count++;
		text++;
	}
	return count;
}

bool tn_proof_holds(const struct tn_proof *proof)
{
	char text[4096];
	size_t size = 0;
	ssize_t got;

	while ((got = read(proof->client, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)got;
	text[size] = '\0';
	return got == 0 && size < sizeof(text) - 1 && strncmp(text, "HTTP/1.1 400 ", 13) == 0 &&
	       count_replies(text) == 1;
}

void tn_proof_end(struct tn_proof *proof)
{
	if (proof->client >= 0)
		close(proof->client);
	proof->client = -1;
}
