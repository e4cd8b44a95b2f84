/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * safetensors.c and safetensors_write.c: real files, files with one defect each, damaged files, and
 * what is written.
 */
#include "safetensors.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/random.h"
#include "support/test_files.h"

#define CASE "case.safetensors"

/* Writes CASE: a length, a header, and data_bytes bytes 0, 1, 2, ... */
static void write_case(test_folder *folder, const char *header, size_t data_bytes) {
    size_t length = strlen(header);
    unsigned char *bytes = malloc(8 + length + data_bytes);
    assert_non_null(bytes);
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)((uint64_t)length >> (8 * i));
    }
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_bytes; i++) {
        bytes[8 + length + i] = (unsigned char)i;
    }
    test_folder_write(folder, CASE, bytes, 8 + length + data_bytes);
    free(bytes);
}

/* Opening CASE fails with one line that holds the path and the text. */
static void expect_refused(test_folder *folder, const char *text) {
    tool_error error = {0};
    const char *path = test_folder_path(folder, CASE);
    safetensors_file *file = safetensors_open(path, &error);
    if (file) {
        safetensors_close(file);
        fail_msg("was accepted, expected: %s", text);
    }
    if (!strstr(error.text, path) || !strstr(error.text, text) || strchr(error.text, '\n')) {
        fail_msg("\"%s\" does not say \"%s\"", error.text, text);
    }
}

static safetensors_file *open_case(test_folder *folder) {
    tool_error error;
    safetensors_file *file = safetensors_open(test_folder_path(folder, CASE), &error);
    if (!file) {
        fail_msg("%s", error.text);
    }
    return file;
}

static void test_safetensors_open__reads_a_golden_file(void **state) {
    (void)state;
    const char *path = GOLDEN_DIR "/attend_small/a2_llada_b16.safetensors";
    tool_error error;
    test_file_or_skip(path);
    safetensors_file *file = safetensors_open(path, &error);
    assert_non_null(file);
    assert_string_equal(safetensors_path(file), path);
    const safetensors_tensor *q = safetensors_find(file, "q");
    assert_non_null(q);
    assert_int_equal(q->dtype, SAFETENSORS_F32);
    assert_string_equal(q->dtype_name, "F32");
    assert_int_equal(q->rank, 4);
    const uint64_t shape[4] = {1, 4, 250, 32};
    assert_memory_equal(q->shape, shape, sizeof shape);
    assert_int_equal(q->size_bytes, 4 * 250 * 32 * sizeof(float));
    assert_string_equal(safetensors_metadata(file, "mode"), "upstream-llada");
    assert_null(safetensors_metadata(file, "no such key"));
    assert_null(safetensors_find(file, "no such tensor"));
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const safetensors_tensor *tensor = safetensors_at(file, i);
        assert_ptr_equal(safetensors_find(file, tensor->name), tensor);
    }
    safetensors_close(file);
}

static void test_safetensors_open__takes_unaligned_and_empty_tensors(void **state) {
    write_case(*state,
               "{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]},"
               "\"__metadata__\":{},"
               "\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},"
               "\"none\":{\"dtype\":\"F64\",\"shape\":[3,0],\"data_offsets\":[1,1]},"
               "\"f4\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[9,11]}}  \n",
               11);
    safetensors_file *file = open_case(*state);
    assert_int_equal(safetensors_count(file), 4);
    const safetensors_tensor *b = safetensors_at(file, 0);
    assert_string_equal(b->name, "b");
    const unsigned char expected[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    assert_memory_equal(b->data, expected, sizeof expected);
    assert_int_equal(safetensors_find(file, "a")->rank, 0);
    assert_int_equal(safetensors_find(file, "none")->size_bytes, 0);
    assert_int_equal(safetensors_find(file, "f4")->dtype, SAFETENSORS_OTHER);
    assert_string_equal(safetensors_find(file, "f4")->dtype_name, "F4");
    safetensors_close(file);
}

static void test_safetensors_open__takes_a_file_without_tensors(void **state) {
    write_case(*state, "{}", 0);
    safetensors_file *file = open_case(*state);
    assert_int_equal(safetensors_count(file), 0);
    assert_null(safetensors_find(file, "a"));
    assert_null(safetensors_metadata(file, "a"));
    safetensors_close(file);
}

/* An entry "a" of the given parts. */
#define ENTRY(dtype, shape, offsets) \
    "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
/* Two F32 tensors of one element each. */
#define PAIR(first, second)                                                \
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" first "}," \
    "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" second "}}"

static const struct defect {
    const char *header;
    size_t data_bytes;
    const char *text;
} defects[] = {
    {"", 0, "does not begin with {"},
    {"not JSON", 0, "does not begin with {"},
    {" {}", 0, "does not begin with {"},
    {"{\"a\":", 0, "not valid JSON"},
    {"{} x", 0, "not valid JSON"},
    {"{\"\xff\":{}}", 0, "not UTF-8"},
    {"{\"a\":1}", 0, "not exactly a dtype"},
    {"{\"a\":{}}", 0, "not exactly a dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "not exactly a dtype"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1,
     "not exactly a dtype"},
    {ENTRY("1", "[1]", "[0,4]"), 4, "not exactly a dtype"},
    {ENTRY("\"F32\"", "1", "[0,4]"), 4, "not exactly a dtype"},
    {ENTRY("\"F32\"", "[1]", "4"), 4, "not exactly a dtype"},
    {ENTRY("\"F33\"", "[1]", "[0,4]"), 4, "unknown dtype \"F33\""},
    {ENTRY("\"f32\"", "[1]", "[0,4]"), 4, "unknown dtype \"f32\""},
    {ENTRY("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "more than 8 dimensions"},
    {ENTRY("\"F32\"", "[-1]", "[0,4]"), 4, "shape[0] is -1"},
    {ENTRY("\"F32\"", "[1,0.5]", "[0,4]"), 4, "shape[1] is 0.5"},
    {ENTRY("\"F32\"", "[\"1\"]", "[0,4]"), 4, "shape[0] is \"1\""},
    {ENTRY("\"F32\"", "[1e400]", "[0,4]"), 4, "shape[0] is inf"},
    {ENTRY("\"F32\"", "[9007199254740993]", "[0,4]"), 4, "shape[0] is"},
    {ENTRY("\"F32\"", "[4294967296,4294967296]", "[0,4]"), 4, "overflows"},
    {ENTRY("\"F32\"", "[4294967296,2147483648]", "[0,4]"), 4, "elements of F32"},
    {ENTRY("\"F32\"", "[2]", "[0,4]"), 4, "2 elements of F32 in 4 bytes"},
    {ENTRY("\"F32\"", "[0]", "[0,4]"), 4, "0 elements of F32 in 4 bytes"},
    {ENTRY("\"F4\"", "[3]", "[0,1]"), 1, "3 elements of F4 in 1 bytes"},
    {ENTRY("\"F32\"", "[1]", "[0]"), 4, "not two integers"},
    {ENTRY("\"F32\"", "[1]", "[0,4,8]"), 4, "not two integers"},
    {ENTRY("\"F32\"", "[1]", "[-4,0]"), 4, "not two integers"},
    {ENTRY("\"F32\"", "[1]", "[0.5,4.5]"), 5, "not two integers"},
    {ENTRY("\"F32\"", "[1]", "[4,0]"), 4, "data_offsets 4 .. 0"},
    {ENTRY("\"F32\"", "[1]", "[0,4]"), 3, "data_offsets 0 .. 4, the file has 3"},
    {ENTRY("\"F32\"", "[1]", "[0,4]"), 5, "end 1 bytes before the file does"},
    {ENTRY("\"F32\"", "[1]", "[1,5]"), 5, "gap"},
    {PAIR("[0,4]", "[3,7]"), 7, "\"b\": overlaps"},
    {PAIR("[0,4]", "[0,4]"), 4, "overlaps"},
    {PAIR("[5,9]", "[0,4]"), 9, "\"a\": there is a gap"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
     2, "\"a\" appears twice"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "\"dtype\" appears twice"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "\"k\" appears twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "appears twice"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "metadata \"k\" is not a string"},
    {"{\"__metadata__\":[]}", 0, "is not an object"},
};

static void test_safetensors_open__refuses_each_defect(void **state) {
    for (size_t i = 0; i < sizeof defects / sizeof *defects; i++) {
        write_case(*state, defects[i].header, defects[i].data_bytes);
        expect_refused(*state, defects[i].text);
    }
}

static void test_safetensors_open__refuses_what_has_no_header(void **state) {
    test_folder *folder = *state;
    test_folder_write_text(folder, CASE, "");
    expect_refused(folder, "0 bytes, too few");
    test_folder_write_text(folder, CASE, "\2\0\0\0\0\0\0");
    expect_refused(folder, "too few");
    test_folder_write(folder, CASE, "\2\0\0\0\0\0\0", 7);
    expect_refused(folder, "7 bytes, too few");
    test_folder_write(folder, CASE, "\2\0\0\0\0\0\0\0{", 9);
    expect_refused(folder, "header length 2, but 1 bytes follow");
    test_folder_write(folder, CASE, "\377\377\377\377\377\377\377\377{}", 10);
    expect_refused(folder, "header length 18446744073709551615");
    test_folder_write(folder, CASE, "\3\0\0\0\0\0\0\0{}\0", 11);
    expect_refused(folder, "NUL");
    /* 100000001, in a file that is long enough. */
    test_folder_write(folder, CASE, "\1\341\365\5\0\0\0\0{}", 10);
    assert_int_equal(truncate(test_folder_path(folder, CASE), 100001000), 0);
    expect_refused(folder, "header length 100000001");
}

static void test_safetensors_open__refuses_what_is_no_file(void **state) {
    test_folder *folder = *state;
    expect_refused(folder, "cannot open");
    assert_int_equal(mkdir(test_folder_path(folder, CASE), 0700), 0);
    expect_refused(folder, "not a regular file");
    assert_int_equal(rmdir(test_folder_path(folder, CASE)), 0);
    assert_int_equal(mkfifo(test_folder_path(folder, CASE), 0600), 0);
    expect_refused(folder, "not a regular file");
}

static void test_safetensors_open__refuses_every_truncation(void **state) {
    test_folder *folder = *state;
    size_t size;
    char *bytes = test_file_read(GOLDEN_DIR "/attend_small/a9_x50.safetensors", &size);
    for (size_t cut = 0; cut < size; cut += cut < 4000 ? 1 : 9973) {
        test_folder_write(folder, CASE, bytes, cut);
        expect_refused(folder, "");
    }
    test_folder_write(folder, CASE, bytes, size - 1);
    expect_refused(folder, "");
    test_folder_write(folder, CASE, bytes, size);
    safetensors_close(open_case(folder));
    /* The NUL behind the bytes makes one byte too many. */
    test_folder_write(folder, CASE, bytes, size + 1);
    expect_refused(folder, "end 1 bytes before");
    free(bytes);
}

/* Reads every byte of every tensor. */
static uint64_t touch(const safetensors_file *file) {
    uint64_t sum = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const safetensors_tensor *tensor = safetensors_at(file, i);
        for (uint64_t at = 0; at < tensor->size_bytes; at++) {
            sum += ((const unsigned char *)tensor->data)[at];
        }
    }
    return sum;
}

static void test_safetensors_open__survives_random_damage(void **state) {
    test_folder *folder = *state;
    static const char *const keys[] = {"k"}, *const values[] = {"v"};
    const float data[6] = {0};
    const safetensors_tensor tensors[2] = {
        {.name = "one", .rank = 2, .shape = {2, 3}, .data = data, .size_bytes = sizeof data},
        {.name = "two", .rank = 1, .shape = {1}, .data = data, .size_bytes = sizeof data[0]}};
    tool_error error;
    assert_true(
        safetensors_write(test_folder_path(folder, CASE), tensors, 2, keys, values, 1, &error));
    size_t size;
    char *bytes = test_file_read(test_folder_path(folder, CASE), &size);
    uint64_t random = 1, opened = 0;
    for (int i = 0; i < 4000; i++) {
        size_t at[2] = {(size_t)random_bits(&random) % size, (size_t)random_bits(&random) % size};
        char before[2] = {bytes[at[0]], bytes[at[1]]};
        bytes[at[0]] = (char)random_bits(&random);
        bytes[at[1]] = "0123456789[]{}\","[random_bits(&random) % 16];
        test_folder_write(folder, CASE, bytes, size);
        safetensors_file *file = safetensors_open(test_folder_path(folder, CASE), &error);
        if (file) {
            touch(file);
            opened++;
            safetensors_close(file);
        }
        bytes[at[1]] = before[1];
        bytes[at[0]] = before[0];
    }
    free(bytes);
    assert_in_range(opened, 1, 3999);
}

static void test_safetensors_dtype_bytes__of_each(void **state) {
    (void)state;
    static const struct {
        safetensors_dtype dtype;
        const char *name;
        size_t bytes;
    } rows[] = {{SAFETENSORS_F32, "F32", 4},    {SAFETENSORS_F16, "F16", 2},
                {SAFETENSORS_BF16, "BF16", 2},  {SAFETENSORS_U8, "U8", 1},
                {SAFETENSORS_I32, "I32", 4},    {SAFETENSORS_I64, "I64", 8},
                {SAFETENSORS_OTHER, "other", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(safetensors_dtype_string(rows[i].dtype), rows[i].name);
        assert_int_equal(safetensors_dtype_bytes(rows[i].dtype), rows[i].bytes);
    }
}

static void test_safetensors_write__round_trip(void **state) {
    test_folder *folder = *state;
    static const char *const keys[] = {"plain", "quoted \"key\""};
    static const char *const values[] = {"value", "line\nbreak, \\, \xc3\xa9"};
    const uint8_t bytes[3] = {1, 2, 3};
    const uint16_t halves[3] = {4, 5, 6};
    const float floats[3] = {7, 8, 9};
    const int64_t longs[1] = {10};
    const safetensors_tensor tensors[] = {
        {.name = "u8",
         .dtype = SAFETENSORS_U8,
         .rank = 1,
         .shape = {3},
         .data = bytes,
         .size_bytes = sizeof bytes},
        {.name = "bf16",
         .dtype = SAFETENSORS_BF16,
         .rank = 2,
         .shape = {3, 1},
         .data = halves,
         .size_bytes = sizeof halves},
        {.name = "f32",
         .dtype = SAFETENSORS_F32,
         .rank = 3,
         .shape = {1, 3, 1},
         .data = floats,
         .size_bytes = sizeof floats},
        {.name = "none", .dtype = SAFETENSORS_I32, .rank = 2, .shape = {5, 0}},
        {.name = "i64", .dtype = SAFETENSORS_I64, .data = longs, .size_bytes = sizeof longs}};
    static const char *const order[] = {"i64", "f32", "none", "bf16", "u8"};
    tool_error error;
    assert_true(
        safetensors_write(test_folder_path(folder, CASE), tensors, 5, keys, values, 2, &error));
    safetensors_file *file = open_case(folder);
    assert_int_equal(safetensors_count(file), 5);
    for (size_t i = 0; i < 5; i++) {
        const safetensors_tensor *read = safetensors_find(file, tensors[i].name);
        assert_non_null(read);
        assert_int_equal(read->dtype, tensors[i].dtype);
        assert_int_equal(read->rank, tensors[i].rank);
        assert_memory_equal(read->shape, tensors[i].shape, sizeof read->shape);
        assert_int_equal(read->size_bytes, tensors[i].size_bytes);
        assert_true(read->size_bytes == 0 ||
                    memcmp(read->data, tensors[i].data, (size_t)read->size_bytes) == 0);
        assert_int_equal((uintptr_t)read->data % safetensors_dtype_bytes(read->dtype), 0);
        assert_string_equal(safetensors_at(file, i)->name, order[i]);
    }
    assert_string_equal(safetensors_metadata(file, keys[0]), values[0]);
    assert_string_equal(safetensors_metadata(file, keys[1]), values[1]);
    safetensors_close(file);
    assert_int_equal(test_folder_count(folder, ""), 1);
}

static void test_safetensors_write__refuses_what_cannot_be_read_back(void **state) {
    test_folder *folder = *state;
    const float data[2] = {0};
    const safetensors_tensor good = {
        .name = "a", .rank = 1, .shape = {2}, .data = data, .size_bytes = sizeof data};
    safetensors_tensor bad[2];
    tool_error error;
    const char *path = test_folder_path(folder, CASE);
    static const char *const keys[] = {"k", "k"}, *const values[] = {"\xff", ""};

    bad[0] = bad[1] = good;
    assert_false(safetensors_write(path, bad, 2, NULL, NULL, 0, &error));
    assert_non_null(strstr(error.text, "\"a\" appears twice"));
    bad[0].size_bytes = 4;
    assert_false(safetensors_write(path, bad, 1, NULL, NULL, 0, &error));
    assert_non_null(strstr(error.text, "4 bytes, but its shape has 8"));
    bad[0] = good;
    bad[0].shape[0] = UINT64_MAX / 2;
    assert_false(safetensors_write(path, bad, 1, NULL, NULL, 0, &error));
    assert_non_null(strstr(error.text, "overflows"));
    bad[0] = good;
    bad[0].name = "__metadata__";
    assert_false(safetensors_write(path, bad, 1, NULL, NULL, 0, &error));
    bad[0] = good;
    bad[0].dtype = SAFETENSORS_OTHER;
    assert_false(safetensors_write(path, bad, 1, NULL, NULL, 0, &error));
    assert_false(safetensors_write(path, &good, 1, keys, values, 1, &error));
    assert_non_null(strstr(error.text, "not UTF-8"));
    assert_false(safetensors_write(path, &good, 1, keys, values, 2, &error));
    assert_non_null(strstr(error.text, "\"k\" appears twice"));
    assert_int_equal(test_folder_count(folder, ""), 0);
}

static void test_safetensors_write__keeps_the_old_file_when_it_fails(void **state) {
    test_folder *folder = *state;
    static char data[100000];
    const safetensors_tensor tensor = {.name = "a",
                                       .dtype = SAFETENSORS_U8,
                                       .rank = 1,
                                       .shape = {sizeof data},
                                       .data = data,
                                       .size_bytes = sizeof data};
    tool_error error;
    test_folder_write_text(folder, CASE, "old");

    /* Writes beyond this length fail with EFBIG. */
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 50000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    bool written =
        safetensors_write(test_folder_path(folder, CASE), &tensor, 1, NULL, NULL, 0, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);

    assert_false(written);
    assert_non_null(strstr(error.text, CASE ": cannot write"));
    assert_int_equal(test_folder_count(folder, ""), 1);
    char *old = test_file_read(test_folder_path(folder, CASE), NULL);
    assert_string_equal(old, "old");
    free(old);
    assert_true(
        safetensors_write(test_folder_path(folder, CASE), &tensor, 1, NULL, NULL, 0, &error));
    safetensors_close(open_case(folder));
    assert_int_equal(test_folder_count(folder, ""), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors_open__reads_a_golden_file),
        TEST_IN_FOLDER(test_safetensors_open__takes_unaligned_and_empty_tensors),
        TEST_IN_FOLDER(test_safetensors_open__takes_a_file_without_tensors),
        TEST_IN_FOLDER(test_safetensors_open__refuses_each_defect),
        TEST_IN_FOLDER(test_safetensors_open__refuses_what_has_no_header),
        TEST_IN_FOLDER(test_safetensors_open__refuses_what_is_no_file),
        TEST_IN_FOLDER(test_safetensors_open__refuses_every_truncation),
        TEST_IN_FOLDER(test_safetensors_open__survives_random_damage),
        cmocka_unit_test(test_safetensors_dtype_bytes__of_each),
        TEST_IN_FOLDER(test_safetensors_write__round_trip),
        TEST_IN_FOLDER(test_safetensors_write__refuses_what_cannot_be_read_back),
        TEST_IN_FOLDER(test_safetensors_write__keeps_the_old_file_when_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
