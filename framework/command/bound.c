#include "command/bound.h"

#include "command/command.h"
#include "command/environments.h"
#include "command/input.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define NONE SIZE_MAX

static int answer(struct tn_bound *bound, const struct tn_input *input,
                  const struct tn_arguments *arguments);

int tn_command_bound(const struct tn_arguments *arguments)
{
	struct tn_bound bound = { 0 };
	struct tn_input input;
	int code;

	if (arguments->all == (arguments->count > 0)) {
		tn_complain(arguments->all ? "bound: --all shows all Workers: name none"
		                           : "bound: name a Worker, or write --all");
		return EX_USAGE;
	}
	code = tn_input_open(&input, arguments->file, arguments->environment);
	if (!code)
		code = answer(&bound, &input, arguments);
	tn_input_finish(&input);
	return code;
}

/* ---- Views --------------------------------------------------------------------------------- */

static bool same_targets(const struct tn_plan_binding *one, const struct tn_plan_binding *other)
{
	if (one->target_count != other->target_count)
		return false;
	for (size_t i = 0; i < one->target_count; i++) {
		if (one->targets[i].worker->number != other->targets[i].worker->number ||
		    one->targets[i].weight != other->targets[i].weight)
			return false;
	}
	return true;
}

static bool same_worker(const struct tn_plan_worker *one, const struct tn_plan_worker *other)
{
	if (one->reachable != other->reachable || one->route != other->route)
		return false;
	for (size_t i = 0; one->reachable && i < one->binding_count; i++) {
		if (!same_targets(&one->bindings[i], &other->bindings[i]))
			return false;
	}
	return true;
}

/* Whether it loads the same Workers, which bind one another in the same way. */
static bool same_plan(const struct tn_plan *one, const struct tn_plan *other)
{
	for (size_t i = 0; i < one->count; i++) {
		if (!same_worker(&one->workers[i], &other->workers[i]))
			return false;
	}
	return true;
}

static bool matters(const struct tn_plan *plan, const struct tn_plan *first,
                    const struct tn_errors *errors)
{
	if (!errors->errors)
		return !same_plan(plan, first);
	tn_complain("environment '%s' has errors and is left out: see tenon check --environment "
	            "%s %s",
	            plan->environment, plan->environment, tn_config_path(plan->config));
	return false;
}

/* Adds the view of an environment that is unlike the first. false where there is no memory. */
static bool add_view(struct tn_bound *bound, const char *environment)
{
	const struct tn_plan *first = bound->views[0].plan;
	struct tn_errors errors = { 0 };
	struct tn_plan *plan = tn_plan_create(first->config, environment, &errors);
	bool made = plan;

	if (plan && matters(plan, first, &errors))
		bound->views[bound->count++].plan = plan;
	else
		tn_plan_destroy(plan);
	tn_errors_finish(&errors);
	return made;
}

static bool add_views(struct tn_bound *bound, const struct tn_input *input)
{
	struct tn_environments environments = { 0 };
	bool made = input->plan->environment || tn_environments_add(&environments, input->config);

	bound->views = calloc(environments.count + 1, sizeof(bound->views[0]));
	made = made && bound->views;
	if (made)
		bound->views[bound->count++].plan = input->plan;
	for (size_t i = 0; made && i < environments.count; i++)
		made = add_view(bound, environments.list[i]);
	tn_environments_finish(&environments);
	return made;
}

/* The first plan is the input's. */
static void finish_views(struct tn_bound *bound)
{
	for (size_t i = 0; i < bound->count; i++) {
		struct tn_bound_view *view = &bound->views[i];

		if (i)
			tn_plan_destroy(view->plan);
		free(view->next);
		free(view->distance);
		free(view->order);
	}
	free(bound->views);
}

/* ---- Chains -------------------------------------------------------------------------------- */

/* Adds those that bind it and have no chain yet. */
static void extend(struct tn_bound_view *view, size_t number, size_t distance)
{
	const struct tn_plan_worker *worker = &view->plan->workers[number];

	for (size_t i = 0; i < worker->use_count; i++) {
		size_t caller = worker->uses[i].binding->caller->number;

		if (view->next[caller] != NONE)
			continue;
		view->next[caller] = number;
		view->distance[caller] = distance + 1;
		view->order[view->count++] = caller;
	}
}

/* Breadth first, from the Worker to those that call it. false where there is no memory. */
static bool find_chains(struct tn_bound_view *view, size_t number)
{
	const size_t count = view->plan->count;

	view->next = calloc(count, sizeof(view->next[0]));
	view->distance = calloc(count, sizeof(view->distance[0]));
	view->order = calloc(count, sizeof(view->order[0]));
	if (!view->next || !view->distance || !view->order)
		return false;
	for (size_t i = 0; i < count; i++)
		view->next[i] = NONE;
	extend(view, number, 0);
	for (size_t i = 0; i < view->count; i++)
		extend(view, view->order[i], view->distance[view->order[i]]);
	return true;
}

static bool find_all_chains(struct tn_bound *bound)
{
	for (size_t i = 0; bound->worker && i < bound->count; i++) {
		if (!find_chains(&bound->views[i], bound->worker->number))
			return false;
	}
	return true;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static int print(const struct tn_bound *bound, bool json)
{
	if (bound->worker)
		return json ? tn_bound_print_json(bound) : tn_bound_print(bound);
	return json ? tn_bound_print_json_all(bound) : tn_bound_print_all(bound);
}

static int answer(struct tn_bound *bound, const struct tn_input *input,
                  const struct tn_arguments *arguments)
{
	int code = EX_OSERR;

	if (!arguments->all) {
		bound->worker = tn_input_worker(input, arguments->words[0]);
		if (!bound->worker)
			return EX_USAGE;
	}
	if (add_views(bound, input) && find_all_chains(bound))
		code = print(bound, arguments->json);
	else
		tn_complain("out of memory");
	finish_views(bound);
	return code;
}

bool tn_bound_leads(const struct tn_bound *bound, const struct tn_bound_view *view, size_t number)
{
	return number == bound->worker->number || view->next[number] != NONE;
}

bool tn_bound_is_public(const struct tn_bound *bound, size_t number)
{
	for (size_t i = 0; i < bound->count; i++) {
		if (bound->views[i].plan->workers[number].route)
			return true;
	}
	return false;
}

bool tn_bound_is_reached(const struct tn_bound *bound, size_t number)
{
	for (size_t i = 0; i < bound->count; i++) {
		if (bound->views[i].plan->workers[number].reachable)
			return true;
	}
	return false;
}

bool tn_bound_counts(const struct tn_bound *bound, const struct tn_bound_view *view,
                     size_t number)
{
	return view->plan->workers[number].reachable || !tn_bound_is_reached(bound, number);
}

bool tn_bound_is_variant(const struct tn_plan_worker *worker, const struct tn_plan_worker *other)
{
	size_t size = strcspn(worker->name, "@");

	return strcspn(other->name, "@") == size && strncmp(worker->name, other->name, size) == 0;
}
