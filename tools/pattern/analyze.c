/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed pattern analyze`: how patterns differ between steps, heads and layers. */
#include <stdio.h>

#include "file.h"
#include "pattern/analysis_picture.h"
#include "pattern/analysis_report.h"
#include "pattern/pattern_command.h"
#include "picture/png.h"

typedef struct analyze_options {
    const char *path, *picture;
    pattern_choice choice;
    uint64_t top;
    bool json;
} analyze_options;

static void add_options(analyze_options *o, cli_options *list) {
    cli_add_operand(list, "FILE", &o->path, "a pattern file, best with several steps and scores");
    pattern_add_choice(&o->choice, list);
    cli_add(list, (cli_option){"json", CLI_FLAG, &o->json, NULL, NULL,
                               "one JSON object with every number and matrix, instead of tables"});
    cli_add(list, (cli_option){"output", CLI_STRING, &o->picture, NULL, "PAGE.png",
                               "a page of heat maps"});
    cli_add(list, (cli_option){"top", CLI_UINT, &o->top, NULL, "N",
                               "how many of the least stable heads to name (8)"});
}

static void print_help(const cli_options *list) {
    printf("usage: sparsed pattern analyze FILE [OPTIONS]\n\nCompares the patterns of a file from "
           "step to step and from head to head, and tells what\nshape they have. `sparsed generate "
           "--pattern-out FILE --pattern-out-steps LIST` records such\na file.\n\n");
    cli_print_options(list, stdout);
    printf("\nWhat the numbers mean\n");
    analysis_print_definitions(stdout);
}

static bool write_picture(const analysis *a, const analyze_options *o, tool_error *error) {
    canvas page;
    if (!analysis_draw(a, o->path, &page, error))
        return false;
    bool done = png_write(&page, o->picture, error);
    canvas_release(&page);
    return done;
}

static bool report(const analysis *a, const analyze_options *o, tool_error *error) {
    size_t heads = a->layers * a->heads, top = o->top < heads ? (size_t)o->top : heads;
    if (o->picture && !write_picture(a, o, error))
        return false;
    return o->json ? analysis_print_json(a, o->path, top, error)
                   : analysis_print_tables(a, o->path, top, error);
}

bool pattern_analyze(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    analyze_options o = {.top = 8};
    pattern_input input;
    analysis a;
    bool help;
    add_options(&o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        print_help(&list);
        return true;
    }
    if (o.picture && (!file_check_ending("output", o.picture, ".png", error) ||
                      !png_available(error) || !pattern_check_output(o.path, o.picture, error)))
        return false;
    if (!pattern_open(o.path, &o.choice, &input, error))
        return false;
    bool done = analysis_make(&input, &a, error);
    if (done) {
        done = report(&a, &o, error);
        analysis_free(&a);
    }
    pattern_close(&input);
    return done;
}
