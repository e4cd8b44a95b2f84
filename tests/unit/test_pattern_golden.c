/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Pattern files of a writer that shares nothing with the library: tests/patterns/v1. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include <sparsed/pattern.h>

#include "src/hash.h"
#include "src/pattern.h"
#include "support/test_files.h"

/* Files of version 1 stay for ever as they are: names are only added, hashes never change. */
static const struct {
    const char *name;
    uint64_t hash;
} files[] = {
    {"all_records", 0xc22418ae95f2a6eeu},
    {"head_ratios", 0x7049c3e8ceb4966bu},
    {"later_additions", 0xec5d4f0a2f33d3f0u},
    {"llada_padded", 0x4697b3a969bfb2f7u},
    {"minimal", 0xa208e54ad94276ebu},
    {"paper_shard", 0x477eeadfecb19906u},
    {"several_steps", 0x626214f1ef1ee8fbu},
    {"streaming", 0x51baced655345e28u},
    {"upstream_dream_f16", 0x4cc5503076d39c4cu},
    {"upstream_dream_f32", 0x89a98df2fd4d6d7bu},
};
enum { FILES = sizeof files / sizeof files[0] };

typedef struct golden {
    const char *name;
    char path[512];
    char *bytes;
    size_t size_bytes;
    cJSON *meaning;
} golden;

static golden golden_read(const char *name) {
    golden file = {.name = name};
    snprintf(file.path, sizeof file.path, PATTERNS_DIR "/v1/%s.json", name);
    char *text = test_file_read(file.path, NULL);
    file.meaning = cJSON_Parse(text);
    free(text);
    assert_non_null(file.meaning);
    snprintf(file.path, sizeof file.path, PATTERNS_DIR "/v1/%s.spdp", name);
    file.bytes = test_file_read(file.path, &file.size_bytes);
    return file;
}

static void golden_free(golden *file) {
    cJSON_Delete(file->meaning);
    free(file->bytes);
}

static sparsed_pattern_set *load(const golden *file, const char *path, uint32_t flags) {
    const sparsed_load_options options = {.struct_size = sizeof options, .flags = flags};
    sparsed_pattern_set *set;
    sparsed_message message;
    if (sparsed_pattern_set_load(path, &options, &set, &message) != SPARSED_OK)
        fail_msg("%s: %s", file->name, message.text);
    assert_string_equal(message.text, "");
    return set;
}

static sparsed_pattern *take(const golden *file, const sparsed_pattern_set *set, uint32_t index) {
    sparsed_pattern *pattern;
    sparsed_message message;
    if (sparsed_pattern_set_get(set, index, &pattern, &message) != SPARSED_OK)
        fail_msg("%s: pattern %u: %s", file->name, index, message.text);
    return pattern;
}

/* ---- the meaning, field by field ------------------------------------------------------------ */

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* A record that the file has not got counts as one of zeros. */
static double number(const cJSON *object, const char *name) {
    const cJSON *item = member(object, name);
    return item ? item->valuedouble : 0.0;
}

static uint32_t length(const cJSON *array) {
    return (uint32_t)cJSON_GetArraySize(array);
}

static void check_number(const golden *file, const cJSON *object, const char *name, double value) {
    if (number(object, name) != value)
        fail_msg("%s: %s is %.17g, not %.17g", file->name, name, value, number(object, name));
}

static void check_text(const golden *file, const char *name, const char *value) {
    const cJSON *item = member(file->meaning, name);
    const char *expected = item ? item->valuestring : "";
    if (strcmp(value, expected) != 0)
        fail_msg("%s: %s is \"%s\", not \"%s\"", file->name, name, value, expected);
}

static void check_fingerprint(const golden *file, const char *name, sparsed_fingerprint value) {
    const cJSON *words = member(file->meaning, name);
    uint64_t low = 0, high = 0;
    if (words) {
        low = strtoull(cJSON_GetArrayItem(words, 0)->valuestring, NULL, 16);
        high = strtoull(cJSON_GetArrayItem(words, 1)->valuestring, NULL, 16);
    }
    if (value.low != low || value.high != high)
        fail_msg("%s: fingerprint %s differs", file->name, name);
}

static void check_set_info(const golden *file, const sparsed_pattern_set_info *info) {
    const cJSON *run = member(file->meaning, "run");
    assert_int_equal(info->patterns, length(member(file->meaning, "patterns")));
    check_number(file, file->meaning, "model_layers", info->model_layers);
    check_number(file, file->meaning, "first_head", info->first_head);
    check_number(file, file->meaning, "model_heads", info->model_heads);
    check_number(file, run, "steps", info->steps);
    check_number(file, run, "skip", info->skip);
    check_text(file, "schedule", info->schedule);
    check_text(file, "creator", info->creator);
    check_text(file, "tag", info->tag);
    check_fingerprint(file, "model", info->model);
    check_fingerprint(file, "prompt", info->prompt);
}

/* What all patterns of a file have in common. */
static void check_shared(const golden *file, const sparsed_pattern_info *info) {
    const cJSON *all = file->meaning, *select = member(all, "selection");
    const cJSON *attention = member(all, "attention");
    check_number(file, all, "batch", info->batch);
    check_number(file, all, "heads", info->heads);
    check_number(file, all, "block_q", info->block_q);
    check_number(file, all, "block_k", info->block_k);
    check_number(file, all, "q_len", (double)info->q_len);
    check_number(file, all, "kv_len", (double)info->kv_len);
    check_number(file, all, "q_start", (double)info->q_start);
    check_number(file, all, "gen_len", (double)info->gen_len);
    check_number(file, all, "q_blocks", (double)info->q_blocks);
    check_number(file, all, "k_blocks", (double)info->k_blocks);
    check_number(file, select, "mode", info->mode);
    check_number(file, select, "score_reduce", info->score_reduce);
    check_number(file, select, "flags", info->flags);
    check_number(file, select, "always_first", info->always_first);
    check_number(file, select, "score_scale", info->score_scale);
    check_number(file, select, "window", (double)info->window);
    check_number(file, select, "sinks", (double)info->sinks);
    check_number(file, attention, "dtype", info->dtype);
    check_number(file, attention, "head_dim", info->head_dim);
    check_number(file, attention, "kv_heads", info->kv_heads);
    check_number(file, attention, "score_heads", info->score_heads);
    assert_true(info->pattern_flags & SPARSED_PATTERN_Q_START);
}

static void check_ranges(const golden *file, const sparsed_pattern *pattern) {
    const cJSON *batches = member(file->meaning, "batches");
    const uint64_t block_q = (uint64_t)number(file->meaning, "block_q");
    for (uint32_t b = 0; b < length(batches); b++) {
        const cJSON *batch = cJSON_GetArrayItem(batches, (int)b);
        sparsed_pattern_range range = {.struct_size = sizeof range};
        assert_int_equal(sparsed_pattern_batch(pattern, b, &range), SPARSED_OK);
        check_number(file, batch, "key_start", (double)range.key_start);
        check_number(file, batch, "keys", (double)range.keys);
        check_number(file, batch, "query_start", (double)range.query_start);
        check_number(file, batch, "queries", (double)range.queries);
        check_number(file, batch, "query_position", (double)range.query_position);
        check_number(file, batch, "k_blocks", (double)range.k_blocks);
        check_number(file, batch, "split", (double)range.split);
        assert_int_equal(range.q_blocks, (range.queries + block_q - 1) / block_q);
    }
}

/* ---- rows and scores ------------------------------------------------------------------------ */

typedef struct row_at {
    const golden *file;
    const sparsed_pattern *pattern;
    uint32_t batch, head, q_block;
    uint64_t k_blocks;
} row_at;

/* Calls check for each row with what `rows`, [batch][heads][q_blocks], says of it. */
static void each_row(const golden *file, const sparsed_pattern *pattern, const cJSON *rows,
                     void (*check)(const row_at *at, const cJSON *expected)) {
    row_at at = {file, pattern, 0, 0, 0, (uint64_t)number(file->meaning, "k_blocks")};
    for (at.batch = 0; at.batch < length(rows); at.batch++) {
        const cJSON *heads = cJSON_GetArrayItem(rows, (int)at.batch);
        for (at.head = 0; at.head < length(heads); at.head++) {
            const cJSON *blocks = cJSON_GetArrayItem(heads, (int)at.head);
            for (at.q_block = 0; at.q_block < length(blocks); at.q_block++)
                check(&at, cJSON_GetArrayItem(blocks, (int)at.q_block));
        }
    }
}

static void check_row(const row_at *at, const cJSON *expected) {
    uint32_t *blocks = calloc(at->k_blocks, sizeof *blocks);
    uint64_t count;
    assert_non_null(blocks);
    assert_int_equal(
        sparsed_pattern_row(at->pattern, at->batch, at->head, at->q_block, blocks, &count),
        SPARSED_OK);
    bool same = count == length(expected);
    for (uint32_t i = 0; same && i < count; i++)
        same = blocks[i] == cJSON_GetArrayItem(expected, (int)i)->valuedouble;
    free(blocks);
    if (!same)
        fail_msg("%s: batch %u, head %u, query block %u keeps other blocks", at->file->name,
                 at->batch, at->head, at->q_block);
}

/* expected: of key blocks first and on; null is NaN. */
static void check_scores(const row_at *at, uint32_t ranking, uint64_t first,
                         const cJSON *expected) {
    float *scores = calloc(at->k_blocks, sizeof *scores);
    assert_non_null(scores);
    assert_int_equal(
        sparsed_pattern_scores(at->pattern, ranking, at->batch, at->head, at->q_block, scores),
        SPARSED_OK);
    bool same = true;
    for (uint64_t j = 0; j < at->k_blocks; j++) {
        const cJSON *item = j < first ? NULL : cJSON_GetArrayItem(expected, (int)(j - first));
        if (cJSON_IsNull(item))
            same = same && isnan(scores[j]);
        else
            same = same && scores[j] == (item ? item->valuedouble : 0.0);
    }
    free(scores);
    if (!same)
        fail_msg("%s: batch %u, head %u, query block %u has other scores (ranking %u)",
                 at->file->name, at->batch, at->head, at->q_block, ranking);
}

static void check_first_scores(const row_at *at, const cJSON *expected) {
    check_scores(at, 0, 0, expected);
}

static void check_generation_scores(const row_at *at, const cJSON *expected) {
    sparsed_pattern_range range = {.struct_size = sizeof range};
    assert_int_equal(sparsed_pattern_batch(at->pattern, at->batch, &range), SPARSED_OK);
    check_scores(at, 1, range.split, expected);
}

static void check_head_ratios(const golden *file, const sparsed_pattern *pattern,
                              const cJSON *ratios, uint32_t pattern_flags) {
    assert_int_equal((pattern_flags & SPARSED_PATTERN_HEAD_RATIOS) != 0, ratios != NULL);
    assert_int_equal(pattern->ratios != NULL, ratios != NULL);
    for (uint32_t h = 0; h < length(ratios); h++)
        if (pattern->ratios[h] != cJSON_GetArrayItem(ratios, (int)h)->valuedouble)
            fail_msg("%s: head %u has the ratio %.17g", file->name, h, pattern->ratios[h]);
}

/* What the scores give with the ratios that the .json has for that. */
static void check_rethreshold(const golden *file, const sparsed_pattern *pattern,
                              const cJSON *anew) {
    double ratios[16];
    const cJSON *list = member(anew, "ratios");
    for (uint32_t i = 0; i < length(list); i++)
        ratios[i] = cJSON_GetArrayItem(list, (int)i)->valuedouble;
    sparsed_pattern *result;
    sparsed_message message;
    if (sparsed_pattern_rethreshold(pattern, ratios, length(list), &result, &message) != SPARSED_OK)
        fail_msg("%s: %s", file->name, message.text);
    each_row(file, result, member(anew, "rows"), check_row);
    sparsed_pattern_release(result);
}

static void check_pattern(const golden *file, const cJSON *expected,
                          const sparsed_pattern *pattern) {
    sparsed_pattern_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_pattern_describe(pattern, &info), SPARSED_OK);
    check_shared(file, &info);
    check_number(file, expected, "step", info.step);
    check_number(file, expected, "ratio", info.ratio);
    check_number(file, expected, "kept_blocks", (double)info.kept_blocks);
    check_number(file, expected, "kept_blocks", (double)sparsed_pattern_count(pattern, UINT32_MAX));
    check_number(file, expected, "score_dtype", info.score_dtype);
    check_head_ratios(file, pattern, member(expected, "ratios"), info.pattern_flags);
    check_ranges(file, pattern);
    each_row(file, pattern, member(expected, "rows"), check_row);
    each_row(file, pattern, member(expected, "scores"), check_first_scores);
    each_row(file, pattern, member(expected, "generation_scores"), check_generation_scores);
    if (member(expected, "rethresholded"))
        check_rethreshold(file, pattern, member(expected, "rethresholded"));
}

static void check_entry(const golden *file, const cJSON *expected, const sparsed_pattern_set *set,
                        uint32_t index) {
    sparsed_pattern_entry entry = {.struct_size = sizeof entry};
    assert_int_equal(sparsed_pattern_set_entry(set, index, &entry), SPARSED_OK);
    check_number(file, expected, "layer", entry.layer);
    check_number(file, expected, "step", entry.step);
    check_number(file, expected, "ratio", entry.ratio);
    check_number(file, expected, "kept_blocks", (double)entry.kept_blocks);
    check_number(file, expected, "score_dtype", entry.score_dtype);
}

static void check_set(const golden *file, const sparsed_pattern_set *set) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_pattern_info shared = {.struct_size = sizeof shared};
    assert_int_equal(sparsed_pattern_set_describe(set, &info, &shared), SPARSED_OK);
    check_set_info(file, &info);
    check_shared(file, &shared);
    for (uint32_t i = 0; i < info.patterns; i++) {
        const cJSON *expected = cJSON_GetArrayItem(member(file->meaning, "patterns"), (int)i);
        check_entry(file, expected, set, i);
        sparsed_pattern *pattern = take(file, set, i);
        check_pattern(file, expected, pattern);
        sparsed_pattern_release(pattern);
    }
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_pattern_golden__files_are_those_of_the_first_day(void **state) {
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        golden file = golden_read(files[i].name);
        if (spd_hash64(file.bytes, file.size_bytes) != files[i].hash)
            fail_msg("%s is not the file that it was", file.path);
        golden_free(&file);
    }
}

static void check_all_files(uint32_t flags) {
    for (size_t i = 0; i < FILES; i++) {
        golden file = golden_read(files[i].name);
        sparsed_pattern_set *set = load(&file, file.path, flags);
        check_set(&file, set);
        sparsed_pattern_set_release(set);
        golden_free(&file);
    }
}

static void test_pattern_set_load__golden_files_say_what_their_writer_meant(void **state) {
    (void)state;
    check_all_files(0);
}

static void test_pattern_set_load__mapped_golden_files_say_the_same(void **state) {
    (void)state;
    check_all_files(SPARSED_LOAD_MAP);
}

static void save(const golden *file, const sparsed_pattern_set *set, const char *path) {
    sparsed_message message;
    if (sparsed_pattern_set_save(set, path, &message) != SPARSED_OK)
        fail_msg("%s: %s", file->name, message.text);
}

/* Saved again, a file of version 1 has the bytes that it had; of one with later additions the rest
 * stays. */
static void check_saved_again(test_folder *folder, const golden *file, uint32_t flags) {
    const char *path = test_folder_path(folder, "again.spdp");
    sparsed_pattern_set *set = load(file, file->path, flags);
    save(file, set, path);
    sparsed_pattern_set_release(set);
    if (cJSON_IsTrue(member(file->meaning, "writable"))) {
        size_t size_bytes;
        char *bytes = test_file_read(path, &size_bytes);
        if (size_bytes != file->size_bytes || memcmp(bytes, file->bytes, size_bytes) != 0)
            fail_msg("%s: saved again it has other bytes", file->name);
        free(bytes);
    }
    set = load(file, path, 0);
    check_set(file, set);
    sparsed_pattern_set_release(set);
}

static void test_pattern_set_save__gives_the_bytes_of_the_golden_files(void **state) {
    for (size_t i = 0; i < FILES; i++) {
        golden file = golden_read(files[i].name);
        check_saved_again(*state, &file, 0);
        check_saved_again(*state, &file, SPARSED_LOAD_MAP);
        golden_free(&file);
    }
}

/* Everything that a mapped file holds is read before it counts as accepted. */
static sparsed_status read_all(const char *path, uint32_t flags, sparsed_message *message) {
    const sparsed_load_options options = {.struct_size = sizeof options, .flags = flags};
    sparsed_pattern_set *set;
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_status status = sparsed_pattern_set_load(path, &options, &set, message);
    if (status != SPARSED_OK)
        return status;
    sparsed_pattern_set_describe(set, &info, NULL);
    for (uint32_t i = 0; i < info.patterns && status == SPARSED_OK; i++) {
        sparsed_pattern *pattern;
        status = sparsed_pattern_set_get(set, i, &pattern, message);
        sparsed_pattern_release(pattern);
    }
    sparsed_pattern_set_release(set);
    return status;
}

static void check_rejected(const golden *file, const char *path, const char *damage, size_t where) {
    for (uint32_t flags = 0; flags <= SPARSED_LOAD_MAP; flags++) {
        sparsed_message message;
        sparsed_status status = read_all(path, flags, &message);
        if ((status != SPARSED_E_FORMAT && status != SPARSED_E_VERSION &&
             status != SPARSED_E_CHECKSUM) ||
            !strstr(message.text, path))
            fail_msg("%s, %s %zu, flags %u: status %d, \"%s\"", file->name, damage, where, flags,
                     status, message.text);
    }
}

/* A copy of the file that may be damaged in place. */
static int open_copy(test_folder *folder, const golden *file) {
    test_folder_write(folder, "damaged.spdp", file->bytes, file->size_bytes);
    int copy = open(test_folder_path(folder, "damaged.spdp"), O_RDWR);
    assert_true(copy >= 0);
    return copy;
}

static void test_pattern_set_load__every_truncation_of_the_golden_files_is_rejected(void **state) {
    for (size_t i = 0; i < FILES; i++) {
        golden file = golden_read(files[i].name);
        int copy = open_copy(*state, &file);
        for (size_t size = file.size_bytes; size-- > 0;) {
            assert_int_equal(ftruncate(copy, (off_t)size), 0);
            check_rejected(&file, test_folder_path(*state, "damaged.spdp"), "cut to", size);
        }
        close(copy);
        golden_free(&file);
    }
}

static void test_pattern_set_load__an_additional_byte_is_rejected(void **state) {
    for (size_t i = 0; i < FILES; i++) {
        golden file = golden_read(files[i].name);
        int copy = open_copy(*state, &file);
        assert_int_equal(pwrite(copy, "", 1, (off_t)file.size_bytes), 1);
        check_rejected(&file, test_folder_path(*state, "damaged.spdp"), "with a byte at",
                       file.size_bytes);
        close(copy);
        golden_free(&file);
    }
}

static void test_pattern_set_load__every_flipped_bit_of_the_golden_files_is_rejected(void **state) {
    for (size_t i = 0; i < FILES; i++) {
        golden file = golden_read(files[i].name);
        int copy = open_copy(*state, &file);
        const char *path = test_folder_path(*state, "damaged.spdp");
        for (size_t at = 0; at < file.size_bytes; at++) {
            for (int bit = 0; bit < 8; bit++) {
                const char damaged = (char)(file.bytes[at] ^ 1 << bit);
                assert_int_equal(pwrite(copy, &damaged, 1, (off_t)at), 1);
                check_rejected(&file, path, "flipped bit", 8 * at + (size_t)bit);
            }
            assert_int_equal(pwrite(copy, file.bytes + at, 1, (off_t)at), 1);
        }
        close(copy);
        golden_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_golden__files_are_those_of_the_first_day),
        cmocka_unit_test(test_pattern_set_load__golden_files_say_what_their_writer_meant),
        cmocka_unit_test(test_pattern_set_load__mapped_golden_files_say_the_same),
        TEST_IN_FOLDER(test_pattern_set_save__gives_the_bytes_of_the_golden_files),
        TEST_IN_FOLDER(test_pattern_set_load__every_truncation_of_the_golden_files_is_rejected),
        TEST_IN_FOLDER(test_pattern_set_load__an_additional_byte_is_rejected),
        TEST_IN_FOLDER(test_pattern_set_load__every_flipped_bit_of_the_golden_files_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
