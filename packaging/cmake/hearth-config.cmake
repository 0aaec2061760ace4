# find_package(hearth): the tests of the targets that are made from here on are executed by `hearth-exec`, so that plain ctest, and
# whatever calls it, has warm test programs. Nothing else changes; without a daemon they are executed as ever.
#
# hearth_EXECUTABLE  the hearth command
# hearth_LAUNCHER    what stands before a test's command

get_filename_component(hearth_EXECUTABLE "${CMAKE_CURRENT_LIST_DIR}/../../../bin/hearth" ABSOLUTE)
if(NOT EXISTS "${hearth_EXECUTABLE}")
  set(hearth_FOUND FALSE)
  set(hearth_NOT_FOUND_MESSAGE "there is no ${hearth_EXECUTABLE}")
  return()
endif()
set(hearth_LAUNCHER "${hearth_EXECUTABLE}-exec;--")

# A project that has a launcher of its own keeps it; programs for another machine cannot be executed here.
if(CMAKE_CROSSCOMPILING)
  return()
endif()
if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.29)
  if(NOT CMAKE_TEST_LAUNCHER)
    set(CMAKE_TEST_LAUNCHER "${hearth_LAUNCHER}")
  endif()
elseif(NOT CMAKE_CROSSCOMPILING_EMULATOR)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${hearth_LAUNCHER}")
endif()
