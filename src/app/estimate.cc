#include "app/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "base/time_format.h"

namespace haul::app {
namespace {

constexpr std::chrono::seconds kWindow{30};

double seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double>(to - from).count();
}

std::uint64_t copied(const Figures& figures) {
  return figures.done_objects + figures.arrived_objects;
}

// To two figures, since more is not known.
std::string rough(Duration duration) {
  const double seconds = std::max(1.0, std::chrono::duration<double>(duration).count());
  if (seconds < 90) return fmt::format("{:.0f}s", seconds);
  if (seconds < 90 * 60) return fmt::format("{:.0f}m", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.0f}h", seconds / 3600);
  return fmt::format("{:.0f}d", seconds / 86400);
}

}  // namespace

void Estimate::add(const Figures& figures, SteadyTime now) {
  samples_.push_back({now, figures});
  while (samples_.size() > 2 && now - samples_[1].time > kWindow)
    samples_.pop_front();
}

double Estimate::objects_per_second() const {
  if (samples_.size() < 2) return 0;
  const double span = seconds_between(samples_.front().time, samples_.back().time);
  const std::uint64_t before = copied(samples_.front().figures), now = copied(samples_.back().figures);
  const std::uint64_t done = now - std::min(now, before);  // what is to be tried again was done once
  return span > 0 ? static_cast<double>(done) / span : 0;
}

double Estimate::bytes_per_second() const {
  if (samples_.size() < 2) return 0;
  const double span = seconds_between(samples_.front().time, samples_.back().time);
  const std::uint64_t before = samples_.front().figures.done_bytes, now = samples_.back().figures.done_bytes;
  const std::uint64_t done = now - std::min(now, before);
  return span > 0 ? static_cast<double>(done) / span : 0;
}

std::optional<Remaining> Estimate::remaining() const {
  if (samples_.size() < 2) return std::nullopt;
  const Figures& now = samples_.back().figures;
  if (now.listing) return std::nullopt;
  const double objects = objects_per_second(), bytes = bytes_per_second();
  const auto objects_left = static_cast<double>(now.found_objects - std::min(now.found_objects, copied(now)));
  const auto bytes_left = static_cast<double>(now.found_bytes - std::min(now.found_bytes, now.done_bytes));
  if (objects_left == 0 && bytes_left == 0) return std::nullopt;
  std::optional<double> least, most;
  for (const auto& [left, rate] : {std::pair{objects_left, objects}, std::pair{bytes_left, bytes}}) {
    if (left == 0 || rate <= 0) continue;
    least = std::min(least.value_or(left / rate), left / rate);
    most = std::max(most.value_or(left / rate), left / rate);
  }
  if (!least || *most > 1e9) return std::nullopt;
  const auto span = [](double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  };
  return Remaining{span(*least), span(*most)};
}

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3)
    digits.insert(i - 3, ",");
  return digits;
}

std::string progress_line(const Figures& figures, const Estimate& estimate) {
  const std::string_view more = figures.listing ? "+" : "";
  std::string line = fmt::format("{} of {}{} objects, {}", with_commas(figures.done_objects),
                                 with_commas(figures.found_objects), more, format_size(figures.done_bytes));
  // Not all that names objects tells their sizes: rows of a catalogue, lists of keys.
  if (figures.found_bytes != 0 && figures.found_bytes >= figures.done_bytes)
    line += fmt::format(" of {}{}", format_size(figures.found_bytes), more);
  if (figures.arrived_objects != 0)
    line += fmt::format(", {} more copied", with_commas(figures.arrived_objects));
  line += fmt::format(", {}/s, {}/s", with_commas(static_cast<std::uint64_t>(estimate.objects_per_second())),
                      format_size(static_cast<std::uint64_t>(estimate.bytes_per_second())));
  if (figures.failed_objects != 0) line += fmt::format(", {} FAILED", with_commas(figures.failed_objects));
  if (figures.listing) line += fmt::format(", listing ({} seen)", with_commas(figures.listed_objects));
  if (const auto left = estimate.remaining()) {
    const std::string least = rough(left->least), most = rough(left->most);
    line += least == most ? ", " + least + " left" : ", " + least + " to " + most + " left";
  }
  return line;
}

}  // namespace haul::app
