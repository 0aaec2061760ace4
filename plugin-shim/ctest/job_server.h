// make's job server, from which ctest takes a token for each test since 3.29.
#pragma once

namespace hearth::ctest {

// `flags`: $MAKEFLAGS, or null. There is one, and this process can reach it.
bool has_job_server(const char* flags);

}  // namespace hearth::ctest
