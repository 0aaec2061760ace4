# How every target is compiled: link hearth_settings and hearth_warnings privately.
add_library(hearth_settings INTERFACE)
target_include_directories(hearth_settings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_features(hearth_settings INTERFACE cxx_std_20)
if(HEARTH_SANITIZE)
  target_compile_options(hearth_settings INTERFACE -fsanitize=${HEARTH_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  target_link_options(hearth_settings INTERFACE -fsanitize=${HEARTH_SANITIZE})
endif()

add_library(hearth_warnings INTERFACE)
target_compile_options(hearth_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
# g++ 12 sees an overlap in every `"text" + std::string` (its bug 105651).
target_compile_options(hearth_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(HEARTH_WERROR)
  target_compile_options(hearth_warnings INTERFACE -Werror)
endif()
