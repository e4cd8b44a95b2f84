/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "subcommands.h"

#include <stdio.h>
#include <string.h>

static void print_help(const subcommands *of) {
    printf("usage: sparsed %s SUBCOMMAND %s\n\n%s\n\nsubcommands:\n", of->command, of->words,
           of->about);
    for (size_t i = 0; i < of->count; i++)
        printf("  %-12s %s\n", of->list[i].name, of->list[i].about);
    printf("\n`sparsed %s SUBCOMMAND --help` lists a subcommand's options.\n", of->command);
}

bool subcommands_run(const subcommands *of, int argc, char **argv, tool_error *error) {
    const char *name = argc > 0 ? argv[0] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(of);
        return true;
    }
    for (size_t i = 0; i < of->count; i++)
        if (strcmp(name, of->list[i].name) == 0)
            return of->list[i].run(argc - 1, argv + 1, error);
    if (argc == 0)
        return tool_fail_usage(error, "which subcommand? `sparsed %s --help` lists them",
                               of->command);
    return tool_fail_usage(error, "'%s' is not a subcommand; `sparsed %s --help` lists them", name,
                           of->command);
}
