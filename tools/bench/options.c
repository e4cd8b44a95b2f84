/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "selection.h"
#include "storage_convert.h"

enum { MAX_HEADS = 4096, MAX_HEAD_DIM = 256, MAX_LENGTH = 1 << 24, MAX_LAYERS = 65536 };
enum { MAX_STEPS = 1 << 20 };

static const char *const pattern_names[] = {
    [BENCH_BUILT] = "built", [BENCH_RANDOM] = "random", [BENCH_SHARED] = "shared"};

const char *bench_pattern_name(bench_pattern pattern) {
    return pattern_names[pattern];
}

/* ---- the list ---- */

static void add_problem_options(bench_options *o, cli_options *list) {
    bench_words *w = &o->words;
    const cli_option options[] = {
        {"shape", CLI_STRING, &w->shapes, NULL, "LIST",
         "attention of models: llada-8b, dream-7b, tiny (llada-8b)"},
        {"heads", CLI_UINT, &w->heads, &w->heads_given, "N",
         "query heads of a shape by hand, instead of --shape"},
        {"kv-heads", CLI_UINT, &w->kv_heads, &w->kv_heads_given, "N",
         "its key and value heads (as many)"},
        {"dim", CLI_UINT, &w->head_dim, &w->head_dim_given, "N", "its head dimension (128)"},
        {"layers", CLI_UINT, &w->layers, &w->layers_given, "N",
         "layers of the model, for schedules (the shape's; 32 by hand)"},
        {"dtype", CLI_STRING, &w->dtypes, NULL, "LIST", "storage: f32, f16, bf16 (bf16)"},
        {"length", CLI_STRING, &w->lengths, NULL, "LIST",
         "query and key rows (1024,2048,4096; with --tune 64,128,256,512,1024,2048,4096); below "
         "16777216"},
        {"gen-length", CLI_UINT, &w->gen_length, &w->gen_length_given, "N",
         "rows of the generation region (a 16th of all)"},
        {"select", CLI_STRING, &w->ratios, NULL, "LIST",
         "shares of the key blocks to keep, each in (0, 1] (0.3; with --tune 0.3,0.5)"},
        {"block-size", CLI_STRING, &w->blocks, NULL, "LIST",
         "query x key rows of blocks, each 16, 32, 64 or 128: 128x32, or 32 for 32x32 (128x32; "
         "with --tune 32,128x32,128)"},
        {"mode", CLI_STRING, &w->mode, NULL, "MODE",
         "ranking of the blocks: paper, upstream-dream, upstream-llada or joint (the model's; "
         "upstream-dream by hand)"},
        {"pattern", CLI_STRING, &w->pattern, NULL, "KIND",
         "what sparse passes attend over: built, what a build chose; random, so many random key "
         "blocks for each query block; shared, the same ones for 128 query rows (built)"}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        cli_add(list, options[i]);
}

static void add_schedule_options(bench_options *o, cli_options *list) {
    bench_words *w = &o->words;
    const cli_option options[] = {
        {"schedule", CLI_STRING, &o->schedule, NULL, "NAME",
         "preset by which a whole run is composed of the passes (upstream)"},
        {"steps", CLI_UINT, &w->steps, NULL, "T", "its denoising steps (128)"},
        {"skip", CLI_REAL, &o->skip, NULL, "X", "share of the steps before the build (0.2)"},
        {"rest-ms", CLI_STRING, &w->rest_ms, NULL, "LIST",
         "milliseconds that all the rest of a layer takes in a step, one number or one for each "
         "length: estimates what the model gains as a whole"},
        {"run-schedule", CLI_FLAG, &o->run_schedule, NULL, NULL,
         "run the attention of the whole schedule too, all steps and layers, instead of composing "
         "it alone"},
        {"limit-steps", CLI_UINT, &w->limit_steps, &w->limit_steps_given, "N",
         "with --run-schedule: only the first N steps of each kind"}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        cli_add(list, options[i]);
}

static void add_run_options(bench_options *o, cli_options *list) {
    bench_words *w = &o->words;
    const cli_option options[] = {
        {"rounds", CLI_UINT, &w->rounds, NULL, "N", "timed runs of each pass, at most (9)"},
        {"warm-up", CLI_UINT, &w->warm_up, NULL, "N", "runs before them that do not count (1)"},
        {"seconds", CLI_REAL, &o->seconds, NULL, "X",
         "of a problem, no more rounds after so long, but three (10)"},
        {"tune", CLI_FLAG, &o->tune, NULL, NULL,
         "store from which length on sparse passes pay in this user's table, by which `--attention "
         "auto` stays dense on this machine"},
        {"host-tensors", CLI_FLAG, &o->host_tensors, NULL, NULL,
         "on OpenCL devices: tensors in host memory, and times with their copies"},
        {"baseline", CLI_STRING, &o->baseline, NULL, "FILE",
         "compare with an earlier run's --json"},
        {"peers", CLI_STRING, &o->peers, NULL, "FILE",
         "other libraries' figures into the same tables, from tools/peers"},
        {"serve", CLI_FLAG, &o->serve, NULL, NULL,
         "for a program that times another library in turns: one problem, one selection; prints "
         "\"ready\", kernel, density and bytes of scratch, then for each line of standard input "
         "that names a pass its milliseconds"},
        {"html", CLI_STRING, &o->html, NULL, "FILE", "write a page with plots (.html) as well"},
        {"csv", CLI_FLAG, &o->csv, NULL, NULL, "print CSV, a line a pass"},
        {"json", CLI_FLAG, &o->json, NULL, NULL, "print one JSON object"}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        cli_add(list, options[i]);
}

void bench_add_options(bench_options *options, cli_options *list) {
    *options = (bench_options){.words = {.shapes = NULL,
                                         .dtypes = "bf16",
                                         .pattern = "built",
                                         .head_dim = 128,
                                         .layers = 32,
                                         .rounds = 9,
                                         .warm_up = 1,
                                         .steps = 128},
                               .schedule = "upstream",
                               .skip = 0.2,
                               .seconds = 10.0};
    device_add_options(&options->device, list);
    options->device.takes_all = true;
    cli_set_help(
        list, "device",
        "all, auto, cpu or opencl[:PLATFORM[:DEVICE]], each a number or a part of its name: "
        "opencl:NVIDIA (SPARSED_DEVICE, else auto)");
    add_problem_options(options, list);
    add_schedule_options(options, list);
    add_run_options(options, list);
}

/* ---- lists of words ---- */

typedef bool take_word(bench_options *o, const char *word, tool_error *error);

/* Hands over each word between the commas. */
static bool take_words(bench_options *o, const char *option, const char *text, take_word *take,
                       tool_error *error) {
    for (const char *at = text;; at++) {
        char word[32];
        const size_t length = strcspn(at, ",");
        if (length == 0 || length >= sizeof word)
            return tool_fail_usage(error, "--%s is '%s', not a list of names with commas", option,
                                   text);
        memcpy(word, at, length);
        word[length] = '\0';
        if (!take(o, word, error))
            return false;
        at += length;
        if (!*at)
            return true;
    }
}

static bool take_shape(bench_options *o, const char *word, tool_error *error) {
    const bench_shape *shape = bench_shape_find(word);
    if (!shape)
        return tool_fail_usage(error, "--shape names '%s', not llada-8b, dream-7b or tiny", word);
    for (size_t i = 0; i < o->shape_count; i++)
        if (strcmp(o->shapes[i].name, word) == 0)
            return tool_fail_usage(error, "--shape names %s twice", word);
    if (o->shape_count == BENCH_MAX_SHAPES)
        return tool_fail_usage(error, "--shape names more than %d", BENCH_MAX_SHAPES);
    o->shapes[o->shape_count++] = *shape;
    return true;
}

static bool take_dtype(bench_options *o, const char *word, tool_error *error) {
    sparsed_dtype dtype;
    if (!storage_parse(word, &dtype, error))
        return false;
    for (size_t i = 0; i < o->dtype_count; i++)
        if (o->dtypes[i] == (uint32_t)dtype)
            return tool_fail_usage(error, "--dtype names %s twice", word);
    o->dtypes[o->dtype_count++] = (uint32_t)dtype;
    return true;
}

static bool is_block_size(unsigned long rows) {
    return rows == 16 || rows == 32 || rows == 64 || rows == 128;
}

static bool read_block(const char *word, sparsed_select *select, tool_error *error) {
    char *end;
    const unsigned long block_q = strtoul(word, &end, 10);
    const unsigned long block_k = *end == 'x' ? strtoul(end + 1, &end, 10) : block_q;
    if (word[0] < '1' || word[0] > '9' || *end || !is_block_size(block_q) ||
        !is_block_size(block_k))
        return tool_fail_usage(
            error, "--block-size names '%s', not as 128x32 or 32 with rows of 16, 32, 64 or 128",
            word);
    select->block_q = (uint32_t)block_q;
    select->block_k = (uint32_t)block_k;
    return true;
}

/* Whether no selection is the same: of those before `first` the blocks are others, of those behind it the
 * ratios. */
static bool check_new(const bench_options *o, size_t first, const sparsed_select *select,
                      tool_error *error) {
    for (size_t i = 0; i < o->select_count; i++) {
        const sparsed_select *other = &o->selects[i];
        if (other->block_q != select->block_q || other->block_k != select->block_k ||
            other->ratio < select->ratio || other->ratio > select->ratio)
            continue;
        return i < first ? tool_fail_usage(error, "--block-size names %ux%u twice", select->block_q,
                                           select->block_k)
                         : tool_fail_usage(error, "--select names %g twice", select->ratio);
    }
    return true;
}

/* A selection of these blocks for each ratio. */
static bool take_block(bench_options *o, const char *word, tool_error *error) {
    sparsed_select select = SPARSED_SELECT_INIT;
    real_list ratios;
    if (!read_block(word, &select, error) ||
        !real_list_parse("select", o->words.ratios, &ratios, error))
        return false;
    const size_t first = o->select_count;
    bool done = true;
    for (size_t i = 0; done && i < ratios.count; i++) {
        select.ratio = ratios.numbers[i];
        if (!(select.ratio > 0.0 && select.ratio <= 1.0))
            done = tool_fail_usage(error, "--select is %g, not in (0, 1]", select.ratio);
        else if (!check_new(o, first, &select, error))
            done = false;
        else if (o->select_count == BENCH_MAX_SELECTIONS)
            done = tool_fail_usage(error, "--block-size and --select make more than %d selections",
                                   BENCH_MAX_SELECTIONS);
        else
            o->selects[o->select_count++] = select;
    }
    real_list_free(&ratios);
    return done;
}

/* ---- checks ---- */

static bool check_range(const char *option, uint64_t value, uint64_t least, uint64_t most,
                        tool_error *error) {
    if (value >= least && value <= most)
        return true;
    return tool_fail_usage(error, "--%s is %llu, not %llu to %llu", option,
                           (unsigned long long)value, (unsigned long long)least,
                           (unsigned long long)most);
}

static bool make_shape_by_hand(bench_options *o, tool_error *error) {
    bench_words *w = &o->words;
    if (w->shapes)
        return tool_fail_usage(error, "--heads, --kv-heads and --dim go without --shape");
    if (!w->heads_given)
        return tool_fail_usage(error, "--heads is missing (a shape by hand)");
    if (!w->kv_heads_given)
        w->kv_heads = w->heads;
    if (!check_range("heads", w->heads, 1, MAX_HEADS, error) ||
        !check_range("kv-heads", w->kv_heads, 1, MAX_HEADS, error) ||
        !check_range("dim", w->head_dim, 8, MAX_HEAD_DIM, error))
        return false;
    if (w->heads % w->kv_heads != 0)
        return tool_fail_usage(error, "--heads is %llu, no multiple of --kv-heads %llu",
                               (unsigned long long)w->heads, (unsigned long long)w->kv_heads);
    if (w->head_dim % 8 != 0)
        return tool_fail_usage(error, "--dim is %llu, no multiple of 8",
                               (unsigned long long)w->head_dim);
    o->shapes[o->shape_count++] = (bench_shape){"by hand",
                                                (uint32_t)w->heads,
                                                (uint32_t)w->kv_heads,
                                                (uint32_t)w->head_dim,
                                                (uint32_t)w->layers,
                                                SPARSED_MODE_UPSTREAM_DREAM};
    return true;
}

static bool make_shapes(bench_options *o, tool_error *error) {
    const bench_words *w = &o->words;
    if (!check_range("layers", w->layers, 1, MAX_LAYERS, error))
        return false;
    if (w->heads_given || w->kv_heads_given || w->head_dim_given)
        return make_shape_by_hand(o, error);
    if (!take_words(o, "shape", w->shapes ? w->shapes : "llada-8b", take_shape, error))
        return false;
    for (size_t i = 0; w->layers_given && i < o->shape_count; i++)
        o->shapes[i].layers = (uint32_t)w->layers;
    return true;
}

/* Of a list of numbers alone, whose different ones are at most BENCH_MAX_LENGTHS. */
static bool check_no_length_twice(const char *text, tool_error *error) {
    unsigned long seen[BENCH_MAX_LENGTHS];
    size_t count = 0;
    char *end;
    for (const char *at = text;; at = end + 1) {
        const unsigned long length = strtoul(at, &end, 10);
        for (size_t i = 0; i < count; i++)
            if (seen[i] == length)
                return tool_fail_usage(error, "--length names %lu twice", length);
        seen[count++] = length;
        if (!*end)
            return true;
    }
}

static bool make_lengths(bench_options *o, tool_error *error) {
    const bench_words *w = &o->words;
    if (strcmp(w->lengths, "all") == 0 || strchr(w->lengths, '-'))
        return tool_fail_usage(error, "--length is '%s', not a list such as 1024,4096", w->lengths);
    if (!number_list_parse("length", w->lengths, "1024,4096", MAX_LENGTH, &o->lengths, error))
        return false;
    if (o->lengths.numbers[0] == 0)
        return tool_fail_usage(error, "--length names 0 rows");
    if (o->lengths.count > BENCH_MAX_LENGTHS)
        return tool_fail_usage(error, "--length names %zu lengths, more than %d", o->lengths.count,
                               BENCH_MAX_LENGTHS);
    if (!check_no_length_twice(w->lengths, error))
        return false;
    if (w->gen_length_given && w->gen_length > o->lengths.numbers[0])
        return tool_fail_usage(error, "--gen-length is %llu, above the shortest --length %u",
                               (unsigned long long)w->gen_length, o->lengths.numbers[0]);
    return true;
}

static bool find_pattern(bench_options *o, tool_error *error) {
    for (int i = BENCH_BUILT; i <= BENCH_SHARED; i++)
        if (strcmp(o->words.pattern, pattern_names[i]) == 0) {
            o->pattern = (bench_pattern)i;
            return true;
        }
    return tool_fail_usage(error, "--pattern is '%s', not built, random or shared",
                           o->words.pattern);
}

static bool set_mode(bench_options *o, tool_error *error) {
    selection_options selection = {
        .mode = o->words.mode, .score_reduce = "sum", .ratio = 0.3, .block = 32};
    sparsed_select select;
    if (!o->words.mode)
        return true;
    if (!selection_make(&selection, SPARSED_MODE_UPSTREAM_DREAM, &select, error))
        return false;
    for (size_t i = 0; i < o->shape_count; i++)
        o->shapes[i].mode = select.mode;
    return true;
}

/* Whether lengths that are a list of numbers are given from the shortest to the longest. */
static bool lengths_rise(const char *words, bool *rise, tool_error *error) {
    real_list given;
    if (!real_list_parse("length", words, &given, error))
        return false;
    *rise = true;
    for (size_t i = 1; i < given.count; i++)
        *rise = *rise && given.numbers[i] > given.numbers[i - 1];
    real_list_free(&given);
    return true;
}

static bool make_rest(bench_options *o, tool_error *error) {
    bool rise;
    if (!o->words.rest_ms)
        return true;
    if (!real_list_parse("rest-ms", o->words.rest_ms, &o->rest_ms, error))
        return false;
    for (size_t i = 0; i < o->rest_ms.count; i++)
        if (o->rest_ms.numbers[i] < 0.0)
            return tool_fail_usage(error, "--rest-ms is %g, below 0", o->rest_ms.numbers[i]);
    if (o->rest_ms.count != 1 && o->rest_ms.count != o->lengths.count)
        return tool_fail_usage(error,
                               "--rest-ms has %zu numbers, not 1 or one for each of the %zu "
                               "lengths",
                               o->rest_ms.count, o->lengths.count);
    if (!lengths_rise(o->words.lengths, &rise, error))
        return false;
    if (o->rest_ms.count > 1 && !rise) /* they are measured from the shortest on */
        return tool_fail_usage(error,
                               "--length is '%s', which must rise where --rest-ms has a number "
                               "for each",
                               o->words.lengths);
    return true;
}

/* What would be lost without a word. */
static bool check_together(const bench_options *o, tool_error *error) {
    if (o->html && !file_check_ending("html", o->html, ".html", error))
        return false;
    if (o->json && o->csv)
        return tool_fail_usage(error, "--json and --csv both go to standard output");
    if (o->all_devices && o->device.kernel)
        return tool_fail_usage(error, "--kernel goes with one device, not --device all");
    if (o->words.limit_steps_given && !o->run_schedule)
        return tool_fail_usage(error, "--limit-steps goes with --run-schedule");
    if (o->tune && (o->pattern != BENCH_BUILT || o->host_tensors || o->serve))
        return tool_fail_usage(error,
                               "--tune goes with --pattern built, without --host-tensors and "
                               "--serve");
    if (!o->serve)
        return true;
    if (o->json || o->csv || o->html || o->baseline || o->peers || o->run_schedule)
        return tool_fail_usage(error, "--serve goes without reports and --run-schedule");
    if (o->all_devices || o->shape_count > 1 || o->dtype_count > 1 || o->lengths.count > 1 ||
        o->select_count > 1)
        return tool_fail_usage(error,
                               "--serve takes one device, shape, type, length and selection");
    return true;
}

/* What --tune measures is where sparse passes begin to pay: shorter sequences, and more selections. */
static void set_defaults(bench_options *o) {
    bench_words *w = &o->words;
    if (!w->lengths)
        w->lengths = o->tune ? "64,128,256,512,1024,2048,4096" : "1024,2048,4096";
    if (!w->ratios)
        w->ratios = o->tune ? "0.3,0.5" : "0.3";
    if (!w->blocks)
        w->blocks = o->tune ? "32,128x32,128" : "128x32";
}

bool bench_check_options(bench_options *options, tool_error *error) {
    bench_words *w = &options->words;
    set_defaults(options);
    options->all_devices = options->device.device && strcmp(options->device.device, "all") == 0;
    if (!make_shapes(options, error) || !make_lengths(options, error) ||
        !take_words(options, "dtype", w->dtypes, take_dtype, error) ||
        !take_words(options, "block-size", w->blocks, take_block, error) ||
        !set_mode(options, error) || !find_pattern(options, error) || !make_rest(options, error) ||
        !check_range("rounds", w->rounds, 1, BENCH_MAX_ROUNDS, error) ||
        !check_range("warm-up", w->warm_up, 1, BENCH_MAX_ROUNDS, error) ||
        !check_range("steps", w->steps, 1, MAX_STEPS, error) ||
        (w->limit_steps_given && !check_range("limit-steps", w->limit_steps, 1, MAX_STEPS, error)))
        return false;
    if (!(options->seconds >= 0.0))
        return tool_fail_usage(error, "--seconds is %g, below 0", options->seconds);
    if (!(options->skip >= 0.0 && options->skip <= 1.0))
        return tool_fail_usage(error, "--skip is %g, not in [0, 1]", options->skip);
    return check_together(options, error);
}

void bench_free_options(bench_options *options) {
    number_list_free(&options->lengths);
    real_list_free(&options->rest_ms);
}

/* ---- problems ---- */

sparsed_desc bench_desc(const bench_shape *shape, uint32_t dtype, uint64_t length) {
    return (sparsed_desc){.struct_size = sizeof(sparsed_desc),
                          .dtype = dtype,
                          .batch = 1,
                          .heads = shape->heads,
                          .kv_heads = shape->kv_heads,
                          .head_dim = shape->head_dim,
                          .q_len = length,
                          .kv_len = length};
}

sparsed_select bench_select(const bench_options *options, const bench_shape *shape, uint64_t length,
                            size_t index) {
    sparsed_select select = options->selects[index];
    select.mode = shape->mode;
    select.gen_len = options->words.gen_length_given ? options->words.gen_length : length / 16;
    return select;
}
