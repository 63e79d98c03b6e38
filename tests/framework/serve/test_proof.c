#include "serve/proof.h"

#include "cunit.h"

#include <sys/socket.h>
#include <unistd.h>

#define REFUSAL "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

/* What it says of a server that replies so, and then ends the connection, or does not. */
static bool holds(const char *reply, bool ends)
{
	struct tn_proof proof;
	bool held;

	CU_ASSERT_FATAL(tn_proof_begin(&proof));
	CHECK_NUMBER(write(proof.socket, reply, strlen(reply)), (long long)strlen(reply));
	if (ends)
		shutdown(proof.socket, SHUT_WR);
	held = tn_proof_holds(&proof);
	tn_proof_end(&proof);
	close(proof.socket);
	return held;
}

static void one_refusal_and_the_end_will_do(void)
{
	CU_ASSERT(holds(REFUSAL, true));
}

static void all_else_will_not(void)
{
	CU_ASSERT_FALSE(holds(REFUSAL, false));
	CU_ASSERT_FALSE(holds("", true));
	CU_ASSERT_FALSE(holds("", false));
	CU_ASSERT_FALSE(holds(REFUSAL REFUSAL, true));
	CU_ASSERT_FALSE(holds("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true));
	CU_ASSERT_FALSE(holds("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" REFUSAL, true));
}

static void a_bare_line_feed_is_what_is_sent(void)
{
	struct tn_proof proof;
	char text[1000] = "";

	CU_ASSERT_FATAL(tn_proof_begin(&proof));
	CU_ASSERT(read(proof.socket, text, sizeof(text) - 1) > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "a\nX"));
	close(proof.socket);
	tn_proof_end(&proof);
	tn_proof_end(&proof);
}

TEST_MAIN("serve/proof",
          TEST(one_refusal_and_the_end_will_do),
          TEST(all_else_will_not),
          TEST(a_bare_line_feed_is_what_is_sent))
