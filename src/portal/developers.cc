#include "portal/developers.h"

#include "apim/codec.h"
#include "apim/editor.h"
#include "base/crypto.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::portal {
namespace {

constexpr std::size_t kUserNameBytes = 24;
constexpr std::size_t kNameBytesMax = 100;

Result<std::optional<apim::User>> find_own_user(apim::Reader& reader, const std::string& service,
                                                std::string_view email) {
  TRY(auto found, find_user(reader, service, email));
  // What the instance's administrator holds opens to administrators alone.
  if (found && found->name == apim::kAdministratorUser)
    return fail(Errc::conflict, "This e-mail address is that of the service's administrator.");
  return found;
}

// "ann.lee@example.org" is Ann Lee until she says otherwise; users have both names.
apim::User new_developer(std::string_view email) {
  const auto capital = [](std::string_view text) {
    std::string out(text.substr(0, kNameBytesMax));
    if (!out.empty() && out.front() >= 'a' && out.front() <= 'z') out.front() -= 'a' - 'A';
    return out;
  };
  const std::string_view local = email.substr(0, email.find('@'));
  const auto dot = local.find('.');
  apim::User user = new_user(email);
  user.first_name = capital(local.substr(0, dot));
  if (dot != std::string_view::npos) user.last_name = capital(local.substr(dot + 1));
  if (user.first_name.empty()) user.first_name = "Developer";
  if (user.last_name.empty()) user.last_name = user.first_name;
  return user;
}

}  // namespace

Result<std::optional<apim::User>> find_user(apim::Reader& reader, const std::string& service,
                                            std::string_view email) {
  TRY(auto users, apim::find_all<apim::User>(reader, service));
  const auto found = std::ranges::find_if(
      users, [&](const apim::User& user) { return equals_ignoring_case(user.email, email); });
  if (found == users.end()) return std::nullopt;
  return std::move(*found);
}

apim::User new_user(std::string_view email) {
  apim::User user;
  user.name = new_hex_id().substr(0, kUserNameBytes);
  user.email = email;
  user.identities = {{"Basic", user.email}};
  return user;
}

Result<apim::User> developer_of(apim::Repository& repository, const std::string& service,
                                const identity::Person& person) {
  auto reader = repository.reader();
  if (person.role == identity::PersonRole::administrator) {
    TRY(const auto user,
        apim::find<apim::User>(reader, {service, "", std::string(apim::kAdministratorUser)}));
    if (!user) return fail(Errc::not_found, "The instance has no administrator.");
    return *user;
  }
  TRY(const auto known, find_own_user(reader, service, person.email));
  if (known) return *known;
  apim::User made;
  apim::Errors errors;
  TRY_OK(repository.transact(
      service,
      [&](apim::Transaction& tx) -> Result<void> {
        // Another request of the same person may have been faster.
        TRY(const auto now, find_own_user(tx, service, person.email));
        made = now ? *now : new_developer(person.email);
        return now ? Result<void>() : apim::Editor(tx, service).put(made, nullptr);
      },
      errors));
  TRY(const auto kept, find_own_user(reader, service, person.email));
  if (!kept) return fail(Errc::not_found, "The user has been deleted.");
  return *kept;
}

bool Viewer::is_in(std::string_view group) const {
  return std::ranges::any_of(
      groups, [&](const std::string& one) { return equals_ignoring_case(one, group); });
}

Result<void> Viewer::check_active() const {
  if (!user) return fail(Errc::denied, "Sign in first.");
  if (user->state != apim::UserState::active && !administrator)
    return fail(Errc::denied, "Your account at this service is not active.");
  return {};
}

Result<Viewer> viewer_of(apim::Repository& repository, const std::string& service,
                         const std::optional<identity::Person>& person) {
  Viewer out;
  if (person) {
    TRY(out.user, developer_of(repository, service, *person));
    out.administrator = person->role == identity::PersonRole::administrator;
  }
  if (!out.check_active()) {
    out.groups = {"guests"};
    return out;
  }
  out.groups = {"developers"};
  if (out.administrator) out.groups.emplace_back("administrators");
  auto reader = repository.reader();
  TRY(const auto links,
      apim::find_links(reader, service, apim::Relation::group_user, std::string_view()));
  for (const apim::Link& link : links)
    if (equals_ignoring_case(link.right, out.user->name)) out.groups.push_back(link.left);
  return out;
}

}  // namespace mlgate::portal
