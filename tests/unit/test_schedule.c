/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The schedule presets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/sparsed.h>

enum { MAX_TEXT = 2048 };

/* A preset as a letter a step: d dense, D dense + build, B build + sparse, s sparse. */
static const char *letters(const char *name, double skip, uint32_t steps) {
    static char text[MAX_TEXT];
    static sparsed_schedule_entry entries[MAX_TEXT];
    sparsed_message message;
    assert_true(steps < MAX_TEXT);
    memset(entries, 0xff, sizeof entries);
    if (sparsed_schedule_preset(name, skip, entries, steps, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    for (uint32_t i = 0; i < steps; i++) {
        assert_true(entries[i].op <= SPARSED_BUILD_SPARSE);
        text[i] = "dD?sB"[entries[i].op];
        assert_int_equal(entries[i].reserved, 0);
        assert_true(entries[i].ratio == 0.0);
    }
    assert_int_equal(entries[steps].op, UINT32_MAX); /* none is written behind the last */
    text[steps] = '\0';
    return text;
}

static void test_schedule_preset__upstream_dense_steps(void **state) {
    (void)state;
    static const uint32_t dense_steps[][2] = {{8, 3},    {32, 8},    {64, 14},   {128, 27},
                                              {256, 53}, {512, 104}, {1024, 206}};
    for (size_t i = 0; i < sizeof dense_steps / sizeof *dense_steps; i++) {
        uint32_t steps = dense_steps[i][0], dense = dense_steps[i][1];
        const char *text = letters("upstream", 0.2, steps);
        assert_int_equal(strspn(text, "d"), dense - 1);
        assert_int_equal(text[dense - 1], 'D');
        assert_int_equal(strspn(text + dense, "s"), steps - dense);
    }
}

static void test_schedule_preset__all_presets(void **state) {
    (void)state;
    assert_string_equal(letters("upstream", 0.2, 10), "dddDssssss");
    assert_string_equal(letters("paper", 0.2, 10), "dDssssssss");
    assert_string_equal(letters("paper", 0.5, 10), "ddddDsssss");
    assert_string_equal(letters("no-dense", 0.2, 10), "Bsssssssss");
    assert_string_equal(letters("rebuild", 0.2, 10), "dddBBBBBBB");
    assert_string_equal(letters("window:3:7", 0.2, 10), "dddBsssddd");
    assert_string_equal(letters("window:0:10", 0.2, 10), "Bsssssssss");
    assert_string_equal(letters("window:9:10", 0.2, 10), "dddddddddB");
    assert_string_equal(letters("dense", 0.2, 10), "dddddddddd");
    assert_string_equal(letters("warm", 0.2, 10), "ddssssssss");
    assert_string_equal(letters("warm", 0.25, 10), "ddssssssss");
}

/* skip 0 still means two dense steps upstream, and a build in the first one on paper. */
static void test_schedule_preset__skip_at_its_ends(void **state) {
    (void)state;
    assert_string_equal(letters("upstream", 0.0, 6), "dDssss");
    assert_string_equal(letters("paper", 0.0, 6), "Dsssss");
    assert_string_equal(letters("rebuild", 0.0, 6), "dBBBBB");
    assert_string_equal(letters("upstream", 1.0, 6), "dddddd");
    assert_string_equal(letters("paper", 1.0, 6), "dddddD");
    assert_string_equal(letters("rebuild", 1.0, 6), "dddddd");
    assert_string_equal(letters("warm", 0.0, 6), "ssssss");
    assert_string_equal(letters("warm", 1.0, 6), "dddddd");
}

static void test_schedule_preset__build_at_or_past_the_last_step(void **state) {
    (void)state;
    assert_string_equal(letters("upstream", 0.2, 1), "d");
    assert_string_equal(letters("upstream", 0.2, 2), "dD");
    assert_string_equal(letters("paper", 0.2, 1), "D");
    assert_string_equal(letters("upstream", 0.9, 10), "dddddddddd");
    assert_string_equal(letters("upstream", 0.8, 10), "dddddddddD");
}

/* int() of the double product: 0.29 * 100 is below 29. */
static void test_schedule_preset__skip_is_a_plain_double_product(void **state) {
    (void)state;
    assert_int_equal(strspn(letters("upstream", 0.29, 100), "d"), 29);
    assert_int_equal(strspn(letters("paper", 0.29, 100), "d"), 27);
    assert_int_equal(strspn(letters("warm", 0.29, 100), "d"), 28);
}

static void test_schedule_preset__as_many_steps_as_there_may_be(void **state) {
    (void)state;
    const uint32_t steps = 1u << 20;
    sparsed_schedule_entry *entries = calloc(steps, sizeof *entries);
    assert_non_null(entries);
    assert_int_equal(sparsed_schedule_preset("window:1000000:1048576", 0.2, entries, steps, NULL),
                     SPARSED_OK);
    assert_int_equal(entries[999999].op, SPARSED_DENSE);
    assert_int_equal(entries[1000000].op, SPARSED_BUILD_SPARSE);
    assert_int_equal(entries[1048575].op, SPARSED_SPARSE);
    assert_int_equal(sparsed_schedule_preset("upstream", 0.2, entries, steps, NULL), SPARSED_OK);
    free(entries);
}

static void refuse(const char *name, double skip, uint32_t steps, const char *named) {
    sparsed_schedule_entry entries[16];
    sparsed_message message = {""};
    assert_int_equal(sparsed_schedule_preset(name, skip, entries, steps, &message),
                     SPARSED_E_INVALID);
    if (!strstr(message.text, named))
        fail_msg("'%s' does not name %s", message.text, named);
    assert_int_equal(sparsed_schedule_preset(name, skip, entries, steps, NULL), SPARSED_E_INVALID);
}

static void test_schedule_preset__refuses_what_is_no_preset(void **state) {
    (void)state;
    refuse("", 0.2, 8, "schedule ''");
    refuse("Upstream", 0.2, 8, "'Upstream'");
    refuse("upstreams", 0.2, 8, "'upstreams'");
    refuse("window", 0.2, 8, "'window'");
    refuse("warmer", 0.2, 8, "'warmer'");
    refuse("cold", 0.2, 8, "dense, warm or window:A:B");
}

static void test_schedule_preset__refuses_bad_windows(void **state) {
    (void)state;
    static const char *const bad[] = {
        "window:",      "window:3",     "window:3:",          "window::5",
        "window:5:5",   "window:6:5",   "window:0:9",         "window:-1:5",
        "window:+1:5",  "window: 1:5",  "window:1:5 ",        "window:1:5:7",
        "window:1.0:5", "window:0x1:5", "window:1:123456789", "window:99999999999999999999:5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i], 0.2, 8, bad[i]);
}

static void test_schedule_preset__refuses_arguments_out_of_range(void **state) {
    (void)state;
    sparsed_schedule_entry entries[16];
    sparsed_message message;
    refuse("upstream", -0.1, 8, "skip");
    refuse("upstream", 1.1, 8, "skip");
    refuse("upstream", (double)NAN, 8, "skip");
    refuse("upstream", (double)INFINITY, 8, "skip");
    refuse("upstream", 0.2, 0, "steps is 0");
    refuse("upstream", 0.2, (1u << 20) + 1, "steps is 1048577");
    refuse(NULL, 0.2, 8, "name is NULL");
    assert_int_equal(sparsed_schedule_preset("upstream", 0.2, NULL, 8, &message),
                     SPARSED_E_INVALID);
    assert_non_null(strstr(message.text, "entries is NULL"));
    assert_int_equal(sparsed_schedule_preset("upstream", 0.2, entries, 8, NULL), SPARSED_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule_preset__upstream_dense_steps),
        cmocka_unit_test(test_schedule_preset__all_presets),
        cmocka_unit_test(test_schedule_preset__skip_at_its_ends),
        cmocka_unit_test(test_schedule_preset__build_at_or_past_the_last_step),
        cmocka_unit_test(test_schedule_preset__skip_is_a_plain_double_product),
        cmocka_unit_test(test_schedule_preset__as_many_steps_as_there_may_be),
        cmocka_unit_test(test_schedule_preset__refuses_what_is_no_preset),
        cmocka_unit_test(test_schedule_preset__refuses_bad_windows),
        cmocka_unit_test(test_schedule_preset__refuses_arguments_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
