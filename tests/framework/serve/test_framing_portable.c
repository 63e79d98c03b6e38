/* test_framing_portable.c - as test_framing.c, where the compiler has no SSE2. */
#define TN_SCAN_PORTABLE

/* NOLINTBEGIN(bugprone-suspicious-include): it is the macro above that makes the difference. */
#include "../../../framework/serve/framing.c"
#include "test_framing.c"
/* NOLINTEND(bugprone-suspicious-include) */
