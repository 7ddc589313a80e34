#include "app/app.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace mlgate::app {
namespace {

// Every setting is a flag of every verb: --gateway.http_port 9000.
void add_setting_flags(CLI::App& program, std::vector<std::pair<std::string, std::string>>& given) {
  given.reserve(all_settings().size());
  for (const SettingInfo& info : all_settings()) {
    const std::string name(info.name);
    program
        .add_option_function<std::string>(
            "--" + name,
            [&given, name](const std::string& value) { given.emplace_back(name, value); },
            std::string(info.help))
        ->group("Settings")
        ->default_str(std::string(info.default_text));
  }
}

}  // namespace

int complain(const std::string& text) {
  std::fprintf(stderr, "mlgate: %s\n", text.c_str());
  return 1;
}

int complain(const std::vector<Error>& errors) {
  for (const Error& error : errors) complain(error.message());
  return 1;
}

int run(int argc, char** argv) {
  CLI::App program(
      "mlgate: a gateway, its management, and the web services behind it, in one program");
  program.name("mlgate");
  program.require_subcommand(1);
  program.fallthrough();
  std::string file;
  program.add_option("--config", file, "YAML file with settings (see 'mlgate config schema')");
  std::vector<std::pair<std::string, std::string>> given;
  add_setting_flags(program, given);
  Chosen chosen;
  add_serve(program, chosen);
  add_init(program, chosen);
  add_tutorial(program, chosen);
  add_config(program, chosen);
  add_ca(program, chosen);
  add_top(program, chosen);
  add_rest(program, chosen);
  add_report(program, chosen);
  add_job(program, chosen);
  add_score(program, chosen);
  add_blob(program, chosen);
  add_user(program, chosen);
  add_mail(program, chosen);
  add_version(program, chosen);
  CLI11_PARSE(program, argc, argv);

  Context context;
  std::vector<Error> errors;
  if (!file.empty()) errors = context.settings.read_file(file);
  for (Error& error : context.settings.read_environment()) errors.push_back(std::move(error));
  for (const auto& [name, value] : given) {
    if (auto set = context.settings.set(name, value); !set)
      errors.push_back(std::move(set).error().within("flag --" + name));
  }
  if (!errors.empty()) return complain(errors);
  return chosen(context);
}

}  // namespace mlgate::app
