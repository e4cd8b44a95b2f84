/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed compare`: finds the subcommand. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "compare/compare_command.h"

typedef struct subcommand {
    const char *name, *about;
    bool (*run)(int argc, char **argv, tool_error *error);
} subcommand;

static const subcommand subcommands[] = {
    {"record", "what this machine's devices compute, against the double oracle", compare_record},
    {"report", "records side by side: a table, JSON, a page with plots", compare_report},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

static void print_help(void) {
    printf("usage: sparsed compare SUBCOMMAND [OPTIONS]\n\n"
           "Records what devices compute, and compares records of any machines.\n\n"
           "subcommands:\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        printf("  %-12s %s\n", subcommands[i].name, subcommands[i].about);
    printf("\n`sparsed compare SUBCOMMAND --help` lists a subcommand's options.\n");
}

bool command_compare(int argc, char **argv, tool_error *error) {
    const char *name = argc > 0 ? argv[0] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help();
        return true;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(name, subcommands[i].name) == 0)
            return subcommands[i].run(argc - 1, argv + 1, error);
    if (argc == 0)
        return tool_fail_usage(error, "which subcommand? `sparsed compare --help` lists them");
    return tool_fail_usage(error, "'%s' is not a subcommand; `sparsed compare --help` lists them",
                           name);
}
