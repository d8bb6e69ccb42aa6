#include "app/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/command_line.h"

namespace haul::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Help, NamesEveryCommandAndEveryVisibleOption) {
  const ProgramDescription program = describe_program();
  const std::string general = general_help(program);
  const std::string manual = manual_page(program, "1.0");
  for (const CommandDescription& command : program.commands) {
    EXPECT_THAT(general, HasSubstr("  " + command.name));
    const std::string help = command_help(command);
    for (const OptionDescription& option : command.options) {
      if (option.group.empty())
        EXPECT_THAT(help, Not(HasSubstr(option.names.front() + " "))) << command.name;
      else
        EXPECT_THAT(help, HasSubstr(option.names.back())) << command.name;
      EXPECT_FALSE(option.text.empty()) << option.names.front();
    }
  }
  EXPECT_THAT(manual, HasSubstr("\\-\\-max\\-delete"));
}

TEST(Help, FitsATerminal) {
  for (const CommandDescription& command : describe_program().commands) {
    std::string line;
    for (const char c : command_help(command)) {
      if (c != '\n') {
        line += c;
        continue;
      }
      EXPECT_LE(line.size(), 100U) << line;
      line.clear();
    }
  }
}

TEST(Manual, HasTheSectionsAndNoLineThatRoffWouldMistake) {
  const std::string manual = manual_page(describe_program(), "1.0");
  for (const char* section :
       {".TH HAUL 1", ".SH NAME", ".SH SYNOPSIS", ".SH COMMANDS", ".SH \"EXIT STATUS\""})
    EXPECT_THAT(manual, HasSubstr(section));
  std::size_t begin = 0;
  while (begin < manual.size()) {
    const std::size_t end = manual.find('\n', begin);
    const std::string line = manual.substr(begin, end - begin);
    if (line.starts_with('.'))
      EXPECT_TRUE(line.starts_with(".TH ") || line.starts_with(".SH ") || line.starts_with(".SS ") ||
                  line == ".PP" || line == ".TP" || line == ".nf" || line == ".fi" ||
                  line.starts_with(".BR "))
          << line;
    EXPECT_FALSE(line.starts_with('\''));
    begin = end + 1;
  }
}

TEST(Completion, KnowsCommandsOptionsAndWordsInAllShells) {
  const ProgramDescription program = describe_program();
  for (const Shell shell : {Shell::bash, Shell::zsh, Shell::fish}) {
    const std::string script = completion_script(program, shell);
    EXPECT_THAT(script, HasSubstr("sync"));
    EXPECT_THAT(script, HasSubstr("max-delete"));
    EXPECT_THAT(script, HasSubstr("if-different always never if-newer"));
    EXPECT_THAT(script, Not(HasSubstr("shards")));
  }
}

TEST(Wrap, BreaksBetweenWordsAndKeepsParagraphs) {
  EXPECT_EQ(wrap("one two three", 2, 9), "  one two\n  three\n");
  EXPECT_EQ(wrap("a\n\nb", 0, 10), "a\n\nb\n");
}

}  // namespace
}  // namespace haul::app
