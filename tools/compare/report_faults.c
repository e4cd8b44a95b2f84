/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/report_faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/report_output.h"

/* What is being told: a case of one record, or of two. */
typedef struct telling {
    report_faults *all;
    size_t first; /* of this case in the list */
    const char *name;
    bool of_pairs;
    uint32_t records;
} telling;

static bool same_place(const finding *a, const finding *b) {
    if (a->kind != b->kind || a->part != b->part || strcmp(a->run, b->run) != 0)
        return false;
    return a->kind == FINDING_OVERALL || (a->batch == b->batch && a->head == b->head &&
                                          a->ranking == b->ranking && a->q_block == b->q_block);
}

static bool belongs(const telling *t, const report_fault *to, verdict v, const finding *place,
                    const char *text) {
    if (to->v != v || to->of_pairs != t->of_pairs || to->placed != (place != NULL) ||
        (t->of_pairs && (to->common & t->records) == 0))
        return false;
    return place ? same_place(&to->place, place) : strcmp(to->text, text) == 0;
}

static report_fault *append(report_faults *all) {
    if (all->count == all->room) {
        const size_t room = all->room ? 2 * all->room : 16;
        report_fault *larger =
            room <= SIZE_MAX / sizeof *larger ? realloc(all->list, room * sizeof *larger) : NULL;
        if (!larger) {
            all->failed = true;
            return NULL;
        }
        all->list = larger;
        all->room = room;
    }
    return &all->list[all->count++];
}

static void take_fault(void *context, verdict v, const finding *place, const char *text) {
    const telling *t = context;
    for (size_t i = t->first; i < t->all->count; i++) {
        report_fault *to = &t->all->list[i];
        if (!belongs(t, to, v, place, text))
            continue;
        to->records |= t->records;
        to->common &= t->records;
        return;
    }
    report_fault *to = append(t->all);
    if (!to)
        return;
    *to = (report_fault){v, t->name, t->of_pairs, t->records, t->records, place != NULL, {0}, ""};
    if (place)
        to->place = *place;
    snprintf(to->text, sizeof to->text, "%s", text);
}

static void tell_case(telling *t, const comparison *c) {
    for (size_t i = 0; i < c->record_count; i++) {
        size_t index;
        const record_case *at = comparison_find(&c->records[i], t->name, &index);
        t->of_pairs = false;
        t->records = (uint32_t)1 << i;
        if (at)
            faults_of_case(at, take_fault, t);
    }
    for (size_t i = 0; i < c->pair_count; i++) {
        const record_pair *p = &c->pairs[i];
        const case_pair *at = comparison_pair_case(c, p, t->name);
        t->of_pairs = true;
        t->records = (uint32_t)1 << p->a | (uint32_t)1 << p->b;
        if (at)
            faults_of_pair(at, comparison_letter(p->a), comparison_letter(p->b), take_fault, t);
    }
}

/* What is told of whole records stands first, under no case. */
static void tell_records(telling *t, const comparison *c) {
    t->of_pairs = false;
    for (size_t i = 0; i < c->record_count; i++) {
        t->records = (uint32_t)1 << i;
        faults_of_record(&c->records[i], take_fault, t);
    }
}

bool report_faults_make(report_faults *all, const comparison *c, tool_error *error) {
    report_names names;
    *all = (report_faults){.count = 0};
    if (!report_names_make(&names, c, error))
        return false;
    telling whole = {.all = all, .name = ""};
    tell_records(&whole, c);
    for (size_t k = 0; k < names.count; k++) {
        telling t = {.all = all, .first = all->count, .name = names.names[k]};
        tell_case(&t, c);
    }
    free(names.names);
    return !all->failed || tool_fail(error, "out of memory for the failures and warnings");
}

void report_faults_free(report_faults *all) {
    free(all->list);
    *all = (report_faults){.count = 0};
}

static void list_letters(uint32_t records, char text[REPORT_WHO_BYTES]) {
    for (size_t i = 0; i < COMPARISON_MAX_RECORDS; i++)
        if (records >> i & 1) {
            const size_t used = strlen(text);
            snprintf(text + used, REPORT_WHO_BYTES - used, "%s%c",
                     used > 0 && text[used - 1] != ' ' ? ", " : "", comparison_letter(i));
        }
}

void report_fault_who(const report_fault *one, char text[REPORT_WHO_BYTES]) {
    text[0] = '\0';
    if (one->of_pairs && one->common != one->records) {
        list_letters(one->common, text);
        const size_t used = strlen(text);
        snprintf(text + used, REPORT_WHO_BYTES - used, " against ");
    }
    list_letters(one->of_pairs && one->common != one->records ? one->records & ~one->common
                                                              : one->records,
                 text);
}
