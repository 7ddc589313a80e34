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

constexpr std::string_view kApiVersion = "2022-08-01";
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

std::string with_version(std::string path) {
  const auto mark = path.find('?');
  if (mark != path.npos && path.find("api-version=", mark) != path.npos) return path;
  return path + (mark == path.npos ? "?" : "&") + "api-version=" + std::string(kApiVersion);
}

// The resource id of the instance that is meant: the only one, or the one of that name.
Result<std::string> instance_id(ConsoleClient& client, const std::string& name) {
  const std::string path =
      "/subscriptions/" + client.subscription_id() + "/providers/Microsoft.ApiManagement/service";
  TRY(const http::Response answer, client.call({.path = with_version(path)}));
  TRY(const Json list, Json::parse(answer.body));
  std::string names;
  for (const Json& one : list["value"].items()) {
    const std::string_view found = one.string_or("name");
    if (equals_ignoring_case(found, name) || (name.empty() && list["value"].items().size() == 1))
      return std::string(one.string_or("id"));
    names += (names.empty() ? "" : ", ") + std::string(found);
  }
  if (names.empty())
    return fail(Errc::not_found,
                "there is no instance of API management yet; make one with PUT "
                "/subscriptions/…/Microsoft.ApiManagement/service/NAME");
  return fail(Errc::not_found, "name an instance with --service; there are: " + names, "service");
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
      {.method = options.method, .path = with_version(std::move(path)), .body = body});
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
