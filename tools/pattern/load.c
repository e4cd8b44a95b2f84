/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Opening a pattern file; see load.h. */
#include "pattern/load.h"

#include <stdlib.h>
#include <sys/stat.h>

void pattern_add_choice(pattern_choice *choice, cli_options *options) {
    *choice = (pattern_choice){0};
    cli_add(options, (cli_option){"layers", CLI_STRING, &choice->layers, NULL, "LIST",
                                  "these layers only, such as 0,4,8-11 (all of the file)"});
    cli_add(options, (cli_option){"step", CLI_UINT, &choice->step, &choice->step_given, "N",
                                  "the patterns of this step only (all of the file)"});
}

bool pattern_check(sparsed_status status, const sparsed_message *message, tool_error *error) {
    if (status == SPARSED_OK)
        return true;
    return tool_fail(error, "%s", message->text[0] ? message->text : sparsed_status_string(status));
}

bool pattern_check_index(const char *option, const char *plural, uint32_t index, uint32_t count,
                         tool_error *error) {
    if (index < count)
        return true;
    if (count == 1)
        return tool_fail_usage(error, "--%s is %u, but there is 1 %s, counted from 0", option,
                               index, option);
    return tool_fail_usage(error, "--%s is %u, but there are %u %s, counted from 0", option, index,
                           count, plural);
}

bool pattern_check_output(const char *input, const char *output, tool_error *error) {
    struct stat in, out;
    if (stat(input, &in) == 0 && stat(output, &out) == 0 && in.st_dev == out.st_dev &&
        in.st_ino == out.st_ino)
        return tool_fail_usage(error, "--output %s is the file that is read", output);
    return true;
}

static bool load(const number_list *layers, pattern_input *input, tool_error *error) {
    sparsed_load_options options = {.struct_size = sizeof options,
                                    .flags = SPARSED_LOAD_MAP,
                                    .layer_count = (uint32_t)layers->count,
                                    .layers = layers->numbers};
    sparsed_message message = {""};
    struct stat info;
    if (!pattern_check(sparsed_pattern_set_load(input->path, &options, &input->set, &message),
                       &message, error))
        return false;
    input->size_bytes = stat(input->path, &info) == 0 ? (uint64_t)info.st_size : 0;
    input->info.struct_size = sizeof input->info;
    input->shared.struct_size = sizeof input->shared;
    return pattern_check(sparsed_pattern_set_describe(input->set, &input->info, &input->shared),
                         &message, error);
}

static bool choose(const pattern_choice *choice, pattern_input *input, tool_error *error) {
    uint32_t patterns = input->info.patterns;
    bool one_step = choice && choice->step_given;
    sparsed_message message = {""};
    input->entries = calloc(patterns, sizeof *input->entries);
    input->indices = calloc(patterns, sizeof *input->indices);
    if (!input->entries || !input->indices)
        return tool_fail(error, "%s: out of memory for its %u patterns", input->path, patterns);
    for (uint32_t i = 0; i < patterns; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        if (!pattern_check(sparsed_pattern_set_entry(input->set, i, &entry), &message, error))
            return false;
        if (one_step && entry.step != choice->step)
            continue;
        input->entries[input->count] = entry;
        input->indices[input->count++] = i;
    }
    if (input->count == 0)
        return tool_fail(error, "--step is %llu, but %s holds no pattern of that step",
                         (unsigned long long)(choice ? choice->step : 0), input->path);
    return true;
}

bool pattern_open(const char *path, const pattern_choice *choice, pattern_input *input,
                  tool_error *error) {
    number_list layers;
    *input = (pattern_input){.path = path};
    if (!number_list_parse("layers", choice ? choice->layers : NULL, "0,4,8-11", PATTERN_MAX_LAYERS,
                           &layers, error))
        return false;
    bool opened = load(&layers, input, error) && choose(choice, input, error);
    number_list_free(&layers);
    if (!opened)
        pattern_close(input);
    return opened;
}

void pattern_close(pattern_input *input) {
    sparsed_pattern_set_release(input->set);
    free(input->entries);
    free(input->indices);
    *input = (pattern_input){.set = NULL};
}

sparsed_pattern *pattern_take(const pattern_input *input, size_t i, tool_error *error) {
    sparsed_pattern *pattern = NULL;
    sparsed_message message = {""};
    pattern_check(sparsed_pattern_set_get(input->set, input->indices[i], &pattern, &message),
                  &message, error);
    return pattern;
}

bool pattern_has_steps(const pattern_input *input) {
    return input->entries[0].step != input->entries[input->count - 1].step;
}
