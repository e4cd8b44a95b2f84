/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Pattern files: load, map, save. */
#include "pattern_file.h"

#include "alloc.h"
#include "atomic_file.h"
#include "error.h"
#include "pattern_decode.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The data of a file are used in place, so that the host must be little-endian as they are. */
#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__)
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define SPD_BIG_ENDIAN
#endif
#endif

static sparsed_status check_host(sparsed_message *message) {
#ifdef SPD_BIG_ENDIAN
    return spd_fail(message, SPARSED_E_UNSUPPORTED, "pattern files on a big-endian host");
#else
    spd_message_clear(message);
    return SPARSED_OK;
#endif
}

/* ---- mappings ----------------------------------------------------------------------------- */

spd_file_map *spd_file_map_retain(spd_file_map *map) {
    if (map)
        atomic_fetch_add_explicit(&map->references, 1, memory_order_relaxed);
    return map;
}

void spd_file_map_release(spd_file_map *map) {
    if (!map || atomic_fetch_sub_explicit(&map->references, 1, memory_order_acq_rel) != 1)
        return;
    const sparsed_allocator allocator = map->allocator;
    if (map->unmap)
        munmap((void *)map->source.bytes, (size_t)map->source.size);
    spd_release(&allocator, map);
}

/* Memory that is valid until it is unmapped, or for good, as what patterns can hold. */
static spd_file_map *hold(const spd_source *source, bool unmap,
                          const sparsed_allocator *allocator) {
    spd_file_map *map = spd_allocate(allocator, 1, sizeof *map);
    if (!map)
        return NULL;
    atomic_init(&map->references, 1);
    map->allocator = *allocator;
    map->source = *source;
    map->source.map = map;
    map->unmap = unmap;
    return map;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Header, info, table and extra section: each read, verified, decoded and let go. */
static sparsed_status read_front(const spd_source *source, const sparsed_load_options *options,
                                 sparsed_pattern_set *set, sparsed_message *message) {
    const sparsed_allocator *allocator = &set->allocator;
    const unsigned char *bytes = NULL;
    spd_file_header header;
    sparsed_status status = spd_decode_header(source, &header, set, message);
    if (status == SPARSED_OK)
        status = spd_section_read(source, &header.info, "info section", allocator, &bytes, message);
    if (status == SPARSED_OK)
        status = spd_decode_info(source, &header, bytes, set, message);
    spd_section_release(source, allocator, bytes);
    bytes = NULL;
    if (status == SPARSED_OK)
        status =
            spd_section_read(source, &header.table, "table section", allocator, &bytes, message);
    if (status == SPARSED_OK)
        status = spd_decode_table(source, &header, bytes, options->layers, options->layer_count,
                                  set, message);
    spd_section_release(source, allocator, bytes);
    bytes = NULL;
    if (status == SPARSED_OK)
        status =
            spd_section_read(source, &header.extra, "extra section", allocator, &bytes, message);
    spd_section_release(source, allocator, bytes);
    return status;
}

/* A set from a source; if that has a map, of patterns that lie in it. */
static sparsed_status read_set(const spd_source *source, const sparsed_load_options *options,
                               sparsed_pattern_set **result, sparsed_message *message) {
    sparsed_pattern_set *set = spd_set_new(options->allocator);
    if (!set)
        return spd_fail(message, SPARSED_E_NOMEM, "%s: no memory for a pattern set", source->name);
    sparsed_status status = read_front(source, options, set, message);
    const uint32_t count = status == SPARSED_OK ? set->info.patterns : 0;
    if (status == SPARSED_OK && source->map) {
        set->map = spd_file_map_retain(source->map);
        set->verified = spd_allocate(&set->allocator, count, sizeof *set->verified);
        if (!set->verified)
            status = spd_fail(message, SPARSED_E_NOMEM, "%s: no memory for %u patterns",
                              source->name, count);
        for (uint32_t i = 0; i < count && set->verified; i++)
            atomic_init(&set->verified[i], false);
    }
    for (uint32_t i = 0; i < count && status == SPARSED_OK && !source->map; i++)
        status = spd_decode_pattern(source, set, i, &set->entries[i].pattern, message);
    if (status != SPARSED_OK) {
        sparsed_pattern_set_release(set);
        return status;
    }
    *result = set;
    return SPARSED_OK;
}

static sparsed_status check_options(const sparsed_load_options *given,
                                    sparsed_load_options *options, sparsed_allocator *allocator,
                                    sparsed_message *message) {
    *allocator = spd_default_allocator();
    *options = (sparsed_load_options){.struct_size = sizeof *options};
    if (given) {
        sparsed_status status =
            spd_copy_struct(options, sizeof *options, given, "options", message);
        if (status != SPARSED_OK)
            return status;
    }
    if ((options->flags & ~(uint32_t)SPARSED_LOAD_MAP) != 0 || options->reserved != 0)
        return spd_fail(message, SPARSED_E_INVALID, "options.flags is 0x%x, options.reserved %u",
                        options->flags, options->reserved);
    if (options->layer_count > SPD_MAX_LAYERS || (options->layer_count > 0 && !options->layers))
        return spd_fail(message, SPARSED_E_INVALID, "options.layer_count is %u, options.layers %s",
                        options->layer_count, options->layers ? "given" : "NULL");
    for (uint32_t i = 0; i < options->layer_count; i++)
        if (options->layers[i] >= SPD_MAX_LAYERS ||
            (i > 0 && options->layers[i] <= options->layers[i - 1]))
            return spd_fail(message, SPARSED_E_INVALID,
                            "options.layers[%u] is %u: not rising, or not below %d", i,
                            options->layers[i], SPD_MAX_LAYERS);
    if (options->allocator && (!options->allocator->allocate || !options->allocator->release))
        return spd_fail(message, SPARSED_E_INVALID, "options.allocator has a NULL function");
    if (options->allocator)
        *allocator = *options->allocator;
    options->allocator = allocator;
    return SPARSED_OK;
}

/* Where the results go, and whether this host can do it at all. */
static sparsed_status begin(const void *input, const char *name, sparsed_pattern_set **set,
                            sparsed_message *message) {
    sparsed_status status = check_host(message);
    if (!set)
        return spd_fail(message, SPARSED_E_INVALID, "set is NULL");
    *set = NULL;
    if (!input)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL", name);
    return status;
}

sparsed_status spd_pattern_set_parse(const void *bytes, uint64_t size_bytes,
                                     const sparsed_load_options *options, sparsed_pattern_set **set,
                                     sparsed_message *message) {
    sparsed_load_options known;
    sparsed_allocator allocator;
    sparsed_status status = begin(bytes, "bytes", set, message);
    if (status == SPARSED_OK)
        status = check_options(options, &known, &allocator, message);
    if (status != SPARSED_OK)
        return status;
    spd_source source = {.fd = -1, .bytes = bytes, .size = size_bytes};
    spd_source_set_name(&source, "memory");
    if ((known.flags & SPARSED_LOAD_MAP) == 0)
        return read_set(&source, &known, set, message);
    if ((uintptr_t)bytes % 8 != 0)
        return spd_fail(message, SPARSED_E_INVALID, "bytes are not aligned to 8");
    spd_file_map *map = hold(&source, false, &allocator);
    if (!map)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a mapping");
    status = read_set(&map->source, &known, set, message);
    spd_file_map_release(map);
    return status;
}

/* Opens a regular file; a pipe is not waited for. */
static sparsed_status open_source(const char *path, spd_source *source, sparsed_message *message) {
    struct stat facts;
    spd_source_set_name(source, path);
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source->fd < 0)
        return spd_source_fail_io(source, message, errno, "cannot be opened");
    const bool known = fstat(source->fd, &facts) == 0;
    if (known && S_ISREG(facts.st_mode)) {
        source->size = (uint64_t)facts.st_size;
        return SPARSED_OK;
    }
    const int cause = errno;
    close(source->fd);
    source->fd = -1;
    if (!known)
        return spd_source_fail_io(source, message, cause, "cannot be examined");
    return spd_fail(message, SPARSED_E_IO, "%s: not a regular file", source->name);
}

static sparsed_status map_set(spd_source *source, const sparsed_load_options *options,
                              sparsed_pattern_set **set, sparsed_message *message) {
    if (source->size > SIZE_MAX / 2)
        return spd_fail(message, SPARSED_E_NOMEM, "%s: %llu bytes cannot be mapped", source->name,
                        (unsigned long long)source->size);
    void *memory = mmap(NULL, (size_t)source->size, PROT_READ, MAP_PRIVATE, source->fd, (off_t)0);
    if (memory == MAP_FAILED && errno == ENOMEM)
        return spd_fail(message, SPARSED_E_NOMEM, "%s: no memory for a mapping", source->name);
    if (memory == MAP_FAILED)
        return spd_source_fail_io(source, message, errno, "cannot be mapped");
    source->bytes = memory;
    spd_file_map *map = hold(source, true, options->allocator);
    if (!map) {
        munmap(memory, (size_t)source->size);
        return spd_fail(message, SPARSED_E_NOMEM, "%s: no memory for a mapping", source->name);
    }
    sparsed_status status = read_set(&map->source, options, set, message);
    spd_file_map_release(map);
    return status;
}

sparsed_status sparsed_pattern_set_load(const char *path, const sparsed_load_options *options,
                                        sparsed_pattern_set **set, sparsed_message *message) {
    sparsed_load_options known;
    sparsed_allocator allocator;
    spd_source source = {.fd = -1};
    sparsed_status status = begin(path, "path", set, message);
    if (status == SPARSED_OK)
        status = check_options(options, &known, &allocator, message);
    if (status == SPARSED_OK)
        status = open_source(path, &source, message);
    if (status != SPARSED_OK)
        return status;
    /* An empty file cannot be mapped, and is no pattern file either way. */
    if ((known.flags & SPARSED_LOAD_MAP) != 0 && source.size > 0)
        status = map_set(&source, &known, set, message);
    else
        status = read_set(&source, &known, set, message);
    close(source.fd);
    return status;
}

/* ---- writing ------------------------------------------------------------------------------ */

static sparsed_status write_file(void *user, const void *bytes, uint64_t size_bytes,
                                 sparsed_message *message) {
    return spd_atomic_file_write(user, bytes, size_bytes, message);
}

sparsed_status sparsed_pattern_set_save(const sparsed_pattern_set *set, const char *path,
                                        sparsed_message *message) {
    spd_atomic_file file;
    const spd_sink sink = {write_file, &file};
    sparsed_status status = check_host(message);
    if (status != SPARSED_OK)
        return status;
    if (!set || !path)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL", set ? "path" : "set");
    status = spd_atomic_file_open(&file, path, message);
    if (status != SPARSED_OK)
        return status;
    status = spd_pattern_set_encode(set, &sink, message);
    if (status == SPARSED_OK)
        return spd_atomic_file_commit(&file, message);
    spd_atomic_file_discard(&file);
    return status;
}
