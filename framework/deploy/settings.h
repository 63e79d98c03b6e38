/* settings.h - the section [host]: what holds for all Workers. */
#ifndef TENON_DEPLOY_SETTINGS_H
#define TENON_DEPLOY_SETTINGS_H

#include "deploy/address.h"
#include "deploy/keys.h"
#include "deploy/network.h"
#include "message/exchange.h"

#define TN_LISTEN_MAX 16
#define TN_TRUSTED_MAX 64
#define TN_BODY_MOST ((int64_t)1 << 40) /* bytes that max_body may allow */

/* Which fields a proxy says in who its client is. */
enum tn_trusted_fields {
	TN_TRUSTED_X_FORWARDED, /* X-Forwarded-For, -Proto and -Host */
	TN_TRUSTED_FORWARDED,   /* Forwarded (RFC 7239) */
};

struct tn_settings {
	struct tn_address listen[TN_LISTEN_MAX];
	size_t listen_count;
	int64_t processes; /* 0: one for each core */
	char *modules;     /* where a module without a slash is sought */
	char *access_log;  /* "stderr", "stdout", "off" or a path */
	char *control;     /* path of the control socket; NULL: beside the configuration */
	char *user;        /* whose the host processes are; NULL: who runs the supervisor */
	char *group;       /* NULL: the user's own */
	int64_t max_depth;
	int64_t max_calls;
	int64_t request_memory;     /* bytes */
	int64_t max_body;           /* bytes; of a Worker without its own */
	int64_t body_memory;        /* bytes of a body; one that is larger goes to a file */
	char *body_directory;       /* of these files; NULL: $TMPDIR, or /var/tmp */
	int64_t idle_timeout;       /* ms that a connection may be silent between two requests */
	int64_t head_timeout;       /* ms for a whole head */
	int64_t body_timeout;       /* ms for a body, anew with each of these that keeps min_rate */
	int64_t write_timeout;      /* ms for a reply, likewise */
	int64_t min_rate;           /* bytes a second; 0: a byte in all of the time will do */
	int64_t max_head;           /* bytes */
	int64_t max_headers;        /* fields of a head */
	int64_t max_target;         /* bytes */
	int64_t max_connections;    /* 0: what the descriptors allow */
	int64_t max_per_address;    /* of them; 0: half */
	int64_t drain_timeout;      /* ms for what is in flight when the host is to stop */
	int64_t ready_timeout;      /* ms that a host process may take to start */
	int64_t hang_timeout;       /* ms that its loop may stand still; 0: for ever */
	int64_t crash_limit;        /* crashes of a Worker in crash_window; 0: there is no limit */
	int64_t crash_window;       /* ms */
	int64_t probation;          /* ms in which a new generation may be rolled back; 0: never */
	int64_t threads;            /* for exchanges that may wait, in each process */
	int64_t queue;              /* exchanges that may wait for a thread */
	int64_t queue_timeout;      /* ms that one waits for it */
	int64_t wait_until_timeout; /* ms that the work for after a reply may take */
	/* Of proxies in front of the host. */
	struct tn_network trusted[TN_TRUSTED_MAX];
	size_t trusted_count;
	int64_t trusted_fields; /* enum tn_trusted_fields */
	int64_t log_level;      /* enum tn_log_level */
};

/* Fills in the defaults, then what the keys of the host say; `path` is the configuration's file.
 * Errors are added to the list. */
void tn_settings_read(struct tn_settings *settings, const struct tn_keys *host, const char *path,
                      struct tn_errors *errors);

/* What one exchange may take by these settings. */
struct tn_limits tn_settings_limits(const struct tn_settings *settings);

/* How much of a body of that size is in memory at once, and whether that is more than an exchange
 * has room for. */
int64_t tn_settings_body(const struct tn_settings *settings, int64_t size);
bool tn_settings_lacks_memory(const struct tn_settings *settings, int64_t size);

void tn_settings_finish(struct tn_settings *settings);

#endif
