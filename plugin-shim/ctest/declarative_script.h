// Whether a CMake script only says things: its commands set variables, include files and register
// tests, so that the same files, environment and program make it say the same again. Others may
// ask what is in no file (string(TIMESTAMP), execute_process).
//
// Syntax: cmake-language(7). Where it is wrong, or has more than one reading, the answer is no.
#pragma once

#include <string_view>

namespace hearth::ctest {

bool is_declarative(std::string_view script);

}  // namespace hearth::ctest
