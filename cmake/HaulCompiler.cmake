# Compiler flags, caching and linking for every target.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)

add_library(haul_options INTERFACE)
target_compile_options(haul_options INTERFACE
  -fPIE  # one setting for libraries and programs, so that both can share the precompiled header
  -Wall -Wextra -Werror -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough -Wextra-semi -Wno-missing-field-initializers
  $<$<CONFIG:Release>:-g1> $<$<CONFIG:Debug>:-g1>
  # Without a time stamp a precompiled header is the same file after each build, and ccache can use it.
  "SHELL:-Xclang -fno-pch-timestamp")
target_compile_definitions(haul_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE BOOST_ERROR_CODE_HEADER_ONLY
  BOOST_ASIO_SEPARATE_COMPILATION HAUL_VERSION="${PROJECT_VERSION}")
target_include_directories(haul_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(haul_options INTERFACE Threads::Threads)
target_link_options(haul_options INTERFACE -fuse-ld=lld -pie)

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0")

if(HAUL_SANITIZE)
  target_compile_options(haul_options INTERFACE -fsanitize=${HAUL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(haul_options INTERFACE -fsanitize=${HAUL_SANITIZE})
endif()
if(HAUL_FUZZ)
  target_compile_options(haul_options INTERFACE -fsanitize=fuzzer-no-link -O1)  # -O1: five times the runs a second
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

# What every target links: the options above, and the one compiled copy of Asio.
add_library(haul_asio STATIC ${CMAKE_SOURCE_DIR}/cmake/asio.cc)
target_link_libraries(haul_asio PRIVATE haul_options Boost::headers)
target_compile_options(haul_asio PRIVATE -Wno-error -w)  # not our code
add_library(haul_flags INTERFACE)
target_link_libraries(haul_flags INTERFACE haul_options haul_asio)
