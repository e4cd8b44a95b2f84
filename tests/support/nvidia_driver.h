/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What failing_opencl.c answers in the place of the real driver while it simulates one of NVIDIA's: the
 * device's capability, and binaries that are PTX. The text has the program's source in it, with its
 * markers (cl/promote.h): a program made of the text is built of that source, which promotion changes.
 */
#ifndef TESTS_SUPPORT_NVIDIA_DRIVER_H
#define TESTS_SUPPORT_NVIDIA_DRIVER_H

#include "cl/api.h"

#include <stdbool.h>

/* Compute capability, 10 * major + minor; 0 = no such driver. */
void nvidia_simulate(unsigned capability, bool drops_comments);
bool nvidia_is_simulated(void);

/* Each true if it answers in the driver's place. */
bool nvidia_device_info(cl_device_info what, size_t size, void *value, size_t *size_out,
                        cl_int *error);
/* Of a program on several devices the text is that of the device that it was built for; those of the others
 * are a byte long. */
bool nvidia_program_info(const spd_cl_api *real, cl_program program, cl_program_info what,
                         size_t size, void *value, size_t *size_out, cl_int *error);
bool nvidia_build_log(cl_program program, cl_program_build_info what, size_t size, void *value,
                      size_t *size_out, cl_int *error);

/* CL_INVALID_BINARY if it is no text of this driver's, for its target or promoted. */
cl_program nvidia_program_of_binary(const spd_cl_api *real, cl_context context,
                                    const unsigned char *binary, size_t bytes, cl_int *error);

void nvidia_note_source(cl_program program, cl_uint number, const char **texts);
void nvidia_note_build(cl_program program, cl_device_id device);
void nvidia_note_failed_build(cl_program program); /* it has a log */
void nvidia_note_release(cl_program program);

#endif
