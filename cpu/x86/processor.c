/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "processor.h"

#include <cpuid.h>
#include <stddef.h>
#include <string.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* What each level needs beyond the one before it. avx2 and avx512 are x86-64-v3 and -v4: what the
 * compiler may use in their files. */
static const struct need {
    spd_isa isa;
    const char *name;
    int word, bit;
} needs[] = {
    {SPD_ISA_AVX2, "osxsave", SPD_CPUID_1_ECX, 27},
    {SPD_ISA_AVX2, "ymm registers in the system", SPD_XCR0, 2},
    {SPD_ISA_AVX2, "avx", SPD_CPUID_1_ECX, 28},
    {SPD_ISA_AVX2, "avx2", SPD_CPUID_7_EBX, 5},
    {SPD_ISA_AVX2, "fma", SPD_CPUID_1_ECX, 12},
    {SPD_ISA_AVX2, "f16c", SPD_CPUID_1_ECX, 29},
    {SPD_ISA_AVX2, "movbe", SPD_CPUID_1_ECX, 22},
    {SPD_ISA_AVX2, "lzcnt", SPD_CPUID_EXTENDED_ECX, 5},
    {SPD_ISA_AVX2, "bmi1", SPD_CPUID_7_EBX, 3},
    {SPD_ISA_AVX2, "bmi2", SPD_CPUID_7_EBX, 8},
    {SPD_ISA_AVX512, "mask registers in the system", SPD_XCR0, 5},
    {SPD_ISA_AVX512, "zmm registers in the system", SPD_XCR0, 6},
    {SPD_ISA_AVX512, "zmm registers in the system", SPD_XCR0, 7},
    {SPD_ISA_AVX512, "avx512f", SPD_CPUID_7_EBX, 16},
    {SPD_ISA_AVX512, "avx512dq", SPD_CPUID_7_EBX, 17},
    {SPD_ISA_AVX512, "avx512cd", SPD_CPUID_7_EBX, 28},
    {SPD_ISA_AVX512, "avx512bw", SPD_CPUID_7_EBX, 30},
    {SPD_ISA_AVX512, "avx512vl", SPD_CPUID_7_EBX, 31},
    {SPD_ISA_AVX512_BF16, "avx512_bf16", SPD_CPUID_7_1_EAX, 5},
    {SPD_ISA_AMX, "amx_bf16", SPD_CPUID_7_EDX, 22},
    {SPD_ISA_AMX, "amx_tile", SPD_CPUID_7_EDX, 24},
    {SPD_ISA_AMX, "tile registers in the system", SPD_XCR0, 17},
    {SPD_ISA_AMX, "tile registers in the system", SPD_XCR0, 18},
};

const char *spd_x86_lacks(const spd_x86 *x86, spd_isa isa) {
    if (isa > SPD_ISA_AMX)
        return spd_isa_name(isa);
    for (size_t i = 0; i < sizeof needs / sizeof *needs && needs[i].isa <= isa; i++)
        if (!(x86->word[needs[i].word] >> needs[i].bit & 1))
            return needs[i].name;
    return NULL;
}

/* vdpbf16ps runs at twice the rate of float products on AMD's Zen 4 and 5, at half of it on Intel's
 * Sapphire and Emerald Rapids. */
bool spd_x86_gains(const spd_x86 *x86, spd_isa isa) {
    return isa != SPD_ISA_AVX512_BF16 || strcmp(x86->vendor, "AuthenticAMD") == 0;
}

/* Of the register XCR0 the low half; it may be read only where the system set OSXSAVE. */
static uint32_t read_xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

void spd_x86_read(spd_x86 *x86) {
    uint32_t eax, ebx, ecx, edx;
    *x86 = (spd_x86){{0}, ""};
    if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx))
        return;
    memcpy(x86->vendor, &ebx, 4);
    memcpy(x86->vendor + 4, &edx, 4);
    memcpy(x86->vendor + 8, &ecx, 4);
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx))
        x86->word[SPD_CPUID_1_ECX] = ecx;
    if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx))
        x86->word[SPD_CPUID_EXTENDED_ECX] = ecx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        uint32_t subleaves = eax;
        x86->word[SPD_CPUID_7_EBX] = ebx;
        x86->word[SPD_CPUID_7_EDX] = edx;
        if (subleaves >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
            x86->word[SPD_CPUID_7_1_EAX] = eax;
    }
    if (x86->word[SPD_CPUID_1_ECX] >> 27 & 1)
        x86->word[SPD_XCR0] = read_xcr0();
}

/* Linux gives the tile registers to processes that ask for them. */
static bool ask_for_tiles(void) {
#if defined(__linux__)
    const long request_permission = 0x1023, tile_data = 18; /* ARCH_REQ_XCOMP_PERM, XTILEDATA */
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return false;
#endif
}

const char *spd_processor_lacks(spd_isa isa) {
    spd_x86 x86;
    spd_x86_read(&x86);
    const char *missing = spd_x86_lacks(&x86, isa);
    if (!missing && isa == SPD_ISA_AMX && !ask_for_tiles())
        missing = "permission to use tile registers";
    return missing;
}

bool spd_processor_gains(spd_isa isa) {
    spd_x86 x86;
    spd_x86_read(&x86);
    return spd_x86_gains(&x86, isa);
}
