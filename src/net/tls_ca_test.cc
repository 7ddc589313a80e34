#include "net/tls_ca.h"

#include "net/server_tls.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>

namespace mlgate::net {
namespace {

namespace fs = std::filesystem;
constexpr TimeMs kDay = 86'400'000;

class TlsCa : public testing::Test {
 protected:
  void SetUp() override {
    // OpenSSL's own socket BIO writes without MSG_NOSIGNAL.
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = (fs::temp_directory_path() / "mlgate-tls-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }

  static std::string text_of(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static int mode_of(const fs::path& file) {
    struct stat info{};
    EXPECT_EQ(::stat(file.c_str(), &info), 0);
    return int(info.st_mode & 0777);
  }
  static bool has_name(const CertificateInfo& info, std::string_view name) {
    return std::ranges::find(info.names, name) != info.names.end();
  }

  fs::path folder;
  TimeMs now = system_clock().now_ms();
};

// What a handshake over a real socket pair ended with.
struct Shaken {
  bool client_done = false, server_done = false;
  long verify = -1;
  std::string protocol, version;
};

struct ClientSide {
  std::string name = "localhost";
  std::string address = {};
  int version_max = 0;
};

Shaken shake(ssl_ctx_st* server_context, ssl_ctx_st* client_context, const ClientSide& side) {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  Shaken out;
  std::thread server([&] {
    SSL* tls = SSL_new(server_context);
    SSL_set_fd(tls, ends[0]);
    out.server_done = SSL_accept(tls) == 1;
    SSL_free(tls);
    ::close(ends[0]);
    ERR_clear_error();
  });
  SSL* tls = SSL_new(client_context);
  SSL_set_fd(tls, ends[1]);
  if (side.version_max != 0) SSL_set_max_proto_version(tls, side.version_max);
  if (side.address.empty()) {
    SSL_set_tlsext_host_name(tls, side.name.c_str());
    SSL_set1_host(tls, side.name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), side.address.c_str());
  }
  out.client_done = SSL_connect(tls) == 1;
  out.verify = SSL_get_verify_result(tls);
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls, &chosen, &size);
  if (size > 0) out.protocol.assign(reinterpret_cast<const char*>(chosen), size);
  out.version = SSL_get_version(tls);
  ::shutdown(ends[1], SHUT_RDWR);
  server.join();
  SSL_free(tls);
  ::close(ends[1]);
  ERR_clear_error();
  return out;
}

TEST_F(TlsCa, MakesAuthorityAndCertificateOnce) {
  const auto files = ensure_certificates(folder, {"demo.localhost", "10.0.0.7"}, now);
  ASSERT_TRUE(files) << files.error().message();
  EXPECT_EQ(mode_of(files->ca_key), 0600);
  EXPECT_EQ(mode_of(files->server_key), 0600);

  const auto ca = read_certificate(files->ca_certificate);
  ASSERT_TRUE(ca);
  EXPECT_EQ(ca->subject, "CN=mlgate local CA");
  EXPECT_EQ(ca->issuer, ca->subject);
  EXPECT_GT(ca->not_after, now + 3640 * kDay);
  EXPECT_EQ(ca->sha256.size(), 64u);

  const auto server = read_certificate(files->server_certificate);
  ASSERT_TRUE(server);
  EXPECT_EQ(server->issuer, ca->subject);
  for (const auto* name :
       {"localhost", "*.localhost", "127.0.0.1", "::1", "demo.localhost", "10.0.0.7"})
    EXPECT_TRUE(has_name(*server, name)) << name;
  EXPECT_LE(server->not_after - server->not_before, 397 * kDay);
  EXPECT_GT(server->not_after, now + 390 * kDay);

  const std::string before = text_of(files->server_certificate) + text_of(files->ca_certificate);
  ASSERT_TRUE(ensure_certificates(folder, {"demo.localhost"}, now + 300 * kDay));
  EXPECT_EQ(text_of(files->server_certificate) + text_of(files->ca_certificate), before);
}

TEST_F(TlsCa, RenewsTheServerCertificateButNeverTheAuthority) {
  const auto files = ensure_certificates(folder, {}, now);
  ASSERT_TRUE(files);
  const std::string ca = text_of(files->ca_certificate);
  std::string last = text_of(files->server_certificate);
  const auto renewed = [&](const std::vector<std::string>& names, TimeMs when) {
    EXPECT_TRUE(ensure_certificates(folder, names, when));
    EXPECT_EQ(text_of(files->ca_certificate), ca);
    const std::string text = text_of(files->server_certificate);
    const bool changed = text != last;
    last = text;
    return changed;
  };
  EXPECT_FALSE(renewed({}, now + 366 * kDay));
  EXPECT_TRUE(renewed({}, now + 368 * kDay));
  EXPECT_TRUE(renewed({"new.example"}, now + 368 * kDay));
  EXPECT_FALSE(renewed({"NEW.example", "0:0::1"}, now + 368 * kDay));
  fs::remove(files->server_key);
  EXPECT_TRUE(renewed({"new.example"}, now + 368 * kDay));
  std::ofstream(files->server_certificate) << "garbage";
  EXPECT_TRUE(renewed({"new.example"}, now + 368 * kDay));
}

TEST_F(TlsCa, SaysWhatIsWrongWithTheFolder) {
  const auto missing = ensure_certificates(folder / "absent", {}, now);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("absent"), std::string::npos);

  const auto files = ensure_certificates(folder, {}, now);
  ASSERT_TRUE(files);
  const auto expired = ensure_certificates(folder, {}, now + 4000 * kDay);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code(), Errc::precondition_failed);

  EXPECT_EQ(ensure_certificates(folder, {"not a name"}, now).error().code(),
            Errc::invalid_argument);
  EXPECT_EQ(ensure_certificates(folder, {"a,DNS:b"}, now).error().code(), Errc::invalid_argument);

  fs::copy_file(files->server_key, files->ca_key, fs::copy_options::overwrite_existing);
  EXPECT_EQ(ensure_certificates(folder, {"other.example"}, now).error().code(), Errc::conflict);

  std::ofstream(files->ca_certificate) << "garbage";
  EXPECT_FALSE(ensure_certificates(folder, {}, now));
}

TEST_F(TlsCa, ClientAndServerAgree) {
  const auto files = ensure_certificates(folder, {"demo.localhost"}, now);
  ASSERT_TRUE(files);
  const std::string_view http1[] = {"http/1.1"};
  const auto server = make_server_context(files->server_certificate, files->server_key, http1);
  const auto client = make_client_context(files->ca_certificate, http1);
  ASSERT_TRUE(server) << server.error().message();
  ASSERT_TRUE(client) << client.error().message();

  for (const ClientSide& side :
       {ClientSide{}, ClientSide{.name = "demo.localhost"}, ClientSide{.address = "127.0.0.1"},
        ClientSide{.address = "::1"}}) {
    const Shaken ok = shake(server->get(), client->get(), side);
    EXPECT_TRUE(ok.client_done && ok.server_done) << side.name << side.address;
    EXPECT_EQ(ok.verify, X509_V_OK);
    EXPECT_EQ(ok.protocol, "http/1.1");
    EXPECT_EQ(ok.version, "TLSv1.3");
  }
  const Shaken older = shake(server->get(), client->get(), {.version_max = TLS1_2_VERSION});
  EXPECT_TRUE(older.client_done);
  EXPECT_EQ(older.version, "TLSv1.2");
}

TEST_F(TlsCa, AContextInUseShowsTheCertificateThatReplacedItsOwn) {
  const auto files = ensure_certificates(folder, {}, now);
  ASSERT_TRUE(files);
  const auto server = ServerTls::open(
      {.certificate = files->server_certificate, .key = files->server_key, .protocols = {}});
  const auto client = make_client_context(files->ca_certificate, {});
  ASSERT_TRUE(server && client);
  ssl_ctx_st* const context = (*server)->context();
  // A client does not take *.localhost for it.
  EXPECT_FALSE(shake(context, client->get(), {.name = "demo.localhost"}).client_done);
  ASSERT_TRUE(ensure_certificates(folder, {"demo.localhost"}, now));
  ASSERT_TRUE((*server)->reload());
  for (const int version : {TLS1_2_VERSION, 0}) {
    const Shaken shaken =
        shake(context, client->get(), {.name = "demo.localhost", .version_max = version});
    EXPECT_TRUE(shaken.client_done && shaken.server_done) << shaken.verify;
  }
  EXPECT_TRUE(shake(context, client->get(), {.name = "localhost"}).client_done);
  // What cannot be used changes nothing.
  fs::copy_file(files->ca_key, files->server_key, fs::copy_options::overwrite_existing);
  EXPECT_FALSE((*server)->reload());
  fs::remove(files->server_certificate);
  EXPECT_FALSE((*server)->reload());
  EXPECT_TRUE(shake(context, client->get(), {.name = "demo.localhost"}).client_done);
}

TEST_F(TlsCa, StrangersAndOldVersionsAreRefused) {
  const auto files = ensure_certificates(folder, {}, now);
  ASSERT_TRUE(files);
  const std::string_view http1[] = {"http/1.1"};
  const std::string_view other[] = {"spdy/3"};
  const auto server = make_server_context(files->server_certificate, files->server_key, http1);
  const auto client = make_client_context(files->ca_certificate, {});
  const auto stranger = make_client_context({}, {});
  const auto speaks_other = make_client_context(files->ca_certificate, other);
  ASSERT_TRUE(server && client && stranger && speaks_other);

  const Shaken name = shake(server->get(), client->get(), {.name = "example.org"});
  EXPECT_FALSE(name.client_done);
  EXPECT_EQ(name.verify, X509_V_ERR_HOSTNAME_MISMATCH);
  const Shaken authority = shake(server->get(), stranger->get(), {});
  EXPECT_FALSE(authority.client_done);
  EXPECT_NE(authority.verify, X509_V_OK);
  EXPECT_FALSE(shake(server->get(), speaks_other->get(), {}).client_done);
  const Shaken silent = shake(server->get(), client->get(), {});
  EXPECT_TRUE(silent.client_done);
  EXPECT_EQ(silent.protocol, "");
  EXPECT_FALSE(shake(server->get(), client->get(), {.version_max = TLS1_1_VERSION}).client_done);
}

TEST_F(TlsCa, ContextsNameTheFileThatIsWrong) {
  const auto files = ensure_certificates(folder, {}, now);
  ASSERT_TRUE(files);
  const auto absent = make_server_context(files->server_certificate, folder / "none.key", {});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code(), Errc::not_found);
  EXPECT_NE(absent.error().message().find("none.key"), std::string::npos);
  const auto mixed = make_server_context(files->server_certificate, files->ca_key, {});
  ASSERT_FALSE(mixed);
  EXPECT_NE(mixed.error().message().find("ca.key"), std::string::npos);
  EXPECT_FALSE(make_server_context(files->server_key, files->server_key, {}));
  EXPECT_FALSE(make_client_context(files->server_key, {}));
  const std::string_view empty[] = {""};
  EXPECT_FALSE(make_client_context({}, empty));
}

}  // namespace
}  // namespace mlgate::net
