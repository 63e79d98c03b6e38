/*
 * upload.h - the body of a request, as it comes in: in the memory of the exchange, or, where it is
 * larger than that may be, in a file, and then in memory by pieces.
 */
#ifndef TENON_SERVE_UPLOAD_H
#define TENON_SERVE_UPLOAD_H

#include "message/exchange.h"
#include "serve/spool.h"

#define TN_UPLOAD_UNKNOWN UINT64_MAX /* a length: it is chunked */

/* Zeroed, but for the first part. */
struct tn_upload {
	struct tn_exchange *exchange;    /* whose memory it takes */
	size_t most;                     /* bytes that the body may have */
	size_t memory;                   /* bytes of it that may be in memory; 64K at least */
	uint64_t length;                 /* bytes that it will have */
	struct tn_spool *spool;          /* NULL: all of it is kept in memory */
	void (*written)(void *argument); /* what was waited for has been done */
	void *argument;
	bool whole; /* nothing is to come but what is given next: it is not to be waited for */
	/* Bytes that have come; to be read only, as what follows is for upload.c alone. */
	size_t size;
	char *data;
	size_t held; /* bytes in `data` */
	size_t room;
	size_t discarded;
	struct tn_spool_file *file;
	size_t writing; /* bytes at the start of `data` that the thread has */
};

enum tn_upload_step {
	TN_UPLOAD_READY, /* the next part can come; or the whole is there */
	TN_UPLOAD_WAITS, /* for the disk: `written` is called when it is to go on */
	TN_UPLOAD_FAILED,
};

/*
 * Takes one more part of it, all of it but what it leaves in *size. Where it is too large, or there
 * is no room for it, `refusal` becomes the status of the reply; one that is refused, for whatever
 * reason, is not kept. TN_UPLOAD_FAILED: so much has come for nothing that the connection is to
 * end. While it waits more may come, but need not be taken.
 */
enum tn_upload_step tn_upload_take(struct tn_upload *upload, const char *data, size_t *size,
                                   int *refusal);

/* Where the file has failed, `refusal` becomes the status to refuse it with. */
void tn_upload_look(const struct tn_upload *upload, int *refusal);

/* It is whole. To be called again when it has waited; then the body is there, or `refusal` says why
 * not. */
enum tn_upload_step tn_upload_end(struct tn_upload *upload, int *refusal);

/* All of it, with a NUL behind it; it has ended, and is not empty. Lives as long as the
 * exchange. */
struct tn_bytes tn_upload_body(const struct tn_upload *upload);

/* Whether the thread of the files has memory of the exchange, which may not end meanwhile. */
bool tn_upload_busy(const struct tn_upload *upload);

#endif
