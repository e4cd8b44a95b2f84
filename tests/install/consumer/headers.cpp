// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The sparsed authors
// The headers as a C++17 program uses them: they compile, their initialisers too, and the
// functions link as C's.
#include <cstdio>

#include <sparsed/pattern.h>
#include <sparsed/sparsed.h>

int main() {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_desc desc = SPARSED_DESC_INIT;
    sparsed_select select = SPARSED_SELECT_INIT;
    sparsed_context *context = nullptr;
    sparsed_message message;
    options.device = "opencl:no such device";
    sparsed_status status = sparsed_context_create(&options, &context, &message);
    std::printf("%s: %s\n", sparsed_status_string(status), message.text);
    sparsed_pattern_release(nullptr);
    return status == SPARSED_E_NO_DEVICE && context == nullptr && desc.struct_size == sizeof desc &&
                   select.block_q == 32
               ? 0
               : 1;
}
