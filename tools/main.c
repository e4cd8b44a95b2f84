/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The command `sparsed`: finds the subcommand, prints the one line of a failure. */
#include <sparsed/sparsed.h>

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "openblas_core.h"

typedef struct command {
    const char *name, *about;
    bool (*run)(int argc, char **argv, tool_error *error);
} command;

static const command commands[] = {
    {"generate", "run a diffusion language model, dense or with SparseD", command_generate},
    {"attend", "attention and block patterns of q, k, v from a safetensors file", command_attend},
    {"pattern", "look into pattern files: tables, pictures, differences, conversions",
     command_pattern},
    {"bench", "how fast attention is here, and from which length on SparseD pays", command_bench},
    {"compare", "record what devices compute, and compare such records", command_compare},
    {"devices", "what this machine can run on, and which kernels are chosen", command_devices},
};

static void print_help(FILE *to) {
    fprintf(to, "sparsed: SparseD attention for diffusion language models\n\n"
                "usage: sparsed COMMAND [OPTIONS]\n\ncommands:\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
    fprintf(to, "\n`sparsed COMMAND --help` lists a command's options; `sparsed --version` tells "
                "the version.\nExit codes: 0 done, 1 the run failed, 2 the command line is at "
                "fault.\n");
}

/* The exit code of a run that went well, if its output could be written. */
static int flush_output(void) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "sparsed: standard output: could not write all of it\n");
    return 1;
}

static int run(const command *c, int argc, char **argv) {
    tool_error error = {false, ""};
    openblas_core_repair();
    bool done = c->run(argc, argv, &error);
    if (done)
        return flush_output();
    fprintf(stderr, "sparsed %s: %s\n", c->name, error.text);
    return error.usage ? 2 : 1;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return flush_output();
    }
    if (strcmp(name, "--version") == 0) {
        uint32_t version = sparsed_version();
        printf("sparsed %u.%u.%u\n", version >> 16, version >> 8 & 255u, version & 255u);
        return flush_output();
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return run(&commands[i], argc - 2, argv + 2);
    if (name[0])
        fprintf(stderr, "sparsed: '%s' is not a command; `sparsed --help` lists them\n", name);
    else
        print_help(stderr);
    return 2;
}
