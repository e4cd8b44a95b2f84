/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Options and operands of the command line: a list that each subcommand fills, that parses the
 * words and prints the help. --name VALUE and --name=VALUE are the same; -o is --output.
 */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

typedef enum cli_kind {
    CLI_FLAG,            /* value: bool */
    CLI_STRING,          /* value: const char *, into the caller's words */
    CLI_OPTIONAL_STRING, /* the same; alone it gives "" */
    CLI_UINT,            /* value: uint64_t */
    CLI_REAL             /* value: double */
} cli_kind;

typedef struct cli_option {
    const char *name; /* without the dashes */
    cli_kind kind;
    void *value;
    bool *given;          /* set to true when the option appears; may be NULL */
    const char *argument; /* what the help calls the value: "N" */
    const char *help;
} cli_option;

/* A word that is no option: a file. */
typedef struct cli_operand {
    const char *name; /* as the help shows it: "FILE" */
    const char **value;
    const char *help;
} cli_operand;

/* All words that are no options, one or more of them, where there are no other operands. */
typedef struct cli_operand_list {
    const char *name; /* "FILE..."; NULL: there is no list */
    const char **values;
    size_t room, *count;
    const char *help;
} cli_operand_list;

enum { CLI_MAX_OPTIONS = 64, CLI_MAX_OPERANDS = 4 };

typedef struct cli_options {
    size_t count, operands;
    cli_option option[CLI_MAX_OPTIONS];
    cli_operand operand[CLI_MAX_OPERANDS];
    cli_operand_list list;
} cli_options;

void cli_add(cli_options *options, cli_option option);

/* Gives an option of the list, which is there, another help. */
void cli_set_help(cli_options *options, const char *name, const char *help);

/* Adds an operand; all are required, in the order they are added, anywhere among the options.
 *   value  receives the word itself */
void cli_add_operand(cli_options *options, const char *name, const char **value, const char *help);

/* Makes all operands one list.
 *   values  [room] receives the words, *count their number */
void cli_add_operand_list(cli_options *options, const char *name, const char **values, size_t room,
                          size_t *count, const char *help);

/* Parses the words after the subcommand. An unknown option, a word that is neither option nor
 * operand, an operand or a value that is missing, a malformed value, and an option given twice fail
 * with a text that names it. --help sets *help and ends the parsing. */
bool cli_parse(const cli_options *options, int argc, char **argv, bool *help, tool_error *error);

/* Prints each operand and option with its help, wrapped at 100 columns. */
void cli_print_options(const cli_options *options, FILE *to);

#endif
