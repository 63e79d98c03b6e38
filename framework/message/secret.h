/* secret.h - a string whose pages stay out of core dumps and are wiped when it goes. */
#ifndef TENON_MESSAGE_SECRET_H
#define TENON_MESSAGE_SECRET_H

#include "tenon.h"

/* Copies the bytes into pages of its own; NULL where there is no memory. */
struct tn_secret *tn_secret_create(const void *data, size_t size);
void tn_secret_destroy(struct tn_secret *secret);

#endif
