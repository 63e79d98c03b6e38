/* scan.h - the first byte of a text that is none of a kind. Where there is none: its end. */
#ifndef TENON_SERVE_SCAN_H
#define TENON_SERVE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum {
	TN_SCAN_TOKEN = 1,  /* RFC 9110, 5.6.2: tchar */
	TN_SCAN_TARGET = 2, /* visible ASCII but '#' */
};

/* Two of a byte's kinds. */
extern const unsigned char tn_scan_kinds[256];

static inline bool tn_scan_is_token(char byte)
{
	return tn_scan_kinds[(unsigned char)byte] & TN_SCAN_TOKEN;
}

static inline bool tn_scan_is_target(char byte)
{
	return tn_scan_kinds[(unsigned char)byte] & TN_SCAN_TARGET;
}

/* The first byte that is none of a token. */
static inline const char *tn_scan_token(const char *at, const char *end)
{
	while (at < end && tn_scan_is_token(*at))
		at++;
	return at;
}

/* The first '%', or byte that is none of a target. */
static inline const char *tn_scan_target(const char *at, const char *end)
{
	while (at < end && tn_scan_is_target(*at) && *at != '%')
		at++;
	return at;
}

/* The first control character. */
static inline const char *tn_scan_value(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at >= 0x20 && *at != 0x7f)
		at++;
	return at;
}

#endif
