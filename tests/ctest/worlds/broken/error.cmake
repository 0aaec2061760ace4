message(FATAL_ERROR "the list of tests is broken")
