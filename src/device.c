/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The list of devices, and which one a context gets. */
#include "device.h"

#include "kernel_choice.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CANDIDATES = 256 };

typedef struct candidate {
    const spd_backend *backend;
    size_t index;
    sparsed_device_info info;
} candidate;

/* What one search has found: devices that fit, best first. */
typedef struct search {
    candidate *found; /* [MAX_CANDIDATES] */
    size_t count;
} search;

static bool same_letters(const char *a, const char *b, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    return true;
}

static bool contains(const char *text, const char *part, size_t length) {
    for (size_t left = strlen(text); left >= length; left--, text++)
        if (same_letters(text, part, length))
            return true;
    return false;
}

/* One part of a request: the number that the selector has there, or a piece of a name. */
static bool part_fits(const char *part, size_t length, const char *number, size_t number_length,
                      const char *name) {
    if (length > 0 && strspn(part, "0123456789") >= length)
        return length == number_length && strncmp(part, number, length) == 0;
    return contains(name, part, length);
}

/* What a request may be, in a build without one of the backends too: its devices are
 * absent then. */
static const char *const forms[] = {"auto", "cpu", "opencl[:PLATFORM[:DEVICE]]"};

static bool has_form(const char *request, const char *form) {
    size_t word = strcspn(form, "[");
    return strcspn(request, ":") == word && same_letters(request, form, word) &&
           (request[word] == '\0' || form[word] == '[');
}

static bool is_blank(const char *part) {
    part += strspn(part, " ");
    return *part == '\0' || *part == ':';
}

/* A word that names no backend, or a part left empty. */
static sparsed_status check_request(const char *request, const char *origin,
                                    sparsed_message *message) {
    const char *wrong = "", *platform = strchr(request, ':');
    const char *device = platform ? strchr(platform + 1, ':') : NULL;
    bool known = false;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        known = known || has_form(request, forms[i]);
    if (known && platform && is_blank(platform + 1))
        wrong = ": PLATFORM is empty";
    else if (known && device && is_blank(device + 1))
        wrong = ": DEVICE is empty";
    else if (known)
        return SPARSED_OK;
    return spd_fail(message, SPARSED_E_INVALID,
                    "%s is '%.150s'%s; known are: %s, %s, %s, such as opencl:NVIDIA", origin,
                    request, wrong, forms[0], forms[1], forms[2]);
}

static bool is_auto(const char *request) {
    return strlen(request) == 4 && same_letters(request, "auto", 4);
}

/* Whether a request can be for a device of this backend. */
static bool names_backend(const char *request, const char *backend) {
    size_t length = strlen(backend);
    return strcspn(request, ":") == length && same_letters(request, backend, length);
}

bool spd_device_fits(const char *request, const sparsed_device_info *info) {
    if (is_auto(request))
        return info->kind != SPARSED_DEVICE_OTHER;
    size_t backend = strcspn(info->selector, ":");
    if (strcspn(request, ":") != backend || !same_letters(request, info->selector, backend))
        return false;
    if (request[backend] == '\0')
        return true;
    const char *platform = request + backend + 1, *number = info->selector + backend;
    number += *number == ':';
    size_t length = strcspn(platform, ":"), number_length = strcspn(number, ":");
    if (!part_fits(platform, length, number, number_length, info->driver))
        return false;
    if (platform[length] == '\0')
        return true;
    const char *device = platform + length + 1, *device_number = number + number_length;
    device_number += *device_number == ':';
    return part_fits(device, strlen(device), device_number, strlen(device_number), info->name);
}

/* Keeps the order of kinds; devices of one kind stay in the order they were found. */
static void insert(search *s, const candidate *c) {
    size_t at = s->count;
    if (s->count == MAX_CANDIDATES)
        return;
    for (; at > 0 && s->found[at - 1].info.kind > c->info.kind; at--)
        s->found[at] = s->found[at - 1];
    s->found[at] = *c;
    s->count++;
}

/* A backend that has no device stands in the list with the reason. */
static void insert_reason(search *s, candidate *c, const sparsed_allocator *allocator) {
    sparsed_message why = {""};
    void *state;
    sparsed_status status = c->backend->open(0, 0, allocator, &state, &why);
    if (status == SPARSED_OK) /* it has come meanwhile */
        c->backend->close(state);
    c->info = (sparsed_device_info){.struct_size = sizeof c->info, .kind = SPARSED_DEVICE_OTHER};
    snprintf(c->info.selector, sizeof c->info.selector, "%s", c->backend->name);
    snprintf(c->info.name, sizeof c->info.name, "no device");
    snprintf(c->info.note, sizeof c->info.note, "%.255s",
             status == SPARSED_OK ? "try again" : why.text);
    insert(s, c);
}

/* Finds the devices that fit a request; all, and the backends without one, if it is NULL. */
static sparsed_status find_devices(search *s, const spd_backend *const *backends,
                                   const char *request, const sparsed_allocator *allocator,
                                   sparsed_message *message) {
    s->count = 0;
    s->found = spd_allocate(allocator, MAX_CANDIDATES, sizeof *s->found);
    if (!s->found)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a list of devices");
    for (size_t b = 0; backends[b]; b++) {
        candidate c = {.backend = backends[b]};
        /* A driver that nobody asked for is not loaded. */
        if (request && !is_auto(request) && !names_backend(request, backends[b]->name))
            continue;
        c.info.struct_size = sizeof c.info;
        for (; c.backend->device(c.index, &c.info); c.index++)
            if (!request || spd_device_fits(request, &c.info))
                insert(s, &c);
        if (!request && c.index == 0)
            insert_reason(s, &c, allocator);
    }
    return SPARSED_OK;
}

sparsed_status sparsed_device_list(sparsed_device_info *infos, size_t *count,
                                   sparsed_message *message) {
    const sparsed_allocator allocator = spd_default_allocator();
    search s;
    spd_message_clear(message);
    if (!count)
        return spd_fail(message, SPARSED_E_INVALID, "count is NULL");
    size_t room = infos ? *count : 0;
    /* An older caller's array has smaller elements: its own struct_size is the distance. */
    size_t distance_bytes = room > 0 ? infos[0].struct_size : 0;
    sparsed_status status = find_devices(&s, spd_backends, NULL, &allocator, message);
    for (size_t i = 0; i < s.count && i < room && status == SPARSED_OK; i++)
        status = spd_copy_struct_out((char *)infos + i * distance_bytes, &s.found[i].info,
                                     sizeof s.found[i].info, "infos", message);
    if (status == SPARSED_OK)
        *count = s.count;
    spd_release(&allocator, s.found);
    return status;
}

/* Whether any of the device's kernels gives right numbers. */
static sparsed_status test_device(sparsed_context *c) {
    sparsed_desc desc = {.struct_size = sizeof desc,
                         .dtype = SPARSED_F32,
                         .batch = 1,
                         .heads = 1,
                         .kv_heads = 1,
                         .head_dim = 64,
                         .q_len = 64,
                         .kv_len = 64};
    spd_problem problem;
    size_t row;
    sparsed_status status = spd_problem_create(&desc, NULL, &problem, &c->message);
    return status == SPARSED_OK ? spd_choose_kernel(c, &problem, &row) : status;
}

static sparsed_status try_device(sparsed_context *c, const candidate *found, bool automatic,
                                 uint32_t threads, sparsed_message *message) {
    if (!found->info.usable)
        return spd_fail(message, SPARSED_E_NO_DEVICE, "%s (%s) cannot be used: %s",
                        found->info.selector, found->info.name, found->info.note);
    sparsed_status status =
        found->backend->open(found->index, threads, &c->allocator, &c->state, message);
    if (status != SPARSED_OK)
        return status;
    c->backend = found->backend;
    c->info = found->info;
    if (!automatic || found->info.kind != SPARSED_DEVICE_GPU)
        return SPARSED_OK;
    status = test_device(c);
    if (status == SPARSED_OK)
        return status;
    spd_fail(message, status, "%s (%s): %.400s", found->info.selector, found->info.name,
             c->message.text);
    spd_message_clear(&c->message);
    c->backend->close(c->state);
    c->state = NULL;
    c->verdict_count = 0;
    return status;
}

/* Why "auto" took it. */
static const char *reason(const search *s, size_t chosen) {
    switch (s->found[chosen].info.kind) {
    case SPARSED_DEVICE_GPU:
        return "a GPU that passed its self-test";
    case SPARSED_DEVICE_CPU:
        return s->found[0].info.kind == SPARSED_DEVICE_GPU ? "no GPU is usable" : "there is no GPU";
    default:
        return "there is no GPU and no CPU backend";
    }
}

static void tell_choice(sparsed_context *c, const search *s, size_t chosen, const char *request) {
    sparsed_device_info *info = &c->info;
    size_t next = chosen + 1;
    while (next < s->count && !s->found[next].info.usable)
        next++;
    if (is_auto(request))
        snprintf(info->reason, sizeof info->reason, "%s", reason(s, chosen));
    else
        snprintf(info->reason, sizeof info->reason, "asked for as %s", request);
    if (next < s->count)
        memcpy(info->runner_up, s->found[next].info.selector, sizeof info->runner_up);
    spd_log(c, SPARSED_LOG_INFO, "device %s (%s; %s), %u %s; runner-up: %s; reason: %s",
            info->selector, info->name, info->driver, c->backend->threads(c->state),
            info->kind == SPARSED_DEVICE_CPU ? "threads" : "compute units",
            info->runner_up[0] ? info->runner_up : "none", info->reason);
    if (info->note[0])
        spd_log(c, SPARSED_LOG_INFO, "device %s: %s", info->selector, info->note);
}

/* Nothing fits: what there is, and of the backends without a device, why not. */
static sparsed_status fail_absent(const sparsed_context *c, const spd_backend *const *backends,
                                  const char *request, const char *origin,
                                  sparsed_message *message) {
    char known[300] = "";
    const char *separator = "; there are: ";
    search s;
    sparsed_status status = find_devices(&s, backends, NULL, &c->allocator, message);
    if (status != SPARSED_OK)
        return status;
    for (size_t i = 0; i < s.count; i++) {
        const sparsed_device_info *info = &s.found[i].info;
        size_t used = strlen(known);
        bool absent = !strchr(info->selector, ':') && !info->usable;
        if (absent)
            snprintf(known + used, sizeof known - used, "; no %s: %s", info->selector, info->note);
        else
            snprintf(known + used, sizeof known - used, "%s%s (%.40s)", separator, info->selector,
                     info->name);
        separator = ", ";
    }
    if (strlen(known) == sizeof known - 1) /* cut */
        snprintf(known + sizeof known - 4, 4, "...");
    spd_release(&c->allocator, s.found);
    return spd_fail(message, SPARSED_E_NO_DEVICE, "%s is '%.150s'%s", origin, request, known);
}

static sparsed_status open_best(sparsed_context *c, const search *s, const char *request,
                                const char *origin, uint32_t threads, sparsed_message *message) {
    sparsed_status first = SPARSED_OK;
    for (size_t i = 0; i < s->count; i++) {
        sparsed_message why = {""};
        sparsed_status status = try_device(c, &s->found[i], is_auto(request), threads, &why);
        if (status == SPARSED_OK) {
            spd_message_clear(message);
            tell_choice(c, s, i, request);
            return SPARSED_OK;
        }
        spd_log(c, SPARSED_LOG_INFO, "not taken: %s", why.text);
        bool is_cpu = s->found[i].info.kind == SPARSED_DEVICE_CPU;
        if (first == SPARSED_OK || is_cpu) {
            first = status;
            spd_fail(message, status, "%s '%.60s': %.400s", origin, request, why.text);
        }
        /* It runs everywhere: what keeps it from that, such as a variable, is to be put right. */
        if (is_cpu)
            break;
    }
    return first;
}

sparsed_status spd_device_open(sparsed_context *context, const spd_backend *const *backends,
                               const char *request, uint32_t threads, sparsed_message *message) {
    const char *origin = "options.device";
    search s;
    if (!request) {
        request = getenv("SPARSED_DEVICE");
        origin = "SPARSED_DEVICE";
        if (!request || !request[0])
            request = "auto";
    }
    sparsed_status status = check_request(request, origin, message);
    if (status != SPARSED_OK)
        return status;
    status = find_devices(&s, backends, request, &context->allocator, message);
    if (status != SPARSED_OK)
        return status;
    status = s.count > 0 ? open_best(context, &s, request, origin, threads, message)
                         : fail_absent(context, backends, request, origin, message);
    spd_release(&context->allocator, s.found);
    return status;
}
