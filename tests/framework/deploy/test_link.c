#include "deploy/link.h"

#include "planned.h"

static void an_unknown_worker_is_told_with_the_nearest(void)
{
	CHECK_TEXT_TOLD(NULL, "[worker one]\nroute = /\nservice.next = othr\n[worker other]\n",
	                "x.ini:3: worker 'one': service.next: no worker 'othr' (did you mean "
	                "'other'?)\n");
	CHECK_TEXT_TOLD(NULL, "[worker one]\nroute = /\nservice.next = elsewhere\n[worker other]\n",
	                "x.ini:3: worker 'one': service.next: no worker 'elsewhere': add [worker "
	                "elsewhere], or name another\n");
}

static void an_empty_name_is_none(void)
{
	CHECK_TEXT_TOLD(NULL, "[worker one]\nroute = /\nservice.next = \"\"\n",
	                "x.ini:3: worker 'one': service.next: an empty name: write the name of "
	                "a Worker\n");
}

/* Nobody calls it, but it is to be right the day somebody does. */
static void the_targets_of_what_nothing_reaches_are_checked(void)
{
	CHECK_TEXT_TOLD(NULL, "[worker one]\nroute = /\n[worker dead]\nservice.x = othr\n",
	                "x.ini:4: worker 'dead': service.x: no worker 'othr': add [worker othr], "
	                "or name another\n");
}

/* Its bindings, each as "field(line) > name weight". */
static void check_bindings(const struct tn_plan_worker *worker, const char *expected)
{
	char text[1024] = "";
	size_t size = 0;

	for (size_t i = 0; i < worker->binding_count; i++) {
		const struct tn_plan_binding *binding = &worker->bindings[i];

		CU_ASSERT_PTR_EQUAL(binding->caller, worker);
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s(%u) >",
		                         binding->field, binding->entry->place.line);
		for (size_t j = 0; j < binding->target_count; j++)
			size += (size_t)snprintf(text + size, sizeof(text) - size, " %s %u",
			                         binding->targets[j].worker->name,
			                         binding->targets[j].weight);
		size += (size_t)snprintf(text + size, sizeof(text) - size, "\n");
	}
	CHECK_TEXT(text, expected);
}

static void a_binding_leads_to_its_worker(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[worker one]\nroute = /\nservice.x = two\nvar.service = two\n"
	             "service.y = one\n[worker two]\n");
	CHECK_TOLD(&planned, "");
	check_bindings(&planned.plan->workers[0], "x(3) > two 1000000\ny(5) > one 1000000\n");
	check_bindings(&planned.plan->workers[1], "");
	planned_end(&planned);
}

static void a_variant_inherits_its_bindings(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[worker one]\nroute = /\nservice.x = two\nservice.y = two\nservice.z = two\n"
	             "[worker two]\n[worker one@v2]\nservice.y =\nservice.x = one\n");
	CHECK_TOLD(&planned, "");
	check_bindings(&planned.plan->workers[2], "x(9) > one 1000000\nz(5) > two 1000000\n");
	planned_end(&planned);
}

TEST_MAIN("deploy/link",
          TEST(an_unknown_worker_is_told_with_the_nearest),
          TEST(an_empty_name_is_none),
          TEST(the_targets_of_what_nothing_reaches_are_checked),
          TEST(a_binding_leads_to_its_worker),
          TEST(a_variant_inherits_its_bindings))
