# What every folder's CMakeLists uses: the flags, and one function for a library per folder.

add_compile_definitions(_GNU_SOURCE MIDFLIGHT_VERSION="${PROJECT_VERSION}" MIDFLIGHT_BUILD_TYPE="${CMAKE_BUILD_TYPE}"
                        MIDFLIGHT_SANITIZE="${MIDFLIGHT_SANITIZE}")
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
                    -Wwrite-strings -fno-strict-aliasing)
if(MIDFLIGHT_WERROR)
  add_compile_options(-Werror)
endif()
if(MIDFLIGHT_SANITIZE)
  add_compile_options(-fsanitize=${MIDFLIGHT_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${MIDFLIGHT_SANITIZE})
  if(MIDFLIGHT_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# What a module is compiled with besides, so that strategy `patch` can redirect its functions (harness/node/redirect.h).
include(CheckCCompilerFlag)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  check_c_compiler_flag(-fpatchable-function-entry=24,16 MIDFLIGHT_HAS_SLEDS)
  if(MIDFLIGHT_HAS_SLEDS)
    set(MIDFLIGHT_MODULE_OPTIONS -fpatchable-function-entry=24,16 -fcf-protection=none -falign-functions=16)
  endif()
endif()

# mf_library(NAME DEPENDS...): the library of the folder it is called in, out of every .c file there
function(mf_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/harness)
    target_link_libraries(${name} PUBLIC ${ARGN})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR}/harness)
    target_link_libraries(${name} INTERFACE ${ARGN})
  endif()
endfunction()
