// The manual page, in the man(7) macros of roff.

#include <fmt/format.h>

#include "app/help.h"
#include "app/texts.h"

namespace haul::app {
namespace {

// Text as roff takes it literally: no line begins with a control character, no backslash or hyphen is
// interpreted (a bare hyphen would become a typographic one, which nobody can paste).
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '~')
      out += "\\(ti";
    else if (c == '^')
      out += "\\(ha";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '"')
      out += "\\(dq";
    else
      out += c;
    line_start = c == '\n';
  }
  return out;
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    out += ".PP\n" + roff(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

void add_options(std::string& out, const CommandDescription& command) {
  std::string group;
  for (const OptionDescription& option : command.options) {
    if (option.group.empty()) continue;
    if (option.group != group) {
      group = option.group;
      out += ".PP\n" + roff(group) + ":\n";
    }
    out += ".TP\n";
    std::string names;
    for (const std::string& name : option.names)
      names += (names.empty() ? "\\fB" : "\\fR, \\fB") + roff(name);
    if (option.takes_value()) names += " \\fI" + roff(option.value);
    out += names + "\\fR\n" + roff(option.text) + "\n";
  }
}

void add_command(std::string& out, const CommandDescription& command) {
  out += fmt::format(".SS \"haul {} [OPTIONS] {}\"\n", roff(command.name), roff(command.arguments));
  std::string summary = command.summary;
  summary[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(summary[0])));
  out += roff(summary) + ".\n" + paragraphs(command.details);
  for (const auto& [line, text] : command.examples) {
    out += ".PP\n.nf\n    " + roff(line) + "\n.fi\n";
    if (!text.empty()) out += roff(text) + "\n";
  }
  add_options(out, command);
}

}  // namespace

std::string manual_page(const ProgramDescription& program, std::string_view version) {
  std::string out = fmt::format(".TH HAUL 1 \"\" \"haul {}\" \"User Commands\"\n", version);
  out += ".SH NAME\nhaul \\- " + roff(kProgramSummary) + "\n";
  out += ".SH SYNOPSIS\n\\fBhaul\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] \\fIARGUMENTS\\fR\n.SH DESCRIPTION\n";
  out += roff(
      "Haul copies, moves, synchronises, compares and removes files and S3 objects, ten or ten million of "
      "them, "
      "within a fixed amount of memory, and finds its own speed. Every object has an outcome, and the sums "
      "must "
      "close: listed = copied + skipped + filtered + failed. A command that was killed is run again and ends "
      "as "
      "if undisturbed.");
  out += "\n";
  for (const SectionText& section : section_texts())
    if (section.heading != "EXIT STATUS" && section.heading != "ENVIRONMENT")
      out += fmt::format(".SH {}\n", section.heading) + paragraphs(section.text).substr(4);
  out += ".SH COMMANDS\n";
  for (const CommandDescription& command : program.commands)
    add_command(out, command);
  for (const SectionText& section : section_texts())
    if (section.heading == "EXIT STATUS" || section.heading == "ENVIRONMENT")
      out += fmt::format(".SH \"{}\"\n", section.heading) + paragraphs(section.text).substr(4);
  out += ".SH SEE ALSO\n.BR aws (1),\n.BR rclone (1)\n";
  return out;
}

}  // namespace haul::app
