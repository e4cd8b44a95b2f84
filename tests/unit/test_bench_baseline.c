/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* An earlier run, read and compared with. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/baseline.h"
#include "support/test_files.h"

static const char row[] =
    "{\"source\":\"sparsed\",\"device\":\"D\",\"tensors\":\"host\",\"threads\":2,\"dtype\":\"bf16\","
    "\"pass\":\"sparse\",\"mode\":\"joint\",\"pattern\":\"built\",\"kernel\":\"k\",\"heads\":4,"
    "\"kv_heads\":2,\"head_dim\":64,\"block_q\":128,\"block_k\":32,\"length\":512,\"ratio\":0.3,"
    "\"ms\":{\"median\":2.0,\"least\":1.5,\"most\":3.0,\"spread\":0.05}}";

static const bench_key key = {.device = "D",
                              .tensors = "host",
                              .dtype = "bf16",
                              .pass = "sparse",
                              .mode = "joint",
                              .pattern = "built",
                              .threads = 2,
                              .heads = 4,
                              .kv_heads = 2,
                              .head_dim = 64,
                              .block_q = 128,
                              .block_k = 32,
                              .length = 512,
                              .ratio = 0.3};

static const char *write_text(void **state, const char *text) {
    test_folder_write_text(*state, "base.json", text);
    return test_folder_path(*state, "base.json");
}

static void refuse(void **state, const char *text, const char *why) {
    bench_baseline b;
    tool_error error;
    assert_false(bench_baseline_read(write_text(state, text), &b, &error));
    assert_true(error.usage);
    if (!strstr(error.text, why) || !strstr(error.text, "base.json"))
        fail_msg("'%s' is not in: %s", why, error.text);
    assert_null(b.root);
}

static void test_bench_baseline_find__by_all_of_the_key(void **state) {
    bench_baseline b;
    tool_error error;
    bench_statistics ms;
    const char *kernel;
    char text[1024];
    snprintf(text, sizeof text, "{\"sparsed_bench\":1,\"rows\":[%s]}", row);
    test_folder_write_text(*state, "base.json", text);
    assert_true(bench_baseline_read(test_folder_path(*state, "base.json"), &b, &error));
    assert_true(bench_baseline_find(&b, &key, &ms, &kernel));
    assert_true(ms.median == 2.0 && ms.spread == 0.05);
    assert_string_equal(kernel, "k");
    bench_key other = key;
    other.length = 513;
    assert_false(bench_baseline_find(&b, &other, &ms, &kernel));
    other = key;
    other.threads = 1;
    assert_false(bench_baseline_find(&b, &other, &ms, &kernel));
    other = key;
    other.pass = "dense";
    assert_false(bench_baseline_find(&b, &other, &ms, &kernel));
    other = key;
    other.ratio = 0.31;
    assert_false(bench_baseline_find(&b, &other, &ms, &kernel));
    bench_baseline_free(&b);
}

static void test_bench_baseline_read__refuses_what_it_is_not(void **state) {
    refuse(state, "[]", "--baseline is not what `sparsed bench --json` prints");
    refuse(state, "{}", "\"sparsed_bench\" is missing");
    refuse(state, "{\"sparsed_bench\":1}", "\"rows\" is no array");
    refuse(state, "{\"sparsed_bench\":2,\"rows\":[]}",
           "\"sparsed_bench\": 2, this command reads 1");
    refuse(state, "{\"sparsed_bench\":1,\"rows\":[{}]}", "rows[0] has no \"ms\"");
    refuse(state,
           "{\"sparsed_bench\":1,\"rows\":[{\"ms\":{\"median\":0,\"least\":0,\"most\":0,"
           "\"spread\":0}}]}",
           "rows[0] has no \"ms\"");
}

static void test_bench_compare__within_the_noise_is_the_same(void **state) {
    const bench_statistics quiet = {.median = 10.0, .spread = 0.0};
    bench_statistics now = {.median = 10.1, .spread = 0.0};
    (void)state;
    assert_int_equal(bench_compare(&quiet, &now), BENCH_SAME);
    now.median = 11.0;
    assert_int_equal(bench_compare(&quiet, &now), BENCH_SLOWER);
    now.median = 9.0;
    assert_int_equal(bench_compare(&quiet, &now), BENCH_FASTER);
    now.spread = 0.12; /* more than the change */
    assert_int_equal(bench_compare(&quiet, &now), BENCH_SAME);
    const bench_statistics noisy = {.median = 10.0, .spread = 0.2};
    now = (bench_statistics){.median = 11.5, .spread = 0.0};
    assert_int_equal(bench_compare(&noisy, &now), BENCH_SAME);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_bench_baseline_find__by_all_of_the_key),
        TEST_IN_FOLDER(test_bench_baseline_read__refuses_what_it_is_not),
        cmocka_unit_test(test_bench_compare__within_the_noise_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
