#include "policy/call_trace.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::policy {

namespace {

// "00:00:00.0012345", as .NET writes a TimeSpan with ticks.
std::string elapsed_text(std::int64_t ns) {
  ns = std::max<std::int64_t>(ns, 0);
  std::string ticks = std::to_string(ns / 100 % 10'000'000);
  ticks.insert(0, 7 - ticks.size(), '0');
  return to_timespan(ns / 1'000'000'000) + "." + ticks;
}

}  // namespace

void CallTrace::hide(std::string_view secret) {
  if (secret.size() < kSecretBytesMin || std::ranges::find(secrets_, secret) != secrets_.end())
    return;
  // The longest first, so that none is spoilt by one that stands in it.
  const auto shorter = std::ranges::find_if(
      secrets_, [&](const std::string& one) { return one.size() < secret.size(); });
  secrets_.emplace(shorter, secret);
}

std::string CallTrace::clean(std::string_view text) const {
  std::string out(text);
  for (const auto& secret : secrets_) out = replace_all(out, secret, kHidden);
  return out;
}

void CallTrace::hide_begun(std::string& cut) const {
  for (const auto& secret : secrets_) {
    for (std::size_t size = secret.size() - 1; size >= kSecretBytesMin; --size) {
      if (!cut.ends_with(std::string_view(secret).substr(0, size))) continue;
      cut.replace(cut.size() - size, size, kHidden);
      return;
    }
  }
}

void CallTrace::note(std::string_view name, std::string_view value) {
  notes_.set(name, clean(value));
}

void CallTrace::add(Section section, std::string_view source, Json data, std::int64_t now_ns) {
  if (!notes_.is_null()) {
    for (auto& [name, value] : notes_.members()) data.set(name, std::move(value));
    notes_ = Json();
  }
  if (cut_) return;
  const std::int64_t since_ns = now_ns - start_ns_;
  std::string entry =
      Json::object({{"source", Json(source)},
                    {"timestamp", Json(to_iso8601(start_ms_ + since_ns / 1'000'000))},
                    {"elapsed", Json(elapsed_text(since_ns))},
                    {"data", std::move(data)}})
          .dump();
  if (bytes_ + entry.size() > kTraceBytesMax) {
    cut_ = true;
    entry = R"({"source":"trace","data":{"message":"The rest of the trace is left out."}})";
  }
  bytes_ += entry.size();
  std::string& list = entries_[std::size_t(section)];
  if (!list.empty()) list += ',';
  list += entry;
}

void CallTrace::add_body(Body body, std::string_view bytes) {
  std::string& kept = bodies_[std::size_t(body)];
  body_bytes_[std::size_t(body)] += bytes.size();
  kept += bytes.substr(0, kBodyBytesMax - std::min(kBodyBytesMax, kept.size()));
}

void CallTrace::end(std::int64_t now_ns) {
  constexpr std::string_view kNames[] = {"request", "response"};
  Json data = Json::object();
  for (std::size_t i = 0; i < bodies_.size(); ++i) {
    if (body_bytes_[i] == 0) continue;
    std::string shown = clean(bodies_[i]);
    if (body_bytes_[i] > bodies_[i].size()) hide_begun(shown);
    data.set(kNames[i], Json::object({{"bytes", Json(std::int64_t(body_bytes_[i]))},
                                      {"body", Json(std::move(shown))}}));
  }
  if (!data.members().empty()) add(Section::backend, "body", std::move(data), now_ns);
}

std::string CallTrace::json(std::string_view service, std::string_view id) const {
  std::string entries = "{";
  for (const Section section :
       {Section::inbound, Section::backend, Section::outbound, Section::on_error}) {
    if (section != Section::inbound) entries += ',';
    append_json_string(entries, to_text(section));
    entries += ":[" + entries_[std::size_t(section)] + "]";
  }
  entries += '}';
  JsonWriter out;
  out.object();
  if (!service.empty()) out.field("serviceName", service);
  out.field("traceId", id).key("traceEntries").raw(entries).end();
  return std::move(out).text();
}

}  // namespace mlgate::policy
