/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The pattern file's numbers, as docs/pattern-format.md has them: offsets, sizes, tags, flags,
 * limits. Everything little-endian.
 */
#ifndef SPD_PATTERN_FORMAT_H
#define SPD_PATTERN_FORMAT_H

#include <stdint.h>

#define SPD_FORMAT_MAGIC UINT64_C(0x1a0a0d5044505389) /* the bytes "\x89SPDP\r\n\x1a" */

enum {
    SPD_FORMAT_VERSION = 1,
    SPD_HEADER_BYTES = 256,
    SPD_RECORD_BYTES = 192, /* of the table */
    SPD_FILL_BYTES = 64     /* sections begin at, and are filled up to, multiples of this */
};

/* Header: offsets. */
enum {
    SPD_HEADER_MAGIC = 0,
    SPD_HEADER_VERSION = 8,
    SPD_HEADER_SIZE = 12,
    SPD_HEADER_FILE_SIZE = 16,
    SPD_HEADER_MUST_FLAGS = 24,
    SPD_HEADER_MAY_FLAGS = 32,
    SPD_HEADER_INFO = 40,
    SPD_HEADER_TABLE = 64,
    SPD_HEADER_EXTRA = 88,
    SPD_HEADER_PATTERNS = 112,
    SPD_HEADER_BATCH = 120,
    SPD_HEADER_HEADS = 128,
    SPD_HEADER_FIRST_HEAD = 136,
    SPD_HEADER_MODEL_HEADS = 144,
    SPD_HEADER_MODEL_LAYERS = 152,
    SPD_HEADER_Q_LEN = 160,
    SPD_HEADER_KV_LEN = 168,
    SPD_HEADER_Q_START = 176,
    SPD_HEADER_GEN_LEN = 184,
    SPD_HEADER_Q_BLOCKS = 192,
    SPD_HEADER_K_BLOCKS = 200,
    SPD_HEADER_BLOCK_Q = 208,
    SPD_HEADER_BLOCK_K = 212,
    SPD_HEADER_RESERVED = 216,
    SPD_HEADER_CHECKSUM = 248
};

enum { SPD_MUST_FIXED = 1, SPD_MUST_KNOWN = 1 };
enum { SPD_MAY_SCORES = 1, SPD_MAY_PARTIAL = 2 };

/* Info section: a record is its head, the payload, and zeros up to a multiple of 8. */
enum { SPD_INFO_HEAD_BYTES = 16, SPD_INFO_FILL_BYTES = 8, SPD_INFO_MUST = 1 };

enum {
    SPD_TAG_SELECTION = 1,
    SPD_TAG_BATCHES = 2,
    SPD_TAG_ATTENTION = 3,
    SPD_TAG_RUN = 4,
    SPD_TAG_SCHEDULE = 5,
    SPD_TAG_CREATOR = 6,
    SPD_TAG_TAG = 7,
    SPD_TAG_MODEL = 8,
    SPD_TAG_PROMPT = 9
};

enum {
    SPD_SELECTION_BYTES = 48,
    SPD_BATCH_BYTES = 56, /* of each batch */
    SPD_ATTENTION_BYTES = 24,
    SPD_RUN_BYTES = 16,
    SPD_FINGERPRINT_BYTES = 16,
    SPD_TEXT_LIMIT = 4095
};

/* Table: offsets in a record. */
enum {
    SPD_RECORD_LAYER = 0,
    SPD_RECORD_STEP = 8,
    SPD_RECORD_KEPT = 16,
    SPD_RECORD_RATIO = 24,
    SPD_RECORD_SCORE_TYPE = 32,
    SPD_RECORD_RESERVED_WORD = 36,
    SPD_RECORD_SECTIONS = 40, /* SPD_PARTS times offset, size, checksum */
    SPD_RECORD_RESERVED = 136
};

/* A pattern's sections, in their order. */
enum { SPD_BITS, SPD_RATIOS, SPD_SCORES, SPD_GENERATION_SCORES, SPD_PARTS };

enum { SPD_SECTION_BYTES = 24 }; /* offset, size, checksum */

enum {
    SPD_MAX_BATCH = 65536,
    SPD_MAX_HEADS = 65536,
    SPD_MAX_LAYERS = 65536,
    SPD_MAX_LEN = 2147483647,
    SPD_MAX_PATTERNS = 1 << 24,
    SPD_MAX_STEPS = 1 << 20
};
#define SPD_MAX_FILE_BYTES ((uint64_t)1 << 62)

#endif
