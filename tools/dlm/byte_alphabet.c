/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The alphabet of byte-level BPE; see byte_alphabet.h.
 */
#include "byte_alphabet.h"

#include <stdint.h>

#include "../utf8.h"

static bool stands_for_itself(uint32_t codepoint) {
    return (codepoint >= '!' && codepoint <= '~') ||
           (codepoint >= 0xa1 && codepoint <= 0xff && codepoint != 0xad);
}

/* The bytes that have another character, in the order of those: 00-20, 7f-a0, ad. */
static bool decode_character(uint32_t codepoint, char *byte) {
    uint32_t value = codepoint;
    if (!stands_for_itself(codepoint)) {
        if (codepoint < 0x100 || codepoint > 0x143) {
            return false;
        }
        uint32_t nth = codepoint - 0x100;
        value = nth <= 0x20 ? nth : nth <= 0x42 ? nth - 0x21 + 0x7f : 0xad;
    }
    *byte = (char)(unsigned char)value;
    return true;
}

bool dlm_byte_alphabet_decode(const char *text, size_t text_bytes, char *bytes,
                              size_t *size_bytes) {
    size_t n = 0;
    for (size_t at = 0; at < text_bytes;) {
        uint32_t codepoint;
        size_t length = utf8_decode(text + at, text_bytes - at, &codepoint);
        if (length == 0 || !decode_character(codepoint, &bytes[n])) {
            return false;
        }
        n++;
        at += length;
    }
    *size_bytes = n;
    return true;
}
