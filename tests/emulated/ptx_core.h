/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The parts of the emulator of PTX: a kernel as instructions whose operands are places in a warp's registers, and the
 * state of a launch. Data flows ptx_parse -> ptx_run -> the operations: ptx_arithmetic, ptx_memory, ptx_copy, ptx_product,
 * ptx_wgmma and ptx_exchange, where a table at the end of each file has their names.
 */
#ifndef TESTS_EMULATED_PTX_CORE_H
#define TESTS_EMULATED_PTX_CORE_H

#include "emulated/ptx.h"

enum { WARP_LANES = 32, MAX_WARPS = 32, MAX_BARRIERS = 16 };
#define ALL_LANES 0xffffffffu

typedef struct ptx_warp ptx_warp;
typedef struct ptx_instruction ptx_instruction;

/* ---- kernels -------------------------------------------------------------------------------- */

/* Where an operand is. Registers of 16, 32 and 64 bits are arrays of 32 lanes, predicates 32 bits; so are constants
 * and special registers, which a warp's registers have from the start. */
typedef struct ptx_operand {
    uint32_t slot;  /* byte of the warp's registers */
    uint8_t bytes;  /* of a lane: 2, 4 or 8; 0: a predicate, or a label */
    bool negated;   /* predicates */
    int64_t offset; /* of an address, in bytes; of a label, the instruction */
} ptx_operand;

typedef enum ptx_result { PTX_DONE, PTX_WAITS, PTX_FAULT } ptx_result;

/* How the scheduler treats an operation. */
typedef enum ptx_kind {
    PTX_EACH,   /* lanes that are there */
    PTX_WARP,   /* all of the warp's, together */
    PTX_YIELDS, /* like PTX_EACH, and other warps come next */
    PTX_BRANCH,
    PTX_RETURN
} ptx_kind;

/* `widths`: bytes of each operand: 2, 4, 8, x for what the register has; p a predicate, a an address, g a label, n a
 * number that is part of the instruction (the operand's offset). The last counts for all that follow. `detail` is for
 * `run`, which may serve several operations. */
typedef struct ptx_operation {
    const char *name, *widths;
    ptx_result (*run)(ptx_warp *warp, const ptx_instruction *instruction, uint32_t lanes);
    ptx_kind kind;
    unsigned detail;
} ptx_operation;

struct ptx_instruction {
    const ptx_operation *operation;
    ptx_operand *operands;
    unsigned count, line;
    bool guarded;
    ptx_operand guard;
};

/* The operation of a name, NULL if there is none. */
const ptx_operation *ptx_find_operation(const char *name);

/* Ended by one without a name. */
extern const ptx_operation ptx_arithmetic[], ptx_memory[], ptx_copies[], ptx_products[],
    ptx_warpgroups[], ptx_exchanges[];

enum { PTX_SPECIALS = 12 };
/* Registers that a warp has from the start: their names; slot 128 * i is the i-th one's. */
extern const char *const ptx_special_names[PTX_SPECIALS];

typedef struct ptx_constant {
    uint32_t slot;
    uint8_t bytes;
    uint64_t value;
} ptx_constant;

struct ptx_kernel {
    char *name;
    ptx_parameter parameters[PTX_MAX_PARAMETERS];
    size_t parameter_count, parameter_bytes;
    uint32_t group_items[3];
    uint32_t local_bytes, register_bytes;
    ptx_constant *constants;
    size_t constant_count;
    ptx_instruction *code;
    size_t instructions;
    const unsigned char *constant_memory; /* the program's */
    size_t constant_bytes;
    ptx_kernel *next;
};

/* ---- launches ------------------------------------------------------------------------------- */

/* An asynchronous copy of a lane, or a product of a warp, that was begun and is not done yet. */
typedef struct ptx_copy {
    unsigned char *from;
    uint32_t to, bytes, group;
    uint8_t lane;
} ptx_copy;

typedef struct ptx_product {
    const ptx_instruction *instruction;
    uint64_t a, b; /* descriptors */
    uint32_t group;
} ptx_product;

/* A box of a tensor that the copy engine was asked for. */
typedef struct ptx_box {
    const ptx_instruction *instruction;
    ptx_warp *warp;
    uint64_t to, map, barrier;
    uint32_t at[3];
    uint32_t rests; /* rounds until it comes */
} ptx_box;

typedef struct ptx_barrier {
    uint32_t arrived, expected; /* items */
    uint32_t round;
} ptx_barrier;

/* What has become of a byte of local memory. wgmma reads what the copy engine wrote, and of what items wrote what
 * a fence has shown to it. */
typedef enum ptx_written { PTX_NOT_WRITTEN, PTX_WRITTEN, PTX_SHOWN } ptx_written;

typedef struct ptx_group {
    const ptx_kernel *kernel;
    const ptx_launch *launch;
    uint32_t id[3];
    ptx_warp *warps;
    unsigned warp_count;
    unsigned char *local, *written; /* memory, and of each byte a ptx_written */
    ptx_barrier barriers[MAX_BARRIERS];
    ptx_box *boxes;
    size_t box_count, box_room;
    ptx_range last_range; /* that an access was to */
    uint64_t random;
    bool failed;
    ptx_message *message;
} ptx_group;

struct ptx_warp {
    ptx_group *group;
    unsigned number;
    /* Lanes that have not returned; that wait for the rest of the warp; that let others go first. */
    uint32_t live, held, yielded;
    bool together; /* all live lanes are at pc[0] */
    uint32_t pc[WARP_LANES];
    unsigned char *registers;
    ptx_copy *copies;
    size_t copy_count, copy_room;
    uint32_t copy_group[WARP_LANES];
    ptx_product *products;
    size_t product_count, product_room;
    uint32_t product_group;
    uint32_t product_waits; /* turns in which it has waited for products */
    bool products_fenced;   /* since the last wait for some */
    bool in_barrier;        /* has arrived at one, and waits for `barrier_round` to pass */
    uint32_t barrier_round;
    uint32_t rests; /* turns that it leaves to the others */
};

/* The same numbers in each launch. */
uint32_t ptx_random_below(ptx_group *group, uint32_t n);
/* Leaves some turns to the others, for whom it has done something: they may come far before it goes on. */
void ptx_rest(ptx_warp *warp);

/* Ends the launch with a message that tells the instruction; `at` NULL: it is no single one. Returns PTX_FAULT. */
ptx_result ptx_fault(ptx_warp *warp, const ptx_instruction *at, const char *format, ...);

static inline uint16_t *ptx_16(const ptx_warp *w, const ptx_operand *o) {
    return (uint16_t *)(void *)(w->registers + o->slot);
}
static inline uint32_t *ptx_32(const ptx_warp *w, const ptx_operand *o) {
    return (uint32_t *)(void *)(w->registers + o->slot);
}
static inline uint64_t *ptx_64(const ptx_warp *w, const ptx_operand *o) {
    return (uint64_t *)(void *)(w->registers + o->slot);
}
static inline float *ptx_f32(const ptx_warp *w, const ptx_operand *o) {
    return (float *)(void *)(w->registers + o->slot);
}
static inline uint32_t ptx_predicate(const ptx_warp *w, const ptx_operand *o) {
    const uint32_t bits = *ptx_32(w, o);
    return o->negated ? ~bits : bits;
}
static inline bool ptx_has(uint32_t lanes, unsigned lane) {
    return lanes >> lane & 1;
}

/* An operand's value in a lane, with no sign. */
uint64_t ptx_value(const ptx_warp *warp, const ptx_operand *operand, unsigned lane);
/* An address operand's in a lane, its offset added. */
uint64_t ptx_address(const ptx_warp *warp, const ptx_operand *operand, unsigned lane);

/* Memory that an access may touch, NULL after a fault. What ptx_local_read reads must have been written, or shown. */
unsigned char *ptx_global(ptx_warp *warp, const ptx_instruction *at, uint64_t address, size_t bytes,
                          size_t alignment);
unsigned char *ptx_local(ptx_warp *warp, const ptx_instruction *at, uint64_t address, size_t bytes,
                         size_t alignment);
const unsigned char *ptx_local_read(ptx_warp *warp, const ptx_instruction *at, uint64_t address,
                                    size_t bytes, size_t alignment, ptx_written least);
unsigned char *ptx_local_write(ptx_warp *warp, const ptx_instruction *at, uint64_t address,
                               size_t bytes, size_t alignment, ptx_written what);

/* Does what a box was asked for. */
void ptx_bring_box(ptx_group *group, size_t which);

/* ---- matrices ------------------------------------------------------------------------------- */

typedef enum ptx_element { PTX_BF16, PTX_F16, PTX_TF32 } ptx_element;

enum { PTX_ROWS = 16, PTX_DEPTH = 16, PTX_COLUMNS = 8 };
typedef double ptx_left[PTX_ROWS][PTX_DEPTH];
typedef double ptx_right[PTX_DEPTH][PTX_COLUMNS];

/* A left operand of 16 bits from four registers. */
void ptx_left_halves(const ptx_warp *warp, const ptx_operand *a, ptx_element type, ptx_left x);
/* d = x y + c, 16 x 8 over `depth`: four registers each; c NULL: 0. Products are exact, and a sum of them is rounded
 * towards 0, as the matrix units do. */
void ptx_multiply(const ptx_warp *warp, const ptx_operand *d, const ptx_operand *c, ptx_left x,
                  ptx_right y, unsigned depth);

/* Room for one more element in an array. */
void *ptx_grow(void *array, size_t count, size_t *room, size_t bytes);

#endif
