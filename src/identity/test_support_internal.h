#pragma once
// What tests of this module share: a clock that stands until it is told otherwise, and people on a
// real store in a folder of its own.
#include "base/crypto.h"
#include "base/time.h"
#include "identity/people.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

namespace mlgate::identity {

class TestClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override { return now; }
  std::int64_t steady_ns() const noexcept override { return now * 1'000'000; }
  TimeMs now = 1'700'000'000'000;
};

class PeopleFixture : public testing::Test {
 protected:
  PeopleFixture()
      : folder_(std::filesystem::temp_directory_path() / ("people-" + new_hex_id())),
        store_(make_store(folder_)) {}
  ~PeopleFixture() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  static std::unique_ptr<store::Store> make_store(const std::filesystem::path& folder) {
    std::filesystem::create_directory(folder);
    return store::open_sqlite(folder / "store.db").value();
  }

  TestClock clock_;
  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
  People people_{*store_, clock_};
};

}  // namespace mlgate::identity
