#include "batch/ledger.h"

#include "base/crash_point.h"
#include "base/text.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <thread>

namespace mlgate::batch {
namespace {

constexpr int kAttemptsMax = 1'000;  // Of one change, when others are always faster.
constexpr std::int64_t kCensusNs = 1'000'000'000;
constexpr std::size_t kSweepPage = 1'000;  // Records looked at in one go.

std::string job_key(std::string_view endpoint, std::string_view job) {
  return std::string(endpoint) + "/" + std::string(job);
}

std::string part_key(std::string_view job, std::uint64_t number) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%012llu", static_cast<unsigned long long>(number));
  return std::string(job) + "/" + digits;
}

store::Write put(std::string_view collection, std::string key, std::string body) {
  return {.collection = std::string(collection), .key = std::move(key), .body = std::move(body)};
}

store::Write put_if(std::string_view collection, std::string key, std::string body,
                    std::uint64_t version) {
  return {.collection = std::string(collection),
          .key = std::move(key),
          .body = std::move(body),
          .expect = store::Expect::version,
          .version = version};
}

store::Write erase_if(std::string_view collection, std::string key, std::uint64_t version) {
  return {.collection = std::string(collection),
          .key = std::move(key),
          .body = std::nullopt,
          .expect = store::Expect::version,
          .version = version};
}

store::Write erase(std::string_view collection, std::string key) {
  return {.collection = std::string(collection), .key = std::move(key), .body = std::nullopt};
}

struct Slots {
  std::vector<std::string> jobs;
  std::uint64_t version = 0;
};

Result<Slots> read_slots(store::Store& store, const std::string& endpoint) {
  TRY(const auto document, store.get(kSlots, endpoint));
  Slots slots;
  if (!document) return slots;
  slots.version = document->version;
  TRY(const Json json, Json::parse(document->body));
  for (const Json& job : json["jobs"].items()) slots.jobs.emplace_back(job.as_string());
  return slots;
}

store::Write write_slots(const std::string& endpoint, const Slots& slots) {
  JsonWriter out;
  out.object().key("jobs").array();
  for (const std::string& job : slots.jobs) out.value(job);
  out.end().end();
  store::Write write = put_if(kSlots, endpoint, std::move(out).text(), slots.version);
  if (slots.version == 0) write.expect = store::Expect::absent;
  return write;
}

bool lost_race(const Error& error) { return error.code() == Errc::precondition_failed; }

Error lease_lost() { return {Errc::closed, "the work was given to another worker or ended"}; }

// Whether the piece is the assignment's: not another's, nor given back.
bool holds(const Work& work, const Assignment& assignment) {
  const std::uint64_t epoch = assignment.lease.epoch;
  if (assignment.kind == Assignment::Kind::finish)
    return work.finishing && work.finisher.epoch == epoch && !work.finisher.worker.empty();
  const Part* part = work.find(assignment.part.number, epoch);
  return !work.finishing && part && !part->lease.worker.empty();
}

// A breath for whoever was faster, longer after many losses.
void step_back(int attempt) {
  if (attempt > 4) std::this_thread::sleep_for(std::chrono::microseconds(200 * (attempt % 16)));
}

}  // namespace

JobState JobView::state() const noexcept {
  if (record.state != JobState::running) return record.state;
  return work && work->running ? JobState::running : JobState::queued;
}

Ledger::Ledger(Parts parts, LedgerLimits limits) : parts_(parts), limits_(limits) {}

Result<void> Ledger::admit(Census& census, std::string_view collection, std::size_t most) {
  const std::lock_guard lock(census.mutex);
  const std::int64_t now = parts_.clock.steady_ns();
  // A refusal rests on a count that is nearly new.
  const std::int64_t age_max = census.count < most ? kCensusNs : kCensusNs / 10;
  if (!census.counted_ns || now - *census.counted_ns > age_max) {
    TRY(census.count, parts_.store.size_of(collection));
    census.counted_ns = now;
  }
  if (census.count >= most)
    return fail(Errc::exhausted, std::to_string(most), std::string(collection));
  ++census.count;
  return {};
}

Result<void> Ledger::submit(const JobSpec& spec, std::string_view graph) {
  TRY_OK(admit(stored_, kJobs, limits_.stored_max));
  JobRecord record;
  record.spec = spec;
  std::vector<store::Write> writes;
  writes.push_back(put(kJobs, job_key(spec.endpoint, spec.id), record.document(parts_.vault)));
  writes.back().expect = store::Expect::absent;
  // Written anew each time: a sweep that has found the graph unused is refused by its version.
  writes.push_back(put(kGraphs, spec.graph, std::string(graph)));
  crash_point();
  TRY_OK(parts_.store.commit(std::move(writes)));
  crash_point();
  return {};
}

Result<JobRecord> Ledger::record(std::string_view endpoint, std::string_view job) {
  TRY(const auto document, parts_.store.get(kJobs, job_key(endpoint, job)));
  if (!document) return fail(Errc::not_found, "there is no such job");
  return JobRecord::parse(*document, parts_.vault);
}

TimeMs Ledger::queue_time(TimeMs now) noexcept {
  TimeMs last = last_queued_ms_.load();
  while (!last_queued_ms_.compare_exchange_weak(last, std::max(now, last + 1))) {
  }
  return std::max(now, last + 1);
}

Result<void> Ledger::start(std::string_view endpoint, std::string_view job) {
  for (int attempt = 0;; ++attempt) {
    TRY(const JobView view, find(endpoint, job));
    if (view.record.state != JobState::not_started) {
      const std::string state(name_of(view.state()));
      return fail(Errc::conflict, "the job is " + state, state);
    }
    if (attempt == 0) {
      TRY_OK(admit(waiting_, kWork, limits_.waiting_max));
    }
    JobRecord record = view.record;
    record.state = JobState::running;
    record.started_ms = parts_.clock.now_ms();
    Work work;
    work.job = record.spec.id;
    work.endpoint = record.spec.endpoint;
    // Direct calls share the queue by endpoint.
    work.caller = record.spec.caller.empty() ? "endpoint " + work.endpoint : record.spec.caller;
    work.queued_ms = queue_time(record.started_ms);
    std::vector<store::Write> writes;
    writes.push_back(
        put_if(kJobs, job_key(endpoint, job), record.document(parts_.vault), view.record.version));
    writes.push_back(put(kWork, work.job, work.document()));
    writes.back().expect = store::Expect::absent;
    crash_point();
    const auto done = parts_.store.commit(std::move(writes));
    crash_point();
    if (done) return {};
    if (!lost_race(done.error()) || attempt >= kAttemptsMax) return std::unexpected(done.error());
  }
}

store::Write Ledger::end_record(JobRecord record, JobState state, std::string details,
                                const Work* work) {
  record.state = state;
  record.details = std::move(details);
  record.ended_ms = parts_.clock.now_ms();
  if (work) {
    record.running_ms = work->running_ms;
    record.rows = work->rows_done;
    record.rows_skipped = work->rows_skipped;
    record.input_bytes = work->input_bytes == kUnknown ? 0 : work->input_bytes;
  }
  return put_if(kJobs, job_key(record.spec.endpoint, record.spec.id), record.document(parts_.vault),
                record.version);
}

Result<bool> Ledger::take_slot(const Work& work, std::vector<store::Write>& writes) {
  TRY(Slots slots, read_slots(parts_.store, work.endpoint));
  if (slots.jobs.size() >= limits_.running_max) return false;
  slots.jobs.push_back(work.job);
  writes.push_back(write_slots(work.endpoint, slots));
  return true;
}

Result<void> Ledger::free_slot(const Work& work, std::vector<store::Write>& writes) {
  TRY(Slots slots, read_slots(parts_.store, work.endpoint));
  if (std::erase(slots.jobs, work.job) == 0) return {};
  writes.push_back(slots.jobs.empty() ? erase_if(kSlots, work.endpoint, slots.version)
                                      : write_slots(work.endpoint, slots));
  return {};
}

Result<void> Ledger::drop_results(std::string_view job, std::vector<store::Write>& writes) {
  TRY(const auto documents, parts_.store.list(kPartResults, std::string(job) + "/"));
  for (const store::Document& document : documents)
    writes.push_back(erase(kPartResults, document.key));
  return {};
}

Result<void> Ledger::cancel_or_remove(std::string_view endpoint, std::string_view job) {
  for (int attempt = 0;; ++attempt) {
    TRY(const JobView view, find(endpoint, job));
    std::vector<store::Write> writes;
    if (is_final(view.record.state)) {
      writes.push_back(erase_if(kJobs, job_key(endpoint, job), view.record.version));
      // A link to the result may be in use.
      if (view.record.state == JobState::finished && has_own_output(view.record.spec))
        writes.push_back(put(kLeft, job_key(endpoint, job), view.record.document(parts_.vault)));
    } else {
      const Work* work = view.work ? &*view.work : nullptr;
      writes.push_back(end_record(view.record, JobState::cancelled, {}, work));
      if (work) {
        writes.push_back(erase_if(kWork, work->job, work->version));
        TRY_OK(free_slot(*work, writes));
        TRY_OK(drop_results(job, writes));
      }
      if ((work && work->running) || view.record.spec.delete_inputs)
        writes.push_back(put(kLitter, std::string(job), *writes.front().body));
    }
    crash_point();
    const auto done = parts_.store.commit(std::move(writes));
    crash_point();
    if (done) return {};
    if (!lost_race(done.error()) || attempt >= kAttemptsMax) return std::unexpected(done.error());
    step_back(attempt);
  }
}

Result<void> Ledger::cancel_all(std::string_view endpoint) {
  std::string after;
  for (;;) {
    TRY(const auto views, list(endpoint, after, kSweepPage));
    for (const JobView& view : views) {
      if (is_final(view.record.state)) continue;
      const auto done = cancel_or_remove(endpoint, view.record.spec.id);
      if (!done && done.error().code() != Errc::not_found) return done;
    }
    if (views.size() < kSweepPage) return {};
    after = views.back().record.spec.id;
  }
}

Result<std::set<std::string, std::less<>>> Ledger::busy_endpoints() {
  TRY(const auto documents, parts_.store.list(kWork, ""));
  std::set<std::string, std::less<>> endpoints;
  for (const store::Document& document : documents) {
    TRY(const Work work, Work::parse(document));
    endpoints.insert(work.endpoint);
  }
  return endpoints;
}

Result<JobView> Ledger::find(std::string_view endpoint, std::string_view job) {
  // The work document goes in the commit that ends the record: when there is none for a job that
  // runs, the record is looked at again.
  for (int attempt = 0;; ++attempt) {
    JobView view;
    TRY(view.record, record(endpoint, job));
    if (view.record.state != JobState::running) return view;
    TRY(const auto document, parts_.store.get(kWork, job));
    if (document) {
      TRY(view.work, Work::parse(*document));
      return view;
    }
    if (attempt >= kAttemptsMax)
      return fail(Errc::internal, "the job " + std::string(job) + " runs and has no work");
  }
}

Result<std::vector<JobView>> Ledger::list(std::string_view endpoint, std::string_view after,
                                          std::size_t limit) {
  const std::string prefix = std::string(endpoint) + "/";
  TRY(const auto documents,
      parts_.store.page(kJobs, prefix, after.empty() ? "" : job_key(endpoint, after), limit));
  std::vector<JobView> views;
  for (const store::Document& document : documents) {
    JobView view;
    TRY(view.record, JobRecord::parse(document, parts_.vault));
    if (view.record.state == JobState::running) {
      // Read anew: what the page says may be older than the work.
      auto now = find(endpoint, view.record.spec.id);
      if (!now && now.error().code() == Errc::not_found) continue;
      if (!now) return std::unexpected(std::move(now).error());
      view = *std::move(now);
    }
    views.push_back(std::move(view));
  }
  return views;
}

Result<Work> Ledger::change(std::string_view job, const Decide& decide) {
  for (int attempt = 0;; ++attempt) {
    TRY(const auto document, parts_.store.get(kWork, job));
    if (!document) return std::unexpected(lease_lost());
    TRY(Work work, Work::parse(*document));
    TRY(Extra extra, decide(work));
    extra.writes.push_back(
        extra.ended ? erase_if(kWork, std::string(job), document->version)
                    : put_if(kWork, std::string(job), work.document(), document->version));
    crash_point();
    const auto done = parts_.store.commit(std::move(extra.writes));
    crash_point();
    if (done) {
      work.version = *done;
      return work;
    }
    if (!lost_race(done.error()) || attempt >= kAttemptsMax) return std::unexpected(done.error());
    step_back(attempt);
  }
}

Result<std::optional<Assignment>> Ledger::take(Work& work, std::string_view worker,
                                               const IsDead& is_dead, Extra& extra) {
  const auto is_free = [&](const Lease& lease) {
    return lease.worker.empty() || is_dead(lease.worker);
  };
  if (is_put_off(work, parts_.clock.now_ms())) return std::nullopt;
  if (!work.running) {
    TRY(const bool taken, take_slot(work, extra.writes));
    if (!taken) return std::nullopt;
    work.running = true;
    work.running_ms = parts_.clock.now_ms();
  }
  Assignment given;
  const auto lease = [&] {
    given.lease = {.worker = std::string(worker), .epoch = ++work.epoch};
    return given.lease;
  };
  const auto matters = [&](const Part& part) {
    return !work.failure || part.number < work.failure->part;
  };
  if (work.finishing && !is_free(work.finisher)) return std::nullopt;
  if (!work.finishing) {
    for (Part& part : work.parts) {
      if (!matters(part) || !is_free(part.lease)) continue;
      if (++part.tries > limits_.tries_max) {
        work.failure = {.part = part.number,
                        .text = "The rows from " + std::to_string(part.row + 1) +
                                " on were begun " + std::to_string(limits_.tries_max) +
                                " times, and the worker ended over them each time."};
        break;
      }
      part.lease = lease();
      given.part = part;
      return given;
    }
    if (!work.failure && !work.at_end && !work.cursor_busy &&
        work.parts.size() < limits_.parts_in_flight_max) {
      given.part = {.number = work.next_part++,
                    .begin = work.next_begin,
                    .row = work.next_row,
                    .lease = lease()};
      work.parts.push_back(given.part);
      work.cursor_busy = true;
      return given;
    }
    const bool over = work.failure ? std::ranges::none_of(work.parts, matters)
                                   : work.at_end && work.parts.empty();
    if (!over) return std::nullopt;
    work.finishing = true;
  }
  if (++work.finish_tries > limits_.tries_max && !work.failure) {
    work.failure = {.part = 0,
                    .text =
                        "The result could not be put together: every worker ended "
                        "over it."};
  }
  work.finisher = lease();
  given.kind = Assignment::Kind::finish;
  return given;
}

Result<std::optional<Assignment>> Ledger::claim(std::string_view job, std::string_view worker,
                                                const IsDead& is_dead) {
  std::optional<Assignment> given;
  const auto work = change(job, [&](Work& now) -> Result<Extra> {
    Extra extra;
    TRY(given, take(now, worker, is_dead, extra));
    if (!given) return fail(Errc::not_found, "nothing is free");
    return extra;
  });
  if (!work) {
    const Errc code = work.error().code();
    if (code == Errc::not_found || code == Errc::closed) return std::nullopt;
    return std::unexpected(work.error());
  }
  given->work = *work;
  auto found = record(work->endpoint, job);
  if (!found && found.error().code() == Errc::not_found) return std::nullopt;
  if (!found) return std::unexpected(std::move(found).error());
  given->spec = std::move(found->spec);
  return given;
}

Result<void> Ledger::change_part(const Assignment& assignment,
                                 const std::function<Result<Extra>(Work&, Part&)>& decide) {
  TRY_OK(change(assignment.work.job, [&](Work& work) -> Result<Extra> {
    if (!holds(work, assignment)) return std::unexpected(lease_lost());
    return decide(work, *work.find(assignment.part.number, assignment.lease.epoch));
  }));
  return {};
}

Result<void> Ledger::set_boundary(const Assignment& assignment, const Boundary& boundary) {
  return change_part(assignment, [&](Work& work, Part& part) -> Result<Extra> {
    const bool first = work.input_bytes == kUnknown;
    if (!first && (work.etag != boundary.etag || work.input_bytes != boundary.input_bytes))
      return fail(Errc::conflict, "the input was changed while the job ran");
    if (part.end != kUnknown) return Extra();
    work.etag = boundary.etag;
    work.input_bytes = boundary.input_bytes;
    if (part.number == 0) work.header_bytes = boundary.header_bytes;
    part.end = boundary.end;
    work.next_begin = boundary.end;
    work.next_row = part.row + boundary.rows;
    work.at_end = boundary.at_end;
    work.cursor_busy = false;
    return Extra();
  });
}

Result<void> Ledger::complete(const Assignment& assignment, const PartResult& result) {
  return change_part(assignment, [&](Work& work, Part& part) -> Result<Extra> {
    if (part.end == kUnknown) return fail(Errc::internal, "a part without an end was completed");
    Extra extra;
    extra.writes.push_back(put(kPartResults, part_key(work.job, part.number), result.document()));
    ++work.done;
    work.troubles = 0;
    work.resume_ms = 0;
    work.bytes_done += part.end - part.begin;
    work.rows_done += result.rows;
    work.rows_skipped += result.rows_skipped;
    work.parts.erase(work.parts.begin() + (&part - work.parts.data()));
    return extra;
  });
}

Result<void> Ledger::give_up(const Assignment& assignment, std::string text) {
  return change_part(assignment, [&](Work& work, Part& part) -> Result<Extra> {
    if (!work.failure || part.number < work.failure->part)
      work.failure = {.part = part.number, .text = text};
    work.parts.erase(work.parts.begin() + (&part - work.parts.data()));
    return Extra();
  });
}

Result<void> Ledger::let_go(const Assignment& assignment, const Decide& decide) {
  TRY_OK(change(assignment.work.job, [&](Work& work) -> Result<Extra> {
    if (!holds(work, assignment)) return std::unexpected(lease_lost());
    if (assignment.kind == Assignment::Kind::finish) {
      work.finisher.worker.clear();
      --work.finish_tries;
    } else {
      Part* part = work.find(assignment.part.number, assignment.lease.epoch);
      part->lease.worker.clear();
      --part->tries;
    }
    return decide(work);
  }));
  return {};
}

Result<void> Ledger::put_back(const Assignment& assignment) {
  return let_go(assignment, [](Work&) -> Result<Extra> { return Extra(); });
}

bool Ledger::count_trouble(Work& work) const noexcept {
  std::chrono::milliseconds waited{0}, pause = limits_.first_pause;
  for (unsigned i = 0; i < work.troubles; ++i) {
    waited += pause;
    if (waited >= limits_.storage_wait) return false;
    pause = std::min(2 * pause, std::chrono::milliseconds(kPutOffMax));
  }
  ++work.troubles;
  work.resume_ms = parts_.clock.now_ms() + pause.count();
  return true;
}

Result<bool> Ledger::put_off(const Assignment& assignment, std::string text) {
  bool enough = limits_.storage_wait.count() == 0;
  const auto done = let_go(assignment, [&](Work& work) -> Result<Extra> {
    // Workers that fail at the same time meet one outage, not several.
    const bool counted = work.troubles != assignment.work.troubles;
    enough = enough || (!counted && !count_trouble(work));
    if (enough) return fail(Errc::not_found, "the job has waited long enough");
    work.trouble = text;
    return Extra();
  });
  if (enough) return false;
  if (!done) return std::unexpected(done.error());
  return true;
}

Result<void> Ledger::check(const Assignment& assignment) {
  TRY(const auto document, parts_.store.get(kWork, assignment.work.job));
  if (!document) return std::unexpected(lease_lost());
  TRY(const Work work, Work::parse(*document));
  return holds(work, assignment) ? Result<void>() : std::unexpected(lease_lost());
}

Result<std::vector<PartResult>> Ledger::results(const Assignment& assignment) {
  const std::string& job = assignment.work.job;
  TRY(const auto documents, parts_.store.list(kPartResults, job + "/"));
  // Results go in the commit that ends the work: while the lease holds, all of them were there.
  TRY_OK(check(assignment));
  std::vector<PartResult> all;
  for (const store::Document& document : documents) {
    TRY(PartResult one, PartResult::parse(document));
    all.push_back(std::move(one));
  }
  return all;
}

Result<Ledger::Extra> Ledger::end(Work& work, const std::optional<std::string>& failure) {
  auto found = record(work.endpoint, work.job);
  if (!found) return std::unexpected(lease_lost());
  Extra extra;
  const bool leaves = failure || found->spec.delete_inputs;
  extra.ended = true;
  extra.writes.push_back(end_record(*std::move(found),
                                    failure ? JobState::failed : JobState::finished,
                                    failure.value_or(""), &work));
  if (leaves) extra.writes.push_back(put(kLitter, work.job, *extra.writes.front().body));
  TRY_OK(free_slot(work, extra.writes));
  TRY_OK(drop_results(work.job, extra.writes));
  return extra;
}

Result<void> Ledger::finish(const Assignment& assignment, std::optional<std::string> failure) {
  TRY_OK(change(assignment.work.job, [&](Work& work) -> Result<Extra> {
    if (!holds(work, assignment)) return std::unexpected(lease_lost());
    if (work.failure && !failure) failure = work.failure->text;
    return end(work, failure);
  }));
  return {};
}

Result<void> Ledger::finish_whole(const Assignment& assignment, const Boundary& boundary,
                                  const PartResult& result) {
  return change_part(assignment, [&](Work& work, Part& part) -> Result<Extra> {
    if (work.parts.size() != 1 || work.done != 0 || work.failure || !boundary.at_end)
      return fail(Errc::internal, "a job of several parts was finished by one");
    work.input_bytes = boundary.input_bytes;
    work.bytes_done = boundary.end - part.begin;
    work.rows_done = result.rows;
    work.rows_skipped = result.rows_skipped;
    return end(work, std::nullopt);
  });
}

Result<std::string> Ledger::graph(std::string_view digest) {
  TRY(const auto document, parts_.store.get(kGraphs, digest));
  if (!document) return fail(Errc::not_found, "the published graph is not in the store");
  return document->body;
}

Result<std::vector<JobRecord>> Ledger::litter() {
  TRY(const auto documents, parts_.store.list(kLitter, ""));
  std::vector<JobRecord> all;
  for (const store::Document& document : documents) {
    TRY(JobRecord one, JobRecord::parse(document, parts_.vault));
    all.push_back(std::move(one));
  }
  return all;
}

Result<void> Ledger::remove_litter(std::string_view job) {
  std::vector<store::Write> writes;
  writes.push_back(erase(kLitter, std::string(job)));
  TRY_OK(parts_.store.commit(std::move(writes)));
  return {};
}

Result<std::size_t> Ledger::sweep_records(std::string_view collection, TimeMs before,
                                          std::set<std::string, std::less<>>& needed) {
  std::size_t removed = 0;
  std::string after;
  for (;;) {
    TRY(const auto page, parts_.store.page(collection, "", after, kSweepPage));
    if (page.empty()) return removed;
    after = page.back().key;
    for (const store::Document& document : page) {
      TRY(JobRecord one, JobRecord::parse(document, parts_.vault));
      const bool idle = is_final(one.state) || one.state == JobState::not_started;
      const TimeMs last = is_final(one.state) ? one.ended_ms : one.spec.created_ms;
      if (!idle || last >= before) {
        needed.insert(one.spec.graph);
        continue;
      }
      std::vector<store::Write> writes;
      writes.push_back(erase_if(collection, document.key, document.version));
      one.expired = one.state == JobState::finished && has_own_output(one.spec);
      const bool uploaded = one.state == JobState::not_started && one.spec.delete_inputs;
      if (one.expired || uploaded)
        writes.push_back(put(kLitter, one.spec.id, one.document(parts_.vault)));
      const auto done = parts_.store.commit(std::move(writes));
      if (!done && !lost_race(done.error())) return std::unexpected(done.error());
      removed += done ? 1 : 0;
    }
  }
}

Result<std::size_t> Ledger::sweep(TimeMs before) {
  TRY(const auto graphs, parts_.store.list(kGraphs, ""));
  std::set<std::string, std::less<>> needed;
  TRY(const std::size_t removed, sweep_records(kJobs, before, needed));
  TRY_OK(sweep_records(kLeft, before, needed));
  for (const store::Document& document : graphs) {
    if (needed.contains(document.key)) continue;
    std::vector<store::Write> writes;
    writes.push_back(erase_if(kGraphs, document.key, document.version));
    const auto done = parts_.store.commit(std::move(writes));
    if (!done && !lost_race(done.error())) return std::unexpected(done.error());
  }
  return removed;
}

}  // namespace mlgate::batch
