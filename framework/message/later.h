/* later.h - what a Worker left to be done when the reply has been sent. */
#ifndef TENON_MESSAGE_LATER_H
#define TENON_MESSAGE_LATER_H

#include "message/exchange.h"

/* Runs the work that tn_wait_until noted, that which it notes itself included; that of children
 * stays. */
void tn_later_run(struct tn_exchange *exchange);

/* The same with that of the children, as the exchange's activity and its deadline say; it stops
 * where the exchange is held. */
void tn_later_run_family(struct tn_exchange *exchange);

/* tn_defer for what has no request at hand. */
bool tn_exchange_defer(struct tn_exchange *exchange, void (*release)(void *argument),
                       void *argument);

#endif
