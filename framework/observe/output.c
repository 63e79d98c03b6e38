#include "observe/output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* A pipe that can be written to takes PIPE_BUF bytes without waiting (pipe(7)). */
static bool is_ready(int file)
{
	struct pollfd wanted = { .fd = file, .events = POLLOUT };

	return poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLOUT);
}

size_t tn_output_write(int file, bool waits, const char *data, size_t size)
{
	size_t most = waits ? PIPE_BUF : size;
	size_t done = 0;

	while (done < size && (!waits || is_ready(file))) {
		size_t part = size - done < most ? size - done : most;
		ssize_t written = write(file, data + done, part);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			break;
		done += (size_t)written;
	}
	return done;
}
