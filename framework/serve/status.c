#include "serve/status.h"

#include <string.h>

struct tn_bytes tn_status_body(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{ 400, "Bad Request\n" },
		{ 404, "Not Found\n" },
		{ 408, "Request Timeout\n" },
		{ 413, "Content Too Large\n" },
		{ 414, "URI Too Long\n" },
		{ 417, "Expectation Failed\n" },
		{ 429, "Too Many Requests\n" },
		{ 431, "Request Header Fields Too Large\n" },
		{ 500, "Internal Server Error\n" },
		{ 501, "Not Implemented\n" },
		{ 503, "Service Unavailable\n" },
		{ 504, "Gateway Timeout\n" },
		{ 505, "HTTP Version Not Supported\n" },
		{ 507, "Insufficient Storage\n" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].status == status)
			return (struct tn_bytes){ texts[i].text, strlen(texts[i].text) };
	}
	return (struct tn_bytes){ 0 };
}
