// help, completion and version: no session, nothing but text.

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <zlib.h>

#include <boost/version.hpp>

#include "app/command_line.h"
#include "app/commands.h"
#include "app/help.h"
#include "app/usage_error.h"
#include "base/utf8.h"
#include "job/spec_schema.h"

namespace haul::app {

int version_command(const Settings& settings, Output& output) {
  const std::string boost =
      fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
  const std::string compiler = "Clang " __clang_version__;
  const std::string openssl = OpenSSL_version(OPENSSL_VERSION_STRING);
  if (settings.json) {
    std::string& out = output.buffer();
    out += "{\"version\":\"" HAUL_VERSION "\",\"compiler\":";
    append_json(out, compiler);
    out += fmt::format(
        ",\"libraries\":{{\"boost\":\"{}\",\"openssl\":\"{}\",\"zlib\":\"{}\",\"fmt\":\"{}\"}}}}\n", boost,
        openssl, zlibVersion(), FMT_VERSION);
  } else {
    output.write(fmt::format("haul " HAUL_VERSION "\nbuilt with {}; Boost {}, OpenSSL {}, zlib {}\n",
                             compiler, boost, openssl, zlibVersion()));
  }
  return kDone;
}

int help_command(const Settings& settings, Output& output) {
  const ProgramDescription program = describe_program();
  if (settings.help_manual) {
    output.write(manual_page(program, HAUL_VERSION));
  } else if (settings.help_topic.empty()) {
    output.write(general_help(program));
  } else if (settings.help_topic == "job-schema") {
    output.write(job::job_schema());
  } else {
    const CommandDescription* command = program.find(settings.help_topic);
    if (command == nullptr)
      throw UsageError("no help for '" + visible(settings.help_topic) + "'",
                       "'haul help' lists the commands");
    output.write(command_help(*command));
  }
  return kDone;
}

int completion_command(const Settings& settings, Output& output) {
  output.write(completion_script(describe_program(), settings.shell));
  return kDone;
}

}  // namespace haul::app
