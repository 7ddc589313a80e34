#include "batch/liveness.h"

#include "base/text.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <fstream>

namespace mlgate::batch {
namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string link_of(const char* path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path, target, sizeof target);
  return size > 0 ? std::string(target, std::size_t(size)) : std::string();
}

// The boot of the machine and the space of process ids that we see.
std::string this_host() {
  return first_line("/proc/sys/kernel/random/boot_id") + link_of("/proc/self/ns/pid");
}

// Field 22 of /proc/PID/stat; the name before it may hold anything but ends with the last ')'.
std::uint64_t begun_at(std::int64_t pid) {
  const std::string line = first_line(("/proc/" + std::to_string(pid) + "/stat").c_str());
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  const auto fields = split(std::string_view(line).substr(name_end + 1), ' ');
  return fields.size() > 20 ? parse_uint(fields[20]).value_or(0) : 0;
}

}  // namespace

std::string WorkerNote::document() const {
  JsonWriter out;
  out.object().field("id", id).field("host", host).field("pid", pid).field("begun", begun);
  out.field("beat", beat).field("threads", threads).field("at", at_ms).end();
  return std::move(out).text();
}

Result<WorkerNote> WorkerNote::parse(const store::Document& document) {
  TRY(const Json json, Json::parse(document.body));
  WorkerNote note;
  note.id = json.string_or("id");
  note.host = json.string_or("host");
  note.pid = json.int_or("pid", 0);
  note.begun = parse_uint(json["begun"].number_text()).value_or(0);
  note.beat = parse_uint(json["beat"].number_text()).value_or(0);
  note.threads = parse_uint(json["threads"].number_text()).value_or(0);
  note.at_ms = json.int_or("at", 0);
  return note;
}

WorkerNote own_note(std::string id, std::uint64_t threads) {
  WorkerNote note;
  note.id = std::move(id);
  note.host = this_host();
  note.pid = ::getpid();
  note.begun = begun_at(note.pid);
  note.threads = threads;
  return note;
}

bool process_runs(const WorkerNote& note) {
  if (note.pid <= 0) return false;
  if (::kill(pid_t(note.pid), 0) != 0 && errno == ESRCH) return false;
  const std::uint64_t begun = begun_at(note.pid);
  return begun == 0 || begun == note.begun;
}

bool seems_alive(const WorkerNote& note, std::string_view here, TimeMs now) {
  if (note.host == here) return process_runs(note);
  const TimeMs age = now - note.at_ms, age_max = 6 * TimeMs{kBeatEvery.count()} * 1'000;
  return -age_max <= age && age <= age_max;
}

Liveness::Liveness(const Clock& clock, std::int64_t lease_ns, std::string host, ProcessRuns runs,
                   Reload reload)
    : clock_(clock),
      lease_ns_(lease_ns),
      host_(std::move(host)),
      runs_(std::move(runs)),
      reload_(std::move(reload)) {}

void Liveness::see(const WorkerNote& note) {
  const std::lock_guard lock(mutex_);
  const auto [at, added] = workers_.try_emplace(note.id);
  if (added || at->second.note.beat != note.beat) at->second.changed_ns = clock_.steady_ns();
  at->second.note = note;
}

void Liveness::gone(std::string_view worker) {
  const std::lock_guard lock(mutex_);
  if (const auto at = workers_.find(worker); at != workers_.end()) workers_.erase(at);
}

bool Liveness::is_dead_locked(std::string_view worker) const {
  const auto at = workers_.find(worker);
  if (at == workers_.end()) return true;
  const Seen& seen = at->second;
  if (clock_.steady_ns() - seen.changed_ns > lease_ns_) return true;
  return seen.note.host == host_ && !runs_(seen.note);
}

bool Liveness::is_dead(std::string_view worker) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_dead_locked(worker)) return false;
  }
  const auto note = reload_(worker);
  if (!note) return false;  // The store cannot be asked: nobody is given up on a guess.
  if (!*note) {
    gone(worker);
    return true;
  }
  see(**note);
  const std::lock_guard lock(mutex_);
  return is_dead_locked(worker);
}

std::vector<std::string> Liveness::abandoned(std::int64_t age_ns) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = clock_.steady_ns();
  std::vector<std::string> workers;
  for (const auto& [id, seen] : workers_) {
    const bool ended = seen.note.host == host_ && !runs_(seen.note);
    if (ended || now - seen.changed_ns > age_ns) workers.push_back(id);
  }
  return workers;
}

}  // namespace mlgate::batch
