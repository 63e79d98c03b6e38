/*
 * stack.h - which memory is gone when a Worker has returned.
 *
 * A reply is sent after that, so that a body which is not copied must not lie there: the client
 * would get what the host's own calls have left behind.
 */
#ifndef TENON_MESSAGE_STACK_H
#define TENON_MESSAGE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below this lie the frames of the Workers that this thread enters, above it the host's; NULL:
 * nobody has said where that is, and no address is taken for one of the stack. */
extern _Thread_local const char *tn_stack_end __attribute__((tls_model("initial-exec")));

/* To be said by the function from which Workers are called, or by one that it calls. */
__attribute__((always_inline)) static inline void tn_stack_begin(void)
{
	tn_stack_end = __builtin_frame_address(0);
}

/* Frames that have returned lie below the present one: of those as much as surely is still stack,
 * since the page below it is none that anybody else may have. */
#define TN_STACK_LEFT ((uintptr_t)4096)

__attribute__((always_inline)) static inline bool tn_stack_has(const void *data)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) - TN_STACK_LEFT;

	return (uintptr_t)data >= here && (uintptr_t)data < (uintptr_t)tn_stack_end;
}

#endif
