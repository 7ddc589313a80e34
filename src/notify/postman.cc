#include "notify/postman.h"

#include <algorithm>
#include <chrono>

namespace mlgate::notify {
namespace {

constexpr std::size_t kAtOnce = 20;
// Mails of other processes are found by looking.
constexpr TimeMs kLookEvery = 15'000;
constexpr TimeMs kBreath = 20;

}  // namespace

Postman::Postman(Outbox& outbox, const Clock& clock, MailServer server)
    : outbox_(outbox), clock_(clock), client_(std::move(server)), thread_([this] { run(); }) {}

Postman::~Postman() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Postman::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

bool Postman::is_over() {
  const std::lock_guard lock(mutex_);
  return over_;
}

void Postman::run() {
  while (!is_over()) {
    const TimeMs wait = deliver();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(wait), [this] { return over_ || woken_; });
    woken_ = false;
  }
}

TimeMs Postman::deliver() {
  auto due = outbox_.due(kAtOnce);
  if (!due) return kLookEvery;
  TimeMs next = due->next_ms.value_or(clock_.now_ms() + kLookEvery);
  for (Mail& mail : due->mails) {
    if (is_over()) return 0;
    const auto mine = outbox_.claim(mail);
    if (!mine || !*mine) continue;
    next = std::min(next, mail.next_ms);
    const auto done = client_.send(mail, clock_.now_ms());
    // When the store fails here, the mail's next attempt stands as it was claimed.
    const auto noted = done ? outbox_.sent(mail)
                            : outbox_.failed(mail, done.error().message(),
                                             done.error().code() == Errc::invalid_argument);
    (void)noted;
  }
  if (due->mails.size() == kAtOnce) return 0;
  return std::clamp(next - clock_.now_ms(), kBreath, kLookEvery);
}

}  // namespace mlgate::notify
