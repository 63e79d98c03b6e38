/*
 * parameters.h - "name=value&name=value", application/x-www-form-urlencoded (URL Standard, 5.1): in
 * the query of a URL, and in the body of a form.
 */
#ifndef TENON_MESSAGE_PARAMETERS_H
#define TENON_MESSAGE_PARAMETERS_H

#include "message/exchange.h"

struct tn_parameters {
	struct tn_exchange *exchange; /* whose memory what is decoded takes */
	const char *text;             /* without a NUL in it */
	size_t size;
};

/* The value of the first of that name, decoded; NULL where there is none, or no memory. */
const char *tn_parameters_get(const struct tn_parameters *parameters, const char *name);

/* Steps to the next one, from parameter->position on; false after the last, or without memory. */
bool tn_parameters_next(const struct tn_parameters *parameters, struct tn_parameter *parameter);

#endif
