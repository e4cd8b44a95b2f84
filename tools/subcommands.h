/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A command that has subcommands: its help, and finding the one that is asked for.
 */
#ifndef TOOLS_SUBCOMMANDS_H
#define TOOLS_SUBCOMMANDS_H

#include <stddef.h>

#include "error.h"

typedef struct subcommand {
    const char *name, *about;
    bool (*run)(int argc, char **argv, tool_error *error);
} subcommand;

typedef struct subcommands {
    const char *command; /* "pattern" */
    const char *words;   /* after the subcommand in the usage line: "FILE [OPTIONS]" */
    const char *about;   /* a sentence */
    const subcommand *list;
    size_t count;
} subcommands;

/* argc, argv: the words after the command's name. Runs the subcommand, or prints the help. */
bool subcommands_run(const subcommands *of, int argc, char **argv, tool_error *error);

#endif
