#pragma once
// Delivers what waits in the outbox, on a thread of its own.
#include "notify/outbox.h"
#include "notify/smtp.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace mlgate::notify {

class Postman {
 public:
  // The outbox and the clock outlive it. Begins at once.
  Postman(Outbox& outbox, const Clock& clock, MailServer server);
  Postman(const Postman&) = delete;
  // The mail that is being handed over may take SmtpClient::kSeconds.
  ~Postman();

  // There may be something to do. Threads: any.
  void wake();

 private:
  void run();
  // When to look again.
  TimeMs deliver();
  bool is_over();

  Outbox& outbox_;
  const Clock& clock_;
  SmtpClient client_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false, woken_ = false;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace mlgate::notify
