/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The alphabet of byte-level BPE: each byte is written as one visible character, so that tokens can
 * stand in a JSON file. Printable bytes of Latin-1 stand for themselves, the others, in order, are
 * the characters from U+0100 on.
 */
#ifndef TOOLS_DLM_BYTE_ALPHABET_H
#define TOOLS_DLM_BYTE_ALPHABET_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the bytes that text stands for, at most text_bytes, and their number. false if a character
 * of it is not of the alphabet. */
bool dlm_byte_alphabet_decode(const char *text, size_t text_bytes, char *bytes, size_t *size_bytes);

#endif
