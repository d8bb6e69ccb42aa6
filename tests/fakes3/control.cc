// The control endpoint below /_fakes3/: faults, settings, counters. Never signed, never counted, never
// faulty.
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "exchange.h"

namespace haul::fakes3 {

namespace {

using nlohmann::json;

json stats_document(const Server& server) {
  const Stats& stats = server.stats;
  auto read = [](const std::atomic<std::uint64_t>& value) { return value.load(std::memory_order_relaxed); };
  json operations = json::object();
  for (std::size_t i = 0; i < kOperations; ++i) {
    if (std::uint64_t count = read(stats.operations[i])) {
      operations[std::string(operation_name(static_cast<Operation>(i)))] = count;
    }
  }
  json calls = json::array();
  for (const RoleCall& call : server.role_calls()) {
    calls.push_back({{"action", call.action},
                     {"role", call.role},
                     {"session", call.session},
                     {"policy", call.policy},
                     {"account", call.account},
                     {"seconds", call.seconds}});
  }
  return {{"requests", read(stats.requests)},
          {"operations", std::move(operations)},
          {"bytes_in", read(stats.bytes_in)},
          {"bytes_out", read(stats.bytes_out)},
          {"throttled", read(stats.throttled)},
          {"faults", read(stats.faults)},
          {"client_errors", read(stats.client_errors)},
          {"server_errors", read(stats.server_errors)},
          {"most_in_progress", read(stats.most_in_progress)},
          {"connections", read(stats.connections)},
          {"open_connections", read(stats.open_connections)},
          {"most_open_connections", read(stats.most_open_connections)},
          {"stored_bytes", server.stored()},
          {"rules", json::parse(server.faults.report())},
          {"role_calls", std::move(calls)}};
}

void change_settings(Server& server, const std::string& text) {
  json settings = json::parse(text);
  for (const auto& [name, value] : settings.items()) {
    if (name == "latency-us") {
      server.latency_us = value.get<std::uint64_t>();
    } else if (name == "rate") {
      server.rate = value.get<std::uint64_t>();
    } else if (name == "sts-seconds") {
      server.sts_seconds = value.get<std::int64_t>();
    } else {
      throw std::invalid_argument("no setting that can be changed is called '" + name + "'");
    }
  }
}

}  // namespace

void control_operation(Exchange& exchange) {
  Server& server = exchange.server;
  Response& response = exchange.response;
  std::string what(exchange.request.method);
  what.append(" ").append(exchange.request.path.substr(9));
  response.type = "application/json";
  response.text = "{}";
  try {
    if (what == "GET stats") {
      response.text = stats_document(server).dump(1);
    } else if (what == "PUT faults") {
      server.faults.load(exchange.body.text);
    } else if (what == "DELETE faults") {
      server.faults.clear();
    } else if (what == "PUT settings") {
      change_settings(server, exchange.body.text);
    } else if (what == "POST reset") {
      server.reset();
    } else if (what == "POST reset-stats") {
      server.stats.reset();
    } else if (what == "POST expire-sessions") {
      server.identities.expire_sessions();
    } else {
      response.status = 404;
      response.text = R"({"error": "no such control"})";
    }
  } catch (const std::exception& error) {
    response.status = 400;
    response.text = json{{"error", error.what()}}.dump();
  }
}

}  // namespace haul::fakes3
