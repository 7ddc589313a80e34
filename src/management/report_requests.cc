// The usage report by request: the single calls of a period, latest first. Its list has no link to
// a next page; $skip and $top are enough.
#include "analytics/request_log.h"
#include "base/text.h"
#include "management/handlers_internal.h"
#include "management/list_internal.h"
#include "management/report_directory_internal.h"

namespace mlgate::management {
namespace {

using analytics::RequestRow;

std::string guid_of(const RequestRow& row) {
  std::string bytes;
  for (const std::uint64_t half : row.request_id)
    for (int shift = 56; shift >= 0; shift -= 8) bytes += char(half >> shift & 0xFF);
  std::string out = to_hex(bytes);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) out.insert(at, 1, '-');
  return out;
}

Json json_of(const RequestRow& row, const Directory& directory, std::string_view region) {
  Json out = Json::object();
  for (const Dimension one : {Dimension::api, Dimension::operation, Dimension::product,
                              Dimension::user, Dimension::subscription})
    out.set(member_of(one), directory.id(one, row.key.*part_of(one)));
  out.set("method", row.method).set("url", row.url).set("ipAddress", row.address);
  const int backend = row.backend_response_code;
  out.set("backendResponseCode", backend == 0 ? std::string() : std::to_string(backend));
  out.set("responseCode", std::int64_t(row.response_code));
  out.set("responseSize", std::int64_t(row.response_bytes));
  out.set("timestamp", to_iso8601(row.time_ms)).set("cache", to_text(row.cache));
  out.set("apiTime", double(row.total_ns) / 1e6);
  out.set("serviceTime", double(row.backend_ns) / 1e6).set("apiRegion", region);
  out.set("requestId", guid_of(row)).set("requestSize", std::int64_t(row.request_bytes));
  return out;
}

Result<http::Response> make_report(const Call& call) {
  TRY(const ReportFilter filter, report_filter(call, kAllDimensions));
  if (const auto order = call.query("$orderby"); order && !trim(*order).empty())
    return fail(Errc::invalid_argument, "The report cannot be ordered.", "$orderby");
  TRY(const PageWindow window, page_window(call));
  Json rows = Json::array();
  analytics::RequestPage page;
  if (call.env.options.requests && !is_elsewhere(filter, call.service)) {
    TRY(const apim::ServiceModel model, call.env.repository.load_service(call.service.name));
    const Directory directory(
        model, call.env.options.usage ? call.env.options.usage->names() : Directory::Names());
    Matcher matches(filter, directory);
    page = call.env.options.requests->read({.service = call.service.number,
                                            .from_ms = filter.from_ms,
                                            .to_ms = filter.to_ms,
                                            .wanted = std::ref(matches),
                                            .skip = std::uint64_t(window.skip),
                                            .top = std::uint64_t(window.top)});
    for (const RequestRow& row : page.rows)
      rows.push(json_of(row, directory, call.service.location));
  }
  Json body = Json::object();
  body.set("value", std::move(rows)).set("count", std::int64_t(page.count));
  return json_answer(200, body);
}

}  // namespace

http::Response get_request_report(Call& call) {
  auto answer = make_report(call);
  return answer ? *std::move(answer) : error_answer(answer.error());
}

}  // namespace mlgate::management
