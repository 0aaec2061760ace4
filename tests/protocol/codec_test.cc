#include "protocol/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/protocol/samples.h"

namespace hearth::protocol {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// The JSON twin writes bytes as {"$bytes": hexadecimal}.
json with_binary_values(const json& value) {
  if (value.is_object() && value.contains("$bytes")) {
    const auto digits = value["$bytes"].get<std::string>();
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
    }
    return json::binary(bytes);
  }
  if (!value.is_structured()) return value;
  json result = value;
  for (auto& element : result) element = with_binary_values(element);
  return result;
}

std::string packed(const json& value) {
  std::string bytes;
  json::to_msgpack(value, bytes);
  return bytes;
}

std::string error_of(std::string_view bytes) {
  const auto message = decode(bytes);
  return message ? "accepted" : message.error().message;
}

// What holds for any input: refused with a reason, or a message that is not larger than its bytes
// and survives a round trip.
void expect_sane(const std::string& bytes) {
  const auto message = decode(bytes);
  if (!message) {
    EXPECT_FALSE(message.error().message.empty());
    return;
  }
  const std::string again = encode(*message);
  EXPECT_LE(again.size(), bytes.size());
  const auto second = decode(again);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(*second, *message);
}

void expect_sane_when_damaged(const std::string& bytes) {
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode(std::string_view(bytes).substr(0, length))) << "cut at " << length;
  }
  std::string damaged = bytes;
  for (std::size_t position = 0; position < bytes.size(); ++position) {
    for (int value = 0; value < 256; ++value) {
      damaged[position] = static_cast<char>(value);
      expect_sane(damaged);
    }
    damaged[position] = bytes[position];
  }
}

TEST(Codec, reads_and_writes_every_golden_vector_to_the_byte) {
  std::size_t count = 0;
  for (const auto& path : golden_vectors()) {
    const std::string bytes = read_file(path);
    const auto message = decode(bytes);
    ASSERT_TRUE(message) << path << ": " << message.error().message;
    EXPECT_EQ(name_of(*message), path.stem().string());
    EXPECT_EQ(encode(*message), bytes) << path;
    EXPECT_LE(bytes.size(), encoded_size_bound(*message)) << path;
    ++count;
  }
  EXPECT_EQ(count, std::variant_size_v<Message>);
}

TEST(Codec, golden_vectors_say_what_their_readable_twins_say) {
  for (const auto& path : golden_vectors()) {
    auto twin = path;
    twin.replace_extension(".json");
    const json readable = json::parse(read_file(twin));
    EXPECT_EQ(json::from_msgpack(read_file(path)), with_binary_values(readable)) << path;
  }
}

TEST(Codec, puts_each_field_of_a_golden_vector_where_it_belongs) {
  const std::filesystem::path directory = HEARTH_GOLDEN_DIRECTORY;
  const json fields = json::parse(read_file(directory / "child_exited.json"))[1];
  const auto message = decode(read_file(directory / "child_exited.bin"));
  ASSERT_TRUE(message);
  EXPECT_EQ(*message, (Message{ChildExited{.pid = fields["pid"],
                                           .wait_status = fields["wait_status"],
                                           .user_us = fields["user_us"],
                                           .system_us = fields["system_us"],
                                           .max_rss_kib = fields["max_rss_kib"]}}));
}

TEST(Codec, refuses_every_truncation_and_survives_every_damaged_byte_of_a_handshake) {
  for (const Message& message : handshake()) expect_sane_when_damaged(encode(message));
}

TEST(Codec, refuses_every_truncation_and_survives_every_damaged_byte_of_big_messages) {
  const std::filesystem::path directory = HEARTH_GOLDEN_DIRECTORY;
  for (const char* name : {"stage_ready.bin", "worker_ended.bin", "open_distribution.bin"}) {
    expect_sane_when_damaged(read_file(directory / name));
  }
}

TEST(Codec, keeps_lists_of_ten_thousand_node_ids_and_five_thousand_signatures) {
  StageReady ready;
  ready.stage = Stage::selected;
  for (int i = 0; i < 10'000; ++i) ready.items.push_back("tests/a.py::test_" + std::to_string(i));
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    ready.files.push_back({.path = "/project/" + std::to_string(i),
                           .kind = FileKind::file,
                           .inode = i,
                           .mtime_ns = -1,
                           .digest = std::string("\x00\xff", 2)});
  }
  ready.collected = std::string(1'000'000, '\xc1');
  const auto message = decode(encode(ready));
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(*message, Message{ready});
}

TEST(Codec, appends_to_what_is_there) {
  std::string bytes = "before";
  encode_to(bytes, ItemStarted{.item = 7});
  EXPECT_EQ(bytes, "before" + encode(ItemStarted{.item = 7}));
}

TEST(Codec, names_the_message_and_the_field_that_is_missing) {
  EXPECT_EQ(error_of(packed({44, {{"item", 1}, {"duration_ns", 1}, {"failures", 0}}})),
            "item_finished.reports is missing");
}

TEST(Codec, names_the_message_and_the_field_that_has_another_type) {
  EXPECT_EQ(error_of(packed({43, {{"item", "1"}}})), "item_started.item: expected uint");
  EXPECT_EQ(error_of(packed({43, {{"item", -1}}})), "item_started.item: expected uint");
  EXPECT_EQ(error_of(packed({42, {{"items", {1, "2"}}}})), "items_revoked.items: expected list");
  // A string where bytes belong, and the other way round.
  EXPECT_EQ(error_of(packed({45, {{"event", "x"}, {"failures", 0}, {"fatal", false}}})),
            "worker_event.event: expected bytes");
  EXPECT_EQ(error_of(packed({24, {{"message", json::binary({1})}}})),
            "stage_failed.message: expected string");
  EXPECT_EQ(
      error_of(packed({58, {{"outcome", "wonderful"}, {"message", ""}}})),
      "distribution_finished.outcome: expected one of completed, max_failures, cancelled, failed");
}

TEST(Codec, refuses_an_integer_that_does_not_fit) {
  EXPECT_EQ(error_of(packed(
                {46, {{"exit_status", 9223372036854775808ULL}, {"output", json::binary({})}}})),
            "worker_finished.exit_status: expected int");
}

TEST(Codec, wants_exactly_the_fields_of_a_struct) {
  for (const json& detail : {json{"name"}, json{"name", "value", "more"}}) {
    EXPECT_EQ(error_of(packed({14, {{"name", "x"}, {"details", json::array({detail})}}})),
              "event.details: expected list");
  }
}

TEST(Codec, ignores_unknown_fields_of_a_message_and_their_order) {
  const auto message =
      decode(packed({53, {{"a_new_one", {{"x", {1, 2}}}}, {"pid", 5}, {"worker", "gw0"}}}));
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(*message, (Message{WorkerStarted{.worker = "gw0", .pid = 5}}));
}

TEST(Codec, refuses_an_id_that_it_does_not_know) {
  EXPECT_EQ(error_of(packed({9999, json::object()})), "unknown message id 9999");
  EXPECT_EQ(error_of(packed({0, json::object()})), "unknown message id 0");
}

TEST(Codec, refuses_what_is_not_an_id_and_a_map) {
  for (const json& value : {json(1), json("hello"), json::array(), json{10},
                            json{10, json::object(), 1}, json{"10", json::object()}}) {
    EXPECT_EQ(error_of(packed(value)), "not an array of a message's id and its fields") << value;
  }
  EXPECT_EQ(error_of(packed({10, json::array()})), "get_status: expected a map of its fields");
  EXPECT_EQ(error_of(""), "no bytes");
}

TEST(Codec, refuses_bytes_after_the_message) {
  EXPECT_EQ(error_of(encode(GetStatus{}) + '\xc0'), "bytes after the message");
}

TEST(Codec, refuses_lists_that_announce_more_than_there_is) {
  // Each of 30 nested lists announces 4,000,000 items: gigabytes, if it were believed.
  std::string bytes;
  for (int i = 0; i < 30; ++i) bytes += std::string("\xdd\x00\x3d\x09\x00", 5);
  EXPECT_EQ(error_of(bytes), "a list announces more items than there are bytes");
  EXPECT_EQ(error_of(std::string("\xdf\xff\xff\xff\xff", 5) + std::string(100, '\0')),
            "a list has too many items");
}

TEST(Codec, refuses_values_over_the_limits_of_the_schema) {
  std::string deep(limits::nesting + 1, '\x91');
  EXPECT_EQ(error_of(deep + '\xc0'), "nested too deeply");
  const auto text = [](std::size_t size) {
    return encode(StageFailed{.message = std::string(size, 'x')});
  };
  EXPECT_TRUE(decode(text(limits::string_bytes)));
  EXPECT_EQ(error_of(text(limits::string_bytes + 1)), "a string is too long");
  EXPECT_EQ(error_of(packed({10, {{"extension", json::binary({1}, 5)}}})),
            "extension types are not used");
}

TEST(Codec, does_not_judge_whether_a_string_is_utf8) {
  const Message message = StageFailed{.message = "\xff\xfe"};
  EXPECT_EQ(decode(encode(message)).value(), message);
}

TEST(Codec, spells_enums_as_the_schema_does) {
  EXPECT_EQ(to_string(Outcome::max_failures), "max_failures");
  EXPECT_THAT(encode(DistributionFinished{.outcome = Outcome::cancelled}), HasSubstr("cancelled"));
}

}  // namespace
}  // namespace hearth::protocol
