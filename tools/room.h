/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Memory for arrays whose sizes come from a file.
 */
#ifndef TOOLS_ROOM_H
#define TOOLS_ROOM_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory for count items, to be freed; not NULL for none of them. NULL: out of memory, or
 * more than this machine can address. */
void *room_for(uint64_t count, size_t size_bytes);

#endif
