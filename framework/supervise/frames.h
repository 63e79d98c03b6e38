/*
 * frames.h - the frames of a crash, as the handler leaves them for the supervisor, which has names,
 * files and lines found for them when the process has died.
 *
 * Each frame is four strings, each ended by a NUL: what the log's line begins with ("2026-... fatal
 * request=... worker=auth: #0 "), the offset in the object's file in hexadecimal ("0x1139"), the
 * file to look into, and the path to be shown, which is that of the original where the file is a
 * copy. Where no object has the address, the file is "" and the path "?".
 */
#ifndef TENON_SUPERVISE_FRAMES_H
#define TENON_SUPERVISE_FRAMES_H

#include <stdatomic.h>
#include <stdint.h>

#define TN_FRAMES_ROOM ((size_t)60 * 1024) /* bytes */

struct tn_frames {
	_Atomic uint32_t size; /* bytes of whole frames */
	char text[TN_FRAMES_ROOM];
};

#endif
