/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "promote.h"

#include "../src/alloc.h"
#include "../src/error.h"

#include <stdbool.h>
#include <string.h>

static const char marker[] = "//@90a ";
static const char target_word[] = ".target";
static const char target[] = "sm_90";
static const char suffix[] = "a";
static const char group_word[] = ".reqntid";
static const char one_group[] = ".minnctapersm 1\n";

const char spd_cl_promotion[] = "//@90a; sm_90a; .minnctapersm 1";

/* Part of a text. */
typedef struct span {
    const char *at;
    size_t bytes;
} span;

/* A text that is written, or measured alone while `to` is NULL. */
typedef struct output {
    char *to;
    size_t bytes;
} output;

/* What has been seen of the input. */
typedef struct findings {
    size_t markers, targets, groups;
    span other_target; /* of a .target that is not sm_90 */
} findings;

static void put(output *o, span text) {
    if (o->to)
        memcpy(o->to + o->bytes, text.at, text.bytes);
    o->bytes += text.bytes;
}

static span skip(span text, size_t bytes) {
    return (span){text.at + bytes, text.bytes - bytes};
}

static bool begins(span text, const char *with) {
    size_t length = strlen(with);
    return text.bytes >= length && memcmp(text.at, with, length) == 0;
}

static span skip_blanks(span text) {
    while (text.bytes > 0 && (*text.at == ' ' || *text.at == '\t'))
        text = skip(text, 1);
    return text;
}

/* Bytes of a line, its end included. */
static size_t line_bytes(span text) {
    const char *end = memchr(text.at, '\n', text.bytes);
    return end ? (size_t)(end - text.at) + 1 : text.bytes;
}

static bool in_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Whether the text begins with this word, and not with a longer one. */
static bool begins_with_word(span text, const char *word) {
    size_t length = strlen(word);
    return begins(text, word) && (text.bytes == length || !in_word(text.at[length]));
}

static size_t word_bytes(span text) {
    size_t bytes = 0;
    while (bytes < text.bytes && in_word(text.at[bytes]))
        bytes++;
    return bytes;
}

/* The line up to the architecture's name, and the name. */
static void put_target(output *o, span line, findings *found) {
    span name = skip_blanks(skip(skip_blanks(line), strlen(target_word)));
    if (!begins_with_word(name, target)) {
        found->other_target = (span){name.at, word_bytes(name)};
        put(o, line);
        return;
    }
    found->targets++;
    span rest = skip(name, strlen(target));
    put(o, (span){line.at, line.bytes - rest.bytes});
    put(o, (span){suffix, strlen(suffix)});
    put(o, rest);
}

static void put_group(output *o, span line, findings *found) {
    found->groups++;
    put(o, line);
    if (line.at[line.bytes - 1] != '\n')
        put(o, (span){"\n", 1});
    put(o, (span){one_group, strlen(one_group)});
}

static void put_without_markers(output *o, span line, findings *found) {
    const size_t length = strlen(marker);
    while (line.bytes > 0) {
        const char *next = memchr(line.at, marker[0], line.bytes);
        size_t before = next ? (size_t)(next - line.at) : line.bytes;
        put(o, (span){line.at, before});
        line = skip(line, before);
        if (begins(line, marker)) {
            found->markers++;
            line = skip(line, length);
        } else if (line.bytes > 0) {
            put(o, (span){line.at, 1});
            line = skip(line, 1);
        }
    }
}

static void put_promoted(output *o, span ptx, findings *found) {
    while (ptx.bytes > 0) {
        span line = {ptx.at, line_bytes(ptx)}, word = skip_blanks(line);
        if (begins_with_word(word, target_word))
            put_target(o, line, found);
        else if (begins_with_word(word, group_word))
            put_group(o, line, found);
        else
            put_without_markers(o, line, found);
        ptx = skip(ptx, line.bytes);
    }
}

/* What is missing; SPARSED_OK if nothing is. */
static sparsed_status judge(const findings *found, sparsed_message *message) {
    if (found->other_target.at)
        return spd_fail(message, SPARSED_E_COMPILE, "it is PTX for '%.*s', not for %s",
                        (int)(found->other_target.bytes < 20 ? found->other_target.bytes : 20),
                        found->other_target.at, target);
    if (found->targets == 0)
        return spd_fail(message, SPARSED_E_COMPILE,
                        "the driver's binary has no line '%s %s': it is not such PTX", target_word,
                        target);
    if (found->markers == 0)
        return spd_fail(message, SPARSED_E_COMPILE, "no marker '%s' has survived in its PTX",
                        marker);
    if (found->groups == 0)
        return spd_fail(message, SPARSED_E_COMPILE, "its PTX has no line '%s'", group_word);
    return SPARSED_OK;
}

/* A text at most triples: an inserted line is less than twice as long as the word that calls for it. */
static bool fits(size_t bytes) {
    return bytes <= SIZE_MAX / 4;
}

sparsed_status spd_cl_promote(const sparsed_allocator *allocator, const char *ptx, size_t ptx_bytes,
                              char **promoted, size_t *promoted_bytes, sparsed_message *message) {
    const span text = {ptx, ptx_bytes};
    output measured = {NULL, 0};
    findings found = {.markers = 0};
    *promoted = NULL;
    *promoted_bytes = 0;
    if (!fits(ptx_bytes))
        return spd_fail(message, SPARSED_E_NOMEM, "the driver's binary has %zu bytes", ptx_bytes);
    put_promoted(&measured, text, &found);
    sparsed_status status = judge(&found, message);
    if (status != SPARSED_OK)
        return status;
    output written = {spd_allocate(allocator, measured.bytes, 1), 0};
    if (!written.to)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for %zu bytes of PTX", measured.bytes);
    put_promoted(&written, text, &found);
    *promoted = written.to;
    *promoted_bytes = written.bytes;
    return SPARSED_OK;
}
