// Where settings come from, which source wins, and what is said about wrong ones.
#include "app/settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mlgate::app {
namespace {

class SettingsTest : public testing::Test {
 protected:
  void TearDown() override {
    std::filesystem::remove(path_);
    ::unsetenv("MLGATE_GATEWAY_HTTP_PORT");
    ::unsetenv("MLGATE_SERVICES_IN_PROCESS");
  }
  std::vector<Error> read(std::string_view yaml) {
    std::ofstream(path_) << yaml;
    return settings_.read_file(path_);
  }
  // The fields of the errors.
  std::vector<std::string> wrong(std::string_view yaml) {
    std::vector<std::string> out;
    for (const Error& error : read(yaml)) {
      EXPECT_NE(error.message().find(path_), std::string::npos) << error.message();
      out.push_back(error.field());
    }
    return out;
  }

  std::string path_ = (std::filesystem::temp_directory_path() /
                       ("mlgate-settings-" + std::to_string(::getpid()) + ".yaml"))
                          .string();
  Settings settings_;
};

TEST_F(SettingsTest, EverySettingHasADefaultThatItAccepts) {
  for (const SettingInfo& info : all_settings()) {
    Settings fresh;
    EXPECT_TRUE(fresh.set(info.name, info.default_text)) << info.name;
    EXPECT_TRUE(info.help.ends_with('.')) << info.name;
  }
}

TEST_F(SettingsTest, AFileIsReadByNestedAndDottedNames) {
  EXPECT_TRUE(read("gateway:\n  http_port: 9000\nroles: [gateway, console]\nbind: ::1\n").empty());
  EXPECT_EQ(settings_.integer("gateway.http_port"), 9000);
  EXPECT_EQ(settings_.list("roles"), (std::vector<std::string>{"gateway", "console"}));
  EXPECT_EQ(settings_.text("bind"), "::1");
  EXPECT_TRUE(read("").empty());
  EXPECT_TRUE(read("gateway.https_port: 9001\n").empty());
  EXPECT_EQ(settings_.integer("gateway.https_port"), 9001);
}

TEST_F(SettingsTest, EveryWrongKeyIsNamed) {
  EXPECT_EQ(wrong("gateway:\n  htp_port: 1\n  http_port: many\nworkers: 1000\n"),
            (std::vector<std::string>{"gateway.htp_port", "gateway.http_port", "workers"}));
  EXPECT_EQ(settings_.integer("gateway.http_port"), 8080);
  EXPECT_EQ(wrong("services:\n  in_process: perhaps\n"),
            (std::vector<std::string>{"services.in_process"}));
  EXPECT_EQ(read("- a\n- b\n").size(), 1U);
  EXPECT_EQ(read("a: [unclosed\n").size(), 1U);
  EXPECT_EQ(settings_.read_file("/nonexistent.yaml").size(), 1U);
}

TEST_F(SettingsTest, TheEnvironmentGoesBeforeTheFile) {
  EXPECT_TRUE(read("gateway:\n  http_port: 9000\n  https_port: 9001\n").empty());
  ::setenv("MLGATE_GATEWAY_HTTP_PORT", "9100", 1);
  EXPECT_TRUE(settings_.read_environment().empty());
  EXPECT_EQ(settings_.integer("gateway.http_port"), 9100);
  EXPECT_EQ(settings_.integer("gateway.https_port"), 9001);
  ::setenv("MLGATE_SERVICES_IN_PROCESS", "1", 1);
  const auto errors = settings_.read_environment();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].message().find("MLGATE_SERVICES_IN_PROCESS"), std::string::npos);
}

TEST_F(SettingsTest, AnUnknownNameIsRefusedWithWhereToLook) {
  const auto done = settings_.set("gateway.port", "1");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().field(), "gateway.port");
  EXPECT_NE(done.error().message().find("config schema"), std::string::npos);
}

TEST_F(SettingsTest, WhatIsShownReadsBackAsTheSame) {
  ASSERT_TRUE(settings_.set("gateway.access_log", "a \"quoted\" name: #1"));
  ASSERT_TRUE(settings_.set("roles", "gateway,services"));
  const std::string shown = settings_.to_yaml();
  Settings again;
  std::ofstream(path_) << shown;
  for (const Error& error : again.read_file(path_)) ADD_FAILURE() << error.message();
  EXPECT_EQ(again.to_yaml(), shown);
}

}  // namespace
}  // namespace mlgate::app
