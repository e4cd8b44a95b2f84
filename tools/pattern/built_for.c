/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The fields of what a file was built for: one table, and what is done with a row of it. */
#include "pattern/built_for.h"
#include "../src/number_text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_print.h"
#include "selection.h"

typedef enum field_kind {
    FIELD_U32,
    FIELD_U64,
    FIELD_REAL,
    FIELD_FLAG, /* a bit of a u32 */
    FIELD_MODE,
    FIELD_REDUCE,
    FIELD_DTYPE,
    FIELD_WORDS,
    FIELD_FINGERPRINT
} field_kind;

/* When a field means nothing. */
typedef enum field_use {
    USED_ALWAYS,
    USED_UNLESS_ZERO, /* 0, or "": not known */
    USED_IF_SCORED,   /* the mode ranks blocks, or is not known */
    USED_IF_FIXED,
    USED_IF_STREAMING
} field_use;

typedef struct field {
    const char *key, *label;
    field_kind kind;
    field_use use;
    size_t offset; /* in built_for */
    uint32_t bit;  /* FIELD_FLAG */
} field;

#define PATTERN(member) offsetof(built_for, pattern.member)
#define SET(member) offsetof(built_for, set.member)

static const field fields[] = {
    {"mode", "selection mode", FIELD_MODE, USED_UNLESS_ZERO, PATTERN(mode), 0},
    {"ratio", "select ratio", FIELD_REAL, USED_IF_SCORED, PATTERN(ratio), 0},
    {"head_ratios", "heads have ratios of their own", FIELD_FLAG, USED_IF_SCORED,
     PATTERN(pattern_flags), SPARSED_PATTERN_HEAD_RATIOS},
    {"score_scale", "score scale", FIELD_REAL, USED_IF_SCORED, PATTERN(score_scale), 0},
    {"score_reduce", "score of a block", FIELD_REDUCE, USED_IF_SCORED, PATTERN(score_reduce), 0},
    {"dense_generation_rows", "dense generation rows", FIELD_FLAG, USED_IF_SCORED, PATTERN(flags),
     SPARSED_SELECT_DENSE_GENERATION_ROWS},
    {"keep_diagonal", "diagonal always kept", FIELD_FLAG, USED_IF_SCORED, PATTERN(flags),
     SPARSED_SELECT_KEEP_DIAGONAL},
    {"keep_generation", "generation always kept", FIELD_FLAG, USED_IF_SCORED, PATTERN(flags),
     SPARSED_SELECT_KEEP_GENERATION},
    {"keep_first", "first key blocks always kept", FIELD_U32, USED_IF_SCORED, PATTERN(always_first),
     0},
    {"window", "window, keys on either side", FIELD_U64, USED_IF_FIXED, PATTERN(window), 0},
    {"sinks", "sinks, first keys", FIELD_U64, USED_IF_STREAMING, PATTERN(sinks), 0},
    {"block_size_q", "rows of a query block", FIELD_U32, USED_ALWAYS, PATTERN(block_q), 0},
    {"block_size_k", "rows of a key block", FIELD_U32, USED_ALWAYS, PATTERN(block_k), 0},
    {"q_len", "query rows", FIELD_U64, USED_ALWAYS, PATTERN(q_len), 0},
    {"kv_len", "key rows", FIELD_U64, USED_ALWAYS, PATTERN(kv_len), 0},
    {"q_start", "position of query row 0", FIELD_U64, USED_ALWAYS, PATTERN(q_start), 0},
    {"gen_length", "generation rows", FIELD_U64, USED_ALWAYS, PATTERN(gen_len), 0},
    {"batch", "batch", FIELD_U32, USED_ALWAYS, PATTERN(batch), 0},
    {"heads", "query heads", FIELD_U32, USED_ALWAYS, PATTERN(heads), 0},
    {"first_head", "first head in the model", FIELD_U32, USED_ALWAYS, SET(first_head), 0},
    {"model_heads", "query heads of the model", FIELD_U32, USED_UNLESS_ZERO, SET(model_heads), 0},
    {"kv_heads", "key and value heads", FIELD_U32, USED_UNLESS_ZERO, PATTERN(kv_heads), 0},
    {"head_dim", "head dimension", FIELD_U32, USED_UNLESS_ZERO, PATTERN(head_dim), 0},
    {"score_heads", "heads in the score scale", FIELD_U32, USED_UNLESS_ZERO, PATTERN(score_heads),
     0},
    {"dtype", "storage type", FIELD_DTYPE, USED_UNLESS_ZERO, PATTERN(dtype), 0},
    {"model_layers", "layers of the model", FIELD_U32, USED_UNLESS_ZERO, SET(model_layers), 0},
    {"steps", "denoising steps", FIELD_U32, USED_UNLESS_ZERO, SET(steps), 0},
    {"skip", "share of dense steps", FIELD_REAL, USED_UNLESS_ZERO, SET(skip), 0},
    {"schedule", "schedule", FIELD_WORDS, USED_UNLESS_ZERO, SET(schedule), 0},
    {"creator", "written by", FIELD_WORDS, USED_UNLESS_ZERO, SET(creator), 0},
    {"tag", "tag", FIELD_WORDS, USED_UNLESS_ZERO, SET(tag), 0},
    {"model", "model fingerprint", FIELD_FINGERPRINT, USED_UNLESS_ZERO, SET(model), 0},
    {"prompt", "prompt fingerprint", FIELD_FINGERPRINT, USED_UNLESS_ZERO, SET(prompt), 0},
};

static const char *const dtype_names[] = {"", "f32", "f16", "bf16"};
static const char *const reduce_names[] = {"sum", "max"};

size_t built_for_count(void) {
    return sizeof fields / sizeof *fields;
}

const char *built_for_key(size_t i) {
    return fields[i].key;
}

const char *built_for_label(size_t i) {
    return fields[i].label;
}

static const void *value_of(const built_for *b, const field *f) {
    return (const char *)b + f->offset;
}

static uint32_t value_u32(const built_for *b, const field *f) {
    uint32_t value = *(const uint32_t *)value_of(b, f);
    return f->kind == FIELD_FLAG ? (value & f->bit) != 0 : value;
}

static const char *value_words(const built_for *b, const field *f) {
    const char *words = *(const char *const *)value_of(b, f);
    return words ? words : "";
}

static bool is_zero(const built_for *b, const field *f) {
    const sparsed_fingerprint *print = value_of(b, f);
    switch (f->kind) {
    case FIELD_U64:
        return *(const uint64_t *)value_of(b, f) == 0;
    case FIELD_REAL:
        return *(const double *)value_of(b, f) == 0.0;
    case FIELD_WORDS:
        return value_words(b, f)[0] == '\0';
    case FIELD_FINGERPRINT:
        return print->low == 0 && print->high == 0;
    default:
        return value_u32(b, f) == 0;
    }
}

bool built_for_known(const built_for *b, size_t i) {
    uint32_t mode = b->pattern.mode;
    switch (fields[i].use) {
    case USED_UNLESS_ZERO:
        return !is_zero(b, &fields[i]);
    case USED_IF_SCORED:
        return mode <= SPARSED_MODE_JOINT && (mode != 0 || !is_zero(b, &fields[i]));
    case USED_IF_FIXED:
        return mode == SPARSED_MODE_WINDOW || mode == SPARSED_MODE_STREAMING;
    case USED_IF_STREAMING:
        return mode == SPARSED_MODE_STREAMING;
    default:
        return true;
    }
}

static const char *name_in(const char *const *names, uint32_t count, uint32_t value) {
    return value < count ? names[value] : "unknown";
}

void built_for_text(const built_for *b, size_t i, char text[BUILT_FOR_TEXT_BYTES]) {
    const size_t size = BUILT_FOR_TEXT_BYTES;
    const field *f = &fields[i];
    const sparsed_fingerprint *print = value_of(b, f);
    if (!built_for_known(b, i)) {
        snprintf(text, size, "not known");
        return;
    }
    switch (f->kind) {
    case FIELD_U32:
        snprintf(text, size, "%" PRIu32, value_u32(b, f));
        break;
    case FIELD_U64:
        snprintf(text, size, "%" PRIu64, *(const uint64_t *)value_of(b, f));
        break;
    case FIELD_REAL:
        snprintf(text, size, "%s", spd_number_text_of(*(const double *)value_of(b, f)).text);
        break;
    case FIELD_FLAG:
        snprintf(text, size, "%s", value_u32(b, f) ? "yes" : "no");
        break;
    case FIELD_MODE:
        snprintf(text, size, "%s", selection_mode_name(value_u32(b, f)));
        break;
    case FIELD_REDUCE:
        snprintf(text, size, "%s", name_in(reduce_names, 2, value_u32(b, f)));
        break;
    case FIELD_DTYPE:
        snprintf(text, size, "%s", name_in(dtype_names, 4, value_u32(b, f)));
        break;
    case FIELD_WORDS:
        snprintf(text, size, "%s", value_words(b, f));
        break;
    case FIELD_FINGERPRINT:
        snprintf(text, size, "%016" PRIx64 "%016" PRIx64, print->high, print->low);
        break;
    }
}

bool built_for_equal(const built_for *a, const built_for *b, size_t i) {
    char of_a[BUILT_FOR_TEXT_BYTES], of_b[BUILT_FOR_TEXT_BYTES];
    built_for_text(a, i, of_a);
    built_for_text(b, i, of_b);
    return strcmp(of_a, of_b) == 0;
}

void built_for_line(const built_for *b, size_t i, char text[BUILT_FOR_TEXT_BYTES]) {
    built_for_text(b, i, text);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = '?';
}

void built_for_add_json(const built_for *b, size_t i, cJSON *object, const char *key) {
    const field *f = &fields[i];
    char text[BUILT_FOR_TEXT_BYTES];
    if (!built_for_known(b, i)) {
        cJSON_AddNullToObject(object, key);
        return;
    }
    built_for_text(b, i, text);
    switch (f->kind) {
    case FIELD_U32:
    case FIELD_U64:
        cJSON_AddRawToObject(object, key, text);
        break;
    case FIELD_REAL:
        cJSON_AddNumberToObject(object, key, *(const double *)value_of(b, f));
        break;
    case FIELD_FLAG:
        cJSON_AddBoolToObject(object, key, value_u32(b, f) != 0);
        break;
    default:
        json_add_text(object, key, text);
    }
}

static bool parse_uint(const char *text, uint64_t max, uint64_t *number) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *number = value;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value <= max;
}

static bool parse_name(const char *text, const char *const *names, uint32_t first, uint32_t count,
                       uint32_t *value) {
    for (*value = first; *value < count; ++*value)
        if (strcmp(text, names[*value]) == 0)
            return true;
    return false;
}

static bool parse_mode(const char *text, uint32_t *mode) {
    for (*mode = SPARSED_MODE_PAPER; *mode <= SPARSED_MODE_STREAMING; ++*mode)
        if (strcmp(text, selection_mode_name(*mode)) == 0)
            return true;
    return false;
}

bool built_for_parse_real(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

static bool parse_fingerprint(const char *text, sparsed_fingerprint *print) {
    char half[17] = "";
    if (strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32)
        return false;
    memcpy(half, text, 16);
    print->high = strtoull(half, NULL, 16);
    print->low = strtoull(text + 16, NULL, 16);
    return true;
}

static bool parse_flag(const char *text, uint32_t bit, uint32_t *flags) {
    bool yes = strcmp(text, "yes") == 0;
    *flags = yes ? *flags | bit : *flags & ~bit;
    return yes || strcmp(text, "no") == 0;
}

static bool parse_value(const field *f, const char *text, void *value) {
    uint64_t number;
    switch (f->kind) {
    case FIELD_U32:
        if (!parse_uint(text, UINT32_MAX, &number))
            return false;
        *(uint32_t *)value = (uint32_t)number;
        return true;
    case FIELD_U64:
        return parse_uint(text, UINT64_MAX, value);
    case FIELD_REAL:
        return built_for_parse_real(text, value);
    case FIELD_FLAG:
        return parse_flag(text, f->bit, value);
    case FIELD_MODE:
        return parse_mode(text, value);
    case FIELD_REDUCE:
        return parse_name(text, reduce_names, 0, 2, value);
    case FIELD_DTYPE:
        return parse_name(text, dtype_names, 1, 4, value);
    case FIELD_WORDS:
        *(const char **)value = text;
        return true;
    case FIELD_FINGERPRINT:
        return parse_fingerprint(text, value);
    }
    return false;
}

bool built_for_parse(built_for *b, size_t i, const char *text, const char *path,
                     tool_error *error) {
    const field *f = &fields[i];
    if (parse_value(f, text, (char *)b + f->offset))
        return true;
    return tool_fail(error, "%s: metadata \"%s\" is '%.200s', no value of %s", path, f->key, text,
                     f->label);
}
