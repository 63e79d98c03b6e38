/* test_scan_portable.c - as test_scan.c, where the compiler has no SSE2. */
#define TN_SCAN_PORTABLE

#include "test_scan.c" /* NOLINT(bugprone-suspicious-include) */
