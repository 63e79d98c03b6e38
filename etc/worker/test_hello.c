/* test_hello.c - the test of a Worker: a program that includes it, without a host. */
#include "hello.c"

#include <CUnit/Basic.h>
#include <tenon/test.h>

static void greets_by_name(void)
{
	struct tn_test *test = tn_test_begin();
	struct env env = { .self = TN_TEST_SELF, .NAME = "you" };
	struct tn_request *request = tn_test_request(test, "GET", "/hello");
	struct tn_response *response = tn_fetch(&env.self, request);

	CU_ASSERT_EQUAL(tn_response_status(response), 200);
	CU_ASSERT_STRING_EQUAL(tn_response_body(response).data, "Hello, you\n");
	tn_test_end(test);
}

int main(void)
{
	CU_pSuite suite;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite("hello", NULL, NULL);
	CU_ADD_TEST(suite, greets_by_name);
	CU_basic_run_tests();
	return CU_get_number_of_failures() > 0 || CU_get_number_of_tests_run() == 0;
}
