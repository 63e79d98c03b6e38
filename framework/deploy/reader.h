/* reader.h - one file of the configuration, line by line, into sections and entries. */
#ifndef TENON_DEPLOY_READER_H
#define TENON_DEPLOY_READER_H

#include "deploy/config.h"

/*
 * Adds what the file says to the configuration, and the entries before its first header to the
 * preamble. Errors of its content are added to the list. false where there is no memory.
 */
bool tn_reader_read(struct tn_config *config, const struct tn_file *file,
                    struct tn_section *preamble, struct tn_errors *errors);

/* By kind and name, for tsearch. */
int tn_section_compare(const void *one, const void *other);

/* Frees the section and what it holds; finish only what it holds. NULL is fine. */
void tn_section_destroy(struct tn_section *section);
void tn_section_finish(struct tn_section *section);

#endif
