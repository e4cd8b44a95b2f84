/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "processor.h"

#include "../src/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[SPD_ISA_COUNT] = {
    [SPD_ISA_BASELINE] = "baseline",       [SPD_ISA_AVX2] = "avx2", [SPD_ISA_AVX512] = "avx512",
    [SPD_ISA_AVX512_BF16] = "avx512-bf16", [SPD_ISA_AMX] = "amx",   [SPD_ISA_NEON] = "neon",
};

const char *spd_isa_name(spd_isa isa) {
    return names[isa];
}

/* An architecture without levels of its own. */
#if !defined(SPD_X86_LEVELS) && !defined(SPD_ARM_LEVELS)
const char *spd_processor_lacks(spd_isa isa) {
    return isa == SPD_ISA_BASELINE ? NULL : spd_isa_name(isa);
}

bool spd_processor_gains(spd_isa isa) {
    (void)isa;
    return true;
}
#endif

/* Names of all levels, or of those that are here. */
static void list_names(bool here, char *list, size_t size) {
    list[0] = '\0';
    for (int isa = 0; isa < SPD_ISA_COUNT; isa++) {
        size_t used = strlen(list);
        if (!here || !spd_processor_lacks((spd_isa)isa))
            snprintf(list + used, size - used, "%s%s", used ? ", " : "", names[isa]);
    }
}

/* The level that SPARSED_CPU_ISA names; SPD_ISA_COUNT if it names none. */
static sparsed_status find_named(spd_isa *named, sparsed_message *message) {
    const char *value = getenv("SPARSED_CPU_ISA");
    char list[96];
    int isa = 0;
    *named = SPD_ISA_COUNT;
    if (!value || !value[0])
        return SPARSED_OK;
    while (isa < SPD_ISA_COUNT && strcmp(value, names[isa]) != 0)
        isa++;
    list_names(isa < SPD_ISA_COUNT, list, sizeof list);
    if (isa == SPD_ISA_COUNT)
        return spd_fail(message, SPARSED_E_INVALID, "SPARSED_CPU_ISA is '%.60s'; known are: %s",
                        value, list);
    const char *missing = spd_processor_lacks((spd_isa)isa);
    if (missing)
        return spd_fail(message, SPARSED_E_UNSUPPORTED,
                        "SPARSED_CPU_ISA is '%s', but there is no %s here; levels here: %s", value,
                        missing, list);
    *named = (spd_isa)isa;
    return SPARSED_OK;
}

sparsed_status spd_isa_check_environment(sparsed_message *message) {
    spd_isa named;
    return find_named(&named, message);
}

static sparsed_status judge(spd_isa isa, sparsed_message *why_not) {
    spd_isa named;
    sparsed_status status = find_named(&named, why_not);
    if (status != SPARSED_OK)
        return status;
    if (isa > named)
        return spd_fail(why_not, SPARSED_E_UNSUPPORTED, "it needs %s; SPARSED_CPU_ISA is '%s'",
                        names[isa], names[named]);
    const char *missing = spd_processor_lacks(isa);
    if (missing)
        return spd_fail(why_not, SPARSED_E_UNSUPPORTED, "there is no %s here", missing);
    if (isa != named && !spd_processor_gains(isa))
        return spd_fail(why_not, SPARSED_E_UNSUPPORTED,
                        "%s is slower here than the level below it; SPARSED_CPU_ISA=%s uses it all "
                        "the same",
                        names[isa], names[isa]);
    return SPARSED_OK;
}

bool spd_isa_runs(spd_isa isa, char *why_not, size_t size) {
    sparsed_message why;
    bool runs = judge(isa, &why) == SPARSED_OK;
    if (!runs && why_not)
        snprintf(why_not, size, "%s", why.text);
    return runs;
}

spd_isa spd_isa_highest(void) {
    int isa = SPD_ISA_COUNT - 1;
    while (isa > SPD_ISA_BASELINE && !spd_isa_runs((spd_isa)isa, NULL, 0))
        isa--;
    return (spd_isa)isa;
}
