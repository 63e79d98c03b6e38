/* status.h - what a supervisor tells of itself and its processes. */
#ifndef TENON_SUPERVISE_STATUS_H
#define TENON_SUPERVISE_STATUS_H

#include "supervise/generation.h"
#include "supervise/quarantine.h"

struct tn_status {
	const char *file;
	const char *environment;   /* NULL: none */
	const char *serving_since; /* UTC, RFC 3339; of the present generation */
	int64_t started_at;        /* ms: the supervisor */
	int64_t now;               /* ms */
	bool stopping;
	const struct tn_generation *current; /* NULL: none serves yet */
	const struct tn_generation *coming;  /* NULL */
	const struct tn_generation *leaving; /* a list */
	const struct tn_tally *past;         /* of the processes that have ended */
	const struct tn_quarantine *book;    /* of crashes */
	bool probation;                      /* the present generation may be rolled back */
};

/*
 * Writes it as JSON:
 *
 *	{
 *	  "file": "x.ini", "environment": null,
 *	  "pid": 4711, "uptime_ms": 86400000,  of the supervisor
 *	  "state": "serving",                  or "starting", "reloading", "stopping"
 *	  "generation": 2,                     null: none serves yet, as for the next two
 *	  "serving_since": "2026-01-31T12:00:00.123Z",
 *	  "workers": 3,                        those that are loaded
 *	  "probation": false,                  whether a crash would bring the one before back
 *	  "restored": false,                   whether one has: what the last reload brought is gone
 *	  "requests": 188439,                  answered by all processes, ended ones included
 *	  "turned_away": 0,                    of these, with a 503: no thread had time for them
 *	  "lost": 3,                           that had begun in a process which has crashed
 *	  "crashes": 1,
 *	  "refused": {                         clients, by the edge itself
 *	    "malformed": 0,                    by what they sent
 *	    "max_body": 0,                     by the size of a body
 *	    "silent": 0,                       who sent nothing within head_timeout
 *	    "head_timeout": 0,                 and by these keys of [host]
 *	    "body_timeout": 0,
 *	    "write_timeout": 0,
 *	    "max_connections": 0,
 *	    "max_connections_per_address": 0
 *	  },
 *	  "quarantined": [                     Workers that crash too often to be called
 *	    {
 *	      "worker": "auth",
 *	      "level": "requests",             or "start", "load": what it has crashed in
 *	      "crashes": 5,                    in all
 *	      "since": "2026-01-31T12:00:00.123Z"
 *	    }
 *	  ],
 *	  "modules": [                         of the present generation
 *	    { "path": "./auth.so", "version": "0123456789abcdef" }
 *	  ],
 *	  "processes": [
 *	    {
 *	      "pid": 4712,                     null: it has ended, and another one will be started
 *	      "generation": 2,
 *	      "state": "serving",              or "starting", "leaving", "waiting"
 *	      "uptime_ms": 81,                 null for one that waits, as for the next two
 *	      "requests": 4711,                that it has answered
 *	      "in_flight": 2,
 *	      "waiting": 1,                    of these, handed to its threads
 *	      "failures": 0                    in a row
 *	    }
 *	  ]
 *	}
 *
 * For the caller to free; NULL where there is no memory.
 */
char *tn_status_write(const struct tn_status *status);

#endif
