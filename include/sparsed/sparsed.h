/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * sparsed.h: SparseD attention for diffusion language models.
 *
 * SparseD (ICLR 2026, arXiv 2509.24014) runs dense attention in the early denoising steps, takes
 * one block pattern per layer and head at the end of them, and uses block-sparse attention with
 * that pattern in every later step. docs/algorithm.md fixes what is computed, exactly.
 *
 * The short way in:
 *
 *     sparsed_options options = SPARSED_OPTIONS_INIT;
 *     sparsed_context *context;
 *     sparsed_context_create(&options, &context, NULL);
 *
 *     sparsed_desc desc = SPARSED_DESC_INIT;         // shapes, dtype, strides
 *     sparsed_select select = SPARSED_SELECT_INIT;   // how blocks are chosen
 *     sparsed_schedule_entry entries[STEPS];         // what each step does
 *     sparsed_schedule_preset("upstream", 0.2, entries, STEPS, NULL);
 *     sparsed_schedule schedule = {
 *         .struct_size = sizeof schedule, .steps = STEPS, .entries = entries};
 *
 *     sparsed_pipeline *pipeline;
 *     sparsed_pipeline_create(context, &desc, &select, &schedule, LAYERS, &pipeline);
 *     for each step, for each layer:                 // in the model's attention layer
 *         sparsed_pipeline_attend(pipeline, step, layer, &io);
 *
 * Rules that hold everywhere
 * - Status: every call that can fail returns a sparsed_status; 0 is success. The text of the last
 *   error is sparsed_context_error(); calls without a context take a sparsed_message instead.
 * - Handles: a failed create sets the handle to NULL; destroy and release accept NULL.
 * - Structs that begin with struct_size are append-only: set it to sizeof the struct (the _INIT
 *   macros do). A smaller size means an older caller, whose missing fields are 0; a larger one is
 *   accepted if every byte that this library does not know is 0. Where a default is named, 0
 *   stands for it.
 * - Threads: a context and everything created from it are used by one thread at a time; different
 *   contexts may run at the same time. sparsed_pattern is immutable and may be shared.
 * - Lifetime: destroy what was created from a context before the context; patterns outlive it.
 * - Quiet: the library never prints, exits or keeps global state. Three exceptions: the CPU backend
 *   opens OpenBLAS once a process, at its first use, and sets it to one thread; it asks Linux to
 *   let the process use AMX, where there is AMX; libOpenCL, once opened, stays in the process.
 * - Names: B batch, H query heads, Hk key/value heads, Lq and Lk query and key rows, D head
 *   dimension, nq = ceil(Lq / block_q), nk = ceil(Lk / block_k).
 */
#ifndef SPARSED_SPARSED_H
#define SPARSED_SPARSED_H

#include <stddef.h>
#include <stdint.h>

#if defined(SPARSED_STATIC)
#define SPARSED_API
#elif defined(_WIN32)
#define SPARSED_API __declspec(dllimport)
#elif defined(__GNUC__)
#define SPARSED_API __attribute__((visibility("default")))
#else
#define SPARSED_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define SPARSED_VERSION_MAJOR 0
#define SPARSED_VERSION_MINOR 1
#define SPARSED_VERSION_PATCH 0

/* The library's version as 0x00MMmmpp. Thread-safe. */
SPARSED_API uint32_t sparsed_version(void);

/* ---- status ------------------------------------------------------------------------------- */

/* Values are never renumbered. */
typedef enum sparsed_status {
    SPARSED_OK = 0,
    SPARSED_E_INVALID = -1,     /* an argument is out of its range; the message names it */
    SPARSED_E_NOMEM = -2,       /* host or device memory could not be had */
    SPARSED_E_UNSUPPORTED = -3, /* legal, but no kernel of this device does it; says why */
    SPARSED_E_STATE = -4,       /* calls in an order that makes no sense */
    SPARSED_E_NO_DEVICE = -10,  /* no device fits the request */
    SPARSED_E_DEVICE = -11,     /* the device failed; outputs are unspecified. Once it is lost (the
                                   message says so), every later call that would use it returns
                                   this: make a new context */
    SPARSED_E_COMPILE = -12,    /* the kernel that was asked for does not build on the device; the
                                   compiler's words */
    SPARSED_E_SELF_TEST = -13,  /* the kernel that was asked for gave wrong numbers */
    SPARSED_E_IO = -20,         /* a file could not be read or written; names path and cause */
    SPARSED_E_FORMAT = -21,     /* a file is not what it should be, or cut short; says where */
    SPARSED_E_VERSION = -22,    /* a file of a later version of the format */
    SPARSED_E_CHECKSUM = -23,   /* a file is damaged; says in which section */
    SPARSED_E_MISMATCH = -24    /* a pattern does not fit the problem; names field and values */
} sparsed_status;

/* A short English name of a status, such as "invalid argument". Never NULL. Thread-safe. */
SPARSED_API const char *sparsed_status_string(sparsed_status status);

/* Receives the text of an error from calls that have no context. A call that takes one accepts
 * NULL; on success the text is set to "". */
typedef struct sparsed_message {
    char text[512];
} sparsed_message;

/* ---- memory and log ----------------------------------------------------------------------- */

/* Replaces malloc for everything of a context (patterns read from it included). allocate returns
 * memory aligned to alignment_bytes (a power of two) or NULL; release is never given NULL. Both may
 * be called from the thread that calls the library only, but for release: the last release of a
 * pattern may come from any thread. */
typedef struct sparsed_allocator {
    void *(*allocate)(void *user, size_t size_bytes, size_t alignment_bytes);
    void (*release)(void *user, void *memory);
    void *user;
} sparsed_allocator;

typedef enum sparsed_log_level {
    SPARSED_LOG_ERROR = 1,
    SPARSED_LOG_INFO = 2, /* the device and kernels chosen, and why; one line each */
    SPARSED_LOG_DEBUG = 3 /* sizes, self-tests */
} sparsed_log_level;

/* Receives one line at a time, without a newline, on the thread that calls the library. */
typedef struct sparsed_logger {
    void (*write)(void *user, sparsed_log_level level, const char *line);
    void *user;
} sparsed_logger;

/* ---- devices and contexts ----------------------------------------------------------------- */

/* "auto" prefers them in this order: a GPU that passes a self-test, then the CPU backend. */
typedef enum sparsed_device_kind {
    SPARSED_DEVICE_GPU = 1,
    SPARSED_DEVICE_CPU = 2,        /* the CPU backend */
    SPARSED_DEVICE_CPU_OPENCL = 3, /* a processor through OpenCL, such as PoCL */
    SPARSED_DEVICE_OTHER = 4       /* another accelerator; never chosen by "auto" */
} sparsed_device_kind;

typedef struct sparsed_device_info {
    uint32_t struct_size;
    uint32_t usable;   /* 1, or 0 with the reason in note */
    char selector[32]; /* what sparsed_options.device takes: "cpu", "opencl:0:1"; no more than a
                          name: "opencl:caller", a device of opencl.h's that is not listed */
    char name[128];    /* the device's own name */
    char vendor[64];
    char driver[96];           /* what runs underneath: "OpenBLAS 0.3.21, core SkylakeX", and at
                                  levels above baseline ", for cpu-blas alone"; OpenCL: platform,
                                  version, driver version */
    char capabilities[160];    /* instruction sets or extensions: "avx2 fma avx512f ..." */
    char note[256];            /* why not usable; else what to know: a warning; often "" */
    char blas_core[32];        /* CPU: the core type that OpenBLAS chose; "" without OpenBLAS */
    char blas_core_wanted[32]; /* CPU at the level baseline: the core type to force with
                                  OPENBLAS_CORETYPE, set before the process's first use of OpenBLAS,
                                  because blas_core is far too slow for this processor; "" when
                                  blas_core is fine, and at other levels */
    uint32_t compute_units;    /* CPU: threads that would be used by default */
    uint32_t reserved;
    uint64_t memory_bytes; /* total memory of the device; 0 = unknown */
    uint32_t kind;         /* sparsed_device_kind */
    uint32_t reserved_tail;
    char reason[128];   /* of a context's device: why it was chosen; else "" */
    char runner_up[32]; /* of a context's device: the selector of what came next; "" = nothing */
    char isa[16];       /* CPU: the highest level of instruction sets in use, as SPARSED_CPU_ISA
                           names them; else "" */
} sparsed_device_info;

/*
 * Lists the devices that this build knows of, best first; none is opened. A backend that finds none
 * (a machine without OpenCL) is one entry, last, with the backend's name for a selector, not
 * usable, and the reason in note.
 *   infos    [*count] entries to fill, each with struct_size set; NULL to ask for the number alone
 *   count    in: room in infos; out: the number of devices (may be larger than the room)
 *   message  may be NULL
 * SPARSED_OK; SPARSED_E_INVALID (count is NULL, a struct_size is wrong); SPARSED_E_NOMEM.
 * Thread-safe. Its first call in a process may load OpenBLAS, libOpenCL and its drivers.
 */
SPARSED_API sparsed_status sparsed_device_list(sparsed_device_info *infos, size_t *count,
                                               sparsed_message *message);

typedef struct sparsed_context sparsed_context; /* one device; one thread at a time */

typedef struct sparsed_options {
    uint32_t struct_size;
    uint32_t flags;     /* 0 */
    const char *device; /* "auto", "cpu" or "opencl[:PLATFORM[:DEVICE]]"; NULL = the environment
                           variable SPARSED_DEVICE, or "auto" without it. See below */
    const char *kernel; /* run this registry row ("cpu-avx512", "cl-generic") or fail;
                           NULL = the first row that passes its self-test */
    uint32_t threads;   /* of the CPU backend; 0 = as OpenMP would (OMP_NUM_THREADS) */
    uint32_t reserved;
    const sparsed_allocator *allocator; /* copied; NULL = the C library's */
    const sparsed_logger *logger;       /* copied; NULL = silent */
} sparsed_options;
/* clang-format off */
#define SPARSED_OPTIONS_INIT {sizeof(sparsed_options), 0, NULL, NULL, 0, 0, NULL, NULL}
/* clang-format on */

/*
 * Devices are named so:
 *   "auto"                the first GPU that passes a self-test; else the CPU backend; else (where
 *                         that is absent) a processor through OpenCL. What fails is logged
 *   "cpu"                 the CPU backend
 *   "opencl"              the first usable OpenCL device: GPUs before processors before others
 *   "opencl:P", "opencl:P:D"  one whose platform P and device D fit: a number as in
 *                         sparsed_device_info.selector, or in any case of letters a part of the
 *                         platform's text (sparsed_device_info.driver) or of the device's name
 * No part may be empty. A device that was named is used or the call fails: nothing takes its place.
 *
 * Environment variables, read when a context is created, devices are listed, or kernels are built;
 * an empty one is as none, but for SPARSED_CACHE_DIR:
 *   SPARSED_DEVICE          see sparsed_options.device
 *   SPARSED_CPU_ISA         the highest level of instruction sets that the CPU backend may use:
 *                           "baseline" (plain C, OpenBLAS); x86-64: "avx2" (with FMA, F16C, BMI2),
 *                           "avx512" (F, BW, CD, DQ, VL), "avx512-bf16", "amx" (AMX-BF16); arm:
 *                           "neon". Of any other name, or a level that the processor or the system
 *                           lacks, the CPU backend is not usable. Unless it is named, avx512-bf16
 *                           is used on AMD's processors alone: its products have twice the rate of
 *                           float's there, and half of it on Intel's
 *   SPARSED_OPENCL_LIBRARY  the file to open instead of libOpenCL.so.1 or libOpenCL.so
 *   SPARSED_CACHE_DIR       folder of built OpenCL programs and of the crossover table; "off" or "":
 *                           none. Without it XDG_CACHE_HOME/sparsed or HOME/.cache/sparsed. It must
 *                           be the user's own, no link, and writable by nobody else, or programs
 *                           are not kept and a table there is refused. It may be deleted at any time
 *   SPARSED_KERNEL_DIR      folder of OpenCL sources to use instead of the built-in ones, for work
 *                           on kernels: common.clh and each kernel's file must be there
 */

/*
 * Opens a device.
 *   options  may be NULL (all defaults); strings are copied
 *   context  receives the handle, NULL on failure; destroy it with sparsed_context_destroy
 *   message  may be NULL
 * SPARSED_OK; SPARSED_E_INVALID (an argument, a device or kernel of no known name; more than 1024
 * threads); SPARSED_E_NO_DEVICE (no such device in this build or machine, or not usable: says why);
 * SPARSED_E_DEVICE; SPARSED_E_NOMEM.
 * Thread-safe.
 */
SPARSED_API sparsed_status sparsed_context_create(const sparsed_options *options,
                                                  sparsed_context **context,
                                                  sparsed_message *message);

/* Closes the device. Plans, kept blocks and pipelines must be gone. NULL is ignored. */
SPARSED_API void sparsed_context_destroy(sparsed_context *context);

/* What went wrong in the last call on this context or an object of it; "" if it succeeded. Never
 * NULL; valid until the next call. */
SPARSED_API const char *sparsed_context_error(const sparsed_context *context);

/* Describes the context's device. SPARSED_E_INVALID: NULL argument, wrong struct_size. */
SPARSED_API sparsed_status sparsed_context_device(sparsed_context *context,
                                                  sparsed_device_info *info);

typedef struct sparsed_kernel_info {
    uint32_t struct_size;
    uint32_t usable; /* 1 if the row accepts this device and has failed no self-test so far */
    char name[32];   /* registry row: what sparsed_options.kernel takes */
    char about[96];
    char verdict[256]; /* the reason why not, or the self-tests passed so far and their error */
    uint32_t passed;   /* self-tests so far; a row that does not accept the device has none */
    uint32_t failed;
    uint32_t dtypes;       /* storage types it takes: bit 1 << SPARSED_F32, and so on */
    uint32_t head_dims[2]; /* the only head dimensions it takes; 0, 0: all */
    uint32_t reserved;
} sparsed_kernel_info;

/* Lists the registry rows of the context's device, best first, with what is known of each so far.
 * infos and count as in sparsed_device_list. SPARSED_E_INVALID: count NULL, wrong struct_size. */
SPARSED_API sparsed_status sparsed_kernel_list(sparsed_context *context, sparsed_kernel_info *infos,
                                               size_t *count);

/* Runs the self-test of every row that accepts the context's device, over the storage types that it
 * takes at head dimensions 64, 128 and 40; afterwards sparsed_kernel_list tells the verdicts.
 * SPARSED_OK even if a row fails, or loses the device; SPARSED_E_NOMEM. A row's first one compiles
 * its kernels: on OpenCL that may take a minute. A line of the log (SPARSED_LOG_INFO) says when a
 * row begins. */
SPARSED_API sparsed_status sparsed_kernel_self_test(sparsed_context *context);

/* ---- the problem -------------------------------------------------------------------------- */

typedef enum sparsed_dtype {
    SPARSED_F32 = 1,
    SPARSED_F16 = 2, /* IEEE binary16 */
    SPARSED_BF16 = 3 /* the upper half of an f32 */
} sparsed_dtype;

/* Distances in elements; all 0 = packed [B,H,L,D] ([B,Hk,L,D] for k and v). The head dimension is
 * contiguous. [B,L,H,D] is {L*H*D, D, H*D}. Overlap is allowed for k and v, not for out. */
typedef struct sparsed_strides {
    uint64_t batch, head, row;
} sparsed_strides;

enum { SPARSED_DESC_Q_START = 1u }; /* sparsed_desc.flags: q_start is given */

typedef struct sparsed_desc {
    uint32_t struct_size;
    uint32_t flags; /* SPARSED_DESC_* */
    uint32_t dtype; /* sparsed_dtype of q, k and v in memory. Arithmetic is in float; of bf16 some
                           CPU kernels multiply weights that are rounded to bf16, with sums in float
                           (sparsed_options.kernel "cpu-avx512" or "cpu-avx2" does not) */
    uint32_t out_dtype;                        /* the same, or SPARSED_F32; 0 = the same */
    uint32_t batch, heads, kv_heads, head_dim; /* heads % kv_heads == 0; head_dim: a multiple of 8,
                                                  8 to 256 */
    uint32_t score_heads; /* H in upstream-llada's 1/sqrt(H); 0 = heads. A shard of a model's heads
                             passes the model's number */
    uint32_t reserved;
    uint64_t q_len, kv_len; /* rows, at most; q_len <= kv_len <= 2^31 - 1 */
    uint64_t q_start; /* with SPARSED_DESC_Q_START: query row 0 is row q_start of the sequence;
                         without it the query rows are the last ones: kv_len - q_len */
    double scale;     /* of the attention logits; 0 = 1/sqrt(head_dim); else 1e-30 to 1e30 */
    sparsed_strides q, k, v, out;
} sparsed_desc;
/* clang-format off */
#define SPARSED_DESC_INIT \
    {sizeof(sparsed_desc), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, {0, 0, 0}, {0, 0, 0}, \
     {0, 0, 0}, {0, 0, 0}}
/* clang-format on */

/* How the kept keys of each query block are chosen (docs/algorithm.md, "Selection"). The fixed
 * modes use nothing of a sparsed_select but block sizes, window and sinks, and drop keys exactly;
 * only a NaN or infinity of v in a key block of which a row attends to some keys reaches the row
 * all the same. */
typedef enum sparsed_mode {
    SPARSED_MODE_PAPER = 1, /* prompt and generation blocks ranked apart, ceil(ratio * n) each */
    SPARSED_MODE_UPSTREAM_DREAM = 2, /* as the public code does for Dream; score scale 1/sqrt(D) */
    SPARSED_MODE_UPSTREAM_LLADA = 3, /* the same for LLaDA; score scale 1/sqrt(score_heads) */
    SPARSED_MODE_JOINT = 4,          /* one ranking over all blocks */
    SPARSED_MODE_WINDOW = 5,         /* fixed: keys with |i - j| <= window, exact to the element */
    SPARSED_MODE_STREAMING = 6       /* fixed: the window and the first `sinks` keys */
} sparsed_mode;

typedef enum sparsed_score_reduce {
    SPARSED_REDUCE_SUM = 0, /* a block's score is the sum of its probabilities */
    SPARSED_REDUCE_MAX = 1  /* the largest row's mass in the block */
} sparsed_score_reduce;

/* sparsed_select.flags */
enum {
    SPARSED_SELECT_DENSE_GENERATION_ROWS =
        1u,                             /* query blocks with a generation row keep all keys */
    SPARSED_SELECT_KEEP_DIAGONAL = 2u,  /* add the key blocks that meet the query block's rows */
    SPARSED_SELECT_KEEP_GENERATION = 4u /* add the generation region's key blocks */
};

typedef struct sparsed_select { /* append-only */
    uint32_t struct_size;
    uint32_t flags;            /* SPARSED_SELECT_* */
    uint32_t mode;             /* sparsed_mode */
    uint32_t score_reduce;     /* sparsed_score_reduce */
    uint32_t block_q, block_k; /* rows: 16, 32, 64 or 128 each, independent of each other */
    uint32_t always_first;     /* first key blocks added to every row, outside the budget */
    uint32_t reserved;
    uint64_t gen_len; /* rows of the generation region, the last ones; 0 is legal. A build needs so
                         many valid rows in each batch */
    double ratio;     /* share of the blocks to keep, in (0, 1]; not used by the fixed modes */
    double score_scale; /* 0 = what the mode sets; else 1e-30 to 1e30 */
    uint64_t window;    /* fixed modes: keys on either side */
    uint64_t sinks;     /* streaming: first keys of the sequence, always kept */
} sparsed_select;
/* clang-format off */
#define SPARSED_SELECT_INIT \
    {sizeof(sparsed_select), 0, SPARSED_MODE_UPSTREAM_DREAM, SPARSED_REDUCE_SUM, 32, 32, 0, 0, 0, \
     0.3, 0.0, 0, 0}
/* clang-format on */

/* Memory: a host pointer; in the calls of opencl.h a cl_mem. */
typedef struct sparsed_buffer {
    void *mem;
    uint64_t offset_bytes;
} sparsed_buffer;

typedef struct sparsed_io {
    uint32_t struct_size;
    uint32_t flags; /* 0 */
    /* q [B,H,Lq,D], k and v [B,Hk,Lk,D], out [B,H,Lq,D], as desc's strides and dtypes say. Any
     * alignment; out, lse and scores overlap nothing. q, k, v are only read. */
    sparsed_buffer q, k, v, out;
    /* Optional (mem NULL = not wanted). lse f32 [B,H,Lq]: natural logarithm of the sum of
     * exp(scale * q.k) over the keys attended. scores f32, written by the ops that build: the block
     * scores [B,H,nq,nk]; in the upstream modes [2,B,H,nq,nk], where the second part ranks the
     * generation blocks (0 for prompt blocks). */
    sparsed_buffer lse, scores;
    /* [B] valid rows [start, end) of each sequence, host memory; NULL = all. Rows outside attend to
     * nothing, are attended by nothing, and give 0 (lse: -inf). Blocks, the generation region and
     * budgets are counted from start, so that a padded sequence gives what it gives alone. */
    const uint64_t *valid_start, *valid_end;
    uint64_t q_len, kv_len; /* this run's rows; 0 = the plan's. Packed strides follow them */
    double ratio;           /* for the ops that build: instead of the plan's; 0 = the plan's */
} sparsed_io;

typedef enum sparsed_op {
    SPARSED_DENSE = 0,       /* attention over all keys */
    SPARSED_DENSE_BUILD = 1, /* the same, and the pattern of these q and k, in one pass */
    SPARSED_BUILD = 2,       /* the pattern alone; v and out are not used */
    SPARSED_SPARSE = 3,      /* attention over the kept blocks */
    SPARSED_BUILD_SPARSE = 4 /* SPARSED_BUILD, then SPARSED_SPARSE with it */
} sparsed_op;

/* ---- plan and kept blocks: the layer below the pipeline ------------------------------------ */

typedef struct sparsed_plan sparsed_plan; /* shape and selection on a context; one run at a time */
typedef struct sparsed_kept sparsed_kept; /* one layer's kept blocks, where the device reads them */
typedef struct sparsed_pattern sparsed_pattern; /* the same as host bits: pattern.h */

/*
 * Validates a problem, chooses the kernel (predicate, on OpenCL devices a build, then a self-test
 * against a double-precision oracle, whose verdict the context keeps) and allocates the scratch
 * memory: a run allocates and compiles nothing (opencl.h has one exception).
 *   select  NULL: dense only
 *   plan    receives the handle, NULL on failure
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_UNSUPPORTED (no row runs it: says why of each);
 * SPARSED_E_SELF_TEST, SPARSED_E_COMPILE, SPARSED_E_IO (what the row that sparsed_options.kernel
 * names failed with; the last: a file of SPARSED_KERNEL_DIR); SPARSED_E_DEVICE; SPARSED_E_NOMEM.
 */
SPARSED_API sparsed_status sparsed_plan_create(sparsed_context *context, const sparsed_desc *desc,
                                               const sparsed_select *select, sparsed_plan **plan);
SPARSED_API void sparsed_plan_destroy(sparsed_plan *plan); /* NULL is ignored */

typedef struct sparsed_plan_info {
    uint32_t struct_size;
    uint32_t threads;       /* OpenCL: compute units */
    char kernel[32];        /* the registry row that runs */
    uint64_t scratch_bytes; /* held by the plan. CPU: O(threads * (block_q + 1) * nk) floats and
                               tiles; kernels that multiply bf16 keep v transposed besides, B * Hk *
                               Lk * D elements (twice that on AMX with 16-key blocks); few heads
                               against many keys, results of parts: 17 MiB at most; OpenCL, on
                               the device: a build's sums and maxima, and its block scores (each 64
                               MiB at most; on a GPU 1/64 of its memory, from 64 MiB to 1 GiB), room
                               for host tensors */
    uint64_t kept_bytes;    /* held by each sparsed_kept */
    uint64_t q_blocks, k_blocks; /* nq, nk; 0 without a selection */
    uint64_t split; /* first key block of the generation region, for full-length runs */
    uint64_t keep_prompt, keep_generation; /* budgets of the two rankings, for full-length runs */
    double scale, score_scale;             /* the numbers in force */
} sparsed_plan_info;
SPARSED_API sparsed_status sparsed_plan_describe(sparsed_plan *plan, sparsed_plan_info *info);

/*
 * Runs one operation on host memory and returns when it is done.
 *   kept  written by the ops that build, read by SPARSED_SPARSE; NULL for SPARSED_DENSE
 * A build overwrites kept as a whole; if the run fails, kept holds no pattern.
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_STATE (a build or sparse run of a plan without a
 * selection; sparse with a kept that holds no pattern); SPARSED_E_MISMATCH (kept was built for
 * other lengths); SPARSED_E_NOMEM; SPARSED_E_DEVICE. Results are repeatable bit for bit on one
 * device and do not depend on the number of threads. A query row whose block keeps nothing gives 0
 * and lse -inf.
 */
SPARSED_API sparsed_status sparsed_plan_run(sparsed_plan *plan, sparsed_op op, const sparsed_io *io,
                                            sparsed_kept *kept);

/* Storage for one layer's kept blocks under this plan (it must have a selection); empty at first.
 * Several may exist. Destroy before the plan's context; it may outlive the plan. */
SPARSED_API sparsed_status sparsed_kept_create(sparsed_plan *plan, sparsed_kept **kept);
SPARSED_API void sparsed_kept_destroy(sparsed_kept *kept); /* NULL is ignored */

/* Copies a host pattern in. SPARSED_E_MISMATCH names the field that differs, and both values:
 * batch, heads, block_q, block_k, a length above the plan's; a fixed mode's pattern also mode,
 * window, sinks. SPARSED_E_DEVICE. */
SPARSED_API sparsed_status sparsed_kept_set(sparsed_kept *kept, const sparsed_pattern *pattern);

/* Copies the kept blocks out as a new host pattern, to be released by the caller. SPARSED_E_STATE:
 * nothing was built or set. SPARSED_E_DEVICE. */
SPARSED_API sparsed_status sparsed_kept_get(sparsed_kept *kept, sparsed_pattern **pattern);

/* ---- auto: dense where sparse does not pay ------------------------------------------------- */

/*
 * Below some length a sparse pass takes as long as a dense one. A table of measurements says where
 * that is; given one, a pipeline decides before its first step, once for all steps, and the answer
 * is exactly that of the steps it then runs. Where no row fits nothing was measured, and attention
 * is sparse, as asked.
 *
 *     size_t count = 0;                              // this user's table, and what is shipped
 *     sparsed_crossover_load(NULL, NULL, &count, &message);
 *     sparsed_crossover_row *rows = calloc(count, sizeof *rows);
 *     sparsed_crossover_load(NULL, rows, &count, &message);
 *     sparsed_crossover table = {.struct_size = sizeof table, .count = count, .rows = rows};
 *     schedule.crossover = &table;                   // then sparsed_pipeline_create
 */

typedef enum sparsed_crossover_source {
    SPARSED_CROSSOVER_NONE = 0,    /* nothing was measured */
    SPARSED_CROSSOVER_SHIPPED = 1, /* by the authors; comes with the library */
    SPARSED_CROSSOVER_MEASURED = 2 /* here: `sparsed bench --tune`, or the application */
} sparsed_crossover_source;

/* One measurement: on this device and kernel, for such tensors and blocks, and patterns of this
 * density, sparse attention pays from `length` keys on. It says nothing of fewer keys than
 * `shortest`, and if none paid nothing of more than `longest`.
 * Rows do not tell heads, threads, modes and generation lengths apart, which move the length by about
 * as much as noise does (docs/bench.md): measure with those that you run with. The rows shipped for the
 * CPU are of one processor, 2 threads and 8 heads, and stand for every other that runs the kernel. */
typedef struct sparsed_crossover_row {
    char device[128]; /* sparsed_device_info.name; "" = any device that runs the kernel */
    char kernel[32];  /* registry row: sparsed_plan_info.kernel */
    uint32_t dtype, head_dim, block_q, block_k;
    uint32_t source; /* sparsed_crossover_source */
    uint32_t reserved;
    double density;             /* (0, 1]; as asked for, before budgets are rounded to blocks */
    uint64_t shortest, longest; /* key rows that were measured */
    uint64_t length;            /* one of them, or 0: none of them paid */
} sparsed_crossover_row;

typedef struct sparsed_crossover { /* append-only */
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t count;
    const sparsed_crossover_row *rows; /* [count], in any order */
} sparsed_crossover;

/*
 * Reads a table: the rows of a file, then those that the library ships. The only call of the
 * library that reads it.
 *   path   NULL: the user's table, sparsed_crossover_path, which is refused if it or its folder is
 *          a link, does not belong to the user, or others may change it; "": no file. A file that
 *          does not exist has no rows
 *   rows   [*count] to fill; NULL to ask for the number alone
 *   count  in: room in rows; out: the number of rows (may be larger than the room)
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_IO; SPARSED_E_FORMAT (names the line);
 * SPARSED_E_VERSION; SPARSED_E_NOMEM. message may be NULL. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_crossover_load(const char *path, sparsed_crossover_row *rows,
                                                  size_t *count, sparsed_message *message);

/*
 * Writes the rows whose source is SPARSED_CROSSOVER_MEASURED, whole or not at all; the others are
 * left out. Densities are kept to 4 decimals, rounded up.
 *   path  NULL: the user's table, whose folder is made if it is not there; others may not read it
 * SPARSED_OK; SPARSED_E_INVALID (a row that no measurement can give; the user has no table);
 * SPARSED_E_IO; SPARSED_E_NOMEM. message may be NULL. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_crossover_save(const char *path,
                                                  const sparsed_crossover_row *rows, size_t count,
                                                  sparsed_message *message);

/* Where the user's table lies: crossover.txt in the folder that SPARSED_CACHE_DIR names, or in
 * XDG_CACHE_HOME/sparsed, or in HOME/.cache/sparsed. SPARSED_E_INVALID: there is none
 * (SPARSED_CACHE_DIR is "" or "off", or none of them is set), or it does not fit in size_bytes. */
SPARSED_API sparsed_status sparsed_crossover_path(char *path, size_t size_bytes,
                                                  sparsed_message *message);

typedef struct sparsed_crossover_choice {
    uint32_t struct_size;
    uint32_t dense;  /* 1: attention stays dense */
    uint32_t source; /* of row */
    uint32_t reserved;
    double density;            /* the share of key blocks that was expected to be kept */
    uint64_t length;           /* key rows */
    sparsed_crossover_row row; /* what decided; all 0 if nothing did */
    char reason[384];          /* one line: what was chosen, and why */
} sparsed_crossover_choice;

/*
 * What a table says of a plan: its device, kernel, dtype, head dimension and block sizes must be the
 * row's, and the row must say something of its kv_len. Expected is the density that the selection asks
 * for: the ratio, or a fixed mode's own, and what is always kept; not what rounding to whole blocks
 * makes of it, which a row's measurement has in it at its lengths. A row by which sparse attention pays at
 * that length counts if its density is the expected one or higher, a row by which it does not if the
 * expected density is at least 3/4 of its own. Of those the user's come before the shipped ones, then
 * the nearest density.
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_STATE (a plan without a selection).
 */
SPARSED_API sparsed_status sparsed_crossover_choose(sparsed_plan *plan,
                                                    const sparsed_crossover *table,
                                                    sparsed_crossover_choice *choice);

/* ---- schedule and pipeline ---------------------------------------------------------------- */

typedef struct sparsed_schedule_entry {
    uint32_t op; /* SPARSED_DENSE, _DENSE_BUILD, _BUILD_SPARSE or _SPARSE */
    uint32_t reserved;
    double ratio; /* for an entry that builds: instead of the selection's; 0 = the selection's */
} sparsed_schedule_entry;

/* sparsed_schedule.flags. A build that no later step uses runs as SPARSED_DENSE, unless */
enum {
    SPARSED_SCHEDULE_SAVE = 1u, /* the last patterns are read afterwards: the last build is made */
    SPARSED_SCHEDULE_EVERY_BUILD = 2u /* the patterns of every build are read: all are made */
};

typedef struct sparsed_schedule {
    uint32_t struct_size;
    uint32_t flags; /* SPARSED_SCHEDULE_* */
    uint32_t steps; /* 1 to 2^20 */
    uint32_t reserved;
    const sparsed_schedule_entry *entries; /* [steps]; copied by sparsed_pipeline_create */
    const sparsed_crossover *crossover; /* auto: run dense if this table says that sparse does not
                                           pay; read by sparsed_pipeline_create. NULL: run entries
                                           as they are */
} sparsed_schedule;

/*
 * Fills entries[0 .. steps-1] with a preset:
 *   "upstream"    dense, dense + build at int(steps * skip) + 1, then sparse (the public code)
 *   "paper"       the same with the build at max(0, int(steps * skip) - 1)
 *   "no-dense"    build + sparse at 0, then sparse
 *   "rebuild"     dense as upstream up to the build step, from there build + sparse in every step
 *   "window:A:B"  sparse in steps A .. B-1 only (A builds), dense elsewhere; 0 <= A < B <= steps
 *   "dense"       dense in every step
 *   "warm"        dense in steps 0 .. int(steps * skip) - 1, then sparse with patterns that the
 *                 caller gives (sparsed_pipeline_set_patterns) before the first sparse step
 *   skip          in [0, 1]; int() truncates a double product
 * If the build step is past the last step, no step is sparse: legal. message may be NULL.
 * SPARSED_OK; SPARSED_E_INVALID. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_schedule_preset(const char *name, double skip,
                                                   sparsed_schedule_entry *entries, uint32_t steps,
                                                   sparsed_message *message);

typedef struct sparsed_pipeline sparsed_pipeline; /* a schedule, and one kept per layer */

/*
 * Prepares one sequence's run: one plan shared by all layers, one kept per layer.
 *   select  NULL if no entry builds or is sparse
 * SPARSED_OK; SPARSED_E_INVALID; and what sparsed_plan_create and sparsed_kept_create return.
 */
SPARSED_API sparsed_status sparsed_pipeline_create(sparsed_context *context,
                                                   const sparsed_desc *desc,
                                                   const sparsed_select *select,
                                                   const sparsed_schedule *schedule,
                                                   uint32_t layers, sparsed_pipeline **pipeline);
SPARSED_API void sparsed_pipeline_destroy(sparsed_pipeline *pipeline); /* NULL is ignored */

/*
 * Attention of one layer in one step, as the schedule says: the one call that an application adds
 * to its attention layer. Steps of a layer never go back; they may repeat or skip. SPARSED_OK;
 * SPARSED_E_INVALID; SPARSED_E_STATE (a step before the layer's last one; a sparse step of a layer
 * that has no pattern); and what sparsed_plan_run returns.
 */
SPARSED_API sparsed_status sparsed_pipeline_attend(sparsed_pipeline *pipeline, uint32_t step,
                                                   uint32_t layer, const sparsed_io *io);

/* What auto chose (sparsed_schedule.crossover), for the densest pattern that the schedule builds. A
 * pipeline that stays dense has a plan without a selection, so no patterns to get or set, unless the
 * schedule's flags ask for builds.
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_STATE (the schedule had no table). The same line is in
 * the context's log (SPARSED_LOG_INFO). */
SPARSED_API sparsed_status sparsed_pipeline_choice(sparsed_pipeline *pipeline,
                                                   sparsed_crossover_choice *choice);

/* What a step runs: *op is the schedule's entry, or SPARSED_DENSE for a build that nothing uses, and
 * for all that is sparse where auto stays dense. */
SPARSED_API sparsed_status sparsed_pipeline_op(sparsed_pipeline *pipeline, uint32_t step,
                                               sparsed_op *op);

/* A layer's pattern, out of and into the pipeline: as sparsed_kept_get and sparsed_kept_set. */
SPARSED_API sparsed_status sparsed_pipeline_get_pattern(sparsed_pipeline *pipeline, uint32_t layer,
                                                        sparsed_pattern **pattern);
SPARSED_API sparsed_status sparsed_pipeline_set_pattern(sparsed_pipeline *pipeline, uint32_t layer,
                                                        const sparsed_pattern *pattern);

/* The plan that the layers share, described. */
SPARSED_API sparsed_status sparsed_pipeline_describe(sparsed_pipeline *pipeline,
                                                     sparsed_plan_info *info);

/* ---- helpers ------------------------------------------------------------------------------ */

/*
 * Merges attention over disjoint sets of keys into attention over their union, in host memory, on
 * the calling thread, whatever the context's device:
 *   lse = log(sum exp(lse_i)),  out = sum exp(lse_i - lse) * out_i
 *   parts  [n], n >= 1; of each, out and lse are read (out in desc's out_dtype and strides)
 *   into   out and lse are written; may be one of the parts, but overlap no other. Its q_len is the
 *          number of rows of all of them; 0 = desc's
 * Parts are added in their order. SPARSED_OK; SPARSED_E_INVALID.
 */
SPARSED_API sparsed_status sparsed_lse_merge(sparsed_context *context, const sparsed_desc *desc,
                                             const sparsed_io *parts, uint32_t n,
                                             const sparsed_io *into);

/* Share of the len x len query-key pairs that a fixed mode keeps (window: sinks 0); 0 if len is
 * 0. */
SPARSED_API double sparsed_fixed_density(uint64_t len, uint64_t window, uint64_t sinks);

/* The smallest window whose density is at least `density`; len - 1 at most. */
SPARSED_API uint64_t sparsed_fixed_window(uint64_t len, uint64_t sinks, double density);

#ifdef __cplusplus
}
#endif
#endif /* SPARSED_SPARSED_H */
