# What is taken from others. packaging/install-dependencies.sh installs all of it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(libzmq REQUIRED IMPORTED_TARGET libzmq>=4.3)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash>=0.8)
find_package(cppzmq REQUIRED)
find_package(msgpack REQUIRED NAMES msgpack msgpackc-cxx msgpack-cxx)
find_package(spdlog 1.10 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(Threads REQUIRED)

# msgpack-cxx is header-only; without this definition it wants Boost.
add_library(hearth_msgpack INTERFACE)
target_link_libraries(hearth_msgpack INTERFACE msgpackc-cxx)
target_compile_definitions(hearth_msgpack INTERFACE MSGPACK_NO_BOOST)
