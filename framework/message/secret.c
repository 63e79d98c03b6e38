#include "message/secret.h"

#include <string.h>
#include <sys/mman.h>

#define SLACK 8 /* a word can be read at each of its bytes */

struct tn_secret {
	size_t mapped; /* bytes of the mapping that it lives in */
	size_t size;
	char data[];
};

struct tn_secret *tn_secret_create(const void *data, size_t size)
{
	size_t mapped = sizeof(struct tn_secret) + size + SLACK;
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

static uint64_t load(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Without a branch: behind the secret's end it is its start that is compared with. */
static size_t within(const struct tn_secret *secret, size_t index)
{
	return index & (0U - (size_t)(index < secret->size));
}

/* What the compiler cannot see through it cannot leave early. */
static void note_difference(uint64_t *difference, uint64_t more)
{
	*difference |= more;
	__asm__ volatile(""
	                 : "+r"(*difference));
}

/*
 * Walks the text, which is the caller's to know, never the secret: neither the secret's length nor
 * where the two differ shows in the time.
 */
bool tn_secret_equals(const struct tn_secret *secret, const char *text)
{
	uint64_t difference = 0;
	size_t size;
	size_t i = 0;

	if (!secret || !text)
		return false;
	size = strlen(text);
	for (; size - i >= 8; i += 8)
		note_difference(&difference,
		                load(text + i) ^ load(secret->data + within(secret, i)));
	for (; i < size; i++)
		note_difference(&difference, (uint64_t)(text[i] ^ secret->data[within(secret, i)]));
	return (difference == 0) & (size == secret->size);
}

struct tn_bytes tn_secret_reveal(const struct tn_secret *secret)
{
	if (!secret)
		return (struct tn_bytes){ .data = "" };
	return (struct tn_bytes){ .data = secret->data, .size = secret->size };
}
