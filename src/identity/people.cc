#include "identity/people.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "identity/people_internal.h"

#include <algorithm>
#include <array>

namespace mlgate::identity {
namespace {

constexpr std::string_view kFirstCode = "first-code", kFirstDone = "first-done";
constexpr std::array<std::string_view, 2> kRoles{"developer", "administrator"};
constexpr int kHashingMax = 2;
constexpr std::uint32_t kFreeOfPeer = 4, kFreeOfAccount = 49;

}  // namespace

std::string_view to_text(PersonRole role) noexcept {
  return kRoles[static_cast<std::size_t>(role) % kRoles.size()];
}

std::optional<PersonRole> parse_person_role(std::string_view text) noexcept {
  const auto* at = std::ranges::find(kRoles, text);
  if (at == kRoles.end()) return std::nullopt;
  return static_cast<PersonRole>(at - kRoles.begin());
}

TimeMs GuessBrake::wait_ms(const std::string& account, const std::string& peer, TimeMs now) const {
  const std::lock_guard lock(mutex_);
  TimeMs wait = 0;
  for (const std::string& key : {account, account + "\n" + peer}) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) wait = std::max(wait, found->second.until_ms - now);
  }
  return wait;
}

void GuessBrake::count(const std::string& key, std::uint32_t free, TimeMs now) {
  Entry& entry = entries_[key];
  if (now - entry.last_ms > kMemory) entry.failures = 0;
  entry.last_ms = now;
  if (++entry.failures <= free) return;
  const std::uint32_t doubling = std::min(entry.failures - free - 1, 20U);
  entry.until_ms = now + std::min<TimeMs>(TimeMs{1'000} << doubling, kWaitMax);
}

void GuessBrake::make_room(TimeMs now) {
  if (entries_.size() + 2 <= kEntriesMax) return;
  std::erase_if(entries_, [now](const auto& one) { return now - one.second.last_ms > kMemory; });
  while (entries_.size() + 2 > kEntriesMax) {
    entries_.erase(
        std::ranges::min_element(entries_, {}, [](const auto& one) { return one.second.last_ms; }));
  }
}

void GuessBrake::failed(const std::string& account, const std::string& peer, TimeMs now) {
  const std::lock_guard lock(mutex_);
  make_room(now);
  count(account + "\n" + peer, kFreeOfPeer, now);
  count(account, kFreeOfAccount, now);
}

void GuessBrake::succeeded(const std::string& account, const std::string& peer) {
  const std::lock_guard lock(mutex_);
  entries_.erase(account + "\n" + peer);
}

// A person as stored. `stamp` changes with the password, and a session holds only with the stamp
// that it began with.
struct People::Kept {
  Person person;
  std::string password, stamp;
  std::uint64_t version = 0;

  std::string text() const {
    return Json::object({{"id", person.id},
                         {"email", person.email},
                         {"role", to_text(person.role)},
                         {"created", person.created_ms},
                         {"password", password},
                         {"stamp", stamp}})
        .dump();
  }
  static Result<Kept> parse(const store::Document& document) {
    TRY(const Json json, Json::parse(document.body));
    Kept out;
    out.person = {std::string(json.string_or("id")), std::string(json.string_or("email")),
                  parse_person_role(json.string_or("role")).value_or(PersonRole::developer),
                  json.int_or("created", 0)};
    out.password = json.string_or("password");
    out.stamp = json.string_or("stamp");
    out.version = document.version;
    return out;
  }
};

Result<std::optional<People::Kept>> People::load(std::string_view email) const {
  if (email.empty() || email.size() > kEmailBytesMax) return std::nullopt;
  TRY(const auto document, store_.get(kPeople, to_lower(email)));
  if (!document) return std::nullopt;
  TRY(Kept kept, Kept::parse(*document));
  return kept;
}

Result<Person> People::create(std::string_view email, std::string_view password, PersonRole role) {
  TRY_OK(check_email(email));
  TRY_OK(check_new_password(password));
  return keep_new(email, hash_password(password), role, {});
}

Result<Person> People::keep_new(std::string_view email, std::string hash, PersonRole role,
                                std::vector<store::Write> writes) {
  Kept kept;
  kept.person = {new_hex_id(), std::string(email), role, clock_.now_ms()};
  kept.password = std::move(hash);
  kept.stamp = new_hex_id();
  writes.push_back(write_of(kPeople, to_lower(email), kept.text(), store::Expect::absent));
  auto written = store_.commit(std::move(writes));
  if (!written && written.error().code() == Errc::precondition_failed)
    return fail(Errc::conflict, "There is somebody with this e-mail address already.", "email");
  if (!written) return std::unexpected(std::move(written).error());
  return kept.person;
}

Result<std::string> People::stamp_of(std::string_view email) const {
  TRY(const auto kept, load(email));
  return kept ? kept->stamp : std::string();
}

Result<std::vector<Person>> People::list() const {
  TRY(const auto documents, store_.list(kPeople, ""));
  std::vector<Person> out;
  for (const store::Document& document : documents) {
    TRY(const Kept kept, Kept::parse(document));
    out.push_back(kept.person);
  }
  return out;
}

Result<Person> People::find(std::string_view email) const {
  TRY(const auto kept, load(email));
  if (!kept) return fail(Errc::not_found, "There is nobody with this e-mail address.", "email");
  return kept->person;
}

Result<void> People::drop_sessions(std::string_view person_id) {
  TRY(const auto sessions, store_.list(kSessions, std::string(person_id) + "/"));
  std::vector<store::Write> writes;
  for (const store::Document& one : sessions) writes.push_back(removal(kSessions, one.key));
  if (writes.empty()) return {};
  TRY_OK(store_.commit(std::move(writes)));
  return {};
}

Result<void> People::set_password(std::string_view email, std::string_view password) {
  TRY_OK(check_new_password(password));
  TRY(auto kept, load(email));
  if (!kept) return fail(Errc::not_found, "There is nobody with this e-mail address.", "email");
  kept->password = hash_password(password);
  kept->stamp = new_hex_id();
  TRY_OK(store_.commit(
      {write_of(kPeople, to_lower(email), kept->text(), store::Expect::version, kept->version)}));
  return drop_sessions(kept->person.id);
}

Result<void> People::remove(std::string_view email) {
  TRY(const auto kept, load(email));
  if (!kept) return fail(Errc::not_found, "There is nobody with this e-mail address.", "email");
  TRY(const auto all, list());
  const auto administrators = std::ranges::count_if(
      all, [](const Person& one) { return one.role == PersonRole::administrator; });
  if (kept->person.role == PersonRole::administrator && administrators == 1)
    return fail(Errc::conflict, "The last administrator cannot be removed.", "email");
  TRY_OK(store_.commit({removal(kPeople, to_lower(email))}));
  return drop_sessions(kept->person.id);
}

Result<bool> People::needs_first() const {
  TRY(const auto done, store_.get(kTickets, kFirstDone));
  return !done;
}

Result<std::string> People::issue_first_code() {
  std::string code = new_secret();
  TRY_OK(store_.commit({write_of(kTickets, std::string(kFirstCode), digest(code))}));
  return code;
}

Result<Person> People::create_first(std::string_view code, std::string_view email,
                                    std::string_view password) {
  TRY(const auto kept, store_.get(kTickets, kFirstCode));
  const std::string known = kept ? kept->body : std::string(64, '-');
  if (!equal_secrets(digest(code), known))
    return fail(Errc::denied, "This code is not good (any more).", "code");
  TRY_OK(check_email(email));
  TRY_OK(check_new_password(password));
  Kept made;
  made.person = {new_hex_id(), std::string(email), PersonRole::administrator, clock_.now_ms()};
  made.password = hash_password(password);
  made.stamp = new_hex_id();
  // One commit, so that a code is good for one administrator.
  auto written = store_.commit(
      {write_of(kTickets, std::string(kFirstDone), made.person.id, store::Expect::absent),
       removal(kTickets, std::string(kFirstCode)),
       write_of(kPeople, to_lower(email), made.text(), store::Expect::absent)});
  if (!written && written.error().code() == Errc::precondition_failed)
    return fail(Errc::denied, "There is an administrator already.", "code");
  if (!written) return std::unexpected(std::move(written).error());
  return made.person;
}

Result<std::string> People::issue_link(std::string_view email) {
  TRY(const Person person, find(email));
  std::string link = new_secret();
  const TimeMs now = clock_.now_ms();
  const Json body = Json::object({{"email", person.email}, {"until", now + kLinkLife}});
  std::vector<store::Write> writes{write_of(kTickets, "link/" + digest(link), body.dump())};
  // Links that nobody used go with the next one that is made.
  TRY(const auto issued, store_.list(kTickets, "link/"));
  for (const store::Document& one : issued) {
    TRY(const Json kept, Json::parse(one.body));
    if (kept.int_or("until", 0) <= now) writes.push_back(removal(kTickets, one.key));
  }
  TRY_OK(store_.commit(std::move(writes)));
  return link;
}

Result<Person> People::redeem_link(std::string_view link) {
  const std::string key = "link/" + digest(link);
  TRY(const auto ticket, store_.get(kTickets, key));
  const auto bad = [] { return fail(Errc::denied, "This link is not good (any more).", "link"); };
  if (!ticket) return bad();
  store::Write used = removal(kTickets, key);
  used.expect = store::Expect::version;
  used.version = ticket->version;
  // Whoever removes it has used it.
  if (!store_.commit({used})) return bad();
  TRY(const Json json, Json::parse(ticket->body));
  if (json.int_or("until", 0) <= clock_.now_ms()) return bad();
  auto person = find(json.string_or("email"));
  if (!person) return bad();
  return person;
}

// Each takes 64 MiB or so and keeps a core busy: a flood of them is turned away.
Result<void> People::begin_hashing() {
  const std::lock_guard lock(hashing_mutex_);
  if (hashing_ >= kHashingMax)
    return fail(Errc::exhausted, "Too many people sign in at once. Try again in a second.");
  ++hashing_;
  return {};
}

void People::end_hashing() {
  const std::lock_guard lock(hashing_mutex_);
  --hashing_;
}

Result<std::string> People::hash(std::string_view password) {
  TRY_OK(begin_hashing());
  std::string out = hash_password(password);
  end_hashing();
  return out;
}

Result<bool> People::verify(std::string_view hash, std::string_view password) {
  TRY_OK(begin_hashing());
  std::string against(hash);
  if (against.empty()) {
    const std::lock_guard lock(hashing_mutex_);
    if (dummy_hash_.empty()) dummy_hash_ = hash_password(new_secret());
    against = dummy_hash_;
  }
  const bool good = verify_password(against, password);
  end_hashing();
  return good && !hash.empty();
}

Result<Person> People::check_password(std::string_view email, std::string_view password,
                                      std::string_view peer) {
  if (email.size() > kEmailBytesMax || password.size() > kPasswordBytesMax)
    return fail(Errc::denied, "The e-mail address or the password is wrong.");
  const std::string account = to_lower(email);
  const std::string from(peer);
  if (const TimeMs wait = brake_.wait_ms(account, from, clock_.now_ms()); wait > 0) {
    return fail(Errc::exhausted, "Too many attempts. Try again in " +
                                     std::to_string((wait + 999) / 1'000) + " seconds.");
  }
  TRY(const auto kept, load(email));
  std::string known = kept ? kept->password : "";
  if (!kept) {
    TRY(known, waiting_hash(account));
  }
  TRY(const bool good, verify(known, password));
  if (!good) {
    brake_.failed(account, from, clock_.now_ms());
    return fail(Errc::denied, "The e-mail address or the password is wrong.");
  }
  brake_.succeeded(account, from);
  if (!kept) {
    return fail(Errc::denied,
                "This account is not confirmed yet. Open the link in the mail that was sent to "
                "its address.",
                "confirmation");
  }
  return kept->person;
}

Result<NewSession> People::begin_session(const Person& person) {
  TRY(const auto kept, load(person.email));
  if (!kept) return fail(Errc::denied, "There is nobody with this e-mail address.");
  const TimeMs now = clock_.now_ms();
  TRY(auto sessions, store_.list(kSessions, person.id + "/"));
  std::ranges::sort(sessions, {}, &store::Document::version);
  std::vector<store::Write> writes;
  std::size_t left = sessions.size();
  for (const store::Document& one : sessions) {
    TRY(const Json json, Json::parse(one.body));
    if (json.int_or("until", 0) > now && left < kSessionsMax) continue;
    writes.push_back(removal(kSessions, one.key));
    --left;
  }
  const std::string secret = new_secret();
  NewSession made{person.id + "." + secret, new_secret(), kept->person};
  writes.push_back(write_of(kSessions, person.id + "/" + digest(secret),
                            Json::object({{"email", person.email},
                                          {"csrf", made.csrf},
                                          {"stamp", kept->stamp},
                                          {"until", now + kSessionLife}})
                                .dump()));
  TRY_OK(store_.commit(std::move(writes)));
  return made;
}

namespace {

// "{person}.{secret}" to the key of its document; empty for anything else.
std::string session_key(std::string_view token) {
  constexpr std::size_t kIdSize = 32, kTokenMax = 200;
  if (token.size() <= kIdSize || token.size() > kTokenMax || token[kIdSize] != '.') return {};
  const std::string_view id = token.substr(0, kIdSize);
  if (!std::ranges::all_of(id, [](char c) { return hex_digit(c) >= 0; })) return {};
  return std::string(id) + "/" + digest(token.substr(kIdSize + 1));
}

}  // namespace

Result<Session> People::session(std::string_view token) const {
  const auto over = [] { return fail(Errc::denied, "The session is over. Sign in again."); };
  const std::string key = session_key(token);
  if (key.empty()) return over();
  TRY(const auto document, store_.get(kSessions, key));
  if (!document) return over();
  TRY(const Json json, Json::parse(document->body));
  if (json.int_or("until", 0) <= clock_.now_ms()) return over();
  TRY(const auto kept, load(json.string_or("email")));
  if (!kept || kept->stamp != json.string_or("stamp")) return over();
  return Session{kept->person, std::string(json.string_or("csrf"))};
}

Result<void> People::end_session(std::string_view token) {
  const std::string key = session_key(token);
  if (key.empty()) return {};
  TRY_OK(store_.commit({removal(kSessions, key)}));
  return {};
}

}  // namespace mlgate::identity
