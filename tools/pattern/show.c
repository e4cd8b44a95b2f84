/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed pattern show`: pictures of a pattern file. */
#include <sparsed/pattern.h>

#include <inttypes.h>
#include <stdio.h>

#include "../cli.h"
#include "../file.h"
#include "../picture/png.h"
#include "load.h"
#include "pattern_command.h"
#include "picture.h"
#include "sheet.h"

enum { SIDE_LEAST = 64, SIDE_MOST = 3600, SIDE_PICTURE = 1024, SIDE_PANEL = 256 };

typedef struct show_options {
    const char *file, *output;
    uint64_t layer, head, step, batch, side;
    bool layer_given, head_given, step_given, side_given, scores;
} show_options;

static void add_options(show_options *o, cli_options *list) {
    *o = (show_options){.batch = 0};
    cli_add_operand(list, "FILE", &o->file, "a pattern file");
    cli_add(list, (cli_option){"output", CLI_STRING, &o->output, NULL, "PICTURE.png",
                               "the picture to write"});
    cli_add(list,
            (cli_option){"layer", CLI_UINT, &o->layer, &o->layer_given, "N", "this layer alone"});
    cli_add(list, (cli_option){"head", CLI_UINT, &o->head, &o->head_given, "N", "this head alone"});
    cli_add(list, (cli_option){"step", CLI_UINT, &o->step, &o->step_given, "N",
                               "the patterns of this step; needed if the file holds several"});
    cli_add(list, (cli_option){"batch", CLI_UINT, &o->batch, NULL, "N", "this batch (0)"});
    cli_add(list, (cli_option){"scores", CLI_FLAG, &o->scores, NULL, NULL,
                               "draw the block scores too, beside the pattern; in a contact sheet "
                               "instead of it"});
    cli_add(list,
            (cli_option){"size", CLI_UINT, &o->side, &o->side_given, "PIXELS",
                         "of a pattern's longer side, at most: 64 to 3600 (1024; in a contact "
                         "sheet 256, and less where many must fit)"});
}

static void print_help(const cli_options *list) {
    printf("usage: sparsed pattern show FILE -o PICTURE.png [OPTIONS]\n\n"
           "Draws the pattern of one layer and head (--layer, --head), or a contact sheet: of a "
           "layer's heads\n(--layer alone), of a head in all layers (--head alone), of all layers "
           "and heads (neither).\nQuery blocks run down, key blocks across. Where there are more "
           "blocks than pixels, a pixel shows\nthe share of kept blocks in it.\n\n");
    cli_print_options(list, stdout);
}

static bool check_options(const show_options *o, tool_error *error) {
    if (!o->output)
        return tool_fail_usage(error, "--output is missing");
    if (!file_check_ending("output", o->output, ".png", error))
        return false;
    if (o->side_given && (o->side < SIDE_LEAST || o->side > SIDE_MOST))
        return tool_fail_usage(error, "--size is %llu, not %d to %d", (unsigned long long)o->side,
                               SIDE_LEAST, SIDE_MOST);
    if (o->layer_given && o->layer > UINT16_MAX)
        return tool_fail_usage(error, "--layer is %llu, above %d", (unsigned long long)o->layer,
                               UINT16_MAX);
    if (o->head_given && o->head > UINT16_MAX)
        return tool_fail_usage(error, "--head is %llu, above %d", (unsigned long long)o->head,
                               UINT16_MAX);
    if (o->batch > UINT16_MAX)
        return tool_fail_usage(error, "--batch is %llu, above %d", (unsigned long long)o->batch,
                               UINT16_MAX);
    if (o->step_given && o->step >= UINT32_C(1) << 20)
        return tool_fail_usage(error, "--step is %llu, not below 2^20",
                               (unsigned long long)o->step);
    return true;
}

/* Opens what is asked for: the layer or all, of one step. */
static bool open_input(const show_options *o, pattern_input *input, tool_error *error) {
    char layer[24];
    snprintf(layer, sizeof layer, "%" PRIu64, o->layer);
    pattern_choice choice = {
        .layers = o->layer_given ? layer : NULL, .step = o->step, .step_given = o->step_given};
    if (!pattern_open(o->file, &choice, input, error))
        return false;
    if (!pattern_has_steps(input))
        return true;
    tool_fail_usage(error, "%s holds several steps: choose one by --step", o->file);
    pattern_close(input);
    return false;
}

static bool draw_one(const show_options *o, const pattern_input *input, canvas *page,
                     tool_error *error) {
    picture_request request = {.path = o->file,
                               .layer = input->entries[0].layer,
                               .head = (uint32_t)o->head,
                               .batch = (uint32_t)o->batch,
                               .side = o->side_given ? (uint32_t)o->side : SIDE_PICTURE,
                               .scores = o->scores};
    sparsed_pattern *pattern = pattern_take(input, 0, error);
    request.pattern = pattern;
    bool done = pattern && picture_draw(&request, page, NULL, error);
    sparsed_pattern_release(pattern);
    return done;
}

static bool draw_sheet(const show_options *o, const pattern_input *input, canvas *page,
                       tool_error *error) {
    sheet_request request = {.input = input,
                             .first_head = (uint32_t)o->head,
                             .heads = o->head_given ? 1 : input->shared.heads,
                             .batch = (uint32_t)o->batch,
                             .side = o->side_given ? (uint32_t)o->side : SIDE_PANEL,
                             .scores = o->scores};
    return sheet_draw(&request, page, error);
}

bool pattern_show(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    show_options o;
    pattern_input input;
    canvas page;
    bool help;
    add_options(&o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        print_help(&list);
        return true;
    }
    if (!check_options(&o, error) || !png_available(error) ||
        !pattern_check_output(o.file, o.output, error) || !open_input(&o, &input, error))
        return false;
    bool one = input.count == 1 && (o.head_given || input.shared.heads == 1);
    bool done = one ? draw_one(&o, &input, &page, error) : draw_sheet(&o, &input, &page, error);
    pattern_close(&input);
    if (!done)
        return false;
    done = png_write(&page, o.output, error);
    canvas_release(&page);
    return done;
}
