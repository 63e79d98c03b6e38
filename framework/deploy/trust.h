/* trust.h - whether somebody else could have put a file where it lies. */
#ifndef TENON_DEPLOY_TRUST_H
#define TENON_DEPLOY_TRUST_H

#include "deploy/errors.h"

/*
 * Run as root, refuses a path where every user may put their own in the place of the file, or of a
 * directory above it: one that all may write without the sticky bit, or in one with it something
 * that is neither root's nor the directory's owner's. Whom root has let own or share a file, it
 * trusts. What has no path, such as a pipe, passes, and so does all of another user. False, and the
 * reason with its cure (TN_REASON_SIZE bytes; it does not name the path).
 */
bool tn_trust_path(const char *path, char *reason);

#endif
