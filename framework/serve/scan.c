#include "serve/scan.h"

#define TOKEN TN_SCAN_TOKEN
#define TARGET TN_SCAN_TARGET
#define VALUE TN_SCAN_VALUE
#define ALL (TOKEN | TARGET | VALUE)

__extension__ const unsigned char tn_scan_kinds[256] = {
	['\t'] = VALUE,
	[' '] = VALUE,
	['!'] = ALL,
	['"'] = TARGET | VALUE,
	['#'] = TOKEN | VALUE,
	['$' ... '\''] = ALL,
	['(' ... ')'] = TARGET | VALUE,
	['*' ... '+'] = ALL,
	[','] = TARGET | VALUE,
	['-' ... '.'] = ALL,
	['/'] = TARGET | VALUE,
	['0' ... '9'] = ALL,
	[':' ... '@'] = TARGET | VALUE,
	['A' ... 'Z'] = ALL,
	['[' ... ']'] = TARGET | VALUE,
	['^' ... 'z'] = ALL, /* with '_' and '`' */
	['{'] = TARGET | VALUE,
	['|'] = ALL,
	['}'] = TARGET | VALUE,
	['~'] = ALL,
	[0x80 ... 0xff] = VALUE,
};
