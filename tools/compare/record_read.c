/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/record_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compare/record_read_case.h"
#include "compare/suite_record.h"
#include "device_options.h"
#include "json_file.h"

typedef struct reading {
    record *r;
    const char *path;
    const cJSON *root;
    tool_error *error;
} reading;

static json_keys keys_of(const reading *in, const cJSON *object, const char *prefix) {
    return (json_keys){object, in->path, prefix, in->error};
}

static bool object_at(const json_keys *keys, const char *key, const cJSON **object) {
    *object = json_keys_get(keys, key);
    if (cJSON_IsObject(*object))
        return true;
    return *object ? json_keys_fail(keys, key, "is not an object") : json_keys_missing(keys, key);
}

static bool read_version(const reading *in) {
    const json_keys keys = keys_of(in, in->root, "");
    uint32_t version;
    if (!json_keys_uint(&keys, "record_version", 0, UINT32_MAX, &version))
        return false;
    return version == RECORD_VERSION ||
           tool_fail(in->error, "%s: a record of version %u, this program reads version %d",
                     in->path, version, RECORD_VERSION);
}

/* A text, because a JSON number holds 53 bits only. */
static bool read_seed(const json_keys *keys, uint64_t *seed) {
    char text[24], *end = NULL;
    if (!json_keys_text(keys, "seed", text, sizeof text))
        return false;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return (text[0] >= '0' && text[0] <= '9' && (text[0] != '0' || !text[1]) && *end == '\0' &&
            errno == 0) ||
           json_keys_fail(keys, "seed", "is not a number of 64 bits");
}

static bool read_suite(const reading *in) {
    record *r = in->r;
    const json_keys root = keys_of(in, in->root, "");
    json_keys keys = keys_of(in, NULL, "suite.");
    return object_at(&root, "suite", &keys.object) &&
           json_keys_text(&keys, "name", r->suite, sizeof r->suite) &&
           json_keys_uint(&keys, "version", 0, UINT32_MAX, &r->suite_version) &&
           read_seed(&keys, &r->seed) && json_keys_bool(&keys, "self_check", &r->self_check);
}

/* ---- the environment ---- */

static bool read_kind(const json_keys *keys, uint32_t *kind) {
    char text[RECORD_NAME_BYTES];
    if (!json_keys_text(keys, "kind", text, sizeof text))
        return false;
    for (*kind = 0; *kind <= SPARSED_DEVICE_OTHER; ++*kind)
        if (strcmp(device_kind_name(*kind), text) == 0)
            return true;
    return json_keys_fail(keys, "kind", "is not known");
}

static bool read_device(const reading *in, const cJSON *object, sparsed_device_info *d) {
    const json_keys keys = keys_of(in, object, "environment.device.");
    d->struct_size = sizeof *d;
    return json_keys_text(&keys, "selector", d->selector, sizeof d->selector) &&
           read_kind(&keys, &d->kind) && json_keys_text(&keys, "name", d->name, sizeof d->name) &&
           json_keys_text(&keys, "vendor", d->vendor, sizeof d->vendor) &&
           json_keys_text(&keys, "driver", d->driver, sizeof d->driver) &&
           json_keys_text(&keys, "capabilities", d->capabilities, sizeof d->capabilities) &&
           json_keys_text(&keys, "isa", d->isa, sizeof d->isa) &&
           json_keys_text(&keys, "note", d->note, sizeof d->note) &&
           json_keys_text(&keys, "reason", d->reason, sizeof d->reason) &&
           json_keys_uint(&keys, "compute_units", 0, UINT32_MAX, &d->compute_units) &&
           json_keys_uint64(&keys, "memory_bytes", UINT64_MAX, &d->memory_bytes);
}

static bool read_options(const reading *in, const cJSON *object, record_environment *e) {
    const json_keys keys = keys_of(in, object, "environment.options.");
    return json_keys_text(&keys, "device", e->device_option, sizeof e->device_option) &&
           json_keys_text(&keys, "kernel", e->kernel_option, sizeof e->kernel_option) &&
           json_keys_uint(&keys, "threads", 0, UINT32_MAX, &e->threads_option);
}

static bool read_variables(const reading *in, const cJSON *object, record_environment *e) {
    const json_keys keys = keys_of(in, object, "environment.variables.");
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        record_variable *v = &e->variables[e->variable_count];
        if (e->variable_count == RECORD_VARIABLES || strlen(item->string) >= sizeof v->name)
            return json_keys_fail(&keys, item->string, "is too long, or one too many");
        memcpy(v->name, item->string, strlen(item->string) + 1);
        if (!json_keys_text(&keys, item->string, v->value, sizeof v->value))
            return false;
        e->variable_count++;
    }
    return true;
}

static bool read_environment(const reading *in) {
    record_environment *e = &in->r->environment;
    const json_keys root = keys_of(in, in->root, "");
    const cJSON *device, *options, *variables;
    json_keys keys = keys_of(in, NULL, "environment.");
    return object_at(&root, "environment", &keys.object) &&
           json_keys_text(&keys, "library_version", e->library_version,
                          sizeof e->library_version) &&
           json_keys_text(&keys, "created", e->created, sizeof e->created) &&
           json_keys_text(&keys, "system", e->system, sizeof e->system) &&
           json_keys_text(&keys, "processor", e->processor, sizeof e->processor) &&
           object_at(&keys, "device", &device) && object_at(&keys, "options", &options) &&
           object_at(&keys, "variables", &variables) && read_device(in, device, &e->device) &&
           read_options(in, options, e) && read_variables(in, variables, e);
}

/* ---- cases ---- */

static bool check_unique(const reading *in, const record_case *c) {
    for (const record_case *other = in->r->cases; other < c; other++)
        if (strcmp(other->name, c->name) == 0)
            return tool_fail(in->error, "%s: two cases are called %s", in->path, c->name);
    return true;
}

static bool read_cases(const reading *in) {
    record *r = in->r;
    const json_keys keys = keys_of(in, in->root, "");
    const cJSON *array = json_keys_get(&keys, "cases"), *item;
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) == 0)
        return tool_fail(in->error, "%s: \"cases\" is no list with something in it", in->path);
    r->cases = record_room(r, (uint64_t)cJSON_GetArraySize(array), sizeof *r->cases);
    if (!r->cases)
        return tool_fail(in->error, "out of memory for the cases of %s", in->path);
    cJSON_ArrayForEach(item, array) {
        record_case *c = &r->cases[r->case_count];
        if (!record_read_case(r, r->file, item, c, in->error) || !check_unique(in, c))
            return false;
        r->case_count++;
    }
    return true;
}

static bool check_quick(const reading *in) {
    const record_case *other = in->r->self_check ? suite_not_quick(in->r) : NULL;
    return !other ||
           tool_fail(in->error, "%s: \"suite.self_check\" is true, but case %s is not one of its",
                     in->path, other->name);
}

static bool read_all(const reading *in) {
    const json_keys keys = keys_of(in, in->root, "");
    return read_version(in) && json_keys_text(&keys, "label", in->r->label, sizeof in->r->label) &&
           read_suite(in) && read_environment(in) && read_cases(in) && check_quick(in) &&
           suite_check(in->r, in->path, in->error);
}

bool record_read(record *r, const char *path, tool_error *error) {
    *r = (record){.case_count = 0};
    r->file = safetensors_open(path, error);
    if (!r->file)
        return false;
    const char *text = safetensors_metadata(r->file, RECORD_METADATA_KEY);
    if (!text)
        return tool_fail(error,
                         "%s is no record of `sparsed compare record`: it has no %s in its "
                         "metadata",
                         path, RECORD_METADATA_KEY);
    cJSON *root = json_parse_object(text, strlen(text), path, error);
    json_hide_controls(root);
    const reading in = {r, path, root, error};
    const bool done = root && read_all(&in);
    cJSON_Delete(root);
    return done;
}
