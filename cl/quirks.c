/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Each quirk: part of a name that must be there (NULL = any), what to do, and why with its source. */
#include "quirks.h"

#include <stddef.h>
#include <string.h>

typedef struct quirk {
    spd_cl_names names;
    unsigned flags;
    const char *why;
} quirk;

static const quirk quirks[] = {
    /* Measured: building cpu_attend for llvmpipe takes minutes and gives NaN (Mesa 22.3). */
    {{"rusticl", NULL, "llvmpipe", NULL},
     SPD_QUIRK_NO_CPU_SHAPED,
     "rusticl on llvmpipe misbuilds kernels with large private arrays"},
    /* Mesa's older front end builds for CL 1.1 and has no valid binaries for some devices. */
    {{"Clover", NULL, NULL, NULL},
     SPD_QUIRK_REFUSE,
     "Mesa's Clover is incomplete and unmaintained"},
};

static bool has(const char *text, const char *part) {
    return !part || strstr(text, part) != NULL;
}

unsigned spd_cl_quirks(const spd_cl_names *names, const char **why) {
    unsigned flags = 0;
    *why = "";
    for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++) {
        const spd_cl_names *part = &quirks[i].names;
        if (!has(names->platform, part->platform) || !has(names->vendor, part->vendor) ||
            !has(names->device, part->device) || !has(names->driver, part->driver))
            continue;
        flags |= quirks[i].flags;
        *why = quirks[i].why;
    }
    return flags;
}
