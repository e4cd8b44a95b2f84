/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "cpu_info.h"

#include "blas/gemm.h"
#include "processor.h"

#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Copies the value of the first line of /proc/cpuinfo whose key is `key`; "" if there is none. */
static void read_cpuinfo(const char *key, char *value, size_t size) {
    char line[4096];
    value[0] = '\0';
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        size_t length = strlen(key);
        if (!colon || strncmp(line, key, length) != 0 || strspn(line + length, " \t") == 0)
            continue;
        colon += 1 + strspn(colon + 1, " ");
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(value, size, "%s", colon);
        break;
    }
    if (file)
        fclose(file);
}

static bool has_word(const char *words, const char *word) {
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* The instruction sets that matter here, of all that the processor and the system offer. */
static void list_capabilities(const char *flags, char *list, size_t size) {
    static const char *const known[] = {"avx2",        "fma",      "f16c",     "avx512f",
                                        "avx512bw",    "avx512dq", "avx512vl", "avx512_bf16",
                                        "avx512_fp16", "amx_tile", "amx_bf16", "asimd",
                                        "asimdhp",     "sve",      "bf16"};
    list[0] = '\0';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has_word(flags, known[i]))
            snprintf(list + strlen(list), size - strlen(list), "%s%s", list[0] ? " " : "",
                     known[i]);
}

/*
 * The core type that OpenBLAS should use if the one it chose does not use the processor's vectors.
 * It knows processors by model number, and takes a newer one for a much older: a Prescott (SSE3) on
 * a Xeon that is five times as fast as that, a Haswell (AVX2) on a Zen 5 that is 1.7 times as fast.
 */
static const char *wanted_core(const char *core) {
    static const char *const avx512[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    static const char *const avx2[] = {"Haswell", "Zen", "Excavator"};
    for (size_t i = 0; i < sizeof avx512 / sizeof *avx512; i++)
        if (strcasecmp(core, avx512[i]) == 0)
            return "";
    if (!spd_processor_lacks(SPD_ISA_AVX512))
        return "SkylakeX";
    for (size_t i = 0; i < sizeof avx2 / sizeof *avx2; i++)
        if (strcasecmp(core, avx2[i]) == 0)
            return "";
    return spd_processor_lacks(SPD_ISA_AVX2) ? "" : "Haswell";
}

/* At the level baseline matrix products are OpenBLAS's: a warning where that makes them slow. */
static void describe_baseline(sparsed_device_info *info) {
    if (!info->blas_core[0]) {
        snprintf(info->note, sizeof info->note,
                 "libopenblas.so.0 was not found: matrix products run in plain C, several times "
                 "slower");
        return;
    }
    const char *wanted = wanted_core(info->blas_core);
    snprintf(info->blas_core_wanted, sizeof info->blas_core_wanted, "%s", wanted);
    if (wanted[0] && getenv("OPENBLAS_CORETYPE"))
        snprintf(
            info->note, sizeof info->note,
            "OPENBLAS_CORETYPE makes OpenBLAS use %s kernels, which are slower than %s's would "
            "be",
            info->blas_core, wanted);
    else if (wanted[0])
        snprintf(info->note, sizeof info->note,
                 "OpenBLAS took this processor for a %s, which is far too slow; set "
                 "OPENBLAS_CORETYPE=%s before the process starts",
                 info->blas_core, wanted);
}

static void describe_blas(sparsed_device_info *info) {
    const bool baseline = spd_isa_highest() == SPD_ISA_BASELINE;
    if (!spd_gemm_openblas()) {
        snprintf(info->driver, sizeof info->driver, "%s",
                 baseline ? "plain C (OpenBLAS was not found)"
                          : "no OpenBLAS, which cpu-blas alone needs");
        return;
    }
    char version[48];
    /* "OpenBLAS 0.3.21 NO_LAPACKE ...": name and version. */
    snprintf(version, sizeof version, "%.40s", spd_openblas_config());
    char *space = strchr(version, ' ');
    if (space && (space = strchr(space + 1, ' ')) != NULL)
        *space = '\0';
    snprintf(info->blas_core, sizeof info->blas_core, "%.31s", spd_openblas_core());
    snprintf(info->driver, sizeof info->driver, "%.32s, core %s%s", version, info->blas_core,
             baseline ? "" : ", for cpu-blas alone");
}

/* The instruction sets of the processor, as the system lists them. */
static void read_flags(char *flags, size_t size) {
    read_cpuinfo("flags", flags, size);
    if (!flags[0])
        read_cpuinfo("Features", flags, size); /* arm */
}

/* A wrong SPARSED_CPU_ISA makes the device unusable: no other level takes the place of the one that
 * was asked for. */
static void describe_level(sparsed_device_info *info) {
    sparsed_message why;
    info->usable = spd_isa_check_environment(&why) == SPARSED_OK;
    if (!info->usable) {
        snprintf(info->note, sizeof info->note, "%.255s", why.text);
        return;
    }
    const spd_isa highest = spd_isa_highest();
    snprintf(info->isa, sizeof info->isa, "%s", spd_isa_name(highest));
    if (highest == SPD_ISA_BASELINE)
        describe_baseline(info);
}

void spd_cpu_describe(sparsed_device_info *info) {
    char flags[4096];
    snprintf(info->selector, sizeof info->selector, "cpu");
    read_cpuinfo("model name", info->name, sizeof info->name);
    if (!info->name[0])
        snprintf(info->name, sizeof info->name, "processor");
    read_cpuinfo("vendor_id", info->vendor, sizeof info->vendor);
    read_flags(flags, sizeof flags);
    list_capabilities(flags, info->capabilities, sizeof info->capabilities);
    describe_blas(info);
    describe_level(info);
    info->kind = SPARSED_DEVICE_CPU;
    info->compute_units = (uint32_t)omp_get_max_threads();
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_bytes > 0)
        info->memory_bytes = (uint64_t)pages * (uint64_t)page_bytes;
}
