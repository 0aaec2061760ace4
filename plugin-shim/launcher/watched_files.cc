#include "plugin-shim/launcher/watched_files.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/signature.h"

namespace hearth::launcher {
namespace {

using protocol::FileKind;
using protocol::FileSignature;
using protocol::Look;

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string suffix_of(const std::string& path) {
  const std::string name = name_of(path);
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? std::string() : name.substr(dot);
}

// Also what a broken one keeps a run from coming to any stage, that would tell of it.
bool is_source(const std::string& path) {
  const std::string name = name_of(path);
  return name.ends_with(".py") || name == "pyproject.toml" || name == "pytest.ini" ||
         name == "tox.ini" || name == "setup.cfg";
}

// Byte code, and pytest's cache wherever it is.
bool is_product(const std::string& path) {
  if (path.find("/v/cache/") != std::string::npos) return true;
  for (std::size_t begin = 1; begin < path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    if (protocol::is_run_product(path.substr(begin, end - begin))) return true;
    begin = end + 1;
  }
  return false;
}

// Its names are looked at one by one.
bool is_listing(const FileSignature& signature) {
  return signature.kind == FileKind::directory && signature.look == Look::content;
}

// Whoever only asks about a file wants to know whether it is there; collecting asks about each.
bool is_another(FileSignature& signature) {
  if (signature.look == Look::status && signature.kind == FileKind::file)
    return protocol::take_status(signature.path, signature.look).kind != signature.kind;
  return !protocol::holds(signature);
}

bool is_there(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

WatchedFiles::WatchedFiles(std::string directory) : directory_(std::move(directory)) {
  watch_.watch_tree(directory_);
}

std::vector<std::string> WatchedFiles::run_ended(std::vector<FileSignature> trace) {
  std::unordered_set<std::string> written;
  // A run that ended before its stages were reached has told nothing: it is still about the same.
  if (!trace.empty()) {
    inputs_.clear();
    listed_.clear();
    suffixes_read_.clear();
  }
  for (FileSignature& signature : trace) {
    const std::string path = signature.path;
    if (signature.look == Look::written) {
      written.insert(path);
    } else if (is_listing(signature)) {
      listed_.insert(path);
    } else if (!is_product(path)) {
      if (signature.kind == FileKind::file && signature.look == Look::content)
        suffixes_read_[directory_of(path)].insert(suffix_of(path));
      inputs_[path].push_back(std::move(signature));
    }
  }
  watch_all();

  std::set<std::string> changed;
  for (auto& [path, signatures] : inputs_) {
    for (FileSignature& signature : signatures) {
      if (protocol::holds(signature)) continue;
      changed.insert(path);
      signature = protocol::take_signature(path, signature.look);
    }
  }
  for (const std::string& path : watch_.take().paths) {
    if (is_new_input(path)) changed.insert(path);
  }
  std::erase_if(changed, [&](const std::string& path) {
    return !is_source(path) || !is_there(path) || written.contains(path) || own_.contains(path);
  });
  for (const std::string& path : changed) {
    if (suspects_.contains(path)) own_.insert(path);
  }
  suspects_ = changed;
  std::erase_if(changed, [&](const std::string& path) { return own_.contains(path); });
  return {changed.begin(), changed.end()};
}

void WatchedFiles::watch_all() {
  std::unordered_set<std::string> directories = listed_;
  for (const auto& [path, signatures] : inputs_) {
    directories.insert(directory_of(path));
    if (signatures.front().kind == FileKind::directory) directories.insert(path);
  }
  for (const std::string& directory : directories) watch_.watch(directory);
}

std::vector<std::string> WatchedFiles::changes() {
  const auto [paths, is_any] = watch_.take();
  std::set<std::string> changed;
  for (const std::string& path : paths) {
    if (inputs_.contains(path) ? is_changed(path) : is_new_input(path)) changed.insert(path);
  }
  if (is_any) {
    for (const auto& [path, signatures] : inputs_) {
      if (is_changed(path)) changed.insert(path);
    }
  }
  // The next run is about them as they are now, also if it ends before it can tell.
  for (const std::string& path : changed) {
    if (const auto input = inputs_.find(path); input != inputs_.end()) {
      for (FileSignature& signature : input->second)
        signature = protocol::take_signature(path, signature.look);
    }
  }
  return {changed.begin(), changed.end()};
}

// Against what it was at the run's end, or when a change was told.
bool WatchedFiles::is_changed(const std::string& path) {
  auto& signatures = inputs_.at(path);
  return std::any_of(signatures.begin(), signatures.end(), is_another);
}

// Of a path that is no input yet.
bool WatchedFiles::is_new_input(const std::string& path) const {
  const std::string directory = directory_of(path);
  if (inputs_.contains(path) || name_of(path).starts_with('.') || !is_there(path)) return false;
  if (is_source(path)) return watch_.is_in_tree(path) || listed_.contains(directory);
  const auto suffixes = suffixes_read_.find(directory);
  return listed_.contains(directory) && suffixes != suffixes_read_.end() &&
         suffixes->second.contains(suffix_of(path));
}

}  // namespace hearth::launcher
