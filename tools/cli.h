/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Options of the command line: a list that each subcommand fills, that parses the words and prints
 * the help. --name VALUE and --name=VALUE are the same.
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

enum { CLI_MAX_OPTIONS = 64 };

typedef struct cli_options {
    size_t count;
    cli_option option[CLI_MAX_OPTIONS];
} cli_options;

void cli_add(cli_options *options, cli_option option);

/* Parses the words after the subcommand. An unknown option, a word that is no option, a value that
 * is missing or malformed, and an option given twice fail with a text that names it. --help sets
 * *help and ends the parsing. */
bool cli_parse(const cli_options *options, int argc, char **argv, bool *help, tool_error *error);

/* Prints each option with its help, wrapped at 100 columns. */
void cli_print_options(const cli_options *options, FILE *to);

#endif
