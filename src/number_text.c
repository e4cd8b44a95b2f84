/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "number_text.h"

#include <stdio.h>
#include <stdlib.h>

/* Fewer digits would print 20 as 2e+01; more than 17 no double needs. */
enum { FEWEST_DIGITS = 6, ENOUGH_DIGITS = 17 };

spd_number_text spd_number_text_of(double value) {
    spd_number_text number;
    int digits = FEWEST_DIGITS;
    do
        snprintf(number.text, sizeof number.text, "%.*g", digits, value);
    while (++digits <= ENOUGH_DIGITS && strtod(number.text, NULL) != value);
    return number;
}
