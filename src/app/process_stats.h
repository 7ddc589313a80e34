#pragma once
// What the kernel says of this process: memory, processor time, descriptors, and the limits on
// them.
#include <cstdint>

namespace mlgate::app {

struct ProcessStats {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t open_descriptors = 0, descriptors_max = 0;
  double start_unix_seconds = 0;
  std::uint64_t threads = 0;
};
ProcessStats process_stats();

std::uint64_t resident_bytes();
// User and kernel time of all threads.
double cpu_seconds();
// Raises the soft limit of open descriptors to the hard one; the limit in force.
std::uint64_t raise_descriptor_limit();
// The memory limit of the control group that the process is in; 0: none.
std::uint64_t group_memory_limit();

}  // namespace mlgate::app
