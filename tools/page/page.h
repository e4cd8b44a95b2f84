/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One HTML page that needs nothing else: its style is inside, it has no script and loads nothing, and
 * it reads in light and dark. It grows in memory and is written whole. Texts are escaped, and what is
 * no UTF-8 becomes U+FFFD. A page that ran out of memory takes everything and fails at page_write.
 */
#ifndef TOOLS_PAGE_PAGE_H
#define TOOLS_PAGE_PAGE_H

#include <stddef.h>

#include "error.h"

typedef struct page_column {
    const char *name;
    bool number; /* to the right */
} page_column;

typedef struct page {
    char *text;
    size_t size_bytes, room_bytes;
    bool failed;
    const page_column *columns;  /* of the table that is open ... */
    size_t column_count, column; /* ... and the next cell's */
} page;

/* The beginning, up to the title as its first heading. */
void page_begin(page *p, const char *title);

/* Markup as it stands, and text; both as printf has it. */
void page_markup(page *p, const char *format, ...);
void page_text(page *p, const char *format, ...);

/* Whole elements around such a text. A note is a paragraph that stands out: a warning, a limit. */
void page_heading(page *p, const char *format, ...);
void page_paragraph(page *p, const char *format, ...);
void page_note(page *p, const char *format, ...);

/* A table: begin, then for each row page_row and as many cells as there are columns, then end.
 * caption may be NULL; columns stay the caller's until the end. */
void page_table_begin(page *p, const char *caption, const page_column *columns, size_t count);
void page_row(page *p);
void page_cell(page *p, const char *format, ...);
/* A cell that stands out. */
typedef enum page_mark { PAGE_PLAIN, PAGE_GOOD, PAGE_WARN, PAGE_BAD } page_mark;
void page_marked_cell(page *p, page_mark mark, const char *format, ...);
void page_table_end(page *p);

/* Ends the page and writes the file, which appears whole or not at all. */
bool page_write(page *p, const char *path, tool_error *error);
void page_free(page *p);

#endif
