#include "notify/outbox.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"

#include <algorithm>
#include <array>

namespace mlgate::notify {
namespace {

constexpr std::string_view kWaiting = "notify.waiting";
constexpr std::string_view kEnded = "notify.ended";
constexpr std::size_t kAddressBytesMax = 254;
constexpr std::size_t kErrorBytesMax = 500;
constexpr std::size_t kPage = 500;
constexpr std::array<std::string_view, 3> kStates{"waiting", "sent", "failed"};

// Sorts by time: 13 digits of milliseconds, then chance.
std::string new_id(TimeMs now) {
  std::string digits = std::to_string(now);
  if (digits.size() < 13) digits.insert(0, 13 - digits.size(), '0');
  return digits + "-" + new_hex_id().substr(0, 16);
}

bool is_id(std::string_view id) {
  return id.size() == 30 && std::ranges::all_of(id, [](char c) {
           return c == '-' || (hex_digit(c) >= 0 && ascii_lower(c) == c);
         });
}

std::string place_of(std::string_view id) { return "notify/" + std::string(id); }

}  // namespace

std::string_view to_text(MailState state) noexcept {
  return kStates[static_cast<std::size_t>(state) % kStates.size()];
}

bool is_mail_address(std::string_view text) noexcept {
  const std::size_t at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.size() <= kAddressBytesMax && text.find('@', at + 1) == std::string_view::npos &&
         is_utf8(text) && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
                  std::string_view("\"<>(),;:\\[]").find(c) != std::string_view::npos;
         });
}

std::string Outbox::text_of(const Mail& mail) const {
  Json out = Json::object({{"service", mail.service},
                           {"kind", mail.kind},
                           {"fromName", mail.from_name},
                           {"from", mail.from},
                           {"to", mail.to},
                           {"subject", mail.subject},
                           {"body", vault_.seal(mail.body, place_of(mail.id))},
                           {"secret", mail.holds_secret},
                           {"state", to_text(mail.state)},
                           {"created", mail.created_ms},
                           {"next", mail.next_ms},
                           {"ended", mail.ended_ms},
                           {"attempts", mail.attempts},
                           {"error", mail.error}});
  return out.dump();
}

Result<Mail> Outbox::parse(const store::Document& document, bool with_body) const {
  TRY(const Json json, Json::parse(document.body));
  Mail mail;
  mail.id = document.key;
  mail.version = document.version;
  mail.service = json.string_or("service");
  mail.kind = json.string_or("kind");
  mail.from_name = json.string_or("fromName");
  mail.from = json.string_or("from");
  mail.to = json.string_or("to");
  mail.subject = json.string_or("subject");
  mail.holds_secret = json.bool_or("secret", false);
  const auto* const state = std::ranges::find(kStates, json.string_or("state"));
  if (state != kStates.end()) mail.state = static_cast<MailState>(state - kStates.begin());
  mail.created_ms = json.int_or("created", 0);
  mail.next_ms = json.int_or("next", 0);
  mail.ended_ms = json.int_or("ended", 0);
  mail.attempts = json.int_or("attempts", 0);
  mail.error = json.string_or("error");
  if (with_body) {
    TRY(mail.body, vault_.unseal(json.string_or("body"), place_of(mail.id)));
  }
  return mail;
}

// Mails are few and the store is far: what waits is counted here, not there.
Result<void> Outbox::make_room(std::size_t coming) {
  const std::lock_guard lock(mutex_);
  if (!waiting_) {
    TRY(const auto waiting, store_.page(kWaiting, "", "", kWaitingMax));
    waiting_ = waiting.size();
  }
  if (*waiting_ + coming > kWaitingMax) {
    if (options_.delivers)
      return fail(Errc::exhausted, "Too many mails wait to be sent. Try again later.");
    TRY_OK(drop_old(kWaiting, kWaitingMax / 2));
    waiting_ = kWaitingMax / 2;
  }
  *waiting_ += coming;
  return {};
}

Result<void> Outbox::add(std::vector<Mail> mails) {
  if (mails.empty()) return {};
  std::vector<store::Write> writes;
  for (Mail& mail : mails) {
    if (!is_mail_address(mail.to) || !is_mail_address(mail.from))
      return fail(Errc::invalid_argument, "This is not an e-mail address.", "email");
    if (mail.body.size() > kBodyBytesMax)
      return fail(Errc::invalid_argument, "The text of the mail is too long.", "body");
    mail.created_ms = mail.next_ms = clock_.now_ms();
    mail.id = new_id(mail.created_ms);
    writes.push_back({std::string(kWaiting), mail.id, text_of(mail), store::Expect::absent});
  }
  TRY_OK(make_room(mails.size()));
  TRY_OK(store_.commit(std::move(writes)));
  if (added_) added_();
  return {};
}

Result<std::vector<Mail>> Outbox::list(std::string_view service, std::size_t limit) const {
  std::vector<Mail> out;
  for (const std::string_view collection : {kWaiting, kEnded}) {
    TRY(const auto documents, store_.list(collection, ""));
    for (const store::Document& one : documents) {
      TRY(Mail mail, parse(one, false));
      if (service.empty() || equals_ignoring_case(mail.service, service))
        out.push_back(std::move(mail));
    }
  }
  std::ranges::sort(out, std::greater(), &Mail::id);
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<Mail> Outbox::find(std::string_view id) const {
  if (is_id(id)) {
    for (const std::string_view collection : {kWaiting, kEnded}) {
      TRY(const auto document, store_.get(collection, id));
      if (document) return parse(*document, true);
    }
  }
  return fail(Errc::not_found, "There is no such mail.", "id");
}

Result<void> Outbox::retry(std::string_view id) {
  TRY(Mail mail, find(id));
  if (mail.state == MailState::sent)
    return fail(Errc::conflict, "This mail was delivered already.", "id");
  const bool waits = mail.state == MailState::waiting;
  mail.state = MailState::waiting;
  mail.next_ms = clock_.now_ms();
  mail.ended_ms = 0;
  // Its patience begins anew.
  mail.created_ms = waits ? mail.created_ms : mail.next_ms;
  std::vector<store::Write> writes;
  if (waits) {
    writes.push_back(
        {std::string(kWaiting), mail.id, text_of(mail), store::Expect::version, mail.version});
  } else {
    writes.push_back(
        {std::string(kEnded), mail.id, std::nullopt, store::Expect::version, mail.version});
    writes.push_back({std::string(kWaiting), mail.id, text_of(mail), store::Expect::absent});
  }
  auto written = store_.commit(std::move(writes));
  if (!written && written.error().code() == Errc::precondition_failed)
    return fail(Errc::conflict, "This mail is being sent at this moment.", "id");
  if (!written) return std::unexpected(std::move(written).error());
  if (added_) added_();
  return {};
}

Result<Outbox::Due> Outbox::due(std::size_t limit) const {
  Due out;
  const TimeMs now = clock_.now_ms();
  std::string after;
  for (;;) {
    TRY(const auto documents, store_.page(kWaiting, "", after, kPage));
    for (const store::Document& one : documents) {
      auto mail = parse(one, false);
      if (!mail) continue;  // One that cannot be read does not hold up the others.
      if (mail->next_ms > now || out.mails.size() >= limit) {
        out.next_ms = std::min(out.next_ms.value_or(mail->next_ms), mail->next_ms);
      } else if (auto whole = parse(one, true)) {
        out.mails.push_back(*std::move(whole));
      }
    }
    if (documents.size() < kPage) return out;
    after = documents.back().key;
  }
}

Result<bool> Outbox::claim(Mail& mail) {
  Mail claimed = mail;
  const std::int64_t doubling = std::min<std::int64_t>(mail.attempts, 20);
  claimed.next_ms = clock_.now_ms() + std::min(options_.first_wait << doubling, kWaitMax);
  ++claimed.attempts;
  auto written = store_.commit(
      {{std::string(kWaiting), mail.id, text_of(claimed), store::Expect::version, mail.version}});
  if (!written && written.error().code() == Errc::precondition_failed) return false;
  if (!written) return std::unexpected(std::move(written).error());
  claimed.version = *written;
  mail = std::move(claimed);
  return true;
}

Result<void> Outbox::end(Mail mail, MailState state) {
  const store::Write removal{std::string(kWaiting), mail.id, std::nullopt, store::Expect::version,
                             mail.version};
  mail.state = state;
  mail.ended_ms = clock_.now_ms();
  if (state == MailState::sent) {
    mail.error.clear();
    if (mail.holds_secret) mail.body.clear();
  }
  TRY_OK(store_.commit(
      {removal, {std::string(kEnded), mail.id, text_of(mail), store::Expect::anything}}));
  const std::lock_guard lock(mutex_);
  if (waiting_ && *waiting_ > 0) --*waiting_;
  if (++ended_ % kPage != 1) return {};
  return drop_old(kEnded, kEndedMax);
}

Result<void> Outbox::drop_old(std::string_view collection, std::size_t kept) {
  TRY(const auto all, store_.page(collection, "", "", kept + kWaitingMax));
  std::vector<store::Write> writes;
  for (std::size_t i = 0; i + kept < all.size(); ++i)
    writes.push_back({std::string(collection), all[i].key, std::nullopt});
  if (writes.empty()) return {};
  TRY_OK(store_.commit(std::move(writes)));
  return {};
}

Result<void> Outbox::sent(const Mail& mail) { return end(mail, MailState::sent); }

Result<void> Outbox::failed(const Mail& mail, std::string_view error, bool for_good) {
  Mail next = mail;
  next.error = error.substr(0, kErrorBytesMax);
  if (for_good || next.next_ms - next.created_ms > kPatience)
    return end(std::move(next), MailState::failed);
  TRY_OK(store_.commit(
      {{std::string(kWaiting), next.id, text_of(next), store::Expect::version, next.version}}));
  return {};
}

}  // namespace mlgate::notify
