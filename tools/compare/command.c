/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed compare`: its subcommands. */
#include "commands.h"
#include "compare/compare_command.h"
#include "subcommands.h"

static const subcommand list[] = {
    {"record", "what this machine's devices compute, against the double oracle", compare_record},
    {"report", "records side by side: a table, JSON, a page with plots", compare_report},
};

static const subcommands of_compare = {
    "compare", "[OPTIONS]", "Records what devices compute, and compares records of any machines.",
    list, sizeof list / sizeof *list};

bool command_compare(int argc, char **argv, tool_error *error) {
    return subcommands_run(&of_compare, argc, argv, error);
}
