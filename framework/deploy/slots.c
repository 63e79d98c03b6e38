#include "deploy/slots.h"

#include <stdlib.h>
#include <string.h>

#define SLOT_BYTES ((size_t)8)
#define SLOTS_MAX 1024u
#define SLOT_SIZE_1_0 (offsetof(struct tn_slot, value) + SLOT_BYTES) /* whatever is added behind */

const struct tn_slot *tn_slots_at(const struct tn_worker *worker, unsigned index)
{
	return (const void *)((const char *)worker->slots + (size_t)index * worker->slot_size);
}

const char *tn_slot_prefix(const struct tn_slot *slot)
{
	switch (slot->kind) {
	case TN_SLOT_SERVICE:
		return "service";
	case TN_SLOT_SECRET:
		return "secret";
	case TN_SLOT_VAR:
	case TN_SLOT_INT:
	case TN_SLOT_BOOL:
	case TN_SLOT_DURATION:
	case TN_SLOT_SIZE:
	case TN_SLOT_NUMBER:
		return "var";
	default:
		return NULL;
	}
}

static bool is_hook(const struct tn_slot *slot)
{
	return slot->kind == TN_SLOT_START || slot->kind == TN_SLOT_STOP;
}

static int by_offset(const void *left, const void *right)
{
	const struct tn_slot *one = *(const struct tn_slot *const *)left;
	const struct tn_slot *other = *(const struct tn_slot *const *)right;

	return (one->offset > other->offset) - (one->offset < other->offset);
}

static bool gap(char *reason, const struct tn_worker *worker, size_t begin, size_t end,
                const char *before)
{
	snprintf(reason, TN_REASON_SIZE,
	         "its slots do not cover its env: bytes %zu to %zu of %zu, after '%s', have none: "
	         "TN_WORKER's list is to name every field (TN_STATE for what `start` fills in)",
	         begin, end - 1, worker->env_size, before);
	return false;
}

static bool covered(const struct tn_worker *worker, const struct tn_slot **slots, unsigned count,
                    char *reason)
{
	size_t end = worker->service_size;
	const char *before = "self";

	for (unsigned i = 0; i < count; i++) {
		if (slots[i]->offset < end) {
			snprintf(reason, TN_REASON_SIZE,
			         "its slot '%s' overlaps '%s': name each field once in "
			         "TN_WORKER's list",
			         slots[i]->name, before);
			return false;
		}
		if (slots[i]->offset > end)
			return gap(reason, worker, end, slots[i]->offset, before);
		end += SLOT_BYTES;
		before = slots[i]->name;
	}
	if (end == worker->env_size)
		return true;
	if (end < worker->env_size)
		return gap(reason, worker, end, worker->env_size, before);
	snprintf(reason, TN_REASON_SIZE,
	         "its slot '%s' lies beyond its env: build it again", before);
	return false;
}

/* What a later version adds must not be passed over: it would be filled wrongly, or not at all. */
static bool known(const struct tn_slot *slot, unsigned number, char *reason)
{
	if (!slot->name)
		snprintf(reason, TN_REASON_SIZE, "its slot %u has no name: build it again", number);
	else if (slot->kind == TN_SLOT_END || slot->kind > TN_SLOT_STOP)
		snprintf(reason, TN_REASON_SIZE,
		         "its slot %u is of kind %u, which this host does not know: it was built "
		         "for a newer Tenon",
		         number, slot->kind);
	else if (slot->flags & ~TN_SLOT_OPTIONAL)
		snprintf(reason, TN_REASON_SIZE,
		         "its slot '%s' has flags %#x, which this host does not know: it was built "
		         "for a newer Tenon",
		         slot->name, slot->flags);
	else if (is_hook(slot) && !slot->value.function)
		snprintf(reason, TN_REASON_SIZE, "its hook '%s' is NULL: name a function",
		         slot->name);
	else
		return true;
	return false;
}

/* Sorts out the hooks, of which there is at most one of each kind. */
static bool collect(const struct tn_worker *worker, const struct tn_slot **slots, unsigned *count,
                    char *reason)
{
	unsigned hooks[2] = { 0 };

	for (unsigned i = 0; i < worker->slot_count; i++) {
		const struct tn_slot *slot = tn_slots_at(worker, i);

		if (!known(slot, i, reason))
			return false;
		if (!is_hook(slot)) {
			slots[(*count)++] = slot;
			continue;
		}
		if (hooks[slot->kind - TN_SLOT_START]++) {
			snprintf(reason, TN_REASON_SIZE,
			         "it has two hooks of one kind: '%s' is one too many",
			         slot->name);
			return false;
		}
	}
	return true;
}

bool tn_slots_check(const struct tn_worker *worker, char *reason)
{
	const struct tn_slot **slots;
	unsigned count = 0;
	bool valid;

	if (worker->slot_count > SLOTS_MAX || worker->slot_size < SLOT_SIZE_1_0 ||
	    worker->slot_size % _Alignof(struct tn_slot) || !worker->slots) {
		snprintf(reason, TN_REASON_SIZE, "its table of slots is malformed: build it again");
		return false;
	}
	slots = calloc(worker->slot_count + 1, sizeof(slots[0]));
	if (!slots) {
		snprintf(reason, TN_REASON_SIZE, "out of memory");
		return false;
	}
	valid = collect(worker, slots, &count, reason);
	if (valid) {
		qsort(slots, count, sizeof(slots[0]), by_offset);
		valid = covered(worker, slots, count, reason);
	}
	free(slots);
	return valid;
}
