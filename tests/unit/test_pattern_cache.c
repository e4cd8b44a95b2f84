/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The pattern cache's folder and keys, and fingerprints of models. */
#include "pattern_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "model_fingerprint.h"
#include "safetensors.h"
#include "support/test_files.h"

enum { LAYERS = 2, STEP = 4, LEN = 64, GEN_LENGTH = 16 };

/* A run that the tests change in one place at a time. */
typedef struct cached_run {
    method_plan plan;
    dlm_denoise_options denoise;
    pattern_cache_run run;
} cached_run;

static void new_run(cached_run *c) {
    *c = (cached_run){.plan = {.kind = METHOD_SPARSED,
                               .schedule = "upstream",
                               .skip = 0.2,
                               .select = SPARSED_SELECT_INIT,
                               .dtype = SPARSED_F32},
                      .denoise = {.gen_length = GEN_LENGTH, .steps = 16},
                      .run = {.model = {1, 2}, .prompt = {3, 4}, .mask_token = 9}};
    c->run.plan = &c->plan;
    c->run.denoise = &c->denoise;
}

static sparsed_desc desc_of(void) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    desc.dtype = SPARSED_F32;
    desc.batch = 1;
    desc.heads = 2;
    desc.kv_heads = 1;
    desc.head_dim = 16;
    desc.q_len = desc.kv_len = LEN;
    return desc;
}

/* ---- keys ---- */

static char *path_of(const cached_run *c) {
    tool_error error;
    char *path = pattern_cache_path("folder", &c->run, &error);
    if (!path)
        fail_msg("%s", error.text);
    return path;
}

static void test_pattern_cache_path__is_32_digits_in_the_folder(void **state) {
    (void)state;
    cached_run c;
    new_run(&c);
    char *path = path_of(&c), *again = path_of(&c);
    assert_string_equal(path, again);
    assert_int_equal(strncmp(path, "folder/", 7), 0);
    assert_int_equal(strspn(path + 7, "0123456789abcdef"), 32);
    assert_string_equal(path + 39, ".spdp");
    free(path);
    free(again);
}

enum { CHANGES = 22 };

static void change_selection(sparsed_select *s, int i) {
    switch (i) {
    case 8:
        s->mode = SPARSED_MODE_PAPER;
        break;
    case 9:
        s->ratio = 0.31;
        break;
    case 10:
        s->block_q = 64;
        break;
    case 11:
        s->block_k = 64;
        break;
    case 12:
        s->score_reduce = SPARSED_REDUCE_MAX;
        break;
    case 13:
        s->flags = SPARSED_SELECT_KEEP_DIAGONAL;
        break;
    case 14:
        s->flags = SPARSED_SELECT_KEEP_GENERATION;
        break;
    case 15:
        s->flags = SPARSED_SELECT_DENSE_GENERATION_ROWS;
        break;
    case 16:
        s->always_first = 1;
        break;
    case 17:
        s->score_scale = 0.5;
        break;
    }
}

/* One thing that the patterns depend on, changed. */
static void change(cached_run *c, int i) {
    change_selection(&c->plan.select, i);
    switch (i) {
    case 0:
        c->run.model.low++;
        break;
    case 1:
        c->run.model.high++;
        break;
    case 2:
        c->run.prompt.low++;
        break;
    case 3:
        c->run.prompt.high++;
        break;
    case 4:
        c->run.mask_token++;
        break;
    case 5:
        c->plan.schedule = "paper";
        break;
    case 6:
        c->plan.skip = 0.25;
        break;
    case 7:
        c->plan.dtype = SPARSED_BF16;
        break;
    case 18:
        c->denoise.gen_length++;
        break;
    case 19:
        c->denoise.steps++;
        break;
    case 20:
        c->denoise.sampler = DLM_ENTROPY;
        break;
    case 21:
        c->denoise.block_length = 8;
        break;
    }
}

static void test_pattern_cache_path__depends_on_everything(void **state) {
    (void)state;
    char *paths[CHANGES + 1];
    for (int i = 0; i <= CHANGES; i++) {
        cached_run c;
        new_run(&c);
        if (i < CHANGES)
            change(&c, i);
        paths[i] = path_of(&c);
        for (int j = 0; j < i; j++)
            if (strcmp(paths[i], paths[j]) == 0)
                fail_msg("changes %d and %d give one key", j, i);
    }
    for (int i = 0; i <= CHANGES; i++)
        free(paths[i]);
}

/* ---- the folder ---- */

static void test_pattern_cache_open__makes_the_folder_once(void **state) {
    test_folder *folder = *state;
    tool_error error = {0};
    struct stat info;
    const char *path = test_folder_path(folder, "cache");
    assert_true(pattern_cache_open(path, &error));
    assert_true(pattern_cache_open(path, &error));
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(rmdir(path), 0);
}

static void test_pattern_cache_open__names_what_is_no_folder(void **state) {
    test_folder *folder = *state;
    tool_error error = {0};
    test_folder_write_text(folder, "file", "text");
    assert_false(pattern_cache_open(test_folder_path(folder, "file"), &error));
    assert_non_null(strstr(error.text, "file: is there, but is no folder"));
    assert_false(pattern_cache_open(test_folder_path(folder, "file/a/b"), &error));
    assert_non_null(strstr(error.text, "file/a/b: cannot make "));
    assert_non_null(strstr(error.text, "file/a: Not a directory"));
    const char *link = test_folder_path(folder, "link");
    assert_int_equal(symlink("absent", link), 0);
    assert_false(pattern_cache_open(link, &error));
    assert_non_null(strstr(error.text, "link: is there, but is no folder"));
}

/* What is missing above it is its owner's alone. */
static void test_pattern_cache_open__makes_what_is_missing_above(void **state) {
    test_folder *folder = *state;
    tool_error error = {0};
    struct stat info;
    static const char *const names[] = {"a//b/c/", "a//b/c", "a/b", "a"};
    if (!pattern_cache_open(test_folder_path(folder, names[0]), &error))
        fail_msg("%s", error.text);
    assert_true(pattern_cache_open(test_folder_path(folder, names[1]), &error));
    for (size_t i = 1; i < sizeof names / sizeof *names; i++) {
        const char *path = test_folder_path(folder, names[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_true(S_ISDIR(info.st_mode));
        if (i > 1)
            assert_int_equal(info.st_mode & 0777, 0700);
        assert_int_equal(rmdir(path), 0);
    }
}

/* ---- finding ---- */

/* A set as the run would save it, with no blocks kept. */
static sparsed_pattern_set *set_of(const cached_run *c, uint32_t step) {
    sparsed_desc d = desc_of();
    const sparsed_select *s = &c->plan.select;
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = 1,
                                       .heads = d.heads,
                                       .block_q = s->block_q,
                                       .block_k = s->block_k,
                                       .mode = s->mode,
                                       .step = step,
                                       .q_len = LEN,
                                       .kv_len = LEN,
                                       .gen_len = GEN_LENGTH,
                                       .ratio = s->ratio,
                                       .score_scale = 0.25, /* 1 / sqrt(16) */
                                       .kv_heads = d.kv_heads,
                                       .head_dim = d.head_dim,
                                       .dtype = SPARSED_F32};
    const sparsed_pattern_set_info run = {.struct_size = sizeof run,
                                          .model_layers = LAYERS,
                                          .steps = c->denoise.steps,
                                          .skip = c->plan.skip,
                                          .schedule = c->plan.schedule,
                                          .model = c->run.model,
                                          .prompt = c->run.prompt};
    const uint64_t bits[2 * 4] = {0};
    const uint32_t layers[LAYERS] = {0, 1};
    sparsed_pattern *pattern;
    sparsed_pattern_set *set = NULL;
    sparsed_message message;
    if (sparsed_pattern_from_bits(&info, bits, NULL, &pattern, &message) != SPARSED_OK ||
        sparsed_pattern_set_create(&run, (sparsed_pattern *[]){pattern, pattern}, layers, LAYERS,
                                   NULL, &set, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    sparsed_pattern_release(pattern);
    return set;
}

static void save_set(const cached_run *c, uint32_t step, const char *path) {
    sparsed_pattern_set *set = set_of(c, step);
    sparsed_message message;
    if (sparsed_pattern_set_save(set, path, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    sparsed_pattern_set_release(set);
}

static sparsed_pattern_set *find(const cached_run *c, const char *path, tool_error *error) {
    sparsed_desc desc = desc_of();
    memset(error->text, 'x', sizeof error->text - 1);
    return pattern_cache_find(path, &c->run, &desc, LAYERS, STEP, error);
}

static void test_pattern_cache_find__gives_what_the_run_saved(void **state) {
    test_folder *folder = *state;
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    tool_error error = {0};
    cached_run c;
    new_run(&c);
    const char *path = test_folder_path(folder, "one.spdp");
    assert_null(find(&c, path, &error));
    assert_string_equal(error.text, ""); /* absent: nothing is wrong */
    save_set(&c, STEP, path);
    sparsed_pattern_set *set = find(&c, path, &error);
    if (!set)
        fail_msg("%s", error.text);
    assert_int_equal(sparsed_pattern_set_describe(set, &info, NULL), SPARSED_OK);
    assert_int_equal(info.patterns, LAYERS);
    sparsed_pattern_set_release(set);
}

static void expect_refusal(const cached_run *c, const char *path, const char *why) {
    tool_error error = {0};
    assert_null(find(c, path, &error));
    if (!strstr(error.text, why))
        fail_msg("\"%s\" does not say \"%s\"", error.text, why);
    if (!strstr(error.text, "one.spdp"))
        fail_msg("\"%s\" does not name the file", error.text);
}

/* A file of another run under this run's name. */
static void test_pattern_cache_find__names_what_differs(void **state) {
    test_folder *folder = *state;
    const char *path = test_folder_path(folder, "one.spdp");
    static const struct {
        int change;
        const char *why;
    } cases[] = {{0, "model"},
                 {3, "prompt"},
                 {5, "schedule is 'upstream'"},
                 {6, "skip is 0.2, the run's is 0.25"},
                 {8, "mode"},
                 {9, "ratio"},
                 {10, "block_q"},
                 {11, "block_k"},
                 {12, "score_reduce"},
                 {13, "flags"},
                 {16, "always"},
                 {17, "score_scale"},
                 {18, "gen_len"},
                 {19, "steps is 16"}};
    cached_run c;
    new_run(&c);
    save_set(&c, STEP, path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        new_run(&c);
        change(&c, cases[i].change);
        expect_refusal(&c, path, cases[i].why);
    }
    new_run(&c);
    save_set(&c, STEP - 1, path);
    expect_refusal(&c, path, "step");
}

static void test_pattern_cache_find__names_damage(void **state) {
    test_folder *folder = *state;
    size_t size;
    cached_run c;
    new_run(&c);
    save_set(&c, STEP, test_folder_path(folder, "one.spdp"));
    char *bytes = test_file_read(test_folder_path(folder, "one.spdp"), &size);
    bytes[size / 2] ^= 1;
    test_folder_write(folder, "one.spdp", bytes, size);
    expect_refusal(&c, test_folder_path(folder, "one.spdp"), "damaged");
    bytes[size / 2] ^= 1;
    test_folder_write(folder, "one.spdp", bytes, size - 1);
    expect_refusal(&c, test_folder_path(folder, "one.spdp"), "");
    test_folder_write(folder, "one.spdp", bytes, 0);
    expect_refusal(&c, test_folder_path(folder, "one.spdp"), "");
    free(bytes);
}

static void test_pattern_cache_leave_out_builds__keeps_the_rest(void **state) {
    (void)state;
    sparsed_schedule_entry entries[4] = {{SPARSED_DENSE, 0, 0.0},
                                         {SPARSED_DENSE_BUILD, 0, 0.0},
                                         {SPARSED_SPARSE, 0, 0.0},
                                         {SPARSED_BUILD_SPARSE, 0, 0.0}};
    pattern_cache_leave_out_builds(entries, 4);
    assert_int_equal(entries[0].op, SPARSED_DENSE);
    assert_int_equal(entries[1].op, SPARSED_DENSE);
    assert_int_equal(entries[2].op, SPARSED_SPARSE);
    assert_int_equal(entries[3].op, SPARSED_SPARSE);
}

/* ---- fingerprints ---- */

static sparsed_fingerprint fingerprint_of(const test_folder *folder) {
    sparsed_fingerprint f;
    tool_error error;
    if (!model_fingerprint(folder->path, &f, &error))
        fail_msg("%s", error.text);
    assert_true(f.low != 0 || f.high != 0);
    return f;
}

static bool same(sparsed_fingerprint a, sparsed_fingerprint b) {
    return a.low == b.low && a.high == b.high;
}

static void write_shard(test_folder *folder, const char *file, const char *name, float value) {
    const float data[2] = {1.0f, value};
    const safetensors_tensor tensor = {.name = name,
                                       .dtype = SAFETENSORS_F32,
                                       .rank = 1,
                                       .shape = {2},
                                       .data = data,
                                       .size_bytes = sizeof data};
    tool_error error;
    if (!safetensors_write(test_folder_path(folder, file), &tensor, 1, NULL, NULL, 0, &error))
        fail_msg("%s", error.text);
}

static void test_model_fingerprint__depends_on_config_and_weights_alone(void **state) {
    test_folder *folder = *state;
    test_folder_write_text(folder, "config.json", "{}");
    write_shard(folder, "model.safetensors", "weight", 2.0f);
    sparsed_fingerprint first = fingerprint_of(folder);
    test_folder_write_text(folder, "tokenizer.json", "{}");
    assert_true(same(first, fingerprint_of(folder)));
    write_shard(folder, "model.safetensors", "weight", 3.0f);
    assert_false(same(first, fingerprint_of(folder)));
    write_shard(folder, "model.safetensors", "weights", 2.0f);
    assert_false(same(first, fingerprint_of(folder)));
    write_shard(folder, "model.safetensors", "weight", 2.0f);
    assert_true(same(first, fingerprint_of(folder)));
    test_folder_write_text(folder, "config.json", "{ }");
    assert_false(same(first, fingerprint_of(folder)));
}

static void test_model_fingerprint__covers_every_shard(void **state) {
    test_folder *folder = *state;
    test_folder_write_text(folder, "config.json", "{}");
    test_folder_write_text(folder, "model.safetensors.index.json",
                           "{\"weight_map\": {\"b\": \"two\", \"a\": \"one\", \"c\": \"two\"}}");
    write_shard(folder, "one", "a", 2.0f);
    write_shard(folder, "two", "b", 2.0f);
    sparsed_fingerprint first = fingerprint_of(folder);
    write_shard(folder, "one", "a", 3.0f);
    assert_false(same(first, fingerprint_of(folder)));
    write_shard(folder, "one", "a", 2.0f);
    write_shard(folder, "two", "b", 3.0f);
    assert_false(same(first, fingerprint_of(folder)));
    write_shard(folder, "two", "b", 2.0f);
    /* The order of the index plays no part. */
    test_folder_write_text(folder, "model.safetensors.index.json",
                           "{\"weight_map\": {\"a\": \"one\", \"c\": \"two\", \"b\": \"two\"}}");
    assert_true(same(first, fingerprint_of(folder)));
}

static void test_model_fingerprint__names_a_missing_file(void **state) {
    test_folder *folder = *state;
    sparsed_fingerprint f;
    tool_error error = {0};
    assert_false(model_fingerprint(folder->path, &f, &error));
    assert_non_null(strstr(error.text, "config.json"));
    test_folder_write_text(folder, "config.json", "{}");
    assert_false(model_fingerprint(folder->path, &f, &error));
    assert_non_null(strstr(error.text, "model.safetensors"));
}

static void test_prompt_fingerprint__depends_on_every_token(void **state) {
    (void)state;
    uint32_t ids[3] = {1, 2, 3};
    const dlm_prompt prompt = {ids, 3}, shorter = {ids, 2};
    sparsed_fingerprint first = prompt_fingerprint(&prompt);
    assert_false(same(first, prompt_fingerprint(&shorter)));
    ids[2] = 4;
    assert_false(same(first, prompt_fingerprint(&prompt)));
    ids[2] = 3;
    assert_true(same(first, prompt_fingerprint(&prompt)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_cache_path__is_32_digits_in_the_folder),
        cmocka_unit_test(test_pattern_cache_path__depends_on_everything),
        TEST_IN_FOLDER(test_pattern_cache_open__makes_the_folder_once),
        TEST_IN_FOLDER(test_pattern_cache_open__names_what_is_no_folder),
        TEST_IN_FOLDER(test_pattern_cache_open__makes_what_is_missing_above),
        TEST_IN_FOLDER(test_pattern_cache_find__gives_what_the_run_saved),
        TEST_IN_FOLDER(test_pattern_cache_find__names_what_differs),
        TEST_IN_FOLDER(test_pattern_cache_find__names_damage),
        cmocka_unit_test(test_pattern_cache_leave_out_builds__keeps_the_rest),
        TEST_IN_FOLDER(test_model_fingerprint__depends_on_config_and_weights_alone),
        TEST_IN_FOLDER(test_model_fingerprint__covers_every_shard),
        TEST_IN_FOLDER(test_model_fingerprint__names_a_missing_file),
        cmocka_unit_test(test_prompt_fingerprint__depends_on_every_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
