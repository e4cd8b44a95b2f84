/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What an x86-64 processor says of itself and the system of what it saves, and what follows from
 * that: apart, so that the rules are tested on processors that are not here.
 */
#ifndef SPD_CPU_X86_PROCESSOR_H
#define SPD_CPU_X86_PROCESSOR_H

#include "../processor.h"

#include <stdint.h>

enum {
    SPD_CPUID_1_ECX,
    SPD_CPUID_EXTENDED_ECX, /* leaf 0x80000001 */
    SPD_CPUID_7_EBX,
    SPD_CPUID_7_EDX,
    SPD_CPUID_7_1_EAX,
    SPD_XCR0, /* registers that the system saves; 0 if it does not say */
    SPD_X86_WORDS
};

typedef struct spd_x86 {
    uint32_t word[SPD_X86_WORDS];
    char vendor[13];
} spd_x86;

void spd_x86_read(spd_x86 *x86);

/* The first thing that is missing for a level; NULL: nothing is. */
const char *spd_x86_lacks(const spd_x86 *x86, spd_isa isa);

/* See spd_processor_gains. */
bool spd_x86_gains(const spd_x86 *x86, spd_isa isa);

#endif
