#include "serve/refusal.h"

#include "serve/status.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* strftime(3) would write it in the language that a Worker has set. */
static void write_date(char *text, size_t room, time_t now)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm date;

	gmtime_r(&now, &date);
	snprintf(text, room, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[date.tm_wday],
	         date.tm_mday, months[date.tm_mon], date.tm_year + 1900, date.tm_hour, date.tm_min,
	         date.tm_sec);
}

/* Another attempt may be answered. */
static bool is_for_now(int status)
{
	return status == 429 || status == 503;
}

size_t tn_refusal_write(char text[TN_REFUSAL_SIZE], int status, bool head_only, time_t now)
{
	struct tn_bytes body = tn_status_body(status);
	int reason = body.size ? (int)body.size - 1 : 0; /* a line feed less */
	char date[64];
	int size;

	write_date(date, sizeof(date), now);
	size = snprintf(text, TN_REFUSAL_SIZE,
	                "HTTP/1.1 %d %.*s\r\nDate: %s\r\nConnection: close\r\n%s"
	                "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n\r\n%.*s",
	                status, reason, body.data, date,
	                is_for_now(status) ? "Retry-After: 1\r\n" : "", body.size,
	                head_only ? 0 : (int)body.size, body.data);
	return (size_t)size < TN_REFUSAL_SIZE ? (size_t)size : TN_REFUSAL_SIZE - 1;
}

void tn_refusal_send(int socket, int status, bool head_only)
{
	char text[TN_REFUSAL_SIZE];
	size_t size = tn_refusal_write(text, status, head_only, time(NULL));

	send(socket, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}
