/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * attend_input.c: shapes, storage types and valid ranges of the file that `sparsed attend` reads.
 */
#include "attend_input.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/test_files.h"

enum { MAX_TENSORS = 5, MAX_BYTES = 4096 };

/* 0, 1/4, 1/2, ...: exact in every storage type. */
static float values[MAX_BYTES / sizeof(float)];

static int fill_values(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        values[i] = (float)(i % 64) / 4.0f;
    return 0;
}

static safetensors_tensor tensor(const char *name, safetensors_dtype dtype, const void *data,
                                 uint32_t rank, const uint64_t *shape) {
    safetensors_tensor t = {.name = name,
                            .dtype = dtype,
                            .rank = rank,
                            .data = data,
                            .size_bytes = safetensors_dtype_bytes(dtype)};
    for (uint32_t i = 0; i < rank; i++) {
        t.shape[i] = shape[i];
        t.size_bytes *= shape[i];
    }
    assert_true(t.size_bytes <= MAX_BYTES);
    return t;
}

#define SHAPE4(b, h, l, d)  \
    4, (const uint64_t[]) { \
        (b), (h), (l), (d)  \
    }
#define SHAPE3(h, l, d)     \
    3, (const uint64_t[]) { \
        (h), (l), (d)       \
    }
#define SHAPE1(n)           \
    1, (const uint64_t[]) { \
        (n)                 \
    }
#define F32_TENSOR(name, ...) tensor((name), SAFETENSORS_F32, values, __VA_ARGS__)

static const char *write_file(test_folder *folder, const safetensors_tensor *tensors, size_t n) {
    tool_error error;
    const char *path = test_folder_path(folder, "input.safetensors");
    if (!safetensors_write(path, tensors, n, NULL, NULL, 0, &error))
        fail_msg("%s", error.text);
    return path;
}

static attend_input open_file(test_folder *folder, const safetensors_tensor *tensors, size_t n,
                              uint32_t dtype) {
    attend_input in;
    tool_error error;
    if (!attend_input_open(write_file(folder, tensors, n), dtype, &in, &error))
        fail_msg("%s", error.text);
    return in;
}

static void refuse(test_folder *folder, const safetensors_tensor *tensors, size_t n,
                   const char *text) {
    attend_input in;
    tool_error error = {0};
    assert_false(attend_input_open(write_file(folder, tensors, n), 0, &in, &error));
    assert_null(in.file);
    assert_false(error.usage);
    if (!strstr(error.text, text) || !strstr(error.text, "input.safetensors") ||
        strchr(error.text, '\n'))
        fail_msg("\"%s\" does not say \"%s\"", error.text, text);
}

static void test_attend_input_open__describes_the_problem(void **state) {
    const safetensors_tensor file[] = {
        F32_TENSOR("v", SHAPE4(2, 1, 7, 8)), F32_TENSOR("q", SHAPE4(2, 3, 5, 8)),
        F32_TENSOR("other", SHAPE1(3)), F32_TENSOR("k", SHAPE4(2, 1, 7, 8))};
    attend_input in = open_file(*state, file, 4, 0);
    assert_int_equal(in.desc.batch, 2);
    assert_int_equal(in.desc.heads, 3);
    assert_int_equal(in.desc.kv_heads, 1);
    assert_int_equal(in.desc.q_len, 5);
    assert_int_equal(in.desc.kv_len, 7);
    assert_int_equal(in.desc.head_dim, 8);
    assert_int_equal(in.desc.dtype, SPARSED_F32);
    assert_int_equal(in.desc.out_dtype, SPARSED_F32);
    assert_null(in.valid_start);
    assert_null(in.valid_end);
    assert_memory_equal(in.q, values, 2 * 3 * 5 * 8 * sizeof(float));
    assert_memory_equal(in.k, values, 2 * 7 * 8 * sizeof(float));
    attend_input_close(&in);
    assert_null(in.file);
}

static void test_attend_input_open__three_dimensions_are_batch_1(void **state) {
    const safetensors_tensor file[] = {F32_TENSOR("q", SHAPE3(4, 5, 8)),
                                       F32_TENSOR("k", SHAPE4(1, 2, 6, 8)),
                                       F32_TENSOR("v", SHAPE3(2, 6, 8))};
    attend_input in = open_file(*state, file, 3, 0);
    assert_int_equal(in.desc.batch, 1);
    assert_int_equal(in.desc.heads, 4);
    assert_int_equal(in.desc.kv_heads, 2);
    assert_int_equal(in.desc.q_len, 5);
    assert_int_equal(in.desc.kv_len, 6);
    attend_input_close(&in);
}

/* From each storage type to each other: the first values are exact. */
static void test_attend_input_open__converts_to_the_type_asked_for(void **state) {
    const sparsed_dtype types[] = {SPARSED_F32, SPARSED_F16, SPARSED_BF16};
    const safetensors_dtype stored[] = {SAFETENSORS_F32, SAFETENSORS_F16, SAFETENSORS_BF16};
    /* 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75 */
    const uint16_t f16[8] = {0, 0x3400, 0x3800, 0x3a00, 0x3c00, 0x3d00, 0x3e00, 0x3f00};
    const uint16_t bf16[8] = {0, 0x3e80, 0x3f00, 0x3f40, 0x3f80, 0x3fa0, 0x3fc0, 0x3fe0};
    const void *data[] = {values, f16, bf16};
    const size_t bytes[] = {sizeof(float) * 8, sizeof f16, sizeof bf16};
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++) {
            const safetensors_tensor file[] = {
                tensor("q", stored[from], data[from], SHAPE3(1, 1, 8)),
                tensor("k", stored[from], data[from], SHAPE3(1, 1, 8)),
                tensor("v", stored[from], data[from], SHAPE3(1, 1, 8))};
            attend_input in = open_file(*state, file, 3, types[to]);
            assert_int_equal(in.desc.dtype, types[to]);
            assert_memory_equal(in.q, data[to], bytes[to]);
            assert_memory_equal(in.k, data[to], bytes[to]);
            assert_memory_equal(in.v, data[to], bytes[to]);
            assert_int_equal(in.converted[0] != NULL, from != to);
            attend_input_close(&in);
            in = open_file(*state, file, 3, 0);
            assert_int_equal(in.desc.dtype, types[from]);
            attend_input_close(&in);
        }
}

/* A file may hold no numbers; one that becomes an infinity is refused. */
static void test_attend_input_open__names_a_value_beyond_the_type(void **state) {
    static const float odd[8] = {NAN, INFINITY, -INFINITY, 65504.0f};
    static const float large[8] = {0.0f, 0.0f, -65520.0f};
    attend_input in;
    tool_error error;
    const safetensors_tensor q = F32_TENSOR("q", SHAPE3(1, 1, 8));
    const safetensors_tensor v = F32_TENSOR("v", SHAPE3(1, 1, 8));
    safetensors_tensor file[] = {q, tensor("k", SAFETENSORS_F32, odd, SHAPE3(1, 1, 8)), v};
    in = open_file(*state, file, 3, SPARSED_F16);
    attend_input_close(&in);
    file[1] = tensor("k", SAFETENSORS_F32, large, SHAPE3(1, 1, 8));
    in = open_file(*state, file, 3, SPARSED_BF16);
    attend_input_close(&in);
    assert_false(attend_input_open(write_file(*state, file, 3), SPARSED_F16, &in, &error));
    assert_non_null(strstr(error.text, "input.safetensors: 'k' has -65520, which f16 cannot hold"));
}

static void test_attend_input_open__names_a_missing_tensor(void **state) {
    const safetensors_tensor all[] = {F32_TENSOR("q", SHAPE3(1, 2, 8)),
                                      F32_TENSOR("k", SHAPE3(1, 2, 8)),
                                      F32_TENSOR("v", SHAPE3(1, 2, 8))};
    refuse(*state, all + 1, 2, "no tensor 'q'");
    refuse(*state, all, 2, "no tensor 'v'");
    refuse(*state, (const safetensors_tensor[]){all[0], all[2]}, 2, "no tensor 'k'");
    refuse(*state, all, 0, "no tensor 'q'");
}

static void test_attend_input_open__names_a_storage_type_of_no_use(void **state) {
    const safetensors_tensor q = F32_TENSOR("q", SHAPE3(1, 2, 8));
    const safetensors_tensor k = F32_TENSOR("k", SHAPE3(1, 2, 8));
    const safetensors_tensor v = F32_TENSOR("v", SHAPE3(1, 2, 8));
    const safetensors_tensor q_i32 = tensor("q", SAFETENSORS_I32, values, SHAPE3(1, 2, 8));
    const safetensors_tensor v_u8 = tensor("v", SAFETENSORS_U8, values, SHAPE3(1, 2, 8));
    const safetensors_tensor k_f16 = tensor("k", SAFETENSORS_F16, values, SHAPE3(1, 2, 8));
    refuse(*state, (const safetensors_tensor[]){q_i32, k, v}, 3, "'q' is I32");
    refuse(*state, (const safetensors_tensor[]){q, k, v_u8}, 3, "'v' is U8");
    refuse(*state, (const safetensors_tensor[]){q, k_f16, v}, 3, "q is F32, k F16, v F32");
}

static void test_attend_input_open__names_shapes_that_do_not_fit(void **state) {
    const safetensors_tensor q = F32_TENSOR("q", SHAPE4(1, 4, 5, 8));
    const safetensors_tensor v = F32_TENSOR("v", SHAPE4(1, 2, 6, 8));
    const struct {
        safetensors_tensor q, k, v;
        const char *text;
    } bad[] = {
        {q, F32_TENSOR("k", SHAPE4(1, 2, 7, 8)), v, "k is [1,2,7,8] but v is [1,2,6,8]"},
        {q, F32_TENSOR("k", SHAPE4(1, 1, 6, 8)), v, "k is [1,1,6,8] but v is [1,2,6,8]"},
        {F32_TENSOR("q", SHAPE4(2, 4, 5, 8)), F32_TENSOR("k", SHAPE4(1, 2, 6, 8)), v,
         "q is [2,4,5,8]"},
        {F32_TENSOR("q", SHAPE4(1, 4, 5, 16)), F32_TENSOR("k", SHAPE4(1, 2, 6, 8)), v,
         "q is [1,4,5,16]"},
        {F32_TENSOR("q", SHAPE4(1, 3, 5, 8)), F32_TENSOR("k", SHAPE4(1, 2, 6, 8)), v,
         "q is [1,3,5,8]"},
        {F32_TENSOR("q", SHAPE4(1, 4, 7, 8)), F32_TENSOR("k", SHAPE4(1, 2, 6, 8)), v,
         "q is [1,4,7,8]"},
        {F32_TENSOR("q", 2, (const uint64_t[]){5, 8}), F32_TENSOR("k", SHAPE4(1, 2, 6, 8)), v,
         "'q' has 2 dimensions"},
        {q, F32_TENSOR("k", 5, (const uint64_t[]){1, 1, 2, 6, 8}), v, "'k' has 5 dimensions"},
        {q, F32_TENSOR("k", SHAPE4(1, 2, 6, 8)), F32_TENSOR("v", SHAPE4(1, 2, 0, 8)),
         "'v' has a dimension of 0"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(*state, (const safetensors_tensor[]){bad[i].q, bad[i].k, bad[i].v}, 3, bad[i].text);
}

/* q, k, v of batch 2 and 6 rows, and one or two more tensors. */
static size_t with_ranges(safetensors_tensor *file, const safetensors_tensor *more, size_t n) {
    file[0] = F32_TENSOR("q", SHAPE4(2, 1, 6, 8));
    file[1] = F32_TENSOR("k", SHAPE4(2, 1, 6, 8));
    file[2] = F32_TENSOR("v", SHAPE4(2, 1, 6, 8));
    memcpy(file + 3, more, n * sizeof *more);
    return 3 + n;
}

static safetensors_tensor range(const char *name, const int64_t *numbers) {
    return tensor(name, SAFETENSORS_I64, numbers, SHAPE1(2));
}

static void test_attend_input_open__reads_valid_ranges(void **state) {
    const int64_t starts[] = {0, 2}, ends[] = {5, 6};
    const safetensors_tensor ranges[] = {range("valid_start", starts), range("valid_end", ends)};
    safetensors_tensor file[MAX_TENSORS];
    attend_input in = open_file(*state, file, with_ranges(file, ranges, 2), 0);
    assert_int_equal(in.valid_start[0], 0);
    assert_int_equal(in.valid_start[1], 2);
    assert_int_equal(in.valid_end[0], 5);
    assert_int_equal(in.valid_end[1], 6);
    attend_input_close(&in);
}

static void test_attend_input_open__names_bad_valid_ranges(void **state) {
    const int64_t good[] = {0, 6}, below[] = {0, -1}, above[] = {7, 6}, three[] = {0, 0, 0};
    const int64_t huge[] = {INT64_MIN, INT64_MAX};
    const safetensors_tensor start = range("valid_start", good), end = range("valid_end", good);
    const struct {
        safetensors_tensor start, end;
        const char *text;
    } bad[] = {{range("valid_start", below), end, "valid_start[1] is -1, not in 0 to 6"},
               {start, range("valid_end", above), "valid_end[0] is 7, not in 0 to 6"},
               {range("valid_start", huge), end, "valid_start[0] is -9223372036854775808"},
               {tensor("valid_start", SAFETENSORS_I64, three, SHAPE1(3)), end,
                "'valid_start' is not an I64 tensor of 2 numbers"},
               {start, tensor("valid_end", SAFETENSORS_I32, good, SHAPE1(2)),
                "'valid_end' is not an I64 tensor of 2 numbers"},
               {start, tensor("valid_end", SAFETENSORS_I64, good, 2, (const uint64_t[]){2, 1}),
                "'valid_end' is not an I64 tensor of 2 numbers"}};
    safetensors_tensor file[MAX_TENSORS];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const safetensors_tensor ranges[] = {bad[i].start, bad[i].end};
        refuse(*state, file, with_ranges(file, ranges, 2), bad[i].text);
    }
    refuse(*state, file, with_ranges(file, &start, 1), "'valid_start' without the other end");
    refuse(*state, file, with_ranges(file, &end, 1), "'valid_end' without the other end");
}

static void test_attend_input_open__names_what_is_no_file(void **state) {
    test_folder *folder = *state;
    attend_input in;
    tool_error error;
    assert_false(attend_input_open(test_folder_path(folder, "absent"), 0, &in, &error));
    assert_non_null(strstr(error.text, "absent"));
    assert_false(attend_input_open(folder->path, 0, &in, &error));
    assert_non_null(strstr(error.text, folder->path));
    test_folder_write_text(folder, "text", "this is no safetensors file at all");
    assert_false(attend_input_open(test_folder_path(folder, "text"), 0, &in, &error));
    assert_non_null(strstr(error.text, "text"));
    assert_null(in.file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_attend_input_open__describes_the_problem),
        TEST_IN_FOLDER(test_attend_input_open__three_dimensions_are_batch_1),
        TEST_IN_FOLDER(test_attend_input_open__converts_to_the_type_asked_for),
        TEST_IN_FOLDER(test_attend_input_open__names_a_value_beyond_the_type),
        TEST_IN_FOLDER(test_attend_input_open__names_a_missing_tensor),
        TEST_IN_FOLDER(test_attend_input_open__names_a_storage_type_of_no_use),
        TEST_IN_FOLDER(test_attend_input_open__names_shapes_that_do_not_fit),
        TEST_IN_FOLDER(test_attend_input_open__reads_valid_ranges),
        TEST_IN_FOLDER(test_attend_input_open__names_bad_valid_ranges),
        TEST_IN_FOLDER(test_attend_input_open__names_what_is_no_file),
    };
    return cmocka_run_group_tests(tests, fill_values, NULL);
}
