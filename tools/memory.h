/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * How much memory this machine has left.
 */
#ifndef TOOLS_MEMORY_H
#define TOOLS_MEMORY_H

#include <stdint.h>

/* Bytes that can be allocated and used without anything being killed or swapped, as the system tells it:
 * what is available on the machine, and no more than a container may have. UINT64_MAX: it does not tell. */
uint64_t memory_available(void);

#endif
