#pragma once
// The people who sign in to the pages: e-mail and password (argon2id), sessions, and one-time
// tickets for the first administrator and for sign-in links. Everything is in the store, so that a
// session outlives a restart and holds in every process on the same data; of tokens only digests
// are kept.
#include "base/result.h"
#include "base/time.h"
#include "store/store.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::identity {

// A guest is whoever is not signed in.
enum class PersonRole : unsigned char { developer, administrator };
std::string_view to_text(PersonRole role) noexcept;
std::optional<PersonRole> parse_person_role(std::string_view text) noexcept;

struct Person {
  std::string id;     // 32 hex digits.
  std::string email;  // As given; unique without regard to case.
  PersonRole role = PersonRole::developer;
  TimeMs created_ms = 0;
};

// Somebody who asks for an account at a service instance.
struct SignUp {
  std::string email, password, first_name, last_name;
  std::string service;
};

// What a one-time ticket that went out by mail is good for.
struct Ticket {
  std::string email;
  std::string service;
  std::string user;  // Of the instance, for an invitation.
};
enum class TicketKind : unsigned char { reset, invitation };

struct NewSession {
  std::string token;  // For the cookie.
  std::string csrf;   // For the header that goes with it.
  Person person;
};

struct Session {
  Person person;
  std::string csrf;
};

// Refuses guesses: from the fifth failure on each makes the same caller wait twice as long for the
// same account, up to kWaitMax, and from the fiftieth on everybody for that account, so that an
// owner is not easily shut out by others. Safe from any thread.
class GuessBrake {
 public:
  static constexpr TimeMs kWaitMax = 15 * 60 * 1'000;
  static constexpr TimeMs kMemory = 60 * 60 * 1'000;  // After the last failure.
  static constexpr std::size_t kEntriesMax = 10'000;

  // How long the caller has to wait; 0: he may try.
  TimeMs wait_ms(const std::string& account, const std::string& peer, TimeMs now) const;
  void failed(const std::string& account, const std::string& peer, TimeMs now);
  void succeeded(const std::string& account, const std::string& peer);

 private:
  struct Entry {
    std::uint32_t failures = 0;
    TimeMs last_ms = 0, until_ms = 0;
  };
  void count(const std::string& key, std::uint32_t free, TimeMs now);
  void make_room(TimeMs now);

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // Guarded by mutex_.
};

// Threads: any that may block.
class People {
 public:
  static constexpr std::size_t kPasswordBytesMin = 10, kPasswordBytesMax = 1'000;
  static constexpr std::size_t kEmailBytesMax = 254;
  static constexpr std::size_t kSessionsMax = 20;  // Of one person; the oldest ends.
  static constexpr TimeMs kSessionLife = TimeMs{12} * 3'600 * 1'000;
  static constexpr TimeMs kLinkLife = TimeMs{15} * 60 * 1'000;
  static constexpr TimeMs kSignUpLife = TimeMs{48} * 3'600 * 1'000;
  static constexpr TimeMs kResetLife = TimeMs{3'600} * 1'000;
  static constexpr TimeMs kInvitationLife = TimeMs{7} * 24 * 3'600 * 1'000;
  static constexpr std::size_t kSignUpsMax = 10'000;  // That wait to be confirmed.
  static constexpr std::size_t kSignUpsOfOneMax = 5;  // Of one address; the oldest goes.

  // Both outlive it.
  People(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  // invalid_argument names the field, conflict says that the address is taken.
  Result<Person> create(std::string_view email, std::string_view password, PersonRole role);
  Result<std::vector<Person>> list() const;
  Result<Person> find(std::string_view email) const;  // not_found
  // Both end the person's sessions. The last administrator stays: conflict.
  Result<void> set_password(std::string_view email, std::string_view password);
  Result<void> remove(std::string_view email);

  // True until somebody has become the first administrator.
  Result<bool> needs_first() const;
  // The code that makes the first administrator; it replaces the one before it.
  Result<std::string> issue_first_code();
  // denied for any other code, and once there is an administrator.
  Result<Person> create_first(std::string_view code, std::string_view email,
                              std::string_view password);

  // A ticket that signs the person in once, within kLinkLife.
  Result<std::string> issue_link(std::string_view email);
  Result<Person> redeem_link(std::string_view link);

  // denied for an unknown address and for a wrong password alike; exhausted, with the seconds to
  // wait in its text, while guesses are braked. `peer` is the caller's address.
  Result<Person> check_password(std::string_view email, std::string_view password,
                                std::string_view peer);

  // Sign-up: an account is made by whoever reads the mail, with the password that was chosen with
  // that mail's sign-up. nullopt when the address has an account, which costs as much time.
  Result<std::optional<std::string>> begin_sign_up(const SignUp& wanted);
  // denied for a ticket that was used, is too old, or never was. The password is not in it.
  Result<SignUp> finish_sign_up(std::string_view ticket);

  // A ticket with which its holder chooses a password. One of kind reset ends with any change of
  // the password.
  Result<std::string> issue_ticket(TicketKind kind, const Ticket& content);
  // Sets the password, making the person for an invitation, and ends all sessions. A password that
  // is refused does not use the ticket up.
  Result<Ticket> redeem_ticket(TicketKind kind, std::string_view ticket, std::string_view password);

  // Counts what makes mails go to an address, and says how long to wait, as with passwords.
  Result<void> brake_mail(std::string_view email, std::string_view peer);

  Result<NewSession> begin_session(const Person& person);
  // denied when there is no such session any more.
  Result<Session> session(std::string_view token) const;
  Result<void> end_session(std::string_view token);

 private:
  struct Kept;
  Result<std::optional<Kept>> load(std::string_view email) const;
  Result<void> drop_sessions(std::string_view person_id);
  Result<bool> verify(std::string_view hash, std::string_view password);
  Result<std::string> hash(std::string_view password);
  Result<void> begin_hashing();
  void end_hashing();
  // With these writes in one commit; conflict when the address is taken.
  Result<Person> keep_new(std::string_view email, std::string hash, PersonRole role,
                          std::vector<store::Write> writes);
  // Of the newest sign-up that waits; empty when there is none.
  Result<std::string> waiting_hash(std::string_view email) const;
  Result<std::vector<store::Write>> room_for_sign_up(std::string_view email) const;
  Result<std::string> stamp_of(std::string_view email) const;  // Empty: there is nobody.

  store::Store& store_;
  const Clock& clock_;
  GuessBrake brake_;
  std::mutex hashing_mutex_;
  int hashing_ = 0;         // Guarded; passwords that are being hashed, each of which takes memory.
  std::string dummy_hash_;  // Guarded; for addresses that nobody has.
};

}  // namespace mlgate::identity
