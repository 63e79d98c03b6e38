/*
 * split.h - a binding that names several versions of a Worker, each with its weight.
 *
 * What the field in the env points to is then a service whose `fetch` is the host's: it chooses one
 * of them and calls on. It keeps nothing in mind: the choice depends on the key, or on the number
 * of the exchange, and on the versions' names and weights, in any order.
 *
 * Without a key the choice is drawn for each exchange: it is the same wherever that exchange meets
 * the same versions with the same weights. With one, the same key gets the same version, in every
 * process and after every restart and upgrade. That is weighted rendezvous hashing (Schindelhauer
 * and Schomaker, 2005), on XXH3, whose values are final since xxHash 0.8.0. Where 10% become 20%,
 * the version loses no key and gains a tenth of all. Where there are two, no other key moves; where
 * there are three, few: with 80, 10 and 10% that become 70, 20 and 10%, 10.9% move instead of 10.
 */
#ifndef TENON_DEPLOY_SPLIT_H
#define TENON_DEPLOY_SPLIT_H

#include "tenon.h"

#define TN_WEIGHT_WHOLE 1000000u /* 100%: a weight has up to four decimals */
#define TN_WEIGHT_SIZE 16        /* bytes of one as text */

enum tn_split_source {
	TN_SPLIT_DRAW, /* for each exchange */
	TN_SPLIT_HEADER,
	TN_SPLIT_COOKIE,
	TN_SPLIT_ADDRESS,
};

/* What decides: a part of the inbound request. Where the request has it not, or it is empty, the
 * choice is drawn. */
struct tn_split_key {
	enum tn_split_source source;
	const char *name; /* of the header or cookie */
};

/* Reads "header:NAME", "cookie:NAME" or "address". The name is in the text. Returns NULL, or a
 * constant text that says what is wrong, to stand behind "key: 'text': ". */
const char *tn_split_key_read(const char *text, struct tn_split_key *key);

/*
 * Reads an item of a split, "auth@v2 10%", in place: cuts the name off with a NUL and sets *weight,
 * in parts of TN_WEIGHT_WHOLE. Blanks and TABs stand before the weight, one at least, and may stand
 * before its '%'; none is at the ends of the item. An item without a weight is a name alone,
 * *weighted is false and its weight the whole. Returns NULL, or a constant text, as above, and then
 * has changed nothing.
 */
const char *tn_split_item_read(char *item, uint32_t *weight, bool *weighted);

/* Writes a weight as the configuration has it, "10%" or "0.25%"; `text` has TN_WEIGHT_SIZE
 * bytes. Returns text. */
const char *tn_weight_text(uint32_t weight, char *text);

/* One version. */
struct tn_split_target {
	const struct tn_service *service;
	uint64_t seed; /* of its name */
	uint32_t weight;
	double mean; /* its reciprocal */
};

struct tn_split {
	struct tn_service self; /* its fetch is tn_split_fetch */
	struct tn_split_key key;
	size_t key_number; /* of its key, among those that an exchange notes */
	uint64_t seed;     /* of all names */
	uint64_t total;    /* of all weights */
	size_t count;
	struct tn_split_target targets[];
};

/* How many bytes one of that many versions takes. */
size_t tn_split_size(size_t count);

/* Makes one in zeroed memory of that size; `name` is for messages. Name and key are not copied. */
void tn_split_init(struct tn_split *split, const char *name, const struct tn_split_key *key);

/* Adds a version; its service has its name already. The weights need not add up to the whole, and
 * weight 0 is never chosen. */
void tn_split_add(struct tn_split *split, const struct tn_service *service, uint32_t weight);

/* What an exchange notes of a key, so that the choice stays, whatever a Worker makes of the request
 * and whether or not there is memory left. */
struct tn_split_hash {
	uint64_t number;
	bool present; /* the inbound request has it, and it is not empty */
};

/* Whether both are the same key. */
bool tn_split_key_equal(const struct tn_split_key *one, const struct tn_split_key *other);

/* Notes the keys of the inbound request for its exchange; false where there is no memory. */
bool tn_split_note(const struct tn_request *request, const struct tn_split_key *keys, size_t count);

/* The version for that request's exchange. The key is the inbound request's; where the exchange has
 * noted none, that request's, which takes memory of the exchange. No locks, no system calls. NULL
 * only where no version has a weight. */
const struct tn_service *tn_split_choose(const struct tn_split *split,
                                         const struct tn_request *request);

/* The version for a key, for tests and for whoever asks which one it would get. */
const struct tn_service *tn_split_choose_key(const struct tn_split *split, const void *key,
                                             size_t size);

/* Chooses and calls on. It is no Worker: it takes no depth and is in no chain. NULL, and a line in
 * the log, where the service is no split. */
struct tn_response *tn_split_fetch(struct tn_request *request, const struct tn_service *service);

#endif
