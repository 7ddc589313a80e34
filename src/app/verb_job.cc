// mlgate job: batch jobs of the running server, through its REST interfaces.
#include "app/app.h"
#include "app/fetcher.h"
#include "app/local_blobs.h"
#include "base/crypto.h"
#include "base/text.h"
#include "batch/format.h"

#include <CLI/CLI.hpp>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace mlgate::app {
namespace {

constexpr std::chrono::milliseconds kPollEvery{200};
constexpr std::size_t kResultPieceBytes = std::size_t{8} << 20;
// A server that is started anew is waited for.
constexpr int kSilentPollsMax = 150;

// What the program ends with when a job was waited for; 1 is for what went wrong outside of the
// job.
constexpr int kFailedStatus = 2, kCancelledStatus = 3;

struct JobFlags {
  std::string service, job, input, output, connection, row_errors = "fail";
  std::vector<std::string> inputs, outputs, stored, parameters;  // "NAME=VALUE"
  std::uint64_t limit = 100;
  bool detach = false;
};

using Named = std::vector<std::pair<std::string, std::string>>;

Result<Named> by_name(const std::vector<std::string>& given, const char* flag) {
  Named named;
  for (const std::string& one : given) {
    const std::size_t at = one.find('=');
    if (at == std::string::npos || at == 0)
      return fail(Errc::invalid_argument,
                  std::string(flag) + " takes NAME=VALUE, and '" + one + "' is none");
    std::string name = one.substr(0, at);
    const bool again = std::ranges::find(named, name, &Named::value_type::first) != named.end();
    if (again)
      return fail(Errc::invalid_argument, std::string(flag) + " names '" + name + "' twice");
    named.emplace_back(std::move(name), one.substr(at + 1));
  }
  return named;
}

// What a job is made of. One input or output that stands alone has an empty name.
struct Order {
  Named inputs, outputs, stored, parameters;

  static Result<Order> of(const JobFlags& flags) {
    Order order;
    TRY(order.inputs, by_name(flags.inputs, "--input"));
    TRY(order.outputs, by_name(flags.outputs, "--output"));
    TRY(order.stored, by_name(flags.stored, "--store"));
    TRY(order.parameters, by_name(flags.parameters, "--parameter"));
    if (!flags.input.empty() && !order.inputs.empty())
      return fail(Errc::invalid_argument, "give either one input or all of them with --input");
    if (!flags.output.empty() && !order.outputs.empty())
      return fail(Errc::invalid_argument, "give either one output file or --output for each");
    if (!flags.input.empty()) order.inputs.emplace_back("", flags.input);
    if (!flags.output.empty()) order.outputs.emplace_back("", flags.output);
    return order;
  }
};

class Jobs {
 public:
  static Result<std::unique_ptr<Jobs>> open(const Context& context, const std::string& service) {
    const DataFolder data = context.data();
    const Json running = read_json_file(data.endpoints()).value_or(Json());
    const std::int64_t pid = running.int_or("pid", 0);
    if (pid <= 0 || ::kill(pid_t(pid), 0) != 0)
      return fail(Errc::unavailable, "no server is running on " + data.root.string() +
                                         "; start one with 'mlgate serve'");
    TRY(const Json credentials, read_json_file(data.credentials()));
    std::unique_ptr<Jobs> self(new Jobs(data));
    TRY(self->fetcher_, Fetcher::make((data.tls() / "ca.pem").string()));
    self->services_ = "http://localhost:" + std::to_string(running["services"].int_or("http", 0));
    self->blobs_ = "http://localhost:" + std::to_string(running["blob"].int_or("http", 0));
    self->workspace_ = credentials.string_or("workspaceId");
    self->token_ = credentials.string_or("workspaceToken");
    if (!service.empty()) {
      TRY_OK(self->find(service));
    }
    return self;
  }

  Result<Json> ask(const std::string& method, const std::string& url, const std::string& key,
                   const std::string& body = {}) {
    TRY(const http::Response answer,
        fetcher_->fetch(
            {.method = method,
             .url = url,
             .headers = {{"Authorization", "Bearer " + key}, {"Content-Type", "application/json"}},
             .body = body}));
    if (answer.body.empty() && answer.status < 300) return Json();
    auto json = Json::parse(answer.body);
    if (answer.status < 300) return json;
    std::string text = "the server answered " + std::to_string(answer.status);
    if (json) {
      const Json& details = (*json)["error"]["details"];
      if (!details.items().empty()) text = std::string(details.items()[0].string_or("message"));
    }
    const Errc refused = answer.status == 404 ? Errc::not_found : Errc::denied;
    return fail(answer.status >= 500 ? Errc::unavailable : refused, std::move(text));
  }
  Result<Json> job(const std::string& id) { return ask("GET", manage_ + "/jobs/" + id, token_); }
  Result<Json> list(std::uint64_t limit) {
    return ask("GET", manage_ + "/jobs?limit=" + std::to_string(limit), token_);
  }
  // Of all services; `show` gets a service's name and its jobs.
  Result<void> list_all(std::uint64_t limit,
                        const std::function<void(const std::string& service, const Json&)>& show) {
    std::vector<std::pair<std::string, std::string>> places;
    TRY_OK(each_endpoint([&](const Json& service, const Json& endpoint) {
      use(service, endpoint);
      places.emplace_back(service.string_or("Name"), manage_);
    }));
    for (const auto& [name, place] : places) {
      manage_ = place;
      TRY(const Json jobs, list(limit));
      show(name, jobs);
    }
    return {};
  }
  Result<void> each_endpoint(
      const std::function<void(const Json& service, const Json& endpoint)>& visit) {
    const std::string all = services_ + "/workspaces/" + workspace_ + "/webservices";
    TRY(const Json services, ask("GET", all, token_));
    for (const Json& service : services.items()) {
      TRY(const Json endpoints,
          ask("GET", all + "/" + std::string(service.string_or("Id")) + "/endpoints", token_));
      for (const Json& endpoint : endpoints.items()) visit(service, endpoint);
    }
    return {};
  }
  Result<void> cancel(const std::string& id) {
    TRY_OK(ask("DELETE", call_ + "/jobs/" + id + "?api-version=2.0", key_));
    return {};
  }
  Result<Json> status(const std::string& id) {
    return ask("GET", call_ + "/jobs/" + id + "?api-version=2.0", key_);
  }
  Result<std::string> submit(const JobFlags& flags, const Order& order);
  // Results go to the files that were named for them; links to the rest are printed.
  Result<void> download(const Json& status, const Named& files);

 private:
  using Reference = std::function<Json(const std::string& location)>;
  // Uploads what are files, each of which it notes, submits and starts.
  Result<std::string> order_job(const JobFlags& flags, const Order& order,
                                const Reference& reference, LocalBlobs* local,
                                std::vector<std::string>& uploads);
  Result<void> check_outputs(const std::string& id, const Order& order);
  Result<void> save(const std::string& link, const std::string& path);
  explicit Jobs(DataFolder data) : data_(std::move(data)) {}

  // By name or id, of service or endpoint.
  Result<void> find(const std::string& wanted) {
    bool found = false;
    std::string names;
    TRY_OK(each_endpoint([&](const Json& service, const Json& endpoint) {
      names.append(names.empty() ? "" : ", ").append(service.string_or("Name"));
      const bool this_one = equals_ignoring_case(service.string_or("Id"), wanted) ||
                            equals_ignoring_case(service.string_or("Name"), wanted) ||
                            equals_ignoring_case(endpoint.string_or("Id"), wanted);
      if (!this_one || found) return;
      found = true;
      use(service, endpoint);
    }));
    if (found) return {};
    return fail(Errc::not_found, "there is no service '" + wanted +
                                     "'; there are: " + (names.empty() ? "none" : names));
  }
  void use(const Json& service, const Json& endpoint) {
    const std::string id(endpoint.string_or("Id"));
    manage_ = services_ + "/workspaces/" + workspace_ + "/webservices/" +
              std::string(service.string_or("Id")) + "/endpoints/" + id;
    call_ = services_ + "/workspaces/" + workspace_ + "/services/" + id;
    key_ = endpoint.string_or("PrimaryKey");
  }

  DataFolder data_;
  std::unique_ptr<Fetcher> fetcher_;
  std::string services_, blobs_, workspace_, token_, manage_, call_, key_;
};

bool is_file(const std::string& path) {
  std::error_code error;  // A name that is no path at all is no file either.
  return std::filesystem::is_regular_file(path, error);
}

// What would come to light only after the job has run is looked at before.
Result<void> check_input(const std::string& input) {
  std::error_code error;
  if (is_file(input)) return {};
  if (std::filesystem::is_directory(input, error))
    return fail(Errc::invalid_argument, "'" + input + "' is a folder; give a file");
  const std::size_t slash = input.find('/', input.starts_with('/') ? 1 : 0);
  if (slash == std::string::npos || slash + 1 == input.size())
    return fail(Errc::not_found,
                "there is no file '" + input + "'; a blob is given as container/blob");
  return {};
}

Result<void> check_output(const std::string& output) {
  std::error_code error;
  if (std::filesystem::is_directory(output, error))
    return fail(Errc::invalid_argument, "'" + output + "' is a folder; give a file");
  const auto folder = std::filesystem::absolute(output, error).parent_path();
  if (::access(folder.c_str(), W_OK) != 0)
    return fail(Errc::not_found, "cannot write to the folder " + folder.string());
  return {};
}

Result<void> check_paths(const JobFlags& flags, const Order& order) {
  std::size_t files = 0;
  for (const auto& [name, input] : order.inputs) {
    if (!flags.connection.empty()) continue;
    TRY_OK(check_input(input));
    files += is_file(input) ? 1 : 0;
  }
  // What is uploaded goes with the job, by a flag that holds for all inputs.
  if (files != 0 && files != order.inputs.size())
    return fail(Errc::invalid_argument, "give either files or blobs as inputs, not both");
  for (const auto& [name, output] : order.outputs) {
    if (flags.detach)
      return fail(Errc::invalid_argument,
                  "with --detach there is no result yet that could go to '" + output + "'");
    TRY_OK(check_output(output));
  }
  return {};
}

Result<void> Jobs::check_outputs(const std::string& id, const Order& order) {
  TRY(const Json submitted, job(id));
  std::string names;
  for (const Json& output : submitted["Outputs"].items())
    names.append(names.empty() ? "" : ", ").append(output.string_or("Name"));
  for (const auto& [name, file] : order.outputs) {
    const bool known =
        name.empty() || std::ranges::any_of(submitted["Outputs"].items(), [&](const Json& output) {
          return output.string_or("Name") == name;
        });
    if (!known)
      return fail(Errc::not_found, "there is no output '" + name + "'; there are: " + names);
  }
  return {};
}

Result<std::string> Jobs::submit(const JobFlags& flags, const Order& order) {
  TRY_OK(check_paths(flags, order));
  std::unique_ptr<LocalBlobs> local;
  std::string connection = flags.connection;
  if (connection.empty()) {
    TRY(local, LocalBlobs::open(data_, blobs_));
    connection = local->connection_string();
  }
  const auto reference = [&](const std::string& location) {
    return Json::object(
        {{"ConnectionString", Json(connection)}, {"RelativeLocation", Json(location)}});
  };
  std::vector<std::string> uploads;
  auto job = order_job(flags, order, reference, local.get(), uploads);
  // With a job they go by themselves.
  if (!job) {
    for (const std::string& blob : uploads) (void)local->remove(workspace_, blob);
  }
  return job;
}

Result<std::string> Jobs::order_job(const JobFlags& flags, const Order& order,
                                    const Reference& reference, LocalBlobs* local,
                                    std::vector<std::string>& uploads) {
  Json body = Json::object(), inputs = Json::object();
  for (const auto& [name, input] : order.inputs) {
    std::string location = input;
    if (local && is_file(input)) {
      const std::string file = std::filesystem::path(input).filename().string();
      uploads.push_back("uploads/" + new_hex_id() + "/" + file);
      TRY_OK(local->upload(input, workspace_, uploads.back()));
      location = workspace_ + "/" + uploads.back();
    }
    name.empty() ? body.set("Input", reference(location)) : inputs.set(name, reference(location));
  }
  if (!inputs.members().empty()) body.set("Inputs", std::move(inputs));
  Json outputs = Json::object(), parameters = Json::object();
  for (const auto& [name, location] : order.stored) outputs.set(name, reference(location));
  for (const auto& [name, value] : order.parameters) parameters.set(name, Json(value));
  body.set("Outputs", std::move(outputs));
  body.set("GlobalParameters", std::move(parameters));
  std::string url = call_ + "/jobs?api-version=2.0&onRowError=" + flags.row_errors;
  if (!uploads.empty()) url += "&deleteInputs=true";
  TRY(const Json id, ask("POST", url, key_, body.dump()));
  std::string job_id(id.as_string());
  if (auto known = check_outputs(job_id, order); !known) {
    TRY_OK(cancel(job_id));
    TRY_OK(cancel(job_id));  // Its record.
    return std::unexpected(std::move(known).error());
  }
  TRY_OK(ask("POST", call_ + "/jobs/" + job_id + "/start?api-version=2.0", key_));
  return job_id;
}

Result<void> Jobs::download(const Json& status, const Named& files) {
  const Json& results = status["Results"];
  bool first = true;
  for (const auto& [name, output] : results.members()) {
    const std::string link = std::string(output.string_or("BaseLocation")) +
                             std::string(output.string_or("RelativeLocation")) +
                             std::string(output.string_or("SasBlobToken"));
    const auto file = std::ranges::find_if(
        files, [&](const auto& one) { return one.first.empty() ? first : one.first == name; });
    first = false;
    if (file == files.end()) {
      std::printf("%s: %s\n", name.c_str(), link.c_str());
      continue;
    }
    TRY_OK(save(link, file->second));
  }
  return {};
}

Result<void> Jobs::save(const std::string& link, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  std::string etag;
  for (std::uint64_t at = 0;;) {
    http::FetchRequest request{.method = "GET", .url = link, .headers = {}, .body = {}};
    const std::uint64_t last = at + kResultPieceBytes - 1;
    request.headers.emplace_back("Range",
                                 "bytes=" + std::to_string(at) + "-" + std::to_string(last));
    if (!etag.empty()) request.headers.emplace_back("If-Match", etag);
    TRY(const http::Response answer, fetcher_->fetch(std::move(request)));
    if (answer.status == 412)
      return fail(Errc::conflict, "the result was replaced while it was being read");
    const bool behind_the_end = answer.status == 416;
    if (answer.status != 200 && answer.status != 206 && !behind_the_end)
      return fail(Errc::unavailable, "the result cannot be read: " + answer.body.substr(0, 200));
    if (!behind_the_end) out << answer.body;
    if (!out.flush())
      return fail(Errc::unavailable, "cannot write " + path + ": " + std::strerror(errno) +
                                         "; the result is at " + link);
    at += answer.body.size();
    if (answer.status != 206 || answer.body.size() < kResultPieceBytes) return {};
    for (const auto& [name, value] : answer.headers)
      if (equals_ignoring_case(name, "etag")) etag = value;
  }
}

std::string thousands(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string clock_text(double seconds) {
  const auto whole = std::int64_t(seconds + 0.5);
  char text[32];
  std::snprintf(text, sizeof text, "%lld:%02lld", static_cast<long long>(whole / 60),
                static_cast<long long>(whole % 60));
  return text;
}

// One line on how far the job is. The speed is that since the job began to run.
std::string progress_line(const Json& job, double running_s) {
  constexpr int kBar = 24;
  const std::string state(job.string_or("State"));
  std::string line = state;
  if (state == "Queued") {
    line += ", number " + std::to_string(job.int_or("Place", 0)) + " in line. " +
            std::string(job.string_or("WaitingFor"));
    return line;
  }
  const std::int64_t rows = job.int_or("RowsDone", 0), bytes = job.int_or("BytesDone", 0);
  const std::int64_t total = job.int_or("BytesTotal", 0);
  const double part = total > 0 ? double(bytes) / double(total) : state == "Finished" ? 1 : 0;
  const int filled = int(part * kBar);
  line += "  [" + std::string(std::size_t(filled), '#') +
          std::string(std::size_t(kBar - filled), '-') + "] " + std::to_string(int(part * 100)) +
          " %  " + thousands(rows) + " rows";
  if (running_s > 0.2) line += "  " + thousands(std::int64_t(double(rows) / running_s)) + " rows/s";
  if (state == "Running" && !job["SecondsLeft"].is_null())
    line += "  " + clock_text(double(job.int_or("SecondsLeft", 0))) + " left";
  if (state == "Running" && !job["WaitingFor"].is_null())
    line += "  " + std::string(job.string_or("WaitingFor"));
  return line;
}

TimeMs time_member(const Json& job, std::string_view name) {
  return parse_iso8601(job.string_or(name)).value_or(0);
}

// Until the job has ended; gives its last state.
Result<std::string> watch(Jobs& jobs, const std::string& id) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  std::string last;
  for (int silent = 0;;) {
    const auto asked = jobs.job(id);
    const Errc code = asked ? Errc() : asked.error().code();
    const bool refused = code == Errc::not_found || code == Errc::denied;
    if (!asked && !refused && ++silent <= kSilentPollsMax) {
      if (silent == 1)
        std::fprintf(stderr, "\nthe server does not answer (%s); waiting for it\n",
                     asked.error().message().c_str());
      std::this_thread::sleep_for(kPollEvery);
      continue;
    }
    TRY_OK(asked);
    silent = 0;
    const Json& job = *asked;
    std::string state(job.string_or("State"));
    const TimeMs begun = time_member(job, "RunningTime");
    TimeMs ended = time_member(job, "EndTime");
    if (ended == 0) ended = system_clock().now_ms();
    const std::string line =
        progress_line(job, begun == 0 ? 0 : double(std::max<TimeMs>(ended - begun, 0)) / 1000);
    // On a terminal one line changes; a log gets a line when there is something new.
    if (terminal) {
      std::fprintf(stderr, "\r%-100s", line.c_str());
    } else if (line.substr(0, line.find("  ", 12)) != last.substr(0, last.find("  ", 12))) {
      std::fprintf(stderr, "%s\n", line.c_str());
    }
    last = line;
    const bool over = state == "Finished" || state == "Failed" || state == "Cancelled";
    if (over && terminal) std::fputc('\n', stderr);
    if (state == "Failed")
      std::fprintf(stderr, "%s\n", std::string(job.string_or("Details")).c_str());
    const std::int64_t skipped = job.int_or("RowsSkipped", 0);
    if (over && skipped > 0)
      std::fprintf(stderr, "%s rows were skipped; see the report %s\n", thousands(skipped).c_str(),
                   std::string(job.string_or("Report")).c_str());
    if (over) return state;
    std::this_thread::sleep_for(kPollEvery);
  }
}

int status_of(std::string_view state) {
  return state == "Finished" ? 0 : state == "Cancelled" ? kCancelledStatus : kFailedStatus;
}

Result<int> run_submit(const Context& context, const JobFlags& flags) {
  TRY(const Order order, Order::of(flags));
  TRY(const auto jobs, Jobs::open(context, flags.service));
  TRY(const std::string id, jobs->submit(flags, order));
  if (flags.detach) {
    std::printf("%s\n", id.c_str());
    return 0;
  }
  std::fprintf(stderr, "job %s\n", id.c_str());
  TRY(const std::string state, watch(*jobs, id));
  if (state != "Finished") return status_of(state);
  TRY(const Json status, jobs->status(id));
  TRY_OK(jobs->download(status, order.outputs));
  return 0;
}

Result<int> run_watch(const Context& context, const JobFlags& flags) {
  TRY(const auto jobs, Jobs::open(context, flags.service));
  TRY(const std::string state, watch(*jobs, flags.job));
  return status_of(state);
}

Result<int> run_list(const Context& context, const JobFlags& flags) {
  TRY(const auto jobs, Jobs::open(context, flags.service));
  const auto line = [](const std::string& service, const Json& job) {
    std::printf("%-32s  %-10s  %-24s  %12s  %s\n", std::string(job.string_or("Id")).c_str(),
                std::string(job.string_or("State")).c_str(),
                std::string(job.string_or("CreatedTime")).c_str(),
                thousands(job.int_or("RowsDone", 0)).c_str(), service.c_str());
  };
  std::printf("%-32s  %-10s  %-24s  %12s  %s\n", "JOB", "STATE", "CREATED", "ROWS", "SERVICE");
  if (flags.service.empty()) {
    TRY_OK(jobs->list_all(flags.limit, [&](const std::string& service, const Json& list) {
      for (const Json& job : list.items()) line(service, job);
    }));
    return 0;
  }
  TRY(const Json list, jobs->list(flags.limit));
  for (const Json& job : list.items()) line(flags.service, job);
  return 0;
}

Result<int> run_show(const Context& context, const JobFlags& flags) {
  TRY(const auto jobs, Jobs::open(context, flags.service));
  TRY(const Json job, jobs->job(flags.job));
  for (const auto& [name, value] : job.members()) {
    if (value.is_null()) continue;
    if (value.is_array()) {
      for (const Json& port : value.items())
        std::printf("%-14s %s: %s\n", name.c_str(), std::string(port.string_or("Name")).c_str(),
                    std::string(port.string_or("Location")).c_str());
      continue;
    }
    const std::string text = value.is_string() ? std::string(value.as_string()) : value.dump();
    if (!text.empty()) std::printf("%-14s %s\n", name.c_str(), text.c_str());
  }
  return 0;
}

Result<int> run_cancel(const Context& context, const JobFlags& flags) {
  TRY(const auto jobs, Jobs::open(context, flags.service));
  TRY_OK(jobs->cancel(flags.job));
  return 0;
}

using Action = Result<int> (*)(const Context&, const JobFlags&);

CLI::App* add_action(CLI::App& verb, Chosen& chosen, const std::shared_ptr<JobFlags>& flags,
                     const char* name, const char* help, Action action) {
  CLI::App* sub = verb.add_subcommand(name, help);
  sub->add_option("service", flags->service, "Name or id of a service, or id of an endpoint")
      ->required();
  sub->callback([&chosen, flags, action] {
    chosen = [flags, action](Context& context) {
      const auto done = action(context, *flags);
      return done ? *done : complain(done.error().message());
    };
  });
  return sub;
}

}  // namespace

void add_job(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand("job", "Batch jobs of the running server");
  verb->require_subcommand(1);
  verb->fallthrough();
  auto flags = std::make_shared<JobFlags>();
  CLI::App* submit = add_action(*verb, chosen, flags, "submit",
                                "Submits and starts a job, and waits for its end. Ends with 0 "
                                "when it has finished, 2 when it has failed, 3 when it was "
                                "cancelled, 1 when it could not be submitted or followed",
                                run_submit);
  submit->add_option("input", flags->input, "A file, or container/blob");
  submit->add_option("output", flags->output, "File for the result; without it a link is printed");
  const auto named = [&](const char* name, std::vector<std::string>& into, const char* help) {
    submit->add_option(name, into, help)->type_name("NAME=VALUE")->allow_extra_args(false);
  };
  named("--input", flags->inputs,
        "An input by its name, for each of several: NAME=FILE or "
        "NAME=container/blob");
  named("--output", flags->outputs, "File for the result of one of several outputs: NAME=FILE");
  named("--store", flags->stored, "Blob that an output goes to and stays: NAME=container/blob");
  named("--parameter", flags->parameters, "A global parameter: NAME=VALUE");
  submit->add_option("--connection", flags->connection,
                     "Connection string of the storage of blobs that are read, and of --store; "
                     "empty means the embedded one");
  submit
      ->add_option("--on-row-error", flags->row_errors,
                   "What a row that cannot be read does: fail or skip")
      ->check(CLI::IsMember({"fail", "skip"}));
  submit->add_flag("--detach", flags->detach, "Print the job's id and do not wait");
  CLI::App* list = add_action(*verb, chosen, flags, "list",
                              "Lists the latest jobs, of all services or of one", run_list);
  list->get_option("service")->required(false);
  list->add_option("--limit", flags->limit, "How many of each service")
      ->check(CLI::Range(1, 1'000));
  const auto with_job = [&](const char* name, const char* help, Action action) {
    add_action(*verb, chosen, flags, name, help, action)
        ->add_option("job", flags->job, "Id of the job")
        ->required();
  };
  with_job("show", "Shows what is known of a job", run_show);
  with_job("watch", "Follows a job until it ends", run_watch);
  with_job("cancel", "Cancels a job, or removes the record of one that has ended", run_cancel);
}

}  // namespace mlgate::app
