/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Operations of a lane on its own registers. */
#include "emulated/ptx_core.h"
#include "src/half.h"

#include <math.h>

#define TYPE_16 uint16_t
#define TYPE_32 uint32_t
#define TYPE_64 uint64_t
#define TYPE_s16 int16_t
#define TYPE_s32 int32_t
#define TYPE_s64 int64_t
#define TYPE_f32 float

/* One loop that the compiler can make vectors of, and one with a mask. */
#define FOR_LANES(statement)                            \
    do {                                                \
        if (lanes == ALL_LANES)                         \
            for (unsigned l = 0; l < WARP_LANES; l++) { \
                statement;                              \
            }                                           \
        else                                            \
            for (unsigned l = 0; l < WARP_LANES; l++)   \
                if (ptx_has(lanes, l)) {                \
                    statement;                          \
                }                                       \
    } while (0)

#define REGISTER(type, name, n) type *name = (type *)(void *)(w->registers + i->operands[n].slot)

/* Functions of one, two and three operands: the first type is the result's. */
#define UNARY(name, to, from, result)                                               \
    static ptx_result name(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) { \
        REGISTER(TYPE_##to, d, 0);                                                  \
        REGISTER(const TYPE_##from, a, 1);                                          \
        FOR_LANES(const TYPE_##from x = a[l]; d[l] = (TYPE_##to)(result));          \
        return PTX_DONE;                                                            \
    }
#define BINARY(name, to, first, second, result)                                     \
    static ptx_result name(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) { \
        REGISTER(TYPE_##to, d, 0);                                                  \
        REGISTER(const TYPE_##first, a, 1);                                         \
        REGISTER(const TYPE_##second, b, 2);                                        \
        FOR_LANES(const TYPE_##first x = a[l]; const TYPE_##second y = b[l];        \
                  d[l] = (TYPE_##to)(result));                                      \
        return PTX_DONE;                                                            \
    }
#define TERNARY(name, to, from, third, result)                                      \
    static ptx_result name(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) { \
        REGISTER(TYPE_##to, d, 0);                                                  \
        REGISTER(const TYPE_##from, a, 1);                                          \
        REGISTER(const TYPE_##from, b, 2);                                          \
        REGISTER(const TYPE_##third, c, 3);                                         \
        FOR_LANES(const TYPE_##from x = a[l]; const TYPE_##from y = b[l];           \
                  const TYPE_##third z = c[l]; d[l] = (TYPE_##to)(result));         \
        return PTX_DONE;                                                            \
    }
#define COMPARE(name, type, result)                                                 \
    static ptx_result name(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) { \
        REGISTER(const TYPE_##type, a, 1);                                          \
        REGISTER(const TYPE_##type, b, 2);                                          \
        uint32_t bits = 0;                                                          \
        for (unsigned l = 0; l < WARP_LANES; l++) {                                 \
            const TYPE_##type x = a[l], y = b[l];                                   \
            bits |= (uint32_t)(result) << l;                                        \
        }                                                                           \
        uint32_t *d = ptx_32(w, &i->operands[0]);                                   \
        *d = (*d & ~lanes) | (bits & lanes);                                        \
        return PTX_DONE;                                                            \
    }
#define SELECT(name, type)                                                          \
    static ptx_result name(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) { \
        REGISTER(TYPE_##type, d, 0);                                                \
        REGISTER(const TYPE_##type, a, 1);                                          \
        REGISTER(const TYPE_##type, b, 2);                                          \
        const uint32_t bits = ptx_predicate(w, &i->operands[3]);                    \
        FOR_LANES(d[l] = bits >> l & 1 ? a[l] : b[l]);                              \
        return PTX_DONE;                                                            \
    }
#define PREDICATE(name, result)                                                     \
    static ptx_result name(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) { \
        const uint32_t x = ptx_predicate(w, &i->operands[1]);                       \
        const uint32_t y = i->count > 2 ? ptx_predicate(w, &i->operands[2]) : 0;    \
        uint32_t *d = ptx_32(w, &i->operands[0]);                                   \
        (void)y;                                                                    \
        *d = (*d & ~lanes) | ((result)&lanes);                                      \
        return PTX_DONE;                                                            \
    }

/* ---- integers ------------------------------------------------------------------------------- */

UNARY(mov_16, 16, 16, x)
UNARY(mov_32, 32, 32, x)
UNARY(mov_64, 64, 64, x)
UNARY(not_32, 32, 32, ~x)
UNARY(not_64, 64, 64, ~x)
UNARY(neg_s32, 32, 32, 0u - x)
UNARY(popc_32, 32, 32, __builtin_popcount(x))
UNARY(popc_64, 32, 64, __builtin_popcountll(x))
UNARY(cvt_64_32, 64, 32, x)
UNARY(cvt_32_64, 32, 64, x)
UNARY(cvt_16_32, 16, 32, x)
UNARY(cvt_32_16, 32, 16, x)

BINARY(add_16, 16, 16, 16, x + y)
BINARY(add_32, 32, 32, 32, x + y)
BINARY(add_64, 64, 64, 64, x + y)
BINARY(sub_32, 32, 32, 32, x - y)
BINARY(sub_64, 64, 64, 64, x - y)
BINARY(mul_32, 32, 32, 32, x *y)
BINARY(mul_64, 64, 64, 64, x *y)
BINARY(mul_hi_32, 32, 32, 32, (uint64_t)x *y >> 32)
BINARY(mul_wide_16, 32, 16, 16, (uint32_t)x *y)
BINARY(mul_wide_32, 64, 32, 32, (uint64_t)x *y)
BINARY(div_32, 32, 32, 32, y ? x / y : ~0u)
BINARY(div_64, 64, 64, 64, y ? x / y : ~(uint64_t)0)
BINARY(rem_32, 32, 32, 32, y ? x % y : x)
BINARY(and_16, 16, 16, 16, x &y)
BINARY(and_32, 32, 32, 32, x &y)
BINARY(and_64, 64, 64, 64, x &y)
BINARY(or_32, 32, 32, 32, x | y)
BINARY(or_64, 64, 64, 64, x | y)
BINARY(xor_32, 32, 32, 32, x ^ y)
BINARY(shl_32, 32, 32, 32, y < 32 ? x << y : 0)
BINARY(shl_64, 64, 64, 32, y < 64 ? x << y : 0)
BINARY(shr_32, 32, 32, 32, y < 32 ? x >> y : 0)
BINARY(shr_64, 64, 64, 32, y < 64 ? x >> y : 0)
BINARY(min_32, 32, 32, 32, x < y ? x : y)
BINARY(min_64, 64, 64, 64, x < y ? x : y)
BINARY(max_32, 32, 32, 32, x > y ? x : y)
BINARY(max_64, 64, 64, 64, x > y ? x : y)
BINARY(max_s32, s32, s32, s32, x > y ? x : y)
BINARY(max_s64, s64, s64, s64, x > y ? x : y)

TERNARY(mad_32, 32, 32, 32, x *y + z)
TERNARY(mad_64, 64, 64, 64, x *y + z)

/* z bits from y on. */
TERNARY(bfe_32, 32, 32, 32, y > 31 ? 0 : x >> y & (z > 31 ? ALL_LANES : ((uint32_t)1 << z) - 1))

/* ---- floats: the approximations are more exact than a device's ------------------------------ */

static float flush(float x) {
    return fabsf(x) < 0x1p-126f ? copysignf(0.0f, x) : x;
}

static float maximum(float x, float y) {
    return x != x ? y : y != y ? x : x > y || (x == y && !signbit(x)) ? x : y;
}

static int32_t to_s32(float x) {
    return x != x ? 0 : x <= -0x1p31f ? INT32_MIN : x >= 0x1p31f ? INT32_MAX : (int32_t)x;
}

BINARY(add_f32, f32, f32, f32, x + y)
BINARY(sub_f32, f32, f32, f32, x - y)
BINARY(mul_f32, f32, f32, f32, x *y)
BINARY(div_f32, f32, f32, f32, x / y)
BINARY(max_f32, f32, f32, f32, maximum(x, y))
BINARY(copysign_f32, f32, f32, f32, copysignf(y, x))
TERNARY(fma_f32, f32, f32, f32, fmaf(x, y, z))
UNARY(neg_f32, f32, f32, -x)
UNARY(abs_f32, f32, f32, fabsf(x))
UNARY(rcp_f32, f32, f32, 1.0f / x)
UNARY(rcp_flushed, f32, f32, flush(1.0f / flush(x)))
UNARY(ex2_flushed, f32, f32, flush(exp2f(flush(x))))
UNARY(round_f32, f32, f32, nearbyintf(x))
UNARY(cvt_f32_s32, f32, s32, x)
UNARY(cvt_f32_u32, f32, 32, x)
UNARY(cvt_s32_f32, s32, f32, to_s32(x))
UNARY(cvt_f32_f16, f32, 16, spd_float_from_f16(x))
UNARY(cvt_f16_f32, 16, f32, spd_f16_from_float(x))
BINARY(cvt_f16x2_f32, 32, f32, f32, (uint32_t)spd_f16_from_float(x) << 16 | spd_f16_from_float(y))
BINARY(cvt_bf16x2_f32, 32, f32, f32,
       (uint32_t)spd_bf16_from_float(x) << 16 | spd_bf16_from_float(y))

/* ---- comparisons and predicates ------------------------------------------------------------- */

COMPARE(eq_16, 16, x == y)
COMPARE(ne_16, 16, x != y)
COMPARE(eq_32, 32, x == y)
COMPARE(ne_32, 32, x != y)
COMPARE(lt_32, 32, x < y)
COMPARE(le_32, 32, x <= y)
COMPARE(gt_32, 32, x > y)
COMPARE(ge_32, 32, x >= y)
COMPARE(lt_s32, s32, x < y)
COMPARE(ge_s32, s32, x >= y)
COMPARE(eq_64, 64, x == y)
COMPARE(ne_64, 64, x != y)
COMPARE(lt_64, 64, x < y)
COMPARE(le_64, 64, x <= y)
COMPARE(gt_64, 64, x > y)
COMPARE(ge_64, 64, x >= y)
COMPARE(eq_f32, f32, x == y)
COMPARE(neu_f32, f32, !(x == y))
COMPARE(lt_f32, f32, x < y)
COMPARE(gt_f32, f32, x > y)
COMPARE(leu_f32, f32, !(x > y))
COMPARE(num_f32, f32, x == x && y == y)
COMPARE(nan_f32, f32, x != x || y != y)

SELECT(select_16, 16)
SELECT(select_32, 32)
SELECT(select_64, 64)

PREDICATE(mov_predicate, x)
PREDICATE(not_predicate, ~x)
PREDICATE(and_predicate, x &y)
PREDICATE(or_predicate, x | y)

/* {low, high} of a register. */
static ptx_result unpack_64(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    REGISTER(uint32_t, low, 0);
    REGISTER(uint32_t, high, 1);
    REGISTER(const uint64_t, a, 2);
    FOR_LANES(const uint64_t x = a[l]; low[l] = (uint32_t)x; high[l] = (uint32_t)(x >> 32));
    return PTX_DONE;
}

#define EACH(name, widths, run) \
    { name, widths, run, PTX_EACH, 0 }

const ptx_operation ptx_arithmetic[] = {
    EACH("mov.b16", "22", mov_16),
    EACH("mov.b32", "44", mov_32),
    EACH("mov.u32", "44", mov_32),
    EACH("mov.b64", "88", mov_64),
    EACH("mov.b64 {}", "448", unpack_64),
    EACH("mov.pred", "pp", mov_predicate),
    EACH("not.b32", "44", not_32),
    EACH("not.b64", "88", not_64),
    EACH("neg.s32", "44", neg_s32),
    EACH("popc.b32", "44", popc_32),
    EACH("popc.b64", "48", popc_64),
    EACH("cvt.u64.u32", "84", cvt_64_32),
    EACH("cvt.u32.u64", "48", cvt_32_64),
    EACH("cvt.u16.u32", "24", cvt_16_32),
    EACH("cvt.u32.u16", "42", cvt_32_16),
    EACH("add.s16", "222", add_16),
    EACH("add.s32", "444", add_32),
    EACH("add.s64", "888", add_64),
    EACH("sub.s32", "444", sub_32),
    EACH("sub.s64", "888", sub_64),
    EACH("mul.lo.s32", "444", mul_32),
    EACH("mul.lo.s64", "888", mul_64),
    EACH("mul.hi.u32", "444", mul_hi_32),
    EACH("mul.wide.u16", "422", mul_wide_16),
    EACH("mul.wide.u32", "844", mul_wide_32),
    EACH("mad.lo.s32", "4444", mad_32),
    EACH("mad.lo.s64", "8888", mad_64),
    EACH("div.u32", "444", div_32),
    EACH("div.u64", "888", div_64),
    EACH("rem.u32", "444", rem_32),
    EACH("and.b16", "222", and_16),
    EACH("and.b32", "444", and_32),
    EACH("and.b64", "888", and_64),
    EACH("or.b32", "444", or_32),
    EACH("or.b64", "888", or_64),
    EACH("xor.b32", "444", xor_32),
    EACH("shl.b32", "444", shl_32),
    EACH("shl.b64", "884", shl_64),
    EACH("shr.u32", "444", shr_32),
    EACH("shr.u64", "884", shr_64),
    EACH("bfe.u32", "4444", bfe_32),
    EACH("min.u32", "444", min_32),
    EACH("min.u64", "888", min_64),
    EACH("max.u32", "444", max_32),
    EACH("max.u64", "888", max_64),
    EACH("max.s32", "444", max_s32),
    EACH("max.s64", "888", max_s64),
    EACH("add.rn.f32", "444", add_f32),
    EACH("sub.rn.f32", "444", sub_f32),
    EACH("mul.rn.f32", "444", mul_f32),
    EACH("div.rn.f32", "444", div_f32),
    EACH("fma.rn.f32", "4444", fma_f32),
    EACH("max.f32", "444", max_f32),
    EACH("copysign.f32", "444", copysign_f32),
    EACH("neg.f32", "44", neg_f32),
    EACH("abs.f32", "44", abs_f32),
    EACH("rcp.rn.f32", "44", rcp_f32),
    EACH("rcp.approx.ftz.f32", "44", rcp_flushed),
    EACH("ex2.approx.ftz.f32", "44", ex2_flushed),
    EACH("cvt.rni.f32.f32", "44", round_f32),
    EACH("cvt.rn.f32.s32", "44", cvt_f32_s32),
    EACH("cvt.rn.f32.u32", "44", cvt_f32_u32),
    EACH("cvt.rzi.s32.f32", "44", cvt_s32_f32),
    EACH("cvt.f32.f16", "42", cvt_f32_f16),
    EACH("cvt.rn.f16.f32", "24", cvt_f16_f32),
    EACH("cvt.rn.f16x2.f32", "444", cvt_f16x2_f32),
    EACH("cvt.rn.bf16x2.f32", "444", cvt_bf16x2_f32),
    EACH("setp.eq.b16", "p22", eq_16),
    EACH("setp.ne.b16", "p22", ne_16),
    EACH("setp.eq.b32", "p44", eq_32),
    EACH("setp.ne.b32", "p44", ne_32),
    EACH("setp.lt.u32", "p44", lt_32),
    EACH("setp.le.u32", "p44", le_32),
    EACH("setp.gt.u32", "p44", gt_32),
    EACH("setp.ge.u32", "p44", ge_32),
    EACH("setp.lt.s32", "p44", lt_s32),
    EACH("setp.ge.s32", "p44", ge_s32),
    EACH("setp.eq.b64", "p88", eq_64),
    EACH("setp.ne.b64", "p88", ne_64),
    EACH("setp.lt.u64", "p88", lt_64),
    EACH("setp.le.u64", "p88", le_64),
    EACH("setp.gt.u64", "p88", gt_64),
    EACH("setp.ge.u64", "p88", ge_64),
    EACH("setp.eq.f32", "p44", eq_f32),
    EACH("setp.neu.f32", "p44", neu_f32),
    EACH("setp.lt.f32", "p44", lt_f32),
    EACH("setp.gt.f32", "p44", gt_f32),
    EACH("setp.leu.f32", "p44", leu_f32),
    EACH("setp.num.f32", "p44", num_f32),
    EACH("setp.nan.f32", "p44", nan_f32),
    EACH("selp.b16", "222p", select_16),
    EACH("selp.b32", "444p", select_32),
    EACH("selp.u32", "444p", select_32),
    EACH("selp.f32", "444p", select_32),
    EACH("selp.b64", "888p", select_64),
    EACH("not.pred", "pp", not_predicate),
    EACH("and.pred", "ppp", and_predicate),
    EACH("or.pred", "ppp", or_predicate),
    {0},
};
