/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed pattern`: its subcommands. */
#include "commands.h"
#include "pattern/pattern_command.h"
#include "subcommands.h"

static const subcommand list[] = {
    {"info", "what a file was built for, and measures of each layer and head", pattern_info},
    {"show", "a picture of a layer and head, or of all of them", pattern_show},
    {"diff", "how much two files agree, and by which scores they differ", pattern_diff},
    {"convert", "to and from safetensors, to JSON; fewer layers, steps or scores", pattern_convert},
    {"rethreshold", "choose the blocks anew from the stored scores", pattern_rethreshold},
    {"analyze", "how patterns differ between steps, heads and layers", pattern_analyze},
};

static const subcommands of_pattern = {
    "pattern", "FILE [OPTIONS]",
    "Looks into pattern files (.spdp), as `sparsed generate --pattern-out` writes them.", list,
    sizeof list / sizeof *list};

bool command_pattern(int argc, char **argv, tool_error *error) {
    return subcommands_run(&of_pattern, argc, argv, error);
}
