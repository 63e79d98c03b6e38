/*
 * path.h - the one form of a request's path, in which it is compared with routes, seen by Workers
 * and logged. Two paths that RFC 3986, 6.2.2 takes for the same one, and two that many a file
 * system does, are the same text in it:
 *
 *	- what need not be escaped is not: letters, digits, '-', '.', '_', '~'
 *	- other escapes stay, with digits in upper case: "%2F" is no '/', "%5C" is what '\' becomes
 *	- what a URL cannot have as it is, is escaped: " < > [ \ ] ^ ` { | }
 *	- several '/' are one; that comes before the dots: "/a//../b" is "/b"
 *	- "." and ".." are followed, at the end too: "/a/." is "/a/", "/a/b/.." is "/a/"
 *
 * The query stays as it was sent, but for what a URL cannot have as it is ('[' and ']' are left to
 * it: forms are full of them).
 */
#ifndef TENON_MESSAGE_PATH_H
#define TENON_MESSAGE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* What the form may take of a text of that size, with the NUL behind it. */
#define TN_PATH_ROOM(size_) (3 * (size_) + 1)

/* Whether it surely is in that form already; where it is not, it may be nevertheless. */
bool tn_path_plain(const char *text);

/*
 * Writes the form of a path, with or without a query, to `normal`, which has the room. The text
 * begins with '/', or has no path, and is visible ASCII without '#' (tn_url_target_valid). false:
 * it has no such form, since it leads above the root, has a '%' in the path that is no escape, or
 * %00 anywhere.
 */
bool tn_path_normalise(const char *text, char *normal);

#endif
