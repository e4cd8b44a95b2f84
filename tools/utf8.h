/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef TOOLS_UTF8_H
#define TOOLS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that text begins with; 0 if there is none or it is not valid. *codepoint
 * is set unless 0 is returned. */
size_t utf8_decode(const char *text, size_t size_bytes, uint32_t *codepoint);

/* The text with every byte that is not part of a valid character, and every NUL, as U+FFFD;
 * malloc'd and NUL-terminated, NULL if out of memory. */
char *utf8_repair(const char *text, size_t size_bytes);

/* Whether the valid text has a control character: U+0000 .. U+001F, U+007F .. U+009F. A terminal takes
 * them as commands. */
bool utf8_has_controls(const char *text);

/* Makes each of them a '?', in place. */
void utf8_hide_controls(char *text);

/* Bytes of the longest valid beginning of text. */
size_t utf8_valid_prefix(const char *text, size_t size_bytes);

#endif
