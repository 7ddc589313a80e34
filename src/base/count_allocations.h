#pragma once
// For tests that hold the number of allocations: counts those of the calling thread. Replaces the
// program's global operator new, so it is included by one file of a test program, and by nothing
// else.
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MLGATE_SANITIZED 1
#endif
#endif

namespace mlgate {
// Since count_allocations() was first called.
inline thread_local std::size_t allocations = 0;
}  // namespace mlgate

#ifdef MLGATE_SANITIZED
// A sanitizer brings its own operator new, and a hook to count by.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           std::size_t),
                                                         void (*on_free)(const volatile void*));

namespace mlgate {
inline void count_allocations() {
  [[maybe_unused]] static const int installed = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t) { ++allocations; }, [](const volatile void*) {});
}
}  // namespace mlgate
#else
void* operator new(std::size_t size) {
  ++mlgate::allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace mlgate {
inline void count_allocations() {}
}  // namespace mlgate
#endif
