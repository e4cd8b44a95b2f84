# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where. Components: runtime (shared library, licence), dev (headers,
# CMake package, pkg-config file, docs), tools (the command, its
# manual pages and its built-in model). Everything finds its parts from where it lies, so that an
# installed tree can be moved.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/sparsed")

install(TARGETS libsparsed EXPORT sparsed-targets
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT dev
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev)
set(without_opencl "")
if(NOT SPARSED_OPENCL)
    set(without_opencl PATTERN opencl.h EXCLUDE)
endif()
install(DIRECTORY include/sparsed DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev
    FILES_MATCHING PATTERN "*.h" ${without_opencl})
install(EXPORT sparsed-targets NAMESPACE sparsed:: DESTINATION "${package_dir}" COMPONENT dev)

configure_package_config_file(tools/cmake/sparsed-config.cmake.in sparsed-config.cmake
    INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(sparsed-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/sparsed-config.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/sparsed-config-version.cmake"
    DESTINATION "${package_dir}" COMPONENT dev)

# pkg-config: paths from the file's own place; a static library brings what it needs.
file(RELATIVE_PATH up "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" up "${up}")
cmake_path(APPEND pc_libdir "\${prefix}" "${CMAKE_INSTALL_LIBDIR}")
cmake_path(APPEND pc_includedir "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")
set(pc_cflags "")
set(pc_static_libs "")
if(NOT BUILD_SHARED_LIBS)
    set(pc_cflags " -DSPARSED_STATIC")
    foreach(name IN LISTS OpenMP_C_LIB_NAMES CMAKE_DL_LIBS ITEMS m)
        string(APPEND pc_static_libs " -l${name}")
    endforeach()
endif()
configure_file(tools/cmake/sparsed.pc.in sparsed.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/sparsed.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)

install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT runtime)
install(FILES README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT dev)
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT dev
    PATTERN man EXCLUDE)

if(TARGET sparsed)
    file(RELATIVE_PATH bin_to_lib "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
    set_target_properties(sparsed PROPERTIES INSTALL_RPATH "\$ORIGIN/${bin_to_lib}")
    install(TARGETS sparsed RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tools)
    install(DIRECTORY docs/man/ DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT tools)
    install(FILES models/README.md DESTINATION "${CMAKE_INSTALL_DATADIR}/sparsed/models"
        COMPONENT tools)
    install(DIRECTORY models/tiny-dream DESTINATION "${CMAKE_INSTALL_DATADIR}/sparsed/models"
        COMPONENT tools)
endif()
