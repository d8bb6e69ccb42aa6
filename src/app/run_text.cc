#include "app/run_text.h"

#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "app/accounts_text.h"
#include "app/remedy.h"
#include "app/screen.h"
#include "base/time_format.h"
#include "base/utf8.h"

namespace haul::app {
namespace {

constexpr std::size_t kChunksShown = 8;

std::string ago(Time then, Time now) {
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - then).count());
  if (seconds < 120) return fmt::format("{:.0f}s ago", seconds);
  if (seconds < 120 * 60) return fmt::format("{:.0f}m ago", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.0f}h ago", seconds / 3600);
  return fmt::format("{:.0f}d ago", seconds / 86400);
}

std::string moment(Time time, Time now) {
  return format_iso8601(time, Fraction::none) + " (" + ago(time, now) + ")";
}

void add_line(std::string& text, std::string_view head, std::string_view line) {
  text += fmt::format("{:<10}{}\n", head, line);
}

std::string chunks_line(const engine::RunInfo& run) {
  std::string line =
      fmt::format("{} done, {} in work", with_commas(run.chunks_done), with_commas(run.chunks_leased));
  if (run.oldest_lease) line += " (the oldest for " + format_duration(*run.oldest_lease) + ")";
  line += fmt::format(", {} waiting", with_commas(run.chunks_queued));
  if (run.chunks_held != 0) line += fmt::format(", {} held back", with_commas(run.chunks_held));
  if (run.accounts.retried != 0)
    line += fmt::format("; {} objects tried again", with_commas(run.accounts.retried));
  return line;
}

std::string process_line(const engine::RunInfo& run) {
  if (run.pid == 0) return "none yet";
  std::string line = fmt::format("{} on {}", run.pid, visible(run.host));
  if (!run.alive) return line + ", gone";
  if (run.heartbeat_age) line += ", last heard of " + format_duration(*run.heartbeat_age) + " ago";
  if (run.stuck && run.progress_age) line += ", STUCK: no progress for " + format_duration(*run.progress_age);
  return line;
}

std::string effort_line(const catalog::CatalogEffort& effort) {
  std::string line = fmt::format("{} rows selected, {} statements", with_commas(effort.rows_selected),
                                 with_commas(effort.statements));
  if (effort.reconnects != 0)
    line += fmt::format(", connected again {} times", with_commas(effort.reconnects));
  if (effort.waited_for_rate > Duration(0))
    line += ", held back by rows-per-second for " + format_duration(effort.waited_for_rate);
  return line;
}

std::string catalogue_line(const job::Accounts& accounts) {
  std::string line = fmt::format("{} rows updated", with_commas(accounts.rows_updated));
  if (accounts.rows_unmatched != 0)
    line += fmt::format(", {} objects without a row", with_commas(accounts.rows_unmatched));
  return line;
}

std::string kind_name(const FailureKind& kind) {
  std::string name(to_string(kind.error_class));
  if (!kind.code.empty()) name += " " + visible(kind.code);
  return name;
}

}  // namespace

std::string short_count(std::uint64_t count) {
  if (count < 100'000) return with_commas(count);
  double value = static_cast<double>(count);
  char unit = 'K';
  for (value /= 1000; value >= 999.5 && unit != 'T'; value /= 1000)
    unit = unit == 'K' ? 'M' : unit == 'M' ? 'G' : 'T';
  return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, unit);
}

std::string runs_table(std::span<const engine::RunInfo> runs, Time now, std::size_t width) {
  std::size_t id = 3, status = 6;
  for (const engine::RunInfo& run : runs) {
    id = std::max(id, short_id(run.id).size());
    status = std::max(status, status_text(run).size());
  }
  std::string table;
  const auto add = [&](std::string_view run, std::string_view how, std::string_view began,
                       std::string_view objects, std::string_view failed, std::string_view name) {
    const std::string line = fmt::format("{:<{}}  {:<{}}  {:<8}  {:>7}  {:>6}  {}", run, id, how, status,
                                         began, objects, failed, name);
    const std::string_view shown = cut_to_width(line, width);
    if (shown.size() < line.size())
      table.append(cut_to_width(line, width - 1)).append("\u2026");
    else
      table += line;
    table += '\n';
  };
  add("RUN", "STATUS", "CREATED", "OBJECTS", "FAILED", "JOB");
  for (const engine::RunInfo& run : runs)
    add(short_id(run.id), status_text(run), ago(run.created, now), short_count(run.accounts.listed),
        short_count(run.accounts.failures()), visible(run.job));
  return table;
}

std::string_view wish_word(const engine::RunInfo& run) {
  if (job::is_final(run.status)) return {};
  switch (run.wish) {
    case job::Wish::none: return {};
    case job::Wish::pause: return "pause";
    case job::Wish::cancel: return "cancel";
  }
  return {};
}

Figures figures_of(const engine::RunInfo& run) {
  const nlohmann::json live = nlohmann::json::parse(run.figures, nullptr, false);
  const auto figure = [&live](const char* name) -> std::uint64_t {
    if (!live.is_object() || !live.contains(name) || !live[name].is_number_unsigned()) return 0;
    return live[name].get<std::uint64_t>();
  };
  const job::Accounts& accounts = run.accounts;
  const std::uint64_t extras_done = accounts.extra_deleted + accounts.extra_failed;
  Figures figures;
  figures.done_objects = std::max(accounts.worked() + extras_done, figure("done_objects"));
  figures.found_objects =
      std::max(accounts.worked() + extras_done + run.objects_queued, figure("found_objects"));
  figures.arrived_objects = run.alive ? figure("arrived_objects") : 0;
  figures.done_bytes = std::max(
      {accounts.copied_bytes, figure("done_bytes") + figure("arrived_bytes"), figure("moved_bytes")});
  figures.found_bytes =
      std::max({figure("found_bytes"), accounts.copied_bytes + run.bytes_queued, figures.done_bytes});
  figures.failed_objects = std::max(accounts.failures(), figure("failed_objects"));
  figures.listed_objects = std::max(accounts.listed, figure("listed_objects"));
  figures.listing = !run.discovery_ended && !job::is_final(run.status);
  return figures;
}

std::string run_text(const RunPicture& picture, const Estimate& estimate, Time now) {
  const engine::RunInfo& run = picture.info;
  std::string text;
  add_line(text, "run", run.id);
  add_line(text, "job", visible(run.job) + ", " + visible(run.operation));
  add_line(text, "status", status_text(run));
  if (!run.error.empty()) add_line(text, "", visible(run.error));
  if (const std::string_view asked = wish_word(run); !asked.empty())
    add_line(text, "", fmt::format("asked to {}", asked));
  if (!run.approved_by.empty()) add_line(text, "approved", "by " + visible(run.approved_by));
  add_line(text, "started", moment(run.started.value_or(run.created), now));
  if (run.ended)
    add_line(text, "ended",
             moment(*run.ended, now) + ", after " +
                 format_duration(*run.ended - run.started.value_or(run.created)));
  else
    add_line(text, "process", process_line(run));
  std::string_view head = "accounts";
  for (const std::string& line : equation_lines(run.accounts))
    add_line(text, std::exchange(head, ""), line);
  if (!run.ended) {
    add_line(text, "progress", progress_line(figures_of(run), estimate));
    add_line(text, "chunks", chunks_line(run));
  } else if (!run.accounts.closed()) {
    add_line(text, "", "the accounts DO NOT ADD UP");
  }
  if (run.status == job::RunStatus::awaiting_approval) add_line(text, "would", approval_text(run));
  if (run.accounts.rows_updated != 0 || run.accounts.rows_unmatched != 0)
    add_line(text, "catalogue", catalogue_line(run.accounts));
  if (picture.catalogue) add_line(text, "", effort_line(*picture.catalogue));
  if (run.accounts.sources_kept != 0)
    add_line(text, "",
             fmt::format("{} sources are kept for a while", with_commas(run.accounts.sources_kept)));
  if (run.accounts.losses != 0)
    add_line(text, "", fmt::format("{} properties could not be kept", with_commas(run.accounts.losses)));
  if (!picture.failures.empty()) {
    text += "failures\n";
    text += failure_kinds_text(picture.failures, run.id);
  }
  add_line(text, "report", visible(run.report));
  if (!run.parent.empty()) add_line(text, "follows", run.parent);
  for (const engine::RunInfo& child : picture.children)
    add_line(text, "followed",
             fmt::format("by {} ({}, {})", child.id, visible(child.operation), status_text(child)));
  if (const std::string advice = advice_for(run); !advice.empty()) add_line(text, "to do", advice);
  return text;
}

std::string watch_line(const RunPicture& picture, const Estimate& estimate) {
  return fmt::format("{}: {}", status_text(picture.info), progress_line(figures_of(picture.info), estimate));
}

std::string watch_text(const RunPicture& picture, const Estimate& estimate, Time now, std::size_t rows) {
  const engine::RunInfo& run = picture.info;
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{} ({}) {}, began {}", visible(run.job), visible(run.operation),
                              status_text(run), ago(run.started.value_or(run.created), now)));
  lines.push_back(progress_line(figures_of(run), estimate));
  for (std::string& line : equation_lines(run.accounts))
    lines.push_back(std::move(line));
  lines.push_back("chunks: " + chunks_line(run));
  if (run.accounts.rows_updated != 0 || run.accounts.rows_unmatched != 0)
    lines.push_back("catalogue: " + catalogue_line(run.accounts));
  if (const std::string_view asked = wish_word(run); !asked.empty())
    lines.push_back(fmt::format("asked to {}", asked));
  if (const std::string advice = advice_for(run); !advice.empty()) lines.push_back("to do: " + advice);
  for (const FailureKind& kind : picture.failures)
    lines.push_back(
        fmt::format("{:>9} {}: {}", with_commas(kind.count), kind_name(kind), visible(kind.example.key)));
  std::size_t shown = 0;
  for (const engine::ChunkInfo& chunk : picture.in_work) {
    if (++shown > kChunksShown) break;
    lines.push_back(fmt::format("  chunk {}: {} objects, {}{}{}", chunk.id, with_commas(chunk.objects),
                                format_size(chunk.bytes),
                                chunk.attempt > 1 ? fmt::format(", attempt {}", chunk.attempt) : "",
                                chunk.leased ? ", for " + format_duration(*chunk.leased) : ""));
  }
  if (lines.size() > rows) lines.resize(std::max<std::size_t>(rows, 1));
  std::string text;
  for (const std::string& line : lines)
    text.append(text.empty() ? "" : "\n").append(line);
  return text;
}

std::string approval_text(const engine::RunInfo& run) {
  const job::Accounts& accounts = run.accounts;
  const std::uint64_t extras = accounts.extra - std::min(accounts.extra, accounts.extra_kept);
  const std::uint64_t objects = objects_to_do(accounts);
  std::string text = fmt::format("{} {} objects, {}", visible(run.operation), with_commas(objects),
                                 format_size(run.bytes_queued));
  if (run.operation == "move") text += fmt::format("; remove {} at the source", with_commas(objects));
  if (extras != 0) text += fmt::format("; remove {} objects at the destination", with_commas(extras));
  return text;
}

std::string failure_kinds_text(std::span<const FailureKind> kinds, std::string_view run) {
  std::string text;
  for (const FailureKind& kind : kinds) {
    text += fmt::format("{:>9}  {}\n", with_commas(kind.count), kind_name(kind));
    text += fmt::format("           {}\n", error_line(kind.example));
    text += fmt::format("           {}\n", remedy_for(kind.error_class, run));
  }
  return text;
}

std::string error_line(const engine::ErrorRecord& record) {
  const std::string key = visible(record.key);
  std::string message = visible(record.message);
  if (message.find(key) != std::string::npos) return message;
  return key + ": " + message;
}

}  // namespace haul::app
