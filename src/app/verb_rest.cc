// mlgate rest: one call of the management interface, as the administrator of this machine. Whatever
// that interface can do can be done so from a script, without a token and without long paths.
#include "app/app.h"
#include "app/console_client.h"
#include "base/text.h"

#include <CLI/CLI.hpp>

#include <array>
#include <cstdio>
#include <iostream>
#include <iterator>

namespace mlgate::app {
namespace {

constexpr std::size_t kBodyBytesMax = 8 << 20;  // As the console takes.

struct RestOptions {
  std::string method, path, body, service;
};

// The text itself, "@file", or "-" for standard input.
Result<std::string> body_of(const std::string& given) {
  std::string out;
  if (given == "-") {
    out.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else if (given.starts_with('@')) {
    TRY(out, read_file(given.substr(1)));
  } else {
    out = given;
  }
  if (out.size() > kBodyBytesMax)
    return fail(Errc::exhausted, "the body is larger than 8 MiB", "body");
  if (!out.empty()) {
    TRY_OK(Json::parse(out));
  }
  return out;
}

// Paths of the whole interface begin with the cloud subscription, /tenants and the like; what is
// below an instance begins with the collection, and /subscriptions is one.
bool is_whole(std::string_view path, std::string_view subscription_id) {
  constexpr std::array kRoots{std::string_view("/tenants"), std::string_view("/providers"),
                              std::string_view("/metadata/")};
  for (const std::string_view root : kRoots)
    if (path.starts_with(root)) return true;
  constexpr std::string_view kSubscriptions = "/subscriptions/";
  if (!path.starts_with(kSubscriptions)) return false;
  path.remove_prefix(kSubscriptions.size());
  return equals_ignoring_case(path.substr(0, path.find_first_of("/?")), subscription_id);
}

Result<http::Response> ask(const DataFolder& data, const RestOptions& options) {
  TRY(const std::string body, body_of(options.body));
  TRY(ConsoleClient client, ConsoleClient::open(data));
  std::string path = options.path.starts_with('/') ? options.path : "/" + options.path;
  if (!is_whole(path, client.subscription_id())) {
    TRY(const std::string instance, instance_id(client, options.service));
    path = instance + (path == "/" ? "" : path);
  }
  return client.call(
      {.method = options.method, .path = with_api_version(std::move(path)), .body = body});
}

int run_rest(Context& context, const RestOptions& options) {
  const auto answer = ask(context.data(), options);
  if (!answer) return complain(answer.error().message());
  const bool good = answer->status < 300;
  // What went wrong is for the eyes; what was asked for, for the next program.
  std::FILE* const out = good ? stdout : stderr;
  std::fwrite(answer->body.data(), 1, answer->body.size(), out);
  if (!answer->body.empty()) std::fputc('\n', out);
  return good ? 0 : complain("the answer is " + std::to_string(answer->status));
}

}  // namespace

void add_rest(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "rest",
      "Calls the management interface of the running server: mlgate rest GET /apis, mlgate rest "
      "PATCH /quotas/KEY --body '{\"properties\":{\"callsCount\":0}}'");
  auto options = std::make_shared<RestOptions>();
  verb->add_option("method", options->method, "GET, HEAD, PUT, PATCH, POST or DELETE")
      ->transform(
          CLI::IsMember({"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"}, CLI::ignore_case))
      ->required();
  verb->add_option("path", options->path,
                   "Below the instance (/apis/echo-api), or whole (/subscriptions/ID/…)")
      ->required();
  verb->add_option("--body", options->body, "JSON, @FILE, or - for standard input");
  verb->add_option("--service", options->service, "The instance, where there are several");
  verb->callback([&chosen, options] {
    chosen = [options](Context& context) { return run_rest(context, *options); };
  });
}

}  // namespace mlgate::app
