/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Buffers: PoCL's, in memory of this library's, whose address they keep. */
#include "emulated/opencl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT_BYTES = 4096, NEW_BYTE = 0xff }; /* NaN in every type: new memory is not zero */

typedef struct buffer {
    cl_mem memory;
    ptx_range range;
    struct buffer *next;
} buffer;

static buffer *buffers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

unsigned char *emulated_address(cl_mem memory) {
    unsigned char *address = NULL;
    pthread_mutex_lock(&lock);
    for (const buffer *b = buffers; b && !address; b = b->next)
        if (b->memory == memory)
            address = b->range.first;
    pthread_mutex_unlock(&lock);
    return address;
}

ptx_range *emulated_ranges(size_t *count) {
    size_t number = 0;
    pthread_mutex_lock(&lock);
    for (const buffer *b = buffers; b; b = b->next)
        number++;
    ptx_range *ranges = emulated_allocate((number + 1) * sizeof *ranges);
    *count = 0;
    for (const buffer *b = buffers; b; b = b->next)
        ranges[(*count)++] = b->range;
    pthread_mutex_unlock(&lock);
    return ranges;
}

static void keep(buffer *b) {
    pthread_mutex_lock(&lock);
    b->next = buffers;
    buffers = b;
    pthread_mutex_unlock(&lock);
}

/* PoCL calls it when nothing uses the buffer any more. */
static void CL_CALLBACK forget(cl_mem memory, void *user) {
    buffer *b = user, **link = &buffers;
    (void)memory;
    pthread_mutex_lock(&lock);
    while (*link != b)
        link = &(*link)->next;
    *link = b->next;
    pthread_mutex_unlock(&lock);
    free(b->range.first);
    free(b);
}

/* Of exactly these bytes, so that what is beyond them is no part of any range. */
static buffer *allocate(size_t size) {
    void *first = NULL;
    if (size == 0 || posix_memalign(&first, ALIGNMENT_BYTES, size) != 0)
        return NULL;
    memset(first, NEW_BYTE, size);
    buffer *b = emulated_allocate(sizeof *b);
    b->range = (ptx_range){first, size};
    return b;
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host,
                      cl_int *error_out) {
    cl_int error = host ? CL_INVALID_HOST_PTR : CL_MEM_OBJECT_ALLOCATION_FAILURE;
    buffer *b = host ? NULL : allocate(size);
    if (b)
        b->memory = emulated_real()->CreateBuffer(context, flags | CL_MEM_USE_HOST_PTR, size,
                                                  b->range.first, &error);
    if (error_out)
        *error_out = error;
    if (b && b->memory) {
        keep(b);
        clSetMemObjectDestructorCallback(b->memory, forget, b);
        return b->memory;
    }
    if (b)
        free(b->range.first);
    free(b);
    return NULL;
}
