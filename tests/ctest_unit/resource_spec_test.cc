#include "plugin-shim/ctest/resource_spec.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/protocol/temporary_directory.h"

namespace hearth::ctest {
namespace {

class ResourceSpec : public testing::Test {
 protected:
  std::optional<scheduler::Resources> read(const std::string& text) const {
    const auto file = directory_.path() / "spec.json";
    std::ofstream(file) << text;
    return read_resource_spec(file);
  }
  static std::string with_local(const std::string& local) {
    return R"({"version": {"major": 1, "minor": 0}, "local": )" + local + "}";
  }

  protocol::TemporaryDirectory directory_;
};

TEST_F(ResourceSpec, names_units_and_their_slots) {
  const auto resources =
      read(with_local(R"([{"gpus": [{"id": "0", "slots": 4}, {"id": "1"}], "Odd": 7}])"));
  ASSERT_TRUE(resources.has_value());
  ASSERT_EQ(resources->types().size(), 1U);  // what is no identifier does not count
  EXPECT_EQ(resources->types().at("gpus").at("0").total, 4U);
  EXPECT_EQ(resources->types().at("gpus").at("1").total, 1U);
}

TEST_F(ResourceSpec, may_be_wrong_in_every_place) {
  EXPECT_FALSE(read_resource_spec(directory_.path() / "none").has_value());
  for (const std::string& text :
       {std::string("nonsense"), std::string("[]"), std::string(R"({"local": []})"),
        std::string(R"({"version": {"major": 2, "minor": 0}, "local": []})"), with_local("7"),
        with_local("[{}, {}]"), with_local("[7]"), with_local(R"([{"gpus": 7}])"),
        with_local(R"([{"gpus": [{"slots": 1}]}])"), with_local(R"([{"gpus": [{"id": "a b"}]}])"),
        with_local(R"([{"gpus": [{"id": "0", "slots": "many"}]}])")})
    EXPECT_FALSE(read(text).has_value()) << text;
}

TEST_F(ResourceSpec, may_be_named_by_the_project) {
  std::ofstream(directory_.path() / "CTestTestfile.cmake")
      << "# comment\nset(CTEST_RESOURCE_SPEC_FILE \"/a b/spec.json\")\n";
  EXPECT_EQ(resource_spec_of_project(directory_.path()), "/a b/spec.json");
}

TEST_F(ResourceSpec, says_what_a_test_cannot_have) {
  const auto resources = read(with_local(R"([{"gpus": [{"id": "0", "slots": 1}]}])"));
  ASSERT_TRUE(resources.has_value());
  ctest::Test test;
  test.name = "t";
  test.resource_groups = {{{"gpus", 2}}, {{"boards", 1}}};
  EXPECT_EQ(lack_of(test, *resources, "spec.json"),
            "Insufficient resources for test t:\n\n"
            "  Test requested resources of type 'boards' which does not exist\n\n"
            "  Test requested resources of type 'gpus' in the following amounts:\n"
            "    2 slots\n"
            "  but only the following units were available:\n"
            "    '0': 1 slot\n\n"
            "Resource spec file:\n\n  spec.json");
  test.resource_groups = {{{"gpus", 1}}};
  EXPECT_EQ(lack_of(test, *resources, "spec.json"), "");
}

}  // namespace
}  // namespace hearth::ctest
