/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * opencl.h: sparsed on OpenCL objects that the application already has.
 *
 * A context is made from the application's cl_context and cl_device_id. Plans, kept blocks,
 * pipelines and patterns are those of sparsed.h; what is new are two calls that take cl_mem buffers
 * where they lie, wait for events, return an event, and do not wait themselves. Nothing is copied
 * to the host: patterns are built on the device and stay there from step to step, until
 * sparsed_kept_get or sparsed_pipeline_get_pattern asks for one. docs/embedding.md has a whole
 * program.
 *
 *     sparsed_opencl_context_create(opencl_context, device, NULL, &context, &message);
 *     sparsed_pipeline_create(context, &desc, &select, &schedule, LAYERS, &pipeline);
 *     for each step, for each layer:
 *         sparsed_opencl_pipeline_enqueue(pipeline, step, layer, &io, queue, 1, &qkv, &attended);
 *
 * A library built without OpenCL (CMake option SPARSED_OPENCL=OFF) has none of these functions and
 * does not install this header. It includes the OpenCL headers: define CL_TARGET_OPENCL_VERSION
 * (120 or above) first, as for any use of them. Rules of sparsed.h hold here, and:
 *
 * - Order: an enqueued operation starts after the events of its wait list, after what was enqueued
 *   before with the same plan (its scratch memory is in use until then) or the same kept blocks, on
 *   whatever queue, and on an in-order queue after all that was enqueued there. Two plans may run
 *   at the same time on two queues. On an out-of-order queue an operation waits for nothing else,
 *   and what is enqueued later waits for it only through its event; a driver may still run such a
 *   queue in order.
 * - Calls on host memory (sparsed_plan_run, sparsed_pipeline_attend, sparsed_kept_get, _set) work
 *   too, on a queue of the library's own, after what was enqueued with that plan or those kept
 *   blocks. They wait for it: a wait list of the caller's must not depend on their return. The
 *   first one on host tensors with a plan allocates its device copies.
 * - Lifetime: the cl_context is retained, and a queue as long as a plan or kept blocks remember it
 *   as the last one used. Plans, kept blocks, pipelines and the context may be destroyed while
 *   their work is in flight: it completes, for OpenCL keeps the memory of enqueued commands. The
 *   caller keeps its own buffers' contents unchanged until the event is complete, as for any
 *   command, and must not release q, k, v or out before the enqueue returns.
 * - Failures: if the device fails, or a command of the wait list did, the event's status is
 *   negative and the context counts as lost: the next call that would use the device, and every
 *   later one, returns SPARSED_E_DEVICE. Patterns that were read back live on; make a new context.
 */
#ifndef SPARSED_OPENCL_H
#define SPARSED_OPENCL_H

#ifdef __APPLE__
#include <OpenCL/cl.h>
#else
#include <CL/cl.h>
#endif

#include <sparsed/sparsed.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A context on the caller's OpenCL objects. They must be of the libOpenCL that the library opens at
 * run time (libOpenCL.so.1, or what SPARSED_OPENCL_LIBRARY names).
 *   opencl_context  retained until the context is destroyed
 *   device          one of opencl_context's; need not be among sparsed_device_list's (a sub-device)
 *   options         as for sparsed_context_create, but device must be NULL; SPARSED_DEVICE is not
 *                   heeded; may be NULL
 *   context         receives the handle, NULL on failure; destroy it with sparsed_context_destroy
 *   message         may be NULL
 * SPARSED_OK; SPARSED_E_INVALID (an argument; a device that is not opencl_context's);
 * SPARSED_E_NO_DEVICE (the device cannot run the kernels, or libOpenCL cannot be opened; says why);
 * SPARSED_E_NOMEM; SPARSED_E_DEVICE. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_opencl_context_create(cl_context opencl_context,
                                                         cl_device_id device,
                                                         const sparsed_options *options,
                                                         sparsed_context **context,
                                                         sparsed_message *message);

/*
 * sparsed_plan_run on device memory: enqueues one operation and returns.
 *   plan    of a context made by sparsed_opencl_context_create
 *   io      as for sparsed_plan_run, but mem is a cl_mem buffer (or sub-buffer) of the context, and
 *           offset_bytes a multiple of the tensor's element. A buffer must hold all that lengths
 *           and strides reach. valid_start and valid_end are host memory, read before the
 *           call returns
 *   kept    as for sparsed_plan_run; it counts as built from this call on
 *   queue   of the same cl_context and device, in order or not; is flushed
 *   n_wait, wait  events that come first, of the same cl_context; 0 and NULL = none
 *   event   receives an event that is complete when the operation is, to be released by the caller;
 *           NULL on failure; may be NULL
 * SPARSED_OK; SPARSED_E_INVALID (names the argument and its value); SPARSED_E_STATE (also: a
 * context that was not made from a caller's cl_context); SPARSED_E_MISMATCH; SPARSED_E_NOMEM;
 * SPARSED_E_DEVICE. On a failure out is unspecified, and kept holds no pattern if the operation
 * builds. Does not wait for the device, nor allocate host memory itself.
 */
SPARSED_API sparsed_status sparsed_opencl_enqueue(sparsed_plan *plan, sparsed_op op,
                                                  const sparsed_io *io, sparsed_kept *kept,
                                                  cl_command_queue queue, cl_uint n_wait,
                                                  const cl_event *wait, cl_event *event);

/* sparsed_pipeline_attend on device memory: what sparsed_opencl_enqueue is to sparsed_plan_run. */
SPARSED_API sparsed_status sparsed_opencl_pipeline_enqueue(sparsed_pipeline *pipeline,
                                                           uint32_t step, uint32_t layer,
                                                           const sparsed_io *io,
                                                           cl_command_queue queue, cl_uint n_wait,
                                                           const cl_event *wait, cl_event *event);

#ifdef __cplusplus
}
#endif
#endif /* SPARSED_OPENCL_H */
