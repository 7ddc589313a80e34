// Groups, users, and who is in which. Membership of the system groups is computed: user `1`
// administers, everybody who has an account is a developer, and guests are those without one.
#include "base/text.h"
#include "management/entity_internal.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"

#include <algorithm>
#include <array>
#include <optional>

namespace mlgate::management {
namespace {

using Allows = FilterField::Allows;
constexpr std::array<FilterField, 4> kGroupFields{
    {{"name"}, {"displayName"}, {"description"}, {"externalId", Allows::eq}}};
constexpr std::array<FilterField, 7> kUserFields{
    {{"name"},
     {"firstName"},
     {"lastName"},
     {"email"},
     {"state", Allows::eq},
     {"registrationDate", Allows::operators, FilterField::Type::date},
     {"note"}}};

apim::Place place_of(const Call& call, std::size_t index = 0) {
  return {call.service.name, "", call.arg(index)};
}

Result<bool> is_member(apim::Reader& reader, const std::string& service, const apim::Group& group,
                       const apim::User& user) {
  if (group.type == apim::GroupType::system)
    return group.name == "developers" ||
           (group.name == "administrators" && user.name == apim::kAdministratorUser);
  TRY(const auto link,
      apim::find_link(reader, service, apim::Relation::group_user, group.name, user.name));
  return link.has_value();
}

Result<std::vector<apim::Group>> groups_of(const Call& call, apim::Reader& reader,
                                           const apim::User& user) {
  TRY(const auto all, apim::find_all<apim::Group>(reader, call.service.name));
  std::vector<apim::Group> out;
  for (const apim::Group& group : all) {
    TRY(const bool member, is_member(reader, call.service.name, group, user));
    if (member) out.push_back(group);
  }
  return out;
}

Result<Json> groups_json(const Call& call, apim::Reader& reader, const apim::User& user) {
  TRY(const auto groups, groups_of(call, reader, user));
  Json out = Json::array();
  for (const apim::Group& group : groups) {
    Json one = apim::properties_of(group);
    one.set("id", call.service_id + path_of(group));
    one.set("name", group.name);
    out.push(std::move(one));
  }
  return out;
}

Result<std::vector<Json>> user_items(const Call& call) {
  auto reader = call.reader();
  TRY(const auto users, apim::find_all<apim::User>(reader, call.service.name));
  std::vector<Json> out;
  for (const apim::User& user : users) {
    Json item = entity_json(call, user, View::item);
    if (call.option("expandGroups")) {
      TRY(Json groups, groups_json(call, reader, user));
      item.find("properties")->set("groups", std::move(groups));
    }
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

Json shown(const Call&, const apim::Group& group, View) { return apim::properties_of(group); }
Json shown(const Call&, const apim::User& user, View) { return apim::properties_of(user); }

http::Response list_groups(Call& call) { return list_entities<apim::Group>(call, kGroupFields); }

http::Response get_group(Call& call) { return get_entity<apim::Group>(call, place_of(call)); }

http::Response put_group(Call& call) {
  return write_and_answer<apim::Group>(call, place_of(call), WriteKind::put);
}

http::Response patch_group(Call& call) {
  return write_and_answer<apim::Group>(call, place_of(call), WriteKind::patch);
}

http::Response delete_group(Call& call) {
  return delete_entity<apim::Group>(
      call, place_of(call),
      [](apim::Editor& editor, const apim::Group& group) { return editor.erase(group); });
}

http::Response list_group_users(Call& call) {
  auto reader = call.reader();
  const auto items = [&]() -> Result<std::vector<Json>> {
    TRY(const auto group, require<apim::Group>(reader, place_of(call)));
    TRY(const auto users, apim::find_all<apim::User>(reader, call.service.name));
    std::vector<Json> out;
    for (const apim::User& user : users) {
      TRY(const bool member, is_member(reader, call.service.name, group, user));
      if (member) out.push_back(association_json(call, user, path_of(group), "groups"));
    }
    return out;
  }();
  if (!items) return error_answer(items.error());
  return list_answer(call, *items, kUserFields);
}

http::Response head_group_user(Call& call) {
  auto reader = call.reader();
  const auto member = [&]() -> Result<bool> {
    TRY(const auto group, require<apim::Group>(reader, place_of(call)));
    TRY(const auto user, require<apim::User>(reader, place_of(call, 1)));
    return is_member(reader, call.service.name, group, user);
  }();
  if (!member && member.error().code() != Errc::not_found) return error_answer(member.error());
  return empty_answer(member && *member ? 204 : 404);
}

http::Response put_group_user(Call& call) {
  apim::Errors errors;
  bool created = false;
  Json shown_user;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto group, require<apim::Group>(tx, place_of(call)));
        TRY(const auto user, require<apim::User>(tx, place_of(call, 1)));
        TRY(const bool member, is_member(tx, call.service.name, group, user));
        created = !member;
        shown_user = association_json(call, user, path_of(group), "groups");
        return apim::Editor(tx, call.service.name).link(group, user);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return json_answer(created ? 201 : 200, shown_user);
}

http::Response delete_group_user(Call& call) {
  apim::Errors errors;
  bool existed = false;
  const auto done = call.transact(
      [&](apim::Transaction& tx) -> Result<void> {
        TRY(const auto group, require<apim::Group>(tx, place_of(call)));
        if (group.type == apim::GroupType::system)
          return fail(Errc::invalid_argument,
                      "Membership of the system group '" + group.name + "' is computed.");
        TRY(const auto link, apim::find_link(tx, call.service.name, apim::Relation::group_user,
                                             group.name, call.arg(1)));
        existed = link.has_value();
        if (!link) return {};
        return apim::Editor(tx, call.service.name)
            .unlink(apim::Relation::group_user, group.name, link->right);
      },
      errors);
  if (!done) return error_answer(done.error(), errors);
  return empty_answer(existed ? 200 : 204);
}

http::Response list_users(Call& call) {
  auto items = user_items(call);
  if (!items) return error_answer(items.error());
  return list_answer(call, *std::move(items), kUserFields);
}

http::Response get_user(Call& call) { return get_entity<apim::User>(call, place_of(call)); }

// "confirmation":"invite" has the new user choose a password by mail; "notify=true" does as well.
http::Response put_user(Call& call) {
  http::Response answer = write_and_answer<apim::User>(call, place_of(call), WriteKind::put);
  const auto& invite = call.env.options.people.invite;
  if (answer.status != 201 || !invite) return answer;
  const auto body = body_of(call.request);
  if (!body || (*body)["properties"].string_or("confirmation") != "invite") {
    if (!call.option("notify")) return answer;
  }
  auto reader = call.reader();
  const auto user = require<apim::User>(reader, place_of(call));
  if (!user) return error_answer(user.error());
  const auto invited = invite(call.service, *user);
  return invited ? answer : error_answer(invited.error());
}

http::Response patch_user(Call& call) {
  return write_and_answer<apim::User>(call, place_of(call), WriteKind::patch);
}

http::Response delete_user(Call& call) {
  const auto dependents =
      call.option("deleteSubscriptions") ? apim::Dependents::remove : apim::Dependents::keep;
  std::optional<apim::User> gone;
  http::Response answer = delete_entity<apim::User>(
      call, place_of(call), [&](apim::Editor& editor, const apim::User& user) {
        gone = user;
        return editor.erase(user, dependents);
      });
  const auto& say_goodbye = call.env.options.people.say_goodbye;
  if (answer.status == 200 && gone && call.option("notify") && say_goodbye) {
    // The user is gone, whether or not a mail can be kept.
    const auto said = say_goodbye(call.service, *gone);
    (void)said;
  }
  return answer;
}

http::Response list_user_groups(Call& call) {
  auto reader = call.reader();
  const auto items = [&]() -> Result<std::vector<Json>> {
    TRY(const auto user, require<apim::User>(reader, place_of(call)));
    TRY(const auto groups, groups_of(call, reader, user));
    std::vector<Json> out;
    for (const apim::Group& group : groups)
      out.push_back(association_json(call, group, path_of(user), "users"));
    return out;
  }();
  if (!items) return error_answer(items.error());
  return list_answer(call, *items, kGroupFields);
}

http::Response list_user_identities(Call& call) {
  auto reader = call.reader();
  const auto user = require<apim::User>(reader, place_of(call));
  if (!user) return error_answer(user.error());
  std::vector<Json> items;
  for (const apim::Identity& one : user->identities)
    items.push_back(Json::object({{"provider", one.provider}, {"id", one.id}}));
  return list_answer(call, std::move(items), {});
}

}  // namespace mlgate::management
