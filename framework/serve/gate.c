#include "serve/gate.h"

#include <linux/filter.h>
#include <stddef.h>
#include <sys/socket.h>

#define FLAGS_AT 13 /* in a TCP header */
#define SYN 0x02
#define ACK 0x10

bool tn_gate_close(int listener)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

bool tn_gate_is_closed(int listener)
{
	socklen_t count = 0; /* of instructions */

	return getsockopt(listener, SOL_SOCKET, SO_GET_FILTER, NULL, &count) == 0 && count;
}
