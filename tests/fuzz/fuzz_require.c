/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See fuzz_target.h. */
#include "fuzz_target.h"

#include <stdio.h>
#include <stdlib.h>

void fuzz_require(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}
