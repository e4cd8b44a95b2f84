# SPDX-License-Identifier: Apache-2.0
# Writes the kernels' texts as a C file: cmake -DOUTPUT=FILE.c "-DKERNELS=A.cl;B.clh" -P embed.cmake
set(arrays "")
set(entries "")
foreach(path IN LISTS KERNELS)
    get_filename_component(name "${path}" NAME)
    string(MAKE_C_IDENTIFIER "${name}" identifier)
    file(READ "${path}" hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const char ${identifier}[] = {\n${bytes}0x00};\n")
    string(APPEND entries "    {\"${name}\", ${identifier}},\n")
endforeach()
file(WRITE "${OUTPUT}" "/* Made from cl/kernels by cl/embed.cmake. */
#include \"program.h\"

#include <string.h>

${arrays}
static const struct {
    const char *name, *text;
} kernels[] = {
${entries}};

const char *spd_cl_source(const char *file) {
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (strcmp(kernels[i].name, file) == 0)
            return kernels[i].text;
    return NULL;
}
")
