/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * wgmma: products of which each of a warpgroup's four warps makes 16 of 64 rows, begun by all and done at once or when
 * they are waited for. Their operands lie in local memory, the left one in registers instead, too.
 */
#include "emulated/ptx_core.h"
#include "src/half.h"

#include <string.h>

/* A product's detail: the registers of its result, and this. */
enum { OF_F16 = 1 };

/* A matrix in local memory: rows of 128 bytes, swizzled, eight rows after eight. */
typedef struct descriptor {
    uint32_t start, leading, stride; /* bytes */
} descriptor;

static bool read_descriptor(uint64_t bits, descriptor *d) {
    d->start = (uint32_t)(bits & 0x3fff) << 4;
    d->leading = (uint32_t)(bits >> 16 & 0x3fff) << 4;
    d->stride = (uint32_t)(bits >> 32 & 0x3fff) << 4;
    return bits >> 62 == 1 && (bits >> 49 & 7) == 0;
}

static bool read_element(ptx_warp *w, const ptx_instruction *i, uint32_t place, ptx_element type,
                         double *x) {
    const unsigned char *at = ptx_local_read(w, i, place ^ (place >> 3 & 0x70), 2, 2, PTX_SHOWN);
    uint16_t bits;
    if (!at)
        return false;
    memcpy(&bits, at, 2);
    *x = type == PTX_BF16 ? spd_float_from_bf16(bits) : spd_float_from_f16(bits);
    return true;
}

/* Element `k` of row `row` of an operand whose rows run along the depth. */
static uint32_t along_depth(const descriptor *d, unsigned row, unsigned k) {
    return d->start + row / 8 * d->stride + row % 8 * 128 + k * 2;
}

/* The same where they run along the result. */
static uint32_t along_result(const descriptor *d, unsigned column, unsigned k) {
    return d->start + column / 64 * d->leading + k / 8 * d->stride + k % 8 * 128 + column % 64 * 2;
}

static bool read_left(ptx_warp *w, const ptx_product *p, ptx_element type, ptx_left x) {
    descriptor d;
    if (!read_descriptor(p->a, &d))
        return false;
    for (unsigned row = 0; row < PTX_ROWS; row++)
        for (unsigned k = 0; k < PTX_DEPTH; k++)
            if (!read_element(w, p->instruction, along_depth(&d, w->number % 4 * PTX_ROWS + row, k),
                              type, &x[row][k]))
                return false;
    return true;
}

static bool read_right(ptx_warp *w, const ptx_product *p, const descriptor *d, bool transposed,
                       unsigned first, ptx_element type, ptx_right y) {
    for (unsigned k = 0; k < PTX_DEPTH; k++)
        for (unsigned n = 0; n < 8; n++)
            if (!read_element(w, p->instruction,
                              transposed ? along_result(d, first + n, k)
                                         : along_depth(d, first + n, k),
                              type, &y[k][n]))
                return false;
    return true;
}

/* How a product's operands lie: results; a descriptor or four registers; a descriptor; then the result's scale, the
 * operands' signs, and whether they are transposed. */
typedef struct product_operands {
    unsigned results;
    bool registers; /* the left operand */
    const ptx_operand *left, *right, *rest;
} product_operands;

static product_operands operands_of(const ptx_instruction *i) {
    product_operands o = {.results = i->operation->detail & ~(unsigned)OF_F16};
    o.registers = i->operands[o.results].bytes == 4;
    o.left = i->operands + o.results;
    o.right = o.left + (o.registers ? 4 : 1);
    o.rest = o.right + 1;
    return o;
}

/* Neither operand negated, and the left one not transposed. */
static bool is_known_product(const ptx_warp *w, const ptx_instruction *i) {
    const unsigned results = i->operation->detail & ~(unsigned)OF_F16;
    if (i->count != results + 7 && i->count != results + 9)
        return false;
    const product_operands o = operands_of(i);
    return i->count == results + (o.registers ? 9 : 7) && ptx_32(w, &o.rest[1])[0] == 1 &&
           ptx_32(w, &o.rest[2])[0] == 1 && (o.registers || ptx_32(w, &o.rest[3])[0] == 0);
}

/* Does what an instruction began. */
static ptx_result multiply(ptx_warp *w, const ptx_product *p) {
    const ptx_instruction *i = p->instruction;
    const ptx_element type = i->operation->detail & OF_F16 ? PTX_F16 : PTX_BF16;
    const product_operands o = operands_of(i);
    const bool transposed = ptx_32(w, &i->operands[i->count - 1])[0];
    const bool adds = ptx_32(w, o.rest)[0];
    ptx_left x;
    ptx_right y;
    descriptor right;
    if (o.registers)
        ptx_left_halves(w, o.left, type, x);
    else if (!read_left(w, p, type, x))
        return ptx_fault(w, i, "a left operand of a kind that is not known");
    if (!read_descriptor(p->b, &right))
        return ptx_fault(w, i, "a right operand of a kind that is not known");
    for (unsigned n = 0; n < o.results / 4; n++) {
        const ptx_operand *d = i->operands + 4 * n;
        if (!read_right(w, p, &right, transposed, 8 * n, type, y))
            return PTX_FAULT;
        ptx_multiply(w, d, adds ? d : NULL, x, y, PTX_DEPTH);
    }
    return PTX_DONE;
}

static ptx_result begin_product(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)lanes;
    if (!is_known_product(w, i))
        return ptx_fault(w, i, "operands of a kind that is not known");
    const product_operands o = operands_of(i);
    if (!w->products_fenced)
        return ptx_fault(w, i, "no wgmma.fence since the last wait for products");
    w->products = ptx_grow(w->products, w->product_count, &w->product_room, sizeof *w->products);
    w->products[w->product_count++] = (ptx_product){i, o.registers ? 0 : ptx_64(w, o.left)[0],
                                                    ptx_64(w, o.right)[0], w->product_group};
    return PTX_DONE;
}

/* Before it products do not see what the warp has in registers. */
static ptx_result fence_products(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)i;
    (void)lanes;
    w->products_fenced = true;
    return PTX_DONE;
}

/* Turns. */
enum { LONG_WAIT = 16 };

/* Does a warp's products of groups before `end`. */
static ptx_result finish_products(ptx_warp *w, uint32_t end) {
    size_t done = 0;
    for (; done < w->product_count && w->products[done].group < end; done++)
        if (multiply(w, &w->products[done]) != PTX_DONE)
            return PTX_FAULT;
    memmove(w->products, w->products + done, (w->product_count - done) * sizeof *w->products);
    w->product_count -= done;
    return PTX_DONE;
}

/* Sometimes a warp's products are done at once: they may find that an operand is not there yet. */
static ptx_result commit_products(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)i;
    (void)lanes;
    w->product_group++;
    return ptx_random_below(w->group, 2) ? finish_products(w, w->product_group) : PTX_DONE;
}

static bool has_products(const ptx_warp *w, uint32_t end) {
    return w->product_count > 0 && w->products[0].group < end;
}

/* Does all groups but the last so many: a warpgroup's warps together, when all wait, or one has for long. */
static ptx_result wait_products(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    const uint32_t but = (uint32_t)i->operands[0].offset;
    const uint32_t end = w->product_group > but ? w->product_group - but : 0;
    ptx_warp *first = w->group->warps + w->number / 4 * 4;
    (void)lanes;
    if (w->number / 4 * 4 + 4 > w->group->warp_count)
        return ptx_fault(w, i, "the warpgroup has less than four warps");
    w->product_waits++;
    for (unsigned n = 0; n < 4; n++)
        if (first[n].product_group < end ||
            (has_products(w, end) && first[n].product_waits == 0 && w->product_waits < LONG_WAIT))
            return PTX_WAITS;
    for (unsigned n = 0; n < 4; n++)
        if (finish_products(&first[n], end) != PTX_DONE)
            return PTX_FAULT;
    w->product_waits = 0;
    w->products_fenced = false; /* what was waited for is used */
    return PTX_DONE;
}

#define WARP(name, widths, run, detail) \
    { name, widths, run, PTX_WARP, detail }
#define MMA(types, detail) WARP("wgmma.mma_async.sync.aligned." types, "x", begin_product, detail)

const ptx_operation ptx_warpgroups[] = {
    MMA("m64n128k16.f32.bf16.bf16", 64),
    MMA("m64n128k16.f32.f16.f16", 64 | OF_F16),
    MMA("m64n64k16.f32.bf16.bf16", 32),
    MMA("m64n64k16.f32.f16.f16", 32 | OF_F16),
    WARP("wgmma.fence.sync.aligned", "", fence_products, 0),
    WARP("wgmma.commit_group.sync.aligned", "", commit_products, 0),
    WARP("wgmma.wait_group.sync.aligned", "n", wait_products, 0),
    {0},
};
