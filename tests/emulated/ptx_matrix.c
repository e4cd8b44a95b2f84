/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Operations of a whole warp on matrices that lie across its registers, or in local memory. Lane l has, of 8 x 8
 * elements of a left operand or of a result, row l / 4 and columns 2 (l % 4) and the next; of a right operand the
 * same of its transpose. Products are exact, and a sum of them is rounded towards 0, as the matrix units do.
 */
#include "emulated/ptx_core.h"

#include <math.h>
#include <string.h>

/* ---- numbers -------------------------------------------------------------------------------- */

static float of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t to_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

float ptx_of_bf16(uint16_t bits) {
    return of_bits((uint32_t)bits << 16);
}

/* To the nearest, ties to even. */
uint16_t ptx_to_bf16(float x) {
    const uint32_t bits = to_bits(x);
    return x != x ? 0x7fff : (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float ptx_of_f16(uint16_t bits) {
    const int exponent = bits >> 10 & 31;
    const int fraction = bits & 1023;
    const float x = exponent == 0    ? ldexpf((float)fraction, -24)
                    : exponent == 31 ? (fraction ? NAN : INFINITY)
                                     : ldexpf((float)(fraction + 1024), exponent - 25);
    return bits >> 15 ? -x : x;
}

uint16_t ptx_to_f16(float x) {
    const uint16_t sign = (uint16_t)(to_bits(x) >> 16 & 0x8000);
    int exponent;
    if (x != x)
        return 0x7fff;
    x = fabsf(x);
    if (x >= 65520.0f)
        return sign | 0x7c00;
    if (x == 0.0f)
        return sign;
    frexpf(x, &exponent);
    const int unit = (exponent < -13 ? -13 : exponent) - 11; /* the last bit is worth 2^unit */
    const int fraction = (int)nearbyintf(ldexpf(x, -unit));
    return (uint16_t)(sign + (exponent < -13 ? fraction : ((unit + 24) << 10) + fraction));
}

static float towards_0(double x) {
    const float f = (float)x;
    return isfinite(f) && fabs((double)f) > fabs(x) ? of_bits(to_bits(f) - 1) : f;
}

typedef enum element { BF16, F16, TF32 } element;

static float of_half(element type, uint32_t word, unsigned half) {
    const uint16_t bits = (uint16_t)(word >> 16 * half);
    return type == BF16 ? ptx_of_bf16(bits) : ptx_of_f16(bits);
}

/* ---- products of registers ------------------------------------------------------------------ */

enum { ROWS = 16, DEPTH = 16 };

/* Rows of a left operand of 16 bits: registers are its rows 0 .. 7 and 8 .. 15, then the same of columns 8 .. 15. */
static void left_halves(const ptx_warp *w, const ptx_operand *a, element type,
                        float x[ROWS][DEPTH]) {
    for (unsigned n = 0; n < 4; n++)
        for (unsigned l = 0; l < WARP_LANES; l++)
            for (unsigned half = 0; half < 2; half++)
                x[n % 2 * 8 + l / 4][n / 2 * 8 + l % 4 * 2 + half] =
                    of_half(type, ptx_32(w, &a[n])[l], half);
}

static void left_tf32(const ptx_warp *w, const ptx_operand *a, float x[ROWS][DEPTH]) {
    for (unsigned n = 0; n < 4; n++)
        for (unsigned l = 0; l < WARP_LANES; l++)
            x[n % 2 * 8 + l / 4][n / 2 * 4 + l % 4] = of_bits(ptx_32(w, &a[n])[l] & 0xffffe000);
}

static void right_halves(const ptx_warp *w, const ptx_operand *b, element type, float y[DEPTH][8]) {
    for (unsigned n = 0; n < 2; n++)
        for (unsigned l = 0; l < WARP_LANES; l++)
            for (unsigned half = 0; half < 2; half++)
                y[n * 8 + l % 4 * 2 + half][l / 4] = of_half(type, ptx_32(w, &b[n])[l], half);
}

static void right_tf32(const ptx_warp *w, const ptx_operand *b, float y[DEPTH][8]) {
    for (unsigned n = 0; n < 2; n++)
        for (unsigned l = 0; l < WARP_LANES; l++)
            y[n * 4 + l % 4][l / 4] = of_bits(ptx_32(w, &b[n])[l] & 0xffffe000);
}

/* d = x y + c, 16 by 8: four registers each. */
static void multiply_tile(const ptx_warp *w, const ptx_operand *d, const ptx_operand *c,
                          float x[ROWS][DEPTH], float y[DEPTH][8], unsigned depth) {
    for (unsigned row = 0; row < ROWS; row++) {
        double sum[8] = {0};
        for (unsigned k = 0; k < depth; k++)
            for (unsigned n = 0; n < 8; n++)
                sum[n] += (double)x[row][k] * y[k][n];
        for (unsigned n = 0; n < 8; n++) {
            const unsigned lane = row % 8 * 4 + n / 2, which = row / 8 * 2 + n % 2;
            const double before = c ? (double)ptx_f32(w, &c[which])[lane] : 0.0;
            ptx_f32(w, &d[which])[lane] = towards_0(sum[n] + before);
        }
    }
}

static ptx_result multiply_registers(ptx_warp *w, const ptx_instruction *i, element type) {
    float x[ROWS][DEPTH], y[DEPTH][8];
    if (type == TF32) {
        left_tf32(w, i->operands + 4, x);
        right_tf32(w, i->operands + 8, y);
    } else {
        left_halves(w, i->operands + 4, type, x);
        right_halves(w, i->operands + 8, type, y);
    }
    multiply_tile(w, i->operands, i->operands + 10, x, y, type == TF32 ? 8 : 16);
    return PTX_DONE;
}

static ptx_result mma_bf16(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)lanes;
    return multiply_registers(w, i, BF16);
}

static ptx_result mma_f16(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)lanes;
    return multiply_registers(w, i, F16);
}

static ptx_result mma_tf32(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)lanes;
    return multiply_registers(w, i, TF32);
}

/* ---- ldmatrix: four matrices of 8 x 8 ------------------------------------------------------- */

static ptx_result load_matrices(ptx_warp *w, const ptx_instruction *i, bool transposed) {
    uint16_t x[4][8][8];
    for (unsigned l = 0; l < WARP_LANES; l++) {
        const unsigned char *row = ptx_local_read(w, i, ptx_address(w, &i->operands[4], l),
                                                  sizeof x[0][0], 16, PTX_WRITTEN);
        if (!row)
            return PTX_FAULT;
        memcpy(x[l / 8][l % 8], row, sizeof x[0][0]);
    }
    for (unsigned n = 0; n < 4; n++)
        for (unsigned l = 0; l < WARP_LANES; l++) {
            const unsigned at = l / 4, pair = l % 4 * 2;
            const uint16_t low = transposed ? x[n][pair][at] : x[n][at][pair];
            const uint16_t high = transposed ? x[n][pair + 1][at] : x[n][at][pair + 1];
            ptx_32(w, &i->operands[n])[l] = (uint32_t)high << 16 | low;
        }
    return PTX_DONE;
}

static ptx_result load_rows(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)lanes;
    return load_matrices(w, i, false);
}

static ptx_result load_columns(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)lanes;
    return load_matrices(w, i, true);
}

/* ---- wgmma: each of a warpgroup's warps makes 16 of the 64 rows ----------------------------- */

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

static bool read_element(ptx_warp *w, const ptx_instruction *i, uint32_t place, element type,
                         float *x) {
    const unsigned char *at = ptx_local_read(w, i, place ^ (place >> 3 & 0x70), 2, 2, PTX_SHOWN);
    uint16_t bits;
    if (!at)
        return false;
    memcpy(&bits, at, 2);
    *x = type == BF16 ? ptx_of_bf16(bits) : ptx_of_f16(bits);
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

static bool read_left(ptx_warp *w, const ptx_product *p, element type, float x[ROWS][DEPTH]) {
    descriptor d;
    if (!read_descriptor(p->a, &d))
        return false;
    for (unsigned row = 0; row < ROWS; row++)
        for (unsigned k = 0; k < DEPTH; k++)
            if (!read_element(w, p->instruction, along_depth(&d, w->number % 4 * ROWS + row, k),
                              type, &x[row][k]))
                return false;
    return true;
}

static bool read_right(ptx_warp *w, const ptx_product *p, const descriptor *d, bool transposed,
                       unsigned first, element type, float y[DEPTH][8]) {
    for (unsigned k = 0; k < DEPTH; k++)
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
    product_operands o = {.results = strstr(i->operation->name, "n128") ? 64 : 32};
    o.registers = i->operands[o.results].bytes == 4;
    o.left = i->operands + o.results;
    o.right = o.left + (o.registers ? 4 : 1);
    o.rest = o.right + 1;
    return o;
}

/* Neither operand negated, and the left one not transposed. */
static bool is_known_product(const ptx_warp *w, const ptx_instruction *i) {
    const unsigned results = strstr(i->operation->name, "n128") ? 64 : 32;
    if (i->count != results + 7 && i->count != results + 9)
        return false;
    const product_operands o = operands_of(i);
    return i->count == results + (o.registers ? 9 : 7) && ptx_32(w, &o.rest[1])[0] == 1 &&
           ptx_32(w, &o.rest[2])[0] == 1 && (o.registers || ptx_32(w, &o.rest[3])[0] == 0);
}

/* Does what an instruction began. */
static ptx_result multiply(ptx_warp *w, const ptx_product *p) {
    const ptx_instruction *i = p->instruction;
    const element type = strstr(i->operation->name, ".bf16") ? BF16 : F16;
    const product_operands o = operands_of(i);
    const bool transposed = ptx_32(w, &i->operands[i->count - 1])[0];
    const bool adds = ptx_32(w, o.rest)[0];
    float x[ROWS][DEPTH], y[DEPTH][8];
    descriptor right;
    if (o.registers)
        left_halves(w, o.left, type, x);
    else if (!read_left(w, p, type, x))
        return ptx_fault(w, i, "a left operand of a kind that is not known");
    if (!read_descriptor(p->b, &right))
        return ptx_fault(w, i, "a right operand of a kind that is not known");
    for (unsigned n = 0; n < o.results / 4; n++) {
        const ptx_operand *d = i->operands + 4 * n;
        if (!read_right(w, p, &right, transposed, 8 * n, type, y))
            return PTX_FAULT;
        multiply_tile(w, d, adds ? d : NULL, x, y, DEPTH);
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

/* ---- exchanges ------------------------------------------------------------------------------ */

/* Only operations of all lanes are known. */
static ptx_result check_mask(ptx_warp *w, const ptx_instruction *i, const ptx_operand *mask) {
    return ptx_32(w, mask)[0] == ALL_LANES
               ? PTX_DONE
               : ptx_fault(w, i, "of lanes %08x alone", ptx_32(w, mask)[0]);
}

static ptx_result shuffle(ptx_warp *w, const ptx_instruction *i, bool exclusive_or) {
    uint32_t from[WARP_LANES];
    if (ptx_32(w, &i->operands[3])[0] != WARP_LANES - 1)
        return ptx_fault(w, i, "among parts of a warp");
    memcpy(from, ptx_32(w, &i->operands[1]), sizeof from);
    for (unsigned l = 0; l < WARP_LANES; l++) {
        const uint32_t which = ptx_32(w, &i->operands[2])[l];
        ptx_32(w, &i->operands[0])[l] = from[(exclusive_or ? l ^ which : which) % WARP_LANES];
    }
    return check_mask(w, i, &i->operands[4]);
}

static ptx_result shuffle_xor(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)lanes;
    return shuffle(w, i, true);
}

static ptx_result shuffle_from(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    (void)lanes;
    return shuffle(w, i, false);
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

#define WARP(name, widths, run) \
    { name, widths, run, PTX_WARP }

const ptx_operation ptx_matrices[] = {
    WARP("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", "44444444444444", mma_bf16),
    WARP("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", "44444444444444", mma_f16),
    WARP("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", "44444444444444", mma_tf32),
    WARP("ldmatrix.sync.aligned.m8n8.x4.shared.b16", "4444a", load_rows),
    WARP("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16", "4444a", load_columns),
    WARP("wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16", "x", begin_product),
    WARP("wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16", "x", begin_product),
    WARP("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16", "x", begin_product),
    WARP("wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16", "x", begin_product),
    WARP("wgmma.fence.sync.aligned", "", fence_products),
    WARP("wgmma.commit_group.sync.aligned", "", commit_products),
    WARP("wgmma.wait_group.sync.aligned", "n", wait_products),
    WARP("shfl.sync.bfly.b32", "44444", shuffle_xor),
    WARP("shfl.sync.idx.b32", "44444", shuffle_from),
    WARP("vote.sync.ballot.b32", "4p4", ballot),
    WARP("bar.warp.sync", "4", sync_warp),
    {0},
};
