/* given.h - what a test gives in the place of what the configuration says. */
#ifndef TENON_KIT_GIVEN_H
#define TENON_KIT_GIVEN_H

#include "kit/kit.h"

#include "deploy/secrets.h"

/*
 * Writes all that is given into the configuration, before there is a plan of it: as entries of the
 * Workers' sections. A binding that is given leads to its own Worker until it is replaced, so that
 * nothing is loaded for it. `whom` is the section that all is for, and no name has a Worker; NULL:
 * each has one. Errors are added to the list.
 */
void tn_given_write(struct tn_config *config, const struct tn_test_given *given,
                    const char *environment, const struct tn_section *whom,
                    struct tn_errors *errors);

/* Takes the secrets that are given over, before the others are read. */
void tn_given_secrets(const struct tn_config *config, const struct tn_test_given *given,
                      const char *environment, const struct tn_section *whom,
                      struct tn_secrets *secrets);

/* The environment that is given; NULL for none. */
const char *tn_given_environment(const struct tn_test_given *given);

/* The section of "WORKER.FIELD", and the field in *field; NULL where there is none. */
const struct tn_section *tn_given_section(const struct tn_config *config, const char *name,
                                          const char *environment, const struct tn_section *whom,
                                          const char **field);

#endif
