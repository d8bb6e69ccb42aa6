#include "app/job_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "app/usage_error.h"
#include "base/utf8.h"

namespace haul::app {
namespace {

constexpr std::size_t kLongestFile = 2 << 20;  // the reader says that it is too long

std::string read_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw errno_error(EISDIR, "read job file", visible(path));
  errno = 0;
  std::ifstream file(path == "-" ? "/dev/stdin" : path, std::ios::binary);
  if (!file) throw errno_error(errno != 0 ? errno : EIO, "read job file", visible(path));
  std::string text(kLongestFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace

bool reads_job_files(const Settings& settings) {
  return settings.command == Command::run
             ? settings.plan.empty()
             : settings.command == Command::plan && settings.locations.size() == 1;
}

std::vector<job::JobSpec> load_job_files(const Settings& settings, const Env& env) {
  job::SpecContext context;
  context.env = &env;
  context.now = env.wall_now();
  context.directory = std::filesystem::current_path().string();
  for (const auto& [name, value] : settings.variables)
    context.variables[name] = value;
  std::vector<job::JobSpec> specs;
  std::set<std::string> names;
  std::string mistakes;
  for (const std::string& path : settings.locations) {
    context.file = path == "-" ? "standard input" : path;
    const std::string text = read_file(path);
    try {
      specs.push_back(job::parse_job_spec(text, context));
      if (!names.insert(specs.back().name).second)
        mistakes += fmt::format("\n{}: a second job of the name {}", visible(path), specs.back().name);
    } catch (const job::SpecError& error) {
      for (const std::string& line : error.lines())
        mistakes += "\n" + line;
    }
  }
  if (!mistakes.empty()) throw UsageError(mistakes.substr(1));
  return specs;
}

}  // namespace haul::app
