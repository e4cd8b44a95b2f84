/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What has to be done differently on known devices: the one place where names of vendors, devices
 * and drivers decide anything. What a device says of itself, and the self-tests, come first: a
 * quirk is for what neither shows in reasonable time.
 */
#ifndef SPD_CL_QUIRKS_H
#define SPD_CL_QUIRKS_H

enum {
    SPD_QUIRK_NO_CPU_SHAPED = 1u, /* the kernels shaped for processors are not tried */
    SPD_QUIRK_NO_GROUP_LIMIT =
        2u,                 /* CL_KERNEL_WORK_GROUP_SIZE means nothing: the device's own limit */
    SPD_QUIRK_FEW_KEYS = 4u /* all loops of a kernel together end after 65535 turns */
};

/* What a device is called; of a quirk: a part that must be there, NULL = any. */
typedef struct spd_cl_names {
    const char *platform, *vendor, *device, *driver;
} spd_cl_names;

/* Flags of all quirks that apply; *why: the last one's reason, or "". */
unsigned spd_cl_quirks(const spd_cl_names *names, const char **why);

#endif
