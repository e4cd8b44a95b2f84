/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Lists of numbers on the command line: "0,4,8-11", in any order.
 */
#ifndef TOOLS_NUMBER_LIST_H
#define TOOLS_NUMBER_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef struct number_list {
    uint32_t *numbers; /* rising; NULL: no list was given, which means all */
    size_t count;
} number_list;

/* Reads the value of --OPTION: numbers below limit (at most 2^24) and ranges of them, separated by
 * commas. text NULL or "all" gives no list. A fault names the option and its value, and an example of
 * what is good. */
bool number_list_parse(const char *option, const char *text, const char *example, uint32_t limit,
                       number_list *list, tool_error *error);
void number_list_free(number_list *list);

/* Whether the number is in the list, or there is none. */
bool number_list_has(const number_list *list, uint32_t number);

/* "0.1,0.3": numbers as they were given. */
typedef struct real_list {
    double *numbers;
    size_t count;
} real_list;

/* Reads the value of --OPTION: finite numbers, separated by commas. */
bool real_list_parse(const char *option, const char *text, real_list *list, tool_error *error);
void real_list_free(real_list *list);

/* Writes rising numbers in that form, "0,4,8-11", and "..." where the room ends. */
void number_list_print(const uint32_t *numbers, size_t count, char *text, size_t size_bytes);

#endif
