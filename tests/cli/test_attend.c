/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * `sparsed attend`, the built command, on every reference problem there is (tests/golden), in each
 * storage type; and its fixed patterns against a plain computation.
 */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/run_command.h"
#include "support/attention_golden.h"
#include "support/compare.h"
#include "support/test_files.h"

enum { MAX_CASES = 64, NAME_BYTES = 64, MAX_BATCH = 4 };

/* What the metadata of a case may say in the words of the command. */
static const char *const value_options[] = {"--mode",         "--select",       "--block-size",
                                            "--block-size-q", "--block-size-k", "--gen-length",
                                            "--score-reduce", "--keep-first",   "--attention"};
static const char *const flag_options[] = {"--dense-generation-rows", "--keep-diagonal",
                                           "--keep-generation"};

/* How a case is fed to the command, and what it may be off by. The tolerances of a case that is
 * fed as it is stored, or stored in F32, hold where they are wider. */
typedef struct feed {
    const char *dtype, *kernel; /* NULL: not said */
    double out, lse, scores;
} feed;

/* A case and what the command made of it. */
typedef struct comparison {
    const safetensors_file *expected, *actual;
    uint64_t batch, heads, q_len, kv_len, head_dim, block_q, q_blocks, k_blocks;
    uint64_t split[MAX_BATCH];
    feed feed;
} comparison;

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

/* The files of GOLDEN_DIR/attend_small in order. */
static size_t list_cases(char names[MAX_CASES][NAME_BYTES]) {
    DIR *dir = opendir(GOLDEN_DIR "/attend_small");
    const struct dirent *entry;
    size_t n = 0;
    if (!dir) {
        print_message("skipped: there is no folder %s\n", GOLDEN_DIR "/attend_small");
        skip();
    }
    while ((entry = readdir(dir)))
        if (strstr(entry->d_name, ".safetensors")) {
            assert_true(n < MAX_CASES && strlen(entry->d_name) + 14 < NAME_BYTES);
            snprintf(names[n++], NAME_BYTES, "attend_small/%.45s", entry->d_name);
        }
    closedir(dir);
    qsort(names, n, NAME_BYTES, by_name);
    return n;
}

static command_words attend_words(const safetensors_file *file, const feed *f, const char *output) {
    command_words words = {.count = 0};
    command_add(&words, "attend");
    command_add_option(&words, "--input", safetensors_path(file));
    command_add_option(&words, "--output", output);
    for (size_t i = 0; i < sizeof value_options / sizeof *value_options; i++) {
        const char *value = safetensors_metadata(file, value_options[i] + 2);
        if (value)
            command_add_option(&words, value_options[i], value);
    }
    for (size_t i = 0; i < sizeof flag_options / sizeof *flag_options; i++)
        if (attention_golden_number(file, flag_options[i] + 2, 0.0) != 0.0)
            command_add(&words, flag_options[i]);
    if (f->dtype)
        command_add_option(&words, "--dtype", f->dtype);
    if (f->kernel)
        command_add_option(&words, "--kernel", f->kernel);
    return words;
}

static uint64_t golden_uint(const safetensors_file *file, const char *key, uint64_t otherwise) {
    return (uint64_t)attention_golden_number(file, key, (double)otherwise);
}

/* First key block of the generation region: one number, or a list of one a batch; no block in the
 * mode that ranks all of them together. */
static void read_split(comparison *c) {
    const char *mode = safetensors_metadata(c->expected, "mode");
    const char *text = safetensors_metadata(c->expected, "split");
    bool list = text && *text == '[';
    for (uint64_t b = 0; b < c->batch; b++) {
        char *end = NULL;
        c->split[b] = !text || strcmp(mode, "joint") == 0
                          ? c->k_blocks
                          : strtoull(text + (list ? 1 : 0), &end, 10);
        if (list)
            text = end;
    }
}

static comparison compare_with(const safetensors_file *expected, const safetensors_file *actual,
                               const feed *f) {
    comparison c = {.expected = expected, .actual = actual, .feed = *f};
    uint64_t block = golden_uint(expected, "block-size", 32);
    uint64_t block_k = golden_uint(expected, "block-size-k", block);
    c.batch = golden_uint(expected, "batch", 0);
    c.heads = golden_uint(expected, "heads", 0);
    c.q_len = golden_uint(expected, "q_len", 0);
    c.kv_len = golden_uint(expected, "kv_len", 0);
    c.head_dim = golden_uint(expected, "head_dim", 0);
    c.block_q = golden_uint(expected, "block-size-q", block);
    c.q_blocks = (c.q_len + c.block_q - 1) / c.block_q;
    c.k_blocks = (c.kv_len + block_k - 1) / block_k;
    assert_true(c.batch >= 1 && c.batch <= MAX_BATCH && c.q_blocks > 0 && c.k_blocks > 0);
    read_split(&c);
    bool own = !f->dtype || strcmp(safetensors_metadata(expected, "feed"), "F32") == 0;
    if (own) {
        c.feed.out = fmax(f->out, attention_golden_number(expected, "tol_out", 0.0));
        c.feed.lse = fmax(f->lse, attention_golden_number(expected, "tol_lse", 0.0));
        c.feed.scores = fmax(f->scores, attention_golden_number(expected, "tol_scores", 0.0));
    }
    return c;
}

/* A tensor of both files as doubles, malloc'd; the shapes must be equal. */
static void read_both(const comparison *c, const char *name, uint64_t count, double **expected,
                      double **actual) {
    const safetensors_tensor *a = safetensors_find(c->actual, name);
    const safetensors_tensor *e = safetensors_find(c->expected, name);
    if (!a)
        fail_msg("the command wrote no %s", name);
    assert_non_null(e);
    assert_int_equal(a->rank, e->rank);
    assert_memory_equal(a->shape, e->shape, a->rank * sizeof *a->shape);
    assert_int_equal(a->dtype, e->dtype);
    *expected = attention_golden_values(c->expected, name, count);
    *actual = attention_golden_values(c->actual, name, count);
}

static void check_tensor(const comparison *c, const char *name, uint64_t count,
                         double (*error)(const double *, const double *, uint64_t), double bound) {
    double *expected, *actual;
    char what[256];
    read_both(c, name, count, &expected, &actual);
    snprintf(what, sizeof what, "%.160s %s", safetensors_path(c->expected), name);
    assert_error_within(what, error(actual, expected, count), bound);
    free(expected);
    free(actual);
}

/* One row of blocks and what decided it. */
typedef struct mask_row {
    const double *expected, *actual, *scores; /* [k_blocks] */
    double kth_prompt, kth_generation, next_generation;
    uint64_t split;
} mask_row;

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-3 * fmax(fabs(a), fabs(b)) || (a < 1e-20 && b < 1e-20);
}

/* Block j may be on either side: a rounding error decides. */
static bool is_tie(const mask_row *r, uint64_t j) {
    return j < r->split ? near(r->scores[j], r->kth_prompt)
                        : near(r->kth_generation, r->next_generation);
}

/* Returns how many blocks differ; all of them are ties, and the row keeps as many. */
static uint64_t compare_row(const comparison *c, const mask_row *r, uint64_t row) {
    uint64_t different = 0;
    double expected = 0.0, actual = 0.0;
    for (uint64_t j = 0; j < c->k_blocks; j++) {
        expected += r->expected[j];
        actual += r->actual[j];
        if (r->expected[j] == r->actual[j])
            continue;
        different++;
        if (!is_tie(r, j))
            fail_msg("%s: row %llu of blocks, block %llu is %s", safetensors_path(c->expected),
                     (unsigned long long)row, (unsigned long long)j,
                     r->actual[j] != 0.0 ? "kept" : "dropped");
    }
    assert_true(expected == actual);
    return different;
}

/* Rows of query block `block` of head `head` (of all batches) as 0: they cannot be compared. */
static void blank(const comparison *c, uint64_t head, uint64_t block, double *out) {
    uint64_t first = block * c->block_q;
    uint64_t end = first + c->block_q < c->q_len ? first + c->block_q : c->q_len;
    for (uint64_t i = first * c->head_dim; i < end * c->head_dim; i++)
        out[head * c->q_len * c->head_dim + i] = 0.0;
}

/* block_mask, and sparse_out where the masks agree. */
static void check_pattern(const comparison *c) {
    const uint64_t rows = c->batch * c->heads * c->q_blocks, n = c->k_blocks;
    const uint64_t out_count = c->batch * c->heads * c->q_len * c->head_dim;
    double *mask, *own_mask, *out, *own_out;
    double *scores = attention_golden_values(c->expected, "block_scores", rows * n);
    double *prompt = attention_golden_values(c->expected, "kth_prompt", rows);
    double *generation = attention_golden_values(c->expected, "kth_gen", rows);
    double *next = attention_golden_values(c->expected, "next_gen", rows);
    char what[256];
    read_both(c, "block_mask", rows * n, &mask, &own_mask);
    read_both(c, "sparse_out", out_count, &out, &own_out);
    for (uint64_t row = 0; row < rows; row++) {
        const mask_row r = {.expected = mask + row * n,
                            .actual = own_mask + row * n,
                            .scores = scores + row * n,
                            .kth_prompt = prompt[row],
                            .kth_generation = generation[row],
                            .next_generation = next[row],
                            .split = c->split[row / (c->heads * c->q_blocks)]};
        if (compare_row(c, &r, row) > 0) {
            print_message("%s: ties in row %llu of blocks\n", safetensors_path(c->expected),
                          (unsigned long long)row);
            blank(c, row / c->q_blocks, row % c->q_blocks, out);
            blank(c, row / c->q_blocks, row % c->q_blocks, own_out);
        }
    }
    snprintf(what, sizeof what, "%.160s sparse_out", safetensors_path(c->expected));
    assert_error_within(what, relative_error(own_out, out, out_count), c->feed.out);
    free(scores);
    free(prompt);
    free(generation);
    free(next);
    free(mask);
    free(own_mask);
    free(out);
    free(own_out);
}

static safetensors_file *open_output(test_folder *folder) {
    tool_error error;
    safetensors_file *file =
        safetensors_open(test_folder_path(folder, "output.safetensors"), &error);
    if (!file)
        fail_msg("%s", error.text);
    return file;
}

static void check_case(test_folder *folder, const char *name, const feed *f) {
    safetensors_file *expected = attention_golden_open(name);
    char path[512];
    snprintf(path, sizeof path, "%s", test_folder_path(folder, "output.safetensors"));
    command_words words = attend_words(expected, f, path);
    command_output output = command_run(&words);
    if (output.status != 0)
        fail_msg("%s: exit code %d: %s", name, output.status, output.err);
    assert_string_equal(output.err, "");
    assert_string_equal(output.out, "");
    safetensors_file *actual = open_output(folder);
    const comparison c = compare_with(expected, actual, f);
    const uint64_t rows = c.batch * c.heads * c.q_len;
    bool pattern = safetensors_find(expected, "block_mask") != NULL;
    check_tensor(&c, "dense_out", rows * c.head_dim, relative_error, c.feed.out);
    check_tensor(&c, "lse", rows, lse_error, c.feed.lse);
    assert_int_equal(safetensors_count(actual), pattern ? 5 : 2);
    if (pattern) {
        check_tensor(&c, "block_scores", c.batch * c.heads * c.q_blocks * c.k_blocks,
                     relative_error, c.feed.scores);
        check_pattern(&c);
    }
    if (f->kernel)
        assert_string_equal(safetensors_metadata(actual, "kernel"), f->kernel);
    if (f->dtype)
        assert_string_equal(safetensors_metadata(actual, "dtype"), f->dtype);
    command_output_free(&output);
    safetensors_close(actual);
    safetensors_close(expected);
}

static void check_all(void **state, const feed *f) {
    char names[MAX_CASES][NAME_BYTES];
    size_t n = list_cases(names);
    assert_true(n >= 7);
    for (size_t i = 0; i < n; i++)
        check_case(*state, names[i], f);
    print_message("%zu cases\n", n);
}

static void test_attend__golden_cases_as_they_are_stored(void **state) {
    check_all(state, &(feed){NULL, NULL, 2e-6, 1e-5, 1e-5});
}

static void test_attend__golden_cases_in_f32(void **state) {
    check_all(state, &(feed){"f32", NULL, 2e-6, 1e-5, 1e-5});
}

static void test_attend__golden_cases_in_bf16(void **state) {
    check_all(state, &(feed){"bf16", NULL, 4e-3, 1e-4, 1e-4});
}

static void test_attend__golden_cases_in_f16(void **state) {
    check_all(state, &(feed){"f16", NULL, 5e-4, 1e-4, 1e-4});
}

static void test_attend__golden_cases_on_cpu_plain(void **state) {
    check_all(state, &(feed){NULL, "cpu-plain", 2e-6, 1e-5, 1e-5});
}

static void test_attend__golden_cases_in_bf16_on_cpu_plain(void **state) {
    check_all(state, &(feed){"bf16", "cpu-plain", 4e-3, 1e-4, 1e-4});
}

/* Attention of one query row over the keys that a fixed pattern lets it see. */
static void plain_row(const double *q, const double *k, const double *v, uint64_t kv_len,
                      uint64_t dim, uint64_t row, uint64_t window, uint64_t sinks, double *out) {
    double sum = 0.0;
    memset(out, 0, dim * sizeof *out);
    for (uint64_t j = 0; j < kv_len; j++) {
        uint64_t distance = row > j ? row - j : j - row;
        double logit = 0.0;
        if (distance > window && j >= sinks)
            continue;
        for (uint64_t d = 0; d < dim; d++)
            logit += q[d] * k[j * dim + d];
        double weight = exp(logit / sqrt((double)dim));
        sum += weight;
        for (uint64_t d = 0; d < dim; d++)
            out[d] += weight * v[j * dim + d];
    }
    for (uint64_t d = 0; d < dim; d++)
        out[d] /= sum;
}

/* sparse_out of a2_llada_b16 with a fixed pattern; sinks NULL: not given. */
static void check_fixed(test_folder *folder, const char *method, const char *window,
                        const char *sinks) {
    const uint64_t heads = 4, len = 250, dim = 32, count = heads * len * dim;
    safetensors_file *file = attention_golden_open("attend_small/a2_llada_b16.safetensors");
    command_words words = {.count = 0};
    char path[512];
    snprintf(path, sizeof path, "%s", test_folder_path(folder, "output.safetensors"));
    command_add(&words, "attend");
    command_add_option(&words, "--input", safetensors_path(file));
    command_add_option(&words, "--output", path);
    command_add_option(&words, "--attention", method);
    command_add_option(&words, "--window", window);
    if (sinks)
        command_add_option(&words, "--sinks", sinks);
    command_add(&words, "--json");
    cJSON *json = command_run_json(&words);
    assert_string_equal(json_string(json, "attention"), method);
    assert_string_equal(json_string(json, "mode"), method);
    uint64_t first = sinks ? strtoull(sinks, NULL, 10) : 0;
    uint64_t keys = strtoull(window, NULL, 10);
    assert_true(fabs(json_number(json, "density") - sparsed_fixed_density(len, keys, first)) <
                1e-9);
    safetensors_file *actual = open_output(folder);
    assert_null(safetensors_find(actual, "block_scores"));
    double *q = attention_golden_values(file, "q", count);
    double *k = attention_golden_values(file, "k", count);
    double *v = attention_golden_values(file, "v", count);
    double *out = attention_golden_values(actual, "sparse_out", count);
    double *expected = malloc(count * sizeof *expected);
    assert_non_null(expected);
    for (uint64_t row = 0; row < heads * len; row++) {
        uint64_t head = row / len * len * dim;
        plain_row(q + row * dim, k + head, v + head, len, dim, row % len, keys, first,
                  expected + row * dim);
    }
    assert_error_within(method, relative_error(out, expected, count), 2e-6);
    free(q);
    free(k);
    free(v);
    free(out);
    free(expected);
    cJSON_Delete(json);
    safetensors_close(actual);
    safetensors_close(file);
}

static void test_attend__window_is_exact_to_the_key(void **state) {
    check_fixed(*state, "window", "37", NULL);
    check_fixed(*state, "window", "0", NULL);
}

static void test_attend__streaming_is_exact_to_the_key(void **state) {
    check_fixed(*state, "streaming", "21", "5");
}

/* Runs a2_llada_b16 with more words; returns the JSON object. */
static cJSON *run_a2(test_folder *folder, const char *output, const char *const *more) {
    safetensors_file *file = attention_golden_open("attend_small/a2_llada_b16.safetensors");
    const feed f = {NULL, NULL, 0.0, 0.0, 0.0};
    char path[512];
    snprintf(path, sizeof path, "%s", test_folder_path(folder, output));
    command_words words = attend_words(file, &f, path);
    for (; *more; more++)
        command_add(&words, *more);
    command_add(&words, "--json");
    cJSON *json = command_run_json(&words);
    safetensors_close(file);
    return json;
}

static void test_attend__tells_what_ran(void **state) {
    cJSON *json = run_a2(*state, "output.safetensors",
                         (const char *const[]){"--kernel", "cpu-plain", "--threads", "2", NULL});
    assert_string_equal(json_string(json, "kernel"), "cpu-plain");
    assert_string_equal(json_string(json, "attention"), "sparsed");
    assert_string_equal(json_string(json, "mode"), "upstream-llada");
    assert_string_equal(json_string(json, "dtype"), "f32");
    assert_true(json_number(json, "threads") == 2.0);
    assert_true(json_number(json, "scratch_bytes") > 0.0);
    double *mask, kept = 0.0;
    safetensors_file *file = open_output(*state);
    mask = attention_golden_values(file, "block_mask", 4 * 16 * 16);
    for (int i = 0; i < 4 * 16 * 16; i++)
        kept += mask[i];
    assert_true(json_number(json, "kept_blocks") == kept);
    /* The last block of 16 rows has 10, so elements and blocks differ a little. */
    assert_true(fabs(json_number(json, "density") - kept / (4 * 16 * 16)) < 0.02);
    free(mask);
    safetensors_close(file);
    cJSON_Delete(json);
}

static void test_attend__writes_the_same_bytes_with_any_number_of_threads(void **state) {
    test_folder *folder = *state;
    cJSON *one = run_a2(folder, "one", (const char *const[]){"--threads", "1", NULL});
    cJSON *three = run_a2(folder, "three", (const char *const[]){"--threads", "3", NULL});
    size_t size, other_size;
    char *bytes = test_file_read(test_folder_path(folder, "one"), &size);
    char *other = test_file_read(test_folder_path(folder, "three"), &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(bytes, other, size);
    free(bytes);
    free(other);
    cJSON_Delete(one);
    cJSON_Delete(three);
}

/* The whole output replaces what was there. */
static void test_attend__replaces_an_older_output(void **state) {
    test_folder *folder = *state;
    test_folder_write_text(folder, "output.safetensors", "something older");
    cJSON_Delete(run_a2(folder, "output.safetensors", (const char *const[]){NULL}));
    safetensors_close(open_output(folder));
    assert_int_equal(test_folder_count(folder, ""), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_attend__golden_cases_as_they_are_stored),
        TEST_IN_FOLDER(test_attend__golden_cases_in_f32),
        TEST_IN_FOLDER(test_attend__golden_cases_in_bf16),
        TEST_IN_FOLDER(test_attend__golden_cases_in_f16),
        TEST_IN_FOLDER(test_attend__golden_cases_on_cpu_plain),
        TEST_IN_FOLDER(test_attend__golden_cases_in_bf16_on_cpu_plain),
        TEST_IN_FOLDER(test_attend__window_is_exact_to_the_key),
        TEST_IN_FOLDER(test_attend__streaming_is_exact_to_the_key),
        TEST_IN_FOLDER(test_attend__tells_what_ran),
        TEST_IN_FOLDER(test_attend__writes_the_same_bytes_with_any_number_of_threads),
        TEST_IN_FOLDER(test_attend__replaces_an_older_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
