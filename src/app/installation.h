#pragma once
// What a data folder is initialised with, and how its parts are opened.
#include "app/data_folder.h"
#include "app/settings.h"
#include "identity/identity.h"
#include "management/management.h"
#include "store/store.h"
#include "studio/datasets.h"

#include <memory>
#include <vector>

namespace mlgate::app {

// Makes folder, store, master key, certificates, the principal `admin` and the workspace; writes
// the credentials file.
Result<void> initialise(const Settings& settings);

// The datasets that every workspace has.
std::vector<studio::SampleDataset> sample_datasets();

// The options of the management interface that settings decide; ports are those listened on.
management::Options management_options(const Settings& settings, std::uint16_t gateway_https,
                                       std::uint16_t console_https, std::uint16_t services_http);

}  // namespace mlgate::app
