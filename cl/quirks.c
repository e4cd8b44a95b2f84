/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The quirks, each with where it was seen. */
#include "quirks.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct quirk {
    spd_cl_names names;
    unsigned flags;
    const char *why;
} quirk;

static const quirk quirks[] = {
    /* Device: any of rusticl. Driver: Mesa 22.3.6. Source: measured on llvmpipe, every kernel has the
     * sub-group's size, 32, as its limit, and runs in groups of 128. */
    {{.platform = "rusticl", .driver = "22.3."},
     SPD_QUIRK_NO_GROUP_LIMIT,
     "this Mesa takes a kernel's work-group limit from the sub-group: the device's is used"},
    /* Device: llvmpipe through rusticl. Driver: Mesa 22.3.6; no later one was tried. Source:
     * measured, cpu_attend took 107 s to build, and its output was NaN; and output is wrong without a
     * word where loops take more than 65535 turns in all, LP_MAX_TGSI_LOOP_ITERATIONS in Mesa's source:
     * generic_attend with D = 128 was right up to 1300 keys, with D = 16 up to 4096. */
    {{.platform = "rusticl", .device = "llvmpipe"},
     SPD_QUIRK_NO_CPU_SHAPED | SPD_QUIRK_FEW_KEYS,
     "llvmpipe gets large private arrays and long loops wrong: generic kernels, and few keys"},
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
