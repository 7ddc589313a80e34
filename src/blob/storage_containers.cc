// Containers, service properties, and lists.
#include "base/crypto.h"
#include "base/text.h"
#include "blob/fault.h"
#include "blob/files.h"
#include "blob/index.h"
#include "blob/rows_internal.h"
#include "blob/storage.h"

#include <algorithm>

namespace mlgate::blob {
namespace {

constexpr std::size_t kPageMax = 5'000;

// Markers are opaque to callers: the name that the next page begins with.
std::string marker_of(std::string_view next) { return base64url_encode(next); }

Result<std::string> name_of(const std::string& marker) {
  if (marker.empty()) return std::string();
  auto name = base64url_decode(marker);
  if (!name)
    return fail(Fault::out_of_range_query_parameter_value, "The marker is not one of this list.");
  return *std::move(name);
}

// The smallest text above everything that begins with `prefix`; empty when there is none.
std::string after_prefix(std::string prefix) {
  while (!prefix.empty()) {
    if (static_cast<unsigned char>(prefix.back()) != 0xFF) {
      ++reinterpret_cast<unsigned char&>(prefix.back());
      return prefix;
    }
    prefix.pop_back();
  }
  return prefix;
}

std::size_t page_size(const ListQuery& query) {
  return std::clamp<std::size_t>(query.max_results, 1, kPageMax);
}

// Walks the names of a container from one on, those with only uncommitted blocks among them when
// they are wanted. A fresh query after each prefix that is skipped: seeking is cheaper than
// reading.
class BlobWalk {
 public:
  BlobWalk(Session& session, std::uint64_t container, const ListQuery& query, TimeMs now)
      : session_(session), container_(container), query_(query), now_(now) {}

  Result<BlobPage> page(std::string from) {
    if (from < query_.prefix) from = query_.prefix;
    const std::size_t most = page_size(query_);
    for (;;) {
      TRY(const std::optional<std::string> jump, rows_from(from, most));
      if (!jump) return std::move(page_);
      from = *jump;
    }
  }

 private:
  static constexpr const char* kBlobs =
      "SELECT " MLGATE_BLOB_COLUMNS " FROM blobs WHERE container=?1 AND name>=?2 ORDER BY name";
  static constexpr const char* kAll =
      "SELECT " MLGATE_BLOB_COLUMNS
      " FROM blobs WHERE container=?1 AND name>=?2 UNION ALL SELECT 0, container, name, 0, since,"
      " since, 0, '[]', '[]', '', 0, 0, 0, '', '', 0 FROM uploads WHERE container=?1 AND name>=?2"
      " AND NOT EXISTS(SELECT 1 FROM blobs WHERE blobs.container=uploads.container AND"
      " blobs.name=uploads.name) ORDER BY 3";

  // Adds rows until the page is full, the names end (nullopt), or a prefix is to be jumped over.
  Result<std::optional<std::string>> rows_from(const std::string& from, std::size_t most) {
    TRY(store::Statement * rows, session_.statement(query_.uncommitted ? kAll : kBlobs));
    rows->bind(1, container_).bind(2, from);
    for (;;) {
      TRY(const bool more, rows->step());
      if (!more) return std::nullopt;
      std::string name = rows->text(2);
      if (!name.starts_with(query_.prefix)) return std::nullopt;
      if (page_.items.size() >= most) {
        page_.next_marker = marker_of(name);
        return std::nullopt;
      }
      const std::size_t cut = query_.delimiter.empty()
                                  ? std::string::npos
                                  : name.find(query_.delimiter, query_.prefix.size());
      if (cut == std::string::npos) {
        BlobRow row = blob_row(*rows, now_);
        if (row.id == 0) row.info.etag.clear();
        page_.items.push_back({{}, std::move(row.info)});
        continue;
      }
      name.resize(cut + query_.delimiter.size());
      std::string next = after_prefix(name);
      page_.items.push_back({std::move(name), {}});
      if (next.empty()) return std::nullopt;
      return next;
    }
  }

  Session& session_;
  std::uint64_t container_;
  const ListQuery& query_;
  TimeMs now_;
  BlobPage page_;
};

Result<void> run_with_container(Session& session, const char* sql, std::uint64_t container) {
  TRY(store::Statement * statement, session.statement(sql));
  return statement->bind(1, container).run();
}

Result<void> mark_container(Session& session, const char* sql, std::uint64_t container,
                            TimeMs now) {
  TRY(store::Statement * statement, session.statement(sql));
  return statement->bind(1, container).bind(2, std::uint64_t(now)).run();
}

Result<void> erase_container(Session& session, std::uint64_t container, TimeMs now) {
  TRY_OK(mark_container(session,
                        "INSERT OR IGNORE INTO garbage SELECT parts.content, ?2 FROM blobs JOIN"
                        " parts ON parts.blob=blobs.id WHERE blobs.container=?1",
                        container, now));
  TRY_OK(mark_container(session,
                        "INSERT OR IGNORE INTO garbage SELECT content, ?2 FROM blocks WHERE"
                        " container=?1",
                        container, now));
  for (const char* sql :
       {"DELETE FROM parts WHERE blob IN (SELECT id FROM blobs WHERE container=?1)",
        "DELETE FROM blobs WHERE container=?1", "DELETE FROM blocks WHERE container=?1",
        "DELETE FROM uploads WHERE container=?1", "DELETE FROM containers WHERE id=?1"}) {
    TRY_OK(run_with_container(session, sql, container));
  }
  return spare_used(session, now);
}

}  // namespace

Result<ContainerInfo> Storage::create_container(const Place& place, const Metadata& metadata,
                                                PublicAccess access) {
  const TimeMs now = clock_.now_ms();
  ContainerInfo info;
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    TRY(store::Statement * put,
        session.statement("INSERT INTO containers(account, name, etag, modified, metadata, access,"
                          " policies, lease_id, lease_duration, lease_expires, lease_breaks)"
                          " VALUES(?1,?2,?3,?4,?5,?6,'[]','',0,0,0) ON CONFLICT DO NOTHING"
                          " RETURNING id"));
    const std::string text = encode(metadata);
    TRY(const bool made, put->bind(1, place.account)
                             .bind(2, place.container)
                             .bind(3, next_etag(0, now))
                             .bind(4, std::uint64_t(now))
                             .bind(5, text)
                             .bind(6, std::uint64_t(access))
                             .step());
    put->reset();
    if (!made) return fail(Fault::container_already_exists);
    TRY(ContainerRow row, find_container(session, place, now));
    info = std::move(row.info);
    return {};
  }));
  return info;
}

Result<void> Storage::delete_container(const Place& place, const Conditions& conditions) {
  const TimeMs now = clock_.now_ms();
  return index_->write([&](Session& session) -> Result<void> {
    TRY(const ContainerRow row, find_container(session, place, now));
    TRY_OK(check_conditions(conditions, row.info.etag, row.info.modified_ms, Intent::write));
    TRY_OK(check_write_lease(row.lease, conditions.lease_id, LeaseOf::container, now));
    return erase_container(session, row.id, now);
  });
}

Result<ContainerInfo> Storage::container(const Place& place, std::string_view lease_id) {
  const TimeMs now = clock_.now_ms();
  return index_->read([&](Session& session) -> Result<ContainerInfo> {
    TRY(ContainerRow row, find_container(session, place, now));
    TRY_OK(check_read_lease(row.lease, lease_id, LeaseOf::container, now));
    return std::move(row.info);
  });
}

Result<ContainerInfo> Storage::change_container(const Place& place, const Conditions& conditions,
                                                const std::function<void(ContainerInfo&)>& change) {
  const TimeMs now = clock_.now_ms();
  ContainerRow row;
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    TRY(row, find_container(session, place, now));
    TRY_OK(check_conditions(conditions, row.info.etag, row.info.modified_ms, Intent::write));
    TRY_OK(check_read_lease(row.lease, conditions.lease_id, LeaseOf::container, now));
    change(row.info);
    row.etag = next_etag(row.etag, now);
    row.info.modified_ms = now;
    return save(session, row, now);
  }));
  return row.info;
}

Result<ContainerInfo> Storage::set_container_metadata(const Place& place, const Metadata& metadata,
                                                      const Conditions& conditions) {
  return change_container(place, conditions,
                          [&](ContainerInfo& info) { info.metadata = metadata; });
}

Result<ContainerInfo> Storage::set_container_access(const Place& place, PublicAccess access,
                                                    const std::vector<AccessPolicy>& policies,
                                                    const Conditions& conditions) {
  return change_container(place, conditions, [&](ContainerInfo& info) {
    info.access = access;
    info.policies = policies;
  });
}

Result<LeaseAnswer> Storage::lease_container(const Place& place, const LeaseRequest& request,
                                             const Conditions& conditions) {
  const TimeMs now = clock_.now_ms();
  LeaseAnswer answer;
  TRY_OK(index_->write([&](Session& session) -> Result<void> {
    TRY(ContainerRow row, find_container(session, place, now));
    TRY_OK(check_conditions(conditions, row.info.etag, row.info.modified_ms, Intent::write));
    TRY(answer, apply(row.lease, request, now));
    TRY_OK(save(session, row, now));
    answer.etag = row.info.etag;
    answer.modified_ms = row.info.modified_ms;
    return {};
  }));
  return answer;
}

Result<ContainerPage> Storage::list_containers(std::string_view account, const ListQuery& query) {
  const TimeMs now = clock_.now_ms();
  TRY(std::string from, name_of(query.marker));
  if (from < query.prefix) from = query.prefix;
  return index_->read([&](Session& session) -> Result<ContainerPage> {
    ContainerPage page;
    TRY(store::Statement * rows,
        session.statement("SELECT " MLGATE_CONTAINER_COLUMNS
                          " FROM containers WHERE account=?1 AND name>=?2 ORDER BY name"));
    rows->bind(1, account).bind(2, from);
    for (;;) {
      TRY(const bool more, rows->step());
      if (!more) return page;
      std::string name = rows->text(1);
      if (!name.starts_with(query.prefix)) return page;
      if (page.items.size() >= page_size(query)) {
        page.next_marker = marker_of(name);
        return page;
      }
      page.items.push_back(container_row(*rows, now).info);
    }
  });
}

Result<BlobPage> Storage::list_blobs(const Place& container, const ListQuery& query) {
  const TimeMs now = clock_.now_ms();
  TRY(std::string from, name_of(query.marker));
  return index_->read([&](Session& session) -> Result<BlobPage> {
    TRY(const ContainerRow row, find_container(session, container, now));
    return BlobWalk(session, row.id, query, now).page(std::move(from));
  });
}

Result<std::string> Storage::service_properties(std::string_view account) {
  return index_->read([&](Session& session) -> Result<std::string> {
    TRY(store::Statement * find,
        session.statement("SELECT properties FROM services WHERE account=?1"));
    TRY(const bool found, find->bind(1, account).step());
    return found ? find->text(0) : std::string();
  });
}

Result<void> Storage::set_service_properties(std::string_view account, std::string_view xml) {
  return index_->write([&](Session& session) -> Result<void> {
    TRY(store::Statement * put, session.statement("INSERT OR REPLACE INTO services VALUES(?1,?2)"));
    return put->bind(1, account).bind(2, xml).run();
  });
}

Result<void> Storage::remove_account(std::string_view account) {
  const TimeMs now = clock_.now_ms();
  return index_->write([&](Session& session) -> Result<void> {
    std::vector<std::uint64_t> containers;
    TRY(store::Statement * rows, session.statement("SELECT id FROM containers WHERE account=?1"));
    rows->bind(1, account);
    for (;;) {
      TRY(const bool more, rows->step());
      if (!more) break;
      containers.push_back(rows->number(0));
    }
    for (const std::uint64_t container : containers) {
      TRY_OK(erase_container(session, container, now));
    }
    TRY(store::Statement * erase, session.statement("DELETE FROM services WHERE account=?1"));
    return erase->bind(1, account).run();
  });
}

}  // namespace mlgate::blob
