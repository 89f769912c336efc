/* Near misses, and paths into the JSON. */
#include "tests/scenario/helper.h"

#include "scenario/keypath.h"

Test(scenario, nearest_names)
{
    static const char *const names[] = {"cold-restart", "drain-restart", "exec",   "swap",
                                        "rate_per_s",   "from_ms",       "time_ms"};
    static const struct {
        const char *word, *near;
    } cases[] = {
        {"swop", "swap"},
        {"sawp", "swap"},
        {"swapp", "swap"},
        {"cold_restart", "cold-restart"},
        {"rate", "rate_per_s"},
        {"drain", "drain-restart"},
        {"form_ms", "from_ms"},
        {"handoff", NULL},
        {"", NULL},
        {"x", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = mf_nearest(cases[i].word, names, 7);
        expect_text((near ? near : "none"), (cases[i].near ? cases[i].near : "none"), "%s", cases[i].word);
    }
    cr_expect(eq(ptr, (void *)mf_nearest("swop", names, 0), NULL));
}

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    cr_assert(ne(ptr, json, NULL));
    return json;
}

static int set(json_t *root, const char *path, int number)
{
    char why[128];
    json_t *value = json_integer(number);
    int result = mf_keypath_set(root, path, value, why, sizeof why);
    json_decref(value);
    return result;
}

Test(scenario, key_paths)
{
    json_t *root = parse("{\"a\":{\"b\":[{\"c\":1}]},\"expect\":[{\"spike_ms.p95\":{}}],\"sweep\":{}}");
    cr_expect(eq(int, set(root, "a.b[0].c", 2), 0));
    cr_expect(eq(int, set(root, "a.b[1]", 3), 0), "one past the end appends");
    cr_expect(eq(int, set(root, "x.y.z", 4), 0), "what is missing is made");
    cr_expect(eq(int, set(root, "expect[0].spike_ms.p95.max", 5), 0), "the longest key that is there");
    cr_expect(eq(int, set(root, "expect[0].spike_ms.max", 6), 0), "below expect a new key is all the rest");
    cr_expect(eq(int, set(root, "sweep.upgrades[0].count", 7), 0));
    json_t *wanted =
        parse("{\"a\":{\"b\":[{\"c\":2},3]},\"expect\":[{\"spike_ms.p95\":{\"max\":5},\"spike_ms.max\":6}],"
              "\"sweep\":{\"upgrades[0].count\":7},\"x\":{\"y\":{\"z\":4}}}");
    cr_expect(eq(int, json_equal(root, wanted), 1));
    cr_expect(eq(i64, json_integer_value(mf_keypath_get(root, "expect[0].spike_ms.p95.max")), 5));
    cr_expect(eq(ptr, mf_keypath_get(root, "a.b[7].c"), NULL));
    json_decref(wanted);
    json_decref(root);
}

Test(scenario, key_paths_that_are_none)
{
    static const char *const paths[] = {"",    ".",     "a.",    "a..b", ".a",  "a[",   "a[]", "a[x]",
                                        "a[1", "a[1]b", "a[-1]", "a[3]", "n.x", "n[0]", "a.x"};
    json_t *root = parse("{\"a\":[1],\"n\":1}");
    json_t *before = json_deep_copy(root);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        cr_expect(eq(int, set(root, paths[i], 1), -1), "%s", paths[i]);
    cr_expect(eq(int, json_equal(root, before), 1));
    json_decref(before);
    json_decref(root);
}

Test(scenario, places_within_places)
{
    cr_expect(mf_keypath_within("load.window", "load"));
    cr_expect(mf_keypath_within("load", "load"));
    cr_expect(mf_keypath_within("upgrades[0]", "upgrades"));
    cr_expect(not(mf_keypath_within("loads", "load")));
    cr_expect(not(mf_keypath_within("load", "load.window")));
}
