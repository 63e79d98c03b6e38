/* status.h - what the host says by itself. */
#ifndef TENON_SERVE_STATUS_H
#define TENON_SERVE_STATUS_H

#include "tenon.h"

/* The body of its reply with that status, "Not Found\n": a constant; empty for one that it never
 * gives. */
struct tn_bytes tn_status_body(int status);

#endif
