/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Checksums of a pattern file put right, so that damage gets past them.
 */
#ifndef TESTS_FUZZ_RESEAL_H
#define TESTS_FUZZ_RESEAL_H

#include <stddef.h>
#include <stdint.h>

/* Recomputes, in place, the checksum of every section that lies within the bytes, then the table's
 * and the header's. Nothing else is changed; bytes shorter than a header stay as they are. */
void reseal(uint8_t *bytes, size_t size);

#endif
