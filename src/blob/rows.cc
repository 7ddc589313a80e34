#include "base/crypto.h"
#include "base/json.h"
#include "blob/fault.h"
#include "blob/rows_internal.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace mlgate::blob {
namespace {

std::vector<std::string> decode_list(const std::string& text) {
  std::vector<std::string> out;
  const auto json = Json::parse(text);
  if (!json) return out;
  for (const Json& item : json->items()) out.emplace_back(item.as_string());
  return out;
}

std::string encode_list(std::initializer_list<std::string_view> texts) {
  JsonWriter w;
  w.array();
  for (const std::string_view text : texts) w.value(text);
  return std::move(w.end()).text();
}

Metadata decode_metadata(const std::string& text) {
  Metadata metadata;
  const std::vector<std::string> list = decode_list(text);
  for (std::size_t i = 0; i + 1 < list.size(); i += 2) metadata.emplace_back(list[i], list[i + 1]);
  return metadata;
}

ContentHeaders decode_headers(const std::string& text) {
  std::vector<std::string> list = decode_list(text);
  list.resize(6);
  return {list[0], list[1], list[2], list[3], list[4], list[5]};
}

std::vector<AccessPolicy> decode_policies(const std::string& text) {
  std::vector<AccessPolicy> policies;
  const std::vector<std::string> list = decode_list(text);
  for (std::size_t i = 0; i + 3 < list.size(); i += 4)
    policies.push_back({list[i], list[i + 1], list[i + 2], list[i + 3]});
  return policies;
}

TimeMs time_of(std::uint64_t number) { return TimeMs(number); }

Lease lease_at(const store::Statement& row, int column) {
  return {row.text(column), std::int64_t(row.number(column + 1)), time_of(row.number(column + 2)),
          time_of(row.number(column + 3))};
}

void bind_lease(store::Statement& statement, int index, const Lease& lease) {
  statement.bind(index, lease.id)
      .bind(index + 1, std::uint64_t(lease.duration_s))
      .bind(index + 2, std::uint64_t(lease.expires_ms))
      .bind(index + 3, std::uint64_t(lease.breaks_ms));
}

bool matches(std::string_view wanted, std::string_view etag) noexcept {
  if (wanted == "*") return !etag.empty();
  if (wanted.starts_with("W/")) wanted.remove_prefix(2);
  if (etag.empty()) return false;
  // Some clients leave the quotes out.
  return wanted == etag || wanted == etag.substr(1, etag.size() - 2);
}

}  // namespace

std::string encode(const Metadata& metadata) {
  JsonWriter w;
  w.array();
  for (const auto& [name, value] : metadata) w.value(name).value(value);
  return std::move(w.end()).text();
}

std::string encode(const ContentHeaders& h) {
  return encode_list({h.type, h.encoding, h.language, h.disposition, h.cache_control, h.md5});
}

std::string encode(const std::vector<AccessPolicy>& policies) {
  JsonWriter w;
  w.array();
  for (const AccessPolicy& one : policies)
    w.value(one.id).value(one.start).value(one.expiry).value(one.permissions);
  return std::move(w.end()).text();
}

std::string etag_text(std::uint64_t etag) {
  std::array<char, 24> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "\"0x%llX\"", static_cast<unsigned long long>(etag));
  return {text.data(), std::size_t(size)};
}

std::uint64_t next_etag(std::uint64_t old, TimeMs now) {
  const std::string random = random_bytes(3);
  std::uint64_t low = 0;
  for (const char c : random) low = low << 8 | static_cast<unsigned char>(c);
  return std::max(old + 1, std::uint64_t(now) << 20 | (low & 0xFFFFF));
}

BlobRow blob_row(const store::Statement& row, TimeMs now) {
  BlobRow out;
  out.id = row.number(0);
  out.container = row.number(1);
  out.etag = row.number(3);
  out.info.name = row.text(2);
  out.info.etag = etag_text(out.etag);
  out.info.created_ms = time_of(row.number(4));
  out.info.modified_ms = time_of(row.number(5));
  out.info.bytes = row.number(6);
  out.info.headers = decode_headers(row.text(7));
  out.info.metadata = decode_metadata(row.text(8));
  out.lease = lease_at(row, 9);
  out.info.lease = status_of(out.lease, now);
  out.info.copy_id = row.text(13);
  out.info.copy_source = row.text(14);
  out.info.copied_ms = time_of(row.number(15));
  return out;
}

ContainerRow container_row(const store::Statement& row, TimeMs now) {
  ContainerRow out;
  out.id = row.number(0);
  out.info.name = row.text(1);
  out.etag = row.number(2);
  out.info.etag = etag_text(out.etag);
  out.info.modified_ms = time_of(row.number(3));
  out.info.metadata = decode_metadata(row.text(4));
  out.info.access = PublicAccess(row.number(5));
  out.info.policies = decode_policies(row.text(6));
  out.lease = lease_at(row, 7);
  out.info.lease = status_of(out.lease, now);
  return out;
}

Result<ContainerRow> find_container(Session& session, const Place& place, TimeMs now) {
  TRY(store::Statement * find, session.statement("SELECT " MLGATE_CONTAINER_COLUMNS
                                                 " FROM containers WHERE account=?1 AND name=?2"));
  TRY(const bool found, find->bind(1, place.account).bind(2, place.container).step());
  if (!found) return fail(Fault::container_not_found);
  ContainerRow row = container_row(*find, now);
  find->reset();
  return row;
}

Result<void> save(Session& session, ContainerRow& row, TimeMs now) {
  TRY(store::Statement * update,
      session.statement("UPDATE containers SET etag=?2, modified=?3, metadata=?4, access=?5,"
                        " policies=?6, lease_id=?7, lease_duration=?8, lease_expires=?9,"
                        " lease_breaks=?10 WHERE id=?1"));
  const std::string metadata = encode(row.info.metadata), policies = encode(row.info.policies);
  update->bind(1, row.id)
      .bind(2, row.etag)
      .bind(3, std::uint64_t(row.info.modified_ms))
      .bind(4, metadata)
      .bind(5, std::uint64_t(row.info.access))
      .bind(6, policies);
  bind_lease(*update, 7, row.lease);
  TRY_OK(update->run());
  row.info.etag = etag_text(row.etag);
  row.info.lease = status_of(row.lease, now);
  return {};
}

Result<std::optional<BlobRow>> find_blob(Session& session, std::uint64_t container,
                                         std::string_view name, TimeMs now) {
  TRY(store::Statement * find, session.statement("SELECT " MLGATE_BLOB_COLUMNS
                                                 " FROM blobs WHERE container=?1 AND name=?2"));
  TRY(const bool found, find->bind(1, container).bind(2, name).step());
  if (!found) return std::nullopt;
  BlobRow row = blob_row(*find, now);
  find->reset();
  return row;
}

Result<void> save(Session& session, BlobRow& row, TimeMs now) {
  TRY(store::Statement * put,
      session.statement("INSERT INTO blobs(" MLGATE_BLOB_COLUMNS
                        ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)"
                        " ON CONFLICT(container, name) DO UPDATE SET etag=excluded.etag,"
                        " created=excluded.created, modified=excluded.modified,"
                        " bytes=excluded.bytes, headers=excluded.headers,"
                        " metadata=excluded.metadata, lease_id=excluded.lease_id,"
                        " lease_duration=excluded.lease_duration,"
                        " lease_expires=excluded.lease_expires,"
                        " lease_breaks=excluded.lease_breaks, copy_id=excluded.copy_id,"
                        " copy_source=excluded.copy_source, copied=excluded.copied"
                        " RETURNING id"));
  const std::string headers = encode(row.info.headers), metadata = encode(row.info.metadata);
  // The first stays NULL: a new row gets the next id, one that is there keeps its own.
  put->bind(2, row.container)
      .bind(3, row.info.name)
      .bind(4, row.etag)
      .bind(5, std::uint64_t(row.info.created_ms))
      .bind(6, std::uint64_t(row.info.modified_ms))
      .bind(7, row.info.bytes)
      .bind(8, headers)
      .bind(9, metadata);
  bind_lease(*put, 10, row.lease);
  put->bind(14, row.info.copy_id)
      .bind(15, row.info.copy_source)
      .bind(16, std::uint64_t(row.info.copied_ms));
  TRY(const bool returned, put->step());
  if (!returned) return fail(Errc::internal, "the blob index returned no id");
  row.id = put->number(0);
  put->reset();
  row.info.etag = etag_text(row.etag);
  row.info.lease = status_of(row.lease, now);
  return {};
}

Result<void> check_conditions(const Conditions& conditions, std::string_view etag,
                              TimeMs modified_ms, Intent intent) {
  const Fault unmet = intent == Intent::read ? Fault::not_modified : Fault::condition_not_met;
  const TimeMs second = modified_ms / 1000 * 1000;  // What Last-Modified says.
  const bool exists = !etag.empty();
  if (!conditions.if_match.empty() && !matches(conditions.if_match, etag))
    return fail(Fault::condition_not_met);
  if (!conditions.if_none_match.empty() && matches(conditions.if_none_match, etag)) {
    if (intent == Intent::write && conditions.if_none_match == "*")
      return fail(Fault::blob_already_exists);
    return fail(unmet);
  }
  if (!exists) return {};
  if (conditions.if_unmodified_since && second > *conditions.if_unmodified_since)
    return fail(Fault::condition_not_met);
  // A client that names an ETag that differs wants the content, whatever the date.
  if (conditions.if_modified_since && conditions.if_none_match.empty() &&
      second <= *conditions.if_modified_since)
    return fail(unmet);
  return {};
}

Result<void> check_blob_write(const std::optional<BlobRow>& row, const Conditions& conditions,
                              TimeMs now) {
  if (!row) {
    if (!conditions.lease_id.empty()) return fail(Fault::lease_not_present_with_blob_operation);
    return check_conditions(conditions, {}, 0, Intent::write);
  }
  TRY_OK(check_conditions(conditions, row->info.etag, row->info.modified_ms, Intent::write));
  return check_write_lease(row->lease, conditions.lease_id, LeaseOf::blob, now);
}

BlobRow replaced(std::optional<BlobRow> old, std::uint64_t container, const std::string& name,
                 TimeMs now) {
  BlobRow row = old ? *std::move(old) : BlobRow();
  row.container = container;
  row.info.name = name;
  if (row.id == 0) row.info.created_ms = now;
  row.etag = next_etag(row.etag, now);
  row.info.modified_ms = now;
  row.info.copy_id.clear();
  row.info.copy_source.clear();
  row.info.copied_ms = 0;
  forget_ended(row.lease, now);
  return row;
}

Result<ContentIds> drop_parts(Session& session, std::uint64_t blob, TimeMs now) {
  ContentIds ids;
  TRY(store::Statement * rows,
      session.statement("SELECT content FROM parts WHERE blob=?1 LIMIT ?2"));
  rows->bind(1, blob).bind(2, std::uint64_t(kOpenPartsMax + 1));
  for (;;) {
    TRY(const bool more, rows->step());
    if (!more) break;
    ids.push_back(rows->text(0));
  }
  if (ids.size() > kOpenPartsMax) ids.clear();
  TRY(store::Statement * mark,
      session.statement("INSERT OR IGNORE INTO garbage SELECT content, ?2 FROM parts WHERE"
                        " blob=?1"));
  TRY_OK(mark->bind(1, blob).bind(2, std::uint64_t(now)).run());
  TRY(store::Statement * erase, session.statement("DELETE FROM parts WHERE blob=?1"));
  TRY_OK(erase->bind(1, blob).run());
  return ids;
}

Result<void> drop_blocks(Session& session, std::uint64_t container, std::string_view name,
                         TimeMs now) {
  TRY(store::Statement * upload,
      session.statement("DELETE FROM uploads WHERE container=?1 AND name=?2 RETURNING count"));
  TRY(const bool any, upload->bind(1, container).bind(2, name).step());
  upload->reset();
  if (!any) return {};
  TRY(store::Statement * mark,
      session.statement("INSERT OR IGNORE INTO garbage SELECT content, ?3 FROM blocks WHERE"
                        " container=?1 AND name=?2"));
  TRY_OK(mark->bind(1, container).bind(2, name).bind(3, std::uint64_t(now)).run());
  TRY(store::Statement * erase,
      session.statement("DELETE FROM blocks WHERE container=?1 AND name=?2"));
  return erase->bind(1, container).bind(2, name).run();
}

Result<void> spare_used(Session& session, TimeMs now, ContentIds* dropped) {
  TRY(store::Statement * spare,
      session.statement("DELETE FROM garbage WHERE since=?1 AND"
                        " (EXISTS(SELECT 1 FROM parts WHERE parts.content=garbage.content) OR"
                        " EXISTS(SELECT 1 FROM blocks WHERE blocks.content=garbage.content))"));
  TRY_OK(spare->bind(1, std::uint64_t(now)).run());
  if (!dropped) return {};
  TRY(store::Statement * find, session.statement("SELECT 1 FROM garbage WHERE content=?1"));
  ContentIds unused;
  for (std::string& id : *dropped) {
    TRY(const bool marked, find->bind(1, id).step());
    find->reset();
    if (marked) unused.push_back(std::move(id));
  }
  *dropped = std::move(unused);
  return {};
}

}  // namespace mlgate::blob
