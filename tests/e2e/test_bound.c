/* test_bound.c - `tenon bound`: who depends on a Worker, directly and through others. */
#include "harness.h"

#include "../cunit.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define WORKERS 1000
#define FIELDS 5

static void write_files(void);

/* The files are named without a directory, so that what is printed is the same each time. */
__attribute__((constructor)) static void set_up(void)
{
	built("");
	if (chdir(scratch_directory()) < 0 || mkdir("conf.d", 0700) < 0)
		give_up("the scratch directory");
	write_files();
}

#define BOUND(...) tenon_run((const char *const[]){ "bound", __VA_ARGS__, NULL }, NULL)

/* The whole of what is printed, and nothing else. */
static void expect(struct finished finished, const char *expected)
{
	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.out, expected);
	CHECK_TEXT(finished.err, "");
}

static void expect_refusal(struct finished finished, int code, const char *expected)
{
	CHECK_NUMBER(finished.code, code);
	CHECK_TEXT(finished.out, "");
	CHECK_TEXT(finished.err, expected);
}

/*
 * A shop with a team of its own for auth: gateway splits it, api comes to it through the gateway
 * and directly, users and users-audit call one another, and `old` is left over.
 */
static void write_files(void)
{
	scratch_write("shop.ini", "include = conf.d/*.ini\n"
	                          "[worker gateway]\n"
	                          "route = /*, www.example.com/shop/*\n"
	                          "service.auth = auth@v1 90%%, auth@v2 10%%\n"
	                          "split.auth.key = header:x-user\n"
	                          "service.application = application\n"
	                          "[worker gateway@staging]\n"
	                          "service.auth = auth\n"
	                          "[worker api]\n"
	                          "route = /api/*\n"
	                          "service.gateway = gateway\n"
	                          "service.check = auth@v2\n"
	                          "[worker application]\n"
	                          "[worker old]\n"
	                          "service.auth = auth@v2\n"
	                          "service.fallback = auth@v2\n"
	                          "service.other = auth@v1 50%%, auth@v2 50%%\n"
	                          "service.third = auth@v1 60%%, auth@v2 40%%\n");
	scratch_write("conf.d/auth.ini", "[worker auth]\n"
	                                 "service.users = users\n"
	                                 "[worker auth@v1]\n"
	                                 "[worker auth@v2]\n"
	                                 "[worker auth@staging]\n"
	                                 "[worker users]\n"
	                                 "service.audit = users-audit\n"
	                                 "[worker users-audit]\n"
	                                 "service.users = users\n");
}

/* ---- One Worker ---------------------------------------------------------------------------- */

static void a_version_is_told_with_all_that_depends_on_it(void)
{
	expect(BOUND("shop.ini", "auth@v2"),
	       "auth@v2: private, inherits from auth, conf.d/auth.ini:4\n"
	       "\n"
	       "Bound by:\n"
	       "  WORKER             FIELD     WEIGHT                ENVIRONMENT  FROM\n"
	       "  gateway            auth      10% by header:x-user  -           "
	       " shop.ini:4\n"
	       "  api                check     100%                  *           "
	       " shop.ini:12\n"
	       "  old (unreachable)  auth      100%                  *           "
	       " shop.ini:15\n"
	       "  old (unreachable)  fallback  100%                  *           "
	       " shop.ini:16\n"
	       "  old (unreachable)  other     50%                   *           "
	       " shop.ini:17\n"
	       "  old (unreachable)  third     40%                   *           "
	       " shop.ini:18\n"
	       "\n"
	       "Binds:\n"
	       "  FIELD  WORKER  WEIGHT  ENVIRONMENT  FROM\n"
	       "  users  users   100%    *            conf.d/auth.ini:2, inherited from"
	       " auth\n"
	       "\n"
	       "Routes that reach it:\n"
	       "  ROUTE                   CHAIN              ENVIRONMENT  FROM\n"
	       "  www.example.com/shop/*  gateway > auth@v2  -            shop.ini:3\n"
	       "  /api/*                  api > auth@v2      *            shop.ini:10\n"
	       "  /*                      gateway > auth@v2  -            shop.ini:3\n"
	       "\n"
	       "Called through others by: nobody\n"
	       "\n"
	       "Its other variants:\n"
	       "  WORKER        INHERITS FROM  STATE               BOUND BY\n"
	       "  auth          -              unreachable         nobody\n"
	       "  auth@v1       auth           private             2: gateway 90%, old 60%\n"
	       "  auth@staging  auth           private in staging  1: gateway@staging in"
	       " staging\n");
}

static void who_asks_for_a_worker_sees_who_binds_its_versions(void)
{
	expect(BOUND("shop.ini", "auth"),
	       "auth: unreachable, conf.d/auth.ini:1\n"
	       "\n"
	       "Bound by: nobody\n"
	       "\n"
	       "Binds:\n"
	       "  FIELD  WORKER  WEIGHT  ENVIRONMENT  FROM\n"
	       "  users  users   100%    *            conf.d/auth.ini:2\n"
	       "\n"
	       "Routes that reach it: none\n"
	       "\n"
	       "Called through others by: nobody\n"
	       "\n"
	       "Its other variants:\n"
	       "  WORKER        INHERITS FROM  STATE               BOUND BY\n"
	       "  auth@v1       auth           private             2: gateway 90%, old 60%\n"
	       "  auth@v2       auth           private             3: gateway 10%, api,"
	       " old\n"
	       "  auth@staging  auth           private in staging  1: gateway@staging in"
	       " staging\n");
}

static void a_cycle_is_a_chain_from_the_worker_to_itself(void)
{
	expect(BOUND("shop.ini", "users"),
	       "users: private, conf.d/auth.ini:6\n"
	       "\n"
	       "Bound by:\n"
	       "  WORKER              FIELD  WEIGHT  ENVIRONMENT  FROM\n"
	       "  auth (unreachable)  users  100%    *            conf.d/auth.ini:2\n"
	       "  auth@v1             users  100%    -            conf.d/auth.ini:2,"
	       " inherited from auth\n"
	       "  auth@v2             users  100%    *            conf.d/auth.ini:2,"
	       " inherited from auth\n"
	       "  users-audit         users  100%    *            conf.d/auth.ini:9\n"
	       "  auth@staging        users  100%    staging      conf.d/auth.ini:2,"
	       " inherited from auth\n"
	       "\n"
	       "Binds:\n"
	       "  FIELD  WORKER       WEIGHT  ENVIRONMENT  FROM\n"
	       "  audit  users-audit  100%    *            conf.d/auth.ini:7\n"
	       "\n"
	       "Routes that reach it:\n"
	       "  ROUTE                   CHAIN                                  "
	       " ENVIRONMENT  FROM\n"
	       "  www.example.com/shop/*  gateway > auth@v1 > users               -        "
	       "    shop.ini:3\n"
	       "  /api/*                  api > auth@v2 > users                   *        "
	       "    shop.ini:10\n"
	       "  /*                      gateway > auth@v1 > users               -        "
	       "    shop.ini:3\n"
	       "  www.example.com/shop/*  gateway@staging > auth@staging > users  staging  "
	       "    shop.ini:3\n"
	       "  /*                      gateway@staging > auth@staging > users  staging  "
	       "    shop.ini:3\n"
	       "\n"
	       "Called through others by:\n"
	       "  WORKER             CHAIN                                   ENVIRONMENT\n"
	       "  gateway            gateway > auth@v1 > users               -\n"
	       "  old (unreachable)  old > auth@v1 > users                   *\n"
	       "  api                api > auth@v2 > users                   *\n"
	       "  users              users > users-audit > users             *\n"
	       "  gateway@staging    gateway@staging > auth@staging > users  staging\n"
	       "\n"
	       "Its other variants: none\n");
}

static void a_public_worker_is_reached_by_its_own_routes(void)
{
	expect(BOUND("shop.ini", "gateway"),
	       "gateway: public, shop.ini:2\n"
	       "\n"
	       "Bound by:\n"
	       "  WORKER  FIELD    WEIGHT  ENVIRONMENT  FROM\n"
	       "  api     gateway  100%    -            shop.ini:11\n"
	       "\n"
	       "Binds:\n"
	       "  FIELD        WORKER       WEIGHT                ENVIRONMENT  FROM\n"
	       "  auth         auth@v1      90% by header:x-user  -            shop.ini:4\n"
	       "  auth         auth@v2      10% by header:x-user  -            shop.ini:4\n"
	       "  application  application  100%                  -            shop.ini:6\n"
	       "\n"
	       "Routes that reach it:\n"
	       "  ROUTE                   CHAIN          ENVIRONMENT  FROM\n"
	       "  www.example.com/shop/*  gateway        -            shop.ini:3\n"
	       "  /api/*                  api > gateway  -            shop.ini:10\n"
	       "  /*                      gateway        -            shop.ini:3\n"
	       "\n"
	       "Called through others by: nobody\n"
	       "\n"
	       "Its other variants:\n"
	       "  WORKER           INHERITS FROM  STATE              BOUND BY\n"
	       "  gateway@staging  gateway        public in staging  1: api in staging\n");
}

static void it_is_plain_that_nobody_needs_a_worker(void)
{
	expect(BOUND("shop.ini", "old"),
	       "old: unreachable, shop.ini:14\n"
	       "\n"
	       "Bound by: nobody\n"
	       "\n"
	       "Binds:\n"
	       "  FIELD     WORKER   WEIGHT  ENVIRONMENT  FROM\n"
	       "  auth      auth@v2  100%    *            shop.ini:15\n"
	       "  fallback  auth@v2  100%    *            shop.ini:16\n"
	       "  other     auth@v1  50%     *            shop.ini:17\n"
	       "  other     auth@v2  50%     *            shop.ini:17\n"
	       "  third     auth@v1  60%     *            shop.ini:18\n"
	       "  third     auth@v2  40%     *            shop.ini:18\n"
	       "\n"
	       "Routes that reach it: none\n"
	       "\n"
	       "Called through others by: nobody\n"
	       "\n"
	       "Its other variants: none\n");
}

static void of_two_chains_the_shortest_is_told(void)
{
	scratch_write("ways.ini", "[worker long]\n"
	                          "route = /long\n"
	                          "service.a = one\n"
	                          "service.b = three\n"
	                          "[worker one]\n"
	                          "service.next = two\n"
	                          "[worker two]\n"
	                          "service.next = three\n"
	                          "[worker three]\n"
	                          "service.next = goal\n"
	                          "service.self = three\n"
	                          "[worker goal]\n"
	                          "service.self = goal\n");
	expect(BOUND("ways.ini", "goal"),
	       "goal: private, ways.ini:12\n"
	       "\n"
	       "Bound by:\n"
	       "  WORKER  FIELD  WEIGHT  FROM\n"
	       "  three   next   100%    ways.ini:10\n"
	       "  goal    self   100%    ways.ini:13\n"
	       "\n"
	       "Binds:\n"
	       "  FIELD  WORKER  WEIGHT  FROM\n"
	       "  self   goal    100%    ways.ini:13\n"
	       "\n"
	       "Routes that reach it:\n"
	       "  ROUTE  CHAIN                FROM\n"
	       "  /long  long > three > goal  ways.ini:2\n"
	       "\n"
	       "Called through others by:\n"
	       "  WORKER  CHAIN\n"
	       "  long    long > three > goal\n"
	       "  two     two > three > goal\n"
	       "  one     one > two > three > goal\n"
	       "\n"
	       "Its other variants: none\n");
}

/* ---- Environments -------------------------------------------------------------------------- */

static void an_environment_has_bindings_of_its_own(void)
{
	expect(BOUND("--environment", "staging", "shop.ini", "auth"),
	       "Environment staging, auth@staging: private, inherits from auth, "
	       "conf.d/auth.ini:5\n"
	       "\n"
	       "Bound by:\n"
	       "  WORKER           FIELD  WEIGHT  FROM\n"
	       "  gateway@staging  auth   100%    shop.ini:8\n"
	       "\n"
	       "Binds:\n"
	       "  FIELD  WORKER  WEIGHT  FROM\n"
	       "  users  users   100%    conf.d/auth.ini:2, inherited from auth\n"
	       "\n"
	       "Routes that reach it:\n"
	       "  ROUTE                   CHAIN                                 FROM\n"
	       "  www.example.com/shop/*  gateway@staging > auth@staging        shop.ini:3\n"
	       "  /api/*                  api > gateway@staging > auth@staging  shop.ini:10\n"
	       "  /*                      gateway@staging > auth@staging        shop.ini:3\n"
	       "\n"
	       "Called through others by:\n"
	       "  WORKER  CHAIN\n"
	       "  api     api > gateway@staging > auth@staging\n"
	       "\n"
	       "Its other variants:\n"
	       "  WORKER   INHERITS FROM  STATE        BOUND BY\n"
	       "  auth     -              unreachable  nobody\n"
	       "  auth@v1  auth           unreachable  2: gateway 90%, old 60%\n"
	       "  auth@v2  auth           private      3: gateway 10%, api, old\n");
}

static void all_of_an_environment_is_one_table(void)
{
	expect(BOUND("--all", "--environment", "staging", "shop.ini"),
	       "Environment staging:\n"
	       "\n"
	       "WORKER           STATE        BOUND BY                                       "
	       "       BINDS                                     ROUTES\n"
	       "gateway          unreachable  nobody                                         "
	       "       3: auth@v1 90%, auth@v2 10%, application\n"
	       "gateway@staging  public       1: api                                         "
	       "       2: auth@staging, application              www.example.com/shop/*, /*\n"
	       "api              public       nobody                                         "
	       "       2: gateway@staging, auth@v2               /api/*\n"
	       "application      private      2: gateway, gateway@staging                    "
	       "       nothing\n"
	       "old              unreachable  nobody                                         "
	       "       2: auth@v2, auth@v1 60%\n"
	       "auth             unreachable  nobody                                         "
	       "       1: users\n"
	       "auth@v1          unreachable  2: gateway 90%, old 60%                        "
	       "       1: users\n"
	       "auth@v2          private      3: gateway 10%, api, old                       "
	       "       1: users\n"
	       "auth@staging     private      1: gateway@staging                             "
	       "       1: users\n"
	       "users            private      "
	       "5: auth, auth@v1, auth@v2, auth@staging, users-audit  1: users-audit\n"
	       "users-audit      private      1: users                                       "
	       "       1: users\n");
}

/* ---- All ----------------------------------------------------------------------------------- */

static void all_of_the_deployment_is_one_table(void)
{
	expect(BOUND("--all", "shop.ini"),
	       "WORKER           STATE               BOUND BY                              "
	       "                           BINDS                                           "
	       "    ROUTES\n"
	       "gateway          public              1: api                                "
	       "                           3: auth@v1 90%, auth@v2 10%, application        "
	       "    www.example.com/shop/*, /*\n"
	       "gateway@staging  public in staging   1: api in staging                     "
	       "                           2: auth@staging in staging, application in"
	       " staging  www.example.com/shop/* in staging, /* in staging\n"
	       "api              public              nobody                                "
	       "                           3: gateway, auth@v2, gateway@staging in staging "
	       "    /api/*\n"
	       "application      private             2: gateway, gateway@staging in staging"
	       "                           nothing\n"
	       "old              unreachable         nobody                                "
	       "                           2: auth@v2, auth@v1 60%\n"
	       "auth             unreachable         nobody                                "
	       "                           1: users\n"
	       "auth@v1          private             2: gateway 90%, old 60%               "
	       "                           1: users\n"
	       "auth@v2          private             3: gateway 10%, api, old              "
	       "                           1: users\n"
	       "auth@staging     private in staging  1: gateway@staging in staging         "
	       "                           1: users in staging\n"
	       "users            private             5: auth, auth@v1, auth@v2,"
	       " users-audit, auth@staging in staging  1: users-audit\n"
	       "users-audit      private             1: users                              "
	       "                           1: users\n");
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void a_worker_is_one_object(void)
{
	scratch_write("small.ini", "[worker gateway]\n"
	                           "route = /*\n"
	                           "service.auth = auth@v1 90%%, auth@v2 10%%\n"
	                           "split.auth.key = header:x-user\n"
	                           "[worker gateway@staging]\n"
	                           "service.auth = auth@v1\n"
	                           "[worker auth]\n"
	                           "[worker auth@v1]\n"
	                           "[worker auth@v2]\n");
	expect(BOUND("--json", "small.ini", "auth@v1"),
	       "{\n"
	       "  \"name\": \"auth@v1\",\n"
	       "  \"variant\": \"v1\",\n"
	       "  \"environment\": null,\n"
	       "  \"inherits\": \"auth\",\n"
	       "  \"public\": false,\n"
	       "  \"reachable\": true,\n"
	       "  \"file\": \"small.ini\",\n"
	       "  \"line\": 8,\n"
	       "  \"states\": [\n"
	       "    {\n"
	       "      \"environment\": null,\n"
	       "      \"public\": false,\n"
	       "      \"reachable\": true\n"
	       "    },\n"
	       "    {\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"public\": false,\n"
	       "      \"reachable\": true\n"
	       "    }\n"
	       "  ],\n"
	       "  \"bound_by\": [\n"
	       "    {\n"
	       "      \"worker\": \"gateway\",\n"
	       "      \"variant\": null,\n"
	       "      \"reachable\": true,\n"
	       "      \"environment\": null,\n"
	       "      \"field\": \"auth\",\n"
	       "      \"weight\": 90,\n"
	       "      \"key\": \"header:x-user\",\n"
	       "      \"file\": \"small.ini\",\n"
	       "      \"line\": 3,\n"
	       "      \"inherited_from\": null\n"
	       "    },\n"
	       "    {\n"
	       "      \"worker\": \"gateway@staging\",\n"
	       "      \"variant\": \"staging\",\n"
	       "      \"reachable\": true,\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"field\": \"auth\",\n"
	       "      \"weight\": 100,\n"
	       "      \"key\": null,\n"
	       "      \"file\": \"small.ini\",\n"
	       "      \"line\": 6,\n"
	       "      \"inherited_from\": null\n"
	       "    }\n"
	       "  ],\n"
	       "  \"binds\": [],\n"
	       "  \"routes\": [\n"
	       "    {\n"
	       "      \"route\": \"/*\",\n"
	       "      \"worker\": \"gateway\",\n"
	       "      \"environment\": null,\n"
	       "      \"file\": \"small.ini\",\n"
	       "      \"line\": 2,\n"
	       "      \"chain\": [\n"
	       "        \"gateway\",\n"
	       "        \"auth@v1\"\n"
	       "      ]\n"
	       "    },\n"
	       "    {\n"
	       "      \"route\": \"/*\",\n"
	       "      \"worker\": \"gateway@staging\",\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"file\": \"small.ini\",\n"
	       "      \"line\": 2,\n"
	       "      \"chain\": [\n"
	       "        \"gateway@staging\",\n"
	       "        \"auth@v1\"\n"
	       "      ]\n"
	       "    }\n"
	       "  ],\n"
	       "  \"indirect_callers\": [],\n"
	       "  \"variants\": [\n"
	       "    {\n"
	       "      \"worker\": \"auth\",\n"
	       "      \"variant\": null,\n"
	       "      \"reachable\": false,\n"
	       "      \"public\": false,\n"
	       "      \"inherits\": null,\n"
	       "      \"states\": [\n"
	       "        {\n"
	       "          \"environment\": null,\n"
	       "          \"public\": false,\n"
	       "          \"reachable\": false\n"
	       "        },\n"
	       "        {\n"
	       "          \"environment\": \"staging\",\n"
	       "          \"public\": false,\n"
	       "          \"reachable\": false\n"
	       "        }\n"
	       "      ],\n"
	       "      \"bound_by\": []\n"
	       "    },\n"
	       "    {\n"
	       "      \"worker\": \"auth@v2\",\n"
	       "      \"variant\": \"v2\",\n"
	       "      \"reachable\": true,\n"
	       "      \"public\": false,\n"
	       "      \"inherits\": \"auth\",\n"
	       "      \"states\": [\n"
	       "        {\n"
	       "          \"environment\": null,\n"
	       "          \"public\": false,\n"
	       "          \"reachable\": true\n"
	       "        },\n"
	       "        {\n"
	       "          \"environment\": \"staging\",\n"
	       "          \"public\": false,\n"
	       "          \"reachable\": false\n"
	       "        }\n"
	       "      ],\n"
	       "      \"bound_by\": [\n"
	       "        {\n"
	       "          \"worker\": \"gateway\",\n"
	       "          \"variant\": null,\n"
	       "          \"reachable\": true,\n"
	       "          \"environment\": null,\n"
	       "          \"field\": \"auth\",\n"
	       "          \"weight\": 10,\n"
	       "          \"key\": \"header:x-user\",\n"
	       "          \"file\": \"small.ini\",\n"
	       "          \"line\": 3,\n"
	       "          \"inherited_from\": null\n"
	       "        }\n"
	       "      ]\n"
	       "    }\n"
	       "  ]\n"
	       "}\n");
}

static void who_is_bound_by_nobody_has_empty_lists(void)
{
	expect(BOUND("--json", "--environment", "staging", "shop.ini", "old"),
	       "{\n"
	       "  \"name\": \"old\",\n"
	       "  \"variant\": null,\n"
	       "  \"environment\": \"staging\",\n"
	       "  \"inherits\": null,\n"
	       "  \"public\": false,\n"
	       "  \"reachable\": false,\n"
	       "  \"file\": \"shop.ini\",\n"
	       "  \"line\": 14,\n"
	       "  \"states\": [\n"
	       "    {\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"public\": false,\n"
	       "      \"reachable\": false\n"
	       "    }\n"
	       "  ],\n"
	       "  \"bound_by\": [],\n"
	       "  \"binds\": [\n"
	       "    {\n"
	       "      \"worker\": \"auth@v2\",\n"
	       "      \"variant\": \"v2\",\n"
	       "      \"reachable\": true,\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"field\": \"auth\",\n"
	       "      \"weight\": 100,\n"
	       "      \"key\": null,\n"
	       "      \"file\": \"shop.ini\",\n"
	       "      \"line\": 15,\n"
	       "      \"inherited_from\": null\n"
	       "    },\n"
	       "    {\n"
	       "      \"worker\": \"auth@v2\",\n"
	       "      \"variant\": \"v2\",\n"
	       "      \"reachable\": true,\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"field\": \"fallback\",\n"
	       "      \"weight\": 100,\n"
	       "      \"key\": null,\n"
	       "      \"file\": \"shop.ini\",\n"
	       "      \"line\": 16,\n"
	       "      \"inherited_from\": null\n"
	       "    },\n"
	       "    {\n"
	       "      \"worker\": \"auth@v1\",\n"
	       "      \"variant\": \"v1\",\n"
	       "      \"reachable\": false,\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"field\": \"other\",\n"
	       "      \"weight\": 50,\n"
	       "      \"key\": null,\n"
	       "      \"file\": \"shop.ini\",\n"
	       "      \"line\": 17,\n"
	       "      \"inherited_from\": null\n"
	       "    },\n"
	       "    {\n"
	       "      \"worker\": \"auth@v2\",\n"
	       "      \"variant\": \"v2\",\n"
	       "      \"reachable\": true,\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"field\": \"other\",\n"
	       "      \"weight\": 50,\n"
	       "      \"key\": null,\n"
	       "      \"file\": \"shop.ini\",\n"
	       "      \"line\": 17,\n"
	       "      \"inherited_from\": null\n"
	       "    },\n"
	       "    {\n"
	       "      \"worker\": \"auth@v1\",\n"
	       "      \"variant\": \"v1\",\n"
	       "      \"reachable\": false,\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"field\": \"third\",\n"
	       "      \"weight\": 60,\n"
	       "      \"key\": null,\n"
	       "      \"file\": \"shop.ini\",\n"
	       "      \"line\": 18,\n"
	       "      \"inherited_from\": null\n"
	       "    },\n"
	       "    {\n"
	       "      \"worker\": \"auth@v2\",\n"
	       "      \"variant\": \"v2\",\n"
	       "      \"reachable\": true,\n"
	       "      \"environment\": \"staging\",\n"
	       "      \"field\": \"third\",\n"
	       "      \"weight\": 40,\n"
	       "      \"key\": null,\n"
	       "      \"file\": \"shop.ini\",\n"
	       "      \"line\": 18,\n"
	       "      \"inherited_from\": null\n"
	       "    }\n"
	       "  ],\n"
	       "  \"routes\": [],\n"
	       "  \"indirect_callers\": [],\n"
	       "  \"variants\": []\n"
	       "}\n");
}

/* Ends the test where it is none. */
static json_t *parse(struct finished finished)
{
	json_error_t error;
	json_t *value = json_loads(finished.out, 0, &error);

	CHECK_NUMBER(finished.code, 0);
	if (!value)
		CHECK_TEXT(finished.out, error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

/* The number of entries in a list of an object. */
static size_t size_of(const json_t *object, const char *name)
{
	return json_array_size(json_object_get(object, name));
}

static void a_chain_is_a_list_of_names(void)
{
	json_t *users = parse(BOUND("--json", "shop.ini", "users"));
	const json_t *callers = json_object_get(users, "indirect_callers");
	const json_t *itself = json_array_get(callers, json_array_size(callers) - 1);
	const json_t *chain = json_object_get(itself, "chain");

	CHECK_TEXT(json_string_value(json_object_get(itself, "worker")), "users");
	CHECK_NUMBER(json_array_size(chain), 3);
	CHECK_TEXT(json_string_value(json_array_get(chain, 0)), "users");
	CHECK_TEXT(json_string_value(json_array_get(chain, 1)), "users-audit");
	CHECK_TEXT(json_string_value(json_array_get(chain, 2)), "users");
	json_decref(users);
}

static void all_of_them_are_a_list_with_their_own_routes(void)
{
	json_t *list = parse(BOUND("--json", "--all", "shop.ini"));
	const json_t *gateway = json_array_get(list, 0);
	const json_t *auth = json_array_get(list, 6);

	CHECK_NUMBER(json_array_size(list), 11);
	CHECK_TEXT(json_string_value(json_object_get(gateway, "name")), "gateway");
	CHECK_NUMBER(size_of(gateway, "bound_by"), 1);
	CHECK_NUMBER(size_of(gateway, "binds"), 3);
	CHECK_NUMBER(size_of(gateway, "routes"), 2);
	CHECK_TEXT(json_string_value(json_object_get(auth, "name")), "auth@v1");
	CHECK_NUMBER(size_of(auth, "bound_by"), 1 + 2 * 2);
	CHECK_NUMBER(size_of(auth, "routes"), 0);
	json_decref(list);
}

/* ---- All environments ---------------------------------------------------------------------- */

/* Without an environment the gateway binds auth, with one their variants do. */
static void write_environments(void)
{
	scratch_write("two.ini", "[worker gateway]\n"
	                         "route = /*\n"
	                         "service.auth = auth\n"
	                         "service.log = log\n"
	                         "[worker gateway@staging]\n"
	                         "[worker auth]\n"
	                         "[worker auth@staging]\n"
	                         "[worker auth@test]\n"
	                         "[worker audit]\n"
	                         "service.auth = auth\n"
	                         "[worker log]\n"
	                         "[worker log@same]\n"
	                         "[worker unused]\n"
	                         "[worker unused@idle]\n");
}

static void what_only_an_environment_reaches_is_told_of_it(void)
{
	write_environments();
	expect(BOUND("two.ini", "auth@staging"),
	       "auth@staging: private in staging, inherits from auth, two.ini:7\n"
	       "\n"
	       "Bound by:\n"
	       "  WORKER               FIELD  WEIGHT  ENVIRONMENT  FROM\n"
	       "  gateway@staging      auth   100%    staging      two.ini:3, inherited"
	       " from gateway\n"
	       "  audit (unreachable)  auth   100%    staging      two.ini:10\n"
	       "\n"
	       "Binds: nothing\n"
	       "\n"
	       "Routes that reach it:\n"
	       "  ROUTE  CHAIN                           ENVIRONMENT  FROM\n"
	       "  /*     gateway@staging > auth@staging  staging      two.ini:2\n"
	       "\n"
	       "Called through others by: nobody\n"
	       "\n"
	       "Its other variants:\n"
	       "  WORKER     INHERITS FROM  STATE            BOUND BY\n"
	       "  auth       -              private          2: gateway, audit\n"
	       "  auth@test  auth           private in test  2: gateway in test, audit in"
	       " test\n");
}

static void what_holds_without_an_environment_is_not_told_of_its_variants(void)
{
	write_environments();
	expect(BOUND("two.ini", "auth"),
	       "auth: private, two.ini:6\n"
	       "\n"
	       "Bound by:\n"
	       "  WORKER               FIELD  WEIGHT  ENVIRONMENT  FROM\n"
	       "  gateway              auth   100%    -, same      two.ini:3\n"
	       "  audit (unreachable)  auth   100%    -, same      two.ini:10\n"
	       "\n"
	       "Binds: nothing\n"
	       "\n"
	       "Routes that reach it:\n"
	       "  ROUTE  CHAIN           ENVIRONMENT  FROM\n"
	       "  /*     gateway > auth  -, same      two.ini:2\n"
	       "\n"
	       "Called through others by: nobody\n"
	       "\n"
	       "Its other variants:\n"
	       "  WORKER        INHERITS FROM  STATE               BOUND BY\n"
	       "  auth@staging  auth           private in staging  2: gateway@staging in"
	       " staging, audit in staging\n"
	       "  auth@test     auth           private in test     2: gateway in test,"
	       " audit in test\n");
}

static void what_holds_everywhere_is_one_row(void)
{
	write_environments();
	expect(BOUND("two.ini", "log"),
	       "log: private, two.ini:11\n"
	       "\n"
	       "Bound by:\n"
	       "  WORKER           FIELD  WEIGHT  ENVIRONMENT  FROM\n"
	       "  gateway          log    100%    -, test      two.ini:4\n"
	       "  gateway@staging  log    100%    staging      two.ini:4, inherited from"
	       " gateway\n"
	       "\n"
	       "Binds: nothing\n"
	       "\n"
	       "Routes that reach it:\n"
	       "  ROUTE  CHAIN                  ENVIRONMENT  FROM\n"
	       "  /*     gateway > log          -, test      two.ini:2\n"
	       "  /*     gateway@staging > log  staging      two.ini:2\n"
	       "\n"
	       "Called through others by: nobody\n"
	       "\n"
	       "Its other variants:\n"
	       "  WORKER    INHERITS FROM  STATE            BOUND BY\n"
	       "  log@same  log            private in same  1: gateway in same\n");
}

static void all_of_all_environments_is_one_table(void)
{
	write_environments();
	expect(BOUND("--all", "two.ini"),
	       "WORKER           STATE               BOUND BY                              "
	       "           BINDS                                                ROUTES\n"
	       "gateway          public              nobody                                "
	       "           4: auth, log, auth@test in test, log@same in same    /*\n"
	       "gateway@staging  public in staging   nobody                                "
	       "           2: auth@staging in staging, log in staging           /* in"
	       " staging\n"
	       "auth             private             2: gateway, audit                     "
	       "           nothing\n"
	       "auth@staging     private in staging  2: gateway@staging in staging, audit"
	       " in staging  nothing\n"
	       "auth@test        private in test     2: gateway in test, audit in test     "
	       "           nothing\n"
	       "audit            unreachable         nobody                                "
	       "           3: auth, auth@staging in staging, auth@test in test\n"
	       "log              private             2: gateway, gateway@staging in staging"
	       "           nothing\n"
	       "log@same         private in same     1: gateway in same                    "
	       "           nothing\n"
	       "unused           unreachable         nobody                                "
	       "           nothing\n"
	       "unused@idle      unreachable         nobody                                "
	       "           nothing\n");
}

/* The one that was asked for is then the only one. */
static void programs_are_told_the_environment_of_each_entry(void)
{
	json_t *auth, *list;

	write_environments();
	auth = parse(BOUND("--json", "two.ini", "auth@staging"));
	CHECK_NUMBER(json_is_true(json_object_get(auth, "reachable")), true);
	CHECK_NUMBER(size_of(auth, "states"), 4);
	list = json_object_get(auth, "bound_by");
	CHECK_NUMBER(json_array_size(list), 2);
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(list, 0), "worker")),
	           "gateway@staging");
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(list, 0), "environment")),
	           "staging");
	list = json_object_get(auth, "routes");
	CHECK_NUMBER(json_array_size(list), 1);
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(list, 0), "environment")),
	           "staging");
	json_decref(auth);
	auth = parse(BOUND("--json", "--environment", "test", "two.ini", "auth@staging"));
	CHECK_NUMBER(size_of(auth, "states"), 1);
	CHECK_NUMBER(size_of(auth, "bound_by"), 0);
	CHECK_NUMBER(json_is_false(json_object_get(auth, "reachable")), true);
	json_decref(auth);
}

static void an_environment_with_errors_is_left_out_and_named(void)
{
	struct finished finished;

	scratch_write("part.ini", "[host@bad]\nlisten = nowhere\n"
	                          "[worker a]\nroute = /\nservice.b = b\n[worker b]\n"
	                          "[worker b@bad]\n");
	finished = BOUND("--all", "part.ini");
	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(count_of(finished.out, " in bad"), 0);
	CHECK_TEXT(finished.err, "tenon: environment 'bad' has errors and is left out: see tenon "
	                         "check --environment bad part.ini\n");
}

/* ---- A large one --------------------------------------------------------------------------- */

/* Worker N binds N + 1 to N + FIELDS: a chain to the last jumps as far as it can. */
static void write_large(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		give_up("memory");
	for (int i = 0; i < WORKERS; i++) {
		fprintf(file, "[worker w%d]\n", i);
		if (i == 0)
			fputs("route = /\n", file);
		for (int j = 1; j <= FIELDS; j++)
			fprintf(file, "service.f%d = w%d\n", j, (i + j) % WORKERS);
	}
	fclose(file);
	scratch_write_bytes("large.ini", text, size);
	free(text);
}

static void a_thousand_workers_are_told_whole(void)
{
	struct finished finished;
	json_t *list, *last;

	write_large();
	finished = BOUND("--all", "large.ini");
	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(count_of(finished.out, "\n"), WORKERS + 1);
	CHECK_NUMBER(lines_matching(finished.out, "^w500 +private +5: w495, w496, w497, w498, w499 "
	                                          "+5: w501, w502, w503, w504, w505$"),
	             1);
	list = parse(BOUND("--all", "--json", "large.ini"));
	CHECK_NUMBER(json_array_size(list), WORKERS);
	json_decref(list);
	last = parse(BOUND("--json", "large.ini", "w999"));
	list = json_object_get(json_array_get(json_object_get(last, "routes"), 0), "chain");
	CHECK_NUMBER(json_array_size(list), 1 + (WORKERS - 1 + FIELDS - 1) / FIELDS);
	CHECK_NUMBER(size_of(last, "indirect_callers"), WORKERS - FIELDS);
	json_decref(last);
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void either_a_worker_or_all_is_asked_for(void)
{
	expect_refusal(BOUND("shop.ini"), EX_USAGE,
	               "tenon: bound: name a Worker, or write --all\n");
	expect_refusal(BOUND("--all", "shop.ini", "auth"), EX_USAGE,
	               "tenon: bound: --all shows all Workers: name none\n");
}

static void a_worker_that_is_not_there_gets_a_suggestion(void)
{
	expect_refusal(BOUND("shop.ini", "gatewy"), EX_USAGE,
	               "tenon: shop.ini: no worker 'gatewy' (did you mean 'gateway'?)\n");
	expect_refusal(BOUND("--json", "shop.ini", "auth@v3"), EX_USAGE,
	               "tenon: shop.ini: no worker 'auth@v3' (did you mean 'auth@v1'?)\n");
}

static void a_file_with_an_error_is_not_shown(void)
{
	scratch_write("wrong.ini", "[worker a]\n"
	                           "route = /\n"
	                           "service.b = c\n");
	expect_refusal(BOUND("--all", "wrong.ini"), EX_CONFIG,
	               "wrong.ini:3: worker 'a': service.b: no worker 'c': add [worker c], or name "
	               "another\n");
}

/* Each row is as wide as the widest. */
static void of_many_names_the_table_has_the_first(void)
{
	char *text = text_of("[worker log]\nmodule = x.so\n");
	struct finished finished;

	for (unsigned i = 0; i < 20; i++)
		text = text_of("%s[worker w%02u]\nmodule = x.so\nroute = /%u\n"
		               "service.l = log\n",
		               text, i, i);
	scratch_write("hub.ini", "%s", text);
	finished = BOUND("--all", "hub.ini");
	CHECK_NUMBER(finished.code, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(
		finished.out,
		"  20: w00, w01, w02, w03, w04, w05, w06, w07 and 12 more  nothing\n"));
	finished = BOUND("hub.ini", "log");
	CU_ASSERT_PTR_NOT_NULL(strstr(finished.out, "\n  w19 "));
}

TEST_MAIN("e2e/bound",
          TEST(of_many_names_the_table_has_the_first),
          TEST(a_version_is_told_with_all_that_depends_on_it),
          TEST(who_asks_for_a_worker_sees_who_binds_its_versions),
          TEST(a_cycle_is_a_chain_from_the_worker_to_itself),
          TEST(a_public_worker_is_reached_by_its_own_routes),
          TEST(it_is_plain_that_nobody_needs_a_worker),
          TEST(of_two_chains_the_shortest_is_told),
          TEST(an_environment_has_bindings_of_its_own),
          TEST(all_of_an_environment_is_one_table),
          TEST(all_of_the_deployment_is_one_table),
          TEST(a_worker_is_one_object),
          TEST(who_is_bound_by_nobody_has_empty_lists),
          TEST(a_chain_is_a_list_of_names),
          TEST(all_of_them_are_a_list_with_their_own_routes),
          TEST(what_only_an_environment_reaches_is_told_of_it),
          TEST(what_holds_without_an_environment_is_not_told_of_its_variants),
          TEST(what_holds_everywhere_is_one_row),
          TEST(all_of_all_environments_is_one_table),
          TEST(programs_are_told_the_environment_of_each_entry),
          TEST(an_environment_with_errors_is_left_out_and_named),
          TEST(a_thousand_workers_are_told_whole),
          TEST(either_a_worker_or_all_is_asked_for),
          TEST(a_worker_that_is_not_there_gets_a_suggestion),
          TEST(a_file_with_an_error_is_not_shown))
