/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Patterns from a safetensors file; see exchange.h. Nothing in it is believed unchecked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/size.h"
#include "pattern/built_for.h"
#include "pattern/collection.h"
#include "pattern/exchange.h"
#include "pattern/score_array.h"
#include "safetensors.h"

enum { NAME_BYTES = 64, MAX_BATCH = 65536 };

void exchange_add_mask_options(mask_options *m, cli_options *options) {
    *m = (mask_options){0};
    cli_add(options, (cli_option){"length", CLI_UINT, &m->length, &m->length_given, "N",
                                  "of a mask of another program: its key rows"});
    cli_add(options,
            (cli_option){"query-length", CLI_UINT, &m->query_length, &m->query_length_given, "N",
                         "... its query rows, the last ones (as --length)"});
    cli_add(options, (cli_option){"gen-length", CLI_UINT, &m->gen_length, &m->gen_length_given, "N",
                                  "... rows of the generation region, the last ones"});
    cli_add(options, (cli_option){"block-size", CLI_UINT, &m->block, &m->block_given, "N",
                                  "... rows of query and key blocks: 16, 32, 64 or 128"});
    cli_add(options, (cli_option){"block-size-q", CLI_UINT, &m->block_q, &m->block_q_given, "N",
                                  "... rows of query blocks, instead of --block-size"});
    cli_add(options, (cli_option){"block-size-k", CLI_UINT, &m->block_k, &m->block_k_given, "N",
                                  "... rows of key blocks, instead of --block-size"});
}

const char *exchange_mask_option(const mask_options *m) {
    return m->length_given         ? "length"
           : m->query_length_given ? "query-length"
           : m->gen_length_given   ? "gen-length"
           : m->block_given        ? "block-size"
           : m->block_q_given      ? "block-size-q"
           : m->block_k_given      ? "block-size-k"
                                   : NULL;
}

/* One file being read. */
typedef struct reading {
    safetensors_file *file;
    const char *path;
    bool own_form; /* the metadata says what the patterns were built for */
    built_for b;
} reading;

/* ---- what the patterns were built for ----------------------------------------------------- */

static bool is_block(uint64_t rows) {
    return rows == 16 || rows == 32 || rows == 64 || rows == 128;
}

static bool read_metadata(reading *r, tool_error *error) {
    for (size_t i = 0; i < built_for_count(); i++) {
        const char *text = safetensors_metadata(r->file, built_for_key(i));
        if (text && !built_for_parse(&r->b, i, text, r->path, error))
            return false;
    }
    if (!is_block(r->b.pattern.block_q) || !is_block(r->b.pattern.block_k))
        return tool_fail(error,
                         "%s: metadata \"block_size_q\" and \"block_size_k\" are %u and %u, "
                         "not 16, 32, 64 or 128",
                         r->path, r->b.pattern.block_q, r->b.pattern.block_k);
    if (r->b.pattern.mode >= SPARSED_MODE_WINDOW)
        return tool_fail(error,
                         "%s: patterns of mode window or streaming cannot be read back: they "
                         "are exact to the element, and a mask is not",
                         r->path);
    if (r->b.pattern.pattern_flags & SPARSED_PATTERN_HEAD_RATIOS)
        return tool_fail(error,
                         "%s: patterns whose heads have ratios of their own cannot be read "
                         "back: the metadata has their mean alone",
                         r->path);
    if (r->b.pattern.batch > MAX_BATCH)
        return tool_fail(error, "%s: metadata \"batch\" is %u, above %u", r->path,
                         r->b.pattern.batch, MAX_BATCH);
    r->b.pattern.pattern_flags |= SPARSED_PATTERN_Q_START;
    for (uint32_t batch = 0; batch < r->b.pattern.batch; batch++) {
        char key[NAME_BYTES];
        snprintf(key, sizeof key, "batch.%u.rows", batch);
        if (safetensors_metadata(r->file, key))
            return tool_fail(error,
                             "%s: a pattern with rows that are not valid (\"%s\") cannot be "
                             "read back",
                             r->path, key);
    }
    return true;
}

static bool take_block(const char *option, uint64_t rows, bool given, const mask_options *m,
                       uint32_t *block, tool_error *error) {
    if (!given && !m->block_given)
        return tool_fail_usage(error, "--block-size is missing: the masks do not say it");
    if (!given) {
        option = "block-size";
        rows = m->block;
    }
    if (!is_block(rows))
        return tool_fail_usage(error, "--%s is %llu, not 16, 32, 64 or 128", option,
                               (unsigned long long)rows);
    *block = (uint32_t)rows;
    return true;
}

/* A mask of another program: what the options say. */
static bool take_options(reading *r, const mask_options *m, tool_error *error) {
    sparsed_pattern_info *info = &r->b.pattern;
    const char *missing = !m->length_given ? "length" : !m->gen_length_given ? "gen-length" : NULL;
    if (missing)
        return tool_fail_usage(error, "--%s is missing: %s does not say it", missing, r->path);
    info->kv_len = m->length;
    info->q_len = m->query_length_given ? m->query_length : m->length;
    info->gen_len = m->gen_length;
    if (info->q_len > info->kv_len || info->gen_len > info->kv_len)
        return tool_fail_usage(
            error, "--%s is %llu, more than --length %llu",
            info->q_len > info->kv_len ? "query-length" : "gen-length",
            (unsigned long long)(info->q_len > info->kv_len ? info->q_len : info->gen_len),
            (unsigned long long)info->kv_len);
    return take_block("block-size-q", m->block_q, m->block_q_given, m, &info->block_q, error) &&
           take_block("block-size-k", m->block_k, m->block_k_given, m, &info->block_k, error);
}

/* ---- tensors ------------------------------------------------------------------------------ */

/* Digits alone, below limit; *text moves behind them. */
static bool read_index(const char **text, uint32_t limit, uint32_t *number) {
    uint64_t value = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9' && value < limit; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    bool read = at > *text && value < limit;
    *text = at;
    *number = (uint32_t)value;
    return read;
}

static bool skip_word(const char **text, const char *word) {
    size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    return true;
}

/* "step.S.layer.N.block_mask", or "block_mask" in a file of another program. */
static bool is_mask_name(const reading *r, const char *name, uint32_t *step, uint32_t *layer) {
    *step = *layer = 0;
    if (!r->own_form && strcmp(name, "block_mask") == 0)
        return true;
    return skip_word(&name, "step.") && read_index(&name, PATTERN_MAX_STEPS, step) &&
           skip_word(&name, ".layer.") && read_index(&name, PATTERN_MAX_LAYERS, layer) &&
           strcmp(name, ".block_mask") == 0;
}

static uint64_t block_count(uint64_t rows, uint32_t block) {
    return block == 0 ? 0 : spd_ceil_div(rows, block);
}

static bool check_blocks(const reading *r, const safetensors_tensor *t, const uint64_t *shape,
                         const sparsed_pattern_info *info, tool_error *error) {
    uint64_t q_blocks = block_count(info->q_len, info->block_q);
    uint64_t k_blocks = block_count(info->kv_len, info->block_k);
    if (shape[2] == q_blocks && shape[3] == k_blocks)
        return true;
    return tool_fail(
        error,
        "%s: \"%s\" has %llu x %llu blocks, but %llu query and %llu key rows in blocks "
        "of %u and %u are %llu x %llu",
        r->path, t->name, (unsigned long long)shape[2], (unsigned long long)shape[3],
        (unsigned long long)info->q_len, (unsigned long long)info->kv_len, info->block_q,
        info->block_k, (unsigned long long)q_blocks, (unsigned long long)k_blocks);
}

/* Holds a mask against the lengths; a file of another program tells batch and heads by it. */
static bool check_mask(const reading *r, const safetensors_tensor *t, sparsed_pattern_info *info,
                       tool_error *error) {
    uint64_t shape[4] = {1, 0, 0, 0};
    if (t->dtype != SAFETENSORS_U8 && strcmp(t->dtype_name, "BOOL") != 0)
        return tool_fail(error, "%s: \"%s\" is %s, not U8 or BOOL", r->path, t->name,
                         t->dtype_name);
    if (t->rank != 3 && t->rank != 4)
        return tool_fail(error, "%s: \"%s\" has %u dimensions, not 4 (or 3: batch 1)", r->path,
                         t->name, t->rank);
    memcpy(shape + 4 - t->rank, t->shape, t->rank * sizeof *shape);
    if (shape[0] > UINT32_MAX || shape[1] > UINT32_MAX)
        return tool_fail(error, "%s: \"%s\" has a batch of %llu and %llu heads", r->path, t->name,
                         (unsigned long long)shape[0], (unsigned long long)shape[1]);
    if (!r->own_form) {
        info->batch = (uint32_t)shape[0];
        info->heads = (uint32_t)shape[1];
    } else if (shape[0] != info->batch || shape[1] != info->heads) {
        return tool_fail(error,
                         "%s: \"%s\" has a batch of %llu and %llu heads, the metadata %u and %u",
                         r->path, t->name, (unsigned long long)shape[0],
                         (unsigned long long)shape[1], info->batch, info->heads);
    }
    return check_blocks(r, t, shape, info, error);
}

/* The scores of a mask of the project's own form, if the file has them: their stored type, and a
 * copy, malloc'd; NULL without scores. */
static bool read_scores(const reading *r, const safetensors_tensor *mask,
                        const sparsed_pattern_info *info, float **scores, uint32_t *dtype,
                        tool_error *error) {
    char name[NAME_BYTES], key[NAME_BYTES];
    const int prefix = (int)(strlen(mask->name) - strlen("block_mask"));
    const uint32_t rankings = score_array_rankings(info);
    *scores = NULL;
    snprintf(name, sizeof name, "%.*sblock_scores", prefix, mask->name);
    snprintf(key, sizeof key, "%.*sscores", prefix, mask->name);
    const safetensors_tensor *t = r->own_form ? safetensors_find(r->file, name) : NULL;
    const char *type = safetensors_metadata(r->file, key);
    if (!t)
        return true;
    const uint32_t first = rankings > 1;
    if (t->dtype != SAFETENSORS_F32 || t->rank != 4 + first ||
        t->shape[0] != (first ? 2 : info->batch) ||
        memcmp(t->shape + first, mask->shape, 4 * sizeof *t->shape) != 0)
        return tool_fail(error,
                         "%s: \"%s\" is not F32 [%sbatch, heads, query blocks, key blocks] of "
                         "the mask beside it",
                         r->path, name, first ? "2, " : "");
    *dtype = type && strcmp(type, "f16") == 0 ? SPARSED_F16 : SPARSED_F32;
    *scores = malloc((size_t)t->size_bytes);
    if (!*scores)
        return tool_fail(error, "%s: out of memory for \"%s\"", r->path, name);
    memcpy(*scores, t->data, (size_t)t->size_bytes);
    return true;
}

static bool read_ratio(const reading *r, const safetensors_tensor *mask, double *ratio,
                       tool_error *error) {
    char key[NAME_BYTES];
    snprintf(key, sizeof key, "%.*sratio", (int)(strlen(mask->name) - strlen("block_mask")),
             mask->name);
    const char *text = r->own_form ? safetensors_metadata(r->file, key) : NULL;
    if (text && !built_for_parse_real(text, ratio))
        return tool_fail(error, "%s: metadata \"%s\" is '%.200s', not a number", r->path, key,
                         text);
    return true;
}

/* A mask as a pattern, with its scores; NULL on failure. */
static sparsed_pattern *read_pattern(const reading *r, const safetensors_tensor *mask,
                                     uint32_t step, tool_error *error) {
    sparsed_pattern_info info = r->b.pattern;
    sparsed_pattern *bare = NULL, *scored = NULL;
    sparsed_message message = {""};
    float *scores = NULL;
    uint32_t dtype = 0;
    info.step = step;
    if (!check_mask(r, mask, &info, error) || !read_ratio(r, mask, &info.ratio, error) ||
        !read_scores(r, mask, &info, &scores, &dtype, error))
        return NULL;
    if (!pattern_check(sparsed_pattern_from_mask(&info, mask->data, NULL, &bare, &message),
                       &message, error) ||
        !scores)
        goto done;
    pattern_check(sparsed_pattern_with_scores(bare, scores, dtype, &scored, &message), &message,
                  error);
    sparsed_pattern_release(bare);
    bare = scored;
done:
    free(scores);
    return bare;
}

static sparsed_pattern_set *read_set(reading *r, tool_error *error) {
    pattern_collection collection = {.count = 0};
    sparsed_pattern_set *set = NULL;
    for (size_t i = 0; i < safetensors_count(r->file); i++) {
        const safetensors_tensor *t = safetensors_at(r->file, i);
        uint32_t step, layer;
        if (is_mask_name(r, t->name, &step, &layer) &&
            !pattern_collection_add(&collection, read_pattern(r, t, step, error), layer, error))
            goto done;
    }
    if (collection.count > 0)
        set = pattern_collection_make(&collection, &r->b.set, error);
    else
        tool_fail(error, "%s: no tensor \"step.S.layer.N.block_mask\"%s", r->path,
                  r->own_form ? "" : " or \"block_mask\"");
done:
    pattern_collection_free(&collection);
    return set;
}

sparsed_pattern_set *exchange_read_tensors(const char *path, const mask_options *mask,
                                           tool_error *error) {
    reading r = {
        .path = path,
        .b = {.pattern.struct_size = sizeof r.b.pattern, .set.struct_size = sizeof r.b.set}};
    sparsed_pattern_set *set = NULL;
    r.file = safetensors_open(path, error);
    if (!r.file)
        return NULL;
    const char *format = safetensors_metadata(r.file, "format");
    const char *given = exchange_mask_option(mask);
    bool known = false;
    r.own_form = format && strcmp(format, EXCHANGE_FORMAT) == 0;
    if (!r.own_form)
        known = take_options(&r, mask, error);
    else if (given)
        tool_fail_usage(error, "--%s goes with masks of other programs: %s says it itself", given,
                        path);
    else
        known = read_metadata(&r, error);
    if (known)
        set = read_set(&r, error);
    safetensors_close(r.file);
    return set;
}
