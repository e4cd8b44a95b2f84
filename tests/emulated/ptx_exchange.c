/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What a warp's lanes tell each other, named barriers, and what does nothing here. */
#include "emulated/ptx_core.h"

#include <string.h>

/* ---- lanes ---------------------------------------------------------------------------------- */

/* Only operations of all lanes are known. */
static ptx_result check_mask(ptx_warp *w, const ptx_instruction *i, const ptx_operand *mask) {
    return ptx_32(w, mask)[0] == ALL_LANES
               ? PTX_DONE
               : ptx_fault(w, i, "of lanes %08x alone", ptx_32(w, mask)[0]);
}

/* detail: from the lane whose number differs in these bits, in place of that lane. */
static ptx_result shuffle(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    const bool exclusive_or = i->operation->detail;
    uint32_t from[WARP_LANES];
    (void)lanes;
    if (ptx_32(w, &i->operands[3])[0] != WARP_LANES - 1)
        return ptx_fault(w, i, "among parts of a warp");
    memcpy(from, ptx_32(w, &i->operands[1]), sizeof from);
    for (unsigned l = 0; l < WARP_LANES; l++) {
        const uint32_t which = ptx_32(w, &i->operands[2])[l];
        ptx_32(w, &i->operands[0])[l] = from[(exclusive_or ? l ^ which : which) % WARP_LANES];
    }
    return check_mask(w, i, &i->operands[4]);
}

static ptx_result ballot(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    const uint32_t bits = ptx_predicate(w, &i->operands[1]);
    (void)lanes;
    for (unsigned l = 0; l < WARP_LANES; l++)
        ptx_32(w, &i->operands[0])[l] = bits;
    return check_mask(w, i, &i->operands[2]);
}

static ptx_result sync_warp(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)lanes;
    return check_mask(w, i, &i->operands[0]);
}

/* ---- warps ---------------------------------------------------------------------------------- */

/* All items of the warp arrive; detail: they wait for the others. */
static ptx_result come_to_barrier(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    ptx_group *g = w->group;
    (void)lanes;
    const uint32_t number = ptx_32(w, &i->operands[0])[0];
    const uint32_t items =
        i->count > 1 ? ptx_32(w, &i->operands[1])[0] : g->warp_count * WARP_LANES;
    if (number >= MAX_BARRIERS)
        return ptx_fault(w, i, "there is no barrier %u", number);
    ptx_barrier *b = &g->barriers[number];
    if (w->in_barrier) {
        if (b->round == w->barrier_round)
            return PTX_WAITS;
        w->in_barrier = false;
        return PTX_DONE;
    }
    if (b->arrived && b->expected != items)
        return ptx_fault(w, i, "barrier %u is of %u items, and of %u", number, b->expected, items);
    const uint32_t round = b->round;
    b->expected = items;
    b->arrived += WARP_LANES;
    ptx_rest(w);
    if (b->arrived >= items) {
        b->arrived = 0;
        b->round++;
        return PTX_DONE;
    }
    if (!i->operation->detail)
        return PTX_DONE;
    w->in_barrier = true;
    w->barrier_round = round;
    return PTX_WAITS;
}

static ptx_result nothing(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)w;
    (void)i;
    (void)lanes;
    return PTX_DONE;
}

/* Shows to wgmma what items have written, whoever they are. */
static ptx_result show(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    unsigned char *written = w->group->written;
    (void)i;
    (void)lanes;
    for (uint32_t n = 0; n < w->group->kernel->local_bytes; n++)
        written[n] = written[n] == PTX_WRITTEN ? PTX_SHOWN : written[n];
    return PTX_DONE;
}

#define WARP(name, widths, run, detail) \
    { name, widths, run, PTX_WARP, detail }
#define EACH(name, widths, run) \
    { name, widths, run, PTX_EACH, 0 }

const ptx_operation ptx_exchanges[] = {
    {"bra", "g", NULL, PTX_BRANCH, 0},
    {"bra.uni", "g", NULL, PTX_BRANCH, 0},
    {"ret", "", NULL, PTX_RETURN, 0},
    WARP("shfl.sync.bfly.b32", "44444", shuffle, true),
    WARP("shfl.sync.idx.b32", "44444", shuffle, false),
    WARP("vote.sync.ballot.b32", "4p4", ballot, 0),
    WARP("bar.warp.sync", "4", sync_warp, 0),
    WARP("bar.sync", "4", come_to_barrier, true),
    WARP("bar.arrive", "4", come_to_barrier, false),
    WARP("setmaxnreg.inc.sync.aligned.u32", "n", nothing, 0),
    WARP("setmaxnreg.dec.sync.aligned.u32", "n", nothing, 0),
    EACH("fence.acq_rel.gpu", "", nothing),
    EACH("fence.proxy.async", "", show),
    EACH("fence.proxy.async.shared::cta", "", show),
    EACH("fence.proxy.tensormap::generic.acquire.gpu", "an", nothing),
    EACH("fence.proxy.tensormap::generic.release.gpu", "", nothing),
    {0},
};
