#include "message/stack.h"

_Thread_local const char *tn_stack_end;
