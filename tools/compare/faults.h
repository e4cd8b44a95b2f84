/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Why a recorded case, held to the double oracle or to another record, is not a pass.
 */
#ifndef TOOLS_COMPARE_FAULTS_H
#define TOOLS_COMPARE_FAULTS_H

#include "compare/case_pair.h"

enum { FAULT_BYTES = 512 };

/* Called with each fault: whether it warns or fails, the finding that it tells of (NULL: none), and a
 * line without a full stop. */
typedef void fault_line(void *context, verdict v, const finding *place, const char *text);

/* Of a record as a whole: cases of its suite that it has not, though no option left them out. */
void faults_of_record(const record *r, fault_line *tell, void *context);

void faults_of_case(const record_case *c, fault_line *tell, void *context);

/* The letters are what the report calls the two records. */
void faults_of_pair(const case_pair *pair, char letter_a, char letter_b, fault_line *tell,
                    void *context);

#endif
