/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Numbers as text for people and for reading back. The command uses it too.
 */
#ifndef SPD_NUMBER_TEXT_H
#define SPD_NUMBER_TEXT_H

typedef struct spd_number_text {
    char text[32];
} spd_number_text;

/* The shortest %g of at least 6 digits that reads back as value. */
spd_number_text spd_number_text_of(double value);

#endif
