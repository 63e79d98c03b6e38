/* slots.h - the table by which an env is filled, read from a module and not yet trusted. */
#ifndef TENON_DEPLOY_SLOTS_H
#define TENON_DEPLOY_SLOTS_H

#include "deploy/elf.h"

/* The slot of that number; a module of another minor version may have larger ones. */
const struct tn_slot *tn_slots_at(const struct tn_worker *worker, unsigned index);

/*
 * Whether the slots cover the env without a gap, each once; else writes the reason and the cure
 * (TN_REASON_SIZE bytes). A forgotten pointer is found here, not as NULL in production.
 */
bool tn_slots_check(const struct tn_worker *worker, char *reason);

/* "service", "secret" or "var": what the slot's key in the configuration starts with; NULL for a
 * slot that is not configured. */
const char *tn_slot_prefix(const struct tn_slot *slot);

#endif
