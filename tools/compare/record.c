/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed compare record`: runs the suite, or a user's input, and writes what came out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "compare/compare_command.h"
#include "compare/record_device.h"
#include "compare/record_summary.h"
#include "json_print.h"

enum { MAX_DEVICES = 64 };

/* What is left of the devices' records when they are written. */
typedef struct outcome {
    cJSON *records, *left_out; /* NULL without --json */
    size_t devices, unfinished;
    bool without_cpu;
    char first_wrong[768], first_failure[768];
} outcome;

static void note_wrong(const record *r, outcome *all) {
    record_counts counts = record_count_verdicts(r);
    char reason[FAULT_BYTES];
    size_t i = 0;
    if (counts.of[VERDICT_FAIL] == 0 || all->first_wrong[0])
        return;
    while (verdict_of_case(&r->cases[i]) != VERDICT_FAIL)
        i++;
    record_reason(&r->cases[i], reason);
    snprintf(all->first_wrong, sizeof all->first_wrong,
             "%zu of %zu cases are wrong on %s; the first is %s: %.500s", counts.of[VERDICT_FAIL],
             r->case_count, r->environment.device.selector, r->cases[i].name, reason);
}

static void add_json(const record *r, const char *path, double seconds, outcome *all) {
    record_counts counts = record_count_verdicts(r);
    cJSON *one = cJSON_CreateObject();
    cJSON_AddItemToArray(all->records, one);
    if (path)
        json_add_text(one, "file", path);
    cJSON_AddNumberToObject(one, "seconds", seconds);
    for (int v = VERDICT_PASS; v <= VERDICT_FAIL; v++)
        cJSON_AddNumberToObject(one, verdict_name((verdict)v), (double)counts.of[v]);
    cJSON_AddItemToObject(one, "record", record_json(r));
}

/* Records one device; path NULL: nothing is written. */
static bool record_and_write(const record_options *o, const device_options *device,
                             const char *path, outcome *all, tool_error *error) {
    record r = {.case_count = 0};
    double start = clock_seconds();
    bool done = record_device(o, device, &r, error) && (!path || record_write(&r, path, error));
    double seconds = clock_seconds() - start;
    if (done) {
        if (all->records)
            add_json(&r, path, seconds, all);
        else
            record_print_summary(&r, path, seconds, stdout);
        note_wrong(&r, all);
    }
    record_free(&r);
    return done;
}

/* ---- one device, or all ---- */

/* NAME.DEVICE.safetensors; NULL: there is no file to write, or no memory. */
static char *path_of_device(const char *output, const char *selector) {
    if (!output)
        return NULL;
    size_t room = strlen(output) + strlen(selector) + 2;
    size_t stem = strlen(output) - strlen(RECORD_ENDING);
    char *path = malloc(room);
    if (!path)
        return NULL;
    snprintf(path, room, "%.*s.%s%s", (int)stem, output, selector, RECORD_ENDING);
    for (char *c = path + stem; *c; c++)
        if (*c == ':')
            *c = '-';
    return path;
}

/* Before the first device runs, which may take long. */
static bool check_paths(const record_options *o, const sparsed_device_info *devices, size_t count,
                        tool_error *error) {
    bool done = true;
    for (size_t i = 0; done && o->output && i < count && i < MAX_DEVICES; i++) {
        if (!devices[i].usable)
            continue;
        char *path = path_of_device(o->output, devices[i].selector);
        done = path ? record_options_check_path(o, path, error) : tool_fail(error, "out of memory");
        free(path);
    }
    return done;
}

/* A device that fails does not keep the others from being recorded. */
static bool record_one_of_all(const record_options *o, const char *selector, outcome *all,
                              tool_error *error) {
    tool_error failure = {false, ""};
    device_options device = o->device;
    char *path = path_of_device(o->output, selector);
    if (o->output && !path)
        return tool_fail(error, "out of memory");
    device.device = selector;
    if (all->devices++ > 0 && !all->records)
        printf("\n");
    bool done = record_and_write(o, &device, path, all, &failure);
    free(path);
    if (!done && failure.usage) { /* the words are at fault, on every device */
        *error = failure;
        return false;
    }
    if (!done && all->unfinished++ == 0)
        snprintf(all->first_failure, sizeof all->first_failure, "%s: %.700s", selector,
                 failure.text);
    return true;
}

/* Names a device that cannot be used. The CPU backend could be: only the environment keeps it out. */
static void leave_out(const sparsed_device_info *d, outcome *all) {
    if (device_is_absent(d))
        return;
    fprintf(stderr, "sparsed compare: %s (%s) is left out: %s\n", d->selector, d->name, d->note);
    all->without_cpu |= d->kind == SPARSED_DEVICE_CPU;
    if (!all->left_out)
        return;
    cJSON *one = cJSON_CreateObject();
    cJSON_AddItemToArray(all->left_out, one);
    json_add_text(one, "selector", d->selector);
    json_add_text(one, "name", d->name);
    json_add_text(one, "reason", d->note);
}

static bool record_all(const record_options *o, outcome *all, tool_error *error) {
    sparsed_device_info *devices = calloc(MAX_DEVICES, sizeof *devices);
    size_t count = MAX_DEVICES;
    sparsed_message message;
    if (!devices)
        return tool_fail(error, "out of memory");
    for (size_t i = 0; i < MAX_DEVICES; i++)
        devices[i].struct_size = sizeof devices[i];
    bool done = sparsed_device_list(devices, &count, &message) == SPARSED_OK ||
                tool_fail(error, "%s", message.text);
    done = done && check_paths(o, devices, count, error);
    for (size_t i = 0; done && i < count && i < MAX_DEVICES; i++)
        if (devices[i].usable)
            done = record_one_of_all(o, devices[i].selector, all, error);
        else
            leave_out(&devices[i], all);
    free(devices);
    if (done && all->devices == 0)
        return tool_fail(error, "no device is usable; `sparsed devices` says why");
    if (done && all->unfinished > 0)
        return tool_fail(error, "%zu of %zu devices could not be recorded: %s", all->unfinished,
                         all->devices, all->first_failure);
    return done;
}

static bool record_devices(const record_options *o, tool_error *error) {
    outcome all = {.records = NULL};
    cJSON *root = o->json ? cJSON_CreateObject() : NULL;
    if (root)
        all.records = cJSON_AddArrayToObject(root, "records");
    if (root && o->all)
        all.left_out = cJSON_AddArrayToObject(root, "left_out");
    bool done = o->all ? record_all(o, &all, error)
                       : record_and_write(o, &o->device, o->output, &all, error);
    if (root && (done || all.unfinished < all.devices))
        done = json_print(root, error) && done;
    else
        cJSON_Delete(root);
    if (done && all.first_wrong[0])
        return tool_fail(error, "%s", all.first_wrong);
    if (done && all.without_cpu)
        return tool_fail(error, "not all devices are recorded: the CPU is left out");
    return done;
}

bool compare_record(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    record_options o;
    bool help;
    record_options_add(&o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        printf("usage: sparsed compare record -o FILE.safetensors [OPTIONS]\n"
               "       sparsed compare record --self-check [OPTIONS]\n\n"
               "Runs the suite on a device, dense attention, block patterns and sparse attention, "
               "and records\nwhat came out and how far it is from double precision. The exit code "
               "is 1 if a case is wrong;\nthe record is written all the same. --device all records "
               "every usable device and names the\nothers; the exit code is 1 if the CPU is one of "
               "these. With --kernel only the cases of types and\nhead dimensions that it takes "
               "run.\n\n");
        cli_print_options(&list, stdout);
        return true;
    }
    return record_options_check(&o, error) && record_devices(&o, error);
}
