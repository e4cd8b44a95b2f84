/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A launch: groups one after another, the warps of a group in turns of a random length. The lanes of a warp go
 * together; where they part, those that are furthest behind go first, unless they wait for something, and an operation
 * of the whole warp waits for all. Sometimes some lanes stay behind until the others cannot go on without them.
 */
#include "emulated/ptx_core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARTING = 64,    /* one in so many operations of a warp has its lanes part */
    MOST_TURN = 512, /* steps */
    MOST_REST = 8,   /* turns that a warp leaves to those for whom it has done something */
    LONG_REST = 64,  /* turns, and one time in so many, for no reason */
    MOST_IDLE_ROUNDS = 100000, /* in which all warps wait: more are taken for ever, */
    MOST_STEPS = 1 << 28       /* and so are more steps of a group */
};

const char *const ptx_special_names[PTX_SPECIALS] = {
    "%tid.x",   "%tid.y",   "%tid.z",   "%ntid.x",   "%ntid.y",   "%ntid.z",
    "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z"};

const ptx_operation *ptx_find_operation(const char *name) {
    static const ptx_operation *const tables[] = {ptx_arithmetic, ptx_memory,     ptx_copies,
                                                  ptx_products,   ptx_warpgroups, ptx_exchanges};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const ptx_operation *o = tables[t]; o->name; o++)
            if (strcmp(o->name, name) == 0)
                return o;
    return NULL;
}

void *ptx_grow(void *array, size_t count, size_t *room, size_t bytes) {
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    array = realloc(array, *room * bytes);
    if (!array)
        abort();
    return array;
}

ptx_result ptx_fault(ptx_warp *warp, const ptx_instruction *at, const char *format, ...) {
    ptx_group *g = warp->group;
    char what[300], place[80] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (at)
        snprintf(place, sizeof place, ", line %u, %s", at->line, at->operation->name);
    if (!g->failed)
        snprintf(g->message->text, sizeof g->message->text, "%s, group %u %u %u, warp %u%s: %s",
                 g->kernel->name, g->id[0], g->id[1], g->id[2], warp->number, place, what);
    g->failed = true;
    return PTX_FAULT;
}

uint32_t ptx_random_below(ptx_group *g, uint32_t n) {
    g->random = g->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(g->random >> 33) % n;
}

void ptx_rest(ptx_warp *warp) {
    warp->rests = ptx_random_below(warp->group, MOST_REST);
}

/* ---- a warp --------------------------------------------------------------------------------- */

/* The lanes that go next, all at one instruction: its number. No lanes: all are held. */
static uint32_t choose_lanes(ptx_warp *w, uint32_t *lanes) {
    const uint32_t ready = w->live & ~w->held;
    const uint32_t among = ready & ~w->yielded ? ready & ~w->yielded : ready;
    uint32_t pc = UINT32_MAX;
    if (w->together) {
        *lanes = w->live;
        return w->pc[0];
    }
    *lanes = 0;
    for (unsigned l = 0; l < WARP_LANES; l++)
        if (ptx_has(among, l) && w->pc[l] < pc)
            pc = w->pc[l];
    for (unsigned l = 0; l < WARP_LANES; l++)
        if (ptx_has(among, l) && w->pc[l] == pc)
            *lanes |= 1u << l;
    return pc;
}

static void go_to(ptx_warp *w, uint32_t lanes, uint32_t pc) {
    if (lanes == w->live)
        w->together = true;
    if (w->together)
        w->pc[0] = pc;
    else
        for (unsigned l = 0; l < WARP_LANES; l++)
            if (ptx_has(lanes, l))
                w->pc[l] = pc;
}

/* Lanes that were together part, those of `taken` to `target`. */
static void branch(ptx_warp *w, uint32_t lanes, uint32_t taken, uint32_t target, uint32_t next) {
    if (taken == lanes || taken == 0) {
        go_to(w, lanes, taken ? target : next);
        return;
    }
    w->together = false;
    go_to(w, taken, target);
    go_to(w, lanes & ~taken, next);
}

static void leave(ptx_warp *w, uint32_t lanes, uint32_t next) {
    if (w->together)
        for (unsigned l = 0; l < WARP_LANES; l++)
            w->pc[l] = next;
    w->live &= ~lanes;
    w->together = false;
}

/* Some lanes, often none, let the others go as far as they come without them. */
static void part(ptx_warp *w) {
    if (ptx_random_below(w->group, PARTING) != 0)
        return;
    for (unsigned l = 0; l < WARP_LANES; l++)
        w->pc[l] = w->pc[0];
    w->together = false;
    w->yielded = ptx_random_below(w->group, ALL_LANES);
}

/* All live lanes are at one instruction again. */
static void join(ptx_warp *w) {
    uint32_t pc = UINT32_MAX;
    if (w->yielded)
        return;
    for (unsigned l = 0; l < WARP_LANES; l++) {
        if (!ptx_has(w->live, l))
            continue;
        if (pc != UINT32_MAX && w->pc[l] != pc)
            return;
        pc = w->pc[l];
    }
    w->together = true;
    w->held = 0;
    w->pc[0] = pc;
}

static ptx_result step(ptx_warp *w) {
    const ptx_kernel *k = w->group->kernel;
    uint32_t lanes;
    if (!w->together)
        join(w);
    const uint32_t pc = choose_lanes(w, &lanes);
    if (lanes & w->yielded) { /* the others have come as far as they can, and now other warps */
        w->yielded = 0;
        if (!w->together)
            return PTX_WAITS;
    }
    if (!lanes)
        return ptx_fault(w, NULL, "the warp's lanes wait for each other at several places");
    if (pc >= k->instructions)
        return ptx_fault(w, NULL, "it ends without 'ret'");
    const ptx_instruction *i = &k->code[pc];
    const ptx_operation *o = i->operation;
    uint32_t active = lanes;
    if (i->guarded)
        active &= ptx_predicate(w, &i->guard);
    switch (o->kind) {
    case PTX_BRANCH:
        branch(w, lanes, active, (uint32_t)i->operands[0].offset, pc + 1);
        return PTX_DONE;
    case PTX_RETURN:
        go_to(w, lanes, pc + 1);
        leave(w, active, pc + 1);
        return PTX_DONE;
    case PTX_WARP:
        if (lanes != w->live) {
            w->held |= lanes;
            return PTX_DONE;
        }
        if (lanes != ALL_LANES || active != lanes)
            return ptx_fault(w, i, "lanes %08x alone", active);
        break;
    default:
        break;
    }
    const ptx_result result = active ? o->run(w, i, active) : PTX_DONE;
    if (result == PTX_DONE)
        go_to(w, lanes, pc + 1);
    if (result == PTX_DONE && o->kind == PTX_WARP)
        part(w);
    if (result != PTX_DONE || o->kind != PTX_YIELDS)
        return result;
    w->yielded |= lanes;
    return PTX_WAITS;
}

/* ---- a group -------------------------------------------------------------------------------- */

static void set_special(ptx_warp *w, unsigned lane) {
    const ptx_launch *l = w->group->launch;
    const uint32_t item = w->number * WARP_LANES + lane;
    const uint32_t values[PTX_SPECIALS] = {item % l->items[0],
                                           item / l->items[0] % l->items[1],
                                           item / l->items[0] / l->items[1],
                                           l->items[0],
                                           l->items[1],
                                           l->items[2],
                                           w->group->id[0],
                                           w->group->id[1],
                                           w->group->id[2],
                                           l->groups[0],
                                           l->groups[1],
                                           l->groups[2]};
    for (unsigned i = 0; i < PTX_SPECIALS; i++)
        ((uint32_t *)(void *)(w->registers + 128 * i))[lane] = values[i];
}

static void set_constant(ptx_warp *w, const ptx_constant *c) {
    unsigned char *at = w->registers + c->slot;
    const unsigned bytes = c->bytes ? c->bytes : 4, count = c->bytes ? WARP_LANES : 1;
    for (unsigned l = 0; l < count; l++)
        memcpy(at + l * bytes, &c->value, bytes);
}

/* Everything else has what nobody would expect. */
static void begin_warp(ptx_warp *w, ptx_group *g, unsigned number, uint32_t items) {
    const ptx_kernel *k = g->kernel;
    const uint32_t lanes = items - number * WARP_LANES;
    unsigned char *registers = w->registers;
    ptx_copy *copies = w->copies;
    ptx_product *products = w->products;
    const size_t copy_room = w->copy_room, product_room = w->product_room;
    *w = (ptx_warp){.group = g,
                    .number = number,
                    .live = lanes >= WARP_LANES ? ALL_LANES : (1u << lanes) - 1,
                    .together = true,
                    .registers = registers,
                    .copies = copies,
                    .copy_room = copy_room,
                    .products = products,
                    .product_room = product_room};
    memset(registers, 0xa5, k->register_bytes);
    for (unsigned lane = 0; lane < WARP_LANES; lane++)
        set_special(w, lane);
    for (size_t i = 0; i < k->constant_count; i++)
        set_constant(w, &k->constants[i]);
}

/* A turn of a warp: the steps that it took. */
static uint32_t take_turn(ptx_warp *w) {
    const uint32_t turn = 1 + ptx_random_below(w->group, MOST_TURN);
    uint32_t steps = 0;
    if (ptx_random_below(w->group, LONG_REST) == 0)
        w->rests += ptx_random_below(w->group, LONG_REST);
    if (w->rests > 0) {
        w->rests--;
        return 0;
    }
    for (ptx_result result = PTX_DONE; steps < turn && w->live && !w->rests && result == PTX_DONE;
         steps++)
        result = step(w);
    return steps;
}

/* Those of the boxes whose time has come. */
static bool bring_boxes(ptx_group *g) {
    const size_t count = g->box_count;
    for (size_t n = count; n-- > 0 && !g->failed;)
        if (g->boxes[n].rests-- == 0)
            ptx_bring_box(g, n);
    return count > 0;
}

/* Where each warp that has not ended is. */
static void fault_of_waiting(ptx_group *g) {
    char places[300] = "";
    size_t length = 0;
    for (unsigned n = 0; n < g->warp_count && length < sizeof places - 40; n++) {
        uint32_t lanes;
        const uint32_t pc = g->warps[n].live ? choose_lanes(&g->warps[n], &lanes) : UINT32_MAX;
        if (pc < g->kernel->instructions)
            length +=
                (size_t)snprintf(places + length, sizeof places - length, "%swarp %u at line %u",
                                 length ? ", " : "", n, g->kernel->code[pc].line);
    }
    if (!g->failed)
        snprintf(g->message->text, sizeof g->message->text,
                 "%s, group %u %u %u: its warps wait for ever: %s", g->kernel->name, g->id[0],
                 g->id[1], g->id[2], places);
    g->failed = true;
}

static bool run_group(ptx_group *g) {
    uint32_t idle = 0, steps = 0; /* rounds, steps */
    for (unsigned live = g->warp_count; live > 0 && !g->failed;) {
        bool went_on = false;
        live = 0;
        for (unsigned n = 0; n < g->warp_count && !g->failed; n++) {
            ptx_warp *w = &g->warps[n];
            const uint32_t taken = take_turn(w);
            went_on |= taken > 4; /* a loop that waits takes three or four */
            steps += taken;
            live += w->live != 0;
        }
        went_on |= bring_boxes(g);
        idle = went_on ? 0 : idle + 1;
        if (idle == MOST_IDLE_ROUNDS || steps > MOST_STEPS)
            fault_of_waiting(g);
    }
    for (unsigned n = 0; n < g->warp_count && !g->failed; n++)
        if (g->warps[n].copy_count || g->warps[n].product_count || g->box_count)
            ptx_fault(&g->warps[n], NULL, "copies or products that nobody waits for");
    return !g->failed;
}

/* ---- a launch ------------------------------------------------------------------------------- */

static void *room(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!memory)
        abort();
    return memory;
}

static void make_group(ptx_group *g, const ptx_kernel *kernel, const ptx_launch *launch,
                       ptx_message *message) {
    const uint32_t items = launch->items[0] * launch->items[1] * launch->items[2];
    *g = (ptx_group){.kernel = kernel,
                     .launch = launch,
                     .warp_count = (items + WARP_LANES - 1) / WARP_LANES,
                     .message = message,
                     .random = 1};
    g->warps = calloc(g->warp_count, sizeof *g->warps);
    if (!g->warps)
        abort();
    for (unsigned n = 0; n < g->warp_count; n++)
        g->warps[n].registers = room(kernel->register_bytes);
    g->local = room(kernel->local_bytes);
    g->written = room(kernel->local_bytes);
}

static void free_group(ptx_group *g) {
    for (unsigned n = 0; n < g->warp_count; n++) {
        free(g->warps[n].registers);
        free(g->warps[n].copies);
        free(g->warps[n].products);
    }
    free(g->warps);
    free(g->boxes);
    free(g->local);
    free(g->written);
}

bool ptx_run(const ptx_kernel *kernel, const ptx_launch *launch, ptx_message *message) {
    const uint32_t items = launch->items[0] * launch->items[1] * launch->items[2];
    ptx_group g;
    if (items == 0 || items > MAX_WARPS * WARP_LANES ||
        (kernel->group_items[0] &&
         memcmp(kernel->group_items, launch->items, sizeof launch->items))) {
        snprintf(message->text, sizeof message->text, "%s: groups of %u items", kernel->name,
                 items);
        return false;
    }
    make_group(&g, kernel, launch, message);
    const uint64_t groups = (uint64_t)launch->groups[0] * launch->groups[1] * launch->groups[2];
    for (uint64_t n = 0; n < groups && !g.failed; n++) {
        g.id[0] = (uint32_t)(n % launch->groups[0]);
        g.id[1] = (uint32_t)(n / launch->groups[0] % launch->groups[1]);
        g.id[2] = (uint32_t)(n / launch->groups[0] / launch->groups[1]);
        memset(g.barriers, 0, sizeof g.barriers);
        memset(g.local, 0xff, kernel->local_bytes);
        memset(g.written, 0, kernel->local_bytes);
        for (unsigned w = 0; w < g.warp_count; w++)
            begin_warp(&g.warps[w], &g, w, items);
        run_group(&g);
    }
    free_group(&g);
    return !g.failed;
}
