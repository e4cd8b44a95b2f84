/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed pattern`: finds the subcommand. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "pattern/pattern_command.h"

typedef struct subcommand {
    const char *name, *about;
    bool (*run)(int argc, char **argv, tool_error *error);
} subcommand;

static const subcommand subcommands[] = {
    {"info", "what a file was built for, and measures of each layer and head", pattern_info},
    {"show", "a picture of a layer and head, or of all of them", pattern_show},
    {"diff", "how much two files agree, and by which scores they differ", pattern_diff},
    {"convert", "to and from safetensors, to JSON; fewer layers, steps or scores", pattern_convert},
    {"rethreshold", "choose the blocks anew from the stored scores", pattern_rethreshold},
    {"analyze", "how patterns differ between steps, heads and layers", pattern_analyze},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

static void print_help(void) {
    printf("usage: sparsed pattern SUBCOMMAND FILE [OPTIONS]\n\n"
           "Looks into pattern files (.spdp), as `sparsed generate --pattern-out` writes them.\n\n"
           "subcommands:\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        printf("  %-12s %s\n", subcommands[i].name, subcommands[i].about);
    printf("\n`sparsed pattern SUBCOMMAND --help` lists a subcommand's options.\n");
}

bool command_pattern(int argc, char **argv, tool_error *error) {
    const char *name = argc > 0 ? argv[0] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help();
        return true;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(name, subcommands[i].name) == 0)
            return subcommands[i].run(argc - 1, argv + 1, error);
    if (argc == 0)
        return tool_fail_usage(error, "which subcommand? `sparsed pattern --help` lists them");
    return tool_fail_usage(error, "'%s' is not a subcommand; `sparsed pattern --help` lists them",
                           name);
}
