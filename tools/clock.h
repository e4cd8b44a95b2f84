/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A clock that only goes forward.
 */
#ifndef TOOLS_CLOCK_H
#define TOOLS_CLOCK_H

/* Seconds since some fixed moment. */
double clock_seconds(void);

#endif
