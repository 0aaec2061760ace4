#include "protocol/endpoints.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "protocol/unix_socket.h"

namespace hearth::protocol {
namespace {

namespace fs = std::filesystem;

constexpr const char* elsewhere = "set HEARTH_RUNTIME_DIR to a directory of your own";

// An empty variable counts as unset, as for XDG_RUNTIME_DIR's specification.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

tl::unexpected<std::string> refuse(const fs::path& path, const std::string& why) {
  return tl::unexpected(path.native() + " " + why);
}

std::string octal(mode_t mode) {
  std::string digits;
  for (int shift = 6; shift >= 0; shift -= 3)
    digits += static_cast<char>('0' + (mode >> shift & 7));
  return digits;
}

tl::expected<void, std::string> check_private(const fs::path& directory) {
  struct stat found {};
  if (::lstat(directory.c_str(), &found) != 0) {
    return refuse(directory, "cannot be looked at (" + std::generic_category().message(errno) +
                                 "): " + elsewhere);
  }
  if (S_ISLNK(found.st_mode)) {
    return refuse(directory, std::string("is a symbolic link: remove it, or ") + elsewhere);
  }
  if (!S_ISDIR(found.st_mode)) {
    return refuse(directory, std::string("is not a directory: remove it, or ") + elsewhere);
  }
  if (found.st_uid != ::geteuid()) {
    return refuse(directory,
                  "belongs to user " + std::to_string(found.st_uid) + ", not to you: " + elsewhere);
  }
  if ((found.st_mode & 0777) != 0700) {
    const std::string mode = "has mode " + octal(found.st_mode & 0777) + " instead of 700: ";
    // One that has another name may be for others, too (/tmp).
    const bool is_for_hearth = directory.filename().native().starts_with("hearth");
    return refuse(directory, is_for_hearth ? mode + "run `chmod 700 " + directory.native() +
                                                 "`, or " + elsewhere
                                           : mode + elsewhere);
  }
  return {};
}

}  // namespace

tl::expected<Endpoints, std::string> locate_endpoints() {
  const std::string own = variable("HEARTH_RUNTIME_DIR");
  const std::string session = variable("XDG_RUNTIME_DIR");
  fs::path directory;
  if (!own.empty()) {
    directory = own;
    if (!directory.is_absolute()) {
      return refuse(directory,
                    "is not an absolute path: set HEARTH_RUNTIME_DIR to one, or unset it");
    }
  } else if (!session.empty() &&
             fs::path(session).is_absolute()) {  // else the specification says: ignore it
    directory = fs::path(session) / "hearth";
  } else {
    directory = "/tmp/hearth-" + std::to_string(::geteuid());
  }
  directory = directory.lexically_normal();
  if (!directory.has_filename())
    directory = directory.parent_path();  // "/x/" would follow a link at /x

  const Endpoints endpoints{directory};
  // "streams" and "clients" are the longest names of sockets.
  if (endpoints.streams().native().size() > max_socket_path) {
    return refuse(directory, "is too long for the address of a socket (" +
                                 std::to_string(max_socket_path) +
                                 " bytes): set HEARTH_RUNTIME_DIR to a shorter path");
  }
  return endpoints;
}

tl::expected<Endpoints, std::string> prepare_endpoints() {
  auto endpoints = locate_endpoints();
  if (!endpoints) return endpoints;
  const fs::path& directory = endpoints->directory;
  if (::mkdir(directory.c_str(), 0700) == 0) {
    // An unusual umask may have taken bits away.
    if (::chmod(directory.c_str(), 0700) != 0) {
      return refuse(directory, "cannot be made private: " + std::generic_category().message(errno));
    }
  } else if (errno == ENOENT) {
    const fs::path parent = directory.parent_path();
    if (::access(parent.c_str(), F_OK) != 0) {
      return refuse(directory, "cannot be made, because " + parent.native() +
                                   " is not there: make that, or " + elsewhere);
    }
    return refuse(directory, "cannot be made in " + parent.native() + ": " + elsewhere);
  } else if (errno != EEXIST) {
    return refuse(directory,
                  "cannot be made (" + std::generic_category().message(errno) + "): " + elsewhere);
  }
  // Also after mkdir: what counts is what is there now.
  if (auto checked = check_private(directory); !checked) return tl::unexpected(checked.error());
  return endpoints;
}

void remove_sockets(const Endpoints& endpoints) {
  for (const char* name : {"clients", "events", "streams"})
    ::unlink((endpoints.directory / name).c_str());
}

void remove_endpoints(const Endpoints& endpoints, FileLock lock) {
  if (!lock.is_current()) return;  // another's by now
  remove_sockets(endpoints);
  // A client may just be starting another daemon: then the directory stays as well.
  if (auto start = FileLock::acquire(endpoints.start_lock(), FileLock::Held::give_up))
    start->remove_file();
  lock.remove_file();
  ::rmdir(endpoints.directory.c_str());
}

}  // namespace hearth::protocol
