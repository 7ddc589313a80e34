#include "app/process_stats.h"

#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <string>

namespace mlgate::app {
namespace {

// A file of /proc or /sys, up to 4 KiB; empty when it cannot be read.
std::string read_small(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  char text[4096];
  const auto size = ::read(fd, text, sizeof text);
  ::close(fd);
  return size > 0 ? std::string(text, std::size_t(size)) : std::string();
}

std::uint64_t page_bytes() { return std::uint64_t(::sysconf(_SC_PAGESIZE)); }

std::uint64_t count_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder)) count += std::uint64_t(entry->d_name[0] != '.');
  ::closedir(folder);
  return count - 1;  // The folder itself.
}

double boot_unix_seconds() {
  const std::string stat = read_small("/proc/stat");
  const auto at = stat.find("btime ");
  if (at == std::string::npos) return 0;
  const auto end = stat.find('\n', at);
  return double(parse_int(trim(std::string_view(stat).substr(at + 6, end - at - 6))).value_or(0));
}

// Fields of /proc/self/stat from the third on, which stand behind the name in brackets.
void read_stat(ProcessStats& out) {
  const std::string stat = read_small("/proc/self/stat");
  const auto bracket = stat.rfind(')');
  if (bracket == std::string::npos) return;
  const auto fields = split(std::string_view(stat).substr(bracket + 2), ' ');
  const auto field = [&](std::size_t number) {
    return fields.size() > number - 3 ? parse_int(fields[number - 3]).value_or(0) : 0;
  };
  out.threads = std::uint64_t(field(20));
  out.start_unix_seconds = boot_unix_seconds() + double(field(22)) / double(::sysconf(_SC_CLK_TCK));
  out.virtual_bytes = std::uint64_t(field(23));
}

}  // namespace

std::uint64_t resident_bytes() {
  const std::string statm = read_small("/proc/self/statm");
  const auto fields = split(statm, ' ');
  return fields.size() > 1 ? parse_uint(fields[1]).value_or(0) * page_bytes() : 0;
}

double cpu_seconds() {
  timespec spent{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return double(spent.tv_sec) + double(spent.tv_nsec) / 1e9;
}

ProcessStats process_stats() {
  ProcessStats out;
  read_stat(out);
  out.cpu_seconds = cpu_seconds();
  out.resident_bytes = resident_bytes();
  out.open_descriptors = count_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.descriptors_max = limit.rlim_cur;
  return out;
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

std::uint64_t group_memory_limit() {
  // "0::/system.slice/mlgate.service"
  const std::string groups = read_small("/proc/self/cgroup");
  const auto at = groups.find("0::");
  if (at == std::string::npos) return 0;
  const auto group = trim(std::string_view(groups).substr(at + 3, groups.find('\n', at) - at - 3));
  for (const std::string& folder : {std::string(group), std::string()}) {
    const std::string text = read_small(("/sys/fs/cgroup" + folder + "/memory.max").c_str());
    if (const auto limit = parse_uint(trim(text))) return *limit;
  }
  return 0;
}

}  // namespace mlgate::app
