#pragma once
// Deleter of std::unique_ptr for what a C library makes and a function of it frees:
// std::unique_ptr<BIO, CFree<BIO_free_all>>.

namespace mlgate {

template <auto F>
struct CFree {
  template <class T>
  void operator()(T* object) const noexcept {
    F(object);
  }
};

}  // namespace mlgate
