/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "page.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "page_style.h"
#include "utf8.h"

/* ---- memory ---- */

static void append(page *p, const char *bytes, size_t size_bytes) {
    if (p->failed)
        return;
    if (size_bytes > p->room_bytes - p->size_bytes) {
        size_t room = p->room_bytes ? p->room_bytes : 4096;
        while (room - p->size_bytes < size_bytes && room <= SIZE_MAX / 2)
            room *= 2;
        char *larger = room - p->size_bytes < size_bytes ? NULL : realloc(p->text, room);
        if (!larger) {
            p->failed = true;
            return;
        }
        p->text = larger;
        p->room_bytes = room;
    }
    memcpy(p->text + p->size_bytes, bytes, size_bytes);
    p->size_bytes += size_bytes;
}

static void append_string(page *p, const char *text) {
    append(p, text, strlen(text));
}

/* Malloc'd; NULL if out of memory. */
static char *format_text(const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

/* ---- text ---- */

static const char *entity_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Control characters have no place in HTML. */
static bool is_control(char c) {
    return ((unsigned char)c < 32 && c != '\n' && c != '\t') || c == 127;
}

static void append_escaped(page *p, const char *text) {
    char *valid = utf8_repair(text, strlen(text));
    if (!valid) {
        p->failed = true;
        return;
    }
    for (const char *c = valid; *c; c++) {
        const char *entity = entity_of(*c);
        if (entity)
            append_string(p, entity);
        else
            append(p, is_control(*c) ? "?" : c, 1);
    }
    free(valid);
}

static void append_formatted(page *p, const char *format, va_list args) {
    char *text = format_text(format, args);
    if (text)
        append_escaped(p, text);
    else
        p->failed = true;
    free(text);
}

void page_markup(page *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    if (text)
        append_string(p, text);
    else
        p->failed = true;
    free(text);
}

void page_text(page *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append_formatted(p, format, args);
    va_end(args);
}

/* ---- elements ---- */

void page_begin(page *p, const char *title) {
    *p = (page){.text = NULL};
    append_string(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    append_escaped(p, title);
    append_string(p, "</title>\n<style>\n");
    append_string(p, page_style);
    append_string(p, "</style>\n</head>\n<body>\n<h1>");
    append_escaped(p, title);
    append_string(p, "</h1>\n");
}

void page_heading(page *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append_string(p, "<h2>");
    append_formatted(p, format, args);
    append_string(p, "</h2>\n");
    va_end(args);
}

void page_paragraph(page *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append_string(p, "<p>");
    append_formatted(p, format, args);
    append_string(p, "</p>\n");
    va_end(args);
}

void page_note(page *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append_string(p, "<p class=\"note\">");
    append_formatted(p, format, args);
    append_string(p, "</p>\n");
    va_end(args);
}

/* ---- tables ---- */

enum { MANY_COLUMNS = 10 }; /* with more, cells are not wrapped: each would be a few letters wide */

void page_table_begin(page *p, const char *caption, const page_column *columns, size_t count) {
    p->columns = columns;
    p->column_count = count;
    append_string(p, count > MANY_COLUMNS ? "<div class=\"wide\"><table class=\"many\">\n"
                                          : "<div class=\"wide\"><table>\n");
    if (caption) {
        append_string(p, "<caption>");
        append_escaped(p, caption);
        append_string(p, "</caption>\n");
    }
    append_string(p, "<thead><tr>");
    for (size_t i = 0; i < count; i++) {
        append_string(p, columns[i].number ? "<th class=\"n\">" : "<th>");
        append_escaped(p, columns[i].name);
        append_string(p, "</th>");
    }
    append_string(p, "</tr></thead>\n<tbody>\n");
}

void page_row(page *p) {
    p->column = 0;
    append_string(p, "<tr>");
}

static void append_cell(page *p, page_mark mark, const char *format, va_list args) {
    static const char *const marks[] = {"", " good", " warn", " bad"};
    const bool number = p->column < p->column_count && p->columns[p->column].number;
    page_markup(p, "<td class=\"%s%s\">", number ? "n" : "t", marks[mark]);
    append_formatted(p, format, args);
    append_string(p, "</td>");
    if (++p->column == p->column_count)
        append_string(p, "</tr>\n");
}

void page_cell(page *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append_cell(p, PAGE_PLAIN, format, args);
    va_end(args);
}

void page_marked_cell(page *p, page_mark mark, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append_cell(p, mark, format, args);
    va_end(args);
}

void page_table_end(page *p) {
    append_string(p, "</tbody></table></div>\n");
}

/* ---- the file ---- */

bool page_write(page *p, const char *path, tool_error *error) {
    append_string(p, "</body>\n</html>\n");
    if (p->failed)
        return tool_fail(error, "out of memory for the page %s", path);
    return file_write(path, p->text, p->size_bytes, error);
}

void page_free(page *p) {
    free(p->text);
    *p = (page){.text = NULL};
}
