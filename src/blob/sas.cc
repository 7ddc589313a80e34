// Shared access signatures: reading, writing, and the string that each version signs.
#include "base/text.h"
#include "blob/authorization.h"
#include "blob/fault.h"

namespace mlgate::blob {
namespace {

struct Parameter {
  std::string_view name;
  std::string Sas::* member;
};

// In the order in which sas_query writes them.
constexpr Parameter kParameters[] = {
    {"sv", &Sas::sv},           {"ss", &Sas::ss},         {"srt", &Sas::srt},
    {"spr", &Sas::spr},         {"st", &Sas::st},         {"se", &Sas::se},
    {"sip", &Sas::sip},         {"si", &Sas::si},         {"ses", &Sas::ses},
    {"skoid", &Sas::skoid},     {"sktid", &Sas::sktid},   {"skt", &Sas::skt},
    {"ske", &Sas::ske},         {"sks", &Sas::sks},       {"skv", &Sas::skv},
    {"skdutid", &Sas::skdutid}, {"saoid", &Sas::saoid},   {"suoid", &Sas::suoid},
    {"scid", &Sas::scid},       {"sduoid", &Sas::sduoid}, {"sdd", &Sas::sdd},
    {"srh", &Sas::srh},         {"srq", &Sas::srq},       {"sr", &Sas::sr},
    {"sp", &Sas::sp},           {"rscc", &Sas::rscc},     {"rscd", &Sas::rscd},
    {"rsce", &Sas::rsce},       {"rscl", &Sas::rscl},     {"rsct", &Sas::rsct},
    {"sig", &Sas::sig}};

bool has_sig(std::string_view query) {
  for (const std::string_view pair : split(query, '&'))
    if (pair.starts_with("sig=")) return true;
  return false;
}

bool is_version(std::string_view text) noexcept {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (const std::size_t i : {0U, 1U, 2U, 3U, 5U, 6U, 8U, 9U})
    if (!is_digit(text[i])) return false;
  return true;
}

class Lines {
 public:
  Lines& operator<<(std::string_view line) {
    if (!first_) out_ += '\n';
    first_ = false;
    out_ += line;
    return *this;
  }
  std::string text() && { return std::move(out_); }

 private:
  std::string out_;
  bool first_ = true;
};

std::string canonical_resource(const Sas& sas, const SasTarget& target) {
  std::string out = sas.sv >= "2015-02-21" ? "/blob/" : "/";
  out.append(target.account).append("/").append(target.container);
  if (!target.blob.empty()) out.append("/").append(target.blob);
  return out;
}

void add_response_headers(Lines& lines, const Sas& sas) {
  lines << sas.rscc << sas.rscd << sas.rsce << sas.rscl << sas.rsct;
}

std::string signed_headers(const Sas& sas, const SignedRequest* request) {
  std::string out;
  if (sas.srh.empty() || request == nullptr) return out;
  for (const std::string_view name : split(sas.srh, ','))
    out.append(name).append(":").append(request->headers->get(name)).append("\n");
  return out;
}

std::string signed_query(const Sas& sas, const SignedRequest* request) {
  std::string out;
  if (sas.srq.empty() || request == nullptr) return out;
  for (const std::string_view name : split(sas.srq, ','))
    out.append("\n").append(name).append(":").append(
        http::query_parameter(request->query, name).value_or(""));
  return out;
}

}  // namespace

Result<std::optional<Sas>> parse_sas(std::string_view query) {
  if (query.starts_with('?')) query.remove_prefix(1);
  if (!has_sig(query)) return std::nullopt;
  Sas sas;
  std::uint32_t seen = 0;
  for (const std::string_view pair : split(query, '&')) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = pair.substr(0, equals);
    for (std::size_t i = 0; i < std::size(kParameters); ++i) {
      if (kParameters[i].name != name) continue;
      auto value = percent_decode(pair.substr(equals + 1));
      if (!value || (seen >> i & 1) != 0 || value->find('\n') != std::string::npos)
        return fail(Fault::invalid_query_parameter_value,
                    "The query parameter '" + std::string(name) + "' is invalid.");
      seen |= std::uint32_t{1} << i;
      sas.*kParameters[i].member = *std::move(value);
    }
  }
  if (!sas.sv.empty() && !is_version(sas.sv))
    return fail(Fault::invalid_query_parameter_value, "The query parameter 'sv' is invalid.");
  return sas;
}

std::string sas_query(const Sas& sas) {
  std::string out;
  for (const Parameter& parameter : kParameters) {
    const std::string& value = sas.*parameter.member;
    if (value.empty()) continue;
    if (!out.empty()) out += '&';
    out.append(parameter.name).append("=").append(percent_encode(value));
  }
  return out;
}

Result<std::string> account_sas_string(const Sas& sas, std::string_view account) {
  if (sas.sv < "2015-04-05")
    return fail(Fault::authentication_failed, "An account SAS needs sv of 2015-04-05 or later.");
  Lines lines;
  lines << account << sas.sp << sas.ss << sas.srt << sas.st << sas.se << sas.sip << sas.spr
        << sas.sv;
  if (sas.sv >= "2020-12-06") lines << sas.ses;
  lines << "";
  return std::move(lines).text();
}

Result<std::string> service_sas_string(const Sas& sas, const SasTarget& target) {
  Lines lines;
  lines << sas.sp << sas.st << sas.se << canonical_resource(sas, target) << sas.si;
  if (sas.sv.empty()) return std::move(lines).text();
  if (sas.sv < "2012-02-12")
    return fail(Fault::authentication_failed, "sv must be 2012-02-12 or later.");
  if (sas.sv >= "2015-04-05") lines << sas.sip << sas.spr;
  lines << sas.sv;
  if (sas.sv >= "2018-11-09") lines << sas.sr << target.snapshot;
  if (sas.sv >= "2020-12-06") lines << sas.ses;
  if (sas.sv >= "2013-08-15") add_response_headers(lines, sas);
  return std::move(lines).text();
}

Result<std::string> user_delegation_sas_string(const Sas& sas, const SasTarget& target,
                                               const SignedRequest* request) {
  if (sas.sv < "2018-11-09")
    return fail(Fault::authentication_failed,
                "A user delegation SAS needs sv of 2018-11-09 or later.");
  Lines lines;
  lines << sas.sp << sas.st << sas.se << canonical_resource(sas, target);
  lines << sas.skoid << sas.sktid << sas.skt << sas.ske << sas.sks << sas.skv;
  if (sas.sv >= "2020-02-10") lines << sas.saoid << sas.suoid << sas.scid;
  if (sas.sv >= "2025-07-05") lines << sas.skdutid << sas.sduoid;
  lines << sas.sip << sas.spr << sas.sv << sas.sr << target.snapshot;
  if (sas.sv >= "2020-12-06") lines << sas.ses;
  if (sas.sv >= "2026-04-06") lines << signed_headers(sas, request) << signed_query(sas, request);
  add_response_headers(lines, sas);
  return std::move(lines).text();
}

Result<std::string> make_service_sas(const SasTarget& target, const SasGrant& grant,
                                     std::string_view key) {
  const auto seconds = [](TimeMs time) {
    std::string text = to_iso8601(time);
    return text.erase(text.find('.')) + "Z";
  };
  Sas sas;
  sas.sv = grant.version;
  sas.sr = target.blob.empty() ? "c" : "b";
  sas.sp = grant.permissions;
  if (grant.start_ms != 0) sas.st = seconds(grant.start_ms);
  sas.se = seconds(grant.expiry_ms);
  TRY(const std::string string_to_sign, service_sas_string(sas, target));
  TRY(sas.sig, sign(key, string_to_sign));
  return sas_query(sas);
}

std::optional<TimeMs> parse_sas_time(std::string_view text) noexcept { return parse_iso8601(text); }

}  // namespace mlgate::blob
