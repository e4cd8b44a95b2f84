/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Memory of all kinds, and the operations of lanes on it. */
#include "emulated/ptx_core.h"

#include <inttypes.h>
#include <string.h>

/* ---- values and addresses ------------------------------------------------------------------- */

uint64_t ptx_value(const ptx_warp *warp, const ptx_operand *operand, unsigned lane) {
    switch (operand->bytes) {
    case 2:
        return ptx_16(warp, operand)[lane];
    case 4:
        return ptx_32(warp, operand)[lane];
    default:
        return ptx_64(warp, operand)[lane];
    }
}

static void set_value(const ptx_warp *w, const ptx_operand *operand, unsigned lane,
                      uint64_t value) {
    switch (operand->bytes) {
    case 2:
        ptx_16(w, operand)[lane] = (uint16_t)value;
        break;
    case 4:
        ptx_32(w, operand)[lane] = (uint32_t)value;
        break;
    default:
        ptx_64(w, operand)[lane] = value;
    }
}

uint64_t ptx_address(const ptx_warp *warp, const ptx_operand *operand, unsigned lane) {
    return ptx_value(warp, operand, lane) + (uint64_t)operand->offset;
}

/* ---- what may be touched -------------------------------------------------------------------- */

static bool holds(const ptx_range *range, uint64_t address, size_t bytes) {
    const uint64_t first = (uint64_t)(uintptr_t)range->first;
    return address >= first && bytes <= range->bytes && address - first <= range->bytes - bytes;
}

unsigned char *ptx_global(ptx_warp *warp, const ptx_instruction *at, uint64_t address, size_t bytes,
                          size_t alignment) {
    ptx_group *g = warp->group;
    for (size_t i = 0; i < g->launch->ranges && !holds(&g->last_range, address, bytes); i++)
        if (holds(&g->launch->memory[i], address, bytes))
            g->last_range = g->launch->memory[i];
    if (!holds(&g->last_range, address, bytes)) {
        ptx_fault(warp, at, "%zu bytes at 0x%" PRIx64 " are in no buffer", bytes, address);
        return NULL;
    }
    if (address % alignment) {
        ptx_fault(warp, at, "%zu bytes at 0x%" PRIx64 ", not a multiple of %zu", bytes, address,
                  alignment);
        return NULL;
    }
    return (unsigned char *)(uintptr_t)address;
}

unsigned char *ptx_local(ptx_warp *warp, const ptx_instruction *at, uint64_t address, size_t bytes,
                         size_t alignment) {
    const uint32_t size = warp->group->kernel->local_bytes;
    if (bytes > size || address > size - bytes || address % alignment) {
        ptx_fault(warp, at, "%zu bytes at %" PRIu64 " of %u bytes of local memory", bytes, address,
                  size);
        return NULL;
    }
    return warp->group->local + address;
}

const unsigned char *ptx_local_read(ptx_warp *warp, const ptx_instruction *at, uint64_t address,
                                    size_t bytes, size_t alignment, ptx_written least) {
    const unsigned char *from = ptx_local(warp, at, address, bytes, alignment);
    for (size_t n = 0; from && n < bytes; n++) {
        const ptx_written is = warp->group->written[address + n];
        if (is >= least)
            continue;
        ptx_fault(warp, at, "%zu bytes at %" PRIu64 " of local memory, which %s", bytes, address,
                  is == PTX_NOT_WRITTEN ? "nobody has written" : "no fence has shown to wgmma");
        return NULL;
    }
    return from;
}

unsigned char *ptx_local_write(ptx_warp *warp, const ptx_instruction *at, uint64_t address,
                               size_t bytes, size_t alignment, ptx_written what) {
    unsigned char *to = ptx_local(warp, at, address, bytes, alignment);
    if (to)
        memset(warp->group->written + address, (int)what, bytes);
    return to;
}

static const unsigned char *of_block(ptx_warp *w, const ptx_instruction *at,
                                     const unsigned char *block, size_t block_bytes,
                                     uint64_t address, size_t bytes) {
    if (bytes <= block_bytes && address <= block_bytes - bytes && address % bytes == 0)
        return block + address;
    ptx_fault(w, at, "%zu bytes at %" PRIu64 " of %zu", bytes, address, block_bytes);
    return NULL;
}

/* ---- loads and stores ----------------------------------------------------------------------- */

typedef enum space { GLOBAL, LOCAL, CONSTANT, PARAMETER } space;

static const unsigned char *readable(ptx_warp *w, const ptx_instruction *i, space from,
                                     uint64_t address, size_t bytes) {
    const ptx_kernel *k = w->group->kernel;
    switch (from) {
    case GLOBAL:
        return ptx_global(w, i, address, bytes, bytes);
    case LOCAL:
        return ptx_local(w, i, address, bytes, bytes); /* copies of structs have gaps */
    case CONSTANT:
        return of_block(w, i, k->constant_memory, k->constant_bytes, address, bytes);
    default:
        return of_block(w, i, w->group->launch->parameters, k->parameter_bytes, address, bytes);
    }
}

/* All operands but the last are registers; detail: bytes of each. */
static ptx_result load(ptx_warp *w, const ptx_instruction *i, uint32_t lanes, space from) {
    const unsigned count = i->count - 1, bytes = i->operation->detail;
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        if (!ptx_has(lanes, lane))
            continue;
        const uint64_t address = ptx_address(w, &i->operands[count], lane);
        const unsigned char *at = readable(w, i, from, address, bytes * count);
        if (!at)
            return PTX_FAULT;
        for (unsigned n = 0; n < count; n++) {
            uint64_t value = 0;
            memcpy(&value, at + n * bytes, bytes);
            set_value(w, &i->operands[n], lane, value);
        }
    }
    return PTX_DONE;
}

/* All operands but the first are registers; detail: bytes of each. */
static ptx_result store(ptx_warp *w, const ptx_instruction *i, uint32_t lanes, space to) {
    const unsigned count = i->count - 1, bytes = i->operation->detail;
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        if (!ptx_has(lanes, lane))
            continue;
        const uint64_t address = ptx_address(w, &i->operands[0], lane);
        const size_t all = bytes * count;
        unsigned char *at = to == GLOBAL ? ptx_global(w, i, address, all, all)
                                         : ptx_local_write(w, i, address, all, all, PTX_WRITTEN);
        if (!at)
            return PTX_FAULT;
        for (unsigned n = 0; n < count; n++) {
            const uint64_t value = ptx_value(w, &i->operands[n + 1], lane);
            memcpy(at + n * bytes, &value, bytes);
        }
    }
    return PTX_DONE;
}

static ptx_result load_global(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    return load(w, i, lanes, GLOBAL);
}

static ptx_result load_local(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    return load(w, i, lanes, LOCAL);
}

static ptx_result load_constant(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    return load(w, i, lanes, CONSTANT);
}

static ptx_result load_parameter(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    return load(w, i, lanes, PARAMETER);
}

static ptx_result store_global(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    return store(w, i, lanes, GLOBAL);
}

static ptx_result store_local(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    return store(w, i, lanes, LOCAL);
}

/* ---- atomics -------------------------------------------------------------------------------- */

/* d = [a]; [a] = d >= b ? 0 : d + 1. */
static ptx_result increment_local(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        if (!ptx_has(lanes, lane))
            continue;
        const uint64_t address = ptx_address(w, &i->operands[1], lane);
        const unsigned char *from = ptx_local_read(w, i, address, 4, 4, PTX_WRITTEN);
        uint32_t old;
        if (!from)
            return PTX_FAULT;
        memcpy(&old, from, 4);
        const uint32_t next = old >= ptx_32(w, &i->operands[2])[lane] ? 0 : old + 1;
        memcpy(w->group->local + address, &next, 4);
        ptx_32(w, &i->operands[0])[lane] = old;
    }
    return PTX_DONE;
}

static ptx_result add_global(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    for (unsigned lane = 0; lane < WARP_LANES; lane++) {
        if (!ptx_has(lanes, lane))
            continue;
        unsigned char *at = ptx_global(w, i, ptx_address(w, &i->operands[1], lane), 4, 4);
        uint32_t value;
        if (!at)
            return PTX_FAULT;
        memcpy(&value, at, 4);
        ptx_32(w, &i->operands[0])[lane] = value;
        value += ptx_32(w, &i->operands[2])[lane];
        memcpy(at, &value, 4);
    }
    return PTX_DONE;
}

#define EACH(name, widths, run, detail) \
    { name, widths, run, PTX_EACH, detail }

const ptx_operation ptx_memory[] = {
    EACH("ld.global.b8", "xa", load_global, 1),
    EACH("ld.global.b16", "xa", load_global, 2),
    EACH("ld.global.b32", "xa", load_global, 4),
    EACH("ld.global.b64", "xa", load_global, 8),
    EACH("ld.global.v2.b32", "xxa", load_global, 4),
    EACH("ld.global.v4.b32", "xxxxa", load_global, 4),
    EACH("ld.global.v2.b64", "xxa", load_global, 8),
    EACH("ld.global.nc.b16", "xa", load_global, 2),
    EACH("ld.global.nc.b32", "xa", load_global, 4),
    EACH("ld.global.nc.b64", "xa", load_global, 8),
    EACH("ld.global.nc.v2.b32", "xxa", load_global, 4),
    EACH("ld.global.nc.v4.b32", "xxxxa", load_global, 4),
    EACH("ld.shared.b8", "xa", load_local, 1),
    EACH("ld.shared.b16", "xa", load_local, 2),
    EACH("ld.shared.b32", "xa", load_local, 4),
    EACH("ld.shared.f32", "xa", load_local, 4),
    EACH("ld.shared.b64", "xa", load_local, 8),
    EACH("ld.shared.v2.b8", "xxa", load_local, 1),
    EACH("ld.shared.v4.b8", "xxxxa", load_local, 1),
    EACH("ld.shared.v2.b32", "xxa", load_local, 4),
    EACH("ld.shared.v4.b32", "xxxxa", load_local, 4),
    EACH("ld.shared.v2.b64", "xxa", load_local, 8),
    EACH("ld.volatile.shared.b32", "xa", load_local, 4),
    EACH("ld.const.b32", "xa", load_constant, 4),
    EACH("ld.const.b64", "xa", load_constant, 8),
    EACH("ld.const.v2.b32", "xxa", load_constant, 4),
    EACH("ld.param.b32", "xa", load_parameter, 4),
    EACH("ld.param.b64", "xa", load_parameter, 8),
    EACH("ld.param.v2.b32", "xxa", load_parameter, 4),
    EACH("ld.param.v2.b64", "xxa", load_parameter, 8),
    EACH("st.global.b8", "ax", store_global, 1),
    EACH("st.global.b16", "ax", store_global, 2),
    EACH("st.global.b32", "ax", store_global, 4),
    EACH("st.global.b64", "ax", store_global, 8),
    EACH("st.global.v2.b32", "ax", store_global, 4),
    EACH("st.global.v4.b32", "ax", store_global, 4),
    EACH("st.global.v2.b64", "ax", store_global, 8),
    EACH("st.shared.b8", "ax", store_local, 1),
    EACH("st.shared.b16", "ax", store_local, 2),
    EACH("st.shared.b32", "ax", store_local, 4),
    EACH("st.shared.b64", "ax", store_local, 8),
    EACH("st.shared.v2.b8", "ax", store_local, 1),
    EACH("st.shared.v4.b8", "ax", store_local, 1),
    EACH("st.shared.v2.b32", "ax", store_local, 4),
    EACH("st.shared.v4.b32", "ax", store_local, 4),
    EACH("st.shared.v2.b64", "ax", store_local, 8),
    EACH("atom.shared.inc.u32", "4a4", increment_local, 0),
    EACH("atom.add.acq_rel.gpu.global.u32", "4a4", add_global, 0),
    {0},
};
