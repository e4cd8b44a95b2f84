/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed attend`: one attention problem from a file, its results to a file. */
#include <sparsed/pattern.h>
#include <sparsed/sparsed.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attend_input.h"
#include "commands.h"
#include "crossover_table.h"
#include "device_options.h"
#include "json_print.h"
#include "selection.h"
#include "storage_convert.h"

typedef struct attend_options {
    const char *input, *output, *attention, *dtype;
    uint64_t gen_length;
    bool gen_length_given, scale_given, json;
    double scale;
    selection_options selection;
    device_options device;
} attend_options;

/* Everything one run holds. */
typedef struct attend_run {
    attend_input in;
    bool with_pattern; /* sparsed, window or streaming; auto: until it stays dense */
    bool is_auto;
    sparsed_crossover_choice choice; /* of auto */
    sparsed_select select;
    sparsed_context *context;
    sparsed_plan *plan;
    sparsed_kept *kept;
    sparsed_pattern *pattern;
    sparsed_plan_info plan_info;
    sparsed_pattern_info pattern_info;
    float *dense_out, *lse, *scores, *sparse_out;
    uint8_t *mask;
} attend_run;

static void add_options(attend_options *o, cli_options *list) {
    *o = (attend_options){.attention = "sparsed"};
    cli_add(list,
            (cli_option){"input", CLI_STRING, &o->input, NULL, "FILE",
                         "safetensors: q [B,H,Lq,D], k and v [B,Hk,Lk,D] (F32, F16 or BF16; 3 "
                         "dimensions: batch 1), optional valid_start and valid_end I64 [B]"});
    cli_add(list,
            (cli_option){"output", CLI_STRING, &o->output, NULL, "FILE",
                         "safetensors to write, F32: dense_out, lse; with a pattern "
                         "block_scores (the ranking over all keys), block_mask (U8), sparse_out"});
    cli_add(list, (cli_option){"attention", CLI_STRING, &o->attention, NULL, "METHOD",
                               "dense, sparsed, window, streaming, or auto: sparsed, but dense "
                               "where that is as fast (sparsed)"});
    cli_add(list, (cli_option){"gen-length", CLI_UINT, &o->gen_length, &o->gen_length_given, "N",
                               "the last N rows are the generation region; needed for sparsed "
                               "and auto"});
    cli_add(list, (cli_option){"scale", CLI_REAL, &o->scale, &o->scale_given, "X",
                               "scale of the attention's logits (1/sqrt(D))"});
    cli_add(list, (cli_option){"dtype", CLI_STRING, &o->dtype, NULL, "TYPE",
                               "what attention stores: f32, f16 or bf16 (as the file)"});
    selection_add_options(
        &o->selection,
        "paper, upstream-dream, upstream-llada or joint; needed for sparsed and auto", list);
    device_add_options(&o->device, list);
    cli_add(list, (cli_option){"json", CLI_FLAG, &o->json, NULL, NULL,
                               "tell kernel, sizes and density as one JSON object"});
}

static bool check_options(const attend_options *o, uint32_t *mode, tool_error *error) {
    bool sparsed = strcmp(o->attention, "sparsed") == 0 || strcmp(o->attention, "auto") == 0;
    *mode = strcmp(o->attention, "window") == 0      ? SPARSED_MODE_WINDOW
            : strcmp(o->attention, "streaming") == 0 ? SPARSED_MODE_STREAMING
                                                     : 0;
    if (!o->input || !o->output)
        return tool_fail_usage(error, "--%s is missing", o->input ? "output" : "input");
    if (!sparsed && *mode == 0 && strcmp(o->attention, "dense") != 0)
        return tool_fail_usage(error,
                               "--attention is '%s', not dense, sparsed, window, streaming or auto",
                               o->attention);
    if (sparsed && (!o->selection.mode || !o->gen_length_given))
        return tool_fail_usage(error,
                               "--%s is missing (only --attention dense, window and "
                               "streaming go without)",
                               o->selection.mode ? "gen-length" : "mode");
    if (!selection_check_used(&o->selection, sparsed, *mode == SPARSED_MODE_WINDOW,
                              *mode == SPARSED_MODE_STREAMING, o->attention, error))
        return false;
    if (o->scale_given && o->scale <= 0.0)
        return tool_fail_usage(error, "--scale is %g, not above 0", o->scale);
    return true;
}

/* Writing over the input would lose it. */
static bool check_output(const attend_options *o, tool_error *error) {
    struct stat input, output;
    if (stat(o->input, &input) == 0 && stat(o->output, &output) == 0 &&
        input.st_dev == output.st_dev && input.st_ino == output.st_ino)
        return tool_fail_usage(error, "--output %s is the --input file", o->output);
    return true;
}

static bool make_selection(const attend_options *o, uint32_t mode, attend_run *run,
                           tool_error *error) {
    run->with_pattern = strcmp(o->attention, "dense") != 0;
    run->is_auto = strcmp(o->attention, "auto") == 0;
    if (!selection_make(&o->selection, mode ? mode : SPARSED_MODE_PAPER, &run->select, error))
        return false;
    uint64_t len = run->in.desc.kv_len;
    if (o->gen_length > len)
        return tool_fail_usage(error, "--gen-length is %llu, but there are %llu key rows",
                               (unsigned long long)o->gen_length, (unsigned long long)len);
    run->select.gen_len = o->gen_length;
    run->select.sinks = mode == SPARSED_MODE_STREAMING ? o->selection.sinks : 0;
    run->select.window = o->selection.window_given
                             ? o->selection.window
                             : sparsed_fixed_window(len, run->select.sinks, run->select.ratio);
    return true;
}

static bool allocate(attend_run *run, tool_error *error) {
    const sparsed_desc *d = &run->in.desc;
    size_t rows = (size_t)d->batch * d->heads * (size_t)d->q_len;
    size_t blocks = (size_t)d->batch * d->heads * (size_t)run->plan_info.q_blocks *
                    (size_t)run->plan_info.k_blocks;
    run->dense_out = calloc(rows * d->head_dim, sizeof(float));
    run->lse = calloc(rows, sizeof(float));
    run->sparse_out = calloc(run->with_pattern ? rows * d->head_dim : 1, sizeof(float));
    run->scores = calloc(blocks ? 2 * blocks : 1, sizeof(float)); /* room for both rankings */
    run->mask = calloc(blocks ? blocks : 1, 1);
    return run->dense_out && run->lse && run->sparse_out && run->scores && run->mask
               ? true
               : tool_fail(error, "out of memory for %zu rows of results", rows);
}

/* Auto: what stays dense gets a plan of dense attention alone. */
static bool choose(attend_run *run, tool_error *error) {
    sparsed_context *c = run->context;
    crossover_table table;
    run->choice.struct_size = sizeof run->choice;
    if (!crossover_table_load(&table, error))
        return false;
    bool done =
        device_check(c, sparsed_crossover_choose(run->plan, &table.table, &run->choice), error);
    crossover_table_free(&table);
    if (!done || !run->choice.dense)
        return done;
    run->with_pattern = false;
    sparsed_plan_destroy(run->plan);
    run->plan = NULL;
    return device_check(c, sparsed_plan_create(c, &run->in.desc, NULL, &run->plan), error);
}

static bool prepare(const attend_options *o, attend_run *run, tool_error *error) {
    run->in.desc.scale = o->scale;
    run->plan_info.struct_size = sizeof run->plan_info;
    run->pattern_info.struct_size = sizeof run->pattern_info;
    run->context = device_open(&o->device, error);
    if (!run->context)
        return false;
    sparsed_context *c = run->context;
    const sparsed_select *select = run->with_pattern ? &run->select : NULL;
    return device_check(c, sparsed_plan_create(c, &run->in.desc, select, &run->plan), error) &&
           (!run->is_auto || choose(run, error)) &&
           device_check(c, sparsed_plan_describe(run->plan, &run->plan_info), error) &&
           (!run->with_pattern ||
            device_check(c, sparsed_kept_create(run->plan, &run->kept), error)) &&
           allocate(run, error);
}

static bool compute(attend_run *run, tool_error *error) {
    sparsed_context *c = run->context;
    bool scored = run->select.mode <= SPARSED_MODE_JOINT;
    /* The library only reads q, k and v. */
    sparsed_io io = {.struct_size = sizeof io,
                     .q.mem = (void *)run->in.q,
                     .k.mem = (void *)run->in.k,
                     .v.mem = (void *)run->in.v,
                     .out.mem = run->dense_out,
                     .lse.mem = run->lse,
                     .valid_start = run->in.valid_start,
                     .valid_end = run->in.valid_end};
    if (!run->with_pattern)
        return device_check(c, sparsed_plan_run(run->plan, SPARSED_DENSE, &io, NULL), error);
    io.scores.mem = scored ? run->scores : NULL;
    if (!device_check(c, sparsed_plan_run(run->plan, SPARSED_DENSE_BUILD, &io, run->kept), error))
        return false;
    io.out.mem = run->sparse_out;
    io.lse.mem = io.scores.mem = NULL;
    return device_check(c, sparsed_plan_run(run->plan, SPARSED_SPARSE, &io, run->kept), error) &&
           device_check(c, sparsed_kept_get(run->kept, &run->pattern), error) &&
           device_check(c, sparsed_pattern_to_mask(run->pattern, run->mask), error) &&
           device_check(c, sparsed_pattern_describe(run->pattern, &run->pattern_info), error);
}

static safetensors_tensor tensor(const char *name, safetensors_dtype dtype, uint32_t rank,
                                 const uint64_t shape[4], const void *data) {
    safetensors_tensor t = {.name = name,
                            .dtype = dtype,
                            .rank = rank,
                            .data = data,
                            .size_bytes = safetensors_dtype_bytes(dtype)};
    for (uint32_t i = 0; i < rank; i++) {
        t.shape[i] = shape[i];
        t.size_bytes *= shape[i];
    }
    return t;
}

/* The method that ran. */
static const char *ran(const attend_options *o, const attend_run *run) {
    return !run->is_auto ? o->attention : run->with_pattern ? "sparsed" : "dense";
}

static bool write_output(const attend_options *o, const attend_run *run, tool_error *error) {
    const sparsed_desc *d = &run->in.desc;
    const uint64_t rows[4] = {d->batch, d->heads, d->q_len, d->head_dim};
    const uint64_t blocks[4] = {d->batch, d->heads, run->plan_info.q_blocks,
                                run->plan_info.k_blocks};
    safetensors_tensor tensors[5];
    size_t n = 0;
    tensors[n++] = tensor("dense_out", SAFETENSORS_F32, 4, rows, run->dense_out);
    tensors[n++] = tensor("lse", SAFETENSORS_F32, 3, rows, run->lse);
    if (run->with_pattern && run->select.mode <= SPARSED_MODE_JOINT)
        tensors[n++] = tensor("block_scores", SAFETENSORS_F32, 4, blocks, run->scores);
    if (run->with_pattern) {
        tensors[n++] = tensor("block_mask", SAFETENSORS_U8, 4, blocks, run->mask);
        tensors[n++] = tensor("sparse_out", SAFETENSORS_F32, 4, rows, run->sparse_out);
    }
    const char *const keys[] = {"kernel", "attention", "dtype"};
    const char *const values[] = {run->plan_info.kernel, ran(o, run),
                                  storage_name((sparsed_dtype)d->dtype)};
    return safetensors_write(o->output, tensors, n, keys, values, 3, error);
}

static bool report(const attend_options *o, const attend_run *run, tool_error *error) {
    const sparsed_desc *d = &run->in.desc;
    sparsed_device_info device = {.struct_size = sizeof device};
    if (!o->json && run->is_auto)
        fprintf(stderr, "auto: %s\n", run->choice.reason);
    if (!o->json)
        return true;
    if (!device_check(run->context, sparsed_context_device(run->context, &device), error))
        return false;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "device", device.selector);
    cJSON_AddStringToObject(root, "kernel", run->plan_info.kernel);
    cJSON_AddStringToObject(root, "attention", o->attention);
    if (run->is_auto)
        crossover_choice_json(&run->choice, root);
    cJSON_AddStringToObject(root, "dtype", storage_name((sparsed_dtype)d->dtype));
    device_units_json(&device, root);
    cJSON_AddNumberToObject(root, "scratch_bytes", (double)run->plan_info.scratch_bytes);
    if (run->with_pattern) {
        cJSON_AddStringToObject(root, "mode", selection_mode_name(run->select.mode));
        cJSON_AddNumberToObject(root, "kept_blocks", (double)run->pattern_info.kept_blocks);
        cJSON_AddNumberToObject(root, "density", sparsed_pattern_density(run->pattern, UINT32_MAX));
    }
    return json_print(root, error);
}

static void release(attend_run *run) {
    sparsed_pattern_release(run->pattern);
    sparsed_kept_destroy(run->kept);
    sparsed_plan_destroy(run->plan);
    sparsed_context_destroy(run->context);
    free(run->dense_out);
    free(run->lse);
    free(run->scores);
    free(run->sparse_out);
    free(run->mask);
    attend_input_close(&run->in);
}

bool command_attend(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    attend_options o;
    bool help;
    uint32_t mode;
    sparsed_dtype dtype = 0;
    add_options(&o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        printf("usage: sparsed attend --input F.safetensors --output G.safetensors [OPTIONS]\n\n"
               "Dense attention, block pattern and sparse attention of one problem.\n\n");
        cli_print_options(&list, stdout);
        return true;
    }
    if (!check_options(&o, &mode, error) || (o.dtype && !storage_parse(o.dtype, &dtype, error)))
        return false;
    attend_run run = {.with_pattern = false};
    bool done = check_output(&o, error) && attend_input_open(o.input, dtype, &run.in, error) &&
                make_selection(&o, mode, &run, error) && prepare(&o, &run, error) &&
                compute(&run, error) && write_output(&o, &run, error) && report(&o, &run, error);
    release(&run);
    return done;
}
