/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A record: what one device made of the comparison suite, or of a user's input. One safetensors
 * file; docs/compare.md, "The record file", specifies it. The structs are what a file holds, for
 * the writer and the reader alike. Tensors are packed.
 */
#ifndef TOOLS_COMPARE_RECORD_FILE_H
#define TOOLS_COMPARE_RECORD_FILE_H

#include <sparsed/pattern.h>

#include <cjson/cJSON.h>

#include "error.h"
#include "safetensors.h"

#define RECORD_METADATA_KEY "sparsed_record"
#define RECORD_ENDING ".safetensors"

enum {
    RECORD_VERSION = 1,
    RECORD_NAME_BYTES = 64,
    RECORD_TEXT_BYTES = 256,
    RECORD_ULP_BINS = 16, /* 0, 1, 2, 3-4, 5-8, ... 4097-8192, more */
    RECORD_VARIABLES = 16
};

/* Distance from the double oracle, over `count` elements. */
typedef struct record_errors {
    uint64_t count;
    uint64_t nonfinite; /* elements of which one is no number, or only one infinite; they are in
                           none of the numbers below. Both NaN, or the same infinity, is no error */
    double max_abs;
    double relative; /* Frobenius norm of the difference over that of the expected (1 if it is 0) */
    double nmse;     /* the same of squares: mean squared error over mean square of the expected */
    double got, expected;           /* of the worst element: lse and scores, that of max_abs; out,
                                       the one that is furthest off for the largest value that is
                                       expected in its head */
    uint64_t worst[4];              /* its batch, head, row (query block), column; lse: column 0 */
    uint64_t ulps[RECORD_ULP_BINS]; /* elements by distance in steps of the stored type from the
                                       expected rounded to it */
} record_errors;

/* An error above warn is suspicious, above fail it is wrong. out and scores: the relative error,
 * unless max_abs is at most out_absolute; lse: max_abs. The worst element of out is wrong if it is
 * off by more than fail times its head's largest value, plus out_absolute. */
typedef struct record_bound {
    double warn, fail;
} record_bound;

typedef struct record_bounds {
    record_bound out, lse, scores;
    double out_absolute;
} record_bounds;

typedef enum record_op {
    RECORD_DENSE,        /* "dense": attention over all keys */
    RECORD_BUILD,        /* "build": the same, and block scores and the device's own pattern */
    RECORD_SPARSE_OWN,   /* "sparse-own": over the blocks of that pattern */
    RECORD_SPARSE_FIXED, /* "sparse-fixed": over those of the generator's, the same on all devices */
    RECORD_OPS
} record_op;

typedef struct record_timing {
    double first, median, fastest; /* seconds of a call on host memory, copies included */
    uint32_t repeats;              /* after the first; 0: median and fastest are 0 */
} record_timing;

typedef struct record_run {
    bool repeatable;                                   /* every repeat gave the same bytes */
    sparsed_fingerprint out_digest, lse_digest;        /* of the whole tensors */
    sparsed_fingerprint scores_digest, pattern_digest; /* build; else {0, 0} */
    record_errors out_errors, lse_errors;              /* over the stored rows */
    record_errors scores_errors; /* build: over the stored query blocks and all rankings */
    record_timing seconds;
    const void *out;        /* [B][H][rows][D] in out_dtype */
    const float *lse;       /* [B][H][rows] */
    const float *scores;    /* build: [rankings][B][H][query_blocks][nk] */
    const uint8_t *pattern; /* build: [B][H][nq][ceil(nk / 8)], bit j % 8 of byte j / 8 */
} record_run;

/* What the block scores of all query blocks, stored or not, were held to. */
typedef enum record_scores_check {
    RECORD_SCORES_NONE,   /* "nothing" */
    RECORD_SCORES_SUMS,   /* "sums": a row's scores add up to its query rows */
    RECORD_SCORES_ORACLE, /* "oracle" */
    RECORD_SCORES_CHECKS
} record_scores_check;

/* A row of an own pattern that no scores can choose: key blocks that it keeps, and what the
 * selection lets it keep, before the generation region and in it (mode joint: all in the first). */
enum { RECORD_PARTS = 2 };
typedef struct record_misfit {
    uint64_t batch, head, q_block;
    uint64_t kept[RECORD_PARTS], least[RECORD_PARTS], most[RECORD_PARTS];
} record_misfit;

typedef struct record_case {
    char name[RECORD_NAME_BYTES]; /* unique in the record; letters, digits, '-' and '.' */
    char data[RECORD_NAME_BYTES]; /* kind of data: "normal", "ties", ...; "file" */
    char kernel[32];
    char failure[RECORD_TEXT_BYTES]; /* why it did not run; else "". There are no runs then, and
                                        nothing below `bounds` */
    sparsed_desc desc;               /* packed; scale, out_dtype, score_heads are those in force */
    sparsed_select select;           /* a mode that ranks; score_scale is the one in force */
    sparsed_fingerprint q_digest, k_digest, v_digest, fixed_digest; /* fixed: of pattern bytes */
    record_bounds bounds;
    const sparsed_pattern_range *ranges;     /* [batch] */
    uint64_t q_blocks, k_blocks;             /* nq, nk of a full-length run */
    uint32_t rankings;                       /* 1, or 2 in the upstream modes */
    uint64_t row_count, query_block_count;   /* what is stored; q_len and nq: all */
    const uint64_t *rows, *query_blocks;     /* which, rising, the same for each head */
    uint64_t kept_blocks, fixed_kept_blocks; /* of the own and the fixed pattern */
    uint64_t choice_differs; /* blocks on which the own pattern is not what the device's own scores
                                choose; anything but 0 is a fault */
    record_scores_check scores_check;
    uint64_t scores_differ;       /* rows of scores that are wrong by it: a fault, too */
    uint64_t scores_differ_at[3]; /* the first: ranking * B + batch, head, query block */
    record_run runs[RECORD_OPS];

    /* Reader: what it found in the own pattern. */
    uint64_t kept_found; /* blocks that it keeps; kept_differs: not kept_blocks */
    bool kept_differs;
    uint64_t misfit_rows; /* of all heads, and the first one */
    record_misfit misfit;
    bool own_is_fixed; /* it is the fixed pattern, which does not keep all */
} record_case;

typedef struct record_variable {
    char name[RECORD_NAME_BYTES], value[RECORD_TEXT_BYTES];
} record_variable;

typedef struct record_environment {
    char library_version[16];
    char created[32];                  /* 2026-01-31T12:00:00Z */
    char system[RECORD_TEXT_BYTES];    /* operating system, release, machine */
    char processor[RECORD_TEXT_BYTES]; /* of the host */
    sparsed_device_info device;        /* of the context */
    char device_option[RECORD_TEXT_BYTES], kernel_option[RECORD_NAME_BYTES]; /* "": not given */
    uint32_t threads_option;                                                 /* 0: not given */
    uint32_t variable_count; /* of the process's that are set and count here */
    record_variable variables[RECORD_VARIABLES];
} record_environment;

typedef struct record {
    char label[RECORD_NAME_BYTES]; /* what a report calls it */
    char suite[RECORD_NAME_BYTES]; /* "standard"; "input" */
    uint32_t suite_version;
    uint64_t seed;
    bool self_check; /* holds the quick subset of the suite alone */
    record_environment environment;
    size_t case_count;
    record_case *cases;

    /* Memory that the record owns. */
    size_t memory_count;
    void **memory;
    void *
        file; /* reader: the safetensors_file, where tensors are aligned in it; closed by record_free */
} record;

const char *record_op_name(record_op op);
const char *record_scores_check_name(uint32_t check);

bool record_same_digest(sparsed_fingerprint a, sparsed_fingerprint b);

/* The type of a tensor that holds a sparsed_dtype. */
safetensors_dtype record_storage(uint32_t dtype);

/* Zeroed memory that lives as long as the record. NULL if there is none. */
void *record_room(record *r, uint64_t count, size_t size_bytes);
void record_free(record *r);

/* Adds the keys "options" and "variables", as the file's metadata has them. */
void record_add_given(cJSON *to, const record_environment *e);

/* The JSON object of the file's metadata; NULL if out of memory. The caller calls cJSON_Delete. */
cJSON *record_json(const record *r);

bool record_write(const record *r, const char *path, tool_error *error);

#endif
