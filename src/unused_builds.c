/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "unused_builds.h"

#include <stdbool.h>

void spd_drop_unused_builds(sparsed_schedule_entry *entries, uint32_t steps, uint32_t flags) {
    bool used = (flags & SPARSED_SCHEDULE_SAVE) != 0;
    if ((flags & SPARSED_SCHEDULE_EVERY_BUILD) != 0)
        return;
    for (uint32_t i = steps; i-- > 0;) {
        uint32_t op = entries[i].op;
        if (op == SPARSED_DENSE_BUILD && !used)
            entries[i].op = SPARSED_DENSE;
        if (op == SPARSED_SPARSE)
            used = true;
        else if (op == SPARSED_DENSE_BUILD || op == SPARSED_BUILD_SPARSE)
            used = false;
    }
}
