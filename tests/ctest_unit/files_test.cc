#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "plugin-shim/ctest/customization.h"
#include "plugin-shim/ctest/job_server.h"
#include "plugin-shim/ctest/junit.h"
#include "plugin-shim/ctest/stop_time.h"
#include "plugin-shim/ctest/unlisted_properties.h"
#include "plugin-shim/ctest/xml_writer.h"

namespace hearth::ctest {
namespace {

TEST(Customization, is_what_the_script_says_of_its_variables) {
  const auto custom = customization_of(
      "CMake Warning: something else\n"
      "hearth customization: POST_TEST=\n"
      "hearth customization: MAXIMUM_PASSED_TEST_OUTPUT_SIZE=64\n"
      "hearth customization: TEST_OUTPUT_TRUNCATION=head\n");
  ASSERT_TRUE(custom);
  EXPECT_FALSE(custom->has_commands);
  EXPECT_EQ(custom->output_size_passed, 64);
  EXPECT_EQ(custom->output_size_failed, std::nullopt);
  EXPECT_EQ(custom->truncation, Truncation::head);
  EXPECT_TRUE(customization_of("hearth customization: PRE_TEST=make;things\n")->has_commands);
  EXPECT_FALSE(customization_of("hearth customization: TEST_OUTPUT_TRUNCATION=left\n"));
}

TEST(UnlistedProperty, is_found_in_whatever_the_list_of_tests_reads) {
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("unlisted-" + std::to_string(getpid()));
  std::filesystem::create_directories(directory / "sub");
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(directory / name) << text;
  };
  write("CTestTestfile.cmake", "add_test(a \"true\")\nsubdirs(\"sub\")\n");
  write("sub/CTestTestfile.cmake", "include(\"b[1]_include.cmake\")\n");
  write("sub/b[1]_include.cmake", "if(EXISTS \"b[1]_tests.cmake\")\n");
  write("sub/b[1]_tests.cmake", "set_tests_properties(b PROPERTIES TIMEOUT 3)\n");
  EXPECT_EQ(unlisted_property(directory, {3, 28}), "");
  write("sub/b[1]_tests.cmake", "set_tests_properties(b PROPERTIES TIMEOUT_SIGNAL_NAME SIGINT)\n");
  EXPECT_EQ(unlisted_property(directory, {3, 28}), "TIMEOUT_SIGNAL_NAME");
  EXPECT_EQ(unlisted_property(directory, {3, 25}), "");
  EXPECT_EQ(unlisted_property(directory, {4, 0}), "");
  std::filesystem::remove_all(directory);
}

TEST(XmlWriter, has_the_layout_of_ctest) {
  XmlWriter xml;
  xml.start("a");
  xml.attribute("x", "1");
  xml.break_attributes();
  xml.attribute("y", "\"<&'");
  xml.element("b", "text\n");
  xml.element("c", "");
  xml.start("d");
  xml.end();
  xml.end();
  EXPECT_EQ(std::move(xml).release(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<a x=\"1\"\n\ty=\"&quot;&lt;&amp;&apos;\"\n\t>\n"
            "\t<b>text\n</b>\n\t<c></c>\n\t<d/>\n</a>\n");
}

TEST(XmlSafe, names_what_may_not_stand_there) {
  EXPECT_EQ(xml_safe("a\x01\xFF\r\xC3\xA4\"", false),
            "a[NON-XML-CHAR-0x1][NON-UTF-8-BYTE-0xFF]\xC3\xA4\"");
  EXPECT_EQ(xml_safe("\xED\xA0\x80", false),  // half a surrogate pair
            "[NON-UTF-8-BYTE-0xED][NON-UTF-8-BYTE-0xA0][NON-UTF-8-BYTE-0x80]");
}

TEST(Junit, has_a_safe_name) {
  EXPECT_EQ(safe_build_name(""), "(empty)");
  EXPECT_EQ(safe_build_name("a/b:c d"), "abc d");
}

TEST(StopTime, is_today_or_else_tomorrow) {
  const auto now = std::chrono::system_clock::now();
  for (const char* text : {"00:00", "12:30:15", "23:59:59"}) {
    const auto time = read_stop_time(text, now);
    ASSERT_TRUE(time.has_value()) << text;
    // A day on which clocks are changed has an hour more.
    EXPECT_GT(*time, now - std::chrono::seconds(2)) << text;
    EXPECT_LE(*time, now + std::chrono::hours(25)) << text;
  }
  for (const char* text : {"", "12", "25:00", "12:60", "12:00:00 tomorrow", "noon"})
    EXPECT_FALSE(read_stop_time(text, now).has_value()) << text;
}

TEST(JobServer, is_there_when_it_can_be_reached) {
  EXPECT_FALSE(has_job_server(nullptr));
  EXPECT_FALSE(has_job_server(" -j4"));
  EXPECT_FALSE(has_job_server(" -j4 --jobserver-auth=1022,1023"));
  EXPECT_TRUE(has_job_server(" -j4 --jobserver-auth=0,1 -- X=1"));
  EXPECT_FALSE(has_job_server(" -j4 --jobserver-auth=fifo:/nowhere/pipe"));
}

}  // namespace
}  // namespace hearth::ctest
