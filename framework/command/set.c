/* set.c - `tenon set` and `tenon unset`: one key, without an editor. */
#include "command/change.h"
#include "command/command.h"
#include "deploy/keys.h"
#include "deploy/secret_source.h"

#include <string.h>
#include <sysexits.h>

#define HINT_SIZE 320

static struct tn_place file_of(const struct tn_change *change)
{
	return (struct tn_place){ change->file->path, 0 };
}

/* Tries what was edited, puts it in place and shows it. */
static int carry_out(struct tn_change *change)
{
	int code = tn_change_try(change, change->edited.text, change->edited.size,
	                         change->edited.line);

	if (!code)
		code = tn_change_commit(change);
	return code ? code : tn_change_print(change);
}

/* ---- set ----------------------------------------------------------------------------------- */

/* It is not shown, and other users have seen it: ps(1) shows them the command line. */
static int refuse_secret(const struct tn_change *change, const char *key)
{
	tn_change_say(change, file_of(change), key,
	              "a secret is not written into the file, and others can read a command line: "
	              "take another secret, and give it to `tenon secret` on standard input, or "
	              "write env:NAME, file:PATH or credential:NAME");
	return EX_CONFIG;
}

static int set(struct tn_change *change, const char *key, const char *value)
{
	const struct tn_entry *entry = tn_section_find(change->section, key);
	int code;

	if (tn_key_field(key, "secret") && !tn_secret_is_source(value))
		return refuse_secret(change, key);
	if (entry && !entry->unset && strcmp(entry->value, value) == 0) {
		tn_change_say(change, entry->place, key, "it has that value: nothing is changed");
		return 0;
	}
	code = tn_change_set(change, key, value);
	return code ? code : carry_out(change);
}

int tn_command_set(const struct tn_arguments *arguments)
{
	struct tn_change change;
	int code = tn_change_begin(&change, arguments->file, arguments->words[0]);

	if (!code)
		code = set(&change, arguments->words[1], arguments->words[2]);
	tn_change_finish(&change);
	return code;
}

/* ---- unset --------------------------------------------------------------------------------- */

static int refuse_unknown(const struct tn_change *change, const char *key)
{
	char hint[HINT_SIZE];

	tn_change_say(change, file_of(change), key, "there is no such key%s",
	              tn_change_hint(change, key, hint, sizeof(hint)));
	return EX_USAGE;
}

static int remove_entry(struct tn_change *change, const struct tn_entry *entry,
                        const struct tn_entry *inherited)
{
	int code = tn_change_remove(change, entry);

	if (!code)
		code = carry_out(change);
	if (!code && inherited)
		tn_change_say(change, file_of(change), entry->key,
		              "it is inherited again, from %s:%u; to unset that, too, run this "
		              "again",
		              inherited->place.file, inherited->place.line);
	return code;
}

static int unset(struct tn_change *change, const char *key)
{
	const struct tn_entry *entry = tn_section_find(change->section, key);
	const struct tn_entry *inherited = tn_change_inherited(change, key);
	int code;

	if (entry && entry->unset && inherited) {
		tn_change_say(change, entry->place, key, "it is unset: nothing is changed");
		return 0;
	}
	if (entry)
		return remove_entry(change, entry, inherited);
	if (!inherited)
		return refuse_unknown(change, key);
	code = tn_change_set(change, key, NULL);
	return code ? code : carry_out(change);
}

int tn_command_unset(const struct tn_arguments *arguments)
{
	struct tn_change change;
	int code = tn_change_begin(&change, arguments->file, arguments->words[0]);

	if (!code)
		code = unset(&change, arguments->words[1]);
	tn_change_finish(&change);
	return code;
}
