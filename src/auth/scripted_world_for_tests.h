// A world for tests of this room: a network that is a table, files and programs that are tables.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "auth/chain.h"
#include "base/error.h"
#include "runtime/shard.h"

namespace haul::auth {

// Answers by "METHOD url"; of several answers each is given once, the last one for good. Who is not in the
// table does not answer at all.
class ScriptedFetch final : public Fetch {
 public:
  ScriptedFetch& on(const std::string& request, int status, std::string body = "", std::string date = "") {
    answers_[request].push_back({.status = status, .date = std::move(date), .body = std::move(body)});
    return *this;
  }
  ScriptedFetch& silent(const std::string& request) {  // never answers
    answers_[request].push_back({.status = 0});
    return *this;
  }

  Task<FetchAnswer> send(const FetchRequest& request, OpContext&) override {
    requests.push_back(request);
    const auto found = answers_.find(request.method + " " + request.url);
    if (found == answers_.end()) throw Error(ErrorClass::unavailable, "connection refused");
    FetchAnswer answer = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    if (answer.status == 0) throw Error(ErrorClass::timed_out, "no answer");
    co_return answer;
  }

  std::vector<FetchRequest> requests;

 private:
  std::map<std::string, std::deque<FetchAnswer>> answers_;
};

struct ScriptedWorld {
  ManualEnv env;
  ScriptedFetch network;
  std::map<std::string, std::string> files;
  std::map<std::string, ProgramResult> programs;  // by the arguments joined by |
  Runtime runtime{env, null_logger(), {.shards = 1, .blocking_threads = 1}};
  OpContext context = runtime.context();
  AwsWorld world{env, network,
                 [this](const std::string& path) -> std::optional<std::string> {
                   const auto found = files.find(path);
                   if (found == files.end()) return std::nullopt;
                   return found->second;
                 },
                 [this](const std::vector<std::string>& arguments) {
                   std::string line;
                   for (const std::string& argument : arguments)
                     line.append(line.empty() ? "" : "|").append(argument);
                   return programs.at(line);
                 }};

  ScriptedWorld() { env.set_variable("HOME", "/home/u"); }

  Snapshot get(const std::shared_ptr<CredentialsProvider>& provider) {
    return runtime.run_for(provider->get(context));
  }
  Snapshot get(const IdentityOptions& options = {}) {
    return get(resolve_identity(options, world).credentials);
  }

  // What is thrown by finding and getting credentials.
  std::optional<Error> failure(const IdentityOptions& options = {}) {
    try {
      get(options);
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }
};

inline constexpr std::string_view kJsonCredentials =
    R"({"Code":"Success","AccessKeyId":"ASIAJSON","SecretAccessKey":"jsonSECRET","Token":"jsonTOKEN",)"
    R"("Expiration":"2023-11-15T04:13:20Z","AccountId":"111122223333"})";  // 6 h after ManualEnv begins

inline std::string role_answer(std::string_view key, std::string_view action = "AssumeRole") {
  const std::string name(action);
  return "<" + name + R"(Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><)" + name +
         "Result><Credentials><AccessKeyId>" + std::string(key) +
         "</AccessKeyId><SecretAccessKey>roleSECRET</SecretAccessKey><SessionToken>role/TOKEN+=</"
         "SessionToken>"
         "<Expiration>2023-11-14T23:13:20Z</Expiration></Credentials><AssumedRoleUser>"
         "<AssumedRoleId>AROA:job</AssumedRoleId>"
         "<Arn>arn:aws:sts::222222222222:assumed-role/archive-writer/job</Arn></AssumedRoleUser></" +
         name + "Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></" + name +
         "Response>";
}

inline std::string refusal_answer(std::string_view code, std::string_view message) {
  return "<ErrorResponse><Error><Type>Sender</Type><Code>" + std::string(code) + "</Code><Message>" +
         std::string(message) + "</Message></Error><RequestId>r-2</RequestId></ErrorResponse>";
}

}  // namespace haul::auth
