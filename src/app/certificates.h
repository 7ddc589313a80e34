#pragma once
// The certificates that the program presents and trusts: its own, renewed when an instance is
// created, those of sites, and what its clients verify against.
#include "app/data_folder.h"
#include "app/settings.h"
#include "net/server_tls.h"
#include "net/tls_ca.h"

#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace mlgate::app {

// Threads: any, but for open().
class Certificates {
 public:
  Certificates(const Settings& settings, const DataFolder& data)
      : settings_(settings), folder_(data.tls()) {}
  Certificates(const Certificates&) = delete;

  Result<void> open();
  // Of the gateway's listeners, which may ask for client certificates, and of all others.
  ssl_ctx_st* gateway() const noexcept { return gateway_->context(); }
  ssl_ctx_st* others() const noexcept { return others_->context(); }
  ssl_ctx_st* client() const noexcept { return client_.get(); }
  std::filesystem::path authority() const { return net::tls_files(folder_).ca_certificate; }

  // Has our own certificate name these instances as well.
  Result<void> name_instances(std::span<const std::string> services);
  // Reads the files again. True when it did; after an error, which names the file, all stays as it
  // was.
  enum class Refresh : unsigned char { always, if_changed };
  Result<bool> refresh(Refresh when);

 private:
  std::vector<std::string> names() const;  // Under mutex_, or alone.
  Result<void> renew();                    // Under mutex_.

  const Settings& settings_;
  std::filesystem::path folder_;
  std::unique_ptr<net::ServerTls> others_, gateway_;
  net::TlsContext client_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> named_;  // Instances in the certificate, in lower case.
};

}  // namespace mlgate::app
