// The commands that look at durable runs, and ask something of them, from beside the process that works. They
// need no session, and block. Each gives the exit code.
#pragma once

#include <optional>

#include "app/output.h"
#include "app/screen.h"
#include "app/settings.h"
#include "base/env.h"

namespace haul::app {

int runs_command(const Settings& settings, const Env& env, Screen& screen, Output& output);
int status_command(const Settings& settings, const Env& env, Output& output);
int errors_command(const Settings& settings, const Env& env, Output& output);

// The exit code is that of the run; 130 for Ctrl-C, which leaves the run alone.
int watch_command(const Settings& settings, const Env& env, Screen& screen, Output& output);

// Each waits until the run has obeyed, or a while: then it says that the wish stays.
int pause_command(const Settings& settings, const Env& env, Screen& screen, Output& output);
// Of a paused run whose process waits: that process goes on with it.
int let_go_on(const Settings& settings, const Env& env, Screen& screen, Output& output);
// Nothing if no process works on the run: then somebody with a session has to end it.
std::optional<int> cancel_command(const Settings& settings, const Env& env, Screen& screen, Output& output);
int tell_cancelled(const Settings& settings, const Env& env, Screen& screen, Output& output);
int approve_command(const Settings& settings, const Env& env, Screen& screen, Output& output);

}  // namespace haul::app
