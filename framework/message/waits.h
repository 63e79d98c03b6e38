/*
 * waits.h - what the host knows of a service besides its Worker: whether a call of it may wait.
 *
 * It is said of the envs of Workers that block, or that call one that does, and of whatever of the
 * host's stands between caller and callee: a split of which any version waits, a gate. It is
 * written while the deployment is made, and only read then.
 */
#ifndef TENON_MESSAGE_WAITS_H
#define TENON_MESSAGE_WAITS_H

#include "tenon.h"

#include <stdint.h>

#define TN_SERVICE_WAITS ((uintptr_t)1) /* of the flags in the service's `reserved[2]` */

static inline void tn_service_set_waits(struct tn_service *service)
{
	service->reserved[2] = (void *)((uintptr_t)service->reserved[2] | TN_SERVICE_WAITS);
}

/* NULL does not wait. */
static inline bool tn_service_waits(const struct tn_service *service)
{
	return service && ((uintptr_t)service->reserved[2] & TN_SERVICE_WAITS);
}

#endif
