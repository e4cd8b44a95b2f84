/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "../processor.h"

#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/* Every 64-bit arm processor has NEON; Linux says so too. */
static bool has_neon(void) {
#if defined(__linux__)
    return (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0;
#else
    return true;
#endif
}

const char *spd_processor_lacks(spd_isa isa) {
    bool has = isa == SPD_ISA_BASELINE || (isa == SPD_ISA_NEON && has_neon());
    return has ? NULL : spd_isa_name(isa);
}

bool spd_processor_gains(spd_isa isa) {
    (void)isa;
    return true;
}
