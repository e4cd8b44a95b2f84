/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a plan holds on an OpenCL device: its kernels, scratch, and staging for calls on host memory.
 */
#ifndef SPD_CL_KERNEL_H
#define SPD_CL_KERNEL_H

#include "launch_args.h"
#include "state.h"

/* A family of attend kernels: what belongs to a row of the registry. */
typedef struct spd_cl_family {
    const char *source;   /* cl/kernels/<source>.cl, and the kernel's name in it */
    const char *score;    /* the same of the kernel that makes block scores; NULL: source does */
    uint32_t group_items; /* of source's work-groups */
    uint32_t score_items, score_width; /* of score's work-groups; key blocks of one item */
    bool cpu_shaped;                   /* for processors only */
    /* NVIDIA's compute capability, 10 * major + minor, from and to which it runs; 0 = on any device. */
    uint32_t least_capability, most_capability;
    bool promoted; /* source's programs: see promote.h */
    bool mapped;   /* source takes tensor maps, of kernel nv_maps, as its last argument */
    /* source is compiled for what a launch does and for the block sizes. A build alone takes the scores'
     * scale; where attention has neither that one nor half of it, the build is a launch of its own. */
    bool specialised;
    /* Query rows of a unit: at most max_rows[D <= 64, <= 128, <= 256]; and, unless a unit may hold several
     * query blocks, at most block_q where blocks count. */
    uint32_t max_rows[3];
    bool many_blocks;
    /* A work-group takes one unit after another: one group a compute unit is enough. A build keeps sums of the
     * units at hand, not of all rows, and makes scores of them itself. */
    bool loops;
    /* Of a family that loops: where the last round of units leaves compute units idle, several work-groups
     * share a unit's key blocks, for kernel nv_merge to put together. The least tiles of 128 keys that are
     * worth a share; 0: units are not shared. */
    uint32_t share_tiles;
    uint32_t dense_keys; /* key block of a plan without a selection */
    /* log2 of the operations that one launch gives a narrow compute unit of a GPU (a wide one: four times
     * as many), of a processor: enough to fill the device, and well below half a second on a slow one. */
    uint32_t gpu_operations, cpu_operations;
} spd_cl_family;

enum { SPD_CL_FAMILIES = 4 };
extern const spd_kernel_row spd_cl_rows[SPD_CL_FAMILIES];
extern const spd_cl_family spd_cl_families[SPD_CL_FAMILIES];

typedef struct spd_cl_kernel {
    spd_cl_state *state;
    const spd_cl_family *family;
    spd_problem problem; /* of the plan */
    uint32_t unit_rows;
    uint32_t block_q, block_k; /* of the selection, or what stands for them */
    /* What the problem needs. Of a specialised family attend is for attention alone, attend_build for both
     * in one (NULL where that takes two launches), build for a build alone; of others attend is for all. */
    cl_kernel attend, attend_build, build;
    cl_kernel score, select, fixed, clear;
    cl_kernel make_maps; /* of a mapped family */
    cl_mem maps;
    cl_kernel merge; /* where units may be shared; shares: what work-groups found of them */
    cl_mem shares;
    cl_uint select_items;
    uint64_t launch_operations; /* of one launch, at most */
    /* Scratch of a build: block scores of rows_capacity rows over the heads, and exponential sums and maxima
     * of these or, of a family that loops, all in mass, of the units of build_groups work-groups. */
    uint64_t rows_capacity, build_groups;
    cl_mem mass, mass_max, stats, scores;
    /* Copies of host tensors; sizes for the plan's full lengths. */
    cl_mem q, k, v, out, lse, empty;
    uint64_t scratch_bytes;
    spd_cl_use use; /* of the scratch, on a caller's queue */
} spd_cl_kernel;

sparsed_status spd_cl_kernel_create(spd_cl_state *state, const spd_cl_family *family,
                                    const spd_problem *problem, spd_cl_kernel **kernel,
                                    sparsed_message *message);
void spd_cl_kernel_destroy(spd_cl_kernel *kernel); /* NULL is ignored */

/* Where a launch's tensors are: buffers, and the strides to reach them. */
typedef struct spd_cl_tensors {
    cl_mem q, k, v, out, lse, scores;
    uint64_t q_at, k_at, v_at, out_at, lse_at, scores_at; /* first element */
    sparsed_strides q_strides, k_strides, v_strides, out_strides;
} spd_cl_tensors;

/* Enqueues all of a launch on a queue, the tensors and launch->kept being cl_mem on the device;
 * host_scores receives block scores if the caller's are in host memory. The queue runs in order if
 * chain is NULL. Else *chain (may be NULL) is what the first command waits for, and becomes the event
 * of the last one, also if the launch fails halfway. */
sparsed_status spd_cl_launch(spd_cl_kernel *kernel, cl_command_queue queue, cl_event *chain,
                             const spd_launch *launch, const spd_cl_tensors *tensors,
                             float *host_scores, sparsed_message *message);

/* Makes the staging buffers, if they are not there yet. */
sparsed_status spd_cl_kernel_stage(spd_cl_kernel *kernel, sparsed_message *message);

/* Copies a launch's host tensors in, and its results out, on the state's own queue. */
sparsed_status spd_cl_stage_in(spd_cl_kernel *kernel, const spd_launch *launch,
                               spd_cl_tensors *tensors, sparsed_message *message);
sparsed_status spd_cl_stage_out(spd_cl_kernel *kernel, const spd_launch *launch,
                                const spd_cl_tensors *tensors, sparsed_message *message);

/* Elements of a tensor from its first to one past its last. */
uint64_t spd_cl_span(const sparsed_desc *desc, const sparsed_strides *strides, uint32_t heads,
                     uint64_t rows);

/* Bytes of the staging buffer of a tensor. */
uint64_t spd_cl_stage_bytes(const sparsed_desc *desc, const sparsed_strides *strides,
                            uint32_t heads, uint64_t rows, uint32_t element_bytes);

#endif
