/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The list of devices, and which one a context gets. */
#include "device.h"

#include "kernel_choice.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sparsed_status sparsed_device_list(sparsed_device_info *infos, size_t *count,
                                   sparsed_message *message) {
    spd_message_clear(message);
    if (!count)
        return spd_fail(message, SPARSED_E_INVALID, "count is NULL");
    size_t room = infos ? *count : 0, found = 0;
    /* An older caller's array has smaller elements: its own struct_size is the distance. */
    size_t distance_bytes = infos && room > 0 ? infos[0].struct_size : 0;
    for (size_t b = 0; spd_backends[b]; b++) {
        sparsed_device_info info = {.struct_size = sizeof info};
        for (size_t i = 0; spd_backends[b]->device(i, &info); i++, found++) {
            if (found >= room)
                continue;
            sparsed_status status = spd_copy_struct_out((char *)infos + found * distance_bytes,
                                                        &info, sizeof info, "infos", message);
            if (status != SPARSED_OK)
                return status;
        }
    }
    *count = found;
    return SPARSED_OK;
}

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
    char known[256]; /* selectors of all devices */
} search;

static bool contains(const char *text, const char *part, size_t length) {
    for (; *text; text++) {
        size_t i = 0;
        while (i < length && text[i] &&
               tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == length)
            return true;
    }
    return length == 0;
}

/* One part of a request: the number that the selector has there, or a piece of a name. */
static bool part_fits(const char *part, size_t length, const char *number, size_t number_length,
                      const char *name) {
    if (length > 0 && strspn(part, "0123456789") >= length)
        return length == number_length && strncmp(part, number, length) == 0;
    return contains(name, part, length);
}

bool spd_device_fits(const char *request, const sparsed_device_info *info) {
    if (strcmp(request, "auto") == 0)
        return info->kind != SPARSED_DEVICE_OTHER;
    if (strcmp(request, info->selector) == 0)
        return true;
    size_t backend = strcspn(info->selector, ":");
    if (strncmp(request, info->selector, backend) != 0 ||
        (request[backend] != '\0' && request[backend] != ':'))
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

static void add_known(search *s, const char *selector) {
    size_t used = strlen(s->known);
    snprintf(s->known + used, sizeof s->known - used, ", %s", selector);
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

static void find_devices(search *s, const spd_backend *const *backends, const char *request) {
    for (size_t b = 0; backends[b]; b++) {
        candidate c = {.backend = backends[b]};
        c.info.struct_size = sizeof c.info;
        for (; c.backend->device(c.index, &c.info); c.index++) {
            add_known(s, c.info.selector);
            if (spd_device_fits(request, &c.info))
                insert(s, &c);
        }
    }
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
    c->device_index = found->index;
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

static void log_choice(const sparsed_context *c, const search *s, size_t chosen,
                       const char *request) {
    static const char *const reasons[] = {[SPARSED_DEVICE_GPU] = "a GPU that passed its self-test",
                                          [SPARSED_DEVICE_CPU] = "no GPU is usable",
                                          [SPARSED_DEVICE_CPU_OPENCL] =
                                              "there is no GPU and no CPU backend"};
    const candidate *d = &s->found[chosen];
    const char *next = chosen + 1 < s->count ? s->found[chosen + 1].info.selector : "none";
    bool automatic = strcmp(request, "auto") == 0;
    spd_log(c, SPARSED_LOG_INFO, "device %s (%s; %s), %u %s; runner-up: %s; reason: %s%s",
            d->info.selector, d->info.name, d->info.driver, d->backend->threads(c->state),
            d->info.kind == SPARSED_DEVICE_CPU ? "threads" : "compute units", next,
            automatic ? reasons[d->info.kind] : "asked for as ", automatic ? "" : request);
    if (d->info.note[0])
        spd_log(c, SPARSED_LOG_INFO, "device %s: %s", d->info.selector, d->info.note);
}

static sparsed_status open_best(sparsed_context *c, const search *s, const char *request,
                                const char *origin, uint32_t threads, sparsed_message *message) {
    bool automatic = strcmp(request, "auto") == 0;
    sparsed_status first = SPARSED_OK;
    for (size_t i = 0; i < s->count; i++) {
        sparsed_message why = {""};
        sparsed_status status = try_device(c, &s->found[i], automatic, threads, &why);
        if (status == SPARSED_OK) {
            spd_message_clear(message);
            log_choice(c, s, i, request);
            return SPARSED_OK;
        }
        if (automatic)
            spd_log(c, SPARSED_LOG_INFO, "device %s", why.text);
        if (first == SPARSED_OK) {
            first = status;
            spd_fail(message, status, "%s '%s': %.440s", origin, request, why.text);
        }
    }
    if (s->count == 0)
        return spd_fail(message, SPARSED_E_NO_DEVICE, "%s is '%s'; known are: auto%s", origin,
                        request, s->known);
    return first;
}

sparsed_status spd_device_open(sparsed_context *context, const spd_backend *const *backends,
                               const char *request, uint32_t threads, sparsed_message *message) {
    const char *origin = "options.device";
    if (!request) {
        request = getenv("SPARSED_DEVICE");
        origin = "SPARSED_DEVICE";
    }
    if (!request || !request[0])
        request = "auto";
    search s = {.found = spd_allocate(&context->allocator, MAX_CANDIDATES, sizeof *s.found)};
    if (!s.found)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a list of devices");
    find_devices(&s, backends, request);
    sparsed_status status = open_best(context, &s, request, origin, threads, message);
    spd_release(&context->allocator, s.found);
    return status;
}
