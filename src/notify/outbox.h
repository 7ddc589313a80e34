#pragma once
// The mails that are to be sent, and those that were: kept in the store before whoever caused them
// is answered, so that no restart and no kill loses one. A mail that waits is claimed before each
// attempt, by moving its next attempt into the future: two processes on one store do not send it
// twice, and one that dies with it leaves it for later. Delivery is at least once.
//
// Texts are sealed, because some hold one-time links; such a text is dropped once it was delivered.
#include "base/result.h"
#include "base/time.h"
#include "store/store.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::notify {

enum class MailState : unsigned char { waiting, sent, failed };
std::string_view to_text(MailState state) noexcept;

struct Mail {
  std::string id;       // Grows with time. Given by the outbox.
  std::string service;  // The instance it is of.
  std::string kind;     // Template or notification.
  std::string from_name, from, to;
  std::string subject;
  std::string body;           // HTML.
  bool holds_secret = false;  // A one-time link, say.
  MailState state = MailState::waiting;
  TimeMs created_ms = 0;
  TimeMs next_ms = 0;  // Of the next attempt.
  TimeMs ended_ms = 0;
  std::int64_t attempts = 0;
  std::string error;          // Of the last attempt.
  std::uint64_t version = 0;  // As read.
};

// An address that may stand in a header and in the protocol as it is.
bool is_mail_address(std::string_view text) noexcept;

// Threads: any that may block.
class Outbox {
 public:
  static constexpr std::size_t kWaitingMax = 10'000;
  static constexpr std::size_t kEndedMax = 10'000;  // The oldest go.
  static constexpr std::size_t kBodyBytesMax = 2 << 20;
  static constexpr TimeMs kPatience = TimeMs{24} * 3'600 * 1'000;
  static constexpr TimeMs kWaitMax = TimeMs{3'600} * 1'000;

  // All outlive it. `first_wait` is what lies between the first attempt and the second; it doubles
  // from then on, up to kWaitMax. Without a mail server (`delivers` false) mails are there to be
  // read, and the oldest make room.
  struct Options {
    TimeMs first_wait = 60'000;
    bool delivers = true;
  };
  Outbox(store::Store& store, const store::Vault& vault, const Clock& clock, Options options)
      : store_(store), vault_(vault), clock_(clock), options_(options) {}

  bool delivers() const noexcept { return options_.delivers; }

  // Durable on return, all or none. exhausted when too many wait.
  Result<void> add(std::vector<Mail> mails);
  // Called after add(), on its thread; short. Before the first use of the outbox from two threads.
  void on_added(std::function<void()> listener) { added_ = std::move(listener); }

  // The newest first, without their texts; `service` empty: of all.
  Result<std::vector<Mail>> list(std::string_view service, std::size_t limit) const;
  // With its text; not_found.
  Result<Mail> find(std::string_view id) const;
  // Sends a mail that failed or waits at once. conflict for one that was sent.
  Result<void> retry(std::string_view id);

  // For the one who delivers ------------------------------------------------------------------
  struct Due {
    std::vector<Mail> mails;        // Whose time has come, oldest first, with their texts.
    std::optional<TimeMs> next_ms;  // When there will be something to do.
  };
  Result<Due> due(std::size_t limit) const;
  // False when somebody else has it. The mail's next attempt is set, as if this one failed.
  Result<bool> claim(Mail& mail);
  Result<void> sent(const Mail& mail);
  // `for_good`: there is no point in another attempt. After kPatience there is none anyway.
  Result<void> failed(const Mail& mail, std::string_view error, bool for_good);

 private:
  Result<Mail> parse(const store::Document& document, bool with_body) const;
  std::string text_of(const Mail& mail) const;
  Result<void> end(Mail mail, MailState state);
  Result<void> make_room(std::size_t coming);
  Result<void> drop_old(std::string_view collection, std::size_t kept);

  store::Store& store_;
  const store::Vault& vault_;
  const Clock& clock_;
  Options options_;
  std::function<void()> added_;
  std::mutex mutex_;
  std::optional<std::size_t> waiting_;  // Guarded; of this process's view, counted at first use.
  std::size_t ended_ = 0;               // Guarded; since old ones were dropped.
};

}  // namespace mlgate::notify
