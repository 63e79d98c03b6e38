#include "supervise/objects.h"

#include "cunit.h"

#include <string.h>

/* stdout points into the C library. */
static int here(void)
{
	return 1;
}

static void each_address_has_its_object(void)
{
	const struct tn_objects *objects = tn_objects_create(NULL, 0);
	uintptr_t own = (uintptr_t)here;
	const struct tn_object *program, *library;

	CU_ASSERT_PTR_NOT_NULL_FATAL(objects);
	program = tn_objects_find(objects, own);
	library = tn_objects_find(objects, (uintptr_t)stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(program);
	CU_ASSERT_PTR_NOT_NULL_FATAL(library);
	CU_ASSERT(program->first <= own && own < program->end);
	CU_ASSERT_PTR_NOT_NULL(strstr(program->path, "test_objects"));
	CU_ASSERT_PTR_NOT_NULL(strstr(library->path, "libc"));
	tn_objects_destroy(objects);
}

static bool is_module_of(const struct tn_object *object, const struct tn_module *module)
{
	return strcmp(object->file, module->file) == 0 && strcmp(object->path, module->path) == 0;
}

/* What is read is the copy, and what is shown the original. */
static void a_copy_has_the_path_of_its_original(void)
{
	const struct tn_objects *plain = tn_objects_create(NULL, 0);
	const struct tn_object *library = tn_objects_find(plain, (uintptr_t)stdout);
	const struct tn_objects *objects;
	struct tn_module module = { .path = (char[]){ "./original.so" } };
	struct tn_module *const modules[] = { &module };

	CU_ASSERT_PTR_NOT_NULL_FATAL(library);
	CHECK_TEXT(library->path, library->file);
	module.file = strdup(library->file);
	objects = tn_objects_create(modules, 1);
	library = tn_objects_find(objects, (uintptr_t)stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(library);
	CHECK_NUMBER(is_module_of(library, &module), true);
	CHECK_NUMBER(is_module_of(tn_objects_find(objects, (uintptr_t)here), &module), false);
	free(module.file);
	tn_objects_destroy(objects);
	tn_objects_destroy(plain);
}

/* What an offset is taken from: where the file's own addresses begin. */
static void the_base_is_where_offset_0_is(void)
{
	const struct tn_objects *objects = tn_objects_create(NULL, 0);
	const struct tn_object *library = tn_objects_find(objects, (uintptr_t)stdout);

	CU_ASSERT_PTR_NOT_NULL_FATAL(library);
	CHECK_NUMBER(memcmp((const void *)library->base, "\177ELF", 4), 0);
	tn_objects_destroy(objects);
}

static void an_address_of_no_object_is_not_found(void)
{
	const struct tn_objects *objects = tn_objects_create(NULL, 0);
	int on_the_stack = 0;

	CU_ASSERT_PTR_NULL(tn_objects_find(objects, 0));
	CU_ASSERT_PTR_NULL(tn_objects_find(objects, (uintptr_t)&on_the_stack));
	CU_ASSERT_PTR_NULL(tn_objects_find(objects, UINTPTR_MAX));
	CU_ASSERT_PTR_NULL(tn_objects_find(NULL, (uintptr_t)here));
	tn_objects_destroy(objects);
	tn_objects_destroy(NULL);
}

TEST_MAIN("supervise/objects",
          TEST(each_address_has_its_object),
          TEST(a_copy_has_the_path_of_its_original),
          TEST(the_base_is_where_offset_0_is),
          TEST(an_address_of_no_object_is_not_found))
