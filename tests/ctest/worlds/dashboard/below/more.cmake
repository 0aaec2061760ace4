add_test(by-include "sh" "-c" "echo included")
set_tests_properties(by-include PROPERTIES LABELS "included")
