/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/finding.h"

#include <inttypes.h>
#include <stdio.h>

void findings_add(findings *all, const finding *one) {
    if (all->count < FINDINGS_ROOM)
        all->list[all->count++] = *one;
    else
        all->more++;
}

const char *finding_kind_name(finding_kind kind) {
    static const char *const names[FINDING_KINDS] = {
        "not-finite", "element",    "row",  "block", "shifted", "other-block",
        "swapped",    "other-head", "head", "kept",  "overall"};
    return names[kind];
}

const char *finding_part_name(finding_part part) {
    static const char *const names[] = {"out", "lse", "scores", "pattern"};
    return names[part];
}

bool finding_of_head(finding_kind kind) {
    return kind == FINDING_SWAPPED || kind == FINDING_OTHER_HEAD || kind == FINDING_HEAD;
}

bool finding_of_values(const finding *f) {
    return f->part != FINDING_PATTERN && !finding_of_head(f->kind);
}

bool finding_of_other_place(finding_kind kind) {
    return kind == FINDING_SHIFTED || kind == FINDING_OTHER_BLOCK || kind == FINDING_SWAPPED ||
           kind == FINDING_OTHER_HEAD;
}

/* ---- where ---- */

enum { PLACE_BYTES = 96 };

static void describe_place(const finding *f, char text[PLACE_BYTES]) {
    int used = snprintf(text, PLACE_BYTES, "%s %s%s, batch %" PRIu64 ", head %" PRIu64, f->run,
                        finding_part_name(f->part),
                        f->part == FINDING_SCORES && f->ranking == 1 ? " (generation)" : "",
                        f->batch, f->head);
    char *end = text + used;
    size_t room = PLACE_BYTES - (size_t)used;
    if (finding_of_head(f->kind))
        return;
    if (f->q_block == FINDING_PADDING)
        snprintf(end, room, ", padded rows");
    else
        snprintf(end, room, ", query block %" PRIu64, f->q_block);
}

/* The first element that is beyond. */
static void describe_element(const finding *f, char text[PLACE_BYTES]) {
    if (f->part == FINDING_SCORES)
        snprintf(text, PLACE_BYTES, "key block %" PRIu64, f->element);
    else if (f->part == FINDING_LSE)
        snprintf(text, PLACE_BYTES, "row %" PRIu64, f->row);
    else
        snprintf(text, PLACE_BYTES, "row %" PRIu64 ", column %" PRIu64, f->row, f->element);
}

/* ---- what ---- */

enum { WHAT_BYTES = 200 };

static void describe_values(const finding *f, char letter_a, char letter_b, char text[WHAT_BYTES]) {
    char element[PLACE_BYTES], which[48];
    describe_element(f, element);
    if (f->count == 1)
        snprintf(which, sizeof which, "one element%s",
                 f->kind == FINDING_NOT_FINITE ? " is not finite" : "");
    else if (f->kind == FINDING_NOT_FINITE)
        snprintf(which, sizeof which, "%" PRIu64 " elements are not finite", f->count);
    else if (f->kind == FINDING_ROW)
        snprintf(which, sizeof which, "%" PRIu64 " elements of one row", f->count);
    else
        snprintf(which, sizeof which, "%" PRIu64 " elements", f->count);
    snprintf(text, WHAT_BYTES, "%s%s %s: %.9g in %c, %.9g in %c", which,
             f->count == 1 ? "," : ", first", element, f->a, letter_a, f->b, letter_b);
}

static void describe_shift(const finding *f, char holder, char owner, char text[WHAT_BYTES]) {
    const char *way = f->from < 0 ? "before" : "further on";
    if (f->part == FINDING_PATTERN)
        snprintf(text, WHAT_BYTES,
                 "shifted block: %c keeps the key blocks %" PRIi64 " %s those of %c", holder,
                 f->from < 0 ? -f->from : f->from, f->from < 0 ? "before" : "behind", owner);
    else
        snprintf(text, WHAT_BYTES, "shifted block: %c holds the rows of %c that are %" PRIi64 " %s",
                 holder, owner, f->from < 0 ? -f->from : f->from, way);
}

static void describe_overall(const finding *f, char letter_a, char letter_b,
                             char text[WHAT_BYTES]) {
    char element[PLACE_BYTES];
    describe_element(f, element);
    snprintf(text, WHAT_BYTES,
             "overall: difference %.3g, above %.3g; largest at %s: %.9g in %c, %.9g in %c",
             f->error, f->error <= f->bound.fail ? f->bound.warn : f->bound.fail, element, f->a,
             letter_a, f->b, letter_b);
}

static void describe_what(const finding *f, char letter_a, char letter_b, char text[WHAT_BYTES]) {
    const char holder = f->in_a ? letter_a : letter_b, owner = f->in_a ? letter_b : letter_a;
    switch (f->kind) {
    case FINDING_SHIFTED:
        describe_shift(f, holder, owner, text);
        break;
    case FINDING_OTHER_BLOCK:
        snprintf(text, WHAT_BYTES, "other block: %c keeps what query block %" PRIi64 " keeps in %c",
                 holder, f->from, owner);
        break;
    case FINDING_SWAPPED:
        snprintf(text, WHAT_BYTES,
                 "swapped heads: this and head %" PRIi64 " are the other way round", f->from);
        break;
    case FINDING_OTHER_HEAD:
        snprintf(text, WHAT_BYTES, "other head: %c holds what is head %" PRIi64 "'s in %c", holder,
                 f->from, owner);
        break;
    case FINDING_HEAD:
        snprintf(text, WHAT_BYTES, "whole head: %" PRIu64 " %s", f->count,
                 f->part == FINDING_PATTERN ? "key blocks that are no ties" : "elements");
        break;
    case FINDING_KEPT:
        snprintf(text, WHAT_BYTES,
                 "%" PRIu64 " key block%s kept in one alone, no tie, first key block %" PRIu64,
                 f->count, f->count == 1 ? "" : "s", f->element);
        break;
    case FINDING_OVERALL:
        describe_overall(f, letter_a, letter_b, text);
        break;
    default:
        describe_values(f, letter_a, letter_b, text);
    }
}

void finding_describe(const finding *f, char letter_a, char letter_b, char *text) {
    char place[PLACE_BYTES], what[WHAT_BYTES];
    describe_place(f, place);
    describe_what(f, letter_a, letter_b, what);
    snprintf(text, FINDING_TEXT_BYTES, "%s: %s", place, what);
}
