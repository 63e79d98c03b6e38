#include "serve/refusal.h"

#include "cunit.h"

#include <sys/socket.h>
#include <unistd.h>

static void check_reply(int status, bool head_only, const char *expected)
{
	char text[TN_REFUSAL_SIZE + 1];

	text[tn_refusal_write(text, status, head_only, 784111777)] = '\0';
	CHECK_TEXT(text, expected);
}

static void a_reply_says_why_and_ends_the_connection(void)
{
	check_reply(400, false,
	            "HTTP/1.1 400 Bad Request\r\n"
	            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	            "Connection: close\r\n"
	            "Content-Type: text/plain;charset=UTF-8\r\n"
	            "Content-Length: 12\r\n"
	            "\r\n"
	            "Bad Request\n");
}

static void one_to_head_has_no_body(void)
{
	check_reply(431, true,
	            "HTTP/1.1 431 Request Header Fields Too Large\r\n"
	            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	            "Connection: close\r\n"
	            "Content-Type: text/plain;charset=UTF-8\r\n"
	            "Content-Length: 32\r\n"
	            "\r\n");
}

static void a_status_without_words_will_do(void)
{
	check_reply(499, false,
	            "HTTP/1.1 499 \r\n"
	            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	            "Connection: close\r\n"
	            "Content-Type: text/plain;charset=UTF-8\r\n"
	            "Content-Length: 0\r\n"
	            "\r\n");
}

static void it_is_sent_where_there_is_room(void)
{
	char text[TN_REFUSAL_SIZE] = "";
	int ends[2];

	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	tn_refusal_send(ends[0], 400, false);
	CU_ASSERT(read(ends[1], text, sizeof(text) - 1) > 0);
	CHECK_NUMBER(strncmp(text, "HTTP/1.1 400 Bad Request\r\n", 26), 0);
	while (send(ends[0], text, sizeof(text), MSG_DONTWAIT) > 0)
		;
	tn_refusal_send(ends[0], 400, false); /* and does not wait */
	close(ends[1]);
	tn_refusal_send(ends[0], 400, false); /* and gives no SIGPIPE */
	close(ends[0]);
}

TEST_MAIN("serve/refusal",
          TEST(a_reply_says_why_and_ends_the_connection),
          TEST(one_to_head_has_no_body),
          TEST(a_status_without_words_will_do),
          TEST(it_is_sent_where_there_is_room))
