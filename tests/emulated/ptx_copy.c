/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What runs beside a warp's own instructions: asynchronous copies, done at once or as late as waiting allows, boxes
 * that tensor maps describe, which come in any order, and the barriers in local memory that copies arrive at.
 */
#include "emulated/ptx_core.h"

#include <string.h>

/* ---- barriers in local memory: mbarrier ----------------------------------------------------- */

/* The 8 bytes of one. A phase ends when all have arrived and all bytes that were told of have come. */
typedef struct local_barrier {
    uint16_t expected, missing;
    int32_t bytes_and_phase; /* 2 * bytes to come + parity of the phase */
} local_barrier;

static bool read_barrier(ptx_warp *w, const ptx_instruction *i, uint64_t address,
                         local_barrier *barrier) {
    const unsigned char *at = ptx_local_read(w, i, address, sizeof *barrier, 8, PTX_WRITTEN);
    if (at)
        memcpy(barrier, at, sizeof *barrier);
    return at != NULL;
}

/* Arrivals and bytes: more to come, or that have come. */
static ptx_result change_barrier(ptx_warp *w, const ptx_instruction *i, uint64_t address,
                                 uint16_t arrivals, int32_t bytes) {
    local_barrier b;
    if (!read_barrier(w, i, address, &b))
        return PTX_FAULT;
    if (arrivals > b.missing)
        return ptx_fault(w, i, "an arrival too many at the barrier at %u", (unsigned)address);
    if (arrivals > 0)
        ptx_rest(w);
    b.missing = (uint16_t)(b.missing - arrivals);
    b.bytes_and_phase += 2 * bytes;
    if (b.missing == 0 && b.bytes_and_phase >> 1 == 0) {
        b.bytes_and_phase ^= 1;
        b.missing = b.expected;
    }
    memcpy(w->group->local + address, &b, sizeof b);
    return PTX_DONE;
}

static ptx_result make_barrier(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        if (!ptx_has(lanes, lane))
            continue;
        const uint16_t count = (uint16_t)ptx_32(w, &i->operands[1])[lane];
        const local_barrier barrier = {count, count, 0};
        unsigned char *at = ptx_local_write(w, i, ptx_address(w, &i->operands[0], lane),
                                            sizeof barrier, 8, PTX_WRITTEN);
        if (!at)
            return PTX_FAULT;
        memcpy(at, &barrier, sizeof barrier);
    }
    return PTX_DONE;
}

static ptx_result arrive(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        if (!ptx_has(lanes, lane))
            continue;
        const int32_t bytes = i->count > 2 ? (int32_t)ptx_32(w, &i->operands[2])[lane] : 0;
        if (change_barrier(w, i, ptx_address(w, &i->operands[1], lane), 1, bytes) != PTX_DONE)
            return PTX_FAULT;
    }
    return PTX_DONE;
}

/* p = the phase of that parity is over. */
static ptx_result try_wait(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    uint32_t *done = ptx_32(w, &i->operands[0]);
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        local_barrier b;
        if (!ptx_has(lanes, lane))
            continue;
        if (!read_barrier(w, i, ptx_address(w, &i->operands[1], lane), &b))
            return PTX_FAULT;
        const uint32_t parity = ptx_32(w, &i->operands[2])[lane] & 1;
        const bool over = ((uint32_t)b.bytes_and_phase & 1) != parity;
        *done = (*done & ~(1u << lane)) | (uint32_t)over << lane;
    }
    return PTX_DONE;
}

/* ---- copies of 16 bytes: cp.async ----------------------------------------------------------- */

static ptx_result finish_copy(ptx_warp *w, const ptx_instruction *i, const ptx_copy *copy) {
    unsigned char *to = ptx_local_write(w, i, copy->to, 16, 16, PTX_WRITTEN);
    if (!to)
        return PTX_FAULT;
    memset(to, 0, 16);
    if (copy->bytes)
        memcpy(to, copy->from, copy->bytes);
    return PTX_DONE;
}

/* Each comes at once, or late: some find memory that is still in use, some come when they are thought to be there. */
static ptx_result copy_16(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        if (!ptx_has(lanes, lane))
            continue;
        const uint32_t bytes = ptx_32(w, &i->operands[3])[lane];
        unsigned char *from = NULL;
        if (bytes && !(from = ptx_global(w, i, ptx_address(w, &i->operands[1], lane), bytes, 16)))
            return PTX_FAULT;
        const ptx_copy copy = {from, (uint32_t)ptx_address(w, &i->operands[0], lane), bytes,
                               w->copy_group[lane], (uint8_t)lane};
        w->copies = ptx_grow(w->copies, w->copy_count, &w->copy_room, sizeof *w->copies);
        if (ptx_random_below(w->group, 2))
            w->copies[w->copy_count++] = copy;
        else if (finish_copy(w, i, &copy) != PTX_DONE)
            return PTX_FAULT;
    }
    return PTX_DONE;
}

/* Does the lanes' copies of all groups but the last `but`. */
static ptx_result finish_copies(ptx_warp *w, const ptx_instruction *i, uint32_t lanes,
                                uint32_t but) {
    size_t kept = 0;
    for (size_t n = 0; n < w->copy_count; n++) {
        const ptx_copy *c = &w->copies[n];
        if (!ptx_has(lanes, c->lane) || c->group + but >= w->copy_group[c->lane]) {
            w->copies[kept++] = *c;
            continue;
        }
        if (finish_copy(w, i, c) != PTX_DONE)
            return PTX_FAULT;
    }
    w->copy_count = kept;
    return PTX_DONE;
}

static ptx_result commit_copies(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)i;
    for (unsigned lane = 0; lane < WARP_LANES; lane++)
        w->copy_group[lane] += ptx_has(lanes, lane);
    return PTX_DONE;
}

static ptx_result wait_copies(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    return finish_copies(w, i, lanes, (uint32_t)i->operands[0].offset);
}

/* Arrives when the lane's copies so far are done. */
static ptx_result arrive_after_copies(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    commit_copies(w, i, lanes);
    if (finish_copies(w, i, lanes, 0) != PTX_DONE)
        return PTX_FAULT;
    for (unsigned lane = 0; lane < WARP_LANES; lane++)
        if (ptx_has(lanes, lane) &&
            change_barrier(w, i, ptx_address(w, &i->operands[0], lane), 1, 0) != PTX_DONE)
            return PTX_FAULT;
    return PTX_DONE;
}

/* ---- tensor maps: their fields in an order of our own --------------------------------------- */

enum { MAP_WORDS = 32, MAX_DIMENSIONS = 5 };
enum {
    MAP_ADDRESS = 0,  /* two words */
    MAP_RANK = 2,     /* less one */
    MAP_BOX = 3,      /* elements of a box, by dimension */
    MAP_SIZE = 8,     /* of the tensor */
    MAP_STRIDE = 13,  /* in bytes, two words each, from the second dimension on */
    MAP_ELEMENT = 21, /* strides of elements */
    MAP_TYPE = 26,
    MAP_INTERLEAVE,
    MAP_SWIZZLE,
    MAP_FILL
};

/* detail: the field's first word. */
static ptx_result set_map(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    const ptx_operand *value = &i->operands[i->count - 1];
    const unsigned words = value->bytes / 4;
    const unsigned index = i->count > 2 ? (unsigned)i->operands[1].offset * words : 0;
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        if (!ptx_has(lanes, lane))
            continue;
        unsigned char *map =
            ptx_global(w, i, ptx_address(w, &i->operands[0], lane), 4 * MAP_WORDS, 64);
        const uint64_t x = ptx_value(w, value, lane);
        if (!map)
            return PTX_FAULT;
        memcpy(map + 4 * (i->operation->detail + index), &x, value->bytes);
    }
    return PTX_DONE;
}

static uint64_t map_long(const uint32_t *map, unsigned word) {
    return map[word] | (uint64_t)map[word + 1] << 32;
}

/* Only maps of three dimensions of elements of 16 bits, whose boxes have rows of 128 bytes, swizzled. */
static bool is_known_map(const uint32_t *map) {
    return map[MAP_RANK] == 2 && map[MAP_BOX] == 64 && map[MAP_BOX + 2] == 1 &&
           map[MAP_BOX + 1] <= 256 && map[MAP_ELEMENT] == 1 && map[MAP_ELEMENT + 1] == 1 &&
           map[MAP_ELEMENT + 2] == 1 && (map[MAP_TYPE] == 6 || map[MAP_TYPE] == 10) &&
           map[MAP_INTERLEAVE] == 0 && map[MAP_SWIZZLE] == 3 && map[MAP_FILL] == 0 &&
           map[MAP_ADDRESS] % 16 == 0 && map[MAP_STRIDE] % 16 == 0 && map[MAP_STRIDE + 2] % 16 == 0;
}

/* Row `row` of a box: 8 pieces of 16 bytes, permuted by the row; zeros where there is no tensor. */
static ptx_result copy_box_row(ptx_warp *w, const ptx_instruction *i, const uint32_t *map,
                               const uint32_t *at, uint32_t row, uint64_t to) {
    const uint64_t y = (uint64_t)at[1] + row;
    const uint64_t from = map_long(map, MAP_ADDRESS) + y * map_long(map, MAP_STRIDE) +
                          at[2] * map_long(map, MAP_STRIDE + 2) + (uint64_t)at[0] * 2;
    const bool is = y < map[MAP_SIZE + 1] && at[2] < map[MAP_SIZE + 2];
    for (uint32_t piece = 0; piece < 8; piece++) {
        const uint64_t place = to + row * 128 + piece * 16;
        unsigned char *target =
            ptx_local_write(w, i, place ^ (place >> 3 & 0x70), 16, 16, PTX_SHOWN);
        const unsigned char *source = NULL;
        if (!target)
            return PTX_FAULT;
        memset(target, 0, 16);
        if (!is || at[0] + piece * 8 >= map[MAP_SIZE])
            continue;
        if (!(source = ptx_global(w, i, from + piece * 16, 16, 16)))
            return PTX_FAULT;
        memcpy(target, source, 16);
    }
    return PTX_DONE;
}

/* A box that the copy engine brings. */
static ptx_result copy_box(ptx_warp *w, const ptx_box *b) {
    uint32_t map[MAP_WORDS];
    const unsigned char *from = ptx_global(w, b->instruction, b->map, sizeof map, 64);
    if (!from)
        return PTX_FAULT;
    memcpy(map, from, sizeof map);
    if (!is_known_map(map) || b->to % 128)
        return ptx_fault(w, b->instruction, "a tensor map of a kind that is not known");
    for (uint32_t row = 0; row < map[MAP_BOX + 1]; row++)
        if (copy_box_row(w, b->instruction, map, b->at, row, b->to) != PTX_DONE)
            return PTX_FAULT;
    return change_barrier(w, b->instruction, b->barrier, 0, -(int32_t)(map[MAP_BOX + 1] * 128));
}

enum { MOST_REST = 64 }; /* of a box */

/* [to], [map, {column, row, head}], [barrier]. */
static ptx_result begin_box(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    ptx_group *g = w->group;
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        if (!ptx_has(lanes, lane))
            continue;
        g->boxes = ptx_grow(g->boxes, g->box_count, &g->box_room, sizeof *g->boxes);
        ptx_box *b = &g->boxes[g->box_count++];
        *b = (ptx_box){.instruction = i,
                       .warp = w,
                       .to = ptx_address(w, &i->operands[0], lane),
                       .map = ptx_address(w, &i->operands[1], lane),
                       .barrier = ptx_address(w, &i->operands[5], lane),
                       .rests = ptx_random_below(g, ptx_random_below(g, 4) ? 4 : MOST_REST)};
        for (unsigned n = 0; n < 3; n++)
            b->at[n] = ptx_32(w, &i->operands[2 + n])[lane];
    }
    return PTX_DONE;
}

void ptx_bring_box(ptx_group *group, size_t which) {
    const ptx_box box = group->boxes[which];
    group->boxes[which] = group->boxes[--group->box_count];
    copy_box(box.warp, &box);
}

#define EACH(name, widths, run) \
    { name, widths, run, PTX_EACH, 0 }
#define SET(field, widths, word) \
    { "tensormap.replace.tile." field, widths, set_map, PTX_EACH, word }

const ptx_operation ptx_copies[] = {
    EACH("mbarrier.init.shared.b64", "a4", make_barrier),
    {"mbarrier.arrive.shared.b64", "8a", arrive, PTX_YIELDS, 0},
    {"mbarrier.arrive.expect_tx.shared.b64", "8a4", arrive, PTX_YIELDS, 0},
    {"mbarrier.try_wait.parity.shared.b64", "pa4", try_wait, PTX_YIELDS, 0},
    EACH("cp.async.cg.shared.global", "aa44", copy_16),
    EACH("cp.async.commit_group", "", commit_copies),
    EACH("cp.async.wait_group", "n", wait_copies),
    EACH("cp.async.mbarrier.arrive.noinc.shared.b64", "a", arrive_after_copies),
    EACH("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes", "aa444a",
         begin_box),
    SET("global_address.global.b1024.b64", "a8", MAP_ADDRESS),
    SET("rank.global.b1024.b32", "a4", MAP_RANK),
    SET("box_dim.global.b1024.b32", "an4", MAP_BOX),
    SET("global_dim.global.b1024.b32", "an4", MAP_SIZE),
    SET("global_stride.global.b1024.b64", "an8", MAP_STRIDE),
    SET("element_stride.global.b1024.b32", "an4", MAP_ELEMENT),
    SET("elemtype.global.b1024.b32", "a4", MAP_TYPE),
    SET("interleave_layout.global.b1024.b32", "a4", MAP_INTERLEAVE),
    SET("swizzle_mode.global.b1024.b32", "a4", MAP_SWIZZLE),
    SET("fill_mode.global.b1024.b32", "a4", MAP_FILL),
    {0},
};
