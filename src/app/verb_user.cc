// mlgate user …: the people who sign in to the console's pages. Works on the data folder itself,
// whether or not a server runs on it.
#include "app/app.h"
#include "identity/people.h"
#include "store/store.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>

namespace mlgate::app {
namespace {

// Runs `work`, which gives the text to print.
using Work = std::function<Result<std::string>(identity::People&, const DataFolder&)>;

Result<std::string> with_people(const DataFolder& data, const Work& work) {
  if (!data.initialised())
    return fail(Errc::not_found,
                data.root.string() + " is not initialised; run 'mlgate init' first");
  TRY(const auto store, store::open_sqlite(data.store()));
  identity::People people(*store, system_clock());
  return work(people, data);
}

// The first line of standard input, so that no password stands in a command line.
Result<std::string> read_password() {
  std::string line;
  if (!std::getline(std::cin, line))
    return fail(Errc::invalid_argument, "the password is expected on standard input");
  return line;
}

Result<std::string> list_people(identity::People& people, const DataFolder& /*data*/) {
  TRY(const auto all, people.list());
  std::string out;
  for (const identity::Person& one : all)
    out += one.email + "  " + std::string(identity::to_text(one.role)) + "\n";
  return out;
}

// Where the pages of the running server are, or the default address.
std::string console_address(const DataFolder& data) {
  std::int64_t port = 8081;
  if (const auto running = read_json_file(data.endpoints()))
    port = (*running)["console"].int_or("http", port);
  return "http://localhost:" + std::to_string(port);
}

Result<std::string> print_link(identity::People& people, const DataFolder& data,
                               const std::string& wanted) {
  TRY(const bool first, people.needs_first());
  if (first) {
    TRY(const std::string code, people.issue_first_code());
    return console_address(data) + "/first-run#" + code + "\n";
  }
  std::string email = wanted;
  if (email.empty()) {
    TRY(const auto all, people.list());
    for (const identity::Person& one : all) {
      if (one.role != identity::PersonRole::administrator) continue;
      email = one.email;
      break;
    }
  }
  TRY(const std::string link, people.issue_link(email));
  return console_address(data) + "/sign-in#" + link + "\n";
}

}  // namespace

void add_user(CLI::App& program, Chosen& chosen) {
  CLI::App* user = program.add_subcommand("user", "People who sign in to the pages");
  user->require_subcommand(1);
  auto email = std::make_shared<std::string>();
  auto role = std::make_shared<std::string>("developer");
  const auto add = [&chosen, user](const char* verb, const char* help, Work work) {
    CLI::App* added = user->add_subcommand(verb, help);
    added->callback([&chosen, work = std::move(work)] {
      chosen = [work](Context& context) {
        const auto text = with_people(context.data(), work);
        if (!text) return complain(text.error().message());
        std::printf("%s", text->c_str());
        return 0;
      };
    });
    return added;
  };
  add("list", "Lists the people and their roles", list_people);
  CLI::App* created =
      add("add", "Adds somebody; the password is read from standard input",
          [email, role](identity::People& people, const DataFolder&) -> Result<std::string> {
            const auto wanted = identity::parse_person_role(*role);
            if (!wanted)
              return fail(Errc::invalid_argument, "--role has to be developer or administrator");
            TRY(const std::string password, read_password());
            TRY_OK(people.create(*email, password, *wanted));
            return std::string();
          });
  created->add_option("--role", *role, "developer or administrator");
  CLI::App* changed =
      add("password", "Sets a password, read from standard input, and ends all sessions",
          [email](identity::People& people, const DataFolder&) -> Result<std::string> {
            TRY(const std::string password, read_password());
            TRY_OK(people.set_password(*email, password));
            return std::string();
          });
  CLI::App* removed =
      add("remove", "Removes somebody",
          [email](identity::People& people, const DataFolder&) -> Result<std::string> {
            TRY_OK(people.remove(*email));
            return std::string();
          });
  for (CLI::App* verb : {created, changed, removed})
    verb->add_option("email", *email, "The e-mail address")->required();
  CLI::App* link = add("link", "Prints a link that signs an administrator in once",
                       [email](identity::People& people, const DataFolder& data) {
                         return print_link(people, data, *email);
                       });
  link->add_option("email", *email, "Who; default: the first administrator");
}

}  // namespace mlgate::app
