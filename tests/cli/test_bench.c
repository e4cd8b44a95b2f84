/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * `sparsed bench`, the built command, on small problems: what its reports hold, and that figures follow
 * from one another. How large they are is no test.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/run_command.h"
#include "support/test_files.h"

enum { HEADS = 4, DIM = 64 };

/* Two lengths, two selections, few and short rounds. */
static command_words small_words(void) {
    command_words words = {.count = 0};
    command_add(&words, "bench");
    command_add_option(&words, "--heads", "4");
    command_add_option(&words, "--kv-heads", "2");
    command_add_option(&words, "--dim", "64");
    command_add_option(&words, "--layers", "3");
    command_add_option(&words, "--dtype", "f32");
    command_add_option(&words, "--length", "96,192");
    command_add_option(&words, "--block-size", "32,64x32");
    command_add_option(&words, "--select", "0.5");
    command_add_option(&words, "--steps", "10");
    command_add_option(&words, "--rounds", "3");
    return words;
}

static cJSON *run_small(const char *option, const char *value) {
    command_words words = small_words();
    command_add(&words, "--json");
    if (option)
        command_add_option(&words, option, value);
    return command_run_json(&words);
}

static void assert_near(double is, double should) {
    if (!(fabs(is - should) <= 1e-6 * (1e-12 + fabs(should))))
        fail_msg("%.12g, not %.12g", is, should);
}

static const cJSON *list_at(const cJSON *root, const char *path, int count) {
    const cJSON *list = json_at(root, path);
    assert_true(cJSON_IsArray(list));
    assert_int_equal(cJSON_GetArraySize(list), count);
    return list;
}

/* The peak that shares are told of: 0, there is none. */
static double peak_of(const cJSON *root, const char *kernel) {
    const cJSON *peak;
    const cJSON *device = cJSON_GetArrayItem(json_at(root, "devices"), 0);
    cJSON_ArrayForEach(peak, json_at(device, "peaks")) {
        if (strcmp(json_string(peak, "kernel"), kernel) != 0 ||
            !cJSON_IsNumber(json_at(peak, "flops_per_s")))
            continue;
        return json_number(peak, "flops_per_s");
    }
    return 0.0;
}

static void check_row(const cJSON *root, const cJSON *row) {
    const char *pass = json_string(row, "pass");
    const double length = json_number(row, "length"), median = json_number(row, "ms.median");
    const double pairs = HEADS * length * length * DIM, per_s = 1.0 / (median * 1e-3);
    const double factor = strcmp(pass, "build") == 0 ? 2.0 : 4.0;
    const double density = json_number(row, "density");
    const double peak = peak_of(root, json_string(row, "kernel"));
    assert_string_equal(json_string(row, "source"), "sparsed");
    assert_near(json_number(row, "flops_per_s"), factor * pairs * density * per_s);
    assert_near(json_number(row, "flops_per_s_as_dense"), factor * pairs * per_s);
    if (peak > 0.0)
        assert_near(json_number(row, "of_peak"), json_number(row, "flops_per_s") / peak);
    else
        assert_true(cJSON_IsNull(json_at(row, "of_peak")));
    assert_true(json_number(row, "ms.least") <= median && median <= json_number(row, "ms.most"));
    assert_true(density > 0.0 && density <= 1.0);
    assert_true(strcmp(pass, "sparse") == 0 ? density < 1.0 : density == 1.0);
    assert_near(json_number(row, "rounds"), 3.0);
    assert_near(json_number(row, "tensor_bytes"), 4.0 * DIM * length * (4 + 4 + 2 + 2));
}

static void test_bench_json__figures_follow_from_one_another(void **state) {
    (void)state;
    cJSON *root = run_small(NULL, NULL);
    const cJSON *row;
    assert_near(json_number(root, "sparsed_bench"), 1.0);
    list_at(root, "devices", 1);
    list_at(root, "problems", 2);
    list_at(root, "schedules", 4);
    list_at(root, "crossovers", 2);
    assert_true(cJSON_IsArray(json_at(root, "warnings")));
    cJSON_ArrayForEach(row, list_at(root, "rows", 14)) /* 2 lengths: dense, and 3 of 2 selections */
        check_row(root, row);
    cJSON_Delete(root);
}

/* The median of a pass. */
static double median_of(const cJSON *root, const char *pass, double length, double block_q) {
    const cJSON *row;
    cJSON_ArrayForEach(row, json_at(root, "rows")) {
        if (strcmp(json_string(row, "pass"), pass) == 0 && json_number(row, "length") == length &&
            json_number(row, "block_q") == block_q)
            return json_number(row, "ms.median");
    }
    fail_msg("no row of %s, %g rows, blocks of %g", pass, length, block_q);
    return 0.0;
}

static void test_bench_json__schedules_are_composed_of_the_rows(void **state) {
    (void)state;
    cJSON *root = run_small("--rest-ms", "0.5,2");
    const cJSON *s;
    cJSON_ArrayForEach(s, list_at(root, "schedules", 4)) {
        const double length = json_number(s, "length"), block_q = json_number(s, "block_q");
        const double dense = median_of(root, "dense", length, 0.0);
        const double rest = length == 96.0 ? 0.5 : 2.0;
        /* upstream, T 10, skip 0.2: 3 dense, 1 dense + build, 6 sparse. */
        const double attention = 3.0 * dense + median_of(root, "dense+build", length, block_q) +
                                 6.0 * median_of(root, "sparse", length, block_q);
        assert_near(json_number(s, "layers"), 3.0);
        assert_near(json_number(s, "attention_s"), 3.0 * attention * 1e-3);
        assert_near(json_number(s, "attention_dense_s"), 3.0 * 10.0 * dense * 1e-3);
        assert_near(json_number(s, "attention_gain"), 10.0 * dense / attention);
        assert_near(json_number(s, "rest_ms"), rest);
        assert_near(json_number(s, "model_gain_estimate"),
                    10.0 * (dense + rest) / (attention + 10.0 * rest));
    }
    cJSON_Delete(root);
}

static void test_bench_json__without_rest_there_is_no_estimate(void **state) {
    (void)state;
    cJSON *root = run_small("--schedule", "dense");
    const cJSON *s;
    cJSON_ArrayForEach(s, json_at(root, "schedules")) {
        assert_true(cJSON_IsNull(json_at(s, "model_gain_estimate")));
        assert_near(json_number(s, "attention_gain"), 1.0);
    }
    const cJSON *crossover = cJSON_GetArrayItem(json_at(root, "crossovers"), 0);
    assert_string_equal(json_string(crossover, "schedule.pays"), "nowhere");
    assert_near(json_number(crossover, "schedule.length"), 192.0);
    cJSON_Delete(root);
}

static void test_bench_run_schedule__is_in_the_report(void **state) {
    command_words words = small_words();
    (void)state;
    command_add(&words, "--json");
    command_add(&words, "--run-schedule");
    command_add_option(&words, "--limit-steps", "2");
    cJSON *root = command_run_json(&words);
    const cJSON *s;
    cJSON_ArrayForEach(s, list_at(root, "schedules", 4)) {
        assert_near(json_number(s, "run.kinds.sparse.steps"), 6.0);
        assert_near(json_number(s, "run.kinds.sparse.run"), 2.0);
        assert_near(json_number(s, "run.attention_s") * 1e3,
                    3.0 * json_number(s, "run.kinds.dense.mean_ms") +
                        json_number(s, "run.kinds.dense_build.mean_ms") +
                        6.0 * json_number(s, "run.kinds.sparse.mean_ms"));
        assert_true(cJSON_IsFalse(json_at(s, "run.whole")));
        assert_true(json_number(s, "run.patterns_bytes") > 0.0);
    }
    cJSON_Delete(root);
}

/* ---- baseline ---- */

static const char *write_json(void **state, const char *name, const cJSON *root) {
    char *text = cJSON_Print(root);
    assert_non_null(text);
    test_folder_write_text(*state, name, text);
    cJSON_free(text);
    return test_folder_path(*state, name);
}

/* Medians of the file `factor` times what they were, without any spread. */
static void scale_rows(cJSON *root, double factor) {
    cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(root, "rows")) {
        cJSON *ms = cJSON_GetObjectItem(row, "ms");
        cJSON_SetNumberValue(cJSON_GetObjectItem(ms, "median"),
                             factor * json_number(row, "ms.median"));
        cJSON_SetNumberValue(cJSON_GetObjectItem(ms, "spread"), 0.0);
    }
}

/* Every row is held against the one that it was; far enough away no noise hides the change. */
static void check_against(void **state, double factor, const char *verdict) {
    cJSON *before = run_small(NULL, NULL);
    scale_rows(before, factor);
    cJSON *root = run_small("--baseline", write_json(state, "base.json", before));
    const cJSON *row;
    cJSON_ArrayForEach(row, list_at(root, "rows", 14)) {
        assert_string_equal(json_string(row, "verdict"), verdict);
        assert_near(json_number(row, "change"),
                    json_number(row, "ms.median") / json_number(row, "before_ms"));
        assert_near(json_number(row, "before_ms"),
                    median_of(before, json_string(row, "pass"), json_number(row, "length"),
                              json_number(row, "block_q")));
    }
    cJSON_Delete(root);
    cJSON_Delete(before);
}

static void test_bench_baseline__slower_and_faster(void **state) {
    check_against(state, 1e-6, "slower");
    check_against(state, 1e6, "faster");
}

static void test_bench_baseline__what_it_lacks_is_said(void **state) {
    cJSON *before = run_small(NULL, NULL);
    cJSON_DeleteItemFromArray(cJSON_GetObjectItem(before, "rows"), 0);
    cJSON *root = run_small("--baseline", write_json(state, "base.json", before));
    const cJSON *warning, *row = cJSON_GetArrayItem(json_at(root, "rows"), 0);
    bool said = false;
    assert_string_equal(json_string(row, "verdict"), "not compared");
    assert_true(cJSON_IsNull(json_at(row, "before_ms")));
    cJSON_ArrayForEach(warning, json_at(root, "warnings")) said =
        said || (strcmp(json_string(warning, "kind"), "baseline") == 0 &&
                 strstr(json_string(warning, "text"), "has 13 of the 14 passes"));
    assert_true(said);
    cJSON_Delete(root);
    cJSON_Delete(before);
}

/* ---- peers ---- */

static cJSON *make_peers(const char *device, double length) {
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "sparsed_peers", 1);
    cJSON_AddStringToObject(root, "device", device);
    cJSON_AddStringToObject(root, "versions", "Other 2.0");
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "name", "other sdpa");
    cJSON_AddStringToObject(row, "pass", "dense");
    cJSON_AddStringToObject(row, "dtype", "f32");
    cJSON_AddNumberToObject(row, "heads", HEADS);
    cJSON_AddNumberToObject(row, "kv_heads", 2);
    cJSON_AddNumberToObject(row, "head_dim", DIM);
    cJSON_AddNumberToObject(row, "length", length);
    cJSON_AddNumberToObject(row, "density", 1);
    cJSON_AddNumberToObject(row, "rounds", 5);
    cJSON_AddNumberToObject(row, "median_ms", 4.0);
    cJSON_AddNumberToObject(row, "least_ms", 3.0);
    cJSON_AddNumberToObject(row, "most_ms", 5.0);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "rows"), row);
    return root;
}

static cJSON *run_with_peers(void **state, const char *device, double length) {
    cJSON *peers = make_peers(device, length);
    cJSON *root = run_small("--peers", write_json(state, "peers.json", peers));
    cJSON_Delete(peers);
    return root;
}

static bool warns_of(const cJSON *root, const char *kind) {
    const cJSON *warning;
    cJSON_ArrayForEach(warning, json_at(root, "warnings")) {
        if (strcmp(json_string(warning, "kind"), kind) == 0)
            return true;
    }
    return false;
}

static void test_bench_peers__stand_beside_their_problem(void **state) {
    cJSON *first = run_small(NULL, NULL);
    const char *device = json_string(cJSON_GetArrayItem(json_at(first, "devices"), 0), "name");
    cJSON *root = run_with_peers(state, device, 192.0);
    const cJSON *row = cJSON_GetArrayItem(list_at(root, "rows", 15), 14);
    assert_string_equal(json_string(row, "source"), "other sdpa");
    assert_near(json_number(row, "ms.median"), 4.0);
    assert_near(json_number(row, "flops_per_s"), 4.0 * HEADS * DIM * 192.0 * 192.0 / 4e-3);
    assert_near(json_number(row, "of_dense"), 4.0 / median_of(root, "dense", 192.0, 0.0));
    assert_string_equal(json_string(root, "peers.versions"), "Other 2.0");
    assert_false(warns_of(root, "peers"));
    cJSON_Delete(root);
    root = run_with_peers(state, device, 193.0); /* a problem that was not measured */
    list_at(root, "rows", 14);
    assert_true(warns_of(root, "peers"));
    cJSON_Delete(root);
    cJSON_Delete(first);
}

static void test_bench_peers__of_another_machine_stay_out(void **state) {
    cJSON *root = run_with_peers(state, "a machine elsewhere", 192.0);
    list_at(root, "rows", 14);
    assert_true(warns_of(root, "peers"));
    cJSON_Delete(root);
}

/* ---- the other reports ---- */

/* Fields of a line, which has no quoted one. */
static size_t count_fields(const char *line) {
    size_t fields = 1;
    for (; *line && *line != '\n'; line++)
        fields += *line == ',';
    return fields;
}

static void test_bench_csv__has_a_line_a_pass(void **state) {
    command_words words = small_words();
    (void)state;
    command_add(&words, "--csv");
    command_output output = command_run(&words);
    size_t lines = 0;
    assert_int_equal(output.status, 0);
    assert_int_equal(strncmp(output.out, "source,device,selector,", 23), 0);
    const size_t fields = count_fields(output.out);
    for (const char *line = output.out; *line; line = strchr(line, '\n') + 1) {
        if (!strchr(line, '"'))
            assert_int_equal(count_fields(line), fields);
        lines++;
    }
    assert_int_equal(lines, 15);
    command_output_free(&output);
}

/* A text with commas and quotes is one field. */
static void test_bench_csv__quotes_are_doubled(void **state) {
    cJSON *first = run_small(NULL, NULL);
    cJSON *peers =
        make_peers(json_string(cJSON_GetArrayItem(json_at(first, "devices"), 0), "name"), 192.0);
    cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(peers, "rows"), 0);
    command_words words = small_words();
    assert_non_null(cJSON_SetValuestring(cJSON_GetObjectItem(row, "name"), "a \"b\",c"));
    command_add(&words, "--csv");
    command_add_option(&words, "--peers", write_json(state, "peers.json", peers));
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "\n\"a \"\"b\"\",c\","));
    command_output_free(&output);
    cJSON_Delete(peers);
    cJSON_Delete(first);
}

/* A file of another machine's figures is worth a warning, which is no line of the table. */
static void test_bench_csv__warnings_go_to_stderr(void **state) {
    command_words words = small_words();
    cJSON *peers = make_peers("a machine elsewhere", 192.0);
    command_add(&words, "--csv");
    command_add_option(&words, "--peers", write_json(state, "peers.json", peers));
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.err, "warning: peers: "));
    assert_null(strstr(output.out, "warning"));
    command_output_free(&output);
    cJSON_Delete(peers);
}

static void test_bench_baseline__text_counts_and_explains(void **state) {
    command_words words = small_words();
    cJSON *before = run_small(NULL, NULL);
    scale_rows(before, 1e-6);
    cJSON_DeleteItemFromArray(cJSON_GetObjectItem(before, "rows"), 0);
    command_add_option(&words, "--baseline", write_json(state, "base.json", before));
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "0 faster, 13 slower, 0 the same, 1 not in it. Faster, "));
    command_output_free(&output);
    cJSON_Delete(before);
}

static void test_bench_html__is_one_page_with_its_plots(void **state) {
    command_words words = small_words();
    const char *path = PAGES_DIR "/bench.html"; /* tests/page/render.sh opens it too */
    (void)state;
    command_add_option(&words, "--html", path);
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "Where sparse attention pays"));
    char *text = test_file_read(path, NULL);
    size_t plots = 0;
    for (const char *at = strstr(text, "role=\"img\""); at; at = strstr(at + 1, "role=\"img\""))
        plots++;
    assert_int_equal(plots, 3);
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "http"));
    assert_null(strstr(text, "nan"));
    assert_non_null(strstr(text, " UTC; sparsed "));
    assert_non_null(strstr(text, "<code>sparsed bench --heads 4 --kv-heads 2 "));
    assert_null(strstr(text, "rest of a layer, ms")); /* nothing is in these columns */
    assert_null(strstr(text, "run, s"));
    free(text);
    command_output_free(&output);
}

static void test_bench_text__says_what_an_estimate_is(void **state) {
    command_words words = small_words();
    (void)state;
    command_add_option(&words, "--rest-ms", "1");
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "(estimate)"));
    assert_non_null(strstr(output.out, "An estimate: composed of"));
    assert_null(strstr(output.out, "nan"));
    command_output_free(&output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_json__figures_follow_from_one_another),
        cmocka_unit_test(test_bench_json__schedules_are_composed_of_the_rows),
        cmocka_unit_test(test_bench_json__without_rest_there_is_no_estimate),
        cmocka_unit_test(test_bench_run_schedule__is_in_the_report),
        TEST_IN_FOLDER(test_bench_baseline__slower_and_faster),
        TEST_IN_FOLDER(test_bench_baseline__what_it_lacks_is_said),
        TEST_IN_FOLDER(test_bench_peers__stand_beside_their_problem),
        TEST_IN_FOLDER(test_bench_peers__of_another_machine_stay_out),
        cmocka_unit_test(test_bench_csv__has_a_line_a_pass),
        TEST_IN_FOLDER(test_bench_csv__quotes_are_doubled),
        TEST_IN_FOLDER(test_bench_csv__warnings_go_to_stderr),
        TEST_IN_FOLDER(test_bench_baseline__text_counts_and_explains),
        cmocka_unit_test(test_bench_html__is_one_page_with_its_plots),
        cmocka_unit_test(test_bench_text__says_what_an_estimate_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
