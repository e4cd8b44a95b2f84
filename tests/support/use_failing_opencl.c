/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See use_failing_opencl.h. */
#include "support/use_failing_opencl.h"

#include <sparsed/sparsed.h>

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

const failing_opencl_control *use_failing_opencl(const char *file) {
    setenv("SPARSED_OPENCL_LIBRARY", file, 1);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail_msg("%s", dlerror());
    const failing_opencl_control *control = dlsym(library, "failing_opencl");
    assert_non_null(control);
    return control;
}

void need_opencl_device(void) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_message message;
    options.device = "opencl";
    if (sparsed_context_create(&options, &context, &message) != SPARSED_OK) {
        print_message("skipped: %s\n", message.text);
        skip();
    }
    sparsed_context_destroy(context);
}
