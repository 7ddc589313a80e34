#pragma once
// Who somebody is at one instance. People sign in to the console; what they may see and hold at an
// instance hangs on a user of it. The two are joined by the e-mail address: an administrator of the
// console is the user `1` of every instance, anybody else the user with the same address, who is
// made when the person comes for the first time. Whoever is not signed in is a guest.
#include "apim/model.h"
#include "apim/repository.h"
#include "identity/people.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::portal {

// The user with that address, whoever it is; addresses are compared without regard to case.
Result<std::optional<apim::User>> find_user(apim::Reader& reader, const std::string& service,
                                            std::string_view email);
// A user who is not kept yet, signs in with that address, and has no names so far.
apim::User new_user(std::string_view email);

// The person's user at the instance, made when there is none.
Result<apim::User> developer_of(apim::Repository& repository, const std::string& service,
                                const identity::Person& person);

struct Viewer {
  bool administrator = false;
  std::optional<apim::User> user;   // Nobody: a guest.
  std::vector<std::string> groups;  // Names of all groups whose view this is.

  bool is_in(std::string_view group) const;
  // denied for a guest, and for a user who is not active.
  Result<void> check_active() const;
};

// What somebody may see at the instance; nullopt is a guest. A user who is not active sees what
// guests see.
Result<Viewer> viewer_of(apim::Repository& repository, const std::string& service,
                         const std::optional<identity::Person>& person);

}  // namespace mlgate::portal
