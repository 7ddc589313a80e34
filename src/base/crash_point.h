#pragma once
// Places where a crash would hurt most: right before and right after something becomes durable. In
// builds without NDEBUG the environment variable MLGATE_CRASH_AT=n ends the process by SIGKILL at
// the n-th of them (from 1), and MLGATE_CRASH_COUNT=file leaves their number in the file at every
// one, so that a test can visit all. Release builds compile this to nothing.
namespace mlgate {

#ifdef NDEBUG
inline void crash_point() noexcept {}
#else
void crash_point() noexcept;
#endif

}  // namespace mlgate
