#include "message/secret.h"

#include <string.h>
#include <sys/mman.h>

struct tn_secret {
	size_t mapped; /* bytes of the mapping that it lives in */
	size_t size;
	char data[];
};

struct tn_secret *tn_secret_create(const void *data, size_t size)
{
	size_t mapped = sizeof(struct tn_secret) + size + 1;
	struct tn_secret *secret = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
	                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (secret == MAP_FAILED)
		return NULL;
	madvise(secret, mapped, MADV_DONTDUMP);
	secret->mapped = mapped;
	secret->size = size;
	memcpy(secret->data, data, size);
	mprotect(secret, mapped, PROT_READ);
	return secret;
}

void tn_secret_destroy(struct tn_secret *secret)
{
	size_t mapped;

	if (!secret)
		return;
	mapped = secret->mapped;
	if (mprotect(secret, mapped, PROT_READ | PROT_WRITE) == 0)
		explicit_bzero(secret, mapped);
	munmap(secret, mapped);
}

/*
 * Walks the text, which is the caller's to know, never the secret: neither the secret's length nor
 * where the two differ shows in the time. Volatile, or the compiler may leave the loop early.
 */
bool tn_secret_equals(const struct tn_secret *secret, const char *text)
{
	volatile unsigned char difference = 0;
	size_t size;

	if (!secret || !text)
		return false;
	size = strlen(text);
	for (size_t i = 0; i < size; i++) {
		size_t inside = 0U - (size_t)(i < secret->size);

		difference |= (unsigned char)(text[i] ^ secret->data[i & inside]);
	}
	return (difference == 0) & (size == secret->size);
}

struct tn_bytes tn_secret_reveal(const struct tn_secret *secret)
{
	if (!secret)
		return (struct tn_bytes){ .data = "" };
	return (struct tn_bytes){ .data = secret->data, .size = secret->size };
}
