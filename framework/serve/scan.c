#include "serve/scan.h"

#define TOKEN TN_SCAN_TOKEN
#define TARGET TN_SCAN_TARGET

__extension__ const unsigned char tn_scan_kinds[256] = {
	['!'] = TOKEN | TARGET,
	['"'] = TARGET,
	['$' ... '\''] = TOKEN | TARGET,
	['#'] = TOKEN,
	['(' ... ')'] = TARGET,
	['*' ... '+'] = TOKEN | TARGET,
	[','] = TARGET,
	['-' ... '.'] = TOKEN | TARGET,
	['/'] = TARGET,
	['0' ... '9'] = TOKEN | TARGET,
	[':' ... '@'] = TARGET,
	['A' ... 'Z'] = TOKEN | TARGET,
	['[' ... ']'] = TARGET,
	['^' ... 'z'] = TOKEN | TARGET, /* with '_' and '`' */
	['{'] = TARGET,
	['|'] = TOKEN | TARGET,
	['}'] = TARGET,
	['~'] = TOKEN | TARGET,
};
