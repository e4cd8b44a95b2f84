/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The words of a text in PTX. What is not as expected ends the parser, at the setjmp of its lexer. */
#ifndef TESTS_EMULATED_PTX_LEX_H
#define TESTS_EMULATED_PTX_LEX_H

#include "emulated/ptx_core.h"

#include <setjmp.h>

enum { LEX_TEXT = 256 };

typedef struct lexer {
    const char *at;
    unsigned line;
    char word[LEX_TEXT]; /* the next one, "" at the end */
    char last[LEX_TEXT]; /* the one before */
    ptx_message *message;
    jmp_buf failed;
} lexer;

void lex_begin(lexer *l, const char *text, ptx_message *message);
bool lex_ends(const lexer *l);
bool lex_is(const lexer *l, const char *word);
bool lex_is_number(const lexer *l);
/* Takes it if it is next. */
bool lex_take(lexer *l, const char *word);
/* A name and the colon behind it. */
bool lex_take_label(lexer *l, char name[LEX_TEXT]);
/* Takes it, whatever it is; the text is there until the next call. */
const char *lex_next(lexer *l);
void lex_expect(lexer *l, const char *word);
int64_t lex_number(lexer *l);             /* the bits of a float */
void lex_skip(lexer *l, const char *end); /* up to and with it */
void lex_skip_line(lexer *l);
_Noreturn void lex_fail(lexer *l, const char *format, ...);

#endif
