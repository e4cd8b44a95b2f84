/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Measurements as rows of a crossover table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/report.h"
#include "bench/tune.h"
#include "crossover_table.h"
#include "file_lock.h"

#include "support/test_files.h"

enum { LENGTHS = 4 };

/* ---- a row ---- */

static void check_row(const double *ratios, uint64_t expected) {
    static const uint64_t lengths[LENGTHS] = {64, 128, 256, 512};
    sparsed_crossover_row row = {.length = 77};
    bench_tune_row(lengths, ratios, LENGTHS, &row);
    assert_int_equal(row.shortest, 64);
    assert_int_equal(row.longest, 512);
    assert_int_equal(row.length, expected);
}

/* At most 0.9 of the dense time, there and at every longer length. */
static void test_bench_tune_row__length_from_which_it_pays(void **state) {
    (void)state;
    check_row((double[]){1.0, 0.91, 0.9, 0.5}, 256);
    check_row((double[]){0.8, 0.95, 0.9, 0.5}, 256);
    check_row((double[]){0.8, 0.7, 0.6, 0.5}, 64);
    check_row((double[]){0.8, 0.7, 0.6, 0.95}, 0);
    check_row((double[]){1.2, 1.1, 1.0, 0.85}, 512);
}

static void test_bench_tune_same__all_but_lengths_and_source(void **state) {
    (void)state;
    const sparsed_crossover_row a = {.device = "a processor",
                                     .kernel = "cpu-plain",
                                     .dtype = SPARSED_F32,
                                     .head_dim = 64,
                                     .block_q = 32,
                                     .block_k = 16,
                                     .density = 0.29971};
    sparsed_crossover_row b = a;
    b.source = SPARSED_CROSSOVER_MEASURED;
    b.shortest = b.longest = b.length = 100;
    b.density = 0.2998; /* as the table keeps it */
    assert_true(bench_tune_same(&a, &b));
    b.density = 0.3;
    assert_false(bench_tune_same(&a, &b));
    b = a, b.device[0] = 'A';
    assert_false(bench_tune_same(&a, &b));
    b = a, b.kernel[4] = 'b';
    assert_false(bench_tune_same(&a, &b));
    b = a, b.dtype = SPARSED_F16;
    assert_false(bench_tune_same(&a, &b));
    b = a, b.head_dim = 128;
    assert_false(bench_tune_same(&a, &b));
    b = a, b.block_q = 16;
    assert_false(bench_tune_same(&a, &b));
    b = a, b.block_k = 32;
    assert_false(bench_tune_same(&a, &b));
}

/* ---- results ---- */

static bench_shape shapes[2] = {{.name = "few", .head_dim = 64}, {.name = "many", .head_dim = 64}};
static uint32_t lengths[LENGTHS] = {64, 128, 256, 512};

/* Results of two shapes on one device, with one selection of blocks 32 x 16 and ratio 0.3. */
typedef struct some_results {
    bench_options options;
    bench_selected selected[2][LENGTHS];
    bench_problem problems[2 * LENGTHS];
    bench_device_results device;
    bench_results results;
} some_results;

static void fill(some_results *r, const double ratios[2][LENGTHS]) {
    *r = (some_results){
        .options = {.shape_count = 2,
                    .dtype_count = 1,
                    .select_count = 1,
                    .lengths = {lengths, LENGTHS}},
        .device = {.info = {.name = "a processor", .selector = "cpu"},
                   .problems = r->problems,
                   .problem_count = 2 * LENGTHS},
        .results = {.options = &r->options, .devices = &r->device, .device_count = 1}};
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < LENGTHS; i++) {
            r->selected[s][i] =
                (bench_selected){.select = {.block_q = 32, .block_k = 16, .ratio = 0.3},
                                 .info = {.kernel = "cpu-plain"},
                                 .sparse = {.of_dense = ratios[s][i]}};
            r->problems[s * LENGTHS + i] =
                (bench_problem){.shape = &shapes[s],
                                .dtype = SPARSED_BF16,
                                .length = lengths[i],
                                .measured = {.selected = &r->selected[s][i], .count = 1}};
        }
}

/* Tunes by the results, with a table in the folder. */
static sparsed_crossover_row tune(test_folder *folder, const some_results *r) {
    bench_tuning tuning;
    tool_error error;
    setenv("SPARSED_CACHE_DIR", folder->path, 1);
    if (!bench_tune(&r->results, &tuning, &error))
        fail_msg("%s", error.text);
    assert_int_equal(tuning.count, 1);
    const sparsed_crossover_row row = tuning.rows[0].row;
    bench_tune_free(&tuning);
    assert_int_equal(test_folder_count(folder, "crossover.txt"), 1);
    return row;
}

/* Shapes that differ in heads alone share a row: the one that pays later. */
static void test_bench_tune__row_of_two_shapes(void **state) {
    static const double ratios[][2][LENGTHS] = {{{1, 0.8, 0.7, 0.6}, {1, 1, 0.7, 0.6}},
                                                {{1, 1, 0.7, 0.6}, {1, 0.8, 0.7, 0.6}},
                                                {{1, 1, 1, 1}, {1, 0.8, 0.7, 0.6}},
                                                {{1, 0.8, 0.7, 0.6}, {1, 1, 1, 1}}};
    static const uint64_t expected[] = {256, 256, 0, 0};
    for (size_t i = 0; i < 4; i++) {
        some_results r;
        fill(&r, ratios[i]);
        const sparsed_crossover_row row = tune(*state, &r);
        assert_string_equal(row.device, "a processor");
        assert_string_equal(row.kernel, "cpu-plain");
        assert_int_equal(row.dtype, SPARSED_BF16);
        assert_int_equal(row.head_dim, 64);
        assert_int_equal(row.block_q, 32);
        assert_int_equal(row.block_k, 16);
        assert_int_equal(row.source, SPARSED_CROSSOVER_MEASURED);
        assert_true(row.density == 0.3);
        assert_int_equal(row.length, expected[i]);
    }
}

/* What failed, or ran on another kernel than the longest, is not in the row. */
static void test_bench_tune__leaves_out_what_is_not_comparable(void **state) {
    static const double ratios[2][LENGTHS] = {{0.1, 0.2, 1.0, 0.8}, {0.1, 0.2, 1.0, 0.8}};
    some_results r;
    fill(&r, ratios);
    for (size_t s = 0; s < 2; s++) {
        strcpy(r.selected[s][0].info.kernel, "another");
        strcpy(r.problems[s * LENGTHS + 2].failure.text, "no memory");
        r.problems[s * LENGTHS + 2].measured.selected = NULL;
    }
    const sparsed_crossover_row row = tune(*state, &r);
    assert_int_equal(row.shortest, 128);
    assert_int_equal(row.longest, 512);
    assert_int_equal(row.length, 128);
}

/* Nothing is left out at the shortest two. */
static void test_bench_tune__density_1_never_pays(void **state) {
    static const double ratios[2][LENGTHS] = {{0.8, 0.8, 0.7, 0.6}, {0.8, 0.8, 0.7, 0.6}};
    some_results r;
    fill(&r, ratios);
    for (size_t s = 0; s < 2; s++)
        r.selected[s][0].density = r.selected[s][1].density = 1.0;
    const sparsed_crossover_row row = tune(*state, &r);
    assert_int_equal(row.shortest, 64);
    assert_int_equal(row.length, 256);
}

/* The line and the object of the lengths that were left out. */
static void check_noise_reports(void **state, const bench_tuning *tuning) {
    static const char line[] =
        "  cpu: cpu-plain, few bf16, blocks 32 x 16, ratio 0.3: 64,128: the times spread over "
        "more than 10 %: these lengths were not stored\n";
    const char *path = test_folder_path(*state, "text.txt");
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    bench_tune_print(tuning, to);
    fclose(to);
    char *text = test_file_read(path, NULL);
    assert_non_null(strstr(text, line));
    free(text);
    cJSON *root = bench_tune_json(tuning);
    text = cJSON_PrintUnformatted(root);
    assert_non_null(strstr(text,
                           "\"left_out\":[{\"selector\":\"cpu\",\"kernel\":\"cpu-plain\","
                           "\"shape\":\"few\",\"dtype\":\"bf16\",\"block_q\":32,\"block_k\":16,"
                           "\"ratio\":0.3,\"lengths\":[64,128],\"why\":\"spread\"}]"));
    cJSON_free(text);
    cJSON_Delete(root);
}

/* Lengths whose dense or sparse pass spread too far are told, and not stored. */
static void test_bench_tune__leaves_out_noise(void **state) {
    static const double ratios[2][LENGTHS] = {{1, 0.8, 0.7, 0.6}, {1, 0.8, 0.7, 0.6}};
    some_results r;
    bench_tuning tuning;
    tool_error error;
    fill(&r, ratios);
    r.options.shape_count = 1;
    r.device.problem_count = LENGTHS;
    r.problems[0].measured.dense.ms.spread = 0.11;
    r.selected[0][1].sparse.ms.spread = 0.11;
    r.selected[0][2].sparse.ms.spread = 0.1;
    setenv("SPARSED_CACHE_DIR", ((test_folder *)*state)->path, 1);
    assert_true(bench_tune(&r.results, &tuning, &error));
    assert_int_equal(tuning.count, 1);
    assert_int_equal(tuning.rows[0].row.shortest, 256);
    assert_int_equal(tuning.noise_count, 1);
    assert_string_equal(tuning.noise[0].selector, "cpu");
    assert_int_equal(tuning.noise[0].count, 2);
    assert_int_equal(tuning.noise[0].lengths[0], 64);
    assert_int_equal(tuning.noise[0].lengths[1], 128);
    assert_false(tuning.noise[0].all);
    check_noise_reports(state, &tuning);
    bench_tune_free(&tuning);
    for (size_t i = 2; i < LENGTHS; i++)
        r.selected[0][i].sparse.ms.spread = 0.2;
    assert_true(bench_tune(&r.results, &tuning, &error));
    assert_int_equal(tuning.count, 0);
    assert_true(tuning.noise[0].all);
    assert_string_equal(tuning.path, "");
    bench_tune_free(&tuning);
}

static void test_bench_tune__nothing_was_measured(void **state) {
    static const double ratios[2][LENGTHS] = {{1, 1, 1, 1}, {1, 1, 1, 1}};
    some_results r;
    bench_tuning tuning;
    tool_error error;
    fill(&r, ratios);
    for (size_t i = 0; i < 2 * LENGTHS; i++)
        strcpy(r.problems[i].failure.text, "no memory");
    setenv("SPARSED_CACHE_DIR", ((test_folder *)*state)->path, 1);
    assert_false(bench_tune(&r.results, &tuning, &error));
    assert_non_null(strstr(error.text, "nothing was measured"));
    assert_int_equal(test_folder_count(*state, ""), 0);
}

/* ---- beside other processes ---- */

static bool stores(void) {
    static const double ratios[2][LENGTHS] = {{1, 0.8, 0.7, 0.6}, {1, 0.8, 0.7, 0.6}};
    some_results r;
    bench_tuning tuning;
    tool_error error;
    fill(&r, ratios);
    if (!bench_tune(&r.results, &tuning, &error))
        return false;
    bench_tune_free(&tuning);
    return true;
}

static bool checks(void) {
    tool_error error;
    return bench_tune_check(&error);
}

/* Half a second, in which a process that does not wait has long ended. */
static void assert_waits(pid_t child) {
    for (int i = 0; i < 50; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    }
}

/* Whoever holds the lock stores a row while another process wants to change the table, which waits and then
 * keeps that row: so many rows are in the table at the end. */
static void check_waits(test_folder *folder, bool (*change)(void), size_t rows) {
    const sparsed_crossover_row row = {.device = "a processor",
                                       .kernel = "cpu-plain",
                                       .dtype = SPARSED_F32,
                                       .head_dim = 32,
                                       .block_q = 16,
                                       .block_k = 16,
                                       .source = SPARSED_CROSSOVER_MEASURED,
                                       .density = 0.5,
                                       .shortest = 64,
                                       .longest = 64};
    crossover_table table;
    tool_error error;
    int status;
    size_t found = 0;
    setenv("SPARSED_CACHE_DIR", folder->path, 1);
    const int lock = file_lock(test_folder_path(folder, "crossover.txt"), &error);
    assert_true(lock >= 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(change() ? 0 : 1);
    assert_waits(child);
    assert_int_equal(sparsed_crossover_save(NULL, &row, 1, NULL), SPARSED_OK);
    file_unlock(lock);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(crossover_table_load(&table, &error));
    for (size_t i = 0; i < table.table.count; i++)
        found += table.rows[i].source == SPARSED_CROSSOVER_MEASURED;
    assert_int_equal(found, rows);
    crossover_table_free(&table);
}

static void test_bench_tune__waits_for_another_that_stores(void **state) {
    check_waits(*state, stores, 2);
}

/* The first table of a user, too. */
static void test_bench_tune_check__waits_for_another_that_stores(void **state) {
    check_waits(*state, checks, 1);
}

/* Where there is no folder yet, none is without its lock. */
static void test_bench_tune_check__makes_the_folder(void **state) {
    tool_error error;
    setenv("SPARSED_CACHE_DIR", test_folder_path(*state, "new"), 1);
    if (!bench_tune_check(&error))
        fail_msg("%s", error.text);
    assert_int_equal(unlink(test_folder_path(*state, "new/crossover.txt")), 0);
    assert_int_equal(unlink(test_folder_path(*state, "new/lock")), 0);
    assert_int_equal(rmdir(test_folder_path(*state, "new")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_tune_row__length_from_which_it_pays),
        cmocka_unit_test(test_bench_tune_same__all_but_lengths_and_source),
        TEST_IN_FOLDER(test_bench_tune__row_of_two_shapes),
        TEST_IN_FOLDER(test_bench_tune__leaves_out_what_is_not_comparable),
        TEST_IN_FOLDER(test_bench_tune__density_1_never_pays),
        TEST_IN_FOLDER(test_bench_tune__leaves_out_noise),
        TEST_IN_FOLDER(test_bench_tune__nothing_was_measured),
        TEST_IN_FOLDER(test_bench_tune__waits_for_another_that_stores),
        TEST_IN_FOLDER(test_bench_tune_check__waits_for_another_that_stores),
        TEST_IN_FOLDER(test_bench_tune_check__makes_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
