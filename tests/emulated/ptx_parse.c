/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* From the text of a program to its kernels. */
#include "emulated/ptx_lex.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 }; /* registers or bytes of one name */

struct ptx_program {
    ptx_kernel *kernels;
    unsigned char *constant_memory;
    size_t constant_bytes;
};

typedef enum symbol_kind { REGISTERS, REGISTER, LOCAL, CONSTANT, PARAMETER, LABEL } symbol_kind;

/* What a name stands for. REGISTERS: %r of %r<25>, whose numbers follow. */
typedef struct symbol {
    char *name;
    symbol_kind kind;
    uint32_t at; /* slot, address, offset or instruction */
    uint32_t count;
    uint8_t bytes;
} symbol;

typedef struct parser {
    lexer lexer;
    ptx_program *program;
    ptx_kernel *kernel;
    symbol *symbols;
    size_t symbol_count, symbol_room, program_symbols, constant_room, code_room;
} parser;

/* ---- names ---------------------------------------------------------------------------------- */

static symbol *find_symbol(parser *p, const char *name) {
    for (size_t i = p->symbol_count; i-- > 0;)
        if (strcmp(p->symbols[i].name, name) == 0)
            return &p->symbols[i];
    return NULL;
}

static void add_symbol(parser *p, const char *name, symbol_kind kind, size_t at, size_t count,
                       unsigned bytes) {
    p->symbols = ptx_grow(p->symbols, p->symbol_count, &p->symbol_room, sizeof *p->symbols);
    p->symbols[p->symbol_count++] =
        (symbol){strdup(name), kind, (uint32_t)at, (uint32_t)count, (uint8_t)bytes};
}

static void forget_symbols(parser *p, size_t keep) {
    while (p->symbol_count > keep)
        free(p->symbols[--p->symbol_count].name);
}

static size_t align_up(size_t n, size_t alignment) {
    return (n + alignment - 1) / alignment * alignment;
}

/* Room in a warp's registers, from a multiple of 64 bytes on. */
static uint32_t new_slot(parser *p, unsigned bytes, size_t count) {
    const size_t slot = p->kernel->register_bytes;
    const size_t each = bytes == 0 ? 4 : bytes * WARP_LANES;
    p->kernel->register_bytes = (uint32_t)align_up(slot + each * count, 64);
    return (uint32_t)slot;
}

/* A register or special register by its name. */
static bool find_register(parser *p, const char *name, ptx_operand *operand) {
    for (unsigned i = 0; i < PTX_SPECIALS; i++)
        if (strcmp(name, ptx_special_names[i]) == 0) {
            *operand = (ptx_operand){.slot = 128 * i, .bytes = 4};
            return true;
        }
    const symbol *s = find_symbol(p, name);
    uint32_t number = 0;
    if (!s) {
        char prefix[64];
        const size_t length = strcspn(name, "0123456789");
        if (length >= sizeof prefix || !name[length])
            return false;
        memcpy(prefix, name, length);
        prefix[length] = 0;
        s = find_symbol(p, prefix);
        number = (uint32_t)strtoul(name + length, NULL, 10);
        if (!s || s->kind != REGISTERS || number >= s->count)
            return false;
    } else if (s->kind != REGISTER) {
        return false;
    }
    *operand =
        (ptx_operand){.slot = s->at + number * (s->bytes ? s->bytes * 32u : 4u), .bytes = s->bytes};
    return true;
}

/* ---- declarations --------------------------------------------------------------------------- */

static unsigned type_bytes(lexer *l, const char *type) {
    static const struct {
        const char *name;
        unsigned bytes;
    } types[] = {{".pred", 0}, {".b8", 1},  {".u8", 1},  {".b16", 2}, {".u16", 2}, {".b32", 4},
                 {".u32", 4},  {".s32", 4}, {".f32", 4}, {".b64", 8}, {".u64", 8}, {".s64", 8}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i].name) == 0)
            return types[i].bytes;
    lex_fail(l, "the type '%s' is not known", type);
}

/* A number of registers or bytes. */
static size_t parse_count(lexer *l) {
    const int64_t count = lex_number(l);
    if (count < 0 || count > MOST)
        lex_fail(l, "%lld is more than is known", (long long)count);
    return (size_t)count;
}

/* .reg .b32 %r<25>, x; */
static void parse_registers(parser *p) {
    lexer *l = &p->lexer;
    const unsigned bytes = type_bytes(l, lex_next(l));
    if (bytes == 1)
        lex_fail(l, "registers of 8 bits are not known");
    do {
        char name[LEX_TEXT];
        strcpy(name, lex_next(l));
        if (lex_take(l, "<")) {
            const size_t count = parse_count(l);
            add_symbol(p, name, REGISTERS, new_slot(p, bytes, count), count, bytes);
            lex_expect(l, ">");
        } else if (!find_symbol(p, name)) { /* a scope of its own: any other of that name is over */
            add_symbol(p, name, REGISTER, new_slot(p, bytes, 1), 1, bytes);
        }
    } while (lex_take(l, ","));
    lex_expect(l, ";");
}

typedef struct declaration {
    char name[LEX_TEXT];
    size_t bytes, alignment;
    bool is_pointer;
} declaration;

/* .align 4 .b8 name[516], .u64 .ptr .global .align 2 name: up to and with the size. */
static declaration parse_declaration(lexer *l) {
    declaration d = {.alignment = 1};
    const char *text = lex_next(l);
    for (; text[0] == '.'; text = lex_next(l)) {
        if (strcmp(text, ".align") == 0)
            d.alignment = parse_count(l);
        else if (strcmp(text, ".ptr") == 0)
            d.is_pointer = true;
        else if (strcmp(text, ".global") != 0)
            d.bytes = type_bytes(l, text);
    }
    strcpy(d.name, text);
    if (d.bytes > d.alignment || d.is_pointer)
        d.alignment = d.bytes;
    if (d.bytes == 0 || d.alignment == 0)
        lex_fail(l, "'%s' has no size or no alignment", d.name);
    if (lex_take(l, "[")) {
        d.bytes *= parse_count(l);
        lex_expect(l, "]");
    }
    return d;
}

/* .shared: each kernel has its own. */
static void parse_local(parser *p) {
    const declaration d = parse_declaration(&p->lexer);
    const size_t at = align_up(p->kernel->local_bytes, d.alignment);
    add_symbol(p, d.name, LOCAL, at, 1, 4);
    p->kernel->local_bytes = (uint32_t)(at + d.bytes);
    lex_expect(&p->lexer, ";");
}

/* .const .align 8 .b8 name[16] = {1, 2, ...}; */
static void parse_constant(parser *p) {
    ptx_program *program = p->program;
    const declaration d = parse_declaration(&p->lexer);
    const size_t at = align_up(program->constant_bytes, d.alignment);
    program->constant_memory = realloc(program->constant_memory, at + d.bytes);
    if (!program->constant_memory)
        abort();
    memset(program->constant_memory + program->constant_bytes, 0,
           at + d.bytes - program->constant_bytes);
    program->constant_bytes = at + d.bytes;
    add_symbol(p, d.name, CONSTANT, at, 1, 8);
    if (lex_take(&p->lexer, "=")) {
        lex_expect(&p->lexer, "{");
        for (size_t i = 0; i < d.bytes && (i == 0 || lex_take(&p->lexer, ",")); i++)
            program->constant_memory[at + i] = (unsigned char)lex_number(&p->lexer);
        lex_expect(&p->lexer, "}");
    }
    lex_expect(&p->lexer, ";");
}

/* ---- operands ------------------------------------------------------------------------------- */

/* A number as a register that a warp has from the start. */
static ptx_operand constant_operand(parser *p, uint64_t value, unsigned bytes) {
    ptx_kernel *k = p->kernel;
    for (size_t i = 0; i < k->constant_count; i++)
        if (k->constants[i].value == value && k->constants[i].bytes == bytes)
            return (ptx_operand){.slot = k->constants[i].slot, .bytes = (uint8_t)bytes};
    k->constants =
        ptx_grow(k->constants, k->constant_count, &p->constant_room, sizeof *k->constants);
    const uint32_t slot = new_slot(p, bytes, 1);
    k->constants[k->constant_count++] = (ptx_constant){slot, (uint8_t)bytes, value};
    return (ptx_operand){.slot = slot, .bytes = (uint8_t)bytes};
}

static bool is_memory(const symbol *s) {
    return s->kind == LOCAL || s->kind == CONSTANT || s->kind == PARAMETER;
}

/* Inside [ ]: a register or a name, and an offset. */
static ptx_operand parse_address(parser *p) {
    lexer *l = &p->lexer;
    ptx_operand operand = {0};
    const char *name = lex_next(l);
    int64_t offset = 0;
    if (!find_register(p, name, &operand)) {
        const symbol *s = find_symbol(p, name);
        if (!s || !is_memory(s))
            lex_fail(l, "the address '%s' is not known", name);
        operand = constant_operand(p, 0, 8);
        offset = s->at;
    } else if (operand.bytes < 4) {
        lex_fail(l, "'%s' has no address", name);
    }
    if (lex_take(l, "+"))
        offset += lex_number(l);
    operand.offset = offset;
    return operand;
}

/* The width that operation `o` has for operand `number`. */
static char width_of(const ptx_operation *o, unsigned number) {
    const size_t length = strlen(o->widths);
    return length == 0 ? ' ' : o->widths[number < length ? number : length - 1];
}

static ptx_operand parse_register(parser *p, char width) {
    lexer *l = &p->lexer;
    ptx_operand operand = {0};
    const bool negated = lex_take(l, "!");
    const char *name = lex_next(l);
    const unsigned bytes = width >= '2' && width <= '8' ? (unsigned)(width - '0') : 0;
    if (strcmp(name, "_") == 0)
        return (ptx_operand){.slot = new_slot(p, bytes, 1), .bytes = (uint8_t)bytes};
    if (!find_register(p, name, &operand)) {
        const symbol *s = find_symbol(p, name);
        if (s && is_memory(s))
            return constant_operand(p, s->at, bytes);
        lex_fail(l, "'%s' is not known", name);
    }
    if (width == 'x' ? operand.bytes == 0 : operand.bytes != bytes || (negated && bytes != 0))
        lex_fail(l, "'%s' has %u bytes, not %c", name, operand.bytes, width);
    operand.negated = negated;
    return operand;
}

static ptx_operand parse_operand(parser *p, char width) {
    lexer *l = &p->lexer;
    if (width == 'n')
        return (ptx_operand){.offset = lex_number(l)};
    if (width == 'g') {
        const char *name = lex_next(l);
        const symbol *s = find_symbol(p, name);
        if (!s) /* it comes later */
            add_symbol(p, name, LABEL, UINT32_MAX, 0, 0);
        s = find_symbol(p, name);
        return (ptx_operand){.offset = s - p->symbols};
    }
    if (lex_is_number(l) && width == 'p')
        return constant_operand(p, lex_number(l) ? ALL_LANES : 0, 0);
    if (lex_is_number(l))
        return constant_operand(p, (uint64_t)lex_number(l),
                                width == 'x' ? 8 : (unsigned)(width - '0'));
    return parse_register(p, width);
}

/* ---- instructions --------------------------------------------------------------------------- */

enum { MAX_OPERANDS = 80 };

typedef struct operand_list {
    ptx_operand operands[MAX_OPERANDS];
    unsigned count;
} operand_list;

static void add_operand(parser *p, operand_list *list, ptx_operand operand) {
    if (list->count == MAX_OPERANDS)
        lex_fail(&p->lexer, "too many operands");
    list->operands[list->count++] = operand;
}

/* One operand or, in braces or brackets, several. */
static void parse_operands(parser *p, const ptx_operation *o, operand_list *list) {
    lexer *l = &p->lexer;
    if (lex_take(l, "{")) {
        do
            add_operand(p, list, parse_operand(p, width_of(o, list->count)));
        while (lex_take(l, ","));
        lex_expect(l, "}");
    } else if (lex_take(l, "[")) {
        if (width_of(o, list->count) != 'a')
            lex_fail(l, "%s has no address there", o->name);
        add_operand(p, list, parse_address(p));
        if (lex_take(l, ","))
            parse_operands(p, o, list);
        lex_expect(l, "]");
    } else {
        add_operand(p, list, parse_operand(p, width_of(o, list->count)));
    }
}

static void add_instruction(parser *p, const ptx_operation *o, const operand_list *list,
                            const ptx_operand *guard, unsigned line) {
    ptx_kernel *k = p->kernel;
    k->code = ptx_grow(k->code, k->instructions, &p->code_room, sizeof *k->code);
    ptx_instruction *i = &k->code[k->instructions++];
    *i = (ptx_instruction){.operation = o, .count = list->count, .line = line};
    if (guard) {
        i->guarded = true;
        i->guard = *guard;
    }
    i->operands = calloc(list->count + 1, sizeof *i->operands);
    if (!i->operands)
        abort();
    memcpy(i->operands, list->operands, list->count * sizeof *i->operands);
}

/* An operation's name; what packs or unpacks registers has one of its own. */
static const ptx_operation *parse_operation(parser *p) {
    lexer *l = &p->lexer;
    char name[LEX_TEXT];
    strcpy(name, lex_next(l));
    if (strcmp(name, "mov.b64") == 0 && lex_is(l, "{"))
        strcpy(name, "mov.b64 {}");
    const ptx_operation *o = ptx_find_operation(name);
    if (!o)
        lex_fail(l, "the instruction '%s' is not known", name);
    return o;
}

static void parse_instruction(parser *p) {
    lexer *l = &p->lexer;
    const unsigned line = l->line;
    ptx_operand guard;
    operand_list list = {.count = 0};
    const bool guarded = lex_take(l, "@");
    if (guarded)
        guard = parse_register(p, 'p');
    const ptx_operation *o = parse_operation(p);
    if (!lex_is(l, ";"))
        do
            parse_operands(p, o, &list);
        while (lex_take(l, ","));
    if (list.count < strlen(o->widths))
        lex_fail(l, "%s has %u operands", o->name, list.count);
    lex_expect(l, ";");
    add_instruction(p, o, &list, guarded ? &guard : NULL, line);
}

static void define_label(parser *p, const char *name) {
    symbol *s = find_symbol(p, name);
    if (!s)
        add_symbol(p, name, LABEL, p->kernel->instructions, 0, 0);
    else
        s->at = (uint32_t)p->kernel->instructions;
}

/* Branches name symbols so far. */
static void resolve_labels(parser *p) {
    for (size_t i = 0; i < p->kernel->instructions; i++) {
        ptx_instruction *at = &p->kernel->code[i];
        if (at->operation->kind != PTX_BRANCH)
            continue;
        const symbol *s = &p->symbols[at->operands[0].offset];
        if (s->at == UINT32_MAX)
            lex_fail(&p->lexer, "the label '%s' is nowhere", s->name);
        at->operands[0].offset = s->at;
    }
}

/* ---- kernels -------------------------------------------------------------------------------- */

/* What is between { and }, which may have blocks of its own. */
static void parse_body(parser *p) {
    lexer *l = &p->lexer;
    for (unsigned depth = 1; depth > 0;) {
        char label[LEX_TEXT];
        if (lex_take(l, "{"))
            depth++;
        else if (lex_take(l, "}"))
            depth--;
        else if (lex_take(l, ".reg"))
            parse_registers(p);
        else if (lex_take(l, ".shared"))
            parse_local(p);
        else if (lex_take(l, ".pragma"))
            lex_skip(l, ";");
        else if (lex_take_label(l, label))
            define_label(p, label);
        else
            parse_instruction(p);
    }
}

static void parse_parameters(parser *p) {
    lexer *l = &p->lexer;
    ptx_kernel *k = p->kernel;
    lex_expect(l, "(");
    while (!lex_take(l, ")")) {
        lex_expect(l, ".param");
        const declaration d = parse_declaration(l);
        if (k->parameter_count == PTX_MAX_PARAMETERS)
            lex_fail(l, "too many parameters");
        const size_t at = align_up(k->parameter_bytes, d.alignment);
        add_symbol(p, d.name, PARAMETER, at, 1, 8);
        k->parameters[k->parameter_count++] = (ptx_parameter){at, d.bytes, d.is_pointer};
        k->parameter_bytes = at + d.bytes;
        lex_take(l, ",");
    }
}

static void parse_kernel(parser *p) {
    lexer *l = &p->lexer;
    ptx_kernel *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    k->next = p->program->kernels;
    p->program->kernels = p->kernel = k;
    p->constant_room = p->code_room = 0;
    k->name = strdup(lex_next(l));
    k->register_bytes = PTX_SPECIALS * 128;
    parse_parameters(p);
    while (!lex_take(l, "{")) {
        const bool items = lex_is(l, ".reqntid");
        lex_next(l);
        for (unsigned i = 0; lex_is_number(l) && i < 3; i++, lex_take(l, ",")) {
            const int64_t n = lex_number(l);
            if (items)
                k->group_items[i] = (uint32_t)n;
        }
    }
    parse_body(p);
    resolve_labels(p);
    forget_symbols(p, p->program_symbols);
}

static void parse_program(parser *p) {
    lexer *l = &p->lexer;
    while (!lex_ends(l)) {
        if (lex_take(l, ".entry"))
            parse_kernel(p);
        else if (lex_take(l, ".const"))
            parse_constant(p);
        else if (lex_take(l, ".func")) /* declared, and never called */
            lex_skip(l, ";");
        else if (lex_take(l, ".version") || lex_take(l, ".target") || lex_take(l, ".address_size"))
            lex_skip_line(l);
        else if (!lex_take(l, ".visible"))
            lex_fail(l, "'%s' is not known", lex_next(l));
        if (!p->kernel)
            p->program_symbols = p->symbol_count;
    }
    for (ptx_kernel *k = p->program->kernels; k; k = k->next) {
        k->constant_memory = p->program->constant_memory;
        k->constant_bytes = p->program->constant_bytes;
    }
}

ptx_program *ptx_parse(const char *text, ptx_message *message) {
    parser *p = calloc(1, sizeof *p);
    ptx_program *program = calloc(1, sizeof *program);
    if (!p || !program)
        abort();
    p->program = program;
    if (setjmp(p->lexer.failed) == 0) {
        lex_begin(&p->lexer, text, message);
        parse_program(p);
    } else {
        ptx_free(p->program);
        p->program = NULL;
    }
    forget_symbols(p, 0);
    program = p->program;
    free(p->symbols);
    free(p);
    return program;
}

void ptx_free(ptx_program *program) {
    while (program && program->kernels) {
        ptx_kernel *k = program->kernels;
        program->kernels = k->next;
        for (size_t i = 0; i < k->instructions; i++)
            free(k->code[i].operands);
        free(k->code);
        free(k->constants);
        free(k->name);
        free(k);
    }
    if (program)
        free(program->constant_memory);
    free(program);
}

/* ---- what callers ask of it ----------------------------------------------------------------- */

const ptx_kernel *ptx_find_kernel(const ptx_program *program, const char *name) {
    const ptx_kernel *k = program->kernels;
    while (k && strcmp(k->name, name) != 0)
        k = k->next;
    return k;
}

size_t ptx_parameters(const ptx_kernel *kernel, ptx_parameter parameters[PTX_MAX_PARAMETERS]) {
    memcpy(parameters, kernel->parameters, sizeof kernel->parameters);
    return kernel->parameter_count;
}

void ptx_group_items(const ptx_kernel *kernel, uint32_t items[3]) {
    memcpy(items, kernel->group_items, sizeof kernel->group_items);
}
