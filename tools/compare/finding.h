/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What differs between the results of two records, A and B, beyond what is allowed, and where: what
 * a maintainer needs to know first.
 */
#ifndef TOOLS_COMPARE_FINDING_H
#define TOOLS_COMPARE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compare/record_file.h"

typedef enum finding_kind {
    FINDING_NOT_FINITE,  /* a NaN or infinity in one of the two, or different ones */
    FINDING_ELEMENT,     /* one element of a query block */
    FINDING_ROW,         /* elements of one row of it */
    FINDING_BLOCK,       /* elements of several rows of it */
    FINDING_SHIFTED,     /* a query block of one holds other rows of the other one, `from` rows
                            further on; of a pattern, it keeps the key blocks `from` further on */
    FINDING_OTHER_BLOCK, /* of a pattern: a query block keeps what is query block `from`'s */
    FINDING_SWAPPED,     /* this head and head `from` are the other way round */
    FINDING_OTHER_HEAD,  /* the head holds what is head `from`'s */
    FINDING_HEAD,        /* more than half of a head's query blocks */
    FINDING_KEPT,        /* other key blocks are kept, and no tie explains it */
    FINDING_OVERALL,     /* all of a result together: no element is beyond what one may be */
    FINDING_KINDS
} finding_kind;

/* Which result it is about. */
typedef enum finding_part {
    FINDING_OUT,
    FINDING_LSE,
    FINDING_SCORES,
    FINDING_PATTERN
} finding_part;

#define FINDING_PADDING UINT64_MAX

typedef struct finding {
    finding_kind kind;
    finding_part part;
    const char *run;               /* "dense" ...; a name that lives for ever */
    uint64_t batch, head, ranking; /* the head within its batch; the ranking of scores */
    uint64_t q_block;              /* FINDING_PADDING: padded rows; not for whole heads */
    uint64_t row;                  /* out, lse: of the sequence, the first that is beyond */
    uint64_t
        element; /* the first that is beyond: column of out, key block of scores and patterns */
    int64_t from;
    bool in_a;          /* shifted, other block, other head: A is the one that holds it, else B */
    uint64_t count;     /* elements, or key blocks */
    double a, b;        /* that element in either record; overall: the one that is furthest apart */
    double error;       /* overall: what is above ... */
    record_bound bound; /* ... its warn, or its fail */
} finding;

/* The findings of one comparison; those past the room are counted alone. */
enum { FINDINGS_ROOM = 8 };
typedef struct findings {
    size_t count, more;
    finding list[FINDINGS_ROOM];
} findings;

void findings_add(findings *all, const finding *one);

/* "not-finite", "shifted" ...; "out", "lse", ... */
const char *finding_kind_name(finding_kind kind);
const char *finding_part_name(finding_part part);

/* Whether a kind is about a whole head. */
bool finding_of_head(finding_kind kind);

/* Whether row, element, a and b of a finding tell of an element. */
bool finding_of_values(const finding *f);

/* Whether a kind is about what belongs elsewhere, `from`. */
bool finding_of_other_place(finding_kind kind);

enum { FINDING_TEXT_BYTES = 320 };

/* One line of at most FINDING_TEXT_BYTES with its NUL, no full stop. The letters are what the report
 * calls the two records. */
void finding_describe(const finding *f, char letter_a, char letter_b, char *text);

#endif
