/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What has to be done differently on known devices: the one place where names of vendors, devices
 * and drivers decide anything.
 */
#ifndef SPD_CL_QUIRKS_H
#define SPD_CL_QUIRKS_H

#include <stdbool.h>

/* What a quirk does. */
enum {
    SPD_QUIRK_REFUSE = 1u,        /* the device is not used at all */
    SPD_QUIRK_NO_CPU_SHAPED = 2u, /* the kernels shaped for processors are not */
    SPD_QUIRK_NO_BINARIES = 4u    /* programs are built from source each time */
};

typedef struct spd_cl_names {
    const char *platform, *vendor, *device, *driver;
} spd_cl_names;

/* Flags of all quirks that apply; *why: the last one's reason, or "". */
unsigned spd_cl_quirks(const spd_cl_names *names, const char **why);

#endif
