#include "plugin-shim/ctest/inquiry.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>
#include <variant>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/state_directory.h"
#include "plugin-shim/ctest/declarative_script.h"
#include "plugin-shim/ctest/environment.h"
#include "protocol/frame.h"
#include "protocol/signature.h"
#include "protocol/write_all.h"

namespace hearth::ctest {
namespace {

namespace fs = std::filesystem;
using protocol::FileKind;
using protocol::FileSignature;
using protocol::Look;

// Of all answers together, and of them.
constexpr std::uintmax_t kMostBytes = 256U << 20U;
constexpr std::size_t kMostAnswers = 128;

// To be changed with what makes an answer one that can be trusted, here and in declarative_script.
constexpr std::string_view kRules = "1";

constexpr std::string_view kElf =
    "\x7f"
    "ELF";

// Sixteen bytes.
std::string digest_of(std::string_view text) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(text.data(), text.size()));
  return {reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest};
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4U];
    text += kDigits[static_cast<unsigned char>(byte) & 0xfU];
  }
  return text;
}

bool is_program(const std::string& file) {
  std::array<char, kElf.size()> begin{};
  const protocol::Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  return fd && read(fd.get(), begin.data(), begin.size()) == ssize_t{begin.size()} &&
         std::string_view(begin.data(), begin.size()) == kElf;
}

// What tells a process's looks at its end; empty: nothing, or the loader would not understand its
// name (ld.so(8), LD_PRELOAD).
std::string watching_library() {
  const fs::path prefix = client::executable_directory().parent_path();
  const std::string library = prefix / "lib" / "hearth" / "libhearth_zygote.so";
  const bool has_odd_name = library.find_first_of(" \t\n:$") != std::string::npos;
  return !has_odd_name && access(library.c_str(), R_OK) == 0 ? library : std::string();
}

// All that the answer hangs on, but for what ctest looks at.
std::string question(const std::string& library, const std::vector<std::string>& argv) {
  std::error_code error;
  std::string text = std::string(kRules) + library + '\0' + fs::current_path(error).string() +
                     '\0' + std::to_string(geteuid()) + '\0' + std::to_string(getegid());
  for (const auto& words : {argv, this_environment()}) {
    text += '\0' + std::to_string(words.size()) + '\0';
    for (const std::string& word : words) text += word + '\0';
  }
  return text;
}

// What ctest reads that is no script.
bool is_data(const std::string& file) {
  constexpr std::array<std::string_view, 5> kNames{
      "/DartConfiguration.tcl", "/CTestConfiguration.ini", "/Testing/Temporary/CTestCostData.txt",
      "/Testing/Temporary/LastTestsFailed.log", "/Testing/Temporary/LastTestsDisabled.log"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return file.ends_with(name); }) ||
         is_program(file);
}

// Whether what was read says the same again, as far as it is a script. What changed so shortly
// before that stat could not tell is looked at by content; it may have been another one meanwhile.
bool is_to_be_trusted(FileSignature& file) {
  if (file.look != Look::content) return true;
  if (file.kind == FileKind::absent || file.kind == FileKind::directory) return true;
  if (file.kind != FileKind::file || !file.digest.empty()) return false;
  return is_data(file.path) ||
         (is_declarative(content_of(fs::path(file.path))) && protocol::holds(file));
}

// The message of a frame, which is taken off.
std::optional<protocol::StageReady> take_looks(std::string_view& text) {
  if (text.size() < protocol::frame_header_size) return std::nullopt;
  const std::size_t length = protocol::frame_length(text);
  text.remove_prefix(protocol::frame_header_size);
  if (length > text.size()) return std::nullopt;
  auto message = protocol::decode(text.substr(0, length));
  text.remove_prefix(length);
  auto* looks = message ? std::get_if<protocol::StageReady>(&*message) : nullptr;
  return looks == nullptr ? std::nullopt : std::optional(std::move(*looks));
}

// An answer's file: a digest of the rest; a frame, what ctest looked at; and what it said.
std::optional<std::string> recall(const std::string& file) {
  const std::string text = content_of(fs::path(file));
  std::string_view rest = text;
  const std::string_view digest = rest.substr(0, sizeof(XXH128_canonical_t));
  rest.remove_prefix(digest.size());
  if (digest != digest_of(rest)) return std::nullopt;
  auto looks = take_looks(rest);
  if (!looks || !std::all_of(looks->files.begin(), looks->files.end(),
                             [](FileSignature& look) { return protocol::holds(look); }))
    return std::nullopt;
  utimensat(AT_FDCWD, file.c_str(), nullptr, 0);  // used
  return std::string(rest);
}

// Those that have not been used for longest.
void forget_some(const fs::path& directory) {
  struct Answer {
    fs::file_time_type used;
    fs::path file;
    std::uintmax_t size = 0;
  };
  std::vector<Answer> answers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    answers.push_back({entry.last_write_time(error), entry.path(), entry.file_size(error)});
  std::sort(answers.begin(), answers.end(),
            [](const Answer& one, const Answer& other) { return one.used > other.used; });
  std::uintmax_t bytes = 0;
  for (std::size_t index = 0; index < answers.size(); ++index) {
    bytes += answers[index].size;
    if (index >= kMostAnswers || bytes > kMostBytes) fs::remove(answers[index].file, error);
  }
}

}  // namespace

Inquiry::Inquiry(std::vector<std::string> argv)
    : argv_(std::move(argv)), library_(watching_library()) {
  if (library_.empty() || std::getenv("LD_PRELOAD") != nullptr) return;
  std::error_code error;
  const std::string program = fs::canonical(argv_[0], error).string();
  if (error || !is_program(program)) return;
  file_ =
      client::state_directory() / "listings" / hexadecimal(digest_of(question(library_, argv_)));
  remembered_ = recall(file_);
  if (!remembered_) program_ = protocol::take_signature(program, Look::content);
}

tl::expected<void, std::string> Inquiry::begin() {
  if (remembered_) return {};
  std::vector<std::string> environment = this_environment();
  if (!file_.empty()) {
    const protocol::Fd looks(memfd_create("looks", MFD_CLOEXEC));
    looks_ = protocol::Fd(fcntl(looks.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    environment.push_back("LD_PRELOAD=" + library_);
    environment.push_back("HEARTH_LOOKS=" + std::to_string(looks_.get()) + ":" + program_.path);
  }
  auto process = CapturedProcess::start(argv_, environment, looks_.get());
  if (!process) return tl::unexpected(process.error());
  process_ = std::move(*process);
  return {};
}

Captured Inquiry::wait() {
  if (remembered_) return {0, std::move(*remembered_), {}};
  Captured captured = process_->wait();
  if (!looks_) return captured;
  // Another libc may not like it.
  const bool is_watched =
      captured.wait_status == 0 && captured.errors.find(library_) == std::string::npos;
  if (is_watched && captured.errors.empty()) remember(captured);
  if (is_watched) return captured;
  auto unwatched = CapturedProcess::start(argv_);
  return unwatched ? unwatched->wait() : captured;
}

void Inquiry::remember(const Captured& captured) const {
  const std::string told = content_of(looks_.get());
  std::string_view rest = told;
  auto looks = take_looks(rest);
  if (!looks || !rest.empty()) return;
  // A log that it empties.
  std::erase_if(looks->files, [](const FileSignature& file) { return file.look == Look::written; });
  if (!std::all_of(looks->files.begin(), looks->files.end(), is_to_be_trusted)) return;
  looks->files.push_back(program_);
  std::string text;
  if (!protocol::append_frame(text, *looks)) return;
  text += captured.output;
  const std::string digest = digest_of(text);
  rlimit most{};
  getrlimit(RLIMIT_FSIZE, &most);  // beyond it a write is the end of this process
  if (digest.size() + text.size() > std::min<std::uintmax_t>(kMostBytes, most.rlim_cur)) return;
  const fs::path file(file_);
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  std::string made = file.string() + ".XXXXXX";
  const protocol::Fd stream(mkostemp(made.data(), O_CLOEXEC));
  if (!stream) return;
  const bool is_whole =
      protocol::write_all(stream.get(), digest) && protocol::write_all(stream.get(), text);
  if (is_whole) fs::rename(made, file, error);
  if (!is_whole || error) fs::remove(made, error);
  forget_some(file.parent_path());
}

}  // namespace hearth::ctest
