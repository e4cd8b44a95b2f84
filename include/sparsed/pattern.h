/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * pattern.h: patterns as host objects, sets of them, and their files.
 *
 * A pattern says, for one layer, which key blocks each query block of each head keeps. A pattern
 * set holds the patterns of a model's layers (of one step, or of several) with what they were
 * built for; it is what a file holds. docs/pattern-format.md specifies the file. Both objects are
 * immutable, reference-counted with atomic operations, independent of any device or context, and
 * may be shared between threads. Rules of sparsed.h hold here; names as there.
 *
 *     sparsed_pattern_set *set;
 *     sparsed_pipeline_get_patterns(pipeline, NULL, &set);           // after the build step
 *     sparsed_pattern_set_save(set, "prompt.spdp", &message);
 *     sparsed_pattern_set_release(set);
 *
 *     sparsed_pattern_set_load("prompt.spdp", NULL, &set, &message); // another run, any device
 *     sparsed_pipeline_set_patterns(pipeline, set, SPARSED_ANY_STEP);
 */
#ifndef SPARSED_PATTERN_H
#define SPARSED_PATTERN_H

#include <sparsed/sparsed.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- one layer's pattern ------------------------------------------------------------------ */

typedef struct sparsed_pattern_info {
    uint32_t struct_size;
    uint32_t batch, heads;
    uint32_t block_q, block_k;                        /* rows: 16, 32, 64 or 128 */
    uint32_t mode, flags, score_reduce, always_first; /* of the sparsed_select it was built with;
                                                         mode 0 = not known (a caller's mask) */
    uint32_t step;          /* denoising step that built it; 0 also if not known */
    uint64_t q_len, kv_len; /* rows it was built for */
    uint64_t gen_len;
    uint64_t window, sinks; /* fixed modes */
    double ratio, score_scale;
    uint64_t q_blocks,
        k_blocks;           /* ceil(q_len / block_q), ceil(kv_len / block_k); ignored on input */
    uint64_t kept_blocks;   /* over all rows; ignored on input */
    uint64_t q_start;       /* sequence position of query row 0. Ignored on input without
                                    SPARSED_PATTERN_Q_START: kv_len - q_len */
    uint32_t pattern_flags; /* SPARSED_PATTERN_* */
    uint32_t kv_heads, head_dim, score_heads, dtype; /* of the sparsed_desc; 0 = not known */
    uint32_t score_dtype; /* of the block scores it holds, SPARSED_F32 or SPARSED_F16; 0 = none;
                             ignored on input */
} sparsed_pattern_info;

/* sparsed_pattern_info.pattern_flags */
enum {
    SPARSED_PATTERN_Q_START = 1u, /* q_start is given; always set on output */
    SPARSED_PATTERN_HEAD_RATIOS =
        2u /* output: heads have ratios of their own; `ratio` is the mean */
};

/*
 * Makes a pattern from the caller's choice of blocks.
 *   info       struct_size, batch, heads, block_q, block_k, q_len, kv_len are needed; the fields
 *              that tell what it was built with are copied; fixed modes are not accepted
 *   allocator  NULL = the C library's; copied
 *   pattern    receives the handle, NULL on failure; sparsed_pattern_release it
 *   message    may be NULL
 * and one of
 *   mask       [batch][heads][q_blocks][k_blocks] bytes; 0 = dropped, anything else = kept
 *   bits       [batch][heads][q_blocks][ceil(k_blocks / 64)] words; bit j % 64 of word j / 64 is
 *              key block j; bits past k_blocks must be 0
 *   csr        row_starts [batch * heads * q_blocks + 1], from 0 on, never falling; row r keeps
 *              blocks[row_starts[r] .. row_starts[r + 1] - 1], rising, each < k_blocks
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_NOMEM. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_from_mask(const sparsed_pattern_info *info,
                                                     const uint8_t *mask,
                                                     const sparsed_allocator *allocator,
                                                     sparsed_pattern **pattern,
                                                     sparsed_message *message);
SPARSED_API sparsed_status sparsed_pattern_from_bits(const sparsed_pattern_info *info,
                                                     const uint64_t *bits,
                                                     const sparsed_allocator *allocator,
                                                     sparsed_pattern **pattern,
                                                     sparsed_message *message);
SPARSED_API sparsed_status sparsed_pattern_from_csr(
    const sparsed_pattern_info *info, const uint64_t *row_starts, const uint32_t *blocks,
    const sparsed_allocator *allocator, sparsed_pattern **pattern, sparsed_message *message);

/* Adds a reference; returns the same pattern. Thread-safe. */
SPARSED_API sparsed_pattern *sparsed_pattern_retain(sparsed_pattern *pattern);
/* Drops a reference; the last one frees it. NULL is ignored. Thread-safe. */
SPARSED_API void sparsed_pattern_release(sparsed_pattern *pattern);

/* Describes a pattern. SPARSED_E_INVALID: NULL argument, wrong struct_size. Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_describe(const sparsed_pattern *pattern,
                                                    sparsed_pattern_info *info);

/* Where one batch's valid rows lie and how they fall into blocks: what its bits are counted
 * over. */
typedef struct sparsed_pattern_range {
    uint32_t struct_size, reserved;
    uint64_t key_start, keys;      /* valid key rows: first, number */
    uint64_t query_start, queries; /* valid query rows */
    uint64_t query_position; /* of the first valid query row, counted from the first valid key */
    uint64_t q_blocks, k_blocks; /* of the valid rows */
    uint64_t split;              /* first key block of the generation region */
} sparsed_pattern_range;

/* Describes one batch. SPARSED_E_INVALID: NULL argument, wrong struct_size, batch out of range.
 * Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_batch(const sparsed_pattern *pattern, uint32_t batch,
                                                 sparsed_pattern_range *range);

/* Writes the mask as bytes 0 and 1, [batch][heads][q_blocks][k_blocks]. Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_to_mask(const sparsed_pattern *pattern, uint8_t *mask);

/*
 * Reads one row: the key blocks that a query block keeps, rising.
 *   blocks  room for k_blocks entries, or NULL to ask for the count alone
 *   count   receives the number of kept blocks; may be NULL
 * SPARSED_E_INVALID: pattern is NULL, an index is out of range. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_row(const sparsed_pattern *pattern, uint32_t batch,
                                               uint32_t head, uint64_t q_block, uint32_t *blocks,
                                               uint64_t *count);

/* Kept blocks of one head over all batches, or of all heads (head UINT32_MAX). 0 if head is out of
 * range. Thread-safe. */
SPARSED_API uint64_t sparsed_pattern_count(const sparsed_pattern *pattern, uint32_t head);

/*
 * Share of valid query-key pairs that are kept, element by element (a partial block counts what it
 * has; a fixed mode counts its exact window), over the whole pattern or one head of all batches.
 *   head  a query head, or UINT32_MAX for all
 * 0 if there are no pairs, or head is out of range. Thread-safe.
 */
SPARSED_API double sparsed_pattern_density(const sparsed_pattern *pattern, uint32_t head);

/* The ratio that a head's blocks were chosen with; 0 if it is not known, or head is out of range.
 * Thread-safe. */
SPARSED_API double sparsed_pattern_ratio(const sparsed_pattern *pattern, uint32_t head);

/*
 * Union and intersection of the kept blocks of two patterns of one shape: batch, heads, block
 * sizes, lengths, q_start, valid rows. The result says of mode, ratio and the like what both say,
 * else 0; it holds no scores. Fixed modes are not accepted: their blocks stand for less than they
 * cover.
 * The allocator is a's. SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_MISMATCH names the field that
 * differs, and both values; SPARSED_E_NOMEM. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_union(const sparsed_pattern *a, const sparsed_pattern *b,
                                                 sparsed_pattern **result,
                                                 sparsed_message *message);
SPARSED_API sparsed_status sparsed_pattern_intersection(const sparsed_pattern *a,
                                                        const sparsed_pattern *b,
                                                        sparsed_pattern **result,
                                                        sparsed_message *message);

/* Jaccard index of the kept blocks, |a and b| / |a or b|, of one head over all batches or of all
 * heads (UINT32_MAX); 1 if neither keeps any. Statuses as sparsed_pattern_union; fixed modes are
 * accepted. Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_jaccard(const sparsed_pattern *a,
                                                   const sparsed_pattern *b, uint32_t head,
                                                   double *jaccard, sparsed_message *message);

/* ---- block scores, and other ratios later ------------------------------------------------- */

/*
 * Makes a pattern with the same kept blocks that holds block scores, so that it can be
 * re-thresholded.
 *   scores  what sparsed_io.scores received when the pattern was built (f32 [B,H,nq,nk];
 *           [2,B,H,nq,nk] in the upstream modes); NULL: without scores
 *   dtype   SPARSED_F32, or SPARSED_F16 for half the memory; ignored without scores
 * SPARSED_OK; SPARSED_E_INVALID (a pattern of no scoring mode: fixed, or a caller's mask with mode
 * 0; a dtype); SPARSED_E_NOMEM. The allocator is the pattern's. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_with_scores(const sparsed_pattern *pattern,
                                                       const float *scores, uint32_t dtype,
                                                       sparsed_pattern **result,
                                                       sparsed_message *message);

/* Reads the scores of one query block, [k_blocks]. ranking 0: of the softmax over all keys; 1
 * (upstream modes): of the softmax over the generation keys, 0 for prompt blocks.
 * SPARSED_E_INVALID: NULL argument, index out of range; SPARSED_E_STATE: the pattern holds no such
 * scores. Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_scores(const sparsed_pattern *pattern, uint32_t ranking,
                                                  uint32_t batch, uint32_t head, uint64_t q_block,
                                                  float *scores);

/*
 * Chooses the kept blocks anew from the scores that the pattern holds: what a build with another
 * ratio would have given, exactly from f32 scores, up to ties of rounding from f16.
 *   ratios  [count], each in (0, 1]; count 1: for all heads; count = heads: one a head
 * The result holds the same scores. SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_STATE (no scores);
 * SPARSED_E_NOMEM. The allocator is the pattern's. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_rethreshold(const sparsed_pattern *pattern,
                                                       const double *ratios, uint32_t count,
                                                       sparsed_pattern **result,
                                                       sparsed_message *message);

/* ---- sets --------------------------------------------------------------------------------- */

typedef struct sparsed_pattern_set sparsed_pattern_set;

/* 128 bits that tell models or prompts apart; both 0 = not given. */
typedef struct sparsed_fingerprint {
    uint64_t low, high;
} sparsed_fingerprint;

/* Fingerprint (XXH3, 128 bits) of `previous` and size_bytes of data, so that several pieces chain;
 * begin with {0, 0}. data may be NULL if size_bytes is 0. Never {0, 0}. Thread-safe. */
SPARSED_API sparsed_fingerprint sparsed_fingerprint_add(sparsed_fingerprint previous,
                                                        const void *data, uint64_t size_bytes);

/* What a set says of the run that it comes from. Texts are UTF-8 of at most 4095 bytes; NULL = "".
 * On output they live as long as the set. */
typedef struct sparsed_pattern_set_info {
    uint32_t struct_size;
    uint32_t patterns;     /* in the set; ignored on input */
    uint32_t model_layers; /* of the whole model; 0 = not known */
    uint32_t first_head;   /* head 0 of the patterns is this head of the model (a shard) */
    uint32_t model_heads;  /* query heads of the whole model; 0 = the patterns' */
    uint32_t steps;        /* denoising steps T of the run; 0 = not known */
    double skip;           /* of the schedule; 0 also if not known */
    const char *schedule;  /* a preset's name, or the caller's own word */
    const char *creator;   /* program and version; NULL on input: the library's */
    const char *tag;       /* the caller's */
    sparsed_fingerprint model, prompt;
    double ratio; /* the run's own, which a schedule may change from step to step; 0 on input: the
                     first pattern's */
} sparsed_pattern_set_info;

/*
 * Makes a set of patterns.
 *   info      may be NULL
 *   patterns  [count], each retained; of one shape and selection: all of sparsed_pattern_info but
 *             ratio, step, kept_blocks and score_dtype, and all of sparsed_pattern_range, are equal
 *   layers    [count], each < 65536; (step of the pattern, layer) must differ from pattern to
 *             pattern
 *   count     1 to 2^24; any order
 *   allocator NULL = the C library's; copied
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_MISMATCH names the field that differs, and both values;
 * SPARSED_E_NOMEM. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_set_create(const sparsed_pattern_set_info *info,
                                                      sparsed_pattern *const *patterns,
                                                      const uint32_t *layers, uint32_t count,
                                                      const sparsed_allocator *allocator,
                                                      sparsed_pattern_set **set,
                                                      sparsed_message *message);

/* As for patterns. Thread-safe. */
SPARSED_API sparsed_pattern_set *sparsed_pattern_set_retain(sparsed_pattern_set *set);
SPARSED_API void sparsed_pattern_set_release(sparsed_pattern_set *set);

/* Describes a set, and what its patterns share (`shared`: step, kept_blocks, score_dtype 0, ratio
 * and head ratios of the first). Either may be NULL. SPARSED_E_INVALID: set is NULL, wrong
 * struct_size. Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_set_describe(const sparsed_pattern_set *set,
                                                        sparsed_pattern_set_info *info,
                                                        sparsed_pattern_info *shared);

typedef struct sparsed_pattern_entry {
    uint32_t struct_size;
    uint32_t layer, step;
    uint32_t score_dtype; /* 0 = no scores */
    uint64_t kept_blocks;
    double ratio;
} sparsed_pattern_entry;

/* Tells of pattern `index` without reading its blocks; in the order of step, then layer.
 * SPARSED_E_INVALID: NULL argument, wrong struct_size, index out of range. Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_set_entry(const sparsed_pattern_set *set, uint32_t index,
                                                     sparsed_pattern_entry *entry);

/*
 * Takes a pattern out, with a reference of its own: release it. In a mapped set its first use
 * verifies the checksums of its sections; it keeps the mapping alive.
 * SPARSED_OK; SPARSED_E_INVALID (index out of range); SPARSED_E_CHECKSUM, SPARSED_E_FORMAT (the
 * mapped file is damaged there); SPARSED_E_NOMEM. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_set_get(const sparsed_pattern_set *set, uint32_t index,
                                                   sparsed_pattern **pattern,
                                                   sparsed_message *message);

#define SPARSED_ANY_STEP 0xffffffffu

/* Finds a layer's pattern. step: SPARSED_ANY_STEP if the set holds one step only. SPARSED_OK;
 * SPARSED_E_INVALID (NULL argument); SPARSED_E_MISMATCH (no such layer or step; several steps).
 * Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_set_find(const sparsed_pattern_set *set, uint32_t step,
                                                    uint32_t layer, uint32_t *index,
                                                    sparsed_message *message);

/* ---- files -------------------------------------------------------------------------------- */

/*
 * Writes a set (docs/pattern-format.md). The file appears whole or not at all: it is written beside
 * the path as PATH.PID-N.tmp, flushed, renamed, and the folder flushed. A failed or killed save
 * leaves an older file as it was; the next save to the same path removes what a killed one left.
 * Several processes may save to one path: the last one to finish wins. A symbolic link at the path
 * is replaced, not followed: what it led to stays as it was. A mapped pattern is verified first.
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_IO (names path and cause); SPARSED_E_NOMEM;
 * SPARSED_E_CHECKSUM, SPARSED_E_FORMAT (a mapped file is damaged). Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_set_save(const sparsed_pattern_set *set,
                                                    const char *path, sparsed_message *message);

enum {
    SPARSED_LOAD_MAP =
        1u /* map the file: header and table are verified at once, a pattern before its
                             first use. Nobody may shorten the file or write into it meanwhile;
                             replacing it by a rename, as a save does, is fine */
};

typedef struct sparsed_load_options {
    uint32_t struct_size;
    uint32_t flags;       /* SPARSED_LOAD_* */
    uint32_t layer_count; /* 0 = all layers */
    uint32_t reserved;
    const uint32_t
        *layers; /* [layer_count] rising: the set holds these layers only, of all steps, and
                               nothing of the others is read */
    const sparsed_allocator *allocator; /* copied; NULL = the C library's */
} sparsed_load_options;

/*
 * Reads a set. Without SPARSED_LOAD_MAP everything that is read is verified: every section's
 * checksum, every count, the exact length; without `layers` that is every byte of the file. Memory:
 * the sections read, once, and an index: the table, a few words per pattern, and a few per batch,
 * which the patterns share.
 *   options  may be NULL
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_IO (no such file, a read failed); SPARSED_E_FORMAT (not
 * a pattern file, cut short, impossible values); SPARSED_E_VERSION (a later version, or a
 * must-understand flag that this library does not know); SPARSED_E_CHECKSUM; SPARSED_E_MISMATCH (a
 * layer asked for is not there); SPARSED_E_NOMEM; SPARSED_E_UNSUPPORTED (a big-endian host). The
 * message names the path, the field and the byte offset. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_set_load(const char *path,
                                                    const sparsed_load_options *options,
                                                    sparsed_pattern_set **set,
                                                    sparsed_message *message);

/* ---- sets and problems -------------------------------------------------------------------- */

/* sparsed_pattern_match.flags */
enum {
    SPARSED_MATCH_SELECTION = 1u, /* mode, ratio, score_scale, score_reduce, flags and always_first
                                       must be equal too */
    SPARSED_MATCH_SHORTER = 2u    /* q_len and kv_len of the set may be less: it serves such runs */
};

typedef struct sparsed_pattern_match {
    uint32_t struct_size;
    uint32_t flags;           /* SPARSED_MATCH_* */
    uint32_t layers;          /* layers 0 .. layers-1 must be there */
    uint32_t step;            /* of this step, or SPARSED_ANY_STEP */
    const sparsed_desc *desc; /* the problem; both are needed */
    const sparsed_select *select;
    sparsed_fingerprint model,
        prompt; /* compared unless {0, 0}; a set without one does not match */
    /* The problem's heads are these of the model: a shard of them, or, if both are 0, all. */
    uint32_t first_head;
    uint32_t model_heads; /* 0 = the problem's */
} sparsed_pattern_match;

/*
 * Whether a set serves a problem (docs/pattern-format.md, "Matching"): batch, heads, first_head,
 * model_heads, block sizes, q_len, kv_len, q_start, gen_len, and kv_heads, head_dim, model_layers
 * and score_heads where known, are equal; in a fixed mode also mode, window and sinks. dtype does
 * not matter. With SPARSED_MATCH_SHORTER, q_len and kv_len are at most the problem's, and q_start
 * is that of a run of these lengths (sparsed_io.q_len, kv_len).
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_MISMATCH names the field, and both values. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_set_match(const sparsed_pattern_set *set,
                                                     const sparsed_pattern_match *match,
                                                     sparsed_message *message);

/*
 * Takes the patterns of all layers out of a pipeline, each with the step that built it.
 *   info  may be NULL; steps 0 = the schedule's, model_layers 0 = the pipeline's
 * SPARSED_OK; SPARSED_E_STATE (a layer has no pattern: it names the layer; or auto keeps the
 * pipeline dense); and what sparsed_kept_get and sparsed_pattern_set_create return. To have scores
 * in it, take each layer's pattern by sparsed_pipeline_get_pattern, add them by
 * sparsed_pattern_with_scores, and make the set.
 */
SPARSED_API sparsed_status sparsed_pipeline_get_patterns(sparsed_pipeline *pipeline,
                                                         const sparsed_pattern_set_info *info,
                                                         sparsed_pattern_set **set);

/*
 * Gives a pipeline the patterns of a set, for the schedule "warm" or any sparse step: matches the
 * set against the pipeline as sparsed_pattern_set_match does with SPARSED_MATCH_SHORTER, then
 * copies layer by layer. A set of some of a model's heads (first_head, model_heads) is refused,
 * because a pipeline does not know which heads it has: if they are the right ones, give each
 * layer's pattern, taken by sparsed_pattern_set_get, to sparsed_pipeline_set_pattern. If it fails,
 * the pipeline's patterns are those of before, or, after SPARSED_E_DEVICE, SPARSED_E_NOMEM,
 * SPARSED_E_CHECKSUM and SPARSED_E_FORMAT, partly the set's.
 *   step  SPARSED_ANY_STEP if the set holds one step only
 * SPARSED_OK; SPARSED_E_STATE (the pipeline has no selection, or auto keeps it dense); and what
 * sparsed_pattern_set_match, sparsed_pattern_set_get and sparsed_kept_set return.
 */
SPARSED_API sparsed_status sparsed_pipeline_set_patterns(sparsed_pipeline *pipeline,
                                                         const sparsed_pattern_set *set,
                                                         uint32_t step);

#ifdef __cplusplus
}
#endif
#endif /* SPARSED_PATTERN_H */
