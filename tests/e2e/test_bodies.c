/*
 * test_bodies.c - bodies of any size: in memory, in files without a name, refused before they are
 * sent, and on a disk that is full. TN_UPLOAD_MIB is how much the large upload has.
 */
#include "harness.h"

#include "../cunit.h"

#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)
#define KIB ((size_t)1024)
#define MIB (KIB * 1024)

/* ---- What is sent -------------------------------------------------------------------------- */

struct upload {
	const char *path;
	size_t size;
	bool chunked;
	bool ends;   /* the Worker looks at no more than the ends of it */
	bool closes; /* the client shuts down its side behind it */
};

/* The bytes of every body, again and again. */
static const char *pattern(void)
{
	static char bytes[PIECE];

	for (size_t i = 0; !bytes[0] && i < PIECE; i++)
		bytes[PIECE - 1 - i] = (char)('a' + (i * 31 + i / 977) % 26);
	return bytes;
}

static uint64_t add(uint64_t sum, const char *data, size_t size)
{
	uint64_t word;

	for (; size >= sizeof(word); data += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		sum = (sum ^ word) * 0x100000001b3;
	}
	for (; size; data++, size--)
		sum = (sum ^ (unsigned char)*data) * 0x100000001b3;
	return sum;
}

static size_t piece_of(size_t left)
{
	return left < PIECE ? left : PIECE;
}

/* Of the bytes from there on, as serve_body.c has it. */
static uint64_t sum_of(const struct upload *upload)
{
	const size_t ends = 4096;
	uint64_t sum = 0;
	char last[4096];

	if (!upload->ends || upload->size <= 2 * ends) {
		for (size_t left = upload->size; left; left -= piece_of(left))
			sum = add(sum, pattern(), piece_of(left));
		return sum;
	}
	for (size_t i = 0; i < ends; i++)
		last[i] = pattern()[(upload->size - ends + i) % PIECE];
	return add(add(0, pattern(), ends), last, ends);
}

static const char *expected(const struct upload *upload)
{
	return text_of("size=%zu sum=%" PRIx64 " nul=yes\n", upload->size, sum_of(upload));
}

static bool send_head(int socket, const struct upload *upload)
{
	const char *framing = upload->chunked ? "Transfer-Encoding: chunked"
	                                      : text_of("Content-Length: %zu", upload->size);

	return wire_text(socket, text_of("POST %s%s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
	                                 upload->path, upload->ends ? "/ends" : "", framing));
}

static bool send_part(int socket, const struct upload *upload, size_t size)
{
	if (!upload->chunked)
		return wire_send(socket, pattern(), size);
	return wire_text(socket, text_of("%zx\r\n", size)) && wire_send(socket, pattern(), size) &&
	       wire_text(socket, "\r\n");
}

static bool send_body(int socket, const struct upload *upload)
{
	for (size_t left = upload->size; left; left -= piece_of(left)) {
		if (!send_part(socket, upload, piece_of(left)))
			return false;
	}
	if (upload->chunked && !wire_text(socket, "0\r\n\r\n"))
		return false;
	return !upload->closes || !shutdown(socket, SHUT_WR);
}

static const char *body_of(const struct wire_bytes *reply)
{
	const char *blank = strstr(reply->data, "\r\n\r\n");

	return blank ? blank + 4 : NULL;
}

static void check_upload(const struct host *host, const struct upload *upload)
{
	int socket = wire_connect(host);
	struct wire_bytes reply;

	CHECK_NUMBER(send_head(socket, upload) && send_body(socket, upload), true);
	reply = wire_read(socket, 1);
	if (!CHECK_NUMBER(wire_status(&reply), 200) ||
	    !CHECK_TEXT(body_of(&reply), expected(upload)))
		printf("\t%s %zu bytes%s%s\n", upload->path, upload->size,
		       upload->chunked ? ", chunked" : "", upload->closes ? ", closes" : "");
	close(socket);
}

/* ---- The host ------------------------------------------------------------------------------ */

static const char *directory(void)
{
	const char *path = scratch_path("bodies");

	mkdir(path, 0700);
	return path;
}

#define WORKERS \
	"[worker body]\n" \
	"module = %s\n" \
	"route = /loop/*, /loop\n" \
	"max_body = 5G\n" \
	"[worker waits]\n" \
	"module = %s\n" \
	"route = /pool\n" \
	"max_body = 5G\n" \
	"blocking = yes\n" \
	"[worker small]\n" \
	"module = %s\n" \
	"route = /small\n"

static const char *write_file(const char *settings)
{
	return scratch_write("bodies.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "body_directory = %s\n"
	                     "max_body = 70K\n"
	                     "%s" WORKERS,
	                     directory(), settings, fixture("serve_body"),
	                     fixture("serve_body"), fixture("serve_body"));
}

static struct host *start(const char *settings)
{
	return host_start(write_file(settings));
}

/* How many files without a name it has in the directory: open, or mapped. */
static unsigned files_of(const struct host *host)
{
	const char *folder = text_of("/proc/%d/fd", (int)host->pid);
	unsigned count = count_of(file_read(text_of("/proc/%d/maps", (int)host->pid)),
	                          text_of("%s/", directory()));
	DIR *list = opendir(folder);
	struct dirent *entry;
	char target[512];

	while (list && (entry = readdir(list))) {
		ssize_t size = readlink(text_of("%s/%s", folder, entry->d_name), target,
		                        sizeof(target) - 1);

		target[size > 0 ? size : 0] = '\0';
		count += !strncmp(target, directory(), strlen(directory()));
	}
	if (list)
		closedir(list);
	return count;
}

static bool wait_for_files(const struct host *host, unsigned wanted)
{
	long long end = now_ms() + deadline_ms();

	while (files_of(host) != wanted && now_ms() < end)
		nap();
	return CHECK_NUMBER(files_of(host), wanted);
}

static bool is_empty(const char *path)
{
	return rmdir(path) == 0 && mkdir(path, 0700) == 0;
}

/* ---- What arrives -------------------------------------------------------------------------- */

static void bodies_of_all_sizes_arrive(void)
{
	static const size_t sizes[] = { 0, 1, 64 * KIB - 1, 64 * KIB,
		                        64 * KIB + 1, 68 * KIB, 100001, 128 * KIB,
		                        MIB, MIB + 1, 3 * MIB, 3 * MIB + 4095 };
	struct host *host = start("body_memory = 64K\n");

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int kind = 0; kind < 8; kind++) {
			check_upload(host, &(struct upload){ .path = kind & 1 ? "/pool" : "/loop",
			                                     .size = sizes[i],
			                                     .chunked = kind & 2,
			                                     .closes = kind & 4 });
		}
	}
	CHECK_NUMBER(wait_for_files(host, 0), true);
	host_end(host);
	CHECK_NUMBER(is_empty(directory()), true);
}

static void a_kept_connection_takes_one_after_the_other(void)
{
	const struct upload upload = { .path = "/loop", .size = 300 * KIB };
	struct host *host = start("body_memory = 64K\n");
	int socket = wire_connect(host);

	for (int i = 0; i < 20; i++) {
		struct wire_bytes reply;

		CHECK_NUMBER(send_head(socket, &upload) && send_body(socket, &upload), true);
		reply = wire_read(socket, 1);
		CHECK_TEXT(body_of(&reply), expected(&upload));
	}
	close(socket);
	host_end(host);
}

static void requests_behind_a_large_body_are_answered_in_order(void)
{
	const struct upload large = { .path = "/pool", .size = 200 * KIB };
	const struct upload small = { .path = "/loop", .size = 10 };
	struct host *host = start("body_memory = 64K\n");
	int socket = wire_connect(host);
	struct wire_bytes reply;
	const char *first;

	CHECK_NUMBER(send_head(socket, &large) && send_body(socket, &large) &&
	                     send_head(socket, &small) && send_body(socket, &small),
	             true);
	reply = wire_read(socket, 2);
	first = strstr(reply.data, expected(&large));
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	CU_ASSERT_PTR_NOT_NULL(strstr(first, expected(&small)));
	close(socket);
	host_end(host);
}

#define CLIENTS 20

static void many_clients_do_not_mix(void)
{
	struct host *host = start("body_memory = 64K\n");
	int sockets[CLIENTS];

	for (size_t i = 0; i < CLIENTS; i++) {
		sockets[i] = wire_connect(host);
		send_head(sockets[i], &(struct upload){ .path = i % 2 ? "/pool" : "/loop",
		                                        .size = 3 * 70 * KIB });
	}
	for (size_t part = 0; part < 3; part++) {
		for (size_t i = 0; i < CLIENTS; i++)
			CHECK_NUMBER(wire_send(sockets[i], pattern() + part * 70 * KIB, 70 * KIB),
			             true);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		struct wire_bytes reply = wire_read(sockets[i], 1);

		CHECK_TEXT(body_of(&reply), expected(&(struct upload){ .size = 3 * 70 * KIB }));
		close(sockets[i]);
	}
	host_end(host);
}

/* ---- The file ------------------------------------------------------------------------------ */

/* Sends half of a body, and waits until the host has a file for it. */
static int send_half(const struct host *host, const struct upload *upload)
{
	int socket = wire_connect(host);

	send_head(socket, upload);
	CHECK_NUMBER(wire_send(socket, pattern(), upload->size / 2), true);
	wait_for_files(host, 1);
	return socket;
}

static void nothing_of_it_can_be_seen(void)
{
	const struct upload upload = { .path = "/loop", .size = MIB };
	struct host *host = start("body_memory = 64K\n");
	int socket = send_half(host, &upload);
	struct wire_bytes reply;

	CHECK_NUMBER(is_empty(directory()), true);
	wire_send(socket, pattern() + MIB / 2, MIB / 2);
	reply = wire_read(socket, 1);
	CHECK_TEXT(body_of(&reply), expected(&upload));
	wait_for_files(host, 0);
	close(socket);
	host_end(host);
}

static void a_client_that_goes_leaves_nothing(void)
{
	const struct upload upload = { .path = "/loop", .size = MIB };
	struct host *host = start("body_memory = 64K\n");

	for (int resets = 0; resets < 2; resets++) {
		int socket = send_half(host, &upload);

		if (resets)
			wire_reset(socket);
		else
			close(socket);
		wait_for_files(host, 0);
	}
	check_upload(host, &upload);
	host_end(host);
}

static void a_stop_waits_for_it(void)
{
	const struct upload upload = { .path = "/loop", .size = MIB };
	struct host *host = start("body_memory = 64K\n");
	int socket = send_half(host, &upload);
	struct wire_bytes reply;

	host_signal(host, 15);
	host_logged(host, "stopping, 1 in flight");
	wire_send(socket, pattern() + MIB / 2, MIB / 2);
	reply = wire_read_all(socket);
	CHECK_TEXT(body_of(&reply), expected(&upload));
	close(socket);
	CHECK_NUMBER(host_wait(host), 0);
}

static void a_stop_that_waits_no_longer_cuts_it(void)
{
	const struct upload upload = { .path = "/loop", .size = MIB };
	struct host *host = start("body_memory = 64K\ndrain_timeout = 0s\n");
	int socket = send_half(host, &upload);

	host_signal(host, 15);
	host_logged(host, "stopped with 1 request unanswered");
	CHECK_NUMBER(host_wait(host), 75);
	close(socket);
	CHECK_NUMBER(is_empty(directory()), true);
}

/* ---- Limits -------------------------------------------------------------------------------- */

static void each_worker_has_its_own_limit(void)
{
	struct host *host = start("");
	struct wire_bytes reply;

	check_upload(host, &(struct upload){ .path = "/small", .size = 70 * KIB });
	check_upload(host, &(struct upload){ .path = "/small", .size = 70 * KIB, .chunked = true });
	check_upload(host, &(struct upload){ .path = "/loop", .size = 3 * MIB });
	reply = wire_talk(host, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 71681\r\n\r\n",
	                  0);
	CHECK_NUMBER(wire_status(&reply), 413);
	CHECK_NUMBER(reply.closed && !reply.reset, true);
	reply = wire_talk(host, "POST /loop HTTP/1.1\r\nHost: a\r\nContent-Length: 5368709121\r\n"
	                        "\r\n",
	                  0);
	CHECK_NUMBER(wire_status(&reply), 413);
	reply = wire_talk(host, "POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 71681\r\n\r\n",
	                  0);
	CHECK_NUMBER(wire_status(&reply), 404);
	host_end(host);
}

/* Without a length, it is refused as soon as it has become too large. */
static void a_chunked_body_that_becomes_too_large_gets_413_at_once(void)
{
	const struct upload endless = { .path = "/small", .size = MIB, .chunked = true };
	struct host *host = start("");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	send_head(socket, &endless);
	wire_text(socket, "100000\r\n");
	wire_send(socket, pattern(), 71 * KIB);
	reply = wire_read_all(socket);
	CHECK_NUMBER(wire_status(&reply), 413);
	CHECK_NUMBER(reply.closed && !reply.late, true);
	close(socket);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "target=\"/small\" status=413 "), 1);
}

/* What a client announces of a chunk counts as soon as its line is whole, however it comes; and
 * each has its line. */
static void a_chunk_that_is_announced_too_large_gets_413_at_once(void)
{
	static const char *const lines[] = { "11801\r\n", "7fffffffffffffff\r\n" };
	static const char begun[] = "POST /small HTTP/1.1\r\nHost: a\r\n"
				    "Transfer-Encoding: chunked\r\n\r\n11801";
	const struct upload endless = { .path = "/small", .size = MIB, .chunked = true };
	struct host *host = start("");

	for (size_t i = 0; i < 2; i++) {
		struct wire_bytes reply = wire_talk(host,
		                                    text_of("POST /small HTTP/1.1\r\nHost: a\r\n"
		                                            "Transfer-Encoding: chunked\r\n\r\n%s",
		                                            lines[i]),
		                                    0);

		CHECK_NUMBER(wire_status(&reply), 413);
		CHECK_NUMBER(reply.closed && !reply.late, true);
	}
	for (size_t i = 0; i < 3; i++) {
		int socket = wire_connect(host);
		struct wire_bytes reply;

		if (i < 2)
			send_head(socket, &endless);
		else
			wire_text(socket, begun);
		CHECK_NUMBER(http_get(host, "/none")->status, 404); /* by now it is read */
		wire_text(socket, i < 2 ? lines[i] : "\r\n");
		reply = wire_read_all(socket);
		CHECK_NUMBER(wire_status(&reply), 413);
		CHECK_NUMBER(reply.closed && !reply.late, true);
		close(socket);
	}
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "target=\"/small\" status=413 "), 5);
	CHECK_NUMBER(lines_matching(host_log(host), "warning: 127\\.0\\.0\\.1: answered with 413: "
	                                            "max_body = 71680$") >= 1,
	             true);
}

static void only_a_body_that_is_accepted_is_asked_for(void)
{
	static const char asking[] = "HTTP/1.1 100 Continue\r\n\r\n";
	static const struct {
		const char *path, *length;
		int status;
	} refused[] = {
		{ "/small", "71681", 413 },
		{ "/loop", "5368709121", 413 },
		{ "/none", "1", 404 },
	};
	struct host *host = start("");
	int socket = wire_connect(host);
	char answer[sizeof(asking)] = "";
	struct wire_bytes reply;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		reply = wire_talk(host,
		                  text_of("POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		                          "Content-Length: %s\r\n\r\n",
		                          refused[i].path, refused[i].length),
		                  0);
		CHECK_NUMBER(wire_status(&reply), refused[i].status);
		CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 "), 1);
		CHECK_NUMBER(reply.closed, true);
	}
	wire_text(socket, "POST /loop HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
	                  "Content-Length: 1048576\r\n\r\n");
	CHECK_NUMBER(recv(socket, answer, sizeof(asking) - 1, MSG_WAITALL), sizeof(asking) - 1);
	CHECK_TEXT(answer, asking);
	wire_send(socket, pattern(), MIB);
	reply = wire_read(socket, 1);
	CHECK_TEXT(body_of(&reply), expected(&(struct upload){ .size = MIB }));
	close(socket);
	host_end(host);
}

/* ---- Where there is no room ---------------------------------------------------------------- */

static void check_no_room(const struct host *host)
{
	const struct upload large = { .path = "/loop", .size = 8 * MIB };
	int socket = wire_connect(host);
	struct wire_bytes reply;

	/* The reply comes before all of it has been sent, and ends the connection. */
	send_head(socket, &large);
	send_body(socket, &large);
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 507);
	CHECK_NUMBER(count_of(reply.data, "Connection: close"), 1);
	CHECK_TEXT(body_of(&reply), "Insufficient Storage\n");
	close(socket);
	/* The file has gone, and with it what it took: what has room is served. */
	wait_for_files(host, 0);
	check_upload(host, &(struct upload){ .path = "/small", .size = 60 * KIB });
	check_upload(host, &(struct upload){ .path = "/pool", .size = MIB });
}

static void a_full_disk_is_507_and_harms_nothing_else(void)
{
	static const char mount[] = "mount -t tmpfs -o size=4m none \"$0\" && exec \"$@\"";
	const char *const words[] = { "unshare", "--mount", "sh", "-c", mount, directory(), NULL };
	const char *const probe[] = { "unshare", "--mount", "sh", "-c",
		                      mount, directory(), "true", NULL };
	struct host *host;

	if (program_run(probe).code) {
		puts("skipped: file systems cannot be mounted here");
		return;
	}
	host = host_start_with(write_file("body_memory = 64K\n"),
	                       &(struct host_options){ .before = words });
	check_no_room(host);
	check_no_room(host);
	CHECK_NUMBER(count_of(host_log(host), "answered with 507: its body cannot be kept in a "
	                                      "file: No space left on device"),
	             2);
	host_end(host);
}

static void a_limit_of_the_process_is_507_too(void)
{
	const char *const words[] = { "sh", "-c", "ulimit -f 4096; exec \"$0\" \"$@\"", NULL };
	struct host *host = host_start_with(write_file("body_memory = 64K\naccess_log = off\n"),
	                                    &(struct host_options){ .before = words });

	check_no_room(host);
	CHECK_NUMBER(count_of(host_log(host), "answered with 507: its body cannot be kept in a "
	                                      "file: File too large"),
	             1);
	host_end(host);
}

static const char *write_file_with(const char *directory)
{
	return scratch_write("none.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "body_directory = %s\n" WORKERS,
	                     directory, fixture("serve_body"), fixture("serve_body"),
	                     fixture("serve_body"));
}

static void a_directory_that_is_none_is_told_at_once(void)
{
	const char *file = write_file_with("/proc/none");
	const char *wrong = ":3: [host]: body_directory: '/proc/none': no file can be made there, "
			    "for bodies larger than body_memory: No such file or directory: name "
			    "another directory\n";
	struct finished check = tenon_check(file);
	struct host *host = host_spawn(file, NULL);

	CHECK_NUMBER(check.code, 78);
	CHECK_NUMBER(count_of(check.err, wrong), 1);
	CHECK_NUMBER(host_ready(host), false);
	CHECK_NUMBER(host_wait(host), 78);
	CHECK_NUMBER(count_of(host_log(host), wrong), 1);
}

/* The one who checks may not be the one who runs it: it is certain only at the start. */
static void a_directory_that_takes_no_files_ends_the_start(void)
{
	const char *file = write_file_with("/sys");
	const char *wrong = "[host]: body_directory: '/sys': no file can be made there, for bodies "
			    "larger than body_memory: ";
	struct finished check = tenon_check(file);
	struct host *host = host_spawn(file, &(struct host_options){ .supervised = true });

	CHECK_NUMBER(check.code, 0);
	CHECK_NUMBER(count_of(check.err, text_of("warning: %s", wrong)), 1);
	CHECK_NUMBER(host_ready(host), false);
	CHECK_NUMBER(host_wait(host), 78);
	CHECK_NUMBER(count_of(host_log(host), text_of(":3: %s", wrong)), 1);
}

/* ---- Memory -------------------------------------------------------------------------------- */

/* In KiB, of a line of smaps_rollup, "Pss:" or "Anonymous:". */
static long memory_line(const struct host *host, const char *name)
{
	const char *text = file_read(text_of("/proc/%d/smaps_rollup", (int)host->pid));
	const char *line = strstr(text, text_of("\n%s:", name));

	return line ? strtol(line + strlen(name) + 2, NULL, 10) : 0;
}

static void note_most(long *most, long value)
{
	if (value > *most)
		*most = value;
}

/* As far as the whole of it is not looked at, the process stays as it was. */
static void a_large_upload_keeps_the_process_small(void)
{
	const char *mib = getenv("TN_UPLOAD_MIB");
	size_t size = (mib ? strtoul(mib, NULL, 10) : 64) * MIB;
	struct upload upload = { .path = "/loop", .size = size, .ends = true };
	struct host *host = start("");
	int socket = wire_connect(host);
	struct wire_bytes reply;
	long before, most = 0, anonymous = 0;
	size_t looked = upload.size / 64 / PIECE * PIECE + PIECE;

	check_upload(host, &(struct upload){ .path = "/loop", .size = 100 });
	before = memory_line(host, "Pss");
	send_head(socket, &upload);
	for (size_t left = upload.size; left; left -= piece_of(left)) {
		CHECK_NUMBER(wire_send(socket, pattern(), piece_of(left)), true);
		if (left % looked)
			continue;
		note_most(&most, memory_line(host, "Pss"));
		note_most(&anonymous, memory_line(host, "Anonymous"));
	}
	reply = wire_read(socket, 1);
	CHECK_TEXT(body_of(&reply), expected(&upload));
	note_most(&most, memory_line(host, "Pss"));
	printf("%zu MiB: PSS %ld KiB before, at most %ld KiB, of which %ld KiB anonymous\n",
	       upload.size / MIB, before, most, anonymous);
	CHECK_NUMBER(host_is_instrumented() || most - before < 4 * (long)KIB, true);
	close(socket);
	wait_for_files(host, 0);
	host_end(host);
}

TEST_MAIN("e2e/bodies",
          TEST(bodies_of_all_sizes_arrive),
          TEST(a_kept_connection_takes_one_after_the_other),
          TEST(requests_behind_a_large_body_are_answered_in_order),
          TEST(many_clients_do_not_mix),
          TEST(nothing_of_it_can_be_seen),
          TEST(a_client_that_goes_leaves_nothing),
          TEST(a_stop_waits_for_it),
          TEST(a_stop_that_waits_no_longer_cuts_it),
          TEST(each_worker_has_its_own_limit),
          TEST(a_chunked_body_that_becomes_too_large_gets_413_at_once),
          TEST(a_chunk_that_is_announced_too_large_gets_413_at_once),
          TEST(only_a_body_that_is_accepted_is_asked_for),
          TEST(a_full_disk_is_507_and_harms_nothing_else),
          TEST(a_limit_of_the_process_is_507_too),
          TEST(a_directory_that_is_none_is_told_at_once),
          TEST(a_directory_that_takes_no_files_ends_the_start),
          TEST(a_large_upload_keeps_the_process_small))
