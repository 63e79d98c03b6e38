/* deploy.c - real Workers, loaded and linked as the host does it, without a socket. */
#include "kit/given.h"

#include "deploy/binding.h"
#include "deploy/deployment.h"
#include "deploy/nearest.h"
#include "message/request.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HINT_SIZE 320

/* A binding that a fake has taken the place of. */
struct replaced {
	struct replaced *older;
	const struct tn_service **field;
	const struct tn_service *original;
};

struct tn_test_deployment {
	const char *environment;
	struct tn_config *config;
	struct tn_plan *plan;
	struct tn_deployment *deployment; /* NULL: it is not usable, as `text` says */
	struct tn_errors errors;
	char *text; /* "": it is usable */
	struct replaced *replaced;
};

/* ---- The errors ---------------------------------------------------------------------------- */

static void *checked(void *memory)
{
	if (!memory)
		tn_test_no_memory("tn_test_deploy");
	return memory;
}

/* Of what the kit has written itself nobody can look up the line. */
static void forget_lines(struct tn_test_deployment *host)
{
	for (size_t i = 0; i < host->errors.count; i++)
		host->errors.list[i].place.line = 0;
}

static void set_text(struct tn_test_deployment *host)
{
	size_t size = 0;
	FILE *to;

	free(host->text);
	to = checked(open_memstream(&host->text, &size));
	if (host->errors.errors)
		tn_errors_print(&host->errors, to);
	fclose(to);
	checked(host->text);
}

const char *tn_test_errors(const struct tn_test_deployment *deployment)
{
	return deployment ? deployment->text : "there is no deployment\n";
}

/* ---- Bindings ------------------------------------------------------------------------------ */

static const struct tn_slot *find_binding(const struct tn_instance *instance, const char *name,
                                          struct tn_nearest *nearest)
{
	const struct tn_worker *worker = instance->module->worker;

	for (unsigned i = 0; i < worker->slot_count; i++) {
		const struct tn_slot *slot = tn_slots_at(worker, i);

		if (slot->kind != TN_SLOT_SERVICE)
			continue;
		if (strcmp(slot->name, name) == 0)
			return slot;
		tn_nearest_try(nearest, slot->name);
	}
	return NULL;
}

static struct replaced *remember(struct tn_test_deployment *host, const struct tn_service **field)
{
	struct replaced *replaced = host->replaced;

	while (replaced && replaced->field != field)
		replaced = replaced->older;
	if (replaced)
		return replaced;
	replaced = checked(malloc(sizeof(*replaced)));
	*replaced = (struct replaced){
		.older = host->replaced, .field = field, .original = *field
	};
	host->replaced = replaced;
	return replaced;
}

/* The envs are read-only, but before their Workers have started. */
static void put(struct tn_test_deployment *host, const struct tn_instance *instance,
                const struct tn_slot *slot, const struct tn_service *service)
{
	const struct tn_service **field =
		(const struct tn_service **)((uintptr_t)instance->service + slot->offset);
	const struct replaced *replaced = remember(host, field);

	mprotect(host->deployment->envs, host->deployment->envs_size, PROT_READ | PROT_WRITE);
	*field = service ? service : replaced->original;
	if (instance->started)
		mprotect(host->deployment->envs, host->deployment->envs_size, PROT_READ);
}

/* That the module declares all that is given has been checked with the keys. */
static void put_given(struct tn_test_deployment *host, const struct tn_test_given *given,
                      const struct tn_section *whom)
{
	for (; given->kind != TN_GIVEN_END; given++) {
		struct tn_nearest nearest = { 0 };
		const struct tn_section *section;
		const struct tn_instance *instance;
		const struct tn_slot *slot = NULL;
		const char *field;

		if (given->kind != TN_GIVEN_SERVICE)
			continue;
		section = tn_given_section(host->config, given->name, host->environment, whom,
		                           &field);
		nearest.wanted = field;
		instance = tn_deployment_find(host->deployment, section->name);
		if (instance)
			slot = find_binding(instance, field, &nearest);
		if (slot)
			put(host, instance, slot, given->service);
	}
}

/* ---- Making one ---------------------------------------------------------------------------- */

/* The host takes them out of its environment for good; here another test may need them. */
static void put_back(const struct tn_vault *vault)
{
	for (size_t i = 0; i < vault->count; i++)
		setenv(vault->list[i].name, tn_secret_reveal(vault->list[i].value).data, 1);
}

static void link_all(struct tn_test_deployment *host, const struct tn_test_given *given,
                     const struct tn_section *whom)
{
	struct tn_secrets secrets = { 0 };
	struct tn_deployment_options options = { .secrets = &secrets };
	struct tn_vault vault = { 0 };

	tn_given_secrets(host->config, given, host->environment, whom, &secrets);
	if (!tn_vault_take(&vault, host->config) ||
	    !tn_secrets_read(&secrets, host->plan, &vault, &host->errors))
		tn_test_no_memory("tn_test_deploy");
	host->deployment = checked(tn_deployment_create(host->plan, &options, &host->errors));
	put_back(&vault);
	tn_vault_finish(&vault);
	tn_secrets_finish(&secrets);
	if (!host->errors.errors)
		put_given(host, given, whom);
	if (!host->errors.errors && tn_deployment_start(host->deployment, &host->errors))
		return;
	tn_deployment_destroy(host->deployment);
	host->deployment = NULL;
}

static void make(struct tn_test_deployment *host, const struct tn_test_given *given,
                 const struct tn_section *whom)
{
	tn_given_write(host->config, given, host->environment, whom, &host->errors);
	host->plan = checked(tn_plan_create(host->config, host->environment, &host->errors));
	link_all(host, given, whom);
	if (whom)
		forget_lines(host);
	set_text(host);
}

struct tn_test_deployment *tn_test_deploy_with(const char *path, const struct tn_test_given *given)
{
	struct tn_test_deployment *host = checked(calloc(1, sizeof(*host)));
	char reason[TN_REASON_SIZE];

	host->environment = tn_given_environment(given);
	if (tn_config_load(path, NULL, &host->config, &host->errors, reason) == 0) {
		make(host, given, NULL);
		return host;
	}
	tn_errors_add(&host->errors, (struct tn_place){ .file = path }, "%s", reason);
	set_text(host);
	return host;
}

/* "gateway" of "build/gateway.so". */
static void name_of(const char *path, char *name, size_t room)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t size = strspn(base, allowed);

	if (size)
		snprintf(name, room, "%.*s", (int)size, base);
	else
		snprintf(name, room, "worker");
}

/* A section of its own, with a route, so that it is loaded. A path without a slash is one here, and
 * not one in the directory of the modules. */
struct tn_test_deployment *tn_test_load_with(const char *path, const struct tn_test_given *given)
{
	struct tn_test_deployment *host = checked(calloc(1, sizeof(*host)));
	char *absolute = realpath(path, NULL);
	char name[32];
	char *text = NULL;

	name_of(path, name, sizeof(name));
	if (asprintf(&text, "[worker %s]\nroute = /*\nmodule = \"%s%s\"\n", name,
	             absolute || strchr(path, '/') ? "" : "./", absolute ? absolute : path) < 0)
		tn_test_no_memory("tn_test_load");
	host->config = checked(tn_config_parse(path, text, strlen(text), &host->errors));
	make(host, given, tn_config_find(host->config, "worker", name));
	free(absolute);
	free(text);
	return host;
}

void tn_test_undeploy(struct tn_test_deployment *deployment)
{
	if (!deployment)
		return;
	tn_deployment_destroy(deployment->deployment);
	tn_plan_destroy(deployment->plan);
	tn_config_destroy(deployment->config);
	tn_errors_finish(&deployment->errors);
	while (deployment->replaced) {
		struct replaced *replaced = deployment->replaced;

		deployment->replaced = replaced->older;
		free(replaced);
	}
	free(deployment->text);
	free(deployment);
}

/* ---- Whom a request is for ----------------------------------------------------------------- */

static bool is_usable(const struct tn_test_deployment *host, const char *function)
{
	if (host && host->deployment)
		return true;
	fprintf(stderr, "%s: nothing is deployed:\n%s", function, tn_test_errors(host));
	return false;
}

/* The Worker of that name in the environment; NULL, with a line that says why. */
static const struct tn_instance *find(const struct tn_test_deployment *host, const char *name,
                                      const char *function)
{
	const struct tn_plan_worker *worker;
	char hint[HINT_SIZE];

	if (!is_usable(host, function))
		return NULL;
	worker = tn_plan_lookup(host->plan, name);
	if (worker && host->deployment->by_worker[worker->number])
		return host->deployment->by_worker[worker->number];
	if (worker) {
		fprintf(stderr,
		        "%s: worker '%s' is not loaded: no route leads to it, and nobody binds "
		        "it: give it a route, or bind it\n",
		        function, name);
		return NULL;
	}
	tn_plan_ask(host->plan, name, hint, sizeof(hint));
	fprintf(stderr, "%s: no worker '%s'%s\n", function, name, hint);
	return NULL;
}

bool tn_test_replace(struct tn_test_deployment *deployment, const char *worker, const char *binding,
                     struct tn_fake *fake)
{
	const struct tn_instance *instance = find(deployment, worker, "tn_test_replace");
	struct tn_nearest nearest = { .wanted = binding };
	const struct tn_slot *slot;
	char hint[HINT_SIZE];

	if (!instance)
		return false;
	slot = find_binding(instance, binding, &nearest);
	if (slot) {
		put(deployment, instance, slot, fake ? &fake->service : NULL);
		return true;
	}
	fprintf(stderr, "tn_test_replace: worker '%s' has no binding '%s'%s\n", worker, binding,
	        tn_nearest_hint(&nearest, hint, sizeof(hint)));
	return false;
}

const struct tn_service *tn_test_service(const struct tn_test_deployment *deployment,
                                         const char *worker)
{
	const struct tn_instance *instance = find(deployment, worker, "tn_test_service");

	return instance ? instance->service : NULL;
}

static struct tn_response *fetch_by_route(const struct tn_test_deployment *host,
                                          struct tn_request *request)
{
	const struct tn_route *route = tn_routes_match(&host->plan->routes, request->host,
	                                               request->target,
	                                               strcspn(request->target, "?"));

	if (!route)
		return tn_response_text_static(request, 404, "Not Found\n");
	return tn_fetch(tn_deployment_service(host->deployment, route), request);
}

static bool is_url(const char *text)
{
	return *text == '/' || strstr(text, "://");
}

/* Each is a request of a client, and what splits go by is what that has sent. */
static bool begin_fetch(const struct tn_deployment *deployment, struct tn_request *request,
                        const char *url)
{
	return (!url || tn_request_set_url(request, url)) &&
	       (!deployment->key_count ||
	        tn_split_note(request, deployment->keys, deployment->key_count));
}

struct tn_response *tn_test_fetch(const struct tn_test_deployment *deployment, const char *whom,
                                  struct tn_request *request)
{
	const char *url = whom && is_url(whom) ? whom : NULL;
	const struct tn_instance *instance = NULL;

	if (whom && !url) {
		instance = find(deployment, whom, "tn_test_fetch");
		if (!instance)
			return NULL;
	}
	if (!request || !is_usable(deployment, "tn_test_fetch") ||
	    !begin_fetch(deployment->deployment, request, url))
		return NULL;
	return instance ? tn_fetch(instance->service, request)
	                : fetch_by_route(deployment, request);
}
