"""Which of pytest-xdist's own tests say what a user of its options sees, and which of them hearth does not pass."""

from __future__ import annotations

# Of testing/acceptance_test.py: those that use -n, --dist, -x, --maxfail, --max-worker-restart and pytest's own options.
ACCEPTANCE = (
    "TestDistribution::test_n1_pass",
    "TestDistribution::test_n1_fail",
    "TestDistribution::test_n1_import_error",
    "TestDistribution::test_n2_import_error",
    "TestDistribution::test_n1_skip",
    "TestDistribution::test_exitfirst_waits_for_workers_to_finish",
    "TestDistribution::test_basetemp_in_subprocesses",
    "TestDistribution::test_dist_tests_with_crash",
    "TestDistribution::test_keyboardinterrupt_hooks_issue79",
    "TestDistribution::test_keyboard_interrupt_dist",
    "TestDistribution::test_dist_with_collectonly",
    "TestTerminalReporting::test_output_verbosity",
    "TestTerminalReporting::test_pass_skip_fail",
    "TestTerminalReporting::test_fail_platinfo",
    "TestTerminalReporting::test_logfinish_hook",
    "test_session_testscollected",
    "test_fixture_teardown_failure",
    "test_config_initialization",
    "test_crashing_item",
    "test_multiple_log_reports",
    "test_skipping",
    "test_fixture_scope_caching_issue503",
    "test_tmpdir_disabled",
    "TestWarnings::test_warnings",
    "TestWarnings::test_warning_captured_deprecated_in_pytest_6",
    "TestWarnings::test_custom_subclass",
    "TestWarnings::test_unserializable_arguments",
    "TestWarnings::test_unserializable_warning_details",
    "TestNodeFailure::test_load_single",
    "TestNodeFailure::test_load_multiple",
    "TestNodeFailure::test_max_worker_restart",
    "TestNodeFailure::test_max_worker_restart_tests_queued",
    "TestNodeFailure::test_max_worker_restart_die",
    "TestNodeFailure::test_disable_restart",
    "test_worker_id_fixture",
    "test_testrun_uid_fixture",
    "test_error_report_styles",
    "test_color_yes_collection_on_non_atty",
    "test_without_terminal_plugin",
    "test_internal_error_with_maxfail",
    "test_maxfail_causes_early_termination",
    "test_internal_errors_propagate_to_controller",
    "TestLoadScope::test_by_module",
    "TestLoadScope::test_by_class",
    "TestLoadScope::test_workqueue_ordered_by_size",
    "TestLoadScope::test_workqueue_ordered_by_input",
    "TestLoadScope::test_module_single_start",
    "TestFileScope::test_by_module",
    "TestFileScope::test_by_class",
    "TestFileScope::test_module_single_start",
    "TestGroupScope::test_by_module",
    "TestGroupScope::test_by_class",
    "TestGroupScope::test_module_single_start",
    "TestGroupScope::test_with_two_group_names",
    "TestGroupScope::test_multiple_group_marks",
    "TestGroupScope::test_multiple_group_order",
    "TestLocking::test_single_file",
    "TestLocking::test_multi_file",
    "test_collection_crash",
    "test_dist_in_addopts",
)

# Of the other files: what the processes of a run and the hooks of the controller see.
OTHERS = (
    "test_remote.py::test_remote_env_vars",
    "test_remote.py::test_remote_mainargv",
    "test_remote.py::test_remote_usage_prog",
    "test_remote.py::test_remote_sys_path",
    "test_newhooks.py::TestHooks::test_runtest_logreport",
    "test_newhooks.py::TestHooks::test_node_collection_finished",
    "test_newhooks.py::TestCrashItem::test_handlecrashitem",
    "test_newhooks.py::TestCrashItem::test_handlecrashitem_one",
)

TESTS = (*(f"acceptance_test.py::{name}" for name in ACCEPTANCE), *OTHERS)

_COLLECTION_ERROR = "an error while tests are collected has plain pytest's exit code, 2"

# Those that hearth does not pass, each with its reason; docs/differences-from-xdist.md says it to users.
KNOWN_DIFFERENCES = {
    "acceptance_test.py::TestDistribution::test_n1_import_error": _COLLECTION_ERROR,
    "acceptance_test.py::test_collection_crash": _COLLECTION_ERROR,
    "acceptance_test.py::TestDistribution::test_exitfirst_waits_for_workers_to_finish": (
        "-x has plain pytest's exit code, 1"
    ),
    "acceptance_test.py::TestWarnings::test_warning_captured_deprecated_in_pytest_6": (
        "skips itself: the hook that it is about is not in any pytest that is supported"
    ),
    "acceptance_test.py::TestNodeFailure::test_max_worker_restart_tests_queued": (
        "when no more workers are replaced the others go on, so that one more test may crash"
    ),
    "test_remote.py::test_remote_mainargv": (
        "compares with the arguments of the tests' own process, which is not what starts the run"
    ),
}
