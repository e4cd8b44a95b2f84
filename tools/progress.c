/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "utf8.h"

enum { BAR_CELLS = 24, DEFAULT_COLUMNS = 80 };

void progress_start(progress *p, const char *label, const dlm_tokenizer *tokenizer, uint32_t steps,
                    uint32_t gen_length, uint32_t mask_token, uint32_t eos_token) {
    *p = (progress){isatty(STDERR_FILENO) == 1,
                    label,
                    tokenizer,
                    steps,
                    gen_length,
                    mask_token,
                    eos_token,
                    clock_seconds()};
}

static int terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_COLUMNS;
    return size.ws_col;
}

/* Prints text in at most `columns` columns, control characters as spaces. */
static int print_clipped(const char *text, size_t size, int columns) {
    int used = 0;
    for (size_t i = 0; i < size && used < columns; used++) {
        uint32_t codepoint;
        size_t bytes = utf8_decode(text + i, size - i, &codepoint);
        if (bytes == 0 || codepoint < 32 || codepoint == 127)
            fputc(' ', stderr);
        else
            fwrite(text + i, 1, bytes, stderr);
        i += bytes ? bytes : 1;
    }
    return used;
}

/* The answer so far: settled runs as text, a dot for each token that is still masked. */
static void print_answer(const progress *p, const uint32_t *generated, int columns) {
    for (uint32_t i = 0; i < p->gen_length && columns > 0;) {
        if (generated[i] == p->eos_token)
            break;
        uint32_t end = i;
        while (end < p->gen_length && generated[end] != p->mask_token &&
               generated[end] != p->eos_token)
            end++;
        size_t size = 0;
        char *text = dlm_tokenizer_decode(p->tokenizer, generated + i, end - i, &size);
        columns -= text ? print_clipped(text, size, columns) : 0;
        free(text);
        if (end < p->gen_length && generated[end] == p->mask_token) {
            columns -= print_clipped(".", 1, columns);
            end++;
        }
        i = end;
    }
}

void progress_draw(const progress *p, uint32_t step, const uint32_t *generated) {
    if (!p->shown)
        return;
    int columns = terminal_columns();
    if (columns < 60) {
        fprintf(stderr, "\r\033[K%.*s %u/%u", columns > 24 ? columns - 24 : 1, p->label, step,
                p->steps);
        fflush(stderr);
        return;
    }
    int filled = (int)((uint64_t)step * BAR_CELLS / p->steps);
    int used = fprintf(stderr, "\r\033[K%-9s [", p->label) - 4;
    for (int i = 0; i < BAR_CELLS; i++)
        fputc(i < filled ? '#' : '-', stderr);
    used += BAR_CELLS +
            fprintf(stderr, "] %u/%u %.1f s ", step, p->steps, clock_seconds() - p->start_seconds);
    print_answer(p, generated, columns - used - 1);
    fflush(stderr);
}

void progress_end(const progress *p) {
    if (p->shown)
        fputs("\r\033[K", stderr);
}
