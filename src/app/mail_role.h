#pragma once
// Mails of this process: the outbox, who writes into it, and, with a mail server, who delivers.
#include "app/settings.h"
#include "management/documents.h"
#include "net/dial_guard.h"
#include "notify/mailer.h"
#include "notify/outbox.h"
#include "notify/postman.h"
#include "store/store.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace mlgate::app {

// Threads: any that may block, but for start() and stop().
class MailRole {
 public:
  struct Parts {  // All references outlive it.
    store::Store& store;
    const store::Vault& vault;
    const apim::Secrets& secrets;
    const net::DialGuard& guard;
    std::filesystem::path authority;  // Our own, trusted besides the system's.
    std::string console_url;          // Where `console.url` says nothing.
  };
  // Names the setting that is wrong.
  static Result<std::unique_ptr<MailRole>> open(const Settings& settings, Parts parts);
  MailRole(const MailRole&) = delete;

  notify::Outbox& outbox() noexcept { return outbox_; }
  const notify::Mailer& mailer() const noexcept { return mailer_; }

  // Begins to deliver; nothing without a mail server.
  void start();
  // The mail that is being handed over ends first.
  void stop() { postman_.reset(); }

 private:
  MailRole(const Settings& settings, Parts parts, std::optional<notify::MailServer> server);

  management::StoreDocuments documents_;
  std::optional<notify::MailServer> server_;
  notify::Outbox outbox_;
  notify::Mailer mailer_;
  std::unique_ptr<notify::Postman> postman_;
};

// The outbox for verbs, which deliver nothing.
notify::Outbox outbox_of(const Settings& settings, store::Store& store, const store::Vault& vault);

}  // namespace mlgate::app
