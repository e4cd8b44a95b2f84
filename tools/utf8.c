/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * UTF-8 decoding; see utf8.h.
 */
#include "utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

size_t utf8_decode(const char *text, size_t size_bytes, uint32_t *codepoint) {
    if (size_bytes == 0) {
        return 0;
    }
    uint32_t first = (unsigned char)text[0];
    if (first < 0x80) {
        *codepoint = first;
        return 1;
    }
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || length > size_bytes) {
        return 0;
    }
    uint32_t value = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        uint32_t byte = (unsigned char)text[i];
        if ((byte & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (byte & 0x3f);
    }
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
        return 0;
    }
    *codepoint = value;
    return length;
}

size_t utf8_valid_prefix(const char *text, size_t size_bytes) {
    size_t done = 0;
    for (;;) {
        uint32_t codepoint;
        size_t length = utf8_decode(text + done, size_bytes - done, &codepoint);
        if (length == 0) {
            return done;
        }
        done += length;
    }
}

char *utf8_repair(const char *text, size_t size_bytes) {
    static const char replacement[] = "\xef\xbf\xbd";
    size_t used = 0;
    if (size_bytes > (SIZE_MAX - 1) / 3)
        return NULL;
    char *repaired = malloc(3 * size_bytes + 1);
    for (size_t i = 0; repaired && i < size_bytes;) {
        uint32_t codepoint;
        size_t bytes = utf8_decode(text + i, size_bytes - i, &codepoint);
        bool valid = bytes > 0 && codepoint != 0;
        memcpy(repaired + used, valid ? text + i : replacement, valid ? bytes : 3);
        used += valid ? bytes : 3;
        i += valid ? bytes : 1;
    }
    if (repaired)
        repaired[used] = '\0';
    return repaired;
}

/* Bytes of the control character that text begins with; 0 if it is none. */
static size_t control_bytes(const char *text) {
    const unsigned char first = (unsigned char)text[0], second = first ? (unsigned char)text[1] : 0;
    if (first < 0x20 || first == 0x7f)
        return first != 0;
    return first == 0xc2 && second >= 0x80 && second <= 0x9f ? 2 : 0;
}

bool utf8_has_controls(const char *text) {
    while (*text && control_bytes(text) == 0)
        text++;
    return *text != '\0';
}

void utf8_hide_controls(char *text) {
    char *to = text;
    while (*text) {
        const size_t bytes = control_bytes(text);
        *to++ = bytes > 0 ? '?' : *text;
        text += bytes > 0 ? bytes : 1;
    }
    *to = '\0';
}
