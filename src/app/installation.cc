#include "app/installation.h"

#include "ml/module.h"
#include "ml/samples/samples.h"
#include "net/tls_ca.h"
#include "webservice/registry.h"

#include <system_error>

namespace mlgate::app {
namespace {

Result<void> make_folders(const DataFolder& data) {
  std::error_code error;
  for (const auto& folder :
       {data.root, data.tls(), data.datasets(), data.run(), data.root / "logs"}) {
    std::filesystem::create_directories(folder, error);
    if (error)
      return fail(Errc::unavailable, "cannot make " + folder.string() + ": " + error.message());
  }
  std::filesystem::permissions(data.root, std::filesystem::perms::owner_all, error);
  return {};
}

Json credentials_json(const Settings& settings, const identity::NewPrincipal& admin,
                      const webservice::Workspace& workspace) {
  return Json::object({{"tenantId", Json(settings.text("arm.tenant_id"))},
                       {"subscriptionId", Json(settings.text("arm.subscription_id"))},
                       {"clientId", Json(admin.principal.client_id)},
                       {"clientSecret", Json(admin.secret)},
                       {"workspaceId", Json(workspace.id)},
                       {"workspaceToken", Json(workspace.primary_token)},
                       {"workspaceSecondaryToken", Json(workspace.secondary_token)}});
}

}  // namespace

std::vector<studio::SampleDataset> sample_datasets() {
  return {{.name = "Book Reviews from Amazon",
           .description = "Ratings 1 to 5 and review texts, written for this project.",
           .data_type_id = "GenericTSVNoHeader",
           .content = ml::book_reviews_tsv()}};
}

management::Options management_options(const Settings& settings, std::uint16_t gateway_https,
                                       std::uint16_t console_https, std::uint16_t services_http) {
  management::Options options;
  options.subscription_id = settings.text("arm.subscription_id");
  options.tenant_id = settings.text("arm.tenant_id");
  options.gateway_domain = settings.text("gateway.domain");
  options.gateway_port = gateway_https;
  options.console_url = "https://localhost:" + std::to_string(console_https);
  options.public_addresses = {settings.text("bind")};
  const std::string& echo = settings.text("services.echo_url");
  options.default_content.echo_url =
      echo.empty() ? "http://localhost:" + std::to_string(services_http) + "/echo" : echo;
  return options;
}

Result<void> initialise(const Settings& settings) {
  const DataFolder data{settings.text("data")};
  const Clock& clock = system_clock();
  TRY_OK(make_folders(data));
  TRY(const store::Vault vault, store::Vault::open(data.master_key()));
  TRY(const std::unique_ptr<store::Store> store, store::open_sqlite(data.store()));
  TRY(const net::TlsFiles tls, net::ensure_certificates(data.tls(), {}, clock.now_ms()));
  (void)tls;

  const management::Options options =
      management_options(settings, std::uint16_t(settings.integer("gateway.https_port")),
                         std::uint16_t(settings.integer("console.https_port")),
                         std::uint16_t(settings.integer("services.http_port")));
  TRY(identity::Identity identity,
      identity::Identity::open(*store, vault, clock,
                               {.tenant_id = options.tenant_id, .issuer = issuer_of(options)}));
  TRY(const identity::NewPrincipal admin,
      identity.create_principal("admin", identity::Role::administrator));

  ml::Catalogue catalogue;
  ml::register_modules(catalogue);
  webservice::Registry registry({.store = *store,
                                 .vault = vault,
                                 .catalogue = catalogue,
                                 .clock = clock,
                                 .datasets = [](std::string_view id) -> Result<table::Table> {
                                   return fail(Errc::not_found, "no dataset " + std::string(id));
                                 }});
  TRY_OK(registry.load());
  TRY(const webservice::Workspace workspace, registry.create_workspace("Workspace", ""));
  // Written last: its presence says that the folder is complete.
  return write_file(data.credentials(), credentials_json(settings, admin, workspace).dump() + "\n",
                    FileKind::secret);
}

}  // namespace mlgate::app
