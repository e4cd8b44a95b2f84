/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See ptx_lex.h. */
#include "emulated/ptx_lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters of a name or number, :: among them. */
static size_t word_length(const char *text) {
    size_t n = 0;
    for (;;)
        if (isalnum((unsigned char)text[n]) || (text[n] && strchr("_.$%", text[n])))
            n++;
        else if (text[n] == ':' && text[n + 1] == ':')
            n += 2;
        else
            return n;
}

static void skip_space(lexer *l) {
    while (*l->at) {
        if (l->at[0] == '/' && l->at[1] == '/')
            l->at += strcspn(l->at, "\n");
        else if (!isspace((unsigned char)*l->at))
            return;
        else if (*l->at++ == '\n')
            l->line++;
    }
}

/* Reads the next word: a name, a number, or one character. */
static void advance(lexer *l) {
    size_t length = 0;
    skip_space(l);
    if (*l->at == '"') {
        length = 1 + strcspn(l->at + 1, "\"");
        length += l->at[length] != 0;
    } else if (*l->at == '-' && isdigit((unsigned char)l->at[1])) {
        length = 1 + word_length(l->at + 1);
    } else if (*l->at) {
        length = word_length(l->at);
        length += length == 0;
    }
    if (length >= LEX_TEXT)
        lex_fail(l, "a word of %zu characters", length);
    memcpy(l->word, l->at, length);
    l->word[length] = 0;
    l->at += length;
}

void lex_begin(lexer *l, const char *text, ptx_message *message) {
    l->at = text;
    l->line = 1;
    l->message = message;
    advance(l);
}

bool lex_ends(const lexer *l) {
    return !l->word[0];
}

bool lex_is(const lexer *l, const char *word) {
    return strcmp(l->word, word) == 0;
}

bool lex_is_number(const lexer *l) {
    return isdigit((unsigned char)l->word[0]) || (l->word[0] == '-' && l->word[1]);
}

bool lex_take(lexer *l, const char *word) {
    const bool is = lex_is(l, word);
    if (is)
        advance(l);
    return is;
}

bool lex_take_label(lexer *l, char name[LEX_TEXT]) {
    if (lex_ends(l) || l->at[0] != ':' || l->at[1] == ':' ||
        !isalpha((unsigned char)l->word[l->word[0] == '$']))
        return false;
    strcpy(name, lex_next(l));
    lex_expect(l, ":");
    return true;
}

const char *lex_next(lexer *l) {
    if (lex_ends(l))
        lex_fail(l, "the text ends too early");
    strcpy(l->last, l->word);
    advance(l);
    return l->last;
}

void lex_expect(lexer *l, const char *word) {
    if (!lex_take(l, word))
        lex_fail(l, "'%s' in the place of '%s'", l->word, word);
}

int64_t lex_number(lexer *l) {
    const char *word = lex_next(l);
    char *end;
    const bool is_float = word[0] == '0' && (word[1] == 'f' || word[1] == 'd');
    const int64_t value = is_float         ? (int64_t)strtoull(word + 2, &end, 16)
                          : word[0] == '-' ? (int64_t)strtoll(word, &end, 0)
                                           : (int64_t)strtoull(word, &end, 0);
    if (*end && strcmp(end, "U") != 0)
        lex_fail(l, "'%s' is no number", word);
    return value;
}

void lex_skip(lexer *l, const char *end) {
    while (!lex_take(l, end))
        lex_next(l);
}

void lex_skip_line(lexer *l) {
    for (const unsigned line = l->line; l->line == line && !lex_ends(l);)
        lex_next(l);
}

void lex_fail(lexer *l, const char *format, ...) {
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(l->message->text, sizeof l->message->text, "line %u: %s", l->line, what);
    longjmp(l->failed, 1);
}
