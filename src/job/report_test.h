// A directory for a report, for tests: made anew, looked at, tampered with, removed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "job/report.h"

namespace haul::job {

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    std::string name = (std::filesystem::temp_directory_path() / "haul-report-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    root_ = name;
  }
  ~ReportTest() override { std::filesystem::remove_all(root_); }

  std::string directory() const { return (root_ / "report").string(); }
  std::filesystem::path path(const std::string& name) const { return root_ / "report" / name; }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories(root_ / "report");
    std::ofstream(path(name), std::ios::binary) << content;
  }
  void remove(const std::string& name) const { std::filesystem::remove(path(name)); }
  void clear() const { std::filesystem::remove_all(root_ / "report"); }
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(root_ / "report"))
      all[entry.path().filename().string()] = read(entry.path().filename().string());
    return all;
  }

  // What becomes of continuing at a position; nothing if it works.
  std::optional<ErrorClass> class_of_continuing(const std::string& position) const {
    try {
      const ReportFiles files(directory(), {}, position);
    } catch (const Error& error) {
      return error.error_class();
    }
    return std::nullopt;
  }

 private:
  std::filesystem::path root_;
};

}  // namespace haul::job
