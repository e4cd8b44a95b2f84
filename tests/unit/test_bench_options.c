/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The words of `sparsed bench`. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/options.h"

static bench_options parse(const char *const *words, bool accepted, tool_error *error) {
    static cli_options list;
    char *argv[32];
    bench_options o;
    bool help;
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = (char *)words[argc];
    list = (cli_options){0};
    bench_add_options(&o, &list);
    const bool done = cli_parse(&list, argc, argv, &help, error) && bench_check_options(&o, error);
    if (done != accepted)
        fail_msg("%s: %s", accepted ? "refused" : "accepted", done ? "" : error->text);
    return o;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_bench_check_options__defaults(void **state) {
    tool_error error;
    (void)state;
    bench_options o = parse(WORDS("--json"), true, &error);
    assert_int_equal(o.shape_count, 1);
    assert_string_equal(o.shapes[0].name, "llada-8b");
    assert_int_equal(o.shapes[0].mode, SPARSED_MODE_UPSTREAM_LLADA);
    assert_int_equal(o.dtype_count, 1);
    assert_int_equal(o.dtypes[0], SPARSED_BF16);
    assert_int_equal(o.lengths.count, 3);
    assert_int_equal(o.select_count, 1);
    assert_int_equal(o.selects[0].block_q, 128);
    assert_int_equal(o.selects[0].block_k, 32);
    assert_int_equal(o.rest_ms.count, 0);
    assert_false(o.all_devices);
    bench_free_options(&o);
}

static void test_bench_check_options__lists_make_all_selections(void **state) {
    tool_error error;
    (void)state;
    bench_options o = parse(WORDS("--block-size", "32,128x16", "--select", "0.5,0.25", "--dtype",
                                  "f32,f16", "--shape", "tiny,dream-7b", "--mode", "joint"),
                            true, &error);
    const uint32_t block_q[] = {32, 32, 128, 128}, block_k[] = {32, 32, 16, 16};
    assert_int_equal(o.select_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(o.selects[i].block_q, block_q[i]);
        assert_int_equal(o.selects[i].block_k, block_k[i]);
        assert_true(o.selects[i].ratio == (i % 2 ? 0.25 : 0.5));
    }
    assert_int_equal(o.shape_count, 2);
    assert_int_equal(o.shapes[1].kv_heads, 4);
    assert_int_equal(o.shapes[1].mode, SPARSED_MODE_JOINT);
    assert_int_equal(o.dtype_count, 2);
    bench_free_options(&o);
}

static void test_bench_check_options__a_shape_by_hand(void **state) {
    tool_error error;
    (void)state;
    bench_options o = parse(
        WORDS("--heads", "6", "--kv-heads", "3", "--dim", "40", "--length", "100"), true, &error);
    const sparsed_desc desc = bench_desc(&o.shapes[0], SPARSED_F32, 100);
    assert_int_equal(desc.heads, 6);
    assert_int_equal(desc.kv_heads, 3);
    assert_int_equal(desc.head_dim, 40);
    assert_int_equal(desc.q_len, 100);
    assert_int_equal(bench_select(&o, &o.shapes[0], 100, 0).gen_len, 6);
    bench_free_options(&o);
    o = parse(WORDS("--heads", "6", "--gen-length", "17"), true, &error);
    assert_int_equal(o.shapes[0].kv_heads, 6);
    assert_int_equal(o.shapes[0].head_dim, 128);
    assert_int_equal(bench_select(&o, &o.shapes[0], 1024, 0).gen_len, 17);
    bench_free_options(&o);
}

static void test_bench_check_options__rest_for_all_or_each_length(void **state) {
    tool_error error;
    (void)state;
    bench_options o = parse(WORDS("--rest-ms", "2.5"), true, &error);
    assert_int_equal(o.rest_ms.count, 1);
    bench_free_options(&o);
    o = parse(WORDS("--rest-ms", "1,2,3"), true, &error);
    assert_int_equal(o.rest_ms.count, 3);
    bench_free_options(&o);
    o = parse(WORDS("--rest-ms", "1,2"), false, &error);
    assert_non_null(strstr(error.text, "--rest-ms has 2 numbers"));
    bench_free_options(&o);
}

static void test_bench_check_options__all_devices(void **state) {
    tool_error error;
    (void)state;
    bench_options o = parse(WORDS("--device", "all"), true, &error);
    assert_true(o.all_devices);
    bench_free_options(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_check_options__defaults),
        cmocka_unit_test(test_bench_check_options__lists_make_all_selections),
        cmocka_unit_test(test_bench_check_options__a_shape_by_hand),
        cmocka_unit_test(test_bench_check_options__rest_for_all_or_each_length),
        cmocka_unit_test(test_bench_check_options__all_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
