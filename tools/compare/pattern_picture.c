/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/pattern_picture.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "room.h"

enum { PAGE_PIXELS = 1080, MAP_PIXELS = 480, MOST_CELL = 22, MOST_MAPS = 4, GAP = 14, HEAD = 18 };

/* How a state is drawn; those before BLOCK_TIE that differ in nothing are a faint ground. */
static const struct {
    const char *color, *name;
} looks[BLOCK_STATES] = {[BLOCK_BOTH] = {"var(--ink)", "kept by both"},
                         [BLOCK_TIE] = {"var(--c4)", "tie"},
                         [BLOCK_REAL] = {"var(--c1)", "real"},
                         [BLOCK_UNDECIDED] = {"var(--c5)", "not decidable from the files"}};

static const char *opacity_of(unsigned state) {
    return state == BLOCK_BOTH ? "0.22" : "1";
}

void pattern_picture_legend(page *p) {
    page_markup(p, "<p>");
    for (unsigned i = BLOCK_BOTH; i < BLOCK_STATES; i++) {
        page_markup(p,
                    "<svg width=\"14\" height=\"12\" aria-hidden=\"true\"><rect width=\"12\" "
                    "height=\"12\" fill=\"%s\" fill-opacity=\"%s\"/></svg> ",
                    looks[i].color, opacity_of(i));
        page_text(p, "%s", looks[i].name);
        page_markup(p, " &emsp;");
    }
    page_text(p, "A block that one record alone keeps is the upper left triangle for the first of "
                 "the two, the lower right one for the second.");
    page_markup(p, "</p>\n");
}

/* One head's map. */
typedef struct map {
    const uint8_t *states; /* [rows][columns] */
    uint64_t rows, columns;
    double width, height; /* of a cell: pixels */
} map;

/* Blocks that both keep, as runs of each row. */
static void draw_common(page *p, const map *m) {
    page_markup(p, "<path fill=\"%s\" fill-opacity=\"%s\" d=\"", looks[BLOCK_BOTH].color,
                opacity_of(BLOCK_BOTH));
    for (uint64_t i = 0; i < m->rows; i++)
        for (uint64_t j = 0; j < m->columns;) {
            uint64_t end = j;
            while (end < m->columns && m->states[i * m->columns + end] == BLOCK_BOTH)
                end++;
            if (end > j)
                page_markup(p, "M%.4g %.4gh%.4gv%.4gh-%.4gz", (double)j * m->width,
                            (double)i * m->height, (double)(end - j) * m->width, m->height,
                            (double)(end - j) * m->width);
            j = end > j ? end : j + 1;
        }
    page_markup(p, "\"/>\n");
}

static void draw_triangle(page *p, const map *m, uint64_t i, uint64_t j, bool in_a) {
    const double x = (double)j * m->width, y = (double)i * m->height;
    if (in_a)
        page_markup(p, "M%.4g %.4gh%.4gl-%.4g %.4gz", x, y, m->width, m->width, m->height);
    else
        page_markup(p, "M%.4g %.4gv%.4gh-%.4gz", x + m->width, y, m->height, m->width);
}

static void draw_state(page *p, const map *m, unsigned state) {
    page_markup(p, "<path fill=\"%s\" d=\"", looks[state].color);
    for (uint64_t i = 0; i < m->rows; i++)
        for (uint64_t j = 0; j < m->columns; j++)
            if (m->states[i * m->columns + j] % BLOCK_IN_A == state)
                draw_triangle(p, m, i, j, m->states[i * m->columns + j] >= BLOCK_IN_A);
    page_markup(p, "\"/>\n");
}

static bool differs(const map *m) {
    for (uint64_t k = 0; k < m->rows * m->columns; k++)
        if (m->states[k] % BLOCK_IN_A > BLOCK_BOTH)
            return true;
    return false;
}

static void draw_map(page *p, const map *m, const record_case *c, uint64_t head, double left) {
    page_markup(p, "<g transform=\"translate(%.1f %d)\"><text y=\"-5\">", left, HEAD);
    if (c->desc.batch > 1)
        page_text(p, "batch %" PRIu64 ", head %" PRIu64, head / c->desc.heads,
                  head % c->desc.heads);
    else
        page_text(p, "head %" PRIu64, head);
    page_markup(p,
                "</text>\n<rect class=\"grid\" width=\"%.1f\" height=\"%.1f\"/>"
                "<g shape-rendering=\"crispEdges\">\n",
                (double)m->columns * m->width, (double)m->rows * m->height);
    draw_common(p, m);
    page_markup(p, "</g>\n");
    for (unsigned state = BLOCK_TIE; state < BLOCK_STATES; state++)
        draw_state(p, m, state);
    page_markup(p, "</g>\n");
}

static uint64_t count_differing(const map *m, const uint8_t *states, uint64_t heads) {
    uint64_t count = 0;
    for (uint64_t head = 0; head < heads; head++) {
        map one = *m;
        one.states = states + head * m->rows * m->columns;
        count += differs(&one);
    }
    return count;
}

/* A pixel is as many rows as keys, but a row of blocks can always be seen, and none is huge. */
static void set_cells(map *m, const record_case *c, uint64_t maps) {
    const double longer = fmax((double)c->desc.q_len, (double)c->desc.kv_len);
    const double side = fmin(MAP_PIXELS, PAGE_PIXELS / (double)maps - GAP);
    const double smaller = fmin(c->select.block_q, c->select.block_k);
    const double scale = fmin(side / longer, MOST_CELL / smaller);
    m->width = scale * c->select.block_k;
    m->height = fmax(4.0, scale * c->select.block_q);
}

static void draw_heads(page *p, const record_case *c, const uint8_t *states) {
    const uint64_t heads = (uint64_t)c->desc.batch * c->desc.heads;
    map m = {.rows = c->q_blocks, .columns = c->k_blocks};
    const uint64_t differing = count_differing(&m, states, heads);
    const uint64_t maps = differing < MOST_MAPS ? differing : MOST_MAPS;
    set_cells(&m, c, maps > 0 ? maps : 1);
    const double step = (double)m.columns * m.width + GAP;
    const double width = (double)maps * step, height = HEAD + (double)m.rows * m.height + 4.0;
    page_markup(
        p, "<div><svg role=\"img\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
        width, height, width, height);
    for (uint64_t head = 0, drawn = 0; head < heads && drawn < maps; head++) {
        m.states = states + head * m.rows * m.columns;
        if (differs(&m))
            draw_map(p, &m, c, head, (double)drawn++ * step);
    }
    page_markup(p, "</svg></div>\n");
    if (differing > maps)
        page_paragraph(p, "%" PRIu64 " more heads differ.", differing - maps);
}

bool pattern_picture_draw(page *p, const case_patterns *pair, const char *title) {
    const record_case *c = pair->a;
    /* The reader has seen a bit for each block: the product fits. */
    const uint64_t blocks = (uint64_t)c->desc.batch * c->desc.heads * c->q_blocks * c->k_blocks;
    uint8_t *states = room_for(blocks, 1);
    pattern_agreement all;
    findings found = {0, 0, {{0}}};
    const bool done = states && pattern_agreement_measure(pair, &all, &found, states);
    if (done) {
        page_markup(p, "<figure>\n<strong>");
        page_text(p, "%s", title);
        page_markup(p, "</strong>\n");
        draw_heads(p, c, states);
        page_markup(p, "<figcaption>");
        page_text(
            p, "Jaccard index %.6f; %" PRIu64 " ties, %" PRIu64 " real, %" PRIu64 " not decidable",
            pattern_agreement_jaccard(&all), all.ties, all.real, all.undecided);
        page_markup(p, "</figcaption></figure>\n");
    }
    free(states);
    return done;
}
